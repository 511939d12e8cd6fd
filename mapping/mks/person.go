package mks

import (
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
)

// extensions of HL7 and Nictiz
const (
	hl7Structure    = "http://hl7.org/fhir/StructureDefinition/"
	nictizStructure = "http://nictiz.nl/fhir/StructureDefinition/"
	codeSpecs       = nictizStructure + "ext-CodeSpecification"
	addressUse      = "http://terminology.hl7.org/CodeSystem/v3-AddressUse"
)

// names returns the HumanNames of a naam: the official one, and one of the roepnaam (mks.md 3.2).
// place is the FHIRPath of the list, such as "Patient/x.name".
func names(v value, place string) []*dpb.HumanName {
	given := v.at("voornamen").to(place + "[0].given").strs()
	prefix, last := v.at("voorvoegsel"), v.at("achternaam").to(place+"[0].family")
	family := last.str()
	if prefix.present() {
		family = prefix.to(place+"[0].family").str() + " " + family
	}
	official := &dpb.HumanName{
		Use:  element.Enum(&dpb.HumanName_UseCode{}, "official"),
		Text: element.String(strings.Join(append(given, family), " ")),
		Family: &dpb.String{Value: family, Extension: element.Some(
			element.Extension(hl7Structure+"humanname-own-prefix", element.String(prefix.str())),
			element.Extension(hl7Structure+"humanname-own-name", element.String(last.str())))},
	}
	for _, g := range given {
		official.Given = append(official.Given, &dpb.String{Value: g, Extension: element.Some(
			element.Extension(hl7Structure+"iso21090-EN-qualifier", element.CodeValue("BR")))})
	}
	out := []*dpb.HumanName{official}
	if usual := v.at("roepnaam"); usual.present() {
		out = append(out, &dpb.HumanName{
			Use:   element.Enum(&dpb.HumanName_UseCode{}, "usual"),
			Given: []*dpb.String{element.String(usual.to(place + "[1].given").str())},
		})
	}
	return out
}

// telecoms returns phones, then e-mail addresses. place is the FHIRPath of the list.
func telecoms(phones, emails value, place string) []*dpb.ContactPoint {
	return append(points(phones, "phone", place), points(emails, "email", place)...)
}

// points returns the contact points of one text or a list of texts.
func points(v value, system, place string) []*dpb.ContactPoint {
	if !v.present() {
		return nil
	}
	texts := v.to(place).strs()
	if s := v.str(); s != "" {
		texts = []string{s}
	}
	var out []*dpb.ContactPoint
	for _, s := range texts {
		out = append(out, &dpb.ContactPoint{System: element.Enum(&dpb.ContactPoint_SystemCode{}, system), Value: element.String(s)})
	}
	return out
}

// addressKinds says per adres-soort its use, type and v3 AddressUse.
var addressKinds = map[string]struct{ use, kind, v3 string }{
	"woon": {"home", "both", "HP"}, "tweede-woon": {"home", "physical", "HP"},
	"post": {"home", "postal", "PST"}, "tijdelijk": {"temp", "physical", "TMP"},
}

// address returns the Address of an adres. place is its FHIRPath.
func (m *mapper) address(v value, place string) *dpb.Address {
	kind := addressKinds[v.at("soort").to(place+".use", place+".type").str()]
	land := v.at("land").to(place + ".country").str()
	out := &dpb.Address{
		Extension: element.Some(
			element.Extension(nictizStructure+"ext-AddressInformation.AddressType", element.Concept(element.Coding(addressUse, kind.v3, ""))),
			element.OwnExtension("adres-soort", element.CodeValue(v.at("soort").str()))),
		Use: element.Enum(&dpb.Address_UseCode{}, kind.use), Type: element.Enum(&dpb.Address_TypeCode{}, kind.kind),
		Line:       []*dpb.String{addressLine(v, place+".line")},
		PostalCode: element.String(v.at("postcode").to(place + ".postalCode").str()),
		City:       element.String(v.at("plaats").to(place + ".city").str()),
		Country: &dpb.String{Value: land, Extension: element.Some(
			element.Extension(codeSpecs, element.Concept(element.Coding("urn:iso:std:iso:3166", land, ""))))},
		Period: m.span(v, place+".period"),
	}
	if at := v.at("bij"); at.present() {
		out.Extension = append(out.Extension, element.OwnExtension("adres-bij", m.ref(at.to(place+".extension"))))
	}
	return out
}

func addressLine(v value, place string) *dpb.String {
	street, number, suffix := v.at("straat").to(place).str(), strconv.FormatInt(v.at("huisnummer").to(place).whole(), 10), v.at("toevoeging")
	line := street + " " + number
	if suffix.present() {
		line += suffix.to(place).str()
	}
	part := func(name, s string) *dpb.Extension {
		return element.Extension(hl7Structure+"iso21090-ADXP-"+name, element.String(s))
	}
	return &dpb.String{Value: line, Extension: element.Some(
		part("streetName", street), part("houseNumber", number), part("buildingNumberSuffix", suffix.str()))}
}

// span returns the Period of the members vanaf and tot, nil without either.
func (m *mapper) span(v value, place string) *dpb.Period {
	from, to := v.at("vanaf"), v.at("tot")
	if from.present() {
		from.to(place + ".start")
	}
	if to.present() {
		to.to(place + ".end")
	}
	return element.Period(from.day(), to.day())
}
