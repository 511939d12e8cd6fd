package workflow

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// RuleMeeting is the rule of a call to a coordination meeting (samordningsplan.md 8): somebody consented to it, and
// nobody who was left out is called.
const RuleMeeting = "SP-R02"

// Unconsented tells that nobody consented to a meeting.
func Unconsented() fhir.Issue {
	return fhir.Issue{
		Severity: fhir.SeverityError, Code: "forbidden", Diagnostics: RuleMeeting,
		Text: "A consent to this meeting is missing: a Consent of category se-samtycke#samordning that permits motas for the plan. Ask for it first.",
		In: fhir.Translations{NL: "De toestemming voor dit gesprek ontbreekt: een Consent van categorie se-samtycke#samordning die motas voor het plan toestaat. Vraag die eerst.",
			SV: "Samtycke till mötet saknas: ett Consent av kategorin se-samtycke#samordning som tillåter motas för planen. Be om det först."},
	}
}

// Code systems of a Swedish plan.
const (
	meetingSystem = fhir.Canonical + "/CodeSystem/se-mote"
	agreedSystem  = fhir.Canonical + "/CodeSystem/se-samtycke"
)

// Meeting is what is known of a call.
type Meeting struct {
	Consented bool // somebody's consent to meet stands, that the caller may know of
	Foreign   bool // another organisation coordinates a plan that it is about
	Excluded  []fhir.Issue
}

// idleMeeting are the statuses of an Appointment that calls nobody. Such a step is never refused.
var idleMeeting = []string{"cancelled", "entered-in-error", "noshow"}

// Calls reports whether a write of an Appointment calls somebody to a coordination meeting who was not called before,
// or about another plan; before is nil for a new one.
func Calls(before, after *fhir.Resource) bool {
	if after == nil || !isMeeting(after) || slices.Contains(idleMeeting, status(after)) {
		return false
	}
	if before == nil || !isMeeting(before) || slices.Contains(idleMeeting, status(before)) {
		return true
	}
	for _, path := range [][]string{{"participant", "actor", "reference"}, {"supportingInformation", "reference"}} {
		known := map[string]bool{}
		for n := range before.Root().All(path...) {
			known[n.Text()] = true
		}
		for n := range after.Root().All(path...) {
			if !known[n.Text()] {
				return true
			}
		}
	}
	return false
}

func isMeeting(r *fhir.Resource) bool {
	return coded(r.Root(), meetingSystem, "sip-mote", "serviceType", "coding")
}

// ReadMeeting judges a call of an organisation about a patient at an instant. sees tells whether the caller may read
// a resource: of consents and plans that it may not know of it learns nothing but that they do not help it.
func ReadMeeting(k Known, patient, caller fhir.Ref, r *fhir.Resource, now time.Time, sees func(fhir.Ref) (bool, error)) (Meeting, error) {
	const op = "workflow.ReadMeeting"
	var m Meeting
	plans, hidden, err := plansOf(k, r, sees)
	if err != nil || hidden {
		return m, fhir.Wrap(op, err)
	}
	for _, plan := range plans {
		leads, err := leadsPlan(k, caller, plan)
		if err != nil {
			return m, fhir.Wrap(op, err)
		}
		m.Foreign = m.Foreign || !leads
	}
	all, err := k.Child(patient, "Consent")
	if err != nil {
		return m, fhir.Wrap(op, err)
	}
	left := map[fhir.Ref]bool{}
	for _, c := range all {
		n := c.Resource.Root()
		if status(c.Resource) != "active" || !coded(n, agreedSystem, "samordning", "category", "coding") {
			continue
		}
		leaveOut(left, n.Member("provision"), plans, now)
		if m.Consented || !agreesToMeet(n.Member("provision"), plans, now) {
			continue
		}
		if m.Consented, err = sees(c.Resource.Ref()); err != nil {
			return m, fhir.Wrap(op, err)
		}
	}
	m.Excluded, err = excluded(k, r, left)
	return m, fhir.Wrap(op, err)
}

// plansOf are the plans that a call is about; hidden tells that the caller may not know one of them.
func plansOf(k Known, r *fhir.Resource, sees func(fhir.Ref) (bool, error)) (plans []*mapping.Found, hidden bool, err error) {
	for n := range r.Root().All("supportingInformation", "reference") {
		ref, ok := fhir.ParseRef(n.Text())
		if !ok || ref.Type != "CarePlan" {
			continue
		}
		seen, err := sees(ref.Current())
		if err != nil || !seen {
			return nil, true, err
		}
		plan, err := k.Read(ref.Current())
		if err != nil || plan == nil {
			return nil, true, err
		}
		plans = append(plans, plan)
	}
	return plans, false, nil
}

// leadsPlan reports whether an organisation coordinates a plan: its author, or a body with an identifier of the author.
// A plan that names no author is its keeper's.
func leadsPlan(k Known, caller fhir.Ref, plan *mapping.Found) (bool, error) {
	author := refAt(plan.Resource.Root(), "author")
	if author.IsZero() {
		author = plan.Custodian.Current()
	}
	if author == caller.Current() || author.Type != "Organization" {
		return true, nil
	}
	own, err := k.Read(caller)
	if err != nil || own == nil {
		return false, err
	}
	lead, err := k.Read(author)
	if err != nil || lead == nil {
		return false, err
	}
	for id := range lead.Resource.Root().All("identifier") {
		for mine := range own.Resource.Root().All("identifier") {
			if sameBody(mine, id) {
				return true, nil
			}
		}
	}
	return false, nil
}

// sameBody reports whether an identifier of an organisation is another's, or an HSA-id that bears its number.
func sameBody(own, other fhir.Node) bool {
	const number = "urn:oid:2.5.4.97"
	mine, its := identifierOf(own), identifierOf(other)
	return mine == its && its.Value != "" || its.System == number && its.Value != "" && strings.HasPrefix(mine.Value, "SE"+its.Value+"-")
}

// identifierOf is an identifier under the system that is written.
func identifierOf(n fhir.Node) fhir.Identifier {
	return mapping.Aliases(fhir.Identifier{System: n.Member("system").Text(), Value: n.Member("value").Text()})[0]
}

// agreesToMeet reports whether a provision permits a meeting about the plans today.
func agreesToMeet(p fhir.Node, plans []*mapping.Found, now time.Time) bool {
	return p.Member("type").Text() == "permit" && coded(p, agreedSystem, "motas", "action", "coding") && standsOn(p, plans, now)
}

// leaveOut adds those whom a provision, or an exception of it, leaves out today.
func leaveOut(left map[fhir.Ref]bool, p fhir.Node, plans []*mapping.Found, now time.Time) {
	if !standsOn(p, plans, now) {
		return
	}
	if p.Member("type").Text() == "deny" {
		for n := range p.All("actor") {
			left[refAt(n, "reference")] = true
		}
	}
	for x := range p.All("provision") {
		leaveOut(left, x, plans, now)
	}
}

// standsOn reports whether a provision holds today, and for one of the plans, when it names any.
func standsOn(p fhir.Node, plans []*mapping.Found, now time.Time) bool {
	today, days := now.In(zone()).Format(dayForm), p.Member("period")
	from, until := days.Member("start").Text(), days.Member("end").Text()
	if from != "" && from[:min(len(from), len(today))] > today || until != "" && until[:min(len(until), len(today))] < today[:min(len(until), len(today))] {
		return false
	}
	if !p.Member("data").Exists() || len(plans) == 0 {
		return true
	}
	for d := range p.All("data") {
		if slices.ContainsFunc(plans, func(f *mapping.Found) bool { return f.Resource.Ref().Current() == refAt(d, "reference") }) {
			return true
		}
	}
	return false
}

// excluded are the participants that act for those who are left out.
func excluded(k Known, r *fhir.Resource, left map[fhir.Ref]bool) ([]fhir.Issue, error) {
	var out []fhir.Issue
	i := -1
	for p := range r.Root().All("participant") {
		i++
		who := refAt(p, "actor")
		if member, ok := actsFor[who.Type]; ok && !left[who] {
			found, err := k.Read(who)
			if err != nil {
				return nil, err
			}
			if found == nil {
				continue
			}
			who = refAt(found.Resource.Root(), member)
		}
		if left[who] && !who.IsZero() {
			out = append(out, fhir.Issue{
				Severity: fhir.SeverityError, Code: "business-rule", Diagnostics: RuleMeeting, Expression: fmt.Sprintf("Appointment.participant[%d].actor", i),
				Text: "A consent leaves this actor out. Do not call it, or ask for another consent.",
				In: fhir.Translations{NL: "Een toestemming sluit deze partij uit. Roep haar niet op, of vraag een andere toestemming.",
					SV: "Ett samtycke undantar denna aktör. Kalla den inte, eller be om ett annat samtycke."},
			})
		}
	}
	return out, nil
}

// actsFor are the members that name the organisation for which somebody takes part.
var actsFor = map[fhir.Type]string{"HealthcareService": "providedBy", "PractitionerRole": "organization"}
