package exchange

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow/calendar"
)

// feeds say which resources of a type the rules of time look at, by their facts: nothing else of a child
// is read for them, and a write of nothing else makes them run again.
var feeds = map[fhir.Type]func(auth.ResourceFacts) bool{
	"Patient": whole, "RelatedPerson": whole, "CareTeam": whole,
	"CarePlan": func(f auth.ResourceFacts) bool {
		return carePlan(f) || emergencyPlan(f) || contracted(f) || agreed(f) || shared(f)
	},
	"Composition":           bearing("mks-record", "overdracht"),
	"ServiceRequest":        bearing("wettelijk-kader", ""),
	"Encounter":             bearing("evaluatie-soort", ""),
	"QuestionnaireResponse": bearing("mks-record", "verwijsboom"),
	"Consent":               bearing("se-samtycke", "samordning"),
	"Provenance":            func(f auth.ResourceFacts) bool { return f.Signed },
	"Task":                  either(ofRules, bearing("se-task", "overlamning")),
	"Communication":         either(ofRules, bearing("mks-categorie", "ouders-geinformeerd")),
}

// The kinds of plan that the rules tell apart.
var (
	carePlan      = bearing("mks-categorie", "zorgplan")
	emergencyPlan = bearing("mks-categorie", "noodplan")
)

// contracted picks the actions that an organisation carries out.
func contracted(f auth.ResourceFacts) bool {
	return bearing("mks-categorie", "actie")(f) && slices.ContainsFunc(f.Doers, func(r fhir.Ref) bool { return r.Type == "Organization" })
}

// agreed picks the plans of help in a family's network.
func agreed(f auth.ResourceFacts) bool {
	return slices.Contains(f.Codings, auth.Coding{System: "http://snomed.info/sct", Code: "243114000"}) &&
		slices.ContainsFunc(f.Refs, func(r fhir.Ref) bool { return r.Type == "CareTeam" })
}

// shared picks the coordinated plans of several organisations.
func shared(f auth.ResourceFacts) bool {
	return slices.ContainsFunc(f.Codings, func(c auth.Coding) bool {
		return c.System == "https://fhir.inera.se/CodeSystem/typeofcareplan-cs" || c.System == fhir.Canonical+"/CodeSystem/se-plantyp"
	})
}

func either(a, b func(auth.ResourceFacts) bool) func(auth.ResourceFacts) bool {
	return func(f auth.ResourceFacts) bool { return a(f) || b(f) }
}

func whole(auth.ResourceFacts) bool { return true }

// ofRules reports whether a rule wrote a resource.
func ofRules(f auth.ResourceFacts) bool {
	return strings.HasPrefix(f.Source, fhir.Canonical+"/mks/workflow#")
}

// bearing picks what bears a code of one of our systems, any code for "".
func bearing(system, code string) func(auth.ResourceFacts) bool {
	return func(f auth.ResourceFacts) bool {
		return slices.ContainsFunc(f.Codings, func(c auth.Coding) bool {
			return c.System == fhir.Canonical+"/CodeSystem/"+system && (code == "" || c.Code == code)
		})
	}
}

// feedsRules reports whether a write may change what a rule of time says.
func feedsRules(w Write) bool {
	pick := feeds[w.Ref.Type]
	return pick != nil && pick(w.Facts) || asksHelp(w.Facts)
}

// calendar runs the rules of time on a child as it will be after the unit, and puts what they write into it,
// with the instant at which they are to run next.
func (d *draft) calendar(e *event, id string) error {
	const op = "exchange.calendar"
	state, err := d.w.v.State(id)
	if err != nil {
		return unavailable(op, "policy-unavailable", err)
	}
	s, err := d.ready(e, id)
	if err != nil {
		return err
	}
	out, err := calendar.Follow(s)
	if err != nil {
		return fhir.Wrap(op, err)
	}
	if err := d.write(e, out.Writes); err != nil {
		return err
	}
	waits, err := d.unanswered(e, id)
	if err != nil {
		return err
	}
	if out.Next.IsZero() || !waits.IsZero() && waits.Before(out.Next) {
		out.Next = waits
	}
	d.told = append(d.told, out.Issues...)
	d.unit.Relied = append(d.unit.Relied, Reliance{Compartment: id, State: state})
	d.unit.Due = append(d.unit.Due, Due{Compartment: id, At: out.Next, Never: out.Next.IsZero()})
	return nil
}

// ready brings the plans into force that wait and are signed enough by now, and returns what the rules look at
// then. One that this unit writes itself waits for the next run.
func (d *draft) ready(e *event, id string) (calendar.Situation, error) {
	s, err := d.situation(id)
	if err != nil {
		return s, err
	}
	before := len(d.unit.Writes)
	for _, p := range s.Ready() {
		plan := p.Resource.Ref().Current()
		if d.writes(plan) {
			continue
		}
		plan.Version = p.Version
		if err := d.activate(e, p.Resource, s.SignaturesOn(plan, calendar.RecordVersion(p.Resource))); err != nil {
			return s, err
		}
	}
	if len(d.unit.Writes) == before {
		return s, nil
	}
	return d.situation(id)
}

// write puts what a rule writes into the unit: of the server's own making, and valid.
func (d *draft) write(e *event, writes []calendar.Write) error {
	const op = "exchange.calendar"
	rs := make([]*fhir.Resource, len(writes))
	for i, w := range writes {
		rs[i] = w.Resource
	}
	d.announce(rs)
	before := len(d.issues)
	for _, w := range writes {
		prior, err := d.stored(w.Resource.Ref())
		if err != nil {
			return err
		}
		if same, err := unchanged(w.Resource, prior); same || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		wr, err := d.put(w.Resource, prior, w.Custodian, w.Custodian)
		if err != nil {
			return err
		}
		d.add(wr)
		e.wrote(wr, auth.Decision{Permit: true, Reason: "permit-write"})
	}
	if made := d.issues[before:]; fhir.HasErrors(made) {
		return &fhir.Error{Kind: fhir.Internal, Op: op + " validate", Err: invalid(made)}
	}
	d.issues = d.issues[:before] // what else is to be said of them concerns no sender
	return nil
}
