package exchange

import (
	"context"
	"net/url"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// Results is one page of a search.
type Results struct {
	Matches []Served
	Total   int    // visible matches in all, when the plan wants it; else -1
	Next    string // cursor of the next page, "" at the end
}

// Search runs a plan over what the principal may see: the decision is compiled into the query, and
// each resource that leaves is decided on once more. Hidden resources change nothing in the
// answer. query is the query as sent, for the AuditEvent.
func (s *Service) Search(ctx context.Context, c Call, plan search.Plan, query url.Values) (Results, error) {
	const op = "exchange.Search"
	e := s.event(c, auth.SearchType, plan.Type)
	e.query = query
	var out Results
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		var err error
		once := s.searchOnce
		if plan.Type == auditType {
			once = s.searchLog
		}
		out, refused, err = once(s.world(v), v, &e, plan)
		return err
	})
	if err != nil {
		return Results{}, s.broke(ctx, op, e, err)
	}
	if err := s.record(ctx, op, e.audits(s)); err != nil {
		return Results{}, err
	}
	return out, refused
}

func (s *Service) searchOnce(w *world, v Snapshot, e *event, plan search.Plan) (Results, error, error) {
	const op = "exchange.Search"
	a := auth.Action{Interaction: auth.SearchType, Type: plan.Type}
	f, err := w.searchFacts(e.call.Principal, plan)
	if err != nil {
		return Results{}, nil, unavailable(op, "policy-unavailable", err)
	}
	every := auth.NeedsAll(e.call.Principal, a)
	filter, d, err := auth.Compile(e.call.Principal, a, f, func(c *auth.Child) ([]auth.ResourceFacts, error) {
		if every {
			return w.everything(c.Patient.ID)
		}
		return v.Heads(c.Patient.ID, plan.Type)
	})
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
	out.Matches, err = s.leave(w, e, page.Matches)
	return out, nil, err
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
			s.log.Error("filter leak", "ref", st.Ref.String(), "reason", d.Reason, "request", e.call.RequestID)
			continue
		}
		e.saw(st, d)
		served, err := serve(st, d)
		if err != nil {
			return nil, err
		}
		out = append(out, served)
	}
	return out, nil
}

// searchFacts gathers the children that a search can reach by relation or consent: those the plan
// names when it names any, else all to whom the principal is related. An Appointment may be about
// further children, who have to permit too.
func (w *world) searchFacts(p auth.Principal, plan search.Plan) (auth.Facts, error) {
	ids, pinned := pinnedPatients(plan)
	pinned = pinned && plan.Type != "Appointment"
	if auth.OnlyOwnPatient(p, auth.Action{Interaction: auth.SearchType, Type: plan.Type}) {
		ids, pinned = nil, true
	}
	if !pinned {
		all, err := w.related(p)
		if err != nil {
			return auth.Facts{}, err
		}
		ids = append(ids, all...)
	}
	return w.policy(p, ids, nil)
}

// related returns the compartments in which a team, task or consent names the principal, and those
// of the persons that the principal is.
func (w *world) related(p auth.Principal) ([]string, error) {
	var out []string
	for _, party := range []fhir.Ref{p.Organization, p.FHIRUser} {
		if party.IsZero() {
			continue
		}
		ids, err := w.v.Related(party)
		if err != nil {
			return nil, err
		}
		out = append(out, ids...)
	}
	selves := []fhir.Ref{p.FHIRUser}
	if p.FHIRUser.Type == "Person" {
		st, err := w.v.Read(p.FHIRUser)
		if err != nil && !missing(err) {
			return nil, err
		}
		selves = st.Facts.Refs
	}
	for _, self := range selves {
		if self.Type != "RelatedPerson" && self.Type != "Patient" {
			continue
		}
		st, err := w.v.Read(self)
		if err != nil && !missing(err) {
			return nil, err
		}
		for _, patient := range st.Facts.Patients {
			out = append(out, patient.ID)
		}
	}
	return out, nil
}

// pinning are the parameters that name the patient a resource is about.
var pinning = map[string]bool{"patient": true, "subject": true, "_id": true}

// pinnedPatients returns the patients that every match of the plan must be about.
func pinnedPatients(plan search.Plan) ([]string, bool) {
	for _, c := range plan.Where {
		if !pinning[c.Param] || c.Modifier != "" && c.Modifier != "Patient" {
			continue
		}
		var ids []string
		for _, v := range c.Values {
			switch {
			case c.Param == "_id" && plan.Type == "Patient",
				c.Kind == search.Reference && v.System == "Patient",
				c.Param == "patient" && v.System == "" && fhir.ValidID(v.Value):
				ids = append(ids, v.Value)
			}
		}
		if len(ids) > 0 && len(ids) == len(c.Values) {
			return ids, true
		}
	}
	return nil, false
}
