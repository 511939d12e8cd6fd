package record

import (
	"github.com/drieluik/drieluik/mapping/form"
)

// beslisboom is the record type of mks.md 3.7: what follows when paediatric nursing ends.
func beslisboom() Type {
	return Type{
		Name: "beslisboom", Anchor: "QuestionnaireResponse", Fields: closingFields(),
		Local: checkClosing,
	}
}

// closingFields is the member table of mks.md 3.7.
func closingFields() form.Fields {
	return form.Fields{
		form.F("datum", "1", date), form.F("ingevuldDoor", "1", ref("med")),
		form.F("antwoorden", "1", form.Object(treeFields(ClosingQuestions, "")...)),
		form.F("uitkomsten", "1..*", code("beslisboom-uitkomst")), form.F("afwijkingReden", "0..1", text),
		form.F("afgeslotenZorgplan", "1", Str),
		form.F("evaluatieAfsluitend", "0..1", Str).Reported(), // BB-01
		form.F("informeren", "0..*", code("informeren")), form.F("overdracht", "0..1", Str),
	}
}

// ClosingQuestions are the answers of mks.md 3.7. Read only.
var ClosingQuestions = []Question{
	{Link: "bb.leeftijd", Card: "1", Kind: "integer"},
	{Link: "bb.overleden", Card: "1", Kind: "boolean"},
	{Link: "bb.verpleging", Card: "1", Kind: "boolean"},
	{Link: "bb.voortzetting", Card: "0..1", Kind: "choice", List: "beslisboom-voortzetting", After: "bb.verpleging"},
	{Link: "bb.wlz", Card: "1", Kind: "boolean"},
	{Link: "bb.adl", Card: "1", Kind: "boolean"},
	{Link: "bb.andereBehoeften", Card: "0..*", Kind: "string"},
}
