package mks

import (
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
)

// extensions of HL7 and Nictiz
const (
	hl7Structure    = "http://hl7.org/fhir/StructureDefinition/"
	nictizStructure = "http://nictiz.nl/fhir/StructureDefinition/"
	codeSpecs       = nictizStructure + "ext-CodeSpecification"
	addressUse      = "http://terminology.hl7.org/CodeSystem/v3-AddressUse"
)

// names returns the HumanNames of a naam: the official one, and one of the roepnaam (mks.md 3.2).
// element is the FHIRPath of the list, such as "Patient/x.name".
func names(v value, element string) []*dpb.HumanName {
	given := v.at("voornamen").to(element + "[0].given").strs()
	prefix, last := v.at("voorvoegsel"), v.at("achternaam").to(element+"[0].family")
	family := last.str()
	if prefix.present() {
		family = prefix.to(element+"[0].family").str() + " " + family
	}
	official := &dpb.HumanName{
		Use:  enum(&dpb.HumanName_UseCode{}, "official"),
		Text: pstr(strings.Join(append(given, family), " ")),
		Family: &dpb.String{Value: family, Extension: some(
			simple(hl7Structure+"humanname-own-prefix", vstr(prefix.str())),
			simple(hl7Structure+"humanname-own-name", vstr(last.str())))},
	}
	for _, g := range given {
		official.Given = append(official.Given, &dpb.String{Value: g, Extension: some(
			simple(hl7Structure+"iso21090-EN-qualifier", vcode("BR")))})
	}
	out := []*dpb.HumanName{official}
	if usual := v.at("roepnaam"); usual.present() {
		out = append(out, &dpb.HumanName{
			Use:   enum(&dpb.HumanName_UseCode{}, "usual"),
			Given: []*dpb.String{pstr(usual.to(element + "[1].given").str())},
		})
	}
	return out
}

// telecoms returns phones, then e-mail addresses. element is the FHIRPath of the list.
func telecoms(phones, emails value, element string) []*dpb.ContactPoint {
	return append(points(phones, "phone", element), points(emails, "email", element)...)
}

// points returns the contact points of one text or a list of texts.
func points(v value, system, element string) []*dpb.ContactPoint {
	if !v.present() {
		return nil
	}
	texts := v.to(element).strs()
	if s := v.str(); s != "" {
		texts = []string{s}
	}
	var out []*dpb.ContactPoint
	for _, s := range texts {
		out = append(out, &dpb.ContactPoint{System: enum(&dpb.ContactPoint_SystemCode{}, system), Value: pstr(s)})
	}
	return out
}

// addressKinds says per adres-soort its use, type and v3 AddressUse.
var addressKinds = map[string]struct{ use, kind, v3 string }{
	"woon": {"home", "both", "HP"}, "tweede-woon": {"home", "physical", "HP"},
	"post": {"home", "postal", "PST"}, "tijdelijk": {"temp", "physical", "TMP"},
}

// address returns the Address of an adres. element is its FHIRPath.
func (m *mapper) address(v value, element string) *dpb.Address {
	kind := addressKinds[v.at("soort").to(element+".use", element+".type").str()]
	land := v.at("land").to(element + ".country").str()
	out := &dpb.Address{
		Extension: some(
			simple(nictizStructure+"ext-AddressInformation.AddressType", vconcept(concept(coding(addressUse, kind.v3, "")))),
			extensionOf("adres-soort", vcode(v.at("soort").str()))),
		Use: enum(&dpb.Address_UseCode{}, kind.use), Type: enum(&dpb.Address_TypeCode{}, kind.kind),
		Line:       []*dpb.String{addressLine(v, element+".line")},
		PostalCode: pstr(v.at("postcode").to(element + ".postalCode").str()),
		City:       pstr(v.at("plaats").to(element + ".city").str()),
		Country: &dpb.String{Value: land, Extension: some(
			simple(codeSpecs, vconcept(concept(coding("urn:iso:std:iso:3166", land, "")))))},
		Period: m.span(v, element+".period"),
	}
	if at := v.at("bij"); at.present() {
		out.Extension = append(out.Extension, extensionOf("adres-bij", vref(m.ref(at.to(element+".extension")))))
	}
	return out
}

func addressLine(v value, element string) *dpb.String {
	street, number, suffix := v.at("straat").to(element).str(), strconv.FormatInt(v.at("huisnummer").to(element).whole(), 10), v.at("toevoeging")
	line := street + " " + number
	if suffix.present() {
		line += suffix.to(element).str()
	}
	part := func(name, s string) *dpb.Extension { return simple(hl7Structure+"iso21090-ADXP-"+name, vstr(s)) }
	return &dpb.String{Value: line, Extension: some(
		part("streetName", street), part("houseNumber", number), part("buildingNumberSuffix", suffix.str()))}
}

// span returns the Period of the members vanaf and tot, nil without either.
func (m *mapper) span(v value, element string) *dpb.Period {
	from, to := v.at("vanaf"), v.at("tot")
	if from.present() {
		from.to(element + ".start")
	}
	if to.present() {
		to.to(element + ".end")
	}
	return period(from.day(), to.day())
}
