package mks

import "github.com/drieluik/drieluik/mapping/form"

// beslisboom is the record type of mks.md 3.7: what follows when paediatric nursing ends.
func beslisboom() recordType {
	return recordType{
		name: "beslisboom", anchor: "QuestionnaireResponse", fields: closingFields(),
		local: checkClosing,
	}
}

// closingFields is the member table of mks.md 3.7.
func closingFields() form.Fields {
	return form.Fields{
		form.F("datum", "1", date), form.F("ingevuldDoor", "1", ref("med")),
		form.F("antwoorden", "1", form.Object(treeFields(closingQuestions, "")...)),
		form.F("uitkomsten", "1..*", code("beslisboom-uitkomst")), form.F("afwijkingReden", "0..1", text),
		form.F("afgeslotenZorgplan", "1", str),
		form.F("evaluatieAfsluitend", "0..1", str).Reported(), // BB-01
		form.F("informeren", "0..*", code("informeren")), form.F("overdracht", "0..1", str),
	}
}

// closingQuestions are the answers of mks.md 3.7. Read only.
var closingQuestions = []treeQuestion{
	{link: "bb.leeftijd", card: "1", kind: "integer"},
	{link: "bb.overleden", card: "1", kind: "boolean"},
	{link: "bb.verpleging", card: "1", kind: "boolean"},
	{link: "bb.voortzetting", card: "0..1", kind: "choice", list: "beslisboom-voortzetting", after: "bb.verpleging"},
	{link: "bb.wlz", card: "1", kind: "boolean"},
	{link: "bb.adl", card: "1", kind: "boolean"},
	{link: "bb.andereBehoeften", card: "0..*", kind: "string"},
}
