package exchange

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Document is a Composition with everything that it refers to.
type Document struct {
	ID        string // of the document, new each time
	At        time.Time
	Resources []Served // the Composition first, then each resource that it refers to, once
}

// Document assembles a document: the Composition and each resource that it refers to, each decided on.
// A Composition that is hidden by its domains alone comes without the sections that are hidden
// (access.md 6.1). It answers NotFound when the principal may not know the Composition.
func (s *Service) Document(ctx context.Context, c Call, ref fhir.Ref) (Document, error) {
	const op = "exchange.Document"
	c.Operation = "document"
	e := s.event(c, auth.Read, ref.Type)
	out := Document{ID: s.newID(), At: s.now()}
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		a := &assembly{w: s.world(v), v: v, e: &e}
		var err error
		out.Resources, refused, err = a.document(ref)
		return err
	})
	if err != nil {
		return Document{}, s.broke(ctx, op, e, err)
	}
	if err := s.disclose(ctx, op, e); err != nil {
		return Document{}, err
	}
	return out, refused
}

// assembly puts one document together.
type assembly struct {
	w       *world
	v       Snapshot
	e       *event
	domains []string // of the Composition, that are hidden
}

func (a *assembly) document(ref fhir.Ref) ([]Served, error, error) {
	const op = "exchange.Document"
	p, act := a.e.call.Principal, auth.Action{Interaction: auth.Read, Type: ref.Type}
	d, err := a.w.decide(p, act, nil)
	if err != nil {
		return nil, nil, err
	}
	if !d.Permit {
		a.e.denied(d, p.Patient)
		return nil, refusal(op, d), nil
	}
	st, err := a.v.Read(ref)
	gone := fhir.KindOf(err) == fhir.Gone && err != nil
	if missing(err) && !gone {
		a.e.missed()
		return nil, notFound(op, "not-found"), a.w.pretend(p, act)
	}
	if err != nil && !gone {
		return nil, nil, unavailable(op, "policy-unavailable", err)
	}
	if d, err = a.composition(st); err != nil {
		return nil, nil, err
	}
	a.e.saw(st, d)
	switch {
	case !d.Permit:
		return nil, refusal(op, d), nil
	case gone:
		return nil, deleted(op), nil
	}
	out, err := a.assemble(st, d)
	return out, nil, err
}

// domainReasons are the refusals by which a Composition is hidden for its domains alone.
var domainReasons = []string{"domain-denied", "domain-not-shared"}

// composition decides on the Composition, by those of its domains that are shared when it has others.
func (a *assembly) composition(st Stored) (auth.Decision, error) {
	p, act := a.e.call.Principal, auth.Action{Interaction: auth.Read, Type: st.Ref.Type}
	d, err := a.w.decide(p, act, &st.Facts)
	if err != nil || d.Permit || !slices.Contains(domainReasons, d.Reason) {
		return d, err
	}
	shared := st.Facts
	shared.Domains = nil
	for _, domain := range st.Facts.Domains {
		one := st.Facts
		one.Domains = []string{domain}
		seen, err := a.w.decide(p, act, &one)
		if err != nil {
			return d, err
		}
		if seen.Permit {
			shared.Domains = append(shared.Domains, domain)
		} else {
			a.domains = append(a.domains, domain)
		}
	}
	if len(shared.Domains) == 0 {
		return d, nil
	}
	part, err := a.w.decide(p, act, &shared)
	if err != nil || !part.Permit {
		return d, err
	}
	return part, nil
}

// assemble reads what the Composition refers to and takes out what must not be told.
func (a *assembly) assemble(st Stored, d auth.Decision) ([]Served, error) {
	first, err := a.w.serve(a.e.call.Principal, st, d)
	if err != nil {
		return nil, err
	}
	r, err := first.tree()
	if err != nil {
		return nil, err
	}
	if len(a.domains) > 0 {
		if r, err = a.reduce(r); err != nil {
			return nil, err
		}
		first.Body, first.Reduced = r.Bytes(), true
	}
	out := []Served{first}
	for _, ref := range auth.FactsOf(r, nil, nil).Refs {
		one, seen, err := a.include(ref.Current())
		if err != nil {
			return nil, err
		}
		if seen && !slices.ContainsFunc(out, func(s Served) bool { return s.Ref.Current() == ref.Current() }) {
			out = append(out, one)
		}
	}
	return out, nil
}

// include reads a resource that the Composition refers to, when the principal may see it.
func (a *assembly) include(ref fhir.Ref) (Served, bool, error) {
	st, d, err := a.look(ref)
	if err != nil || !d.Permit {
		return Served{}, false, err
	}
	a.e.saw(st, d)
	out, err := a.w.serve(a.e.call.Principal, st, d)
	return out, true, err
}

// look decides on a resource that the Composition refers to. What is not there is not hidden.
func (a *assembly) look(ref fhir.Ref) (Stored, auth.Decision, error) {
	st, err := a.v.Read(ref)
	if missing(err) {
		return st, auth.Decision{Reason: "not-found"}, nil
	}
	if err != nil {
		return st, auth.Decision{}, unavailable("exchange.Document", "policy-unavailable", err)
	}
	d, err := a.w.decide(a.e.call.Principal, auth.Action{Interaction: auth.Include, Type: ref.Type}, &st.Facts)
	return st, d, err
}

// reduce takes out of a Composition what its hidden domains tell: their sections, and the text that
// tells of all of them. It says that something went, not what.
func (a *assembly) reduce(r *fhir.Resource) (*fhir.Resource, error) {
	sections, err := (&cutting{a: a}).sections(r.Root())
	if err != nil {
		return nil, err
	}
	list := ""
	if len(sections) > 0 {
		list = "[" + strings.Join(sections, ",") + "]"
	}
	var tags []string // the domains would say which are hidden
	for tag := range r.Root().All("meta", "tag") {
		if tag.Member("system").Text() != domainSystem {
			tags = append(tags, tag.Raw())
		}
	}
	kept := ""
	if len(tags) > 0 {
		kept = "[" + strings.Join(tags, ",") + "]"
	}
	return r.Edit(fhir.Edit{Path: []string{"text"}}, fhir.Edit{Path: []string{"event"}}, fhir.Edit{Path: []string{"relatesTo"}},
		fhir.Edit{Path: []string{"section"}, JSON: list}, fhir.Edit{Path: []string{"meta", "tag"}, JSON: kept}, fhir.Edit{
			Path: []string{"meta", "security"}, Append: true, JSON: fmt.Sprintf(`{"system":%q,"code":"REDACTED"}`, observationValue),
		})
}

// cutting takes sections out of a Composition.
type cutting struct {
	a   *assembly
	cut bool // something went
}

// sections returns the sections below n that may be told, as JSON.
func (c *cutting) sections(n fhir.Node) ([]string, error) {
	var out []string
	for s := range n.All("section") {
		text, err := c.section(s)
		if err != nil {
			return nil, err
		}
		if text != "" {
			out = append(out, text)
		}
	}
	return out, nil
}

// section returns one section: "" when it has a hidden entry or domain; without its text when a
// section below it went, and whole otherwise.
func (c *cutting) section(s fhir.Node) (string, error) {
	hidden, err := c.hides(s)
	if err != nil || hidden {
		c.cut = c.cut || hidden
		return "", err
	}
	before := c.cut
	c.cut = false
	below, err := c.sections(s)
	lost := c.cut
	c.cut = c.cut || before
	if err != nil || !lost {
		return s.Raw(), err
	}
	var members []string
	for m := range s.Children() {
		switch m.Name() {
		case "text":
		case "section":
			if len(below) > 0 {
				members = append(members, `"section":[`+strings.Join(below, ",")+`]`)
			}
		default:
			members = append(members, fmt.Sprintf("%q:%s", m.Name(), m.Raw()))
		}
	}
	if len(below) == 0 && !s.Member("entry").Exists() {
		return "", nil
	}
	return "{" + strings.Join(members, ",") + "}", nil
}

// hides reports whether a section itself must not be told. Where domains are hidden, a section that
// only tells, without entries and without a domain of its own, may tell of them.
func (c *cutting) hides(s fhir.Node) (bool, error) {
	domain := ""
	for coding := range s.All("code", "coding") {
		if coding.Member("system").Text() == domainSystem {
			domain = coding.Member("code").Text()
		}
	}
	entries := 0
	for n := range s.All("entry") {
		entries++
		ref, ok := fhir.ParseRef(n.Member("reference").Text())
		if !ok {
			continue
		}
		_, d, err := c.a.look(ref.Current())
		if err != nil {
			return false, err
		}
		if !d.Permit && d.Reason != "not-found" {
			return true, nil
		}
	}
	telling := entries == 0 && domain == "" && !s.Member("section").Exists() && !s.Member("emptyReason").Exists()
	return slices.Contains(c.a.domains, domain) && domain != "" || telling && len(c.a.domains) > 0, nil
}
