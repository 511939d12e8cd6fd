package calendar

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

const ruleTransport = "7.11"

// transports holds mks.md 7.11: transport that a plan in force asks of a carrier is a Task for it, with what
// it must know: given name, instruction, times, whom to call. Other content is another Task; the old one
// ends. What to do in an emergency is not in it: the Task names the plan that says so, for a Consent to open.
func (r *run) transports() {
	for _, k := range r.Actions {
		n := k.Resource.Root()
		detail := n.At("activity", "detail")
		carrier, ok := fhir.ParseRef(detail.At("performer", "reference").Text())
		if n.Member("status").Text() != "active" || !ok || part(extension(n, "actie"), "onderdeel", "valueCode").Text() != "vervoer" {
			continue
		}
		if found := r.find(carrier).Resource; found == nil || codeOf(found.Root(), "type", "organisatie-soort") != "vervoerder" {
			r.tell(k.Custodian, "MKS-WF-11", "Transport is asked of an organisation that is no carrier; name one as executor.")
			continue
		}
		t := task{
			rule: ruleTransport, code: coding{"http://hl7.org/fhir/CodeSystem/task-code", "fulfill"}, text: sayRide,
			focus: k.Resource.Ref(), owner: carrier.Current(), custodian: k.Custodian,
		}
		plan := r.emergencyPlan(k.Custodian)
		for _, fact := range []struct{ name, value string }{
			{"naam", r.calledBy(k.Custodian)}, {"instructie", detail.Member("description").Text()}, {"tijden", timesOf(detail)}, {"noodtelefoon", phoneOf(plan)},
		} {
			if fact.value != "" {
				t.inputs = append(t.inputs, taskInput{Type: concept{Text: fact.name}, Text: fact.value})
			}
		}
		sum := sha256.Sum256(fmt.Append(nil, t.inputs))
		if plan.Resource != nil {
			t.inputs = append(t.inputs, taskInput{Type: concept{Text: "noodplan"}, Reference: &reference{Reference: plan.Resource.Ref().Current().String()}})
		}
		t.discriminator = k.Resource.ID() + "/" + carrier.ID + "/" + hex.EncodeToString(sum[:8])
		r.ask(t)
	}
	r.end(ruleTransport, func(fhir.Node) string { return "cancelled" })
}

// calledBy is the given name of the child: the usual one, else the first. Who takes no part in its care is not
// told by the Task that it keeps.
func (r *run) calledBy(org fhir.Ref) string {
	if !r.inCare(org) {
		return ""
	}
	first := ""
	for name := range r.Patient.Resource.Root().All("name") {
		for given := range name.All("given") {
			if name.Member("use").Text() == "usual" {
				return given.Text()
			}
			first = cmp.Or(first, given.Text())
		}
	}
	return first
}

// timesOf says when an action is done, in words.
func timesOf(detail fhir.Node) string {
	var times []string
	for t := range detail.All("scheduledTiming", "repeat", "timeOfDay") {
		times = append(times, strings.TrimSuffix(t.Text(), ":00"))
	}
	if len(times) > 0 {
		return strings.Join(times, ", ")
	}
	return detail.Member("scheduledString").Text()
}

// emergencyPlan is the plan for emergencies in force that an organisation keeps, without a Resource when there is
// none.
func (r *run) emergencyPlan(org fhir.Ref) Known {
	for _, p := range r.Emergency {
		if p.Custodian == org && p.Resource.Root().Member("status").Text() == "active" && phoneOf(p) != "" {
			return p
		}
	}
	return Known{}
}

// phoneOf is the telephone number of a plan for emergencies.
func phoneOf(plan Known) string {
	if plan.Resource == nil {
		return ""
	}
	return extension(plan.Resource.Root().At("activity", "detail"), "noodtelefoon").Member("valueString").Text()
}
