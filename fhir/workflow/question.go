package workflow

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// RuleQuestion is the rule of the question back to the sender.
const RuleQuestion = "7.13"

// questionCode is the category of a question back, and the code of its Task.
const questionCode = "terugvraag"

// ruleAbout refuses a question that does not say about which transfer it is.
const ruleAbout = "terugvraag-about"

// answerWithin is how soon a question wants its answer.
const answerWithin = 24 * time.Hour

// IsQuestion reports whether a Communication is a question back to the sender of a transfer.
func IsQuestion(r *fhir.Resource) bool {
	return r != nil && r.Type() == "Communication" && coded(r.Root(), categorySystem, questionCode, "category", "coding")
}

// About returns the transfer document that a question is about; the issues say that it names none.
func About(question *fhir.Resource) (fhir.Ref, []fhir.Issue) {
	for n := range question.Root().All("about") {
		if ref, ok := fhir.ParseRef(n.Member("reference").Text()); ok && ref.Type == "Composition" {
			return ref.Current(), nil
		}
	}
	out := fault(ruleAbout, "Communication.about", dutch(
		"Name the transfer that the question is about: the Composition, in about.",
		"Noem de overdracht waarover de vraag gaat: de Composition, in about."))
	out[0].Code = "required"
	return fhir.Ref{}, out
}

// TaskOf returns the Task that a question makes.
func TaskOf(patient, question fhir.Ref) fhir.Ref {
	return fhir.Ref{Type: "Task", ID: ID(RuleQuestion, patient, question.ID)}
}

type taskValue struct {
	Type   concept `json:"type"`
	String string  `json:"valueString"`
}

type taskRestriction struct {
	Period period `json:"period"`
}

// taskMeta are the labels and domains of what a Task repeats: whom the words are kept from, the Task is too.
type taskMeta struct {
	Security []json.RawMessage `json:"security,omitempty"`
	Tag      []json.RawMessage `json:"tag,omitempty"`
}

type task struct {
	ResourceType string           `json:"resourceType"`
	ID           string           `json:"id"`
	Meta         *taskMeta        `json:"meta,omitempty"`
	Status       string           `json:"status"`
	Intent       string           `json:"intent"`
	Code         concept          `json:"code"`
	Focus        *reference       `json:"focus"`
	For          *reference       `json:"for"`
	AuthoredOn   string           `json:"authoredOn"`
	Requester    *reference       `json:"requester"`
	Owner        *reference       `json:"owner"`
	Reason       *reference       `json:"reasonReference"`
	Restriction  *taskRestriction `json:"restriction"`
	Input        []taskValue      `json:"input,omitempty"`
}

// Question returns the Task by which the sender's nurse answers a question of the receiver about a
// transfer document. It bears the words of the question: the Communication itself is the receiver's.
// Nil when the receiver is the sender.
func Question(document *mapping.Found, question *fhir.Resource, receiver fhir.Ref, now time.Time) (*fhir.Resource, error) {
	n := document.Resource.Root()
	patient, owner := refAt(n, "subject"), refAt(n, "author")
	if owner.Type != "PractitionerRole" && owner.Type != "Practitioner" {
		owner = document.Custodian.Current()
	}
	if owner.IsZero() || document.Custodian.Current() == receiver {
		return nil, nil
	}
	return fhir.Make("workflow.Question", task{
		ResourceType: "Task", ID: TaskOf(patient, question.Ref()).ID, Status: requested, Intent: "order",
		Code: codedAs(categorySystem, questionCode), Focus: to(question.Ref()), For: to(patient),
		AuthoredOn: now.UTC().Format(time.RFC3339), Requester: to(receiver), Owner: to(owner), Reason: to(document.Resource.Ref()),
		Restriction: &taskRestriction{Period: period{End: now.Add(answerWithin).UTC().Format(time.RFC3339)}},
		Input:       words(question), Meta: metaOf(question),
	})
}

func metaOf(r *fhir.Resource) *taskMeta {
	m := &taskMeta{}
	for n := range r.Root().All("meta", "security") {
		m.Security = append(m.Security, json.RawMessage(n.Raw()))
	}
	for n := range domainTags(r) {
		m.Tag = append(m.Tag, json.RawMessage(n.Raw()))
	}
	if m.Security == nil && m.Tag == nil {
		return nil
	}
	return m
}

// domainTags are the domains of a resource.
func domainTags(r *fhir.Resource) iter.Seq[fhir.Node] {
	return func(yield func(fhir.Node) bool) {
		for n := range r.Root().All("meta", "tag") {
			if n.Member("system").Text() == domainSystem && !yield(n) {
				return
			}
		}
	}
}

// words are the texts of a Communication.
func words(r *fhir.Resource) []taskValue {
	var out []taskValue
	for p := range r.Root().All("payload", "contentString") {
		out = append(out, taskValue{codedAs(categorySystem, questionCode), p.Text()})
	}
	return out
}

// Asked returns the questions that a Communication answers.
func Asked(answer *fhir.Resource) []fhir.Ref {
	var out []fhir.Ref
	for n := range answer.Root().All("inResponseTo") {
		if ref, ok := fhir.ParseRef(n.Member("reference").Text()); ok && ref.Type == "Communication" {
			out = append(out, ref.Current())
		}
	}
	return out
}

// Answered returns the Task of a question with its answer: completed, with the words of the answer. The
// Task itself when it is over.
func Answered(asked, answer *fhir.Resource) (*fhir.Resource, error) {
	const op = "workflow.Answered"
	switch status(asked) {
	case completed, cancelled, rejected, mistaken, "failed":
		return asked, nil
	}
	edits := []fhir.Edit{{Path: []string{"status"}, JSON: fmt.Sprintf("%q", completed)}}
	for _, w := range words(answer) {
		text, err := fhir.Render(w)
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		edits = append(edits, fhir.Edit{Path: []string{"output"}, Append: true, JSON: text})
	}
	r, err := asked.Edit(append(edits, labelEdits(asked, answer)...)...)
	return r, fhir.Wrap(op, err)
}

// labelEdits add the labels and domains of an answer to the Task that repeats its words.
func labelEdits(asked, answer *fhir.Resource) []fhir.Edit {
	var out []fhir.Edit
	add := func(member string, n fhir.Node) {
		same := func(x fhir.Node) bool { return fhir.Equal(x, n) }
		if !slices.ContainsFunc(slices.Collect(asked.Root().All("meta", member)), same) {
			out = append(out, fhir.Edit{Path: []string{"meta", member}, Append: true, JSON: n.Raw()})
		}
	}
	for n := range answer.Root().All("meta", "security") {
		add("security", n)
	}
	for n := range domainTags(answer) {
		add("tag", n)
	}
	return out
}
