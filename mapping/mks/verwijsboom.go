package mks

import (
	"maps"
	"slices"
)

// verwijsboom is the record type of mks.md 3.3: under which law each part of the care falls.
func verwijsboom() record {
	return record{
		name: "verwijsboom", anchor: "QuestionnaireResponse", fields: referralFields(),
		local: checkReferral, stored: checkStoredReferral, write: writeReferral,
	}
}

// referralFields is the member table of mks.md 3.3.
func referralFields() fields {
	return fields{
		f("ingevuldDoor", "1", ref("med")), f("datum", "1", date), f("aanleiding", "1", code("verwijsboom-aanleiding")),
		f("antwoorden", "1", obj(treeFields(referralQuestions, "MKS-VB-01")...)),
		f("uitkomsten", "0..*", obj(
			f("wet", "1", code("wettelijk-kader")), f("onderdeel", "1", code("zorgonderdeel")),
			f("verantwoordelijke", "1", code("verantwoordelijke")), f("indicatiesteller", "0..1", ref("med")),
			f("uitvoerder", "0..1", ref("org")), f("regels", "0..*", str))),
		f("afwijkingReden", "0..1", text),
		f("indicatie", "0..1", obj(
			f("leveringsvorm", "1", code("leveringsvorm")), f("urenPerWeek", "1", hoursPerWeek()),
			f("vanaf", "1", date), f("totEnMet", "1", date), f("onderbouwing", "0..1", text))),
	}
}

// hoursPerWeek is an object of zorgonderdelen and hours, at least one.
func hoursPerWeek() typ {
	t := typ{shape: obj().shape, atLeast: true}
	for _, part := range slices.Sorted(maps.Keys(lists()["zorgonderdeel"])) {
		t.fields = append(t.fields, f(part, "0..1", positive))
	}
	return t
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
