package exchange

import (
	"context"
	"net/url"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// historySystem names a history of all types in the log; each type is judged as its own history.
const historySystem auth.Interaction = "history-system"

// Past asks for a history: of one resource, of a type, or of all types.
type Past struct {
	Ref    fhir.Ref     // type and id; type alone; neither
	Since  time.Time    // versions of this instant or later; zero: all
	At     [2]time.Time // versions that stood at some instant of this span; zero: all
	Count  int          // versions on a page, at least 1
	Cursor string       // of the page, "" for the first
	Query  url.Values   // as sent, for the AuditEvent
}

// Version is one entry of a history. A deletion has no body.
type Version struct {
	Served
	Deleted bool
}

// Versions is one page of a history, newest first.
type Versions struct {
	Versions []Version
	Total    int    // visible versions of one resource; -1 for a type or the system, which are not counted
	Next     string // cursor of the next page, "" at the end
}

// History returns the versions that the principal may see, each decided on as a read of that version:
// what is hidden is absent and counts nowhere. It answers NotFound for a resource without a visible
// version.
func (s *Service) History(ctx context.Context, c Call, ask Past) (Versions, error) {
	const op = "exchange.History"
	e := s.event(c, ask.interaction(), ask.Ref.Type)
	if len(ask.Query) > 0 {
		e.query = ask.Query
	}
	var out Versions
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		l := &looking{w: s.world(v), v: v, e: &e, ask: ask}
		var err error
		if ask.Ref.ID != "" {
			out, refused, err = l.instance()
		} else {
			out, refused, err = l.types()
		}
		return err
	})
	if err != nil {
		return Versions{}, s.broke(ctx, op, e, err)
	}
	if err := s.disclose(ctx, op, e); err != nil {
		return Versions{}, err
	}
	return out, refused
}

func (p Past) interaction() auth.Interaction {
	switch {
	case p.Ref.ID != "":
		return auth.HistoryInstance
	case p.Ref.Type != "":
		return auth.HistoryType
	}
	return historySystem
}

// looking is one look into the past.
type looking struct {
	w   *world
	v   Snapshot
	e   *event
	ask Past
}

// visible is a version with the decision that lets it out, and the cursor behind it.
type visible struct {
	Stored
	decision auth.Decision
	behind   string
}

// rawVersions is how many versions one look at the store brings, visible or not.
const rawVersions = 200

// instance shows one resource. Its total counts the visible versions of all times.
func (l *looking) instance() (Versions, error, error) {
	const op = "exchange.History"
	p, a := l.e.call.Principal, auth.Action{Interaction: auth.HistoryInstance, Type: l.ask.Ref.Type}
	d, err := l.w.decide(p, a, nil)
	if err != nil {
		return Versions{}, nil, err
	}
	if !d.Permit {
		l.e.denied(d, p.Patient)
		return Versions{}, refusal(op, d), nil
	}
	current, err := l.v.Read(l.ask.Ref)
	if fhir.KindOf(err) == fhir.NotFound && err != nil {
		l.e.missed()
		return Versions{}, notFound(op, "not-found"), l.w.pretend(p, a)
	}
	if err != nil && !missing(err) {
		return Versions{}, nil, unavailable(op, "policy-unavailable", err)
	}
	if d, err = l.w.decide(p, a, &current.Facts); err != nil {
		return Versions{}, nil, err
	}
	if !d.Permit {
		l.e.saw(current, d)
		return Versions{}, refusal(op, d), nil
	}
	all := Span{Ref: l.ask.Ref, Since: l.ask.Since, At: l.ask.At, Count: rawVersions}
	total := 0
	if err := l.walk(all, func(visible) bool { total++; return true }); err != nil {
		return Versions{}, nil, err
	}
	all.Cursor = l.ask.Cursor
	out, err := l.page(all)
	out.Total = total
	return out, nil, err
}

// types shows a type, or every type that the token may ask for.
func (l *looking) types() (Versions, error, error) {
	const op = "exchange.History"
	p := l.e.call.Principal
	kinds := []fhir.Type{l.ask.Ref.Type}
	if l.ask.Ref.Type == "" {
		kinds = fhir.Types()
	}
	span := Span{Filters: map[fhir.Type]auth.Filter{}, Since: l.ask.Since, At: l.ask.At, Cursor: l.ask.Cursor}
	var refused auth.Decision
	for _, t := range kinds {
		f, d, err := l.w.compile(withDeleted{l.v}, p, auth.Action{Interaction: auth.HistoryType, Type: t}, about{})
		if err != nil {
			return Versions{}, nil, unavailable(op, "policy-unavailable", err)
		}
		if !d.Permit {
			refused = d
			continue
		}
		span.Filters[t] = f
	}
	if len(span.Filters) == 0 {
		l.e.denied(refused, p.Patient)
		return Versions{}, refusal(op, refused), nil
	}
	l.e.asked(auth.Decision{Permit: true, HTTP: 200})
	out, err := l.page(span)
	out.Total = -1
	return out, nil, err
}

// withDeleted is a snapshot whose heads are those of what is deleted, too.
type withDeleted struct{ Snapshot }

// Heads implements Lookups.
func (v withDeleted) Heads(compartment string, t fhir.Type) ([]auth.ResourceFacts, error) {
	now, err := v.Snapshot.Heads(compartment, t)
	if err != nil {
		return nil, err
	}
	then, err := v.Snapshot.Deleted(compartment, t)
	return append(now, then...), err
}

// page renders the visible versions from the cursor of a span. There is a next page only when it has
// something to show.
func (l *looking) page(span Span) (Versions, error) {
	var out Versions
	var shown []visible
	span.Count = min(l.ask.Count+10, rawVersions)
	err := l.walk(span, func(g visible) bool {
		if len(shown) == l.ask.Count {
			out.Next = shown[len(shown)-1].behind
			return false
		}
		shown = append(shown, g)
		return true
	})
	if err != nil {
		return Versions{}, err
	}
	for _, g := range shown {
		l.e.saw(g.Stored, g.decision)
		v := Version{Served: Served{Ref: g.Ref, Updated: g.Updated}, Deleted: g.Deleted}
		if !g.Deleted {
			if v.Served, err = l.w.serve(l.e.call.Principal, g.Stored, g.decision); err != nil {
				return Versions{}, err
			}
		}
		out.Versions = append(out.Versions, v)
	}
	return out, nil
}

// walk calls f for each visible version of a span, newest first, until f says no.
func (l *looking) walk(span Span, f func(visible) bool) error {
	interaction := auth.HistoryType
	if span.Ref.ID != "" {
		interaction = auth.HistoryInstance
	}
	for {
		page, err := l.v.History(span)
		if err != nil {
			return fhir.Wrap("exchange.History", err)
		}
		for i, st := range page.Matches {
			a := auth.Action{Interaction: interaction, Type: st.Ref.Type}
			d, err := l.w.decideVersion(l.e.call.Principal, a, st)
			if err == nil && !d.Permit && interaction == auth.HistoryType {
				err = l.suspect(a, st)
			}
			if err != nil {
				return err
			}
			if d.Permit && !f(visible{st, d, page.Behind[i]}) {
				return nil
			}
		}
		if span.Cursor = page.Next; page.Next == "" {
			return nil
		}
	}
}

// suspect tells of a version that the filter of its type let through though the resource is hidden as it
// stands now. That an old version is hidden by itself, or a granular scope leaves it out, is no fault.
func (l *looking) suspect(a auth.Action, st Stored) error {
	current, err := l.v.Read(st.Ref.Current())
	if err != nil && !missing(err) {
		return unavailable("exchange.History", "policy-unavailable", err)
	}
	d, err := l.w.decide(l.e.call.Principal, a, &current.Facts)
	if err == nil && !d.Permit && d.Reason != "scope-granular" {
		l.e.leaked(l.w.s, current, d)
	}
	return err
}
