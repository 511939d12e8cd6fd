package plan

import (
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	carepb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_plan_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
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
func actionFormOf(a, executor form.Value) actionForm {
	rows := actionForms[executor.At("soort").Str()]
	if c := a.At("code"); c.At("sct").Present() || c.At("nic").Present() {
		return rows.coded
	}
	return rows.plain
}

// writeAction adds one CarePlan per executor, so that everybody's share has its own times, performer
// and status.
func (w *planWriter) writeAction(a form.Value) {
	id := a.At("id").Str()
	problem := w.problems[a.At("probleem").Str()]
	tags := domainTags(a.At("domein").Str(), problem.domain, problem.tags)
	for i, e := range a.At("uitvoerders").Items() {
		n := strconv.Itoa(i + 1)
		ref := w.partRef("CarePlan", id+"/"+n)
		on := ref.String()
		form := actionFormOf(a, e)
		p := w.partOf(w.carePlan(element.Concept(element.Coding(tofhir.SNOMED, form.category, "")), tofhir.ListConcept("mks-categorie", "actie"),
			w.domainConcept(a.At("domein").To(on+".category[2]"))))
		p.Identifier = []*dpb.Identifier{w.partID("actie", a.At("id").To(on+".identifier").Str()+"/"+n)}
		p.Period = element.Period(tofhir.Traced(a.At("vanaf"), on+".period.start").Day(), tofhir.Traced(a.At("totEnMet"), on+".period.end").Day())
		if v := a.At("doel"); v.Present() {
			p.Goal = []*dpb.Reference{element.Literal(w.goals[v.To(on+".goal").Str()].ref)}
		}
		if v := a.At("probleem"); v.Present() {
			v.To(on + ".addresses")
			p.Addresses = []*dpb.Reference{element.Literal(problem.ref)}
		}
		p.Activity = []*carepb.CarePlan_Activity{{Detail: w.actionDetail(a, e, form, on+".activity.detail")}}
		element.AddExtension(p, w.actionExtension(a, e, i+1, on))
		about := tofhir.About{ID: ref.ID, Domains: tags}
		if form.profile != "" {
			about.Profiles = []string{tofhir.NlCore(form.profile)}
		}
		w.Add(p, about)
	}
}

// actionDetail is the one activity of an action: what, when and by whom.
func (w *planWriter) actionDetail(a, e form.Value, form actionForm, on string) *carepb.CarePlan_Activity_Detail {
	instruction := a.At("instructie").To(on + ".description").Str()
	code := &dpb.CodeableConcept{Coding: w.Codings(a.At("code"), on+".code")}
	if form.code != "" {
		code.Coding = append([]*dpb.Coding{element.Coding(tofhir.SNOMED, form.code, "")}, code.Coding...)
	}
	if c := a.At("code"); !c.At("sct").Present() && !c.At("nic").Present() {
		code.Text = element.String(instruction)
	}
	return &carepb.CarePlan_Activity_Detail{
		Kind:        element.Enum(&carepb.CarePlan_Activity_Detail_KindCode{}, "service-request"),
		Code:        code,
		Status:      w.activityStatus(),
		Scheduled:   scheduled(a, e, on),
		Performer:   []*dpb.Reference{w.Ref(e.At("ref").To(on + ".performer"))},
		Description: element.String(instruction),
	}
}

// actionExtension keeps what R4 has no element for, and what the way back needs to rebuild the
// action from its executors.
func (w *planWriter) actionExtension(a, e form.Value, n int, on string) *dpb.Extension {
	at := on + ".extension('" + element.StructureDefinition("actie") + "')"
	parts := []*dpb.Extension{
		element.Extension("id", element.String(a.At("id").Str())),
		element.Extension("volgnummer", element.Positive(int64(n))),
		element.Extension("uitvoerderSoort", element.CodeValue(e.At("soort").To(at).Str())),
	}
	for _, t := range a.At("tijden").Items() {
		parts = append(parts, element.Extension("tijd", element.Time(t.To(at).Str())))
	}
	if e.At("momenten").Present() {
		parts = append(parts, element.Extension("momentenGegeven", element.Bool(true)))
	}
	parts = append(parts,
		element.Extension("conditie", element.String(tofhir.Traced(a.At("conditie"), at).Str())),
		element.Extension("voorbehouden", tofhir.Truth(tofhir.Traced(a.At("voorbehouden"), at))),
		element.Extension("wet", element.CodeValue(tofhir.Traced(a.At("wet"), at).Str())),
		element.Extension("onderdeel", element.CodeValue(tofhir.Traced(a.At("onderdeel"), at).Str())))
	if ref := outcomeFor(w.outcomes, a); !ref.IsZero() {
		parts = append(parts, element.Extension("opdracht", element.Literal(ref)))
	}
	if b := e.At("bekwaam"); b.Present() {
		parts = append(parts, element.Complex("bekwaam",
			element.Extension("op", element.Date(b.At("op").To(at).Day())), element.Extension("door", w.Ref(b.At("door").To(at)))))
	}
	return element.OwnComplex("actie", parts...)
}

// scheduled says when an executor does an action: at his moments of the day, or with a frequency, or
// when a condition holds.
func scheduled(a, e form.Value, on string) *carepb.CarePlan_Activity_Detail_ScheduledX {
	if c := a.At("conditie"); c.Present() {
		return &carepb.CarePlan_Activity_Detail_ScheduledX{Choice: &carepb.CarePlan_Activity_Detail_ScheduledX_StringValue{
			StringValue: element.String("Zo nodig: " + c.To(on+".scheduledString").Str())}}
	}
	repeat := &dpb.Timing_Repeat{}
	on += ".scheduledTiming.repeat"
	if bounds := element.Period(a.At("vanaf").Day(), a.At("totEnMet").Day()); bounds != nil {
		tofhir.Traced(a.At("vanaf"), on+".boundsPeriod.start")
		tofhir.Traced(a.At("totEnMet"), on+".boundsPeriod.end")
		repeat.Bounds = &dpb.Timing_Repeat_BoundsX{Choice: &dpb.Timing_Repeat_BoundsX_Period{Period: bounds}}
	}
	if f := a.At("frequentie"); f.Present() {
		repeat.Frequency = element.Positive(f.At("aantal").To(on + ".frequency").Whole())
		repeat.Period = element.Decimal(f.At("per").To(on + ".period").Decimal())
		repeat.PeriodUnit = element.Enum(&dpb.Timing_Repeat_PeriodUnitCode{}, f.At("eenheid").To(on+".periodUnit").Str())
		return timing(repeat)
	}
	times := a.At("tijden")
	if e.At("momenten").Present() {
		times = e.At("momenten")
	}
	repeat.Period, repeat.PeriodUnit = element.Decimal("1"), element.Enum(&dpb.Timing_Repeat_PeriodUnitCode{}, "d")
	for _, t := range times.Items() {
		repeat.TimeOfDay = append(repeat.TimeOfDay, element.Time(t.To(on+".timeOfDay").Str()))
	}
	return timing(repeat)
}

func timing(r *dpb.Timing_Repeat) *carepb.CarePlan_Activity_Detail_ScheduledX {
	return &carepb.CarePlan_Activity_Detail_ScheduledX{Choice: &carepb.CarePlan_Activity_Detail_ScheduledX_Timing{
		Timing: &dpb.Timing{Repeat: r}}}
}
