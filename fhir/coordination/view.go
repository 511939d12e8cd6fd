package coordination

import (
	"cmp"
	"strconv"

	"github.com/drieluik/drieluik/fhir"
)

// Reader is for whom an issue or Task is shown.
type Reader struct {
	// Sees reports whether the reader may read a resource: what is implicated, or an issue.
	Sees func(fhir.Ref) (bool, error)
	// Family is the language in which a person of the family reads: nl, sv or en; "" for organisations.
	Family string
	Child  bool // the one of the family is the child itself
}

// says is what an issue of a rule is to a reader, in one sentence.
func (by Reader) says(rule string) string {
	text := plain[rule][by.Family]
	if by.Child {
		text = cmp.Or(plainer[rule][by.Family], text)
	}
	return cmp.Or(text, Hint(rule))
}

// plainer say what an issue is to the child itself.
var plainer = map[string]map[string]string{
	Unaware: {
		"nl": "Twee zorgverleners werken tegelijk met jou en weten dat misschien niet van elkaar. Vraag de coördinator.",
		"sv": "Två verksamheter arbetar samtidigt med dig och känner kanske inte till varandra. Fråga samordnaren.",
		"en": "Two services work with you at the same time and may not know of each other. Ask the coordinator.",
	},
	Contradiction: {
		"nl": "Twee adviezen voor jou spreken elkaar tegen. Vraag de coördinator welk advies geldt.",
		"sv": "Två råd till dig säger emot varandra. Fråga samordnaren vilket som gäller.",
		"en": "Two pieces of advice for you contradict each other. Ask the coordinator which one holds.",
	},
	Load: {
		"nl": "Er begint veel tegelijk voor jou en je gezin. Vraag de coördinator wat nu het belangrijkst is.",
		"sv": "Mycket startar samtidigt för dig och din familj. Fråga samordnaren vad som är viktigast just nu.",
		"en": "Much starts at once for you and your family. Ask the coordinator what matters most just now.",
	},
	Clash: {
		"nl": "Twee afspraken van jou vallen tegelijk. Vraag of een van beide verzet kan worden.",
		"sv": "Två av dina besök krockar. Be att få ändra ett av dem.",
		"en": "Two of your appointments are at the same time. Ask to have one of them moved.",
	},
}

// plain say what an issue is to those who raise the child.
var plain = map[string]map[string]string{
	Unaware: {
		"nl": "Twee zorgverleners werken tegelijk met uw kind en weten dat misschien niet van elkaar. Vraag de coördinator.",
		"sv": "Två verksamheter arbetar samtidigt med ditt barn och känner kanske inte till varandra. Fråga samordnaren.",
		"en": "Two services work with your child at the same time and may not know of each other. Ask the coordinator.",
	},
	Contradiction: {
		"nl": "Twee adviezen voor uw kind spreken elkaar tegen. Vraag de coördinator welk advies geldt.",
		"sv": "Två råd för ditt barn säger emot varandra. Fråga samordnaren vilket som gäller.",
		"en": "Two pieces of advice for your child contradict each other. Ask the coordinator which one holds.",
	},
	Load: {
		"nl": "Er begint veel tegelijk voor uw gezin. Vraag de coördinator wat nu het belangrijkst is.",
		"sv": "Mycket startar samtidigt för er familj. Fråga samordnaren vad som är viktigast just nu.",
		"en": "Much starts at once for your family. Ask the coordinator what matters most just now.",
	},
	Clash: {
		"nl": "Twee afspraken van uw kind vallen tegelijk. Laat een van beide verzetten.",
		"sv": "Två besök för ditt barn krockar. Be att få ändra ett av dem.",
		"en": "Two appointments of your child are at the same time. Ask to have one of them moved.",
	},
}

// hidden are the members of an issue that tell of what a reader may not see.
var hidden = []string{"identifier", "identifiedDateTime", "evidence", "mitigation", "text", "reference"}

const subsetted = `[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]`

// ViewIssue returns an issue of these rules as a reader sees it: the same one for who may read all that it
// implicates and is no person of the family.
func ViewIssue(r *fhir.Resource, by Reader) (*fhir.Resource, error) {
	const op = "coordination.ViewIssue"
	shown, all := "", true
	for n := range r.Root().All("implicated") {
		sees, err := by.Sees(refAt(n))
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		if all = all && sees; sees {
			shown += "," + n.Raw()
		}
	}
	if all && by.Family == "" {
		return r, nil
	}
	rule := RuleOf(r.Root())
	var edits []fhir.Edit
	for _, name := range hidden {
		edits = append(edits, fhir.Edit{Path: []string{name}})
	}
	implicated := fhir.Edit{Path: []string{"implicated"}}
	if shown != "" {
		implicated.JSON = "[" + shown[1:] + "]"
	}
	sentence := by.says(rule)
	edits = append(edits, implicated, fhir.Edit{Path: []string{"detail"}, JSON: strconv.Quote(sentence)},
		fhir.Edit{Path: []string{"meta", "security"}, JSON: subsetted}, fhir.Edit{Path: []string{"code", "text"}, JSON: strconv.Quote(sentence)})
	if by.Family != "" {
		edits = append(edits, fhir.Edit{Path: []string{"code", "coding"}}, fhir.Edit{Path: []string{"meta", "source"}})
	}
	out, err := r.Edit(edits...)
	return out, fhir.Wrap(op, err)
}

// ViewFlag returns a Flag of these rules as a reader sees it: the same one for organisations, and for a person of the
// family in plain words, with no rule.
func ViewFlag(r *fhir.Resource, by Reader) (*fhir.Resource, error) {
	if by.Family == "" {
		return r, nil
	}
	out, err := r.Edit(
		fhir.Edit{Path: []string{"code", "coding"}}, fhir.Edit{Path: []string{"code", "text"}, JSON: strconv.Quote(by.says(RuleOf(r.Root())))},
		fhir.Edit{Path: []string{"meta", "source"}}, fhir.Edit{Path: []string{"text"}},
	)
	return out, fhir.Wrap("coordination.ViewFlag", err)
}

// hiddenOfTask are the members of a Task that tell how urgent the issues are which a reader may not see.
var hiddenOfTask = []string{"priority", "restriction"}

// ViewTask returns a Task of these rules as a reader sees it: with the issues alone that it may read and what was said
// of them, and for a person of the family with none.
func ViewTask(r *fhir.Resource, by Reader) (*fhir.Resource, error) {
	const op = "coordination.ViewTask"
	sees := func(ref fhir.Ref) (bool, error) {
		if by.Family != "" || ref.IsZero() {
			return false, nil
		}
		return by.Sees(ref)
	}
	kept, all := "", true
	for n := range r.Root().All("input") {
		ref := refAt(n, "valueReference")
		if id := n.Member("id").Text(); ref.IsZero() && id != "" {
			ref = fhir.Ref{Type: "DetectedIssue", ID: id}
		}
		ok, err := sees(ref)
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		if all = all && ok; ok {
			kept += "," + n.Raw()
		}
	}
	if all {
		return r, nil
	}
	input := fhir.Edit{Path: []string{"input"}}
	if kept != "" {
		input.JSON = "[" + kept[1:] + "]"
	}
	edits := []fhir.Edit{input, {Path: []string{"meta", "security"}, JSON: subsetted}}
	for _, name := range hiddenOfTask {
		edits = append(edits, fhir.Edit{Path: []string{name}})
	}
	focus, err := sees(refAt(r.Root(), "focus"))
	if err == nil && !focus {
		edits = append(edits, fhir.Edit{Path: []string{"focus"}})
	}
	if err == nil {
		r, err = r.Edit(edits...)
	}
	return r, fhir.Wrap(op, err)
}

// languages are those in which the family is spoken to, by jurisdiction.
var languages = map[string]string{"nl": "nl", "se": "sv"}

// LanguageOf returns the language in which the family is spoken to.
func LanguageOf(jurisdiction string) string {
	if l := languages[jurisdiction]; l != "" {
		return l
	}
	return "en"
}
