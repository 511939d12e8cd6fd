package smart

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// staffView is the page on which a professional allows an app.
type staffView struct {
	Ixn, CSRF, App, Org string
	Child, Year         string // of a launch
	What                []string
}

// openedView leads back to the app and names whose record it opens.
type openedView struct {
	returnView
	Child, Year string
}

// staff goes on after the login of a professional: what the app may do is bounded by the rights of the
// user's organisation at each request, so that there is no consent and no choice of a child. A launch
// says about whom it is; a client with skip_consent then goes straight on (smart.md 5.2).
func (s *Server) staff(v *visit, f *flow) error {
	o, err := s.offered(v, f)
	if err != nil {
		return err
	}
	if isEmergency(f.Purpose) {
		return s.emergency(v, f, o)
	}
	seen, err := s.launchedPatient(v, f)
	if err != nil {
		return err
	}
	switch {
	case v.r.Method == http.MethodPost:
		return s.staffAnswered(v, f, o, seen)
	case f.Launch != nil && f.client.SkipConsent && v.r.Method == http.MethodGet:
		return s.openApp(v, f, o, seen)
	}
	return s.showStaff(v, f, o, seen)
}

// offered is what the user who has logged in may give. There is a purpose for such a user, and something
// to give, or the page that says so.
func (s *Server) offered(v *visit, f *flow) (*offer, error) {
	if !purposeFits(f.client, f.Purpose, f.Staff) {
		return nil, s.barred(v, f, "broken", "authz.purpose")
	}
	if isEmergency(f.Purpose) {
		permitted, err := s.registry.permitsEmergency(v.ctx(), f.session.who.org)
		if err != nil {
			return nil, err
		}
		if !permitted {
			return nil, s.barred(v, f, "noemergency", "authz.purpose")
		}
	}
	o, err := s.offerOf(f.client, f.interaction)
	if err == nil && o.all.Empty() {
		err = s.barred(v, f, "nothing", "scope.none")
	}
	return o, err
}

// barred is a page that tells why it does not go on; the way back tells the app the rule.
func (s *Server) barred(v *visit, f *flow, text, rule string) error {
	return &pageFault{status: http.StatusForbidden, text: text, rule: rule, back: s.refusal(f.interaction, rule), app: f.client.appName(v.lang)}
}

// otherUser ends a launch that somebody else opened than it was made for (SMART-203).
func (s *Server) otherUser(v *visit, f *flow) error {
	s.logVisit(v, slog.LevelWarn, "launch_refused", slog.String("outcome", "refused"), slog.String("client_id", f.Client),
		slog.String("user", f.Launch.User), slog.String("patient", f.Launch.Patient))
	if err := s.take(v.ctx(), f); err != nil {
		return err
	}
	return s.barred(v, f, "otheruser", "authz.denied")
}

// launchedPatient looks at the patient of a launch in the name of the user: who may not see it opens
// nothing.
func (s *Server) launchedPatient(v *visit, f *flow) (Glimpse, error) {
	if f.Launch == nil {
		return Glimpse{}, nil
	}
	by, err := s.staffReader(v, f)
	if err != nil {
		return Glimpse{}, err
	}
	patient := refOf(f.Launch.Patient)
	seen, err := s.family.Look(v.ctx(), by, patient, patient)
	if err != nil && fhir.KindOf(err) == fhir.NotFound {
		return Glimpse{}, s.barred(v, f, "nopatient", "authz.denied")
	}
	return seen, unavailable("smart.staff", err)
}

// staffReader is the user as the log names who looked at the patient of a launch.
func (s *Server) staffReader(v *visit, f *flow) (Reader, error) {
	scopes, err := auth.ParseScopes(launchScopes)
	if err != nil {
		return Reader{}, err
	}
	who := f.session.who
	return Reader{Address: v.address, RequestID: v.id, Principal: auth.Principal{
		State: auth.TokenActive, Role: auth.Professional, Client: f.client.ID, ClientName: f.client.Name,
		Organization: who.org, Subject: who.Subject, FHIRUser: who.ref, Patient: refOf(f.Child), Scopes: scopes,
		Purpose: f.purposeOfStaff(), Launch: launchEHR, BTG: f.glass,
	}}, nil
}

func (i *interaction) purposeOfStaff() string {
	if i.Purpose == "" {
		return purposeOfStaff
	}
	return i.Purpose
}

func (g Glimpse) year() string {
	if g.BirthYear == 0 {
		return ""
	}
	return strconv.Itoa(g.BirthYear)
}

func (s *Server) showStaff(v *visit, f *flow, o *offer, seen Glimpse) error {
	view := staffView{
		Ixn: f.id.Reveal(), CSRF: csrfField(f.session.secret, f.id.Reveal(), "staff"),
		App: f.client.appName(v.lang), Org: f.client.organizationText(), Child: seen.GivenName, Year: seen.year(),
		What: staffWhat(v, o),
	}
	return s.show(v, http.StatusOK, screen{Page: "staff", Title: "staff.title", App: view.App, Login: f.session.who.Login, Switch: true, Body: view})
}

// staffWhat lists what the app asks for.
func staffWhat(v *visit, o *offer) []string { return permittedWords(v, o.all, o.types) }

// permittedWords lists what scopes permit of the types: groups to read, types to change, and by their own
// names the types that no page for families names.
func permittedWords(v *visit, scopes auth.Scopes, types []fhir.Type) []string {
	var what []string
	var named []fhir.Type
	for _, g := range groups() {
		named = append(named, g.types...)
		if kinds := within(g, func(k fhir.Type) bool { return reads(scopes, k) }); len(kinds) > 0 {
			what = append(what, groupLabel(v, g, kinds))
		}
		if kinds := within(g, func(k fhir.Type) bool { return changes(scopes, k) }); len(kinds) > 0 {
			what = append(what, v.t("write")+" "+typeList(v, kinds))
		}
	}
	for _, k := range types {
		if !slices.Contains(named, k) && (reads(scopes, k) || changes(scopes, k)) {
			what = append(what, string(k))
		}
	}
	return what
}

func (s *Server) staffAnswered(v *visit, f *flow, o *offer, seen Glimpse) error {
	if !v.sameForm(f.session.secret, f.id.Reveal(), "staff") {
		return forged()
	}
	if v.value("decision") != "allow" {
		return s.refused(v, f)
	}
	return s.openApp(v, f, o, seen)
}

// openApp makes the grant and leads back to the app.
func (s *Server) openApp(v *visit, f *flow, o *offer, seen Glimpse) error {
	if err := s.take(v.ctx(), f); err != nil {
		return err
	}
	code, err := s.makeStaffGrant(v, f, o)
	if err != nil {
		if kept := s.keep(v.ctx(), f.id, f.browser, f.interaction); kept != nil {
			s.log.Error("interaction_lost", "error", kept)
		}
		return unavailable("smart.staff", err)
	}
	view := openedView{Child: seen.GivenName, Year: seen.year(), returnView: returnView{
		App: f.client.appName(v.lang), Link: appURL(s.answerURL(f.Redirect, string(f.State), "code", code.Reveal())),
	}}
	return s.show(v, http.StatusOK, screen{Page: "opened", Title: "opened.title", App: view.App, Body: view})
}

// makeStaffGrant writes the grant of a professional, then the code. It ends with the login.
func (s *Server) makeStaffGrant(v *visit, f *flow, o *offer) (Secret, error) {
	ctx, who := v.ctx(), f.session.who
	id, err := newSecret(s.random, prefixGrant, 16)
	if err != nil {
		return "", err
	}
	now := s.clock().UTC()
	g := &grantRecord{
		ID: id.Reveal(), Client: f.client.ID, Subject: who.Subject, FHIRUser: who.FHIRUser, Organization: who.OrganizationRef,
		Patient: f.Child, Scopes: strings.Join(o.granted(o.all, durationOnce), " "), Purpose: f.purposeOfStaff(),
		Session: f.session.id(), AuthTime: f.session.At, ACR: f.session.ACR, Created: now, End: f.session.End.UTC(),
	}
	g.breakGlass(f.glass)
	if f.Launch != nil {
		by, err := s.staffReader(v, f)
		if err != nil {
			return "", err
		}
		if err := s.launched(ctx, g, f.Launch, by); err != nil {
			return "", err
		}
	}
	if err := s.saveGrant(ctx, g); err != nil {
		return "", err
	}
	event := map[bool]string{true: "emergency_opened", false: "access_opened"}[g.BTG != nil]
	s.logVisit(v, slog.LevelInfo, event, slog.String("outcome", "ok"), slog.String("client_id", g.Client),
		slog.String("organization", g.Organization), slog.String("user", g.FHIRUser), slog.String("patient", g.Patient),
		slog.String("grant", g.ID), slog.String("kind", g.launch()), slog.String("scopes", g.Scopes))
	return s.issueCode(ctx, g, f.interaction, now)
}

// launchEHR and launchAlone are the kinds of launch of access.md 1.
const (
	launchEHR   = "ehr"
	launchAlone = "standalone"
)

// launched puts the context of a launch into a grant. An encounter that the user may not see is left
// out: what a token names can be read with it (SMART-401).
func (s *Server) launched(ctx context.Context, g *grantRecord, l *launchRecord, by Reader) error {
	c := l.launchContext
	if c.Encounter != "" {
		seen, err := s.sees(ctx, by, fhir.Ref{Type: "Encounter", ID: c.Encounter}, refOf(g.Patient))
		if err != nil {
			return err
		}
		if !seen {
			c.Encounter = ""
			g.Scopes = strings.Join(slices.DeleteFunc(strings.Fields(g.Scopes), func(t string) bool { return t == "launch/encounter" }), " ")
		}
	}
	g.Launch, g.Context = launchEHR, &c
	return nil
}

// launch is the kind of launch that the grant came from.
func (g *grantRecord) launch() string {
	if g.Launch == "" {
		return launchAlone
	}
	return g.Launch
}

// isStaff reports whether a grant is of a professional, who gives no consent.
func (g *grantRecord) isStaff() bool { return g.Organization != "" }

// staffPrincipal builds what access.md 1 says of a token of a professional: organisation and role are
// the user's own, never the client's.
func staffPrincipal(a *accessRecord, c *registered, scopes auth.Scopes) auth.Principal {
	g := a.grant
	return auth.Principal{
		State: auth.TokenActive, Role: auth.Professional, Client: c.ID, ClientName: c.Name,
		Organization: refOf(g.Organization), Subject: g.Subject, FHIRUser: refOf(g.FHIRUser), Patient: refOf(g.Patient),
		Scopes: scopes, Purpose: g.Purpose, Launch: g.launch(), BTG: a.glass(), Grant: g.ID,
		Bound: a.JKT != "", Issued: a.Issued, Expires: a.Expires,
	}
}
