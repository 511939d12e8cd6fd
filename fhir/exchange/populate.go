package exchange

import (
	"context"
	"maps"
	"net/url"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/search"
	"github.com/drieluik/drieluik/mapping/sdc"
)

// Prefilling asks to prefill a form (SDC Questionnaire-populate).
type Prefilling struct {
	Form    Form
	Subject fhir.Ref
	Context []ContextItem
	Query   url.Values // as sent, for the AuditEvent
}

// Form names a Questionnaire in one of three ways.
type Form struct {
	Given     *fhir.Resource // sent along
	Ref       fhir.Ref       // stored here, or published under that id
	Canonical string         // published or loaded
}

// ContextItem is one resource of the launch context, sent along or stored here.
type ContextItem struct {
	Name  string
	Ref   fhir.Ref
	Given *fhir.Resource
}

// Prefilled is a QuestionnaireResponse, in-progress, with what could not be prefilled.
type Prefilled struct {
	Response []byte
	Issues   []fhir.Issue
}

// searchCount bounds what one query of a form returns.
const searchCount = 100

// Populate prefills a form with what the caller may see, and stores nothing. A query that the caller
// may not run yields nothing. It answers NotFound for a form or subject that is missing or hidden, and
// Unprocessable for a form that asks for too much.
func (s *Service) Populate(ctx context.Context, c Call, ask Prefilling) (Prefilled, error) {
	const op = "exchange.Populate"
	c.Operation = "populate"
	e := s.event(c, auth.Read, "Questionnaire")
	e.query = ask.Query
	var out Prefilled
	var refused error
	f := &filling{lookups: lookups{s: s, e: &e}, ask: ask}
	err := s.store.View(ctx, func(v Snapshot) error {
		f.w, f.v = s.world(v), v
		var err error
		out, refused, err = f.fill(ctx)
		return err
	})
	if fhir.KindOf(err) == fhir.Unprocessable { // what was looked up until then was seen
		e.denied(auth.Decision{HTTP: 422, Reason: ruleOf(err)}, fhir.Ref{})
		refused, err = err, nil
	}
	if err != nil {
		return Prefilled{}, s.broke(ctx, op, e, err)
	}
	if err := f.disclose(context.WithoutCancel(ctx), op); err != nil {
		return Prefilled{}, err
	}
	return out, refused
}

// lookups reads what a form asks for, as its caller.
type lookups struct {
	s      *Service
	w      *world
	v      Snapshot
	e      *event
	denied []event // look-ups that the caller may not make
}

// disclose commits the rows that tell of everything that was looked up; without them nothing may be answered.
func (l *lookups) disclose(ctx context.Context, op string) error {
	var refused []Audit
	for i := range l.denied {
		refused = append(refused, l.denied[i].audits(l.s)...)
	}
	if err := l.s.record(ctx, op, refused); err != nil {
		return err
	}
	return l.s.disclose(ctx, op, *l.e)
}

// optional reads what can be done without: nil where the caller may not.
func (l *lookups) optional(ref fhir.Ref) (*fhir.Resource, error) {
	trial := l.s.event(l.e.call, auth.Read, ref.Type)
	if ref.Version > 0 { // as old as it is, the resource of now must permit too
		trial.interaction = auth.VRead
	}
	served, refused, err := l.s.readOne(l.w, &trial, ref)
	if err != nil {
		return nil, err
	}
	if l.settle(trial, refused); refused != nil {
		return nil, nil
	}
	return parsed(served.Body)
}

// settle takes over what a look-up touched; a refused one is told of by itself.
func (l *lookups) settle(trial event, refused error) {
	if refused != nil {
		l.denied = append(l.denied, trial)
		return
	}
	l.e.touches, l.e.leaks = append(l.e.touches, trial.touches...), append(l.e.leaks, trial.leaks...)
	if trial.query != nil {
		l.e.query = maps.Clone(l.e.query)
		l.e.query.Add("query", string(trial.kind)+"?"+hideIdentifiers(trial.query).Encode())
	}
}

// filling is one form on its way.
type filling struct {
	lookups
	ask Prefilling
}

func (f *filling) fill(ctx context.Context) (out Prefilled, refused, err error) {
	form, refused, err := f.form()
	if refused != nil || err != nil {
		return Prefilled{}, refused, err
	}
	in := sdc.Input{
		Subject: f.ask.Subject, Now: f.s.now(), Search: f.search, Coding: f.s.terms.Coding,
		World: path.World{MemberOf: f.s.terms.MemberOf, Subsumes: f.s.terms.Subsumes},
	}
	if in.Context, refused, err = f.context(); refused != nil || err != nil {
		return Prefilled{}, refused, err
	}
	if who := f.e.call.Principal.FHIRUser; !who.IsZero() {
		in.Author = `{"reference":"` + who.String() + `"}`
	}
	made, err := sdc.Populate(ctx, form, in)
	return Prefilled{Response: made.Response, Issues: made.Issues}, nil, err
}

// form finds the Questionnaire.
func (f *filling) form() (form *fhir.Resource, refused, err error) {
	const op = "exchange.Populate"
	ask := f.ask.Form
	if ask.Given != nil {
		f.e.asked(auth.Decision{Permit: true, HTTP: 200, Reason: "permit-directory"})
		return ask.Given, nil, nil
	}
	canonical := ask.Canonical
	if canonical == "" {
		canonical = fhir.Canonical + "/" + ask.Ref.String()
	}
	if n, ok := f.s.definition(canonical); ok && n.Member("resourceType").Text() == "Questionnaire" {
		f.e.asked(auth.Decision{Permit: true, HTTP: 200, Reason: "permit-directory"})
		form, err := parsed([]byte(n.Raw()))
		return form, nil, err
	}
	if ask.Canonical != "" {
		f.e.missed()
		return nil, fhir.Errorf(fhir.NotFound, op, "not-found", "questionnaire-unknown",
			"No Questionnaire of this canonical is published or loaded here; send it along as the parameter questionnaire."), nil
	}
	return f.read(ask.Ref)
}

// read returns a stored resource as the caller may see it.
func (f *filling) read(ref fhir.Ref) (r *fhir.Resource, refused, err error) {
	served, refused, err := f.s.readOne(f.w, f.e, ref)
	if refused != nil || err != nil {
		return nil, refused, err
	}
	r, err = parsed(served.Body)
	return r, nil, err
}

// context gathers the launch context: what was named, the subject as "patient", and who asks as "user".
func (f *filling) context() (all map[string][]*fhir.Resource, refused, err error) {
	all = map[string][]*fhir.Resource{}
	if !f.ask.Subject.IsZero() {
		subject, refused, err := f.read(f.ask.Subject)
		if refused != nil || err != nil {
			return nil, refused, err
		}
		all[strings.ToLower(string(f.ask.Subject.Type))] = []*fhir.Resource{subject}
	}
	named := f.ask.Context
	if who := f.e.call.Principal.FHIRUser; !who.IsZero() {
		named = append([]ContextItem{{Name: "user", Ref: who}}, named...)
	}
	fresh := map[string]bool{}
	for _, c := range named {
		r := c.Given
		if r == nil {
			if r, err = f.optional(c.Ref); err != nil {
				return nil, nil, err
			}
		}
		if r == nil {
			continue
		}
		if !fresh[c.Name] { // what is named replaces what is known
			all[c.Name], fresh[c.Name] = nil, true
		}
		all[c.Name] = append(all[c.Name], r)
	}
	return all, nil, nil
}

// search runs a query of the form. What cannot be asked here, or not by the caller, finds nothing.
func (f *filling) search(_ context.Context, query string) (*fhir.Resource, error) {
	name, conditions, asks := strings.Cut(query, "?")
	if ref, ok := fhir.ParseRef(name); ok && !asks {
		return f.optional(ref)
	}
	kind, ok := fhir.ParseType(name)
	values, err := url.ParseQuery(conditions)
	if !ok || err != nil || kind == auditType {
		return nil, nil
	}
	plan, issues := search.Parse(kind, values, search.Options{
		Base: f.s.base, Count: searchCount, MaxCount: searchCount, Terms: f.s.terms.Search(), Now: f.s.now(),
	})
	if fhir.HasErrors(issues) {
		return nil, nil
	}
	trial := f.s.event(f.e.call, auth.SearchType, kind)
	trial.query = values
	found, refused, err := f.s.searchOnce(f.w, f.v, &trial, plan)
	if err != nil {
		return nil, err
	}
	if f.settle(trial, refused); refused != nil {
		return nil, nil
	}
	return f.bundle(found)
}

// bundle is a searchset of what was found.
func (f *filling) bundle(found Results) (*fhir.Resource, error) {
	b := collection{ResourceType: "Bundle", Type: "searchset"}
	for _, list := range [][]Served{found.Matches, found.Included} {
		for _, one := range list {
			b.Entry = append(b.Entry, collectionEntry{FullURL: f.s.base + "/" + one.Ref.Current().String(), Resource: one.Body})
		}
	}
	body, err := JSON(b)
	if err != nil {
		return nil, fhir.Wrap("exchange.bundle", err)
	}
	return parsed(body)
}
