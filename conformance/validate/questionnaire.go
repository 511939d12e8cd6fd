package validate

import (
	"maps"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

var (
	queLink   = fault{"FHIR-QUE-LINK", "not-found"}         // enableWhen asks of an item that is not there
	queType   = fault{"FHIR-QUE-TYPE", "value"}             // a value of another type than the item has
	queGroup  = fault{"FHIR-QUE-GROUP", "business-rule"}    // a group or display with what only a question has
	queCycle  = fault{"FHIR-QUE-CYCLE", "business-rule"}    // an item is enabled by itself or by what is within it
	queExists = fault{"que-7", "invariant"}                 // the expression of R4 asks for a type that no answer has
	queValue  = fault{"FHIR-QUE-OPERATOR", "business-rule"} // an operator that the type of the question does not have
)

// answerTypes are the value types by which an item of each type is answered.
var answerTypes = map[string][]string{
	"boolean": {"Boolean"}, "decimal": {"Decimal"}, "integer": {"Integer"}, "date": {"Date"},
	"dateTime": {"DateTime"}, "time": {"Time"}, "string": {"String"}, "text": {"String"}, "url": {"Uri"},
	"choice": {"Coding"}, "open-choice": {"Coding", "String"}, "attachment": {"Attachment"},
	"reference": {"Reference"}, "quantity": {"Quantity"},
	"group": {}, "display": {}, "question": nil,
}

// ordered are the types of questions whose answers have an order.
var ordered = map[string]bool{
	"decimal": true, "integer": true, "date": true, "dateTime": true, "time": true, "quantity": true,
	"string": true, "text": true, "choice": true, "open-choice": true,
}

// choiceValue returns the member of a choice element, such as valueCoding, and its type.
func choiceValue(n fhir.Node, element string) (value fhir.Node, typ string) {
	for child := range n.Children() {
		if rest, ok := strings.CutPrefix(child.Name(), element); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
			return child, rest
		}
	}
	return fhir.Node{}, ""
}

// allowed reports whether a value type answers an item type; an unknown item type allows all.
func allowed(itemType, valueType string) bool {
	types, ok := answerTypes[itemType]
	return !ok || types == nil || slices.Contains(types, valueType)
}

// checkQuestionnaire checks what R4 says of the items of a Questionnaire in prose.
func (c *checker) checkQuestionnaire(n fhir.Node) {
	items := map[string]fhir.Node{}
	itemsByLink(n, items)
	for _, id := range slices.Sorted(maps.Keys(items)) {
		c.questionItem(items[id], items)
	}
}

// itemsByLink gathers the items of a Questionnaire, nested ones too; the first of a linkId counts.
func itemsByLink(n fhir.Node, into map[string]fhir.Node) {
	for item := range n.All("item") {
		id := item.Member("linkId").Text()
		if _, ok := into[id]; !ok && id != "" {
			into[id] = item
		}
		itemsByLink(item, into)
	}
}

func (c *checker) questionItem(item fhir.Node, items map[string]fhir.Node) {
	typ := item.Member("type").Text()
	for option := range item.All("answerOption") {
		if value, vt := choiceValue(option, "value"); vt != "" && typ != "choice" && !allowed(typ, vt) {
			c.add(queType, value, "The option is of another type than the answers to this item; correct one of them.")
		}
	}
	for initial := range item.All("initial") {
		if value, vt := choiceValue(initial, "value"); vt != "" && typ != "choice" && !allowed(typ, vt) {
			c.add(queType, value, "The initial value is of another type than the answers to this item; correct one of them.")
		}
	}
	if typ == "group" || typ == "display" {
		for _, name := range []string{"answerValueSet", "answerOption", "maxLength"} {
			if given := item.Member(name); given.Exists() {
				c.add(queGroup, given, "Only a question is answered; remove this or change the type of the item.")
			}
		}
	}
	for when := range item.All("enableWhen") {
		c.enableWhen(item, when, items)
	}
}

func (c *checker) enableWhen(item, when fhir.Node, items map[string]fhir.Node) {
	question := when.Member("question")
	asked, ok := items[question.Text()]
	if question.Text() == "" {
		return
	}
	if !ok {
		c.add(queLink, question, "No item has this linkId; correct the question that is asked.")
		return
	}
	if within(asked, item) {
		c.add(queCycle, question, "An item cannot depend on itself or on what is within it; ask another question.")
	}
	typ, operator := asked.Member("type").Text(), when.Member("operator")
	value, vt := choiceValue(when, "answer")
	if typ == "group" || typ == "display" {
		c.add(queType, question, "A group or display has no answer to depend on; ask a question.")
		return
	}
	op := operator.Text()
	switch {
	case op != "exists":
	case vt != "" && vt != "Boolean":
		c.add(queExists, value, "Whether there is an answer is true or false; give answerBoolean.")
		return
	default:
		return
	}
	if strings.ContainsAny(op, "<>") && !ordered[typ] {
		c.add(queValue, operator, "The answers to this question have no order; use =, != or exists.")
	}
	if vt != "" && typ != "choice" && !allowed(typ, vt) {
		c.add(queType, value, "The answer is of another type than the question has; correct one of them.")
	}
}

// within reports whether n is outer or stands in it.
func within(n, outer fhir.Node) bool {
	start, end := outer.Span()
	at, _ := n.Span()
	return at >= start && at < end
}
