package mks

import (
	"fmt"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	comppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/composition_go_proto"
	encpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/encounter_go_proto"
	orgpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
)

// transferWriter maps one overdracht (mks.md 3.8).
type transferWriter struct {
	*mapper
	in          value
	composition fhir.Ref
	state       transferState
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

func transferStateOf(h head) transferState {
	switch {
	case h.status == "ingetrokken":
		return transferState{"entered-in-error", "cancelled", "entered-in-error", "entered-in-error",
			"entered-in-error", "entered-in-error", "entered-in-error", "entered-in-error", "entered-in-error", true}
	case h.status == "concept":
		return transferState{"preliminary", "draft", "preliminary", "draft", "intended", "", "current", "inactive", "in-progress", false}
	case h.version > 1:
		return transferState{"amended", "requested", "amended", "active", "active", "", "current", "active", "amended", false}
	}
	return transferState{"final", "requested", "final", "active", "active", "", "current", "active", "completed", false}
}

// writeTransfer adds the parts, the Composition that lists them and the Task that carries it.
func writeTransfer(m *mapper) error {
	w := &transferWriter{
		mapper: m, in: m.inhoud(), composition: fhir.Ref{Type: "Composition", ID: m.key()},
		state: transferStateOf(m.head), sections: map[string]*section{}, domains: map[string]bool{},
	}
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

// partRef returns the reference that a part of the transfer has.
func (w *transferWriter) partRef(t fhir.Type, name string) fhir.Ref {
	return fhir.Ref{Type: t, ID: w.part(name)}
}

// tagged says what a part is about, and keeps its domain for the Composition.
func (w *transferWriter) tagged(ref fhir.Ref, domain string, profiles ...string) about {
	w.domains[domain] = true
	return about{id: ref.ID, profiles: profiles, domains: []string{domain}}
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
		return w.composition.String() + level + ".where(code.coding.code = '" + row.code + "')"
	}
	return w.composition.String()
}

func (w *transferWriter) writeComposition() {
	on, in := w.composition.String(), w.in
	variant := in.at("leeftijdsvariant").to(ext(on, "leeftijdsvariant"), on+".meta.profile").str()
	direction := in.at("richting").to(ext(on, "richting"), on+".category").str()
	c := &comppb.Composition{
		Status:    element.Enum(&comppb.Composition_StatusCode{}, w.state.composition),
		Type:      element.Concept(element.Coding(snomed, "11171000146100", "")),
		Category:  []*dpb.CodeableConcept{listConcept("richting", direction)},
		Subject:   w.patientRef(),
		Encounter: w.encounter,
		Date:      element.Moment(w.root.at("vastgelegdOp").str()),
		Author:    []*dpb.Reference{w.ref(in.at("verzender").at("verpleegkundige").to(on + ".author"))},
		Custodian: w.ref(in.at("verzender").at("organisatie").to(on + ".custodian")),
		Title:     element.String("Overdrachtsbericht kind " + variant + " jaar"),
		Section:   w.compose(""),
	}
	element.AddExtension(c, element.OwnExtension("richting", element.CodeValue(direction)), element.OwnExtension("leeftijdsvariant", element.CodeValue(variant)))
	domains := sortedKeys(w.domains)
	w.addAnchor(c, about{
		id: w.composition.ID, profiles: []string{ownProfile("mks-overdracht-" + variant)}, domains: inDomainOrder(domains),
	})
}

// personalData lists what is stored of insurance and family: active, and not sealed off.
func (w *transferWriter) personalData() error {
	known, err := w.known.Child(w.child.ref, "Coverage", "RelatedPerson")
	if err != nil {
		return fmt.Errorf("mks.personalData: %w", err)
	}
	s := w.section("personalData")
	s.empty = "unavailable"
	for _, f := range known {
		if inForce(found(f)) {
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
	for _, v := range []value{w.in.at("verzender").at("organisatie"), w.in.at("ontvanger").at("organisatie")} {
		t := w.target(v)
		if !t.ref.IsZero() || t.id.System != uraSystem {
			continue
		}
		t.ref = w.sender
		if t.id.Value != w.head.ura {
			t.ref = w.add(&orgpb.Organization{Identifier: element.Some(of(t.id))}, about{id: idOf("Organization/ura/" + t.id.Value)})
		}
		w.targets[v.str()] = t
	}
}

// parties lists sender and receiver, and the day of the transfer.
func (w *transferWriter) parties() {
	sender, in := w.in.at("verzender"), w.in
	s, on := w.section("sendingOrganization"), w.at("sendingOrganization")
	s.entries = []*dpb.Reference{w.ref(sender.at("organisatie").to(on + ".entry"))}
	s.entries = append(s.entries, w.staff(sender.at("verpleegkundige"), on)...)
	s.extend("verzender-telefoon", element.String(traced(sender.at("telefoon"), ext(on, "verzender-telefoon")).str()))
	r := w.section("receivingOrganization")
	r.entries = []*dpb.Reference{w.ref(in.at("ontvanger").at("organisatie").to(w.at("receivingOrganization") + ".entry"))}
	a, at := w.section("administrativeData"), w.at("administrativeData")
	date := in.at("overplaatsingsdatum").to(ext(at, "overplaatsingsdatum"), at+".text").day()
	a.extend("overplaatsingsdatum", element.Date(date))
	a.text = "Overplaatsingsdatum: " + string(date)
}

// staff returns the entries of a med: the Practitioner, when it is known, and the PractitionerRole.
// The way back reads the last.
func (w *transferWriter) staff(v value, on string) []*dpb.Reference {
	role := w.ref(v.to(on + ".entry"))
	if w.target(v).person.IsZero() {
		return []*dpb.Reference{role}
	}
	return []*dpb.Reference{w.person(v), role}
}

// admission adds the stay in hospital.
func (w *transferWriter) admission() {
	v := w.in.at("opname")
	if !v.present() {
		return
	}
	ref := w.partRef("Encounter", "opname")
	on := ref.String()
	status := "in-progress"
	if end := v.at("tot"); end.present() && !end.instant().After(w.root.at("vastgelegdOp").instant()) {
		status = "finished"
	}
	e := w.contact(status, "IMP")
	e.Period = &dpb.Period{
		Start: element.Moment(v.at("van").to(on + ".period.start").str()),
		End:   element.Moment(traced(v.at("tot"), on+".period.end").str()),
	}
	if ward := traced(v.at("afdeling"), on+".serviceType.text").str(); ward != "" {
		e.ServiceType = element.TextConcept(ward)
	}
	if to := traced(v.at("bestemming"), on+".hospitalization.dischargeDisposition").str(); to != "" {
		e.Hospitalization = &encpb.Encounter_Hospitalization{
			DischargeDisposition: element.Concept(destination(to), listCoding("bestemming", to)),
		}
	}
	w.add(e, about{id: ref.ID, profiles: []string{nlCore("Encounter")}})
	w.encounter = element.Literal(ref)
}

// destination is the coding of others for where a child goes (mks.md 3.8).
func destination(code string) *dpb.Coding {
	switch code {
	case "thuis", "thuis-met-zorg":
		return element.Coding(snomed, "264362003", "")
	case "ziekenhuis":
		return element.Coding(snomed, "22232009", "")
	}
	return element.Coding(nullFlavor, "OTH", "")
}

// contact returns an Encounter of the child.
func (w *transferWriter) contact(status, class string) *encpb.Encounter {
	if w.state.encounter != "" {
		status = w.state.encounter
	}
	return &encpb.Encounter{
		Status:     element.Enum(&encpb.Encounter_StatusCode{}, status),
		ClassValue: element.Coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", class, ""),
		Subject:    w.patientRef(),
	}
}

// threeWayTalk adds the talk of family, hospital nurse and home-care nurse.
func (w *transferWriter) threeWayTalk() {
	v := w.in.at("drieluikGesprek")
	if !v.present() {
		return
	}
	ref := w.partRef("Encounter", "drieluik")
	on := ref.String()
	held, status := v.at("gehouden"), "cancelled"
	if held.yes() {
		status = "finished"
	}
	if w.state.void { // entered-in-error hides it
		w.keep(held)
	} else {
		held.to(on + ".status")
	}
	e := w.contact(status, "AMB")
	e.Type = []*dpb.CodeableConcept{listConcept("mks-categorie", "drieluikgesprek")}
	if start := element.DateTime(traced(v.at("datum"), on+".period.start").day()); start != nil {
		e.Period = &dpb.Period{Start: start}
	}
	for _, role := range v.at("aanwezig").items() {
		element.AddExtension(e, element.OwnExtension("aanwezig-rol", element.CodeValue(role.to(ext(on, "aanwezig-rol")).str())))
	}
	element.AddExtension(e, element.Some(element.OwnExtension("samenvatting", element.String(traced(v.at("samenvatting"), ext(on, "samenvatting")).str())))...)
	w.add(e, about{id: ref.ID})
}
