package child

import (
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// names returns the HumanNames of a naam: the official one, and one of the roepnaam (mks.md 3.2).
// place is the FHIRPath of the list, such as "Patient/x.name".
func names(v form.Value, place string) []*dpb.HumanName {
	given := v.At("voornamen").To(place + "[0].given").Strs()
	prefix, last := v.At("voorvoegsel"), v.At("achternaam").To(place+"[0].family")
	family := last.Str()
	if prefix.Present() {
		family = prefix.To(place+"[0].family").Str() + " " + family
	}
	official := &dpb.HumanName{
		Use:  element.Enum(&dpb.HumanName_UseCode{}, "official"),
		Text: element.String(strings.Join(append(given, family), " ")),
		Family: &dpb.String{Value: family, Extension: element.Some(
			element.Extension(tofhir.Hl7Structure+"humanname-own-prefix", element.String(prefix.Str())),
			element.Extension(tofhir.Hl7Structure+"humanname-own-name", element.String(last.Str())))},
	}
	for _, g := range given {
		official.Given = append(official.Given, &dpb.String{Value: g, Extension: element.Some(
			element.Extension(tofhir.Hl7Structure+"iso21090-EN-qualifier", element.CodeValue("BR")))})
	}
	out := []*dpb.HumanName{official}
	if usual := v.At("roepnaam"); usual.Present() {
		out = append(out, &dpb.HumanName{
			Use:   element.Enum(&dpb.HumanName_UseCode{}, "usual"),
			Given: []*dpb.String{element.String(usual.To(place + "[1].given").Str())},
		})
	}
	return out
}

// telecoms returns phones, then e-mail addresses. place is the FHIRPath of the list.
func telecoms(phones, emails form.Value, place string) []*dpb.ContactPoint {
	return append(points(phones, "phone", place), points(emails, "email", place)...)
}

// points returns the contact points of one text or a list of texts.
func points(v form.Value, system, place string) []*dpb.ContactPoint {
	if !v.Present() {
		return nil
	}
	texts := v.To(place).Strs()
	if s := v.Str(); s != "" {
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
func address(m *tofhir.Mapper, v form.Value, place string) *dpb.Address {
	kind := addressKinds[v.At("soort").To(place+".use", place+".type").Str()]
	land := v.At("land").To(place + ".country").Str()
	out := &dpb.Address{
		Extension: element.Some(
			element.Extension(tofhir.NictizStructure+"ext-AddressInformation.AddressType", element.Concept(element.Coding(tofhir.AddressUse, kind.v3, ""))),
			element.OwnExtension("adres-soort", element.CodeValue(v.At("soort").Str()))),
		Use: element.Enum(&dpb.Address_UseCode{}, kind.use), Type: element.Enum(&dpb.Address_TypeCode{}, kind.kind),
		Line:       []*dpb.String{addressLine(v, place+".line")},
		PostalCode: element.String(v.At("postcode").To(place + ".postalCode").Str()),
		City:       element.String(v.At("plaats").To(place + ".city").Str()),
		Country: &dpb.String{Value: land, Extension: element.Some(
			element.Extension(tofhir.CodeSpecs, element.Concept(element.Coding("urn:iso:std:iso:3166", land, ""))))},
		Period: m.Span(v, place+".period"),
	}
	if at := v.At("bij"); at.Present() {
		out.Extension = append(out.Extension, element.OwnExtension("adres-bij", m.Ref(at.To(place+".extension"))))
	}
	return out
}

func addressLine(v form.Value, place string) *dpb.String {
	street, number, suffix := v.At("straat").To(place).Str(), strconv.FormatInt(v.At("huisnummer").To(place).Whole(), 10), v.At("toevoeging")
	line := street + " " + number
	if suffix.Present() {
		line += suffix.To(place).Str()
	}
	part := func(name, s string) *dpb.Extension {
		return element.Extension(tofhir.Hl7Structure+"iso21090-ADXP-"+name, element.String(s))
	}
	return &dpb.String{Value: line, Extension: element.Some(
		part("streetName", street), part("houseNumber", number), part("buildingNumberSuffix", suffix.Str()))}
}
