package mks

import (
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	carepb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_plan_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
)

// Category and activity codes of an action (mks.md 3.5).
const (
	nursingIntervention = "9632001"
	helpFromOthers      = "243114000"
	supportForCarer     = "386229000"
	homeCare            = "60689008"
)

// actionForm is a row of the executor table of mks.md 3.5.
type actionForm struct {
	profile  string // of nl-core; "": none is claimed
	category string // SNOMED CT
	code     string // SNOMED CT code of the activity; "": that of the source
}

// actionForms has two rows per executor: the action has a code of SNOMED CT or NIC, or it has none.
// Read only.
var actionForms = map[string]struct{ coded, plain actionForm }{
	"professional": {
		actionForm{"NursingIntervention", nursingIntervention, ""},
		actionForm{"", nursingIntervention, ""},
	},
	"ouder":        familyForms,
	"mantelzorger": familyForms,
	"vrijwilliger": familyForms,
	"kind": {
		actionForm{"NursingIntervention", nursingIntervention, ""},
		actionForm{"", nursingIntervention, ""},
	},
	"organisatie": {
		actionForm{"", nursingIntervention, ""},
		actionForm{"HelpFromOthers", helpFromOthers, homeCare},
	},
}

var familyForms = struct{ coded, plain actionForm }{
	actionForm{"NursingIntervention", nursingIntervention, ""},
	actionForm{"HelpFromOthers", helpFromOthers, supportForCarer},
}

// actionFormOf returns the row for an executor of an action.
func actionFormOf(a, executor value) actionForm {
	rows := actionForms[executor.at("soort").str()]
	if c := a.at("code"); c.at("sct").present() || c.at("nic").present() {
		return rows.coded
	}
	return rows.plain
}

// writeAction adds one CarePlan per executor, so that everybody's share has its own times, performer
// and status.
func (w *planWriter) writeAction(a value) {
	id := a.at("id").str()
	problem := w.problems[a.at("probleem").str()]
	tags := domainTags(a.at("domein").str(), problem.domain, problem.tags)
	for i, e := range a.at("uitvoerders").items() {
		n := strconv.Itoa(i + 1)
		ref := w.partRef("CarePlan", id+"/"+n)
		on := ref.String()
		form := actionFormOf(a, e)
		p := w.partOf(w.carePlan(element.Concept(element.Coding(snomed, form.category, "")), listConcept("mks-categorie", "actie"),
			w.domainConcept(a.at("domein").to(on+".category[2]"))))
		p.Identifier = []*dpb.Identifier{w.partID("actie", a.at("id").to(on+".identifier").str()+"/"+n)}
		p.Period = element.Period(traced(a.at("vanaf"), on+".period.start").day(), traced(a.at("totEnMet"), on+".period.end").day())
		if v := a.at("doel"); v.present() {
			p.Goal = []*dpb.Reference{element.Literal(w.goals[v.to(on+".goal").str()].ref)}
		}
		if v := a.at("probleem"); v.present() {
			v.to(on + ".addresses")
			p.Addresses = []*dpb.Reference{element.Literal(problem.ref)}
		}
		p.Activity = []*carepb.CarePlan_Activity{{Detail: w.actionDetail(a, e, form, on+".activity.detail")}}
		element.AddExtension(p, w.actionExtension(a, e, i+1, on))
		about := about{id: ref.ID, domains: tags}
		if form.profile != "" {
			about.profiles = []string{nlCore(form.profile)}
		}
		w.add(p, about)
	}
}

// actionDetail is the one activity of an action: what, when and by whom.
func (w *planWriter) actionDetail(a, e value, form actionForm, on string) *carepb.CarePlan_Activity_Detail {
	instruction := a.at("instructie").to(on + ".description").str()
	code := &dpb.CodeableConcept{Coding: codings(a.at("code"), on+".code")}
	if form.code != "" {
		code.Coding = append([]*dpb.Coding{element.Coding(snomed, form.code, "")}, code.Coding...)
	}
	if c := a.at("code"); !c.at("sct").present() && !c.at("nic").present() {
		code.Text = element.String(instruction)
	}
	return &carepb.CarePlan_Activity_Detail{
		Kind:        element.Enum(&carepb.CarePlan_Activity_Detail_KindCode{}, "service-request"),
		Code:        code,
		Status:      w.activityStatus(),
		Scheduled:   scheduled(a, e, on),
		Performer:   []*dpb.Reference{w.ref(e.at("ref").to(on + ".performer"))},
		Description: element.String(instruction),
	}
}

// actionExtension keeps what R4 has no element for, and what the way back needs to rebuild the
// action from its executors.
func (w *planWriter) actionExtension(a, e value, n int, on string) *dpb.Extension {
	at := on + ".extension('" + element.StructureDefinition("actie") + "')"
	parts := []*dpb.Extension{
		element.Extension("id", element.String(a.at("id").str())),
		element.Extension("volgnummer", element.Positive(int64(n))),
		element.Extension("uitvoerderSoort", element.CodeValue(e.at("soort").to(at).str())),
	}
	for _, t := range a.at("tijden").items() {
		parts = append(parts, element.Extension("tijd", element.Time(t.to(at).str())))
	}
	if e.at("momenten").present() {
		parts = append(parts, element.Extension("momentenGegeven", element.Bool(true)))
	}
	parts = append(parts,
		element.Extension("conditie", element.String(traced(a.at("conditie"), at).str())),
		element.Extension("voorbehouden", truth(traced(a.at("voorbehouden"), at))),
		element.Extension("wet", element.CodeValue(traced(a.at("wet"), at).str())),
		element.Extension("onderdeel", element.CodeValue(traced(a.at("onderdeel"), at).str())))
	if ref := outcomeFor(w.outcomes, a); !ref.IsZero() {
		parts = append(parts, element.Extension("opdracht", element.Literal(ref)))
	}
	if b := e.at("bekwaam"); b.present() {
		parts = append(parts, element.Complex("bekwaam",
			element.Extension("op", element.Date(b.at("op").to(at).day())), element.Extension("door", w.ref(b.at("door").to(at)))))
	}
	return element.OwnComplex("actie", parts...)
}

// scheduled says when an executor does an action: at his moments of the day, or with a frequency, or
// when a condition holds.
func scheduled(a, e value, on string) *carepb.CarePlan_Activity_Detail_ScheduledX {
	if c := a.at("conditie"); c.present() {
		return &carepb.CarePlan_Activity_Detail_ScheduledX{Choice: &carepb.CarePlan_Activity_Detail_ScheduledX_StringValue{
			StringValue: element.String("Zo nodig: " + c.to(on+".scheduledString").str())}}
	}
	repeat := &dpb.Timing_Repeat{}
	on += ".scheduledTiming.repeat"
	if bounds := element.Period(a.at("vanaf").day(), a.at("totEnMet").day()); bounds != nil {
		traced(a.at("vanaf"), on+".boundsPeriod.start")
		traced(a.at("totEnMet"), on+".boundsPeriod.end")
		repeat.Bounds = &dpb.Timing_Repeat_BoundsX{Choice: &dpb.Timing_Repeat_BoundsX_Period{Period: bounds}}
	}
	if f := a.at("frequentie"); f.present() {
		repeat.Frequency = element.Positive(f.at("aantal").to(on + ".frequency").whole())
		repeat.Period = element.Decimal(f.at("per").to(on + ".period").decimal())
		repeat.PeriodUnit = element.Enum(&dpb.Timing_Repeat_PeriodUnitCode{}, f.at("eenheid").to(on+".periodUnit").str())
		return timing(repeat)
	}
	times := a.at("tijden")
	if e.at("momenten").present() {
		times = e.at("momenten")
	}
	repeat.Period, repeat.PeriodUnit = element.Decimal("1"), element.Enum(&dpb.Timing_Repeat_PeriodUnitCode{}, "d")
	for _, t := range times.items() {
		repeat.TimeOfDay = append(repeat.TimeOfDay, element.Time(t.to(on+".timeOfDay").str()))
	}
	return timing(repeat)
}

func timing(r *dpb.Timing_Repeat) *carepb.CarePlan_Activity_Detail_ScheduledX {
	return &carepb.CarePlan_Activity_Detail_ScheduledX{Choice: &carepb.CarePlan_Activity_Detail_ScheduledX_Timing{
		Timing: &dpb.Timing{Repeat: r}}}
}
