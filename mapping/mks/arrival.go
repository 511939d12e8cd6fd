package mks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	tpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/task_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// resolveLogical makes the logical references literal that records of this source left while the
// child was unknown, and runs the rules that waited for it (mks.md 2.5). What is wrong becomes a
// question to the sender.
func (m *mapper) resolveLogical() error {
	if m.rec.name != "kind" || m.child.found == nil || m.child.stored {
		return nil
	}
	hits, err := m.known.Child(m.child.ref)
	if err != nil {
		return fmt.Errorf("mks.resolveLogical: %w", err)
	}
	written := map[fhir.Ref]bool{}
	for _, a := range m.added {
		written[a.ref] = true
	}
	var waited []*mapping.Found
	for _, hit := range hits {
		source := found(hit).At("meta", "source").Text()
		if written[hit.Resource.Ref()] || !strings.HasPrefix(source, m.head.base()+"#") || hit.Custodian.Current() != m.sender {
			continue
		}
		waited = append(waited, hit)
	}
	questions, wrong := map[string]*question{}, m.findMisuses(waited)
	for _, hit := range waited {
		source := found(hit).At("meta", "source").Text()
		broken, err := m.arrive(hit.Resource, wrong[source])
		if err != nil {
			return err
		}
		for _, rule := range broken {
			questions[source] = questions[source].with(hit.Resource, rule)
		}
	}
	for _, source := range slices.Sorted(maps.Keys(questions)) {
		m.addQuestion(source, questions[source])
	}
	return m.plansArrive(waited, questions)
}

// arrive rewrites one resource that waited for the child, but for the ids that its record uses wrongly. It
// returns the rules that it breaks.
func (m *mapper) arrive(r *fhir.Resource, wrong map[string]bool) ([]string, error) {
	const op = "mks.arrive"
	text := m.literalText(r.Root(), wrong)
	resolved := r
	if text != r.Root().Raw() {
		var issues []fhir.Issue
		if resolved, issues = fhir.Parse([]byte(text), fhir.Limits{}); fhir.HasErrors(issues) {
			return nil, fmt.Errorf("%s: %s: %s", op, r.Type(), issues[0].Diagnostics)
		}
	}
	broken := m.unresolved(resolved.Root(), wrong)
	if check := arrivals[r.Type()]; check != nil {
		broken = append(broken, check(m, resolved.Root())...)
	}
	if r.Type() == "Consent" {
		edits, more := m.settle(resolved.Root(), len(broken) == 0)
		broken = append(broken, more...)
		settled, err := resolved.Edit(edits...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		resolved = settled
	}
	if r.Type() == "Encounter" {
		more, err := m.settleEvaluation(resolved.Root())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		broken = append(broken, more...)
	}
	if string(resolved.Bytes()) != string(r.Bytes()) {
		m.added = append(m.added, added{edited: resolved, ref: r.Ref()})
	}
	return broken, nil
}

// arrivals are the rules that wait for the child record, by the type that bears what they ask. Read only.
var arrivals = map[fhir.Type]func(*mapper, fhir.Node) []string{
	"QuestionnaireResponse": treeArrives, "ServiceRequest": indicatorArrives,
	"CarePlan": planArrives, "Composition": transferArrives,
}

// settle judges a waiting Consent with the child that is known now: who gave it, and until when it
// lasts. sound: all its references were resolved; else who gave it cannot be told, and it waits on.
func (m *mapper) settle(c fhir.Node, sound bool) ([]fhir.Edit, []string) {
	if c.Member("status").Text() != "proposed" || !sound {
		return nil, nil
	}
	j := m.judgement(c)
	out := j.capEdits(c)
	broken, waits := j.verdict()
	switch {
	case j.never(form.Day(c.At("provision", "period", "start").Text())):
		out = append(out, fhir.Edit{Path: []string{"status"}, JSON: `"inactive"`})
	case len(broken) == 0 && !waits:
		out = append(out, fhir.Edit{Path: []string{"status"}, JSON: `"active"`})
	}
	return out, broken
}

// judgement reads a stored Consent with the child of this record.
func (m *mapper) judgement(c fhir.Node) judgement {
	j := judgement{
		soort: codeIn(c, "category", "toestemming-soort"), permits: c.At("provision", "type").Text() == "permit",
		birth: m.child.birth,
	}
	if m.rights {
		j.birth = m.inhoud().At("geboortedatum").Day()
	}
	for e := range c.All("extension") {
		switch e.Member("url").Text() {
		case element.StructureDefinition("bron-record"):
			j.on = firstDay(part(e, "vastgelegdOp"))
		case element.StructureDefinition("gegeven-door"):
			who := part(e, "wie").Member("reference").Text()
			j.add(who == m.child.ref.String(), m.willHoldAuthority(refOf(who), firstDay(part(e, "op"))))
		}
	}
	return j
}

// willHoldAuthority reports whether somebody of this record's lists holds authority on a day, by the
// gezag that stands after this record.
func (m *mapper) willHoldAuthority(who fhir.Ref, on form.Day) bool {
	custody, by := m.inhoud().At("gezag"), m.custodianFacts()
	if m.rights && custody.Present() && !m.custodyStays {
		by = facts{holders: m.holderRefs(custody.At("houders")), from: custody.At("vanaf").Day(), to: custody.At("tot").Day()}
	}
	t := target{kind: "bet", ref: who}
	for _, v := range m.inhoud().At("medewerkers").Items() {
		if m.own[v.At("id").Str()].ref == who && v.At("functie").Str() == "jeugdbeschermer" {
			t.ref = m.target(v.At("organisatie")).ref // authority is that of the institution
		}
	}
	return !who.IsZero() && by.authority(t, on)
}

// question is what a source is asked about one of its records.
type question struct {
	focus fhir.Ref
	rules []string
}

func (q *question) with(r *fhir.Resource, rule string) *question {
	if q == nil {
		q = &question{focus: r.Ref()}
	}
	if !slices.Contains(q.rules, rule) {
		q.rules = append(q.rules, rule)
	}
	for e := range r.Root().All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("bron-record") {
			q.focus = r.Ref()
		}
	}
	return q
}

// addQuestion adds the Task that asks the sender to look at a record that breaks rules.
func (m *mapper) addQuestion(source string, q *question) {
	kind := listConcept("mks-categorie", "terugvraag")
	t := &tpb.Task{
		Status: element.Enum(&tpb.Task_StatusCode{}, "requested"), Intent: element.Enum(&tpb.Task_IntentCode{}, "order"), Code: kind,
		Focus: element.Literal(q.focus), ForValue: m.patientRef(), Owner: element.Literal(m.sender),
	}
	for _, rule := range q.rules {
		t.Input = append(t.Input, &tpb.Task_Parameter{Type: kind, Value: &tpb.Task_Parameter_ValueX{
			Choice: &tpb.Task_Parameter_ValueX_StringValue{StringValue: element.String(rule)}}})
	}
	_, record, _ := strings.Cut(source, "#")
	m.add(t, about{id: m.part("terugvraag/" + record)})
}

// unresolved returns the rules by which references of a resource stayed logical.
func (m *mapper) unresolved(n fhir.Node, wrong map[string]bool) []string {
	if n.Member("system").Text() == m.unknownSystem() {
		if wrong[n.Member("value").Text()] {
			return []string{"MKS-REF-03"}
		}
		return []string{"MKS-REF-02"}
	}
	var out []string
	for c := range n.Children() {
		for _, rule := range m.unresolved(c, wrong) {
			if !slices.Contains(out, rule) {
				out = append(out, rule)
			}
		}
	}
	return out
}

// literalText returns the JSON of n in which each logical reference that the record resolves is
// literal, but for wrong ones.
func (m *mapper) literalText(n fhir.Node, wrong map[string]bool) string {
	id := n.Member("identifier")
	if !n.Member("reference").Exists() {
		switch system := id.Member("system").Text(); {
		case system == m.unknownSystem() && !wrong[id.Member("value").Text()]:
			if t, ok := m.own[id.Member("value").Text()]; ok && !t.ref.IsZero() {
				return fmt.Sprintf(`{"reference":%q,"identifier":%s}`, t.ref.String(), identifierJSON(t.id))
			}
		case system == m.head.base()+"/kindteam" && m.inhoud().At("kindteam").Present() && id.Member("value").Text() == m.head.localID:
			return fmt.Sprintf(`{"reference":%q,"identifier":%s}`, m.kindteamRef().String(), id.Raw())
		}
	}
	var parts []string
	for c := range n.Children() {
		text := m.literalText(c, wrong)
		if n.Shape() == fhir.Object {
			text = fmt.Sprintf("%q:%s", c.Name(), text)
		}
		parts = append(parts, text)
	}
	switch n.Shape() {
	case fhir.Object:
		return "{" + strings.Join(parts, ",") + "}"
	case fhir.Array:
		return "[" + strings.Join(parts, ",") + "]"
	default:
		return n.Raw()
	}
}
