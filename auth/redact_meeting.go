package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// meetingHides are the elements of a call to a meeting that tell of its plan (samordningsplan.md 8).
var meetingHides = []string{"comment", "patientInstruction", "reasonCode", "reasonReference", "text", "note"}

// IsMeeting reports whether r is an Appointment for a coordination meeting.
func IsMeeting(r *ResourceFacts) bool {
	return r.Ref.Type == "Appointment" && slices.Contains(r.Codings, Coding{System: systemSwedishMeeting, Code: "sip-mote"})
}

// meetingMust is the view of a meeting that a reader gets who may not see the plan that it is about.
func (q *inquiry) meetingMust(t *target) obligations {
	if !IsMeeting(t.ResourceFacts) {
		return 0
	}
	for _, ref := range t.Refs {
		if ref.Type == "CarePlan" && !q.seesOther(ref) {
			return meetingView
		}
	}
	return 0
}

// seesOther reports whether the principal may read another resource of the same children.
func (q *inquiry) seesOther(ref fhir.Ref) bool {
	if q.f.Lookup == nil {
		return false
	}
	other, known := q.f.Lookup(ref)
	f := *q.f
	f.Resource, f.Referrers = &other, nil
	return known && Decide(*q.p, Action{Interaction: Read, Type: ref.Type}, f).Whole()
}

func reduceMeeting(r *fhir.Resource, _ []string) (*fhir.Resource, error) {
	return MeetingFor(r, func(fhir.Ref) bool { return false })
}

// MeetingFor returns a call to a meeting as one of those invited reads it who may not see its plan: when, where,
// who calls, the child, and its own place among those invited; is tells who of them the reader is.
func MeetingFor(r *fhir.Resource, is func(fhir.Ref) bool) (*fhir.Resource, error) {
	if r.Type() != "Appointment" {
		return r, nil
	}
	shows := func(p fhir.Node) bool {
		kinds := readCodings(p, "type", "coding")
		ref := refAt(p, "actor")
		return slices.Contains(kinds, Coding{systemSwedishCall, "kallande"}) || slices.Contains(kinds, Coding{systemSwedishCall, "plats"}) ||
			ref.Type == "Patient" || ref.Type == "Location" || !ref.IsZero() && is(ref)
	}
	left := 0
	for p := range r.Root().All("participant") {
		if shows(p) {
			left++
		}
	}
	out, err := prune(r, func(n fhir.Node) bool {
		if n.Name() == "participant" && n.Shape() == fhir.Object {
			return !shows(n)
		}
		return !n.Parent().Parent().Exists() && slices.Contains(meetingHides, n.Name())
	})
	if err != nil {
		return nil, err
	}
	edits := []fhir.Edit{mark("security", "SUBSETTED")}
	if left == 0 { // there has to be one
		edits = append(edits, fhir.Edit{Path: []string{"participant"}, JSON: `[{"type":[{"coding":[{"system":` + quote(systemSwedishCall) +
			`,"code":"inbjudan"}]}],"status":"needs-action"}]`})
	}
	return out.Edit(edits...)
}

// leadsTo reports whether a resource, as it leaves, refers to one of the directory. The facts do not say where in it
// a reference stands: of a reduced meeting, plan or team none counts.
func (d Decision) leadsTo(ref fhir.Ref) bool {
	switch {
	case !d.Permit:
		return false
	case ref.Type == "Location" && slices.Contains(d.Obligations, RedactProtectedAddress):
		return false
	}
	return !slices.Contains(d.Obligations, MeetingView) && d.Whole()
}
