package sdc

import (
	"context"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

// Input is what a form is filled from.
type Input struct {
	Subject fhir.Ref // whom the form is about; zero: left out
	Author  string   // JSON Reference to who fills it in; "": left out
	// Context are the resources of the launch context by name, such as "patient".
	Context map[string][]*fhir.Resource
	// Search runs a query ("Type?parameters", or "Type/id") as the caller and returns the searchset
	// Bundle, or the resource. nil: it may not be run, so that nothing is known. An error ends the work.
	Search func(ctx context.Context, query string) (*fhir.Resource, error)
	// Coding returns the JSON Coding of a code in a value set; false when it is not known there.
	Coding func(valueSet, code string) (coding []byte, ok bool)
	World  path.World // what expressions may ask of the outside
	Now    time.Time
}

// Output is a prefilled form.
type Output struct {
	Response []byte       // QuestionnaireResponse, in-progress
	Issues   []fhir.Issue // what could not be prefilled, and why; never an error
}

// Populate prefills a Questionnaire: initial values, initialExpression, itemPopulationContext,
// variable, observationLinkPeriod (SDC 3.0.0). An expression that fails prefills nothing and is an
// issue; the error is a failed look-up, or an Unprocessable form that is too large.
func Populate(ctx context.Context, questionnaire *fhir.Resource, in Input) (Output, error) {
	root := questionnaire.Root()
	p := &populating{ctx: ctx, in: in, steps: maxSteps, work: maxWork, absent: map[string]bool{}, codings: map[[2]string][]byte{}}
	p.in.World.Now, p.in.World.Budget = in.Now, &p.steps
	p.chargeTerms()
	names := scope{"questionnaire": {path.Typed(root)}}
	for name, all := range in.Context {
		for _, r := range all {
			names[name] = append(names[name], path.Typed(r.Root()))
		}
	}
	if err := p.contexts(root, names); err != nil {
		return Output{}, err
	}
	names, err := p.variables(root, names)
	if err != nil {
		return Output{}, err
	}
	r := response{
		ResourceType: "QuestionnaireResponse", Status: "in-progress", Authored: in.Now.Format(time.RFC3339),
		Questionnaire: canonical(root), Author: []byte(in.Author),
	}
	if !in.Subject.IsZero() {
		r.Subject = &reference{in.Subject.String()}
	}
	if r.Item, err = p.items(root, names); err != nil {
		return Output{}, err
	}
	body, err := encode(r)
	return Output{Response: body, Issues: p.issues}, err
}

// canonical is what a response names its Questionnaire by.
func canonical(root fhir.Node) string {
	url, version := root.Member("url").Text(), root.Member("version").Text()
	if url != "" && version != "" {
		return url + "|" + version
	}
	return url
}

// populating is one form on its way.
type populating struct {
	ctx     context.Context
	in      Input
	issues  []fhir.Issue
	steps   int // that expressions have left
	work    int // that the form has left beside them
	made    int // items so far
	bytes   int // of their answers
	queries int
	found   int                  // bytes
	absent  map[string]bool      // names of what was not given or may not be seen
	codings map[[2]string][]byte // by value set and code; nil: there is none
}

// spend counts a look at the form, and stops when there were too many, or nobody waits any more.
func (p *populating) spend(n int) error {
	if p.work -= n; p.work < 0 {
		return tooLarge("steps of work", maxWork)
	}
	return p.ctx.Err()
}

// visit counts a look at an item with all that is in it.
func (p *populating) visit(q fhir.Node) error { return p.spend(1 + len(q.Raw())/64) }

// chargeTerms makes expressions pay for what they ask of the terminology.
func (p *populating) chargeTerms() {
	w := &p.in.World
	size := func(i path.Item) int { return 1 + len(i.Node().Raw())/50 }
	if ask := w.MemberOf; ask != nil {
		w.MemberOf = func(i path.Item, valueSet string) (member, known bool) {
			if p.spend(asking*size(i)) != nil {
				return false, false
			}
			return ask(i, valueSet)
		}
	}
	if ask := w.Subsumes; ask != nil {
		w.Subsumes = func(a, b path.Item) (subsumes, known bool) {
			if p.spend(asking*size(a)*size(b)) != nil {
				return false, false
			}
			return ask(a, b)
		}
	}
}

// issue reports what was not prefilled, as far as anybody reads on.
func (p *populating) issue(at fhir.Node, severity, code, rule, text string) {
	if len(p.issues) == maxIssues {
		return
	}
	p.issues = append(p.issues, fhir.Issue{Severity: severity, Code: code, Diagnostics: rule, Expression: at.Path(), Text: text})
}

// contexts notes what the form asks for and was not given.
func (p *populating) contexts(root fhir.Node, names scope) error {
	for e := range root.All("extension") {
		if e.Member("url").Text() != launchContext {
			continue
		}
		name := extension(e, "name").Member("valueCoding").Member("code").Text()
		if _, given := names[name]; given {
			continue
		}
		if err := p.lack(name); err != nil {
			return err
		}
	}
	return nil
}

// items answers the items below n.
func (p *populating) items(n fhir.Node, names scope) ([]*item, error) {
	var out []*item
	for q := range n.All("item") {
		if err := p.visit(q); err != nil {
			return nil, err
		}
		if q.Member("type").Text() == "display" {
			continue
		}
		names, err := p.variables(q, names)
		if err != nil {
			return nil, err
		}
		var made []*item
		if q.Member("type").Text() == "group" {
			made, err = p.groups(q, names)
		} else {
			made, err = p.question(q, names)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, made...)
	}
	return out, nil
}

// groups answers a group, once for each item of its context.
func (p *populating) groups(q fhir.Node, names scope) ([]*item, error) {
	expression := extension(q, populationContext).Member("valueExpression")
	if !expression.Exists() {
		one, err := p.group(q, names)
		if err != nil || one == nil {
			return nil, err
		}
		return []*item{one}, nil
	}
	found, _, err := p.evaluate(expression, names)
	if err != nil {
		return nil, err
	}
	if q.Member("repeats").Text() != "true" && len(found) > 1 {
		found = found[:1]
	}
	if len(found) > maxRepeats {
		return nil, tooLarge("groups of one context", maxRepeats)
	}
	var out []*item
	for _, one := range found {
		within, err := p.with(names, expression.Member("name").Text(), []path.Item{one})
		if err != nil {
			return nil, err
		}
		made, err := p.group(q, within)
		if err != nil {
			return nil, err
		}
		if made != nil {
			out = append(out, made)
		}
	}
	return out, nil
}

// group answers what is in a group; nil when nothing is.
func (p *populating) group(q fhir.Node, names scope) (*item, error) {
	below, err := p.items(q, names)
	if err != nil || len(below) == 0 {
		return nil, err
	}
	return p.item(q, nil, below)
}

// item makes an item and counts it.
func (p *populating) item(q fhir.Node, answers []answer, below []*item) (*item, error) {
	if p.made++; p.made > maxItems {
		return nil, tooLarge("items", maxItems)
	}
	one := &item{LinkID: q.Member("linkId").Text(), Text: q.Member("text").Text(), Answer: answers, Item: below}
	p.bytes += len(one.LinkID) + len(one.Text)
	for _, a := range answers {
		p.bytes += len(a.value)
	}
	if p.bytes > maxBytes {
		return nil, tooLarge("bytes of answers", maxBytes)
	}
	return one, nil
}

// question answers a question; nothing when there is no answer.
func (p *populating) question(q fhir.Node, names scope) ([]*item, error) {
	answers, err := p.answers(q, names)
	if err != nil || len(answers) == 0 {
		return nil, err
	}
	if q.Member("repeats").Text() != "true" && len(answers) > 1 {
		answers = answers[:1]
		p.issue(q, fhir.SeverityInformation, "multiple-matches", "SDC-MANY",
			"Several values were found for a question that takes one; the first is prefilled, check it.")
	}
	if len(answers) > maxRepeats {
		return nil, tooLarge("answers of one question", maxRepeats)
	}
	below, err := p.items(q, names)
	if err != nil {
		return nil, err
	}
	answers[0].items = below
	one, err := p.item(q, answers, nil)
	return []*item{one}, err
}

// answers finds the answers to a question: the expression of its own, else the initial values, else
// the newest Observation.
func (p *populating) answers(q fhir.Node, names scope) ([]answer, error) {
	if e := extension(q, initialExpression).Member("valueExpression"); e.Exists() {
		found, _, err := p.evaluate(e, names)
		if err != nil {
			return nil, err
		}
		return p.typed(q, found)
	}
	if period := extension(q, observationLinkPeriod).Member("valueDuration"); period.Exists() {
		return p.observed(q, period)
	}
	return initials(q), nil
}

// initials are the values that the form itself gives.
func initials(q fhir.Node) []answer {
	var out []answer
	for n := range q.All("initial") {
		if a, ok := valueOf(n); ok {
			out = append(out, a)
		}
	}
	for n := range q.All("answerOption") {
		if a, ok := valueOf(n); ok && n.Member("initialSelected").Text() == "true" {
			out = append(out, a)
		}
	}
	return out
}
