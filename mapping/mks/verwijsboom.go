package mks

import "github.com/drieluik/drieluik/mapping/form"

// verwijsboom is the record type of mks.md 3.3: under which law each part of the care falls.
func verwijsboom() recordType {
	return recordType{
		name: "verwijsboom", anchor: "QuestionnaireResponse", fields: referralFields(),
		local: checkReferral,
	}
}

// referralFields is the member table of mks.md 3.3.
func referralFields() form.Fields {
	return form.Fields{
		form.F("ingevuldDoor", "1", ref("med")), form.F("datum", "1", date), form.F("aanleiding", "1", code("verwijsboom-aanleiding")),
		form.F("antwoorden", "1", form.Object(treeFields(referralQuestions, "MKS-VB-01")...)),
		form.F("uitkomsten", "0..*", form.Object(
			form.F("wet", "1", code("wettelijk-kader")), form.F("onderdeel", "1", code("zorgonderdeel")),
			form.F("verantwoordelijke", "1", code("verantwoordelijke")), form.F("indicatiesteller", "0..1", ref("med")),
			form.F("uitvoerder", "0..1", ref("org")), form.F("regels", "0..*", str))),
		form.F("afwijkingReden", "0..1", text),
		form.F("indicatie", "0..1", form.Object(
			form.F("leveringsvorm", "1", code("leveringsvorm")), form.F("urenPerWeek", "1", hoursPerWeek()),
			form.F("vanaf", "1", date), form.F("totEnMet", "1", date), form.F("onderbouwing", "0..1", text))),
	}
}

// hoursPerWeek is an object of zorgonderdelen and hours, at least one.
func hoursPerWeek() form.Type {
	var hours form.Fields
	for _, part := range list("zorgonderdeel").Sorted() {
		hours = append(hours, form.F(part, "0..1", positive))
	}
	return form.Object(hours...).AtLeastOne()
}

// referralQuestions are the answers of mks.md 3.3. Read only.
var referralQuestions = []treeQuestion{
	{link: "vb.leeftijd", card: "1", kind: "integer"},
	{link: "vb.somatisch", card: "1", kind: "boolean"},
	{link: "vb.verantwoordelijk", card: "1", kind: "choice", list: "eindverantwoordelijk"},
	{link: "vb.handelingen", card: "1", kind: "boolean"},
	{link: "vb.handelingenLijst", card: "0..*", kind: "string", after: "vb.handelingen"},
	{link: "vb.wlzIndicatie", card: "1", kind: "boolean"},
	{link: "vb.blijvend24u", card: "1", kind: "choice", list: "ja-nee-onbekend"},
	{link: "vb.verstandelijk", card: "1", kind: "choice", list: "ja-nee-onbekend"},
	{link: "vb.verzorgingGeneeskundig", card: "1", kind: "boolean"},
	{link: "vb.adl", card: "1", kind: "boolean"},
	{link: "vb.begeleiding", card: "1", kind: "boolean"},
	{link: "vb.logeeropvang", card: "1", kind: "boolean"},
	{link: "vb.opvoeding", card: "1", kind: "boolean"},
	{link: "vb.hulpmiddelWoning", card: "1", kind: "boolean"},
	{link: "vb.vervoer", card: "1", kind: "boolean"},
	{link: "vb.onderwijs", card: "1", kind: "boolean"},
	{link: "vb.vkdv", card: "1", kind: "boolean"},
	{link: "vb.terminaal", card: "1", kind: "boolean"},
}
