package consent

import (
	"fmt"
	"slices"
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	conpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/consent_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// Steps are the record type toestemming on its way to FHIR.
func Steps() tofhir.Steps { return tofhir.Steps{Stored: checkStored, Write: writeConsent} }

// writeConsent adds the Consent (mks.md 3.9).
func writeConsent(m *tofhir.Mapper) error {
	in, id := m.Content(), m.Key()
	on := "Consent/" + id
	status, err := consentStatus(m, fhir.Ref{Type: "Consent", ID: id})
	if err != nil {
		return err
	}
	c := &conpb.Consent{
		Status: element.Enum(&conpb.Consent_StatusCode{}, status),
		Scope:  element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", "")),
		Category: []*dpb.CodeableConcept{
			element.Concept(element.Coding(tofhir.LOINC, "59284-0", "")), tofhir.ListConcept("toestemming-soort", in.At("soort").To(on+".category").Str())},
		Patient: m.PatientRef(), DateTime: element.Moment(lastGiven(in)),
		Organization: []*dpb.Reference{m.Ref(in.At("houder").At("organisatie").To(on + ".organization"))},
		PolicyRule:   element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN", "")),
	}
	for _, g := range in.At("gegevenDoor").Items() {
		addGiver(m, c, g, on)
	}
	c.Extension = append(c.Extension, element.OwnExtension("vastgelegd-door", m.Ref(in.At("vastgelegdDoor").To(on+".extension"))))
	if at := in.At("ingetrokkenOp"); at.Present() {
		c.Extension = append(c.Extension, element.OwnExtension("ingetrokken-op", element.Moment(at.To(on+".extension", on+".status").Str())))
	}
	p, err := provision(m, in, on+".provision")
	if err != nil {
		return err
	}
	c.Provision = p
	c.Extension = append(c.Extension, element.Some(consentPeriod(m, c, on))...)
	m.AddAnchor(c, tofhir.About{ID: id, Profiles: []string{element.StructureDefinition("mks-toestemming")}})
	return nil
}

// consentStatus follows mks.md 2.7 and 3.9. What was withdrawn here stays so until it is given again: a draft does not
// let that be forgotten.
func consentStatus(m *tofhir.Mapper, ref fhir.Ref) (string, error) {
	in := m.Content()
	switch {
	case m.Head.Status == "ingetrokken":
		return "entered-in-error", nil
	case in.At("ingetrokkenOp").Present():
		return "inactive", nil
	}
	back, err := mapping.TakenBack(m.Known, ref, lastGiven(in))
	switch {
	case err != nil:
		return "", err
	case back:
		m.Warn("MKS-TOE-10", in.At("gegevenDoor"))
		return "inactive", nil
	case m.Head.Status == "concept":
		return "draft", nil
	case m.Proposed || !m.Child.Stored || m.Child.Stub:
		return "proposed", nil
	}
	return "active", nil
}

// lastGiven returns the latest op of the givers.
func lastGiven(in form.Value) string {
	var last time.Time
	var out string
	for _, g := range in.At("gegevenDoor").Items() {
		if at := g.At("op").Instant(); out == "" || at.After(last) {
			last, out = at, g.At("op").Str()
		}
	}
	return out
}

// addGiver adds one giver: performer, extension and, for the child or a related person, verification.
func addGiver(m *tofhir.Mapper, c *conpb.Consent, g form.Value, on string) {
	ext := on + ".extension('" + element.StructureDefinition("gegeven-door") + "')"
	who := m.Ref(g.At("ref").To(on+".performer", ext))
	at := g.At("op").To(ext, on+".dateTime").Str()
	c.Performer = append(c.Performer, who)
	c.Extension = append(c.Extension, element.OwnComplex("gegeven-door",
		element.Extension("wie", m.Ref(g.At("ref"))), element.Extension("op", element.Moment(at)),
		element.Extension("wijze", element.CodeValue(g.At("wijze").To(ext).Str()))))
	if t := m.Target(g.At("ref")); t.Kind == "kind" || t.Kind == "bet" {
		c.Verification = append(c.Verification, &conpb.Consent_Verification{
			Verified: element.Bool(true), VerifiedWith: m.Ref(g.At("ref")), VerificationDate: element.Moment(at),
		})
	}
}

// consentPeriod sets provision.period, capped at the day before the 12th or 16th birthday (TOE-04).
// It returns the extension that keeps the end as it was sent when it was capped. A consent that would
// begin behind that birthday is never in force.
func consentPeriod(m *tofhir.Mapper, c *conpb.Consent, on string) *dpb.Extension {
	in, p := m.Content(), c.Provision
	from := in.At("geldigVanaf").To(on + ".provision.period.start").Day()
	end := tofhir.Traced(in.At("geldigTot"), on+".provision.period.end")
	j := Judgement{Birth: m.Child.Birth, On: m.Head.RecordedDay}
	last := j.end()
	if last == "" || end.Present() && !end.Day().After(last) {
		p.Period = element.Period(from, end.Day())
		return nil
	}
	m.Inform("MKS-TOE-04", end)
	if j.Never(from) {
		last = from
		if m.Head.Status == "definitief" {
			c.Status = element.Enum(&conpb.Consent_StatusCode{}, "inactive")
		}
	}
	p.Period = element.Period(from, last)
	sent := end.Str()
	if !end.Present() {
		sent = "geen"
	}
	return element.OwnExtension("geldig-tot-bron", element.String(sent))
}

// decisions are the provision types of a besluit.
var decisions = map[string]string{"toestaan": "permit", "weigeren": "deny"}

// provision returns the base provision with its exceptions.
func provision(m *tofhir.Mapper, in form.Value, on string) (*conpb.Consent_Provision, error) {
	p, err := provisionOf(m, in, on)
	if err != nil {
		return nil, err
	}
	for _, d := range in.At("doel").Items() {
		p.Purpose = append(p.Purpose, purposes(d.To(on+".purpose").Str())...)
	}
	if from := in.At("gegevens").At("vanaf"); from.Present() {
		p.DataPeriod = element.Period(from.To(on+".dataPeriod.start").Day(), "")
	}
	if err := transferOf(m, p, in.At("overdracht"), on); err != nil {
		return nil, err
	}
	for i, x := range in.At("uitzonderingen").Items() {
		nested, err := provisionOf(m, x, on+tofhir.Indexed(".provision", i))
		if err != nil {
			return nil, err
		}
		p.Provision = append(p.Provision, nested)
	}
	return p, nil
}

// provisionOf returns what base and exceptions have in common: decision, receivers and data.
func provisionOf(m *tofhir.Mapper, v form.Value, on string) (*conpb.Consent_Provision, error) {
	p := &conpb.Consent_Provision{
		Type: element.Enum(&conpb.Consent_Provision_TypeCode{}, decisions[v.At("besluit").To(on+".type").Str()]),
	}
	for i, r := range v.At("ontvangers").Items() {
		a, err := actor(m, r, on+tofhir.Indexed(".actor", i))
		if err != nil {
			return nil, err
		}
		p.Actor = append(p.Actor, a)
	}
	data := v.At("gegevens")
	if v.At("soort").Str() != "verondersteld" { // an implied consent names its transfer alone
		p.ClassValue = classes(data.At("categorie").Strs())
	}
	for _, c := range data.At("categorie").Items() {
		if len(p.ClassValue) > 0 {
			c.To(on + ".class")
		}
		p.Extension = append(p.Extension, element.OwnExtension("gegevenscategorie", element.CodeValue(c.To(on+".extension").Str())))
	}
	for _, d := range data.At("domeinen").Items() {
		p.Code = append(p.Code, tofhir.ListConcept("mks-domein", d.To(on+".code").Str()))
	}
	return p, nil
}

// purposes returns the v3-ActReason of a doel: FAMRQT also stands for helpers of the family.
func purposes(doel string) []*dpb.Coding {
	const system = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	if doel == "FAMRQT" {
		return []*dpb.Coding{element.Coding(system, "FAMRQT", ""), element.Coding(system, "SUPNWK", "")}
	}
	return []*dpb.Coding{element.Coding(system, doel, "")}
}

// actor returns a receiver.
func actor(m *tofhir.Mapper, r form.Value, on string) (*conpb.Consent_Provision_ProvisionActor, error) {
	kind := r.At("soort").To(on + ".extension").Str()
	out := &conpb.Consent_Provision_ProvisionActor{
		Extension: element.Some(element.OwnExtension("ontvanger-soort", element.CodeValue(kind))),
		Role:      element.Concept(element.Coding(tofhir.Participation, "IRCP", "")),
	}
	switch kind {
	case "kindteam":
		team, err := teamRef(m)
		out.Reference = team
		return out, err
	case "categorie":
		category := r.At("categorie").To(on + ".reference.identifier").Str()
		out.Reference = element.Reference(fhir.Ref{}, fhir.Identifier{System: element.CodeSystem("organisatie-soort"), Value: category})
	default:
		out.Reference = m.Ref(r.At("ref").To(on + ".reference"))
	}
	return out, nil
}

// teamRef returns the reference to the kindteam: that of this source, else the child's active one, else
// a logical reference.
func teamRef(m *tofhir.Mapper) (*dpb.Reference, error) {
	id := fhir.Identifier{System: m.Head.Base() + "/kindteam", Value: m.Head.LocalID}
	own := fhir.Ref{Type: "CareTeam", ID: mapping.ID(m.Head.CareTeamKey())}
	hit, err := m.Known.Read(own)
	if err != nil {
		return nil, fmt.Errorf("mks.team: %w", err)
	}
	if hit != nil {
		return element.Reference(own, id), nil
	}
	if m.Child.Found == nil {
		return element.Reference(fhir.Ref{}, id), nil
	}
	teams, err := m.Known.Child(m.Child.Ref, "CareTeam")
	if err != nil {
		return nil, fmt.Errorf("mks.team: %w", err)
	}
	for _, t := range teams {
		if tofhir.Found(t).Member("status").Text() == "active" && t.Custodian.Current() == m.Child.Found.Custodian.Current() {
			return element.Reference(t.Resource.Ref(), id), nil
		}
	}
	return element.Reference(fhir.Ref{}, id), nil
}

// transferOf adds the transfer that the consent is about (REF-04 when it is not stored).
func transferOf(m *tofhir.Mapper, p *conpb.Consent_Provision, v form.Value, on string) error {
	if !v.Present() {
		return nil
	}
	id := fhir.Identifier{System: m.Head.Base() + "/overdracht", Value: v.To(on + ".data").Str()}
	hits, err := m.Known.Identified("Composition", id)
	if err != nil {
		return fmt.Errorf("mks.transferOf: %w", err)
	}
	var ref fhir.Ref
	for _, hit := range hits {
		if tofhir.Found(hit).At("subject", "reference").Text() == m.Child.Ref.String() {
			ref = hit.Resource.Ref()
		}
	}
	if ref.IsZero() {
		m.Warn("MKS-REF-04", v)
	}
	p.Data = append(p.Data, &conpb.Consent_Provision_ProvisionData{
		Meaning:   element.Enum(&conpb.Consent_Provision_ProvisionData_MeaningCode{}, "dependents"),
		Reference: element.Reference(ref, id),
	})
	return nil
}

// transferCode is the SNOMED code of the transfer's Composition.
const transferCode = "11171000146100"

// dataClasses are the resource types of a gegevenscategorie. alles has none: it means everything.
var dataClasses = map[string][]string{
	"kind":        {"Patient", "RelatedPerson", "CareTeam", "Coverage"},
	"verwijsboom": {"QuestionnaireResponse", "ServiceRequest"},
	"scan":        {"QuestionnaireResponse", "Condition"},
	"zorgplan":    {"CarePlan", "Goal", "Condition", "NutritionOrder", "Appointment"},
	"noodplan":    {"CarePlan", "Flag"},
	"evaluatie":   {"Encounter", "Observation", "Communication", "Goal"},
	"metingen":    {"Observation"},
	"overdracht": {transferCode, "Composition", "Task", "Encounter", "Condition", "CarePlan", "Observation", "AllergyIntolerance",
		"Flag", "Device", "DeviceUseStatement", "NutritionOrder", "DocumentReference", "QuestionnaireResponse"},
}

// classes returns provision.class of categories: sorted and united, none when alles is among them.
func classes(categories []string) []*dpb.Coding {
	var codes []string
	for _, c := range categories {
		if c == "alles" {
			return nil
		}
		codes = append(codes, dataClasses[c]...)
	}
	slices.Sort(codes)
	var out []*dpb.Coding
	for _, c := range slices.Compact(codes) {
		system := "http://hl7.org/fhir/resource-types"
		if c == transferCode {
			system = tofhir.SNOMED
		}
		out = append(out, element.Coding(system, c, ""))
	}
	return out
}
