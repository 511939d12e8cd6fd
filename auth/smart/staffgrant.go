package smart

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// grantPrefix is where the main store lists the grants of professionals, whom no Consent lists: by
// subject and grant, with the end of the grant. A row opens nothing, and may outlive its grant.
const grantPrefix = "grant/"

func grantListKey(subject, grant string) string { return grantPrefix + subject + "/" + grant }

// listGrant puts a grant into the list of its user, and takes out those that are over.
func (u *Users) listGrant(ctx context.Context, g *grantRecord) error {
	rows, err := u.c.Store.Settings(ctx, grantListKey(g.Subject, ""))
	if err != nil {
		return err
	}
	for key, value := range rows {
		var end time.Time
		if end.UnmarshalText(value) == nil && u.c.Clock().Before(end) {
			continue
		}
		if err := u.c.Store.SaveSetting(ctx, key, nil); err != nil {
			return err
		}
	}
	end, err := g.End.MarshalText()
	if err != nil {
		return err
	}
	return u.c.Store.SaveSetting(ctx, grantListKey(g.Subject, g.ID), end)
}

// listedGrants are the ids of the grants that the list of a user names.
func (u *Users) listedGrants(ctx context.Context, subject string) ([]string, error) {
	rows, err := u.c.Store.Settings(ctx, grantListKey(subject, ""))
	if err != nil {
		return nil, &fhir.Error{Kind: fhir.Unavailable, Op: "smart.Users.listedGrants", Err: err}
	}
	var ids []string
	for key := range rows {
		ids = append(ids, strings.TrimPrefix(key, grantListKey(subject, "")))
	}
	return ids, nil
}

// unlistGrant takes a grant that has ended out of the list.
func (u *Users) unlistGrant(ctx context.Context, subject, grant string) error {
	return u.c.Store.SaveSetting(ctx, grantListKey(subject, grant), nil)
}

// ended tidies the list after a grant of a professional was taken. It is dead whether that works or not.
func (s *Server) ended(ctx context.Context, g *grantRecord) {
	if !g.isStaff() {
		return
	}
	if err := s.users.unlistGrant(ctx, g.Subject, g.ID); err != nil {
		s.log.Warn("grant_stays_listed", "grant", g.ID, "error", err.Error())
	}
}

// staffGrants are the grants of a professional that stand, the first given first.
func (s *Server) staffGrants(ctx context.Context, who *account) ([]*grantRecord, error) {
	ids, err := s.users.listedGrants(ctx, who.Subject)
	if err != nil {
		return nil, err
	}
	var out []*grantRecord
	for _, id := range ids {
		g, live, err := s.standing(ctx, id)
		if err != nil {
			return nil, err
		}
		if live && g.Subject == who.Subject {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *grantRecord) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// staffApps shows which apps work in the name of a professional: each once, however many windows and
// records it was opened for.
func (s *Server) staffApps(v *visit, current *session) ([]appsTable, error) {
	grants, err := s.staffGrants(v.ctx(), current.who)
	if err != nil {
		return nil, err
	}
	byApp := map[string][]*grantRecord{}
	var apps []string
	for _, g := range grants {
		if byApp[g.Client] = append(byApp[g.Client], g); len(byApp[g.Client]) == 1 {
			apps = append(apps, g.Client)
		}
	}
	table := appsTable{Title: v.t("apps.mine")}
	for _, app := range apps {
		row, err := s.staffRow(v, app, byApp[app])
		if err != nil {
			return nil, err
		}
		table.Rows = append(table.Rows, row)
	}
	if len(apps) == 0 {
		return nil, nil
	}
	return []appsTable{table}, nil
}

// staffRow is one app with the grants that it has, the first given first.
func (s *Server) staffRow(v *visit, app string, grants []*grantRecord) (appRow, error) {
	row, err := s.rowOf(v, app)
	if err != nil {
		return row, err
	}
	row.Field, row.Value = "app", app
	row.Label, row.Effect = v.t("apps.withdraw.app", "app", row.App), v.t("apps.effect.mine")
	var scopes auth.Scopes
	var used, end time.Time
	for _, g := range grants {
		given, err := auth.ParseScopes(g.Scopes)
		if err != nil {
			return row, err
		}
		last, err := s.lastUsed(v.ctx(), g)
		if err != nil {
			return row, err
		}
		if scopes = scopes.Union(given); last.After(used) {
			used = last
		}
		if g.End.After(end) {
			end = g.End
		}
	}
	row.Since, row.Until = timeText(v.lang, grants[0].Created), v.t("apps.until.logout", "time", timeText(v.lang, end))
	if !used.IsZero() {
		row.Used = timeText(v.lang, used)
	}
	row.What = permittedWords(v, scopes, s.servedTypes())
	return row, nil
}

// stopStaffApp ends every grant that an app has of a professional, on the next request of every process.
func (s *Server) stopStaffApp(v *visit, current *session) error {
	grants, err := s.staffGrants(v.ctx(), current.who)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if g.Client != v.value("app") {
			continue
		}
		if err := s.endGrant(v.ctx(), g.ID); err != nil {
			return err
		}
		s.logVisit(v, slog.LevelInfo, "grant_revoked", slog.String("outcome", "ok"), slog.String("by", "user"), slog.String("client_id", g.Client),
			slog.String("organization", g.Organization), slog.String("user", g.FHIRUser), slog.String("patient", g.Patient), slog.String("grant", g.ID))
	}
	return v.seeOther("/auth/apps")
}

// endStaffSession ends the grants that ended with a login, so that no list names them.
func (s *Server) endStaffSession(ctx context.Context, current *session) {
	if !current.who.staff() {
		return
	}
	ids, err := s.users.listedGrants(ctx, current.who.Subject)
	for _, id := range ids {
		var g *grantRecord
		if g, err = s.grantOf(ctx, id); err == nil && g != nil && g.Session == current.id() {
			err = s.endGrant(ctx, id)
		}
		if err != nil {
			break
		}
	}
	if err != nil { // they are dead without their session
		s.log.Warn("grants_stay_listed", "error", err.Error())
	}
}
