package samordningsplan

import (
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	hpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/healthcare_service_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	prpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/practitioner_role_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// findOrganisation looks up the Organization of an aktör: by its HSA-id, else by its number and name, else
// under the id of its key. What an operator registered, or another organisation holds, is not changed.
func (m *mapper) findOrganisation(actor form.Value) error {
	key := organisationKey(actor)
	o := organisation{ref: organisationRef(key)}
	hits, err := m.known.Identified("Organization", organisationIdentifier(actor))
	if err != nil {
		return err
	}
	for _, hit := range hits {
		if o.found == nil && (actor.At("hsaId").Present() || sameName(hit, actor)) {
			o.found = hit
		}
	}
	if o.found == nil {
		if o.found, err = m.known.Read(o.ref); err != nil {
			return err
		}
	}
	if o.found != nil {
		o.ref = o.found.Resource.Ref()
		o.foreign = o.found.Custodian.Current() != m.sender || o.ref == m.sender || more(o.found, "type", "name")
	}
	m.orgs[actor.At("id").Str()] = o
	return nil
}

func sameName(hit *mapping.Found, actor form.Value) bool {
	return strings.EqualFold(hit.Resource.Root().Member("name").Text(), actor.At("verksamhet").Str())
}

// organisationIdentifier is what an aktör is looked up by.
func organisationIdentifier(actor form.Value) fhir.Identifier {
	if id := actor.At("hsaId").Str(); id != "" {
		return fhir.Identifier{System: hsaSystem, Value: id}
	}
	return fhir.Identifier{System: orgSystem, Value: actor.At("orgnr").Str()}
}

// writeOrganisations adds an Organization for each aktör that the document may tell of.
func (m *mapper) writeOrganisations() {
	for _, v := range m.root.At("aktorer").Items() {
		o := m.orgs[v.At("id").Str()]
		if o.foreign {
			m.Keep(v)
			continue
		}
		on := o.ref.String()
		m.put(&opb.Organization{
			Identifier: element.Some(element.Identifier(hsaSystem, v.At("hsaId").To(on+".identifier").Str()),
				element.Identifier(orgSystem, v.At("orgnr").To(on+".identifier").Str())),
			Type: element.Some(element.OwnConcept("se-huvudman", v.At("huvudman").To(on+".type").Str()),
				element.OwnConcept("se-verksamhet", v.At("verksamhetsTyp").To(on+".type").Str())),
			Name: element.String(v.At("verksamhet").To(on + ".name").Str()),
		}, o.ref, element.Meta{Profiles: []string{seBase + "SEBaseOrganization"}})
	}
}

// writeRoles adds the PractitionerRole of the coordinator and of each person in charge of a child's plan.
func (m *mapper) writeRoles() {
	if v := m.coordinator(); v.Present() {
		m.role(v, v.Name(), nil, element.OwnConcept("se-roll", v.Name()))
	}
	for i, v := range m.root.At("ansvarig").Items() {
		m.role(v, v.At("id").Str(), index(i), element.OwnConcept("se-roll", "barnetsbasta-ansvarig"),
			element.OwnConcept("se-ansvarig", v.At("roll").To(m.roleRef(v.At("id").Str())+".code").Str()))
	}
}

func (m *mapper) roleRef(key string) string { return m.ref("PractitionerRole", key).String() }

// role adds the PractitionerRole of a key. An aktör that it names and the document does not have is kept.
func (m *mapper) role(v form.Value, key string, extension *dpb.Extension, codes ...*dpb.CodeableConcept) {
	on := m.roleRef(key)
	who := &dpb.Reference{
		Display:    element.String(v.At("namn").To(on + ".practitioner.display").Str()),
		Identifier: element.Identifier(hsaSystem, v.At("hsaId").To(on+".practitioner.identifier").Str()),
	}
	of := v.At("aktor")
	if m.names(of.Str(), "aktorer") {
		of.To(on + ".organization")
	}
	m.add(&prpb.PractitionerRole{
		Extension: element.Some(extension), Practitioner: who, Organization: m.organisationOf(of), Code: codes,
		Period:  m.during(v.At("fran").To(on+".period.start"), v.At("till").To(on+".period.end")),
		Telecom: element.Some(m.reached(v.At("telefon"), on)),
	}, key)
	v.At("id").To(on + ".identifier")
	last := &m.added[len(m.added)-1]
	meta := element.Meta{Profiles: []string{seBase + "SEBasePractitionerRole"}}
	element.SetMeta(last.message, meta.Proto())
}

// reached is the telephone of somebody of the plan. That of a protected person is kept with the plan: everybody
// reads the directory.
func (m *mapper) reached(v form.Value, on string) *dpb.ContactPoint {
	if m.root.At("person").At("skydd").Present() {
		m.Keep(v)
		return nil
	}
	return element.Contact("phone", v.To(on+".telecom").Str())
}

// organisationOf is the Organization of an aktör, nil for what is none.
func (m *mapper) organisationOf(v form.Value) *dpb.Reference {
	if !m.names(v.Str(), "aktorer") {
		return nil
	}
	return m.to(v)
}

// writeServices adds a HealthcareService for each aktör that calls or is called: an Organization cannot
// take part in an Appointment.
func (m *mapper) writeServices() {
	called := map[string]bool{}
	for _, meeting := range m.root.At("kallelse").Items() {
		called[meeting.At("av").Str()] = true
		for _, to := range meeting.At("till").Items() {
			called[to.At("aktor").Str()] = true
		}
	}
	for _, v := range m.root.At("aktorer").Items() {
		if key := v.At("id").Str(); called[key] {
			m.add(&hpb.HealthcareService{ProvidedBy: element.Literal(m.orgs[key].ref), Name: element.String(v.At("verksamhet").Str())}, key)
		}
	}
}
