package smart

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

type appsView struct {
	Tables []appsTable
	Sure   *appRow // of the page that asks once more
	Staff  bool    // the user is a professional, who is told how long apps stay
	Log    string  // where the user sees who looked; may be empty
	CSRF   string
}

// appsTable is one child, or what works in the name of a professional.
type appsTable struct {
	Patient fhir.Ref
	Title   string
	Rows    []appRow
}

// appRow is one app. Field and Value are what a form sends to stop it.
type appRow struct {
	Field, Value       string
	App, Org           string
	Label, Effect      string // of the button, and of pressing it
	What               []string
	Since, Used, Until string
}

// apps shows which apps read data, and stops one (SMART-513).
func (s *Server) apps(v *visit) error {
	current, err := s.session(v.ctx(), v.r)
	if err != nil {
		return err
	}
	if current == nil {
		return s.loginForApps(v)
	}
	if v.r.Method != http.MethodPost {
		return s.showApps(v, current)
	}
	if !v.sameForm(current.secret, "", "apps") {
		return forged()
	}
	if current.who.staff() {
		return s.stopStaffApp(v, current)
	}
	return s.withdraw(v, current)
}

// loginForApps begins an interaction without an app.
func (s *Server) loginForApps(v *visit) error {
	if err := s.countRequest(v.ctx(), "authorize", v.address); err != nil {
		return err
	}
	browser := cookie(v.r, cookieBrowser, prefixBrowser)
	if browser == "" {
		var err error
		if browser, err = newSecret(s.random, prefixBrowser, secretBytes); err != nil {
			return err
		}
		setCookie(v.w, cookieBrowser, browser.Reveal(), 0)
	}
	ixn := &interaction{Created: s.clock().UTC()}
	id, err := s.begin(v.ctx(), browser, ixn)
	if err != nil {
		return err
	}
	return v.seeOther(ixn.next(id))
}

// givenGrant is a Consent with the grant that stands on it.
type givenGrant struct {
	GivenConsent
	grant *grantRecord
}

// given returns the user's live Consents to apps whose grant stands.
func (s *Server) given(v *visit, current *session) ([]givenGrant, error) {
	consents, err := s.family.Consents(v.ctx(), current.who.user())
	if err != nil {
		return nil, unavailable("smart.apps", err)
	}
	slices.SortFunc(consents, func(a, b GivenConsent) int {
		return cmp.Or(cmp.Compare(a.GivenName, b.GivenName), b.Since.Compare(a.Since), cmp.Compare(a.Consent.ID, b.Consent.ID))
	})
	var out []givenGrant
	for _, c := range consents {
		id, err := s.state.Get(v.ctx(), kindGrant, consentKey(c.Consent.Current().String()))
		if absent(err) != nil {
			return nil, err
		}
		if err != nil {
			continue
		}
		g, err := s.grantOf(v.ctx(), string(id))
		if err != nil {
			return nil, err
		}
		live, err := s.alive(v.ctx(), g)
		if err != nil {
			return nil, err
		}
		if live {
			out = append(out, givenGrant{c, g})
		}
	}
	return out, nil
}

func (s *Server) showApps(v *visit, current *session) error {
	view := appsView{CSRF: csrfField(current.secret, "", "apps"), Staff: current.who.staff()}
	var err error
	if view.Staff { // gives no consent, and sees no log of a child
		view.Tables, err = s.staffApps(v, current)
	} else {
		view.Tables, err = s.familyApps(v, current)
	}
	if err != nil {
		return err
	}
	for _, table := range view.Tables {
		for _, row := range table.Rows {
			if v.value("stop") == row.Value {
				view.Sure = &row
				return s.show(v, http.StatusOK, screen{Page: "withdraw", Title: "apps.title", App: row.App, Login: current.who.Login, Switch: true, Body: view})
			}
		}
	}
	if !view.Staff {
		if log, found, err := s.registry.lookup(v.ctx(), s.logClient); err != nil {
			return err
		} else if found && log.active() {
			view.Log = s.logPage
		}
	}
	return s.show(v, http.StatusOK, screen{Page: "apps", Title: "apps.title", Login: current.who.Login, Switch: true, Body: view})
}

// familyApps shows the apps of each child.
func (s *Server) familyApps(v *visit, current *session) ([]appsTable, error) {
	consents, err := s.given(v, current)
	if err != nil {
		return nil, err
	}
	var tables []appsTable
	for _, c := range consents {
		row, err := s.appRow(v, c)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(tables, func(t appsTable) bool { return t.Patient == c.Patient.Current() })
		if i < 0 {
			i, tables = len(tables), append(tables, appsTable{Patient: c.Patient.Current(), Title: v.t("apps.child", "child", c.GivenName)})
		}
		tables[i].Rows = append(tables[i].Rows, row)
	}
	return tables, nil
}

// rowOf is an app as it is registered now.
func (s *Server) rowOf(v *visit, id string) (appRow, error) {
	row := appRow{App: v.t("apps.gone"), Used: v.t("apps.never")}
	client, found, err := s.registry.lookup(v.ctx(), id)
	if err == nil && found {
		row.App, row.Org = client.appName(v.lang), client.organizationText()
	}
	return row, err
}

// lastUsed is when a grant last gave a token, zero for never.
func (s *Server) lastUsed(ctx context.Context, g *grantRecord) (time.Time, error) {
	stamp, err := s.state.Get(ctx, kindGrant, usedKey(g.ID))
	if err != nil {
		return time.Time{}, absent(err)
	}
	var used time.Time
	return used, used.UnmarshalText(stamp)
}

func (s *Server) appRow(v *visit, c givenGrant) (appRow, error) {
	row, err := s.rowOf(v, c.ClientID)
	if err != nil {
		return row, err
	}
	row.Field, row.Value = "consent", c.Consent.Current().String()
	row.Label = v.t("apps.withdraw.of", "app", row.App, "child", c.GivenName)
	row.Effect = v.t("apps.effect", "child", c.GivenName)
	row.Since, row.Until = dayText(v.lang, c.Since), dayText(v.lang, c.Until)
	used, err := s.lastUsed(v.ctx(), c.grant)
	if err != nil {
		return row, err
	}
	if !used.IsZero() {
		row.Used = dayText(v.lang, used)
	}
	scopes, err := auth.ParseScopes(strings.Join(c.Scopes, " "))
	if err != nil {
		return row, err
	}
	for _, g := range groups() {
		kinds := within(g, func(k fhir.Type) bool { return reads(scopes, k) || changes(scopes, k) })
		if len(kinds) > 0 {
			row.What = append(row.What, groupLabel(v, g, kinds))
		}
	}
	return row, nil
}

// withdraw sets the Consent inactive first, then ends the grant.
func (s *Server) withdraw(v *visit, current *session) error {
	consent, ok := fhir.ParseRef(v.value("consent"))
	if !ok || consent.Type != "Consent" {
		return late()
	}
	err := s.family.WithdrawConsent(v.ctx(), consent.Current(), current.who.user())
	if err != nil && fhir.KindOf(err) == fhir.NotFound {
		return late()
	}
	if err != nil {
		return unavailable("smart.withdraw", err)
	}
	id, err := s.state.Get(v.ctx(), kindGrant, consentKey(consent.Current().String()))
	if absent(err) != nil {
		return err
	}
	if err == nil {
		if err := s.endGrant(v.ctx(), string(id)); err != nil {
			return err
		}
	}
	s.logVisit(v, slog.LevelInfo, "grant_revoked", slog.String("outcome", "ok"), slog.String("by", "user"),
		slog.String("user", current.who.FHIRUser), slog.String("consent", consent.Current().String()), slog.String("grant", string(id)))
	return v.seeOther("/auth/apps")
}
