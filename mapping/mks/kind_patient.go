package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// sexes says per geslacht the FHIR gender and its code in a v3 code system.
var sexes = map[string]struct{ gender, system, code string }{
	"M": {"male", v3Gender, "M"}, "V": {"female", v3Gender, "F"},
	"O": {"other", v3Gender, "UN"}, "UN": {"unknown", nullFlavor, "UNK"},
}

const v3Gender = "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender"

// writePatient adds the anchor.
func (m *mapper) writePatient() error {
	in, on := m.inhoud(), m.child.ref.String()
	p := &ppb.Patient{
		Identifier: element.Some(
			m.ownBSN(), element.Identifier(m.head.base()+"/kind", m.head.localID)),
		Active: element.Bool(m.head.status != "ingetrokken"),
		Name:   names(in.At("naam"), on+".name"), Telecom: telecoms(in.At("telefoon"), in.At("email"), on+".telecom"),
		Gender: gender(in.At("geslacht").To(on + ".gender")),
	}
	if born := in.At("geboortedatum"); !m.conflict[born.Pointer()] {
		p.BirthDate = element.Date(born.To(on + ".birthDate").Day())
	}
	if v := in.At("overleden"); v.Present() {
		p.Deceased = &ppb.Patient_DeceasedX{Choice: &ppb.Patient_DeceasedX_DateTime{DateTime: element.DateTime(v.To(on + ".deceased").Day())}}
	}
	if v := in.At("meerling"); v.Present() {
		p.MultipleBirth = &ppb.Patient_MultipleBirthX{Choice: &ppb.Patient_MultipleBirthX_Boolean{Boolean: element.Bool(v.To(on + ".multipleBirth").Yes())}}
	}
	for i, v := range in.At("adres").Items() {
		p.Address = append(p.Address, m.address(v, on+indexed(".address", i)))
	}
	for i, v := range in.At("taal").Items() {
		c := &ppb.Patient_Communication{Language: element.Concept(element.Coding("urn:oid:1.0.639.1", v.To(on+".communication").Str(), ""))}
		if i == 0 {
			c.Preferred = element.Bool(true)
		}
		p.Communication = append(p.Communication, c)
	}
	if err := m.writeGP(p); err != nil {
		return err
	}
	if in.At("gezag").Present() && m.rights && !m.custodyStays {
		p.Extension = append(p.Extension, m.custody(true))
	}
	u, err := m.patientUnion()
	if err != nil {
		return err
	}
	m.addAnchor(p, about{id: m.child.ref.ID, profiles: []string{nlCore("Patient")}, labels: m.seals(), custodian: m.custodian()})
	m.added[m.anchor].unite(m.child.found, u)
	return nil
}

// ownBSN returns the BSN identifier unless it contradicts the stored one.
func (m *mapper) ownBSN() *dpb.Identifier {
	if m.conflict[m.Root().At("kind").At("bsn").Pointer()] {
		return nil
	}
	return element.Identifier(bsnSystem, m.head.bsn)
}

// custodian names the sender when this record makes it the custodian of a child known as a stub.
func (m *mapper) custodian() fhir.Ref {
	if m.child.found != nil && m.child.stub {
		return fhir.Ref{Type: "Organization", ID: m.sender.ID}
	}
	return fhir.Ref{}
}

func gender(v form.Value) *ppb.Patient_GenderCode {
	s := sexes[v.Str()]
	out := element.Enum(&ppb.Patient_GenderCode{}, s.gender)
	out.Extension = element.Some(element.Extension(codeSpecs, element.Concept(element.Coding(s.system, s.code, ""))))
	return out
}

// writeGP adds the Organization of the huisarts.
func (m *mapper) writeGP(p *ppb.Patient) error {
	v := m.inhoud().At("huisarts")
	if !v.Present() {
		return nil
	}
	t := target{ref: fhir.Ref{Type: "Organization", ID: m.part("huisarts")}}
	if number := v.At("agb").Str(); number != "" {
		err := m.matchByNumber(&t, "Organization", []fhir.Identifier{{System: agbSystem, Value: number}, {}}, []string{"agb/" + number, ""})
		if err != nil {
			return err
		}
	}
	on := t.ref.String()
	o := &opb.Organization{
		Identifier: element.Some(element.Identifier(agbSystem, traced(v.At("agb"), on+".identifier").Str())), Active: element.Bool(true),
		Type: []*dpb.CodeableConcept{listConcept("organisatie-soort", "huisartspraktijk")},
		Name: element.String(v.At("naam").To(on + ".name").Str()), Telecom: points(v.At("telefoon"), "phone", on+".telecom"),
	}
	if t.stored == nil {
		stored, err := m.known.Read(t.ref)
		if err != nil {
			return err
		}
		t.stored = stored
	}
	if m.addShared(o, about{id: t.ref.ID, profiles: careProvider(v)}, t.stored, m.directoryUnion(t.stored, "")) {
		m.Keep(v)
	}
	p.GeneralPractitioner = []*dpb.Reference{element.Literal(t.ref)}
	return nil
}

// custody returns the extension gezag, with the holders on the Patient and without them elsewhere.
func (m *mapper) custody(withHolders bool) *dpb.Extension {
	v := m.inhoud().At("gezag")
	on := m.child.ref.String() + ".extension('" + element.StructureDefinition("gezag") + "')"
	out := element.OwnComplex("gezag", element.Extension("type", element.CodeValue(v.At("type").To(on).Str())))
	for _, h := range v.At("houders").Items() {
		if withHolders {
			out.Extension = append(out.Extension, element.Extension("houder", m.ref(h.To(on))))
		}
	}
	out.Extension = append(out.Extension, element.Some(
		element.Extension("bron", element.CodeValue(v.At("bron").To(on).Str())),
		element.Extension("gecontroleerdOp", element.Date(v.At("gecontroleerdOp").To(on).Day())),
		element.Extension("period", m.span(v, on+".extension('period').value")))...)
	return out
}

// seals returns one seal-person per betrokkene that the custodian seals off.
func (m *mapper) seals() []*dpb.Coding {
	var out []*dpb.Coding
	for _, v := range m.inhoud().At("betrokkenen").Items() {
		if m.rights && v.At("afgeschermd").Present() {
			out = append(out, seal("seal-person", element.Literal(m.own[v.At("id").Str()].ref)))
		}
	}
	return out
}

// storedSeals returns the JSON of the stored labels that stay: all but the seals of people whom the
// custodian lists, which seals tells anew.
func (m *mapper) storedSeals() []string {
	mine := map[string]bool{}
	for _, t := range m.own {
		mine[t.ref.String()] = m.rights
	}
	var out []string
	for n := range m.child.patient().All("meta", "security") {
		barred := extension(n, "barred-party").Member("reference").Text()
		if n.Member("code").Text() != "seal-person" || !mine[barred] {
			out = append(out, n.Raw())
		}
	}
	return out
}

// seal returns an access-label against one person.
func seal(code string, barred *dpb.Reference) *dpb.Coding {
	out := element.Coding(element.CodeSystem("access-label"), code, "")
	out.Extension = element.Some(element.OwnExtension("barred-party", barred))
	return out
}
