package calendar

import "github.com/drieluik/drieluik/fhir"

const ruleRequest = "7.10"

// asksOthers are the laws whose care a party outside health care gives (mks.md 7.10). Read only.
var asksOthers = map[string]bool{"po": true, "jw": true, "wmo": true}

// requests holds mks.md 7.10: an outcome of the verwijsboom that school or municipality carries out is a Task
// for that organisation, which it accepts or rejects. What it rejects is a Task for the zorgcoordinator.
func (r *run) requests() {
	for _, k := range r.Requests {
		n := k.Resource.Root()
		performer, ok := fhir.ParseRef(n.At("performer", "reference").Text())
		if n.Member("status").Text() != "active" || !asksOthers[codeOf(n, "category", "wettelijk-kader")] ||
			!ok || performer.Type != "Organization" || performer.Current() == k.Custodian {
			continue
		}
		name := k.Resource.ID() + "/" + performer.ID
		t := task{
			rule: ruleRequest, discriminator: name, code: coding{"http://hl7.org/fhir/CodeSystem/task-code", "fulfill"},
			text: sayRequest.with(same(conceptText(n.Member("code")))), focus: k.Resource.Ref(), owner: performer.Current(), custodian: k.Custodian,
		}
		r.ask(t)
		if known, there := r.stored[r.id(t.rule, name)]; there && known.Resource.Root().Member("status").Text() == "rejected" {
			t.discriminator, t.owner, t.text = name+"/afgewezen", r.coordinator(k.Custodian), sayRefused.with(same(conceptText(n.Member("code"))))
			r.ask(t)
		}
	}
	r.end(ruleRequest, func(fhir.Node) string { return "cancelled" })
}
