package arrive

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
	"github.com/drieluik/drieluik/mapping/mks/child"
	"github.com/drieluik/drieluik/mapping/mks/consent"
	"github.com/drieluik/drieluik/mapping/mks/plan"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
	"github.com/drieluik/drieluik/mapping/mks/tree"
)

// Resolve makes the logical references literal that records of this source left while the
// child was unknown, and runs the rules that waited for it (mks.md 2.5). What is wrong becomes a
// question to the sender.
func Resolve(m *tofhir.Mapper) error {
	if m.Type.Name != "kind" || m.Child.Found == nil || m.Child.Stored {
		return nil
	}
	hits, err := m.Known.Child(m.Child.Ref)
	if err != nil {
		return fmt.Errorf("mks.resolveLogical: %w", err)
	}
	written := map[fhir.Ref]bool{}
	for _, a := range m.Added {
		written[a.Ref] = true
	}
	var waited []*mapping.Found
	for _, hit := range hits {
		source := tofhir.Found(hit).At("meta", "source").Text()
		if written[hit.Resource.Ref()] || !strings.HasPrefix(source, m.Head.Base()+"#") || hit.Custodian.Current() != m.Sender {
			continue
		}
		waited = append(waited, hit)
	}
	questions, wrong := map[string]*question{}, findMisuses(m, waited)
	for _, hit := range waited {
		source := tofhir.Found(hit).At("meta", "source").Text()
		broken, err := arrive(m, hit.Resource, wrong[source])
		if err != nil {
			return err
		}
		for _, rule := range broken {
			questions[source] = questions[source].with(hit.Resource, rule)
		}
	}
	for _, source := range slices.Sorted(maps.Keys(questions)) {
		addQuestion(m, source, questions[source])
	}
	return plansArrive(m, waited, questions)
}

// arrive rewrites one resource that waited for the child, but for the ids that its record uses wrongly. It
// returns the rules that it breaks.
func arrive(m *tofhir.Mapper, r *fhir.Resource, wrong map[string]bool) ([]string, error) {
	const op = "mks.arrive"
	text := literalText(m, r.Root(), wrong)
	resolved := r
	if text != r.Root().Raw() {
		var issues []fhir.Issue
		if resolved, issues = fhir.Parse([]byte(text), fhir.Limits{}); fhir.HasErrors(issues) {
			return nil, fmt.Errorf("%s: %s: %s", op, r.Type(), issues[0].Diagnostics)
		}
	}
	broken := unresolved(m, resolved.Root(), wrong)
	if check := arrivals[r.Type()]; check != nil {
		broken = append(broken, check(m, resolved.Root())...)
	}
	if r.Type() == "Consent" {
		edits, more := settle(m, resolved.Root(), len(broken) == 0)
		broken = append(broken, more...)
		settled, err := resolved.Edit(edits...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		resolved = settled
	}
	if r.Type() == "Encounter" {
		more, err := plan.SettleEvaluation(m, resolved.Root())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		broken = append(broken, more...)
	}
	if string(resolved.Bytes()) != string(r.Bytes()) {
		m.Added = append(m.Added, tofhir.Added{Edited: resolved, Ref: r.Ref()})
	}
	return broken, nil
}

// arrivals are the rules that wait for the child record, by the type that bears what they ask. Read only.
var arrivals = map[fhir.Type]func(*tofhir.Mapper, fhir.Node) []string{
	"QuestionnaireResponse": tree.Arrives, "ServiceRequest": tree.IndicatorArrives,
	"CarePlan": planArrives, "Composition": transferArrives,
}

// settle judges a waiting Consent with the child that is known now: who gave it, and until when it
// lasts. sound: all its references were resolved; else who gave it cannot be told, and it waits on.
func settle(m *tofhir.Mapper, c fhir.Node, sound bool) ([]fhir.Edit, []string) {
	if c.Member("status").Text() != "proposed" || !sound {
		return nil, nil
	}
	j := judgement(m, c)
	out := j.CapEdits(c)
	broken, waits := j.Verdict()
	switch {
	case j.Never(form.Day(c.At("provision", "period", "start").Text())):
		out = append(out, fhir.Edit{Path: []string{"status"}, JSON: `"inactive"`})
	case len(broken) == 0 && !waits:
		out = append(out, fhir.Edit{Path: []string{"status"}, JSON: `"active"`})
	}
	return out, broken
}

// judgement reads a stored Consent with the child of this record.
func judgement(m *tofhir.Mapper, c fhir.Node) consent.Judgement {
	j := consent.Judgement{
		Soort: tofhir.CodeIn(c, "category", "toestemming-soort"), Permits: c.At("provision", "type").Text() == "permit",
		Birth: m.Child.Birth,
	}
	if m.Rights {
		j.Birth = m.Content().At("geboortedatum").Day()
	}
	for e := range c.All("extension") {
		switch e.Member("url").Text() {
		case element.StructureDefinition("bron-record"):
			j.On = tofhir.FirstDay(tofhir.Part(e, "vastgelegdOp"))
		case element.StructureDefinition("gegeven-door"):
			who := tofhir.Part(e, "wie").Member("reference").Text()
			j.Add(who == m.Child.Ref.String(), willHoldAuthority(m, tofhir.RefOf(who), tofhir.FirstDay(tofhir.Part(e, "op"))))
		}
	}
	return j
}

// willHoldAuthority reports whether somebody of this record's lists holds authority on a day, by the
// gezag that stands after this record.
func willHoldAuthority(m *tofhir.Mapper, who fhir.Ref, on form.Day) bool {
	custody, by := m.Content().At("gezag"), m.CustodianFacts()
	if m.Rights && custody.Present() && !m.CustodyStays {
		by = tofhir.Facts{Holders: child.HolderRefs(m, custody.At("houders")), From: custody.At("vanaf").Day(), To: custody.At("tot").Day()}
	}
	t := tofhir.Target{Kind: "bet", Ref: who}
	for _, v := range m.Content().At("medewerkers").Items() {
		if m.Own[v.At("id").Str()].Ref == who && v.At("functie").Str() == "jeugdbeschermer" {
			t.Ref = m.Target(v.At("organisatie")).Ref // authority is that of the institution
		}
	}
	return !who.IsZero() && by.Authority(t, on)
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
func addQuestion(m *tofhir.Mapper, source string, q *question) {
	kind := tofhir.ListConcept("mks-categorie", "terugvraag")
	t := &tpb.Task{
		Status: element.Enum(&tpb.Task_StatusCode{}, "requested"), Intent: element.Enum(&tpb.Task_IntentCode{}, "order"), Code: kind,
		Focus: element.Literal(q.focus), ForValue: m.PatientRef(), Owner: element.Literal(m.Sender),
	}
	for _, rule := range q.rules {
		t.Input = append(t.Input, &tpb.Task_Parameter{Type: kind, Value: &tpb.Task_Parameter_ValueX{
			Choice: &tpb.Task_Parameter_ValueX_StringValue{StringValue: element.String(rule)}}})
	}
	_, record, _ := strings.Cut(source, "#")
	m.Add(t, tofhir.About{ID: m.Part("terugvraag/" + record)})
}

// unresolved returns the rules by which references of a resource stayed logical.
func unresolved(m *tofhir.Mapper, n fhir.Node, wrong map[string]bool) []string {
	if n.Member("system").Text() == unknownSystem(m) {
		if wrong[n.Member("value").Text()] {
			return []string{"MKS-REF-03"}
		}
		return []string{"MKS-REF-02"}
	}
	var out []string
	for c := range n.Children() {
		for _, rule := range unresolved(m, c, wrong) {
			if !slices.Contains(out, rule) {
				out = append(out, rule)
			}
		}
	}
	return out
}

// literalText returns the JSON of n in which each logical reference that the record resolves is
// literal, but for wrong ones.
func literalText(m *tofhir.Mapper, n fhir.Node, wrong map[string]bool) string {
	id := n.Member("identifier")
	if !n.Member("reference").Exists() {
		switch system := id.Member("system").Text(); {
		case system == unknownSystem(m) && !wrong[id.Member("value").Text()]:
			if t, ok := m.Own[id.Member("value").Text()]; ok && !t.Ref.IsZero() {
				return fmt.Sprintf(`{"reference":%q,"identifier":%s}`, t.Ref.String(), tofhir.IdentifierJSON(t.ID))
			}
		case system == m.Head.Base()+"/kindteam" && m.Content().At("kindteam").Present() && id.Member("value").Text() == m.Head.LocalID:
			return fmt.Sprintf(`{"reference":%q,"identifier":%s}`, plan.KindteamRef(m).String(), id.Raw())
		}
	}
	var parts []string
	for c := range n.Children() {
		text := literalText(m, c, wrong)
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
