package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// sharedPlanSystems hold the kinds of a Swedish coordinated plan, in CarePlan.category.
var sharedPlanSystems = []string{systemPlanType, systemOwnPlanType}

// isSharedPlan reports whether r is a Swedish coordinated plan that was not made in error.
func isSharedPlan(r *ResourceFacts) bool {
	return r.Ref.Type == "CarePlan" && r.Status != "entered-in-error" &&
		slices.ContainsFunc(r.Codings, func(c Coding) bool { return slices.Contains(sharedPlanSystems, c.System) })
}

// keepsMeasures judges what an organisation keeps of a shared plan that is closed to it: the measures that are its
// own, when a consent once opened the plan to it and nobody objects (samordningsplan.md 7). It is zero for every other
// resource and reader.
func (q *inquiry) keepsMeasures(t *target) outcome {
	before := t.v.before
	if before == nil || !isSharedPlan(t.ResourceFacts) || !slices.Contains(t.Doers, q.p.Organization) || !q.openWithout(t.Granular, "_tag") {
		return outcome{}
	}
	now := t.judge(terms{needsPermit: true, denies: deniesAll})
	if now.reason == "consent-denied" || now.reason == "domain-denied" {
		return outcome{}
	}
	then := target{ResourceFacts: t.ResourceFacts, lookup: t.lookup, v: before}
	v := then.judge(terms{needsPermit: true, denies: deniesAll})
	if v.reason != "" {
		return outcome{}
	}
	return outcome{reason: "permit-relation", must: planView, grounds: []fhir.Ref{v.permit.consent.ref}}
}

// teamMust is the view of a team whose plan is closed to one of its members (samordningsplan.md 7).
func (q *inquiry) teamMust(t *target) obligations {
	if t.v.before == nil {
		return 0
	}
	for i := range t.v.before.rulings {
		for _, d := range t.v.before.rulings[i].consent.provisions[0].data {
			plan, known := t.other(d.ref)
			if known && isSharedPlan(&plan) && plan.Custodian == t.Custodian && slices.Contains(plan.Refs, t.Ref.Current()) && !q.seesOther(d.ref) {
				return planView
			}
		}
	}
	return 0
}

// openWithout reports whether a scope passes a resource whose values of a parameter are withheld.
func (q *inquiry) openWithout(rows []search.Row, param string) bool {
	shown := slices.DeleteFunc(slices.Clone(rows), func(r search.Row) bool { return r.Param == param })
	return slices.ContainsFunc(q.p.Scopes.entries, func(e scope) bool { return q.counts(&e) && e.passes(shown) })
}

// beforeOf returns the view of the consents that opened a plan to an organisation, each on the day when it began:
// those that stand, have run out, lapsed or were withdrawn. Nil without any.
func (c *Child) beforeOf(v *view) *view {
	if v.key.organization.IsZero() || roles[v.key.role].person {
		return nil
	}
	out := *v
	out.rulings = nil
	for _, cn := range slices.Concat(c.consents, c.ended) {
		at, ok := cn.began(v)
		if !ok || !cn.opensPlan() {
			continue
		}
		then := *v
		then.now, then.today = at, dayOf(at, v.zone)
		if r, concerns := c.rulingFor(&then, cn); concerns && r.permits {
			out.rulings = append(out.rulings, r)
		}
	}
	if out.rulings == nil {
		return nil
	}
	return &out
}

// opensPlan reports whether a Consent permits something about a plan.
func (cn *consent) opensPlan() bool {
	base := &cn.provisions[0]
	return cn.kind == plainConsent && base.effect == permit && len(base.actors) > 0 &&
		slices.ContainsFunc(base.data, func(d dataRef) bool { return d.ref.Type == "CarePlan" })
}

// began returns the instant at which a Consent began, when it had by now, and before it ended.
func (cn *consent) began(v *view) (at int64, ok bool) {
	base := &cn.provisions[0]
	if !cn.dated || base.period.broken {
		return 0, false
	}
	low, high := base.period.bounds(v.zone)
	at = max(cn.dateTime.low(v.zone), low)
	return at, at <= v.now && at < high && (cn.end == 0 || at <= cn.end)
}

// Whole reports whether a resource is permitted, and not a plan, or its team, of which its reader keeps its own part
// alone: only then do those who act on what a principal may see go by all of it.
func (d Decision) Whole() bool { return d.Permit && !slices.Contains(d.Obligations, PlanView) }
