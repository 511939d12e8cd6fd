package sdc

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// observation is an Observation that an answer becomes.
type observation struct {
	ResourceType string            `json:"resourceType"`
	Identifier   []identifier      `json:"identifier,omitempty"`
	Status       string            `json:"status"`
	Category     []concept         `json:"category,omitempty"`
	Code         concept           `json:"code"`
	Subject      json.RawMessage   `json:"subject,omitempty"`
	Encounter    json.RawMessage   `json:"encounter,omitempty"`
	Effective    json.RawMessage   `json:"effectiveDateTime,omitempty"`
	Performer    []json.RawMessage `json:"performer,omitempty"`
	DerivedFrom  []reference       `json:"derivedFrom,omitempty"`
}

type identifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

type concept struct {
	Coding []json.RawMessage `json:"coding,omitempty"`
	Text   string            `json:"text,omitempty"`
}

// Extractable reports whether the answers of a response are facts: it is completed or amended.
func Extractable(answers *fhir.Resource) bool {
	status := answers.Root().Member("status").Text()
	return status == "completed" || status == "amended"
}

// Extract makes an Observation of each answer that a Questionnaire marks for it (observationExtract, SDC
// 3.0.0), with the labels and domains of the response. It answers Unprocessable for a response that is not
// completed, or holds what R4 does not allow. Issues are answers that no Observation can hold.
func Extract(questionnaire, answers *fhir.Resource) ([]mapping.Extracted, []fhir.Issue, error) {
	root := answers.Root()
	if !Extractable(answers) {
		e := fhir.Errorf(fhir.Unprocessable, "sdc.Extract", "business-rule", "SDC-STATUS",
			"Only a completed or amended response is extracted; complete it first.")
		e.Issues[0].Expression = "QuestionnaireResponse.status"
		return nil, nil, e
	}
	x := &extracting{root: root, labels: slices.Collect(root.All("meta", "security"))}
	for tag := range root.All("meta", "tag") {
		if tag.Member("system").Text() == fhir.Canonical+"/CodeSystem/mks-domein" {
			x.domains = append(x.domains, tag)
		}
	}
	if err := x.items(questionOf(questionnaire.Root(), marks{}), root, ""); err != nil {
		return nil, nil, err
	}
	return x.out, x.issues, nil
}

// extracting is one response on its way.
type extracting struct {
	root            fhir.Node
	labels, domains []fhir.Node // of the response
	out             []mapping.Extracted
	size            int // bytes of out
	issues          []fhir.Issue
}

// question is an item of the form as answers are read by it: looked at once, however often it is answered.
type question struct {
	marks
	text, unit fhir.Node
	codes      []json.RawMessage
	below      map[string]*question // by linkId
}

// questionOf reads an item of a form, or the form itself, with all below it.
func questionOf(n fhir.Node, inherited marks) *question {
	q := &question{
		marks: inherited.at(n), text: n.Member("text"), unit: extension(n, unit).Member("valueCoding"),
		codes: raws(n, "code"), below: map[string]*question{},
	}
	for i := range n.All("item") {
		q.below[i.Member("linkId").Text()] = questionOf(i, q.marks)
	}
	return q
}

// marks are what an item inherits from those above it.
type marks struct {
	extract    bool
	categories []json.RawMessage
}

// at adds the marks of an item itself.
func (m marks) at(q fhir.Node) marks {
	for v := range extension(q, observationExtract).Children() {
		switch v.Name() {
		case "valueBoolean":
			m.extract = v.Text() == "true"
		case "valueCode":
			m.extract = v.Text() == "independent"
		}
	}
	var own []json.RawMessage
	for e := range q.All("extension") {
		if e.Member("url").Text() == extractCategory {
			own = append(own, raws(e.Member("valueCodeableConcept"), "coding")...)
		}
	}
	if len(own) > 0 {
		m.categories = own
	}
	return m
}

// items extracts the items of a response, or below an answer; key names where they stand.
func (x *extracting) items(q *question, r fhir.Node, key string) error {
	count := map[string]int{}
	for i := range r.All("item") {
		link := i.Member("linkId").Text()
		asked, known := q.below[link]
		if !known {
			continue
		}
		place := key + "/" + link + "." + strconv.Itoa(count[link])
		count[link]++
		if err := x.item(asked, i, place); err != nil {
			return err
		}
	}
	return nil
}

// item extracts an item: what is below it, and its answers.
func (x *extracting) item(q *question, i fhir.Node, key string) error {
	if err := x.items(q, i, key); err != nil {
		return err
	}
	n := 0
	for a := range i.All("answer") {
		place := key + "/" + strconv.Itoa(n)
		n++
		if q.extract && len(q.codes) > 0 {
			if err := x.answer(q, a, place); err != nil {
				return err
			}
		}
		if err := x.items(q, a, place); err != nil {
			return err
		}
	}
	return nil
}

// answer makes an Observation of one answer.
func (x *extracting) answer(q *question, a fhir.Node, key string) error {
	if len(x.out) == maxItems {
		return tooLarge("answers to extract", maxItems)
	}
	value, ok := observable(q, a)
	if !ok && len(x.issues) == maxIssues {
		return nil
	}
	if !ok {
		x.issues = append(x.issues, fhir.Issue{
			Severity: fhir.SeverityWarning, Code: "not-supported", Diagnostics: "SDC-EXTRACT", Expression: a.Path(),
			Text: "An Observation cannot hold an answer of this type; it stays in the response.",
		})
		return nil
	}
	o := observation{
		ResourceType: "Observation", Status: "final",
		Subject: raw(x.root, "subject"), Encounter: raw(x.root, "encounter"), Effective: raw(x.root, "authored"),
		Code: concept{Text: q.text.Text(), Coding: q.codes},
	}
	for _, c := range q.categories {
		o.Category = append(o.Category, concept{Coding: []json.RawMessage{c}})
	}
	if author := raw(x.root, "author"); author != nil {
		o.Performer = []json.RawMessage{author}
	}
	var own fhir.Identifier
	if id := x.root.Member("id").Text(); id != "" {
		key = id + key
		own = fhir.Identifier{System: mapping.ExtractSystem, Value: key}
		o.DerivedFrom = []reference{{"QuestionnaireResponse/" + id}}
		o.Identifier = []identifier{{own.System, own.Value}}
	}
	r, err := x.resource(o, value)
	if err != nil {
		return err
	}
	if x.size += len(r.Bytes()); x.size > maxBytes {
		return tooLarge("bytes to extract", maxBytes)
	}
	x.out = append(x.out, mapping.Extracted{Resource: r, URN: "urn:uuid:" + mapping.ID("extract/"+key), Identifier: own})
	return nil
}

// resource is an Observation as guarded as the response that it was made of.
func (x *extracting) resource(o observation, value answer) (*fhir.Resource, error) {
	body, err := o.encoded(value)
	if err != nil {
		return nil, err
	}
	r, issues := fhir.Parse(body, fhir.Limits{Bytes: len(body)})
	if fhir.HasErrors(issues) {
		return nil, &fhir.Error{Kind: fhir.Unprocessable, Op: "sdc.Extract", Issues: issues}
	}
	if r, err = mapping.AddMeta(r, "security", x.labels); err == nil {
		r, err = mapping.AddMeta(r, "tag", x.domains)
	}
	return r, err
}

// encoded writes an Observation with its value.
func (o observation) encoded(value answer) ([]byte, error) {
	body, err := encode(o)
	if err != nil {
		return nil, err
	}
	body = append(body[:len(body)-1], `,"value`+value.typ+`":`...)
	return append(append(body, value.value...), '}'), nil
}

// raw is the JSON of a member, nil when it is absent.
func raw(n fhir.Node, member string) json.RawMessage {
	if m := n.Member(member); m.Exists() {
		return json.RawMessage(m.Raw())
	}
	return nil
}

// raws is the JSON of each element of a member.
func raws(n fhir.Node, member string) (out []json.RawMessage) {
	for m := range n.All(member) {
		out = append(out, json.RawMessage(m.Raw()))
	}
	return out
}

// observable is an answer as the value of an Observation.
func observable(q *question, a fhir.Node) (answer, bool) {
	v, ok := valueOf(a)
	if !ok {
		return answer{}, false
	}
	var err error
	switch v.typ {
	case "Boolean", "Integer", "String", "DateTime", "Time", "Quantity":
	case "Date":
		v.typ = "DateTime"
	case "Decimal":
		v.typ = "Quantity"
		v.value, err = encode(measured(string(v.value), q.unit))
	case "Coding":
		v.typ = "CodeableConcept"
		v.value, err = encode(concept{Coding: []json.RawMessage{v.value}})
	default:
		return answer{}, false
	}
	return v, err == nil
}
