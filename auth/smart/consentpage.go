package smart

import (
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

type consentView struct {
	Ixn, CSRF, App, Org, Child string
	Problem                    string
	First                      string // id of the first box, for the link of the problem
	Notice                     string // the child decides too
	Needed                     []string
	Groups, Writes             []tick
	More                       []tick
	Not                        []string
	Durations                  []tick
}

// tick is one box or radio.
type tick struct {
	Name, Value, Label string
	Checked            bool
}

// consent asks the user, in plain words, and takes the answer.
func (s *Server) consent(v *visit) error {
	f, err := s.flow(v)
	if err != nil {
		return err
	}
	if f.client == nil {
		return late()
	}
	if f.session == nil {
		return f.toLogin(v)
	}
	if f.Staff {
		return s.staff(v, f)
	}
	if f.Child == "" {
		return v.seeOther(f.next(f.id))
	}
	children, err := s.children(v, f)
	if err != nil {
		return err
	}
	chosen := findChild(children, refOf(f.Child))
	if chosen == nil && f.Launch != nil {
		return s.barred(v, f, "nochild", "authz.denied")
	}
	if chosen == nil { // authority has ended since the choice
		f.Child = ""
		return s.advance(v, f)
	}
	o, err := s.offered(v, f)
	if err != nil {
		return err
	}
	before, err := s.remembered(v, f, chosen, o)
	if err != nil {
		return err
	}
	if v.r.Method != http.MethodPost {
		if before != nil {
			return s.confirm(v, f, o, chosen, before)
		}
		return s.showConsent(v, f, o, chosen, ticks{duration: durationOnce}, "")
	}
	return s.answered(v, f, o, chosen, before)
}

// answered takes the form of the page, or of the short one.
func (s *Server) answered(v *visit, f *flow, o *offer, chosen *ChildChoice, before *grantRecord) error {
	short := v.value("remembered") != ""
	step := map[bool]string{true: "confirm", false: "consent"}[short]
	if !v.sameForm(f.session.secret, f.id.Reveal(), step) {
		return forged()
	}
	if v.value("decision") != "allow" {
		return s.refused(v, f)
	}
	if !short {
		return s.allowed(v, f, o, chosen)
	}
	if before == nil { // it ended while the page stood
		return s.showConsent(v, f, o, chosen, ticks{duration: durationOnce}, "")
	}
	return s.finish(v, f, o, chosen, again(before), o.all)
}

// refused ends the interaction without a grant.
func (s *Server) refused(v *visit, f *flow) error {
	if err := s.take(v.ctx(), f); err != nil {
		return err
	}
	s.logVisit(v, slog.LevelInfo, "consent_refused", slog.String("outcome", "refused"),
		slog.String("client_id", f.Client), slog.String("user", f.session.who.FHIRUser), slog.String("patient", f.Child))
	view := returnView{App: f.client.appName(v.lang), Link: appURL(s.denied(f.interaction))}
	return s.show(v, http.StatusOK, screen{Page: "refused", Title: "refused.title", App: view.App, Body: view})
}

// allowed reads the ticks.
func (s *Server) allowed(v *visit, f *flow, o *offer, chosen *ChildChoice) error {
	t := ticks{groups: v.all("group"), changes: v.all("change"), types: v.all("type"), categories: v.all("category"), duration: v.value("duration")}
	if !slices.Contains(o.durations(), t.duration) {
		t.duration = durationOnce
	}
	permitted, err := o.permitted(t)
	if err != nil {
		return err
	}
	if permitted.Empty() {
		return s.showConsent(v, f, o, chosen, t, "tick")
	}
	return s.finish(v, f, o, chosen, t, permitted)
}

// finish makes the grant. The interaction ends first, so that of several forms one gets through; it
// comes back when nothing could be written.
func (s *Server) finish(v *visit, f *flow, o *offer, chosen *ChildChoice, t ticks, permitted auth.Scopes) error {
	if err := s.take(v.ctx(), f); err != nil {
		return err
	}
	code, err := s.makeGrant(v, f, o, chosen, t, permitted)
	if err != nil {
		if kept := s.keep(v.ctx(), f.id, f.browser, f.interaction); kept != nil {
			s.log.Error("interaction_lost", "error", kept)
		}
		return unavailable("smart.consent", err)
	}
	view := returnView{App: f.client.appName(v.lang), Link: appURL(s.answerURL(f.Redirect, string(f.State), "code", code.Reveal()))}
	return s.show(v, http.StatusOK, screen{Page: "continue", Title: "continue.title", App: view.App, Body: view})
}

// returnView is a page that leads back to the app. The form-action rule of browsers follows every
// redirect after a form, so that the last form answers with a page instead (smart.md 5.1).
type returnView struct {
	App  string
	Link template.URL
}

func (s *Server) showConsent(v *visit, f *flow, o *offer, chosen *ChildChoice, t ticks, problem string) error {
	view := consentView{
		Ixn: f.id.Reveal(), CSRF: csrfField(f.session.secret, f.id.Reveal(), "consent"),
		App: f.client.appName(v.lang), Org: f.client.organizationText(), Child: chosen.GivenName, Problem: problem,
	}
	if chosen.DecidesToo && f.session.who.ref.Type != "Patient" {
		view.Notice = v.t("age12", "child", chosen.GivenName)
	}
	for _, g := range groups() {
		view.addGroup(v, o, g, t)
	}
	if first := slices.Concat(view.Groups, view.Writes); len(first) > 0 {
		view.First = first[0].Name + "-" + first[0].Value
	}
	for _, c := range categories() {
		if reads(o.all, c.kind) && !reads(o.required, c.kind) {
			view.More = append(view.More, tick{"category", c.name.key, v.t("category." + c.name.key), slices.Contains(t.categories, c.name.key)})
		}
	}
	for _, d := range o.durations() {
		view.Durations = append(view.Durations, tick{"duration", d, v.t(d), d == t.duration})
	}
	return s.show(v, http.StatusOK, screen{Page: "consent", Title: "consent.title", App: view.App, Login: f.session.who.Login, Switch: true, Body: view})
}

// addGroup puts one row of the table where it belongs: needed, to be chosen, or not asked for.
func (view *consentView) addGroup(v *visit, o *offer, g group, t ticks) {
	asked := within(g, func(k fhir.Type) bool { return reads(o.all, k) })
	needed := within(g, func(k fhir.Type) bool { return reads(o.required, k) })
	label := groupLabel(v, g, asked)
	switch {
	case len(asked) == 0:
		if g.name.key != "other" {
			view.Not = append(view.Not, label)
		}
	case len(needed) == len(asked):
		view.Needed = append(view.Needed, label)
	default:
		for _, k := range needed {
			view.Needed = append(view.Needed, v.t("type."+string(k)))
		}
		view.Groups = append(view.Groups, tick{"group", g.name.key, label, slices.Contains(t.groups, g.name.key)})
		for _, k := range asked {
			if len(asked) > 1 && !slices.Contains(needed, k) {
				view.More = append(view.More, tick{"type", string(k), v.t("type." + string(k)), slices.Contains(t.types, string(k))})
			}
		}
	}
	written := within(g, func(k fhir.Type) bool { return changes(o.all, k) })
	locked := within(g, func(k fhir.Type) bool { return changes(o.required, k) })
	if len(written) > len(locked) {
		view.Writes = append(view.Writes, tick{"change", g.name.key, typeList(v, written), slices.Contains(t.changes, g.name.key)})
	}
	for _, k := range locked {
		view.Needed = append(view.Needed, v.t("write")+" "+v.t("type."+string(k)))
	}
}

func within(g group, holds func(fhir.Type) bool) []fhir.Type {
	return slices.DeleteFunc(slices.Clone(g.types), func(k fhir.Type) bool { return !holds(k) })
}

// typeList names what may be changed: not the group, for an app seldom asks to change all of it.
func typeList(v *visit, types []fhir.Type) string {
	words := make([]string, len(types))
	for i, k := range types {
		if words[i] = v.t("type." + string(k)); i > 0 {
			words[i] = strings.ToLower(words[i])
		}
	}
	return strings.Join(words, ", ")
}

// groupLabel names a group; of the last one, the types that it stands for.
func groupLabel(v *visit, g group, types []fhir.Type) string {
	words := make([]string, len(types))
	for i, k := range types {
		words[i] = strings.ToLower(v.t("type." + string(k)))
	}
	return v.t("group."+g.name.key, "types", strings.Join(words, ", "))
}

// consentText is what the user read and chose, as it is kept in the Consent.
func consentText(v *visit, f *flow, chosen *ChildChoice, permitted auth.Scopes, t ticks) string {
	lines := []string{v.t("ask", "app", f.client.appName(v.lang), "org", f.client.organizationText(), "child", chosen.GivenName)}
	for _, g := range groups() {
		for _, k := range g.types {
			if reads(permitted, k) {
				lines = append(lines, "- "+v.t("type."+string(k)))
			}
		}
	}
	for _, c := range categories() {
		if strings.Contains(permitted.String(), "patient/"+string(c.kind)+".rs?category="+c.system+"|"+c.name.key) {
			lines = append(lines, "  "+v.t("category."+c.name.key))
		}
	}
	first := true
	for _, g := range groups() {
		for _, k := range g.types {
			if !changes(permitted, k) {
				continue
			}
			if first {
				lines, first = append(lines, v.t("write")), false
			}
			lines = append(lines, "- "+v.t("type."+string(k)))
		}
	}
	if t.duration == durationKept {
		lines = append(lines, v.t("confirm.until", "day", dayText(v.lang, t.until)))
	} else {
		lines = append(lines, v.t("long")+" "+v.t(t.duration))
	}
	lines = append(lines, v.t("stop"))
	return strings.Join(lines, "\n")
}
