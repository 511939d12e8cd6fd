package exchange

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow/calendar"
)

// situating gathers what the rules of time look at: what is stored, with the unit's own writes on top. What
// is over is told by its facts alone, so that a long history costs no parse.
type situating struct {
	*draft
	id     string
	known  map[fhir.Type][]calendar.Known
	past   map[string]time.Time
	drafts []calendar.Known     // plans that wait
	wait   []auth.ResourceFacts // the same
	child  auth.Material

	crowded []fhir.Ref // who keeps more than the rules look at
}

func (d *draft) situation(id string) (calendar.Situation, error) {
	const op = "exchange.situation"
	g := &situating{
		draft: d, id: id, known: map[fhir.Type][]calendar.Known{}, past: map[string]time.Time{}, child: auth.Material{Compartment: id},
	}
	for t, pick := range feeds {
		if t == "Provenance" {
			continue
		}
		if err := g.gather(t, pick); err != nil {
			return calendar.Situation{}, fhir.Wrap(op, err)
		}
	}
	if len(g.drafts) > 0 { // a record has many, and few sign what waits
		if err := g.gather("Provenance", g.onDraft); err != nil {
			return calendar.Situation{}, fhir.Wrap(op, err)
		}
		if err := g.changes(); err != nil {
			return calendar.Situation{}, fhir.Wrap(op, err)
		}
	}
	c := auth.NewChild(g.child)
	dir, err := d.w.directory(c.DirectoryNeeds())
	if err != nil {
		return calendar.Situation{}, unavailable(op, "policy-unavailable", err)
	}
	s := calendar.Situation{
		Now: d.w.now, Household: c.Household(d.w.now, d.w.s.settings, dir), AllSign: d.w.s.allSign,
		Teams: g.known["CareTeam"], Plans: g.known["CarePlan"], Meetings: g.known["Encounter"], Messages: g.known["Communication"],
		Transfers: g.known["Composition"], Requests: g.known["ServiceRequest"], Emergency: g.known["noodplan"], Actions: g.known["actie"],
		Tasks: g.known["Task"], Past: g.past, Signatures: g.known["Provenance"], Trees: g.known["QuestionnaireResponse"],
		People: g.known["RelatedPerson"], Agreements: g.known["afspraak"], Shared: g.known["samordning"], Permits: g.known["Consent"], Crowded: g.crowded, Find: d.find, Version: d.version, Consents: func() ([]calendar.Known, error) { return d.consents(id) },
	}
	for _, p := range g.known["Patient"] {
		if p.Resource.ID() == id {
			s.Patient = p
		}
	}
	return s, nil
}

// idle say what of a type is over: no rule asks what it holds.
var idle = map[fhir.Type]func(auth.ResourceFacts) bool{
	"Task": func(f auth.ResourceFacts) bool {
		return hasStatus(f, "completed", "cancelled", "failed", "entered-in-error") && !ofEmergency(f)
	},
	"Communication": func(f auth.ResourceFacts) bool { return ofRules(f) && !hasStatus(f, "preparation") },
	"CarePlan": func(f auth.ResourceFacts) bool {
		return !carePlan(f) && !hasStatus(f, "active") && !(agreed(f) && hasStatus(f, "on-hold"))
	},
	"ServiceRequest": func(f auth.ResourceFacts) bool { return !hasStatus(f, "active") },
	"Composition":    func(f auth.ResourceFacts) bool { return !hasStatus(f, "final", "amended") },
	"Encounter":      func(f auth.ResourceFacts) bool { return !hasStatus(f, "finished") },
}

func hasStatus(f auth.ResourceFacts, statuses ...string) bool {
	return slices.Contains(statuses, f.Status)
}

// ofEmergency picks the Tasks by which emergencies are reviewed: their letter may still have to go.
func ofEmergency(f auth.ResourceFacts) bool {
	return f.Source == fhir.Canonical+"/mks/workflow#"+calendar.RuleEmergency
}

// onDraft picks the signatures on plans that wait: those that the family wrote, and those that came from who
// keeps the plan. No other organisation signs for anybody.
func (g *situating) onDraft(f auth.ResourceFacts) bool {
	return f.Signed && slices.ContainsFunc(g.drafts, func(plan calendar.Known) bool {
		return slices.Contains(f.Refs, plan.Resource.Ref().Current()) && (f.Custodian.IsZero() || f.Custodian.Current() == plan.Custodian)
	})
}

// gather reads the resources of a type that a rule looks at.
func (g *situating) gather(t fhir.Type, pick func(auth.ResourceFacts) bool) error {
	over := idle[t]
	fed, crowded, err := g.fedWithin(g.id, t, func(f auth.ResourceFacts) bool {
		if !pick(f) {
			return false
		}
		if over != nil && over(f) {
			g.past[f.Ref.ID] = f.When
			return false
		}
		return true
	})
	if err != nil {
		return err
	}
	g.crowded = append(g.crowded, crowded...)
	for _, st := range fed {
		k, err := knownOf(st)
		if err != nil {
			return err
		}
		kind := kindOf(t, st.Facts)
		g.known[kind] = append(g.known[kind], k)
		switch {
		case t == "Patient" || t == "RelatedPerson":
			g.child.Resources = append(g.child.Resources, auth.Stored{Resource: k.Resource, Facts: st.Facts})
		case kind == "CarePlan" && hasStatus(st.Facts, "draft"):
			g.drafts, g.wait = append(g.drafts, k), append(g.wait, st.Facts)
		}
	}
	return nil
}

// partTypes are what a plan consists of: by its references to them, or theirs to it.
var partTypes = []fhir.Type{"CarePlan", "Goal", "Condition", "NutritionOrder"}

// changes finds when each plan that waits, or a part of it, was stored last.
func (g *situating) changes() error {
	if len(g.known["Provenance"]) == 0 {
		return nil
	}
	of := map[fhir.Ref][]int{} // part → plans
	for i, f := range g.wait {
		of[f.Ref.Current()] = append(of[f.Ref.Current()], i)
		for _, ref := range f.Refs {
			if slices.Contains(partTypes, ref.Type) {
				of[ref.Current()] = append(of[ref.Current()], i)
			}
		}
	}
	last := make([]time.Time, len(g.wait))
	see := func(f auth.ResourceFacts, at time.Time) {
		plans := of[f.Ref.Current()]
		for _, ref := range f.Refs {
			if f.Ref.Type == "CarePlan" && ref.Type == "CarePlan" {
				plans = append(plans[:len(plans):len(plans)], of[ref.Current()]...)
			}
		}
		for _, i := range plans {
			if at.After(last[i]) {
				last[i] = at
			}
		}
	}
	for _, t := range partTypes {
		heads, err := g.w.v.Heads(g.id, t)
		if err != nil {
			return err
		}
		for _, f := range heads {
			see(f, f.Updated)
		}
	}
	for _, w := range g.unit.Writes {
		see(w.Facts, g.w.now)
	}
	for i := range g.known["CarePlan"] {
		p := &g.known["CarePlan"][i]
		for j, f := range g.wait {
			if f.Ref.Current() == p.Resource.Ref().Current() {
				p.Changed = last[j]
			}
		}
	}
	return nil
}

// kindOf tells the kinds of CarePlan apart; every other type is its own kind.
func kindOf(t fhir.Type, f auth.ResourceFacts) fhir.Type {
	switch {
	case t != "CarePlan" || carePlan(f):
		return t
	case emergencyPlan(f):
		return "noodplan"
	case agreed(f):
		return "afspraak"
	case shared(f):
		return "samordning"
	}
	return "actie"
}

// maxOfKeeper is how many resources of a kind that one organisation keeps the rules of time look at: no real
// record has so many at once, and each costs a look and can become Tasks.
const maxOfKeeper = 100

// bounded are the types of which anybody can store more than the rules look at.
var bounded = map[fhir.Type]bool{
	"CareTeam": true, "CarePlan": true, "Composition": true, "ServiceRequest": true, "Encounter": true, "QuestionnaireResponse": true,
	"Consent": true,
}

// within leaves out what one organisation keeps more of than the rules look at, what is active and what is new last, and says whose.
func within(all []Stored) (kept []Stored, crowded []fhir.Ref) {
	type keeper struct {
		kind fhir.Type
		org  fhir.Ref
	}
	rank := func(st Stored) int {
		if hasStatus(st.Facts, "active") {
			return 0
		}
		return 1
	}
	slices.SortFunc(all, func(a, b Stored) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.Facts.When.Compare(a.Facts.When), strings.Compare(a.Ref.ID, b.Ref.ID))
	})
	seen := map[keeper]int{}
	for _, st := range all {
		k := keeper{kindOf(st.Ref.Type, st.Facts), st.Facts.Custodian.Current()}
		if seen[k]++; seen[k] <= maxOfKeeper {
			kept = append(kept, st)
		} else if !slices.Contains(crowded, k.org) {
			crowded = append(crowded, k.org)
		}
	}
	return kept, crowded
}

// fed returns the resources of a type that a rule looks at.
func (d *draft) fed(id string, t fhir.Type, pick func(auth.ResourceFacts) bool) ([]Stored, error) {
	out, _, err := d.fedWithin(id, t, pick)
	return out, err
}

// fedWithin is fed, and who keeps more than that.
func (d *draft) fedWithin(id string, t fhir.Type, pick func(auth.ResourceFacts) bool) ([]Stored, []fhir.Ref, error) {
	heads, err := d.w.v.Heads(id, t)
	if err != nil {
		return nil, nil, err
	}
	var all []Stored
	now := map[string]bool{}
	for _, w := range d.unit.Writes {
		if w.Ref.Type != t || !slices.Contains(w.Compartments, id) {
			continue
		}
		now[w.Ref.ID] = true
		if len(w.Body) > 0 && pick(w.Facts) {
			all = append(all, Stored{Ref: w.Ref, Updated: d.w.now, Body: w.Body, MetaAt: w.MetaAt, Facts: w.Facts})
		}
	}
	for _, f := range heads {
		if !now[f.Ref.ID] && pick(f) {
			all = append(all, Stored{Ref: f.Ref, Facts: f})
		}
	}
	var crowded []fhir.Ref
	if bounded[t] && len(all) > maxOfKeeper {
		all, crowded = within(all)
	}
	out := all[:0]
	for _, st := range all {
		if st.Body == nil {
			if st, err = d.w.v.Read(st.Ref.Current()); missing(err) {
				continue
			}
			if err != nil {
				return nil, nil, err
			}
		}
		out = append(out, st)
	}
	return out, crowded, nil
}

// consents are those of a child, as they will be after the unit.
func (d *draft) consents(id string) ([]calendar.Known, error) {
	stored, err := d.fed(id, "Consent", func(f auth.ResourceFacts) bool { return hasStatus(f, "active") })
	var out []calendar.Known
	for _, st := range stored {
		k, err := knownOf(st)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, err
}

// find returns a resource as it will be after the unit, without a tree when there is none.
func (d *draft) find(ref fhir.Ref) (calendar.Known, error) {
	for _, w := range d.unit.Writes {
		if w.Ref.Current() == ref.Current() && len(w.Body) > 0 {
			return knownOf(Stored{Ref: w.Ref, Updated: d.w.now, Body: w.Body, MetaAt: w.MetaAt, Facts: w.Facts})
		}
	}
	st, err := d.stored(ref.Current())
	if err != nil || st == nil || st.Deleted {
		return calendar.Known{}, err
	}
	return knownOf(*st)
}

// version returns a stored version of a resource, without a tree when there is none.
func (d *draft) version(ref fhir.Ref) (calendar.Known, error) {
	st, err := d.w.v.Read(ref)
	if missing(err) {
		return calendar.Known{}, nil
	}
	if err != nil {
		return calendar.Known{}, unavailable("exchange.version", "policy-unavailable", err)
	}
	return knownOf(st)
}

// knownOf is a stored version as a rule looks at it.
func knownOf(st Stored) (calendar.Known, error) {
	r, err := tree(st)
	return calendar.Known{Resource: r, Version: st.Ref.Version, Custodian: st.Facts.Custodian.Current(), Parties: st.Facts.Parties, Filed: st.Facts.FiledAt}, err
}
