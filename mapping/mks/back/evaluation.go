package back

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// evaluation reads the record of mks.md 3.6.
func evaluation(r *record) *node {
	e, told := r.anchor, r.part("Communication", "mks-categorie", "ouders-geinformeerd")
	return object(
		m("soort", code(e.Member("type"), "evaluatie-soort")), m("datum", day(e.At("period", "start"))),
		m("wijze", contactWay(e)), m("deelnemers", r.participants(e)), m("zorgplan", text(ext(e, "betreft-plan"))),
		m("ouderGeinformeerdDoor", object(
			m("door", r.ref(told.Member("sender"))), m("op", day(told.Member("sent"))), m("wie", r.refs(nodes(told, "recipient"))))),
		m("perDoel", each(r.parts("Observation", "mks-observatie", "doel-evaluatie"), r.goalResult)),
		m("gezinservaring", text(r.part("Observation", "mks-observatie", "gezinservaring").Member("valueString"))),
		m("besluit", text(ext(e, "evaluatie-besluit"))), m("leidtTotPlanversie", number(ext(e, "leidt-tot-versie"))),
	)
}

// isEvaluation reports whether an Encounter of another origin is an evaluation.
func isEvaluation(e fhir.Node) bool { return code(e.Member("type"), "evaluatie-soort") != nil }

// contactWays are the class of an Encounter of another origin, which tells a video call from no
// telephone call. Read only.
var contactWays = map[string]string{"telefonisch": "VR", "huisbezoek": "HH", "ziekenhuis": "AMB"}

func contactWay(e fhir.Node) *node {
	if way := text(ext(e, "afname-wijze")); way != nil {
		return way
	}
	return inverse(contactWays, e.At("class", "code"))
}

// participants reads who took part; the child comes last, another order is kept beside.
func (r *record) participants(e fhir.Node) *node {
	var all []*node
	for p := range e.All("participant") {
		all = append(all, r.ref(p.Member("individual")))
	}
	if ext(e, "deelnemer-kind").Text() == "true" {
		all = append(all, str("kind"))
	}
	return list(all...)
}

// goalResult reads what was said of one goal. A goal is named by its id behind that of the plan.
func (r *record) goalResult(o fhir.Node) *node {
	plan, _, _ := strings.Cut(ext(r.anchor, "betreft-plan").Text(), "/")
	focus := first(o.Member("focus"))
	goal, own := strings.CutPrefix(focus.At("identifier", "value").Text(), plan+"#")
	if !own || goal == "" {
		goal = focus.At("identifier", "value").Text()
	}
	if to, ok := fhir.ParseRef(focus.Member("reference").Text()); ok && r.foreign() {
		goal = to.ID
	}
	return object(
		m("doel", str(goal)), m("status", code(o.Member("valueCodeableConcept"), "doelstatus")), m("toelichting", text(o.At("note", "text"))))
}
