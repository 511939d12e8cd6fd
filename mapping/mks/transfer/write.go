package transfer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	comppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/composition_go_proto"
	encpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/encounter_go_proto"
	obspb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"
	orgpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// Steps are the record type overdracht on its way to FHIR.
func Steps() tofhir.Steps { return tofhir.Steps{Stored: checkStored, Write: writeTransfer} }

// transferWriter maps one overdracht (mks.md 3.8).
type transferWriter struct {
	*tofhir.Mapper
	in          form.Value
	composition tofhir.Place
	state       transferState
	status      *obspb.Observation_StatusCode // state.observation
	sections    map[string]*section
	domains     map[string]bool // union of the tags of all parts
	encounter   *dpb.Reference
	readiness   *dpb.Reference
}

// transferState is the row of mks.md 2.7 that the record's status gives.
type transferState struct {
	composition, task, observation, plan, statement, encounter, document, flag, response string
	void                                                                                 bool // withdrawn
}

func transferStateOf(h record.Head) transferState {
	switch {
	case h.Status == "ingetrokken":
		return transferState{"entered-in-error", "cancelled", "entered-in-error", "entered-in-error",
			"entered-in-error", "entered-in-error", "entered-in-error", "entered-in-error", "entered-in-error", true}
	case h.Status == "concept":
		return transferState{"preliminary", "draft", "preliminary", "draft", "intended", "", "current", "inactive", "in-progress", false}
	case h.Version > 1:
		return transferState{"amended", "requested", "amended", "active", "active", "", "current", "active", "amended", false}
	}
	return transferState{"final", "requested", "final", "active", "active", "", "current", "active", "completed", false}
}

// writeTransfer adds the parts, the Composition that lists them and the Task that carries it.
func writeTransfer(m *tofhir.Mapper) error {
	w := &transferWriter{
		Mapper: m, in: m.Content(), composition: m.AnchorPlace(),
		state: transferStateOf(m.Head), sections: map[string]*section{}, domains: map[string]bool{},
	}
	w.status = element.Enum(&obspb.Observation_StatusCode{}, w.state.observation)
	if err := w.personalData(); err != nil {
		return err
	}
	w.knowParties()
	w.parties()
	w.admission()
	w.threeWayTalk()
	w.dischargeReadiness()
	w.medical()
	w.nursing()
	w.dailyLife()
	w.texts()
	w.attachments()
	w.writeComposition()
	return w.writeTask()
}

// tagged says what a part is about, and keeps its domain for the Composition.
func (w *transferWriter) tagged(ref tofhir.Place, domain string, profiles ...string) tofhir.About {
	w.domains[domain] = true
	out := ref.About(profiles...)
	out.Domains = []string{domain}
	return out
}

// at returns the FHIRPath of a section that has a code, for traces.
func (w *transferWriter) at(name string) string {
	for _, row := range sectionRows {
		if row.name != name {
			continue
		}
		level := ".section"
		if row.parent != "" {
			level = ".section.section"
		}
		return w.composition.On + level + ".where(code.coding.code = '" + row.code + "')"
	}
	return w.composition.On
}

func (w *transferWriter) writeComposition() {
	on, in := w.composition.On, w.in
	variant := in.At("leeftijdsvariant").To(tofhir.ExtensionValue(on, "leeftijdsvariant"), on+".meta.profile").Str()
	direction := in.At("richting").To(tofhir.ExtensionValue(on, "richting"), on+".category").Str()
	c := &comppb.Composition{
		Status:    element.Enum(&comppb.Composition_StatusCode{}, w.state.composition),
		Type:      handoverReport,
		Category:  []*dpb.CodeableConcept{tofhir.ListConcept("richting", direction)},
		Subject:   w.PatientRef(),
		Encounter: w.encounter,
		Date:      element.Moment(w.Root().At("vastgelegdOp").Str()),
		Author:    []*dpb.Reference{w.Ref(in.At("verzender").At("verpleegkundige").To(on + ".author"))},
		Custodian: w.Ref(in.At("verzender").At("organisatie").To(on + ".custodian")),
		Title:     element.String("Overdrachtsbericht kind " + variant + " jaar"),
		Section:   w.compose(""),
	}
	c.Extension = element.Some(element.OwnExtension("richting", element.CodeValue(direction)), element.OwnExtension("leeftijdsvariant", element.CodeValue(variant)))
	domains := slices.Sorted(maps.Keys(w.domains))
	about := w.composition.About(element.StructureDefinition("mks-overdracht-" + variant))
	about.Domains = tofhir.InDomainOrder(domains)
	w.AddAnchor(c, about)
}

// personalData lists what is stored of insurance and family: active, and not sealed off.
func (w *transferWriter) personalData() error {
	known, err := w.Known.Child(w.Child.Ref, "Coverage", "RelatedPerson")
	if err != nil {
		return fmt.Errorf("mks.personalData: %w", err)
	}
	s := w.section("personalData")
	s.empty = "unavailable"
	for _, f := range known {
		if inForce(tofhir.Found(f)) {
			s.entries = append(s.entries, element.Literal(f.Resource.Ref()))
		}
	}
	slices.SortFunc(s.entries, func(a, b *dpb.Reference) int {
		return strings.Compare(a.GetUri().GetValue(), b.GetUri().GetValue())
	})
	return nil
}

// inForce reports whether a Coverage counts now, or a RelatedPerson takes part and is not sealed off.
func inForce(n fhir.Node) bool {
	if n.Member("status").Exists() {
		return n.Member("status").Text() == "active"
	}
	return n.Member("active").Text() != "false" && !carries(n, element.StructureDefinition("afscherming"))
}

// knowParties makes the parties that are named by a URA which nothing is stored of Organizations with
// that number, as every sender becomes one: the owner of the Task must be one, or nobody could accept
// the child.
func (w *transferWriter) knowParties() {
	for _, v := range []form.Value{w.in.At("verzender").At("organisatie"), w.in.At("ontvanger").At("organisatie")} {
		t := w.Target(v)
		if !t.Ref.IsZero() || t.ID.System != record.URASystem {
			continue
		}
		ref := w.Sender
		if t.ID.Value != w.Head.URA {
			ref = w.Add(&orgpb.Organization{Identifier: element.Some(element.IdentifierOf(t.ID))}, tofhir.About{ID: mapping.ID("Organization/ura/" + t.ID.Value)})
		}
		w.Know(v, ref)
	}
}

// parties lists sender and receiver, and the day of the transfer.
func (w *transferWriter) parties() {
	sender, in := w.in.At("verzender"), w.in
	s, on := w.section("sendingOrganization"), w.at("sendingOrganization")
	s.entries = []*dpb.Reference{w.Ref(sender.At("organisatie").To(on + ".entry"))}
	s.entries = append(s.entries, w.staff(sender.At("verpleegkundige"), on)...)
	s.extend("verzender-telefoon", element.String(tofhir.Traced(sender.At("telefoon"), tofhir.ExtensionValue(on, "verzender-telefoon")).Str()))
	r := w.section("receivingOrganization")
	r.entries = []*dpb.Reference{w.Ref(in.At("ontvanger").At("organisatie").To(w.at("receivingOrganization") + ".entry"))}
	a, at := w.section("administrativeData"), w.at("administrativeData")
	date := in.At("overplaatsingsdatum").To(tofhir.ExtensionValue(at, "overplaatsingsdatum"), at+".text").Day()
	a.extend("overplaatsingsdatum", element.Date(date))
	a.text = "Overplaatsingsdatum: " + string(date)
}

// staff returns the entries of a med: the Practitioner, when it is known, and the PractitionerRole.
// The way back reads the last.
func (w *transferWriter) staff(v form.Value, on string) []*dpb.Reference {
	role := w.Ref(v.To(on + ".entry"))
	if w.Target(v).Person.IsZero() {
		return []*dpb.Reference{role}
	}
	return []*dpb.Reference{w.Person(v), role}
}

// admission adds the stay in hospital.
func (w *transferWriter) admission() {
	v := w.in.At("opname")
	if !v.Present() {
		return
	}
	ref := w.Place("Encounter", "opname")
	on := ref.On
	status := "in-progress"
	if end := v.At("tot"); end.Present() && !end.Instant().After(w.Root().At("vastgelegdOp").Instant()) {
		status = "finished"
	}
	e := w.contact(status, "IMP")
	e.Period = &dpb.Period{
		Start: element.Moment(v.At("van").To(on + ".period.start").Str()),
		End:   element.Moment(tofhir.Traced(v.At("tot"), on+".period.end").Str()),
	}
	if ward := tofhir.Traced(v.At("afdeling"), on+".serviceType.text").Str(); ward != "" {
		e.ServiceType = element.TextConcept(ward)
	}
	if to := tofhir.Traced(v.At("bestemming"), on+".hospitalization.dischargeDisposition").Str(); to != "" {
		e.Hospitalization = &encpb.Encounter_Hospitalization{
			DischargeDisposition: element.Concept(destination(to), tofhir.ListCoding("bestemming", to)),
		}
	}
	w.Add(e, ref.About(tofhir.NlCore("Encounter")))
	w.encounter = ref.Literal()
}

// destination is the coding of others for where a child goes (mks.md 3.8).
func destination(code string) *dpb.Coding {
	switch code {
	case "thuis", "thuis-met-zorg":
		return element.Coding(tofhir.SNOMED, "264362003", "")
	case "ziekenhuis":
		return element.Coding(tofhir.SNOMED, "22232009", "")
	}
	return element.Coding(tofhir.NullFlavor, "OTH", "")
}

// contact returns an Encounter of the child.
func (w *transferWriter) contact(status, class string) *encpb.Encounter {
	if w.state.encounter != "" {
		status = w.state.encounter
	}
	return &encpb.Encounter{
		Status:     element.Enum(&encpb.Encounter_StatusCode{}, status),
		ClassValue: element.Coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", class, ""),
		Subject:    w.PatientRef(),
	}
}

// threeWayTalk adds the talk of family, hospital nurse and home-care nurse.
func (w *transferWriter) threeWayTalk() {
	v := w.in.At("drieluikGesprek")
	if !v.Present() {
		return
	}
	ref := w.Place("Encounter", "drieluik")
	on := ref.On
	held, status := v.At("gehouden"), "cancelled"
	if held.Yes() {
		status = "finished"
	}
	if w.state.void { // entered-in-error hides it
		w.Keep(held)
	} else {
		held.To(on + ".status")
	}
	e := w.contact(status, "AMB")
	e.Type = []*dpb.CodeableConcept{tofhir.ListConcept("mks-categorie", "drieluikgesprek")}
	if start := element.DateTime(tofhir.Traced(v.At("datum"), on+".period.start").Day()); start != nil {
		e.Period = &dpb.Period{Start: start}
	}
	for _, role := range v.At("aanwezig").Items() {
		e.Extension = append(e.Extension, element.Some(element.OwnExtension("aanwezig-rol", element.CodeValue(role.To(tofhir.ExtensionValue(on, "aanwezig-rol")).Str())))...)
	}
	e.Extension = append(e.Extension, element.Some(element.OwnExtension("samenvatting", element.String(tofhir.Traced(v.At("samenvatting"), tofhir.ExtensionValue(on, "samenvatting")).Str())))...)
	w.Add(e, ref.About())
}
