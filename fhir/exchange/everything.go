package exchange

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Whole asks for all that is kept of a child.
type Whole struct {
	Patient fhir.Ref
	Types   []fhir.Type  // none: all
	Since   time.Time    // of this instant or later; zero: all
	Care    [2]time.Time // care of this span, and what tells no time; zero bounds are open
	Count   int          // resources on a page, at least 1
	Cursor  string
	Query   url.Values // as sent, for the AuditEvent
}

// WholePage is one page of a child's record: the child, its compartment in the order in which it was
// filed, then what of the directory it refers to.
type WholePage struct {
	Resources []Served
	Included  []bool // of each resource: that it is of the directory
	Total     int    // resources of the child, without the directory
	Next      string
}

// Everything returns what the principal may see of a child's compartment, and of the directory
// resources that it refers to. It needs to read the Patient, and to search each type; a type outside
// the scopes is absent. It answers NotFound when the principal may not know the child.
func (s *Service) Everything(ctx context.Context, c Call, ask Whole) (WholePage, error) {
	const op = "exchange.Everything"
	c.Operation = "everything"
	e := s.event(c, auth.Read, ask.Patient.Type)
	if len(ask.Query) > 0 {
		e.query = ask.Query
	}
	var out WholePage
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		g := &gathering{w: s.world(v), v: v, e: &e, ask: ask}
		var err error
		if _, refused, err = s.readOne(g.w, &e, ask.Patient); refused != nil || err != nil {
			return err
		}
		e.touches = nil // the Patient is told of with its page
		out, err = g.page()
		return err
	})
	if err != nil {
		return WholePage{}, s.broke(ctx, op, e, err)
	}
	if err := s.disclose(ctx, op, e); err != nil {
		return WholePage{}, err
	}
	return out, refused
}

// gathering collects one child's record.
type gathering struct {
	w    *world
	v    Snapshot
	e    *event
	ask  Whole
	kept []member
}

// member is a resource of the record with its place in the order: the child, what is about it, the
// directory.
type member struct {
	facts    auth.ResourceFacts
	decision auth.Decision
	class    int
}

// Classes of members.
const (
	classChild = iota
	classRecord
	classDirectory
)

// place is where a member stands: the order never changes, so that pages hold under concurrent writes.
func (m *member) place() []string {
	at := ""
	if m.class == classRecord {
		at = m.facts.FiledAt.UTC().Format(time.RFC3339Nano)
	}
	return []string{strconv.Itoa(m.class), at, string(m.facts.Ref.Type), m.facts.Ref.ID}
}

func (g *gathering) page() (WholePage, error) {
	total, err := g.gather()
	if err != nil {
		return WholePage{}, err
	}
	slices.SortFunc(g.kept, func(a, b member) int { return slices.Compare(a.place(), b.place()) })
	after := strings.Split(g.ask.Cursor, "|")
	rest := slices.DeleteFunc(g.kept, func(m member) bool {
		return g.ask.Cursor != "" && slices.Compare(m.place(), after) <= 0
	})
	out := WholePage{Total: total}
	if len(rest) > g.ask.Count {
		rest = rest[:g.ask.Count]
		out.Next = strings.Join(rest[g.ask.Count-1].place(), "|")
	}
	if len(rest) == 0 {
		g.e.asked(auth.Decision{Permit: true, HTTP: 200})
	}
	for _, m := range rest {
		st, err := g.v.Read(m.facts.Ref.Current())
		if err != nil {
			return WholePage{}, unavailable("exchange.Everything", "policy-unavailable", err)
		}
		g.e.saw(st, m.decision)
		served, err := g.w.serve(g.e.call.Principal, st, m.decision)
		if err != nil {
			return WholePage{}, err
		}
		out.Resources = append(out.Resources, served)
		out.Included = append(out.Included, m.class == classDirectory)
	}
	return out, nil
}

// gather decides on the whole record, and counts what is the child's.
func (g *gathering) gather() (int, error) {
	refs := map[fhir.Ref]bool{}
	total := 0
	for _, t := range fhir.Types() {
		if auth.IsDirectory(t) {
			continue
		}
		heads, err := g.heads(t)
		if err != nil {
			return 0, err
		}
		for i := range heads {
			m, seen, err := g.judge(&heads[i])
			if err != nil {
				return 0, err
			}
			if !seen {
				continue
			}
			shown, err := g.leads(&m)
			if err != nil {
				return 0, err
			}
			for _, ref := range shown {
				refs[ref.Current()] = refs[ref.Current()] || auth.IsDirectory(ref.Type)
			}
			if g.wanted(&m.facts) {
				g.kept = append(g.kept, m)
				total++
			}
		}
	}
	return total, g.directory(refs)
}

// leads returns the references of a member as it leaves: what is withheld leads nowhere.
func (g *gathering) leads(m *member) ([]fhir.Ref, error) {
	if !auth.Redacts(m.decision.Obligations) {
		return m.facts.Refs, nil
	}
	st, err := g.v.Read(m.facts.Ref.Current())
	if err != nil {
		return nil, unavailable("exchange.Everything", "policy-unavailable", err)
	}
	served, err := g.w.serve(g.e.call.Principal, st, m.decision)
	if err != nil {
		return nil, err
	}
	r, err := served.tree()
	if err != nil {
		return nil, err
	}
	return auth.FactsOf(r, nil, nil).Refs, nil
}

// heads returns what the compartment holds of a type, nothing when the token may not ask for it.
func (g *gathering) heads(t fhir.Type) ([]auth.ResourceFacts, error) {
	if t != "Patient" {
		d, err := g.w.decide(g.e.call.Principal, auth.Action{Interaction: auth.SearchType, Type: t}, nil)
		if err != nil || !d.Permit {
			return nil, err
		}
	}
	return g.v.Heads(g.ask.Patient.ID, t)
}

// judge decides on one resource of the compartment: the child is read, the rest is searched.
func (g *gathering) judge(f *auth.ResourceFacts) (member, bool, error) {
	m := member{facts: *f, class: classRecord}
	a := auth.Action{Interaction: auth.SearchType, Type: f.Ref.Type}
	if f.Ref.Current() == g.ask.Patient {
		m.class, a.Interaction = classChild, auth.Read
	}
	var err error
	m.decision, err = g.w.decide(g.e.call.Principal, a, f)
	return m, m.decision.Permit, err
}

// wanted reports whether the request asks for a resource.
func (g *gathering) wanted(f *auth.ResourceFacts) bool {
	when, care := f.When, g.ask.Care
	told := !f.When.IsZero()
	return (len(g.ask.Types) == 0 || slices.Contains(g.ask.Types, f.Ref.Type)) &&
		!f.Updated.Before(g.ask.Since) &&
		(!told || care[0].IsZero() || !when.Before(care[0])) &&
		(!told || care[1].IsZero() || when.Before(care[1]))
}

// directory adds the visible directory resources among refs.
func (g *gathering) directory(refs map[fhir.Ref]bool) error {
	for ref, directory := range refs {
		if !directory {
			continue
		}
		st, err := g.v.Read(ref)
		if missing(err) {
			continue
		}
		if err != nil {
			return unavailable("exchange.Everything", "policy-unavailable", err)
		}
		d, err := g.w.decide(g.e.call.Principal, auth.Action{Interaction: auth.Include, Type: ref.Type}, &st.Facts)
		if err != nil {
			return err
		}
		st.Facts.When = time.Time{}
		if d.Permit && g.wanted(&st.Facts) {
			g.kept = append(g.kept, member{facts: st.Facts, decision: d, class: classDirectory})
		}
	}
	return nil
}
