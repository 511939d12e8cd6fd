package child

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// sexes says per geslacht the FHIR gender and its code in a v3 code system.
var sexes = map[string]struct{ gender, system, code string }{
	"M": {"male", v3Gender, "M"}, "V": {"female", v3Gender, "F"},
	"O": {"other", v3Gender, "UN"}, "UN": {"unknown", tofhir.NullFlavor, "UNK"},
}

const v3Gender = "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender"

// writePatient adds the anchor.
func writePatient(m *tofhir.Mapper) error {
	in, on := m.Content(), m.Child.Ref.String()
	p := &ppb.Patient{
		Identifier: element.Some(
			ownBSN(m), element.Identifier(m.Head.Base()+"/kind", m.Head.LocalID)),
		Active: element.Bool(m.Head.Status != "ingetrokken"),
		Name:   names(in.At("naam"), on+".name"), Telecom: telecoms(in.At("telefoon"), in.At("email"), on+".telecom"),
		Gender: gender(in.At("geslacht").To(on + ".gender")),
	}
	if born := in.At("geboortedatum"); !m.Conflict[born.Pointer()] {
		p.BirthDate = element.Date(born.To(on + ".birthDate").Day())
	}
	if v := in.At("overleden"); v.Present() {
		p.Deceased = &ppb.Patient_DeceasedX{Choice: &ppb.Patient_DeceasedX_DateTime{DateTime: element.DateTime(v.To(on + ".deceased").Day())}}
	}
	if v := in.At("meerling"); v.Present() {
		p.MultipleBirth = &ppb.Patient_MultipleBirthX{Choice: &ppb.Patient_MultipleBirthX_Boolean{Boolean: element.Bool(v.To(on + ".multipleBirth").Yes())}}
	}
	for i, v := range in.At("adres").Items() {
		p.Address = append(p.Address, address(m, v, on+tofhir.Indexed(".address", i)))
	}
	for i, v := range in.At("taal").Items() {
		c := &ppb.Patient_Communication{Language: element.Concept(element.Coding("urn:oid:1.0.639.1", v.To(on+".communication").Str(), ""))}
		if i == 0 {
			c.Preferred = element.Bool(true)
		}
		p.Communication = append(p.Communication, c)
	}
	if err := writeGP(m, p); err != nil {
		return err
	}
	if in.At("gezag").Present() && m.Rights && !m.CustodyStays {
		p.Extension = append(p.Extension, custody(m, true))
	}
	u, err := patientUnion(m)
	if err != nil {
		return err
	}
	m.AddAnchor(p, tofhir.About{ID: m.Child.Ref.ID, Profiles: []string{tofhir.NlCore("Patient")}, Labels: seals(m), Custodian: custodian(m)})
	m.Added[m.Anchor].Unite(m.Child.Found, u)
	return nil
}

// ownBSN returns the BSN identifier unless it contradicts the stored one.
func ownBSN(m *tofhir.Mapper) *dpb.Identifier {
	if m.Conflict[m.Root().At("kind").At("bsn").Pointer()] {
		return nil
	}
	return element.Identifier(record.BSNSystem, m.Head.BSN)
}

// custodian names the sender when this record makes it the custodian of a child known as a stub.
func custodian(m *tofhir.Mapper) fhir.Ref {
	if m.Child.Found != nil && m.Child.Stub {
		return fhir.Ref{Type: "Organization", ID: m.Sender.ID}
	}
	return fhir.Ref{}
}

func gender(v form.Value) *ppb.Patient_GenderCode {
	s := sexes[v.Str()]
	out := element.Enum(&ppb.Patient_GenderCode{}, s.gender)
	out.Extension = element.Some(element.Extension(tofhir.CodeSpecs, element.Concept(element.Coding(s.system, s.code, ""))))
	return out
}

// writeGP adds the Organization of the huisarts.
func writeGP(m *tofhir.Mapper, p *ppb.Patient) error {
	v := m.Content().At("huisarts")
	if !v.Present() {
		return nil
	}
	t := tofhir.Target{Ref: fhir.Ref{Type: "Organization", ID: m.Part("huisarts")}}
	if number := v.At("agb").Str(); number != "" {
		err := matchByNumber(m, &t, "Organization", []fhir.Identifier{{System: record.AGBSystem, Value: number}, {}}, []string{"agb/" + number, ""})
		if err != nil {
			return err
		}
	}
	on := t.Ref.String()
	o := &opb.Organization{
		Identifier: element.Some(element.Identifier(record.AGBSystem, tofhir.Traced(v.At("agb"), on+".identifier").Str())), Active: element.Bool(true),
		Type: []*dpb.CodeableConcept{tofhir.ListConcept("organisatie-soort", "huisartspraktijk")},
		Name: element.String(v.At("naam").To(on + ".name").Str()), Telecom: points(v.At("telefoon"), "phone", on+".telecom"),
	}
	if t.Stored == nil {
		stored, err := m.Known.Read(t.Ref)
		if err != nil {
			return err
		}
		t.Stored = stored
	}
	if m.AddShared(o, tofhir.About{ID: t.Ref.ID, Profiles: careProvider(v)}, t.Stored, m.DirectoryUnion(t.Stored, "")) {
		m.Keep(v)
	}
	p.GeneralPractitioner = []*dpb.Reference{element.Literal(t.Ref)}
	return nil
}

// custody returns the extension gezag, with the holders on the Patient and without them elsewhere.
func custody(m *tofhir.Mapper, withHolders bool) *dpb.Extension {
	v := m.Content().At("gezag")
	on := m.Child.Ref.String() + ".extension('" + element.StructureDefinition("gezag") + "')"
	out := element.OwnComplex("gezag", element.Extension("type", element.CodeValue(v.At("type").To(on).Str())))
	for _, h := range v.At("houders").Items() {
		if withHolders {
			out.Extension = append(out.Extension, element.Extension("houder", m.Ref(h.To(on))))
		}
	}
	out.Extension = append(out.Extension, element.Some(
		element.Extension("bron", element.CodeValue(v.At("bron").To(on).Str())),
		element.Extension("gecontroleerdOp", element.Date(v.At("gecontroleerdOp").To(on).Day())),
		element.Extension("period", m.Span(v, on+".extension('period').value")))...)
	return out
}

// seals returns one seal-person per betrokkene that the custodian seals off.
func seals(m *tofhir.Mapper) []*dpb.Coding {
	var out []*dpb.Coding
	for _, v := range m.Content().At("betrokkenen").Items() {
		if m.Rights && v.At("afgeschermd").Present() {
			out = append(out, tofhir.Seal("seal-person", element.Literal(m.Own[v.At("id").Str()].Ref)))
		}
	}
	return out
}

// storedSeals returns the JSON of the stored labels that stay: all but the seals of people whom the
// custodian lists, which seals tells anew.
func storedSeals(m *tofhir.Mapper) []string {
	mine := map[string]bool{}
	for _, t := range m.Own {
		mine[t.Ref.String()] = m.Rights
	}
	var out []string
	for n := range m.Child.Patient().All("meta", "security") {
		barred := tofhir.Extension(n, "barred-party").Member("reference").Text()
		if n.Member("code").Text() != "seal-person" || !mine[barred] {
			out = append(out, n.Raw())
		}
	}
	return out
}
