package exchange

import (
	"cmp"
	"context"
	"net/url"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// Results is one page of a search.
type Results struct {
	Matches  []Served
	Included []Served // what _include and _revinclude bring, each once
	Cut      bool     // there was more to include than one page may
	Total    int      // visible matches in all, when the plan wants it; else -1
	Next     string   // cursor of the next page, "" at the end
}

// Search runs a plan over what the principal may see: the decision is compiled into the query, and
// each resource that leaves is decided on once more. Hidden resources change nothing in the
// answer. query is the query as sent, for the AuditEvent.
func (s *Service) Search(ctx context.Context, c Call, plan search.Plan, query url.Values) (Results, error) {
	const op = "exchange.Search"
	e := s.event(c, auth.SearchType, plan.Type)
	e.query, e.place = query, place(plan)
	var out Results
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		var err error
		once := s.searchOnce
		if plan.Type == auditType {
			once = s.searchLog
		}
		out, refused, err = once(s.world(v), v, &e, plan)
		if err != nil {
			return err
		}
		return out.show(plan.Select)
	})
	if err != nil {
		return Results{}, s.broke(ctx, op, e, err)
	}
	if err := s.disclose(ctx, op, e); err != nil {
		return Results{}, err
	}
	return out, refused
}

// place is the path of a search in a compartment.
func place(plan search.Plan) string {
	if plan.Within.IsZero() {
		return ""
	}
	return plan.Within.String() + "/" + cmp.Or(string(plan.Type), "*")
}

func (s *Service) searchOnce(w *world, v Snapshot, e *event, plan search.Plan) (Results, error, error) {
	const op = "exchange.Search"
	filter, d, err := w.filters(v, e.call.Principal, auth.SearchType, &plan)
	if err != nil {
		return Results{}, nil, unavailable(op, "policy-unavailable", err)
	}
	if !d.Permit {
		e.denied(d, e.call.Principal.Patient)
		return Results{}, refusal(op, d), nil
	}
	e.asked(d)
	page, err := v.Search(plan, filter)
	if err != nil {
		return Results{}, nil, fhir.Wrap(op, err)
	}
	out := Results{Total: -1, Next: page.Next}
	if plan.Total || plan.Count == 0 {
		out.Total = page.Total
	}
	if out.Matches, err = s.leave(w, e, page.Matches); err != nil {
		return Results{}, nil, err
	}
	return out, nil, s.include(w, v, e, &plan, &out)
}

// show leaves of each resource what a selection shows.
func (r *Results) show(sel fhir.Selection) error {
	for _, list := range [][]Served{r.Matches, r.Included} {
		for i := range list {
			var err error
			if list[i], err = list[i].Select(sel); err != nil {
				return err
			}
		}
	}
	return nil
}

// Select returns s with the elements that a selection shows. What it leaves out makes it no version
// to update from.
func (s Served) Select(sel fhir.Selection) (Served, error) {
	if sel.Whole() {
		return s, nil
	}
	r, err := s.tree()
	if err != nil {
		return Served{}, err
	}
	if r, err = r.Select(sel); err != nil {
		return Served{}, fhir.Wrap("exchange.Select", err)
	}
	s.Body, s.Reduced = r.Bytes(), true
	return s, nil
}

// tree parses what leaves. One that does not parse is a fault of the store: how large it may be was
// judged when it came.
func (s Served) tree() (*fhir.Resource, error) {
	r, err := parsed(s.Body)
	return r, fhir.Wrap(s.Ref.String(), err)
}

// parsed reads what this server wrote, and keeps it: body must not be changed any more.
func parsed(body []byte) (*fhir.Resource, error) {
	r, issues := fhir.ParseOwned(body, fhir.Limits{Bytes: len(body), Nodes: len(body)})
	if fhir.HasErrors(issues) {
		return nil, &fhir.Error{Kind: fhir.Internal, Op: "exchange.parsed"}
	}
	return r, nil
}

// leave decides on each match that leaves. A hit that the filter let through and Decide refuses is
// a fault: it is dropped and the operator is told.
func (s *Service) leave(w *world, e *event, matches []Stored) ([]Served, error) {
	out := make([]Served, 0, len(matches))
	for _, st := range matches {
		d, err := w.decide(e.call.Principal, auth.Action{Interaction: auth.SearchType, Type: st.Ref.Type}, &st.Facts)
		if err != nil {
			return nil, err
		}
		if !d.Permit {
			e.leaked(s, st, d)
			continue
		}
		e.saw(st, d)
		served, err := w.serve(e.call.Principal, st, d)
		if err != nil {
			return nil, err
		}
		out = append(out, served)
	}
	return out, nil
}
