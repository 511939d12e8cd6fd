package back

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// evaluation reads the record of mks.md 3.6.
func evaluation(r *record) *rebuild.Value {
	e, told := r.anchor, r.part("Communication", "mks-categorie", "ouders-geinformeerd")
	return rebuild.Object(
		rebuild.M("soort", rebuild.Code(e.Member("type"), "evaluatie-soort")), rebuild.M("datum", rebuild.Day(e.At("period", "start"))),
		rebuild.M("wijze", contactWay(e)), rebuild.M("deelnemers", r.participants(e)), rebuild.M("zorgplan", rebuild.Text(rebuild.Ext(e, "betreft-plan"))),
		rebuild.M("ouderGeinformeerdDoor", rebuild.Object(
			rebuild.M("door", r.ref(told.Member("sender"))), rebuild.M("op", rebuild.Day(told.Member("sent"))), rebuild.M("wie", r.refs(rebuild.Nodes(told, "recipient"))))),
		rebuild.M("perDoel", rebuild.Each(r.parts("Observation", "mks-observatie", "doel-evaluatie"), r.goalResult)),
		rebuild.M("gezinservaring", rebuild.Text(r.part("Observation", "mks-observatie", "gezinservaring").Member("valueString"))),
		rebuild.M("besluit", rebuild.Text(rebuild.Ext(e, "evaluatie-besluit"))), rebuild.M("leidtTotPlanversie", rebuild.Number(rebuild.Ext(e, "leidt-tot-versie"))),
	)
}

// isEvaluation reports whether an Encounter of another origin is an evaluation.
func isEvaluation(e fhir.Node) bool { return rebuild.Code(e.Member("type"), "evaluatie-soort") != nil }

// contactWays are the class of an Encounter of another origin, which tells a video call from no
// telephone call. Read only.
var contactWays = map[string]string{"telefonisch": "VR", "huisbezoek": "HH", "ziekenhuis": "AMB"}

func contactWay(e fhir.Node) *rebuild.Value {
	if way := rebuild.Text(rebuild.Ext(e, "afname-wijze")); way != nil {
		return way
	}
	return rebuild.Inverse(contactWays, e.At("class", "code"))
}

// participants reads who took part; the child comes last, another order is kept beside.
func (r *record) participants(e fhir.Node) *rebuild.Value {
	var all []*rebuild.Value
	for p := range e.All("participant") {
		all = append(all, r.ref(p.Member("individual")))
	}
	if rebuild.Ext(e, "deelnemer-kind").Text() == "true" {
		all = append(all, rebuild.String("kind"))
	}
	return rebuild.List(all...)
}

// goalResult reads what was said of one goal. A goal is named by its id behind that of the plan.
func (r *record) goalResult(o fhir.Node) *rebuild.Value {
	plan, _, _ := strings.Cut(rebuild.Ext(r.anchor, "betreft-plan").Text(), "/")
	focus := rebuild.First(o.Member("focus"))
	goal, own := strings.CutPrefix(focus.At("identifier", "value").Text(), plan+"#")
	if !own || goal == "" {
		goal = focus.At("identifier", "value").Text()
	}
	if to, ok := fhir.ParseRef(focus.Member("reference").Text()); ok && r.foreign() {
		goal = to.ID
	}
	return rebuild.Object(
		rebuild.M("doel", rebuild.String(goal)), rebuild.M("status", rebuild.Code(o.Member("valueCodeableConcept"), "doelstatus")), rebuild.M("toelichting", rebuild.Text(o.At("note", "text"))))
}
