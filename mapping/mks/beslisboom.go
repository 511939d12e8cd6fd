package mks

// beslisboom is the record type of mks.md 3.7: what follows when paediatric nursing ends.
func beslisboom() record {
	return record{
		name: "beslisboom", anchor: "QuestionnaireResponse", fields: closingFields(),
		local: checkClosing, stored: checkStoredClosing, write: writeClosing,
	}
}

// closingFields is the member table of mks.md 3.7.
func closingFields() fields {
	return fields{
		f("datum", "1", date), f("ingevuldDoor", "1", ref("med")),
		f("antwoorden", "1", obj(treeFields(closingQuestions, "")...)),
		f("uitkomsten", "1..*", code("beslisboom-uitkomst")), f("afwijkingReden", "0..1", text),
		f("afgeslotenZorgplan", "1", str),
		f("evaluatieAfsluitend", "0..1", str).reported(), // BB-01
		f("informeren", "0..*", code("informeren")), f("overdracht", "0..1", str),
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
