package transfer

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	allergypb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/allergy_intolerance_go_proto"
	carepb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_plan_go_proto"
	condpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"
	flagpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/flag_go_proto"
	obspb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// medical adds diagnoses, history, allergies, alerts, measurements and pain.
func (w *transferWriter) medical() {
	practitioners := w.section("practitioner")
	for _, v := range w.in.At("behandelaars").Items() {
		practitioners.entries = append(practitioners.entries, w.staff(v, w.at("practitioner"))...)
	}
	w.list("medischeDiagnoses", "medicalDiagnosis", func(v form.Value, n int) *dpb.Reference {
		return w.diagnosis(v, "diagnose"+strconv.Itoa(n), "medische-diagnose", "active")
	})
	w.listOrNone("voorgeschiedenis", "medicalHistory", func(v form.Value, n int) *dpb.Reference {
		return w.diagnosis(v, "voorgeschiedenis"+strconv.Itoa(n), "voorgeschiedenis", "inactive")
	})
	w.listOrNone("allergieen", "allergy", w.allergy)
	w.listOrNone("alerts", "payAttention", w.alert)
	for _, m := range record.Measures {
		if v := w.in.At("metingen").At(m.Name); v.Present() {
			s := w.section("measurements")
			s.entries = append(s.entries, w.measurement(v, m))
		}
	}
	if v := w.in.At("pijn"); v.Present() {
		s := w.section("painScore")
		s.entries = append(s.entries, w.pain(v))
	}
}

// list adds one resource per item of a member, numbered from 1, and lists it in a section.
func (w *transferWriter) list(member, name string, add func(v form.Value, n int) *dpb.Reference) {
	for i, item := range w.in.At(member).Items() {
		s := w.section(name)
		s.entries = append(s.entries, add(item, i+1))
	}
}

// listOrNone is list for a member whose empty list says that there is none.
func (w *transferWriter) listOrNone(member, name string, add func(v form.Value, n int) *dpb.Reference) {
	w.list(member, name, add)
	if v := w.in.At(member); v.Node().Shape() == fhir.Array && !v.Present() {
		v.To(w.at(name) + ".emptyReason")
		w.section(name).empty = "nilknown"
	}
}

// condition returns a Condition of the child with the status of this version.
func (w *transferWriter) condition(v form.Value, on, clinical string) *condpb.Condition {
	c := &condpb.Condition{
		Code:    element.TextConcept(v.At("tekst").To(on+".code.text").Str(), w.Codings(v.At("code"), on+".code")...),
		Subject: w.PatientRef(),
	}
	if w.state.void {
		c.VerificationStatus = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-ver-status", "entered-in-error", ""))
		return c
	}
	c.ClinicalStatus = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-clinical", clinical, ""))
	return c
}

// problemProfile is claimed where the code is SNOMED, its required binding (mks.md 3.10).
func (w *transferWriter) problemProfile(v form.Value) []string {
	if w.state.void || !v.At("code").At("sct").Present() {
		return nil
	}
	return []string{tofhir.NlCore("Problem")}
}

func (w *transferWriter) diagnosis(v form.Value, part, category, clinical string) *dpb.Reference {
	ref := w.Place("Condition", part)
	on := ref.On
	c := w.condition(v, on, clinical)
	c.Category = []*dpb.CodeableConcept{tofhir.ListConcept("mks-categorie", category)}
	if since := tofhir.Traced(v.At("sinds"), on+".onset").Day(); since != "" {
		c.Onset = &condpb.Condition_OnsetX{Choice: &condpb.Condition_OnsetX_DateTime{DateTime: element.DateTime(since)}}
	}
	w.Add(c, w.tagged(ref, "medisch", w.problemProfile(v)...))
	return ref.Literal()
}

// allergySeverity maps allergie-ernst. Read only.
var allergySeverity = map[string]string{"licht": "mild", "matig": "moderate", "ernstig": "severe"}

// unsaid is the manifestation of a reaction that the source does not describe (mks.md 4).
const unsaid = "niet vermeld"

func (w *transferWriter) allergy(v form.Value, n int) *dpb.Reference {
	ref := w.Place("AllergyIntolerance", "allergie"+strconv.Itoa(n))
	on := ref.On
	a := &allergypb.AllergyIntolerance{
		Code:    element.TextConcept(v.At("stof").To(on+".code.text").Str(), w.Codings(v.At("code"), on+".code")...),
		Patient: w.PatientRef(),
	}
	if w.state.void {
		a.VerificationStatus = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", "entered-in-error", ""))
	} else {
		a.ClinicalStatus = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active", ""))
	}
	severity := tofhir.Traced(v.At("ernst"), on+".reaction.severity").Str()
	seen := tofhir.Traced(v.At("reactie"), on+".reaction.manifestation.text").Str()
	if seen == unsaid { // the source said so itself
		w.Keep(v.At("reactie"))
	}
	if severity != "" || seen != "" {
		r := &allergypb.AllergyIntolerance_Reaction{Manifestation: []*dpb.CodeableConcept{element.TextConcept(cmp.Or(seen, unsaid))}}
		if severity != "" {
			r.Severity = element.Enum(&allergypb.AllergyIntolerance_Reaction_SeverityCode{}, allergySeverity[severity])
		}
		a.Reaction = []*allergypb.AllergyIntolerance_Reaction{r}
	}
	w.Add(a, w.tagged(ref, "medisch"))
	return ref.Literal()
}

func (w *transferWriter) alert(v form.Value, n int) *dpb.Reference {
	ref := w.Place("Flag", "alert"+strconv.Itoa(n))
	on := ref.On
	f := &flagpb.Flag{
		Status: element.Enum(&flagpb.Flag_StatusCode{}, w.state.flag),
		Code: element.TextConcept(v.At("tekst").To(on+".code.text").Str(),
			append(w.Codings(v.At("code"), on+".code"), element.Coding(tofhir.NullFlavor, "OTH", ""))...),
		Subject: w.PatientRef(),
	}
	w.Add(f, w.tagged(ref, "medisch", alertProfile(v)...))
	return ref.Literal()
}

// alertNames are the codes of SNOMED CT in the AlertNaamCodelijst of nl-core.
const alertNames = "66598005 715881003 97961000146102 97981000146105 97971000146108 98001000146104 431109006 " +
	"97991000146107 432415000 699433000 397940009"

// alertProfile is claimed unless the source's code is one of nl-core's alert names: nl-core allows one
// of them, and OTH is one too.
func alertProfile(v form.Value) []string {
	if slices.Contains(strings.Fields(alertNames), v.At("code").At("sct").Str()) {
		return nil
	}
	return []string{tofhir.NlCore("Alert")}
}

// observation returns an Observation of the child with the status of this version.
func (w *transferWriter) observation(code *dpb.CodeableConcept) *obspb.Observation {
	return &obspb.Observation{
		Status: w.status, Code: code, Subject: w.PatientRef(),
	}
}

func effective(v form.Value, on string) *obspb.Observation_EffectiveX {
	return &obspb.Observation_EffectiveX{Choice: &obspb.Observation_EffectiveX_DateTime{
		DateTime: element.Moment(v.To(on + ".effective").Str()),
	}}
}

func (w *transferWriter) measurement(v form.Value, m record.Measure) *dpb.Reference {
	ref := w.Place("Observation", m.Name)
	on := ref.On
	o := w.observation(measured[m.Name])
	o.Category = []*dpb.CodeableConcept{vitalSigns}
	o.Effective = effective(v.At("op"), on)
	o.Value = &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_Quantity{
		Quantity: element.Quantity(v.At("waarde").To(on+".value.value").Decimal(), m.Unit),
	}}
	var profiles []string
	if m.Profile != "" {
		profiles = []string{tofhir.NlCore(m.Profile)}
	}
	w.Add(o, w.tagged(ref, "medisch", profiles...))
	return ref.Literal()
}

func (w *transferWriter) pain(v form.Value) *dpb.Reference {
	ref := w.Place("Observation", "pijn")
	on := ref.On
	scale := v.At("schaal").To(on + ".code").Str()
	code, profiles := tofhir.ListConcept("pijnschaal", scale), []string(nil)
	if scale == "FLACC" {
		code, profiles = flacc, []string{tofhir.NlCore("FLACCpainScale")}
	}
	o := w.observation(code)
	o.Effective = effective(v.At("op"), on)
	o.Value = &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_Integer{
		Integer: &dpb.Integer{Value: int32(v.At("score").To(on + ".value").Whole())},
	}}
	w.Add(o, w.tagged(ref, "medisch", profiles...))
	return ref.Literal()
}

// nursing adds the nursing problems with their interventions, and the appointments.
func (w *transferWriter) nursing() {
	for i, v := range w.in.At("verpleegkundigeProblemen").Items() {
		s := w.section("currentPatientProblems")
		s.entries = append(s.entries, w.nursingProblem(v, "vp"+strconv.Itoa(i+1))...)
	}
	w.list("afspraken", "patientAppointments", w.appointment)
}

// nursingProblem adds a Condition and a CarePlan for each intervention.
func (w *transferWriter) nursingProblem(v form.Value, part string) []*dpb.Reference {
	ref := w.Place("Condition", part)
	on := ref.On
	domain := v.At("domein").To(on+".category[1]", on+".meta.tag").Str()
	c := w.condition(v, on, "active")
	c.Category = []*dpb.CodeableConcept{tofhir.ListConcept("mks-categorie", "verpleegkundig-probleem"), tofhir.ListConcept("mks-domein", domain)}
	w.Add(c, w.tagged(ref, domain, w.problemProfile(v)...))
	out := []*dpb.Reference{ref.Literal()}
	for i, item := range v.At("interventies").Items() {
		plan := w.Place("CarePlan", part+"."+strconv.Itoa(i+1))
		on := plan.On
		p := &carepb.CarePlan{
			Status:    element.Enum(&carepb.CarePlan_StatusCode{}, w.state.plan),
			Intent:    planIntent,
			Category:  []*dpb.CodeableConcept{nursingCare, tofhir.ListConcept("mks-categorie", "overdracht-interventie")},
			Subject:   w.PatientRef(),
			Addresses: []*dpb.Reference{ref.Literal()},
			Activity: []*carepb.CarePlan_Activity{{Detail: &carepb.CarePlan_Activity_Detail{
				Status:      element.Enum(&carepb.CarePlan_Activity_Detail_StatusCode{}, w.activityStatus()),
				Description: element.String(item.To(on + ".activity.detail.description").Str()),
			}}},
		}
		p.Extension = element.Some(element.OwnExtension("doel-tekst", element.String(tofhir.Traced(v.At("doel"), tofhir.ExtensionValue(on, "doel-tekst")).Str())))
		w.Add(p, w.tagged(plan, domain))
		out = append(out, plan.Literal())
	}
	return out
}

func (w *transferWriter) activityStatus() string {
	switch w.state.plan {
	case "active":
		return "scheduled"
	case "draft":
		return "not-started"
	}
	return w.state.plan
}

func (w *transferWriter) appointment(v form.Value, n int) *dpb.Reference {
	ref := w.Place("Encounter", "afspraak"+strconv.Itoa(n))
	on := ref.On
	e := w.contact("planned", "AMB")
	e.Period = &dpb.Period{Start: element.Moment(v.At("op").To(on + ".period.start").Str())}
	e.ServiceProvider = &dpb.Reference{Display: element.String(v.At("bij").To(on + ".serviceProvider.display").Str())}
	if why := tofhir.Traced(v.At("reden"), on+".reasonCode.text").Str(); why != "" {
		e.ReasonCode = []*dpb.CodeableConcept{element.TextConcept(why)}
	}
	w.Add(e, ref.About())
	return ref.Literal()
}
