package validate

import (
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

// extensionOf returns the value of an extension of HL7 on an item of a Questionnaire.
func extensionOf(item fhir.Node, name string) (value fhir.Node, typ string) {
	for x := range item.All("extension") {
		if x.Member("url").Text() == coreDefinitions+name {
			return choiceValue(x, "value")
		}
	}
	return fhir.Node{}, ""
}

func extensionNumber(item fhir.Node, name string) (int, bool) {
	value, _ := extensionOf(item, name)
	i, err := strconv.Atoi(value.Text())
	return i, err == nil
}

// answer checks one answer: its type, that it is an option, and its bounds.
func (r *response) answer(n, asked fhir.Node) {
	value, typ := choiceValue(n, "value")
	if typ == "" {
		return
	}
	kind := asked.Member("type").Text()
	options := asked.Member("answerOption").Exists()
	if !allowed(kind, typ) && !(kind == "choice" && options) {
		r.add(qrType, value, "The answer is of another type than the question asks for; correct it.")
		return
	}
	if !r.isOption(value, typ, asked) {
		r.add(qrOption, value, "The answer is not among the options of the question; choose one of them.")
	}
	r.bounds(value, typ, asked)
}

// isOption reports whether an answer is one of the options or in the value set; true also when that
// cannot be said. A text is always free in an open choice.
func (r *response) isOption(value fhir.Node, typ string, asked fhir.Node) bool {
	open := asked.Member("type").Text() == "open-choice"
	if open && typ == "String" {
		return true
	}
	options := asked.Member("answerOption")
	for option := range options.All() {
		offered, t := choiceValue(option, "value")
		if t == typ && sameValue(value, offered, typ) {
			return true
		}
	}
	set := asked.Member("answerValueSet").Text()
	if set != "" && typ == "Coding" {
		return r.isMember(set, value.Member("system").Text(), value.Member("code").Text()) != no
	}
	return !options.Exists()
}

// sameValue compares an answer with an option or condition. Of a Coding system and code count, of a
// Reference the reference.
func sameValue(a, b fhir.Node, typ string) bool {
	switch typ {
	case "Coding":
		return a.Member("code").Text() == b.Member("code").Text() && a.Member("system").Text() == b.Member("system").Text()
	case "Reference":
		return a.Member("reference").Text() == b.Member("reference").Text()
	}
	return fhir.Equal(a, b) || compare(typedAnswer(a, typ), b, "=")
}

// typedAnswer is a value[x] as an item of FHIRPath.
func typedAnswer(n fhir.Node, typ string) path.Item {
	if lower := strings.ToLower(typ[:1]) + typ[1:]; formats[lower].shape != 0 {
		typ = lower
	}
	return path.TypedAs(n, fhir.Node{}, typ)
}

// bounds checks what the question and its extensions say of length, size and form.
func (r *response) bounds(value fhir.Node, typ string, asked fhir.Node) {
	text := value.Text()
	length := utf8.RuneCountInString(text)
	if limit, err := strconv.Atoi(asked.Member("maxLength").Text()); err == nil && length > limit {
		r.add(qrRange, value, "The answer is longer than the question allows; shorten it.")
	}
	if limit, ok := extensionNumber(asked, "minLength"); ok && value.Shape() == fhir.String && length < limit {
		r.add(qrRange, value, "The answer is shorter than the question demands; complete it.")
	}
	if limit, ok := extensionNumber(asked, "maxDecimalPlaces"); ok && decimals(text) > limit {
		r.add(qrRange, value, "The answer has more decimals than the question allows; round it.")
	}
	low, lowType := extensionOf(asked, "minValue")
	if lowType == typ && compare(typedAnswer(value, typ), low, "<") {
		r.add(qrRange, value, "The answer is below the least that the question allows; correct it.")
	}
	high, highType := extensionOf(asked, "maxValue")
	if highType == typ && compare(typedAnswer(value, typ), high, ">") {
		r.add(qrRange, value, "The answer is above the most that the question allows; correct it.")
	}
	if form, _ := extensionOf(asked, "regex"); form.Exists() && value.Shape() == fhir.String && !matchesForm(text, form.Text()) {
		r.add(qrRange, value, "The answer has another form than the question demands; correct it.")
	}
}

// decimals counts the digits behind the point.
func decimals(number string) int {
	_, fraction, _ := strings.Cut(number, ".")
	return digits(fraction)
}

// matchesForm reports whether a whole text matches; true when the expression cannot be used.
func matchesForm(text, form string) bool {
	const most = 1000
	if len(form) > most {
		return true
	}
	re, err := regexp.Compile("^(?:" + form + ")$")
	return err != nil || re.MatchString(text)
}

// enabled reports whether the conditions of a questionnaire item, and of the groups that hold it,
// are met for an item at the given place of the response.
func (r *response) enabled(asked, place fhir.Node) bool {
	conditions := asked.Member("enableWhen")
	if !conditions.Exists() {
		return true
	}
	every := asked.Member("enableBehavior").Text() == "all"
	for when := range conditions.All() {
		if met := r.met(when, place); met != every {
			return met
		}
	}
	return every
}

// met reports whether one condition holds: for any of the answers to the question that stand
// nearest to the place.
func (r *response) met(when, place fhir.Node) bool {
	operator := when.Member("operator").Text()
	wanted, typ := choiceValue(when, "answer")
	answers := r.nearest(when.Member("question").Text(), place)
	if operator == "exists" {
		return (len(answers) > 0) == (wanted.Text() == "true")
	}
	for _, a := range answers {
		value, t := choiceValue(a, "value")
		if r.steps--; r.steps < 0 {
			return true
		}
		equal := t == typ && sameValue(value, wanted, typ)
		switch {
		case operator == "!=" && equal:
			return false // true only where no answer is equal
		case operator == "=" && equal || t == typ && comparisons[operator] != nil && operator != "=" && compare(typedAnswer(value, typ), wanted, operator):
			return true
		}
	}
	return operator == "!="
}

// nearest returns the answers to a question below the closest object around the place that has any.
func (r *response) nearest(question string, place fhir.Node) []fhir.Node {
	given := r.given[question]
	for at := place; at.Exists(); at = at.Parent() {
		start, end := at.Span()
		from := sort.Search(len(given), func(i int) bool { s, _ := given[i].Span(); return s >= start })
		var out []fhir.Node
		for _, item := range given[from:] {
			if s, _ := item.Span(); s >= end {
				break
			}
			if r.steps--; r.steps < 0 {
				return nil
			}
			out = slices.AppendSeq(out, item.All("answer"))
		}
		if len(out) > 0 || at == r.root {
			return out
		}
	}
	return nil
}
