package plan

import (
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	commpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/communication_go_proto"
	encpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/encounter_go_proto"
	obspb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// EvaluationSteps are the record type evaluatie on its way to FHIR.
func EvaluationSteps() tofhir.Steps {
	return tofhir.Steps{Stored: checkStoredEvaluation, Write: writeEvaluation}
}

// evaluationState is the row of mks.md 2.7 that the record's status gives.
type evaluationState struct{ encounter, observation, communication string }

func evaluationStateOf(h record.Head) evaluationState {
	switch {
	case h.Status == "ingetrokken":
		return evaluationState{"entered-in-error", "entered-in-error", "entered-in-error"}
	case h.Status == "concept":
		return evaluationState{"planned", "preliminary", "preparation"}
	case h.Version > 1:
		return evaluationState{"finished", "amended", "completed"}
	}
	return evaluationState{"finished", "final", "completed"}
}

// evaluationWriter maps one evaluatie (mks.md 3.6).
type evaluationWriter struct {
	*tofhir.Mapper
	in        form.Value
	state     evaluationState
	encounter fhir.Ref
	plan      string // recordId of the plan
	judged    []judged
}

// writeEvaluation adds the Encounter, an Observation for each goal, what the family says, who told the
// parents, and what becomes of the goals.
func writeEvaluation(m *tofhir.Mapper) error {
	w := &evaluationWriter{
		Mapper: m, in: m.Content(), state: evaluationStateOf(m.Head),
		encounter: fhir.Ref{Type: "Encounter", ID: m.Key()}, plan: record.PlanRecord(m.Content().At("zorgplan").Str()),
	}
	w.writeEncounter()
	if err := w.writeGoals(); err != nil {
		return err
	}
	w.writeExperience()
	w.writeInformed()
	return w.writeAchievements()
}

// contactClasses are the v3-ActCode of an afname-wijze. Read only.
var contactClasses = map[string]string{"telefonisch": "VR", "video": "VR", "huisbezoek": "HH", "ziekenhuis": "AMB"}

func (w *evaluationWriter) writeEncounter() {
	on, in := w.encounter.String(), w.in
	way := in.At("wijze").To(on+".class", tofhir.ExtensionValue(on, "afname-wijze")).Str()
	at := in.At("datum").To(on+".period.start", on+".period.end").Day()
	e := &encpb.Encounter{
		Status:     element.Enum(&encpb.Encounter_StatusCode{}, w.state.encounter),
		ClassValue: element.Coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", contactClasses[way], ""),
		Type:       []*dpb.CodeableConcept{tofhir.ListConcept("evaluatie-soort", in.At("soort").To(on+".type").Str())},
		Subject:    w.PatientRef(),
		Period:     element.Period(at, at),
	}
	element.AddExtension(e,
		element.OwnExtension("afname-wijze", element.CodeValue(way)),
		element.OwnExtension("betreft-plan", element.String(in.At("zorgplan").To(tofhir.ExtensionValue(on, "betreft-plan")).Str())),
		element.OwnExtension("evaluatie-besluit", element.CodeValue(in.At("besluit").To(tofhir.ExtensionValue(on, "evaluatie-besluit")).Str())))
	if next := in.At("leidtTotPlanversie"); next.Present() {
		element.AddExtension(e, element.OwnExtension("leidt-tot-versie", element.Positive(next.To(tofhir.ExtensionValue(on, "leidt-tot-versie")).Whole())))
	}
	w.participants(e, on)
	w.AddAnchor(e, tofhir.About{ID: w.encounter.ID, Profiles: []string{element.StructureDefinition("mks-evaluatie")}})
}

// participants lists who took part. R4 has no place for the child among them: it is an extension, read
// back as the last. Another order is kept as it came.
func (w *evaluationWriter) participants(e *encpb.Encounter, on string) {
	all := w.in.At("deelnemers").Items()
	for i, v := range all {
		if v.Str() != "kind" {
			who := w.Ref(v.To(on + tofhir.Indexed(".participant", len(e.Participant)) + ".individual"))
			e.Participant = append(e.Participant, &encpb.Encounter_Participant{Individual: who})
			continue
		}
		if v.To(tofhir.ExtensionValue(on, "deelnemer-kind")); i < len(all)-1 {
			w.Keep(w.in.At("deelnemers"))
		}
	}
	if len(e.Participant) < len(all) {
		element.AddExtension(e, element.OwnExtension("deelnemer-kind", element.Bool(true)))
	}
}

// observation returns an Observation of this evaluation.
func (w *evaluationWriter) observation(code string) *obspb.Observation {
	return &obspb.Observation{
		Status: element.Enum(&obspb.Observation_StatusCode{}, w.state.observation), Code: tofhir.ListConcept("mks-observatie", code),
		Subject: w.PatientRef(), Encounter: element.Literal(w.encounter),
		Effective: &obspb.Observation_EffectiveX{Choice: &obspb.Observation_EffectiveX_DateTime{
			DateTime: element.DateTime(w.in.At("datum").Day()),
		}},
	}
}

// writeGoals adds an Observation for each of perDoel, protected as its goal is; by all domains while
// the goal is not stored.
func (w *evaluationWriter) writeGoals() error {
	taken := map[string]bool{}
	for _, v := range w.in.At("perDoel").Items() {
		name := v.At("doel").Str()
		ref := fhir.Ref{Type: "Observation", ID: w.Part(goalPart(name, taken))}
		on := ref.String()
		goal, stored, err := goalRef(w.Mapper, w.plan, name)
		if err != nil {
			return err
		}
		id := goalID(w.Mapper, w.plan, v.At("doel").To(on+".focus").Str())
		o := w.observation("doel-evaluatie")
		o.Focus = []*dpb.Reference{element.Reference(goal, id)}
		status := v.At("status").To(on + ".value").Str()
		o.Value = &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_CodeableConcept{
			CodeableConcept: tofhir.ListConcept("doelstatus", status),
		}}
		if note := v.At("toelichting"); note.Present() {
			o.Note = []*dpb.Annotation{{Text: element.Markdown(note.To(on + ".note.text").Str())}}
		}
		domains := domainsOf(stored)
		if len(domains) == 0 {
			domains = tofhir.ChildDomains
		}
		w.Add(o, tofhir.About{ID: ref.ID, Domains: domains})
		w.judged = append(w.judged, judged{goal: id.Value, ref: ref, status: status, on: w.in.At("datum").Day(), at: w.Head.RecordedAt})
	}
	return nil
}

// domainsOf returns the child-life domains that protect a resource.
func domainsOf(n fhir.Node) []string {
	var out []string
	for t := range n.All("meta", "tag") {
		if t.Member("system").Text() == element.CodeSystem("mks-domein") {
			out = append(out, t.Member("code").Text())
		}
	}
	return out
}

// goalID returns the identifier of a goal of a plan of this source.
func goalID(m *tofhir.Mapper, plan, goal string) fhir.Identifier {
	return fhir.Identifier{System: m.Head.Base() + "/doel", Value: plan + "#" + goal}
}

// experience is the part that holds what the family says. A goal of that id is numbered.
const experience = "gezinservaring"

// goalPart returns the name of the part of a goal: its id, with a number when that is taken.
func goalPart(goal string, taken map[string]bool) string {
	name := goal
	for n := 2; taken[name] || name == experience; n++ {
		name = goal + "/" + strconv.Itoa(n)
	}
	taken[name] = true
	return name
}

func (w *evaluationWriter) writeExperience() {
	v := w.in.At("gezinservaring")
	if !v.Present() {
		return
	}
	ref := fhir.Ref{Type: "Observation", ID: w.Part(experience)}
	o := w.observation(experience)
	o.Value = tofhir.Said(v.To(ref.String() + ".value").Str())
	w.Add(o, tofhir.About{ID: ref.ID, Domains: []string{"sociaal"}})
}

// writeInformed adds who told the parents of an evaluation without them.
func (w *evaluationWriter) writeInformed() {
	v := w.in.At("ouderGeinformeerdDoor")
	if !v.Present() {
		return
	}
	ref := fhir.Ref{Type: "Communication", ID: w.Part("ouders")}
	on := ref.String()
	c := &commpb.Communication{
		Status:   element.Enum(&commpb.Communication_StatusCode{}, w.state.communication),
		Category: []*dpb.CodeableConcept{tofhir.ListConcept("mks-categorie", "ouders-geinformeerd")},
		Subject:  w.PatientRef(), Encounter: element.Literal(w.encounter),
		Sent:   element.DateTime(v.At("op").To(on + ".sent").Day()),
		Sender: w.Ref(v.At("door").To(on + ".sender")),
	}
	for i, who := range v.At("wie").Items() {
		c.Recipient = append(c.Recipient, w.Ref(who.To(on+tofhir.Indexed(".recipient", i))))
	}
	w.Add(c, tofhir.About{ID: ref.ID, Domains: []string{"sociaal"}})
}
