package record

import (
	"github.com/drieluik/drieluik/mapping/form"
)

// verwijsboom is the record type of mks.md 3.3: under which law each part of the care falls.
func verwijsboom() Type {
	return Type{
		Name: "verwijsboom", Anchor: "QuestionnaireResponse", Fields: referralFields(),
		Local: checkReferral,
	}
}

// referralFields is the member table of mks.md 3.3.
func referralFields() form.Fields {
	return form.Fields{
		form.F("ingevuldDoor", "1", ref("med")), form.F("datum", "1", date), form.F("aanleiding", "1", code("verwijsboom-aanleiding")),
		form.F("antwoorden", "1", form.Object(treeFields(ReferralQuestions, "MKS-VB-01")...)),
		form.F("uitkomsten", "0..*", form.Object(
			form.F("wet", "1", code("wettelijk-kader")), form.F("onderdeel", "1", code("zorgonderdeel")),
			form.F("verantwoordelijke", "1", code("verantwoordelijke")), form.F("indicatiesteller", "0..1", ref("med")),
			form.F("uitvoerder", "0..1", ref("org")), form.F("regels", "0..*", Str))),
		form.F("afwijkingReden", "0..1", text),
		form.F("indicatie", "0..1", form.Object(
			form.F("leveringsvorm", "1", code("leveringsvorm")), form.F("urenPerWeek", "1", hoursPerWeek()),
			form.F("vanaf", "1", date), form.F("totEnMet", "1", date), form.F("onderbouwing", "0..1", text))),
	}
}

// hoursPerWeek is an object of zorgonderdelen and hours, at least one.
func hoursPerWeek() form.Type {
	var hours form.Fields
	for _, part := range List("zorgonderdeel").Sorted() {
		hours = append(hours, form.F(part, "0..1", positive))
	}
	return form.Object(hours...).AtLeastOne()
}

// ReferralQuestions are the answers of mks.md 3.3. Read only.
var ReferralQuestions = []Question{
	{Link: "vb.leeftijd", Card: "1", Kind: "integer"},
	{Link: "vb.somatisch", Card: "1", Kind: "boolean"},
	{Link: "vb.verantwoordelijk", Card: "1", Kind: "choice", List: "eindverantwoordelijk"},
	{Link: "vb.handelingen", Card: "1", Kind: "boolean"},
	{Link: "vb.handelingenLijst", Card: "0..*", Kind: "string", After: "vb.handelingen"},
	{Link: "vb.wlzIndicatie", Card: "1", Kind: "boolean"},
	{Link: "vb.blijvend24u", Card: "1", Kind: "choice", List: "ja-nee-onbekend"},
	{Link: "vb.verstandelijk", Card: "1", Kind: "choice", List: "ja-nee-onbekend"},
	{Link: "vb.verzorgingGeneeskundig", Card: "1", Kind: "boolean"},
	{Link: "vb.adl", Card: "1", Kind: "boolean"},
	{Link: "vb.begeleiding", Card: "1", Kind: "boolean"},
	{Link: "vb.logeeropvang", Card: "1", Kind: "boolean"},
	{Link: "vb.opvoeding", Card: "1", Kind: "boolean"},
	{Link: "vb.hulpmiddelWoning", Card: "1", Kind: "boolean"},
	{Link: "vb.vervoer", Card: "1", Kind: "boolean"},
	{Link: "vb.onderwijs", Card: "1", Kind: "boolean"},
	{Link: "vb.vkdv", Card: "1", Kind: "boolean"},
	{Link: "vb.terminaal", Card: "1", Kind: "boolean"},
}
