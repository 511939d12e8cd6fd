package validate

import (
	"cmp"
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

var (
	qrUnknown  = fault{"FHIR-QR-QUESTIONNAIRE", "not-found"} // the Questionnaire is not loaded
	qrLink     = fault{"FHIR-QR-LINK", "not-found"}          // a linkId that the Questionnaire does not have there
	qrOrder    = fault{"FHIR-QR-ORDER", "structure"}         // items in another order than in the Questionnaire
	qrNesting  = fault{"FHIR-QR-NESTING", "structure"}       // items of a group below an answer, or the other way round
	qrRequired = fault{"FHIR-QR-REQUIRED", "required"}       // a required item without answer
	qrRepeats  = fault{"FHIR-QR-REPEATS", "structure"}       // more answers or groups than allowed
	qrType     = fault{"FHIR-QR-TYPE", "value"}              // an answer of another type
	qrOption   = fault{"FHIR-QR-OPTION", "code-invalid"}     // an answer that is no option
	qrRange    = fault{"FHIR-QR-RANGE", "value"}             // an answer outside the bounds of the question
	qrDisabled = fault{"FHIR-QR-DISABLED", "business-rule"}  // an answer to an item that is not enabled
	qrMany     = fault{"FHIR-QR-LARGE", "incomplete"}        // too many answers to follow the conditions
)

// response checks a QuestionnaireResponse against its Questionnaire.
type response struct {
	*checker
	items    map[string]fhir.Node   // of the Questionnaire by linkId
	given    map[string][]fhir.Node // of the response by linkId, in the order of the document
	finished bool                   // what is required must be there
	root     fhir.Node
	steps    int // comparisons that conditions may still cost
}

// maxConditions bounds the comparisons of all enableWhen of a response.
const maxConditions = 1 << 16

// checkResponse finds the Questionnaire of a response, contained or loaded, and compares them.
func (c *checker) checkResponse(n fhir.Node) {
	canonical := n.Member("questionnaire")
	text := canonical.Text()
	if text == "" {
		return
	}
	questionnaire, ok := c.questionnaire(n, text)
	if !ok {
		if c.options.Definition != nil {
			c.inform(qrUnknown, canonical, "The Questionnaire is not loaded, so that the answers were not compared with it; load it.")
		}
		return
	}
	status := n.Member("status").Text()
	r := &response{
		checker: c, items: map[string]fhir.Node{}, given: map[string][]fhir.Node{}, root: n, steps: maxConditions,
		finished: status == "completed" || status == "amended",
	}
	itemsByLink(questionnaire, r.items)
	r.gatherGiven(n)
	for _, list := range r.given {
		slices.SortFunc(list, func(a, b fhir.Node) int { return cmp.Compare(startOf(a), startOf(b)) })
	}
	r.level(n, questionnaire)
	if r.steps < 0 {
		c.warn(qrMany, n, "The response is too large to follow all its conditions; check them by hand.")
	}
}

// startOf is where a node begins.
func startOf(n fhir.Node) int {
	start, _ := n.Span()
	return start
}

func (c *checker) questionnaire(n fhir.Node, canonical string) (fhir.Node, bool) {
	if canonical[0] == '#' {
		for inner := range n.All("contained") {
			if inner.Member("id").Text() == canonical[1:] {
				return inner, typeOf(inner) == "Questionnaire"
			}
		}
		return fhir.Node{}, false
	}
	if c.options.Definition == nil {
		return fhir.Node{}, false
	}
	found, ok := c.options.Definition(canonical)
	return found, ok && found.Member("resourceType").Text() == "Questionnaire"
}

func (r *response) gatherGiven(n fhir.Node) {
	for item := range n.All("item") {
		id := item.Member("linkId").Text()
		r.given[id] = append(r.given[id], item)
		for answer := range item.All("answer") {
			r.gatherGiven(answer)
		}
		r.gatherGiven(item)
	}
}

// level compares the items below n, a response, group or answer, with those of a questionnaire item.
func (r *response) level(n, asked fhir.Node) {
	var order []string
	for item := range asked.All("item") {
		order = append(order, item.Member("linkId").Text())
	}
	met := map[string]int{}
	last := 0
	for item := range n.All("item") {
		id := item.Member("linkId")
		at := slices.Index(order, id.Text())
		if at < 0 {
			r.foreign(id)
			continue
		}
		if at < last {
			r.add(qrOrder, item, "The items of a response stand in the order of its Questionnaire; move this one.")
		}
		last = max(last, at)
		met[id.Text()]++
		r.item(item, r.items[id.Text()], met[id.Text()])
	}
	for item := range asked.All("item") {
		if r.finished && met[item.Member("linkId").Text()] == 0 && isRequired(item) && r.enabled(item, n) {
			r.addMember(qrRequired, n, "item", "The Questionnaire requires an item that is absent here"+r.named(item)+"; answer it.")
		}
	}
}

// named tells the linkId of an item, unless the Questionnaire came with the response.
func (r *response) named(item fhir.Node) string {
	if item.Resource() == r.resource {
		return ""
	}
	return ", linkId " + shorten(item.Member("linkId").Text())
}

// isRequired reports whether an item must be there: required itself, or a group with such items
// that must be there once.
func isRequired(item fhir.Node) bool {
	return item.Member("required").Text() == "true" && item.Member("type").Text() != "display"
}

// foreign reports a linkId that does not belong here.
func (r *response) foreign(id fhir.Node) {
	switch _, known := r.items[id.Text()]; {
	case id.Text() == "": // the base rules tell
	case known:
		r.add(qrNesting, id, "The Questionnaire has this item at another place; move it there.")
	default:
		r.add(qrLink, id, "The Questionnaire has no item with this linkId; correct it.")
	}
}

// item checks one item of the response; occurrence counts those of its linkId.
func (r *response) item(n, asked fhir.Node, occurrence int) {
	typ := asked.Member("type").Text()
	answers := n.Member("answer")
	if !r.enabled(asked, n) && (answers.Exists() || n.Member("item").Exists()) {
		text := "The conditions of this item are not met, so that it may not be answered; remove it."
		if r.finished {
			r.add(qrDisabled, n, text)
		} else {
			r.warn(qrDisabled, n, text)
		}
	}
	r.occurrences(n, asked, occurrence)
	if typ == "group" || typ == "display" {
		if answers.Exists() {
			r.add(qrType, answers, "A group or display has no answer; remove it.")
		}
		r.level(n, asked)
		return
	}
	if n.Member("item").Exists() {
		r.add(qrNesting, n.Member("item"), "The items below a question stand in its answer; move them there.")
	}
	if r.finished && isRequired(asked) && !answers.Exists() && r.enabled(asked, n) {
		r.addMember(qrRequired, n, "answer", "This item is required; answer it.")
	}
	for answer := range answers.All() {
		r.answer(answer, asked)
		r.level(answer, asked)
	}
}

// occurrences checks how often an item is given or answered.
func (r *response) occurrences(n, asked fhir.Node, occurrence int) {
	repeats := asked.Member("repeats").Text() == "true"
	group := asked.Member("type").Text() == "group"
	count := n.Member("answer").Len()
	if !repeats && count > 1 {
		r.add(qrRepeats, n.Member("answer"), "This question takes one answer; keep one.")
	}
	if occurrence > 1 && (!repeats || !group) {
		r.add(qrRepeats, n, "This item may be given once; put repeated answers of a question in one item.")
	}
	if limit, ok := extensionNumber(asked, "questionnaire-maxOccurs"); ok && (!group && count > limit || group && occurrence > limit) {
		r.add(qrRepeats, n, "There are more of this item than the Questionnaire allows; remove some.")
	}
	if limit, ok := extensionNumber(asked, "questionnaire-minOccurs"); ok && !group && r.finished && count > 0 && count < limit {
		r.add(qrRequired, n, "There are fewer answers than the Questionnaire demands; add some.")
	}
}
