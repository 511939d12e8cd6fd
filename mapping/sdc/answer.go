package sdc

import (
	"encoding/json"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

// valueOf reads the member valueX of a node.
func valueOf(n fhir.Node) (answer, bool) {
	for child := range n.Children() {
		if typ, ok := strings.CutPrefix(child.Name(), "value"); ok && typ != "" && typ[0] >= 'A' && typ[0] <= 'Z' {
			return answer{typ: typ, value: json.RawMessage(child.Raw())}, true
		}
	}
	return answer{}, false
}

// typed makes answers of what an expression found. What does not fit the question is an issue.
func (p *populating) typed(q fhir.Node, found []path.Item) ([]answer, error) {
	read, known := kindOf(q.Member("type").Text())
	var out []answer
	size := 0
	for _, i := range found {
		if !known || len(out) > maxRepeats {
			break
		}
		if err := p.visit(q); err != nil { // its options are looked through each time
			return nil, err
		}
		a, ok := read(p, q, i)
		if err := p.spend(0); err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		out = append(out, a)
		if size += len(a.value); size > maxBytes {
			return nil, tooLarge("bytes of answers", maxBytes)
		}
	}
	if len(found) > 0 && len(out) == 0 {
		p.issue(q, fhir.SeverityWarning, "value", "SDC-VALUE",
			"What was found does not fit the type of this question or is not among its answers; fill it in by hand.")
	}
	return out, nil
}

// coding finds a code in a value set, once.
func (p *populating) coding(set, code string) ([]byte, bool) {
	key := [2]string{set, code}
	found, known := p.codings[key]
	if !known {
		if p.spend(listing) != nil {
			return nil, false
		}
		if coding, ok := p.in.Coding(set, code); ok {
			found = coding
		}
		p.codings[key] = found
	}
	return found, found != nil
}

// kind reads a found value as an answer to a question of one type.
type kind func(p *populating, q fhir.Node, i path.Item) (answer, bool)

// kindOf returns how questions of a type are answered.
func kindOf(typ string) (kind, bool) {
	k, ok := map[string]kind{
		"boolean": plain("Boolean", path.Boolean), "integer": plain("Integer", path.Integer),
		"decimal": plain("Decimal", path.Decimals, path.Integer), "date": moment("Date"), "dateTime": moment("DateTime"),
		"time": moment("Time"), "string": words("String"), "text": words("String"), "url": words("Uri"),
		"choice": choice(false), "open-choice": choice(true), "quantity": quantity, "reference": referenced,
		"attachment": element("Attachment"),
	}[typ]
	return k, ok
}

// plain takes values of these kinds as they are written.
func plain(typ string, kinds ...path.Kind) kind {
	return func(_ *populating, _ fhir.Node, i path.Item) (answer, bool) {
		for _, k := range kinds {
			if i.Kind() == k {
				return answer{typ: typ, value: json.RawMessage(i.Text())}, true
			}
		}
		return answer{}, false
	}
}

// words takes the text of any primitive.
func words(typ string) kind {
	return func(_ *populating, _ fhir.Node, i path.Item) (answer, bool) {
		t := strings.TrimSpace(i.Text())
		return answer{typ: typ, value: text(t)}, t != "" && i.Kind() != path.Complex
	}
}

// moment takes a date or time; a date of a moment is the one that it is written with.
func moment(typ string) kind {
	kinds := map[string]path.Kind{"Date": path.Date, "DateTime": path.DateTime, "Time": path.Time}
	return func(_ *populating, _ fhir.Node, i path.Item) (answer, bool) {
		t := i.Text()
		if day, _, ok := strings.Cut(t, "T"); ok && typ == "Date" {
			t = day
		}
		_, ok := path.ParseTemporal(kinds[typ], t)
		return answer{typ: typ, value: text(t)}, ok
	}
}

// choice takes a coding, the first of a concept, or a code of the answers of the question.
func choice(open bool) kind {
	return func(p *populating, q fhir.Node, i path.Item) (answer, bool) {
		coding := i.Node()
		if i.Type() == "CodeableConcept" {
			coding = first(i.Node(), "coding")
		}
		if coding.Member("code").Exists() {
			return answer{typ: "Coding", value: json.RawMessage(coding.Raw())}, true
		}
		code := i.Text()
		quoted := string(text(code))
		for option := range q.All("answerOption") {
			a, ok := valueOf(option)
			if ok && (option.Member("valueCoding").Member("code").Text() == code || string(a.value) == quoted) {
				return a, true
			}
		}
		if set := q.Member("answerValueSet").Text(); set != "" && code != "" {
			if found, ok := p.coding(set, code); ok {
				return answer{typ: "Coding", value: found}, true
			}
		}
		return answer{typ: "String", value: text(code)}, open && code != ""
	}
}

// first is the first element of a member, or a missing node.
func first(n fhir.Node, member string) fhir.Node {
	for one := range n.All(member) {
		return one
	}
	return fhir.Node{}
}

// quantity takes a Quantity, or a number with the unit of the question.
func quantity(_ *populating, q fhir.Node, i path.Item) (answer, bool) {
	if i.Node().Member("value").Exists() {
		return answer{typ: "Quantity", value: json.RawMessage(i.Node().Raw())}, true
	}
	if k := i.Kind(); k != path.Decimals && k != path.Integer {
		return answer{}, false
	}
	value, err := encode(measured(i.Text(), extension(q, unit).Member("valueCoding")))
	return answer{typ: "Quantity", value: value}, err == nil
}

// amount is a Quantity as it is written.
type amount struct {
	Value  json.RawMessage `json:"value"`
	Unit   string          `json:"unit,omitempty"`
	System string          `json:"system,omitempty"`
	Code   string          `json:"code,omitempty"`
}

// measured is a number with the unit of a question, a Coding.
func measured(number string, unit fhir.Node) amount {
	return amount{
		Value: json.RawMessage(number), Unit: unit.Member("display").Text(),
		System: unit.Member("system").Text(), Code: unit.Member("code").Text(),
	}
}

// referenced takes a Reference, or a resource that has an id.
func referenced(_ *populating, _ fhir.Node, i path.Item) (answer, bool) {
	n := i.Node()
	if i.Type() == "Reference" && n.Exists() {
		return answer{typ: "Reference", value: json.RawMessage(n.Raw())}, true
	}
	typ, id := n.Member("resourceType").Text(), n.Member("id").Text()
	value, err := encode(reference{typ + "/" + id})
	return answer{typ: "Reference", value: value}, err == nil && typ != "" && id != ""
}

// element takes an element of that type.
func element(typ string) kind {
	return func(_ *populating, _ fhir.Node, i path.Item) (answer, bool) {
		return answer{typ: typ, value: json.RawMessage(i.Node().Raw())}, i.Type() == typ && i.Node().Exists()
	}
}
