package workflow

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Directions of a transfer (list richting).
const (
	toHome     = "ziekenhuis-naar-huis"
	toProvider = "aanbieder-naar-aanbieder"
	toAdult    = "naar-volwassenenzorg"
)

// Check is one condition on which a transfer completes (mks.md 7.1, 7.3).
type Check struct {
	ID     string // G1 to G8
	OK     bool
	Unseen bool  // what it rests on was not there to be looked at, so that it says nothing
	Advice bool  // never blocks
	Text   Words // what has to be true
	Who    Words // who has to see to it
}

// Who has to do something. Read only.
var (
	receiver     = dutch("receiver", "ontvanger")
	sendingNurse = dutch("sending nurse", "overdragende verpleegkundige")
	coordinator  = dutch("zorgcoordinator", "zorgcoördinator")
	parent       = dutch("parent", "ouder")
)

// condition is a row of the gate.
type condition struct {
	id         string
	directions []string // none: all
	advice     bool
	who, text  Words
	holds      func(*evidence) (ok, seen bool)
}

var conditions = []condition{
	{id: "G1", who: receiver, text: dutch("The receiver has accepted the transfer.", "De ontvanger heeft de overdracht aanvaard."),
		holds: func(e *evidence) (bool, bool) { return e.accepted, true }},
	{id: "G2", directions: []string{toHome}, who: sendingNurse, text: dutch("Care at home is arranged (zorgThuisGeregeld).", "De zorg thuis is geregeld (zorgThuisGeregeld)."),
		holds: func(e *evidence) (bool, bool) { return e.yes("og.zorg"), e.form.Exists() }},
	{id: "G3", directions: []string{toHome}, who: sendingNurse, text: dutch("Materials are delivered (materialenGeleverd).", "De materialen zijn geleverd (materialenGeleverd)."),
		holds: func(e *evidence) (bool, bool) { return e.yes("og.materialen"), e.form.Exists() }},
	{id: "G4", directions: []string{toHome}, who: sendingNurse, text: dutch(
		"At least one parent is trained, and everybody who was trained is competent (oudersGetraind).",
		"Minstens één ouder is getraind, en wie getraind is, is bekwaam (oudersGetraind)."),

		holds: func(e *evidence) (bool, bool) { return e.trainedAll(), e.form.Exists() }},
	{id: "G5", directions: []string{toHome}, who: coordinator, text: dutch(
		"Every parent who does a reserved action has a record of competence (bekwaam) or a training.",
		"Van elke ouder die een voorbehouden handeling doet, is bekwaamheid vastgelegd (bekwaam) of een training."),

		holds: func(e *evidence) (bool, bool) { return e.able(), true }},
	{id: "G6", directions: []string{toHome}, who: sendingNurse, text: dutch(
		"There is a telephone number for 24 hours (aanspreekpunt24u).", "Er is een telefoonnummer voor 24 uur (aanspreekpunt24u)."),

		holds: func(e *evidence) (bool, bool) { return len(answersTo(e.form, "og.telefoon")) > 0, e.form.Exists() }},
	{id: "G7", directions: []string{toHome}, advice: true, who: sendingNurse, text: dutch(
		"Family, hospital nurse and home-care nurse have talked (drieluikgesprek); this is advice.",
		"Gezin, ziekenhuisverpleegkundige en thuiszorgverpleegkundige hebben elkaar gesproken (drieluikgesprek); dit is een advies."),

		holds: func(e *evidence) (bool, bool) { return e.talked, e.talked }},
	{id: "G8", directions: []string{toProvider, toAdult}, who: dutch("zorgcoordinator of the sender", "zorgcoördinator van de verzender"), text: dutch(
		"The latest evaluation of the sender is the closing one (afsluitend).", "De laatste evaluatie van de verzender is de afsluitende (afsluitend)."),

		holds: func(e *evidence) (bool, bool) { return e.closed, e.closed }},
}

// evidence is what the gate looks at.
type evidence struct {
	accepted bool
	form     fhir.Node // the answered form of readiness that counts
	plans    []*mapping.Found
	talked   bool
	closed   bool
}

// Gate judges whether a transfer can complete; before is the Task as it is stored. whole tells that k
// holds all that is stored, so that what is not there is missing; else it may be hidden.
func (t Transfer) Gate(k Known, before *fhir.Resource, whole bool) ([]Check, error) {
	e, err := t.evidence(k, before)
	if err != nil {
		return nil, fhir.Wrap("workflow.Gate", err)
	}
	var out []Check
	for _, c := range conditions {
		if len(c.directions) > 0 && !slices.Contains(c.directions, t.Direction) {
			continue
		}
		ok, seen := c.holds(e)
		out = append(out, Check{ID: c.id, OK: ok, Unseen: !ok && !seen && !whole, Advice: c.advice, Text: c.text, Who: c.who})
	}
	return out, nil
}

// Open reports whether every check that can block holds.
func Open(checks []Check) bool {
	return !slices.ContainsFunc(checks, func(c Check) bool { return !c.OK && !c.Advice })
}

var (
	needed = dutch(
		"The transfer cannot complete yet. Needed: %s To be seen to by: %s.",
		"De overdracht kan nog niet worden voltooid. Nodig: %s Te regelen door: %s.")
	unseen = dutch(
		"%s Whether it is so rests on what you may not see, or is not there.",
		"%s Of dat zo is, hangt af van wat u niet mag zien of wat er niet is.")
)

// Said is what a reader is told of the check: what has to be true and, where nothing is said of it, why.
func (c Check) Said() Words {
	if c.Unseen {
		return unseen.with(c.Text)
	}
	return c.Text
}

// Closed returns an issue for each check that keeps a transfer from completing.
func Closed(checks []Check) []fhir.Issue {
	var out []fhir.Issue
	for _, c := range checks {
		if !c.OK && !c.Advice {
			out = append(out, fault(c.ID, "Task.status", needed.with(c.Text, c.Who))...)
		}
	}
	return out
}

func (t Transfer) evidence(k Known, before *fhir.Resource) (*evidence, error) {
	e := &evidence{}
	consent, err := k.Read(ConsentOf(t.Patient, t.Task.Ref()))
	if err != nil {
		return nil, err
	}
	e.accepted = Accepted(before, treeOf(consent))
	if e.form, err = t.readiness(k); err != nil {
		return nil, err
	}
	if t.Patient.IsZero() {
		return e, nil
	}
	found, err := k.Child(t.Patient, "CarePlan", "Encounter")
	if err != nil {
		return nil, err
	}
	var last *mapping.Found
	for _, f := range found {
		switch {
		case f.Resource.Type() == "CarePlan":
			if t.isParty(f.Custodian) {
				e.plans = append(e.plans, f)
			}
		case t.isTalk(f):
			e.talked = true
		case t.isEvaluation(f) && (last == nil || began(f) > began(last)):
			last = f
		}
	}
	e.closed = last != nil && coded(last.Resource.Root(), evaluationSystem, "afsluitend", "type", "coding")
	return e, nil
}

// isParty reports whether an organisation sends or receives the transfer. What a third one keeps neither
// opens the gate nor closes it, so that the gate tells nothing of it.
func (t Transfer) isParty(org fhir.Ref) bool {
	return !org.IsZero() && (org.Current() == t.Sender || org.Current() == t.Receiver)
}

func treeOf(f *mapping.Found) *fhir.Resource {
	if f == nil {
		return nil
	}
	return f.Resource
}

// readiness returns the answered form that counts: the last that the Task names, of a party, about this
// child and complete.
func (t Transfer) readiness(k Known) (fhir.Node, error) {
	inputs := readinessInputs(t.Task.Root())
	for _, in := range slices.Backward(inputs) {
		ref := refAt(in, "valueReference")
		if ref.Type != "QuestionnaireResponse" {
			continue
		}
		f, err := k.Read(ref)
		if err != nil {
			return fhir.Node{}, err
		}
		if f != nil && t.isParty(f.Custodian) && answered(f.Resource) && refAt(f.Resource.Root(), "subject") == t.Patient {
			return f.Resource.Root(), nil
		}
	}
	return fhir.Node{}, nil
}

// answered reports whether a QuestionnaireResponse is complete.
func answered(r *fhir.Resource) bool { return status(r) == "completed" || status(r) == "amended" }

// answersTo returns the answers to every item of a linkId, in groups too.
func answersTo(n fhir.Node, link string) []fhir.Node {
	var out []fhir.Node
	for item := range n.All("item") {
		if item.Member("linkId").Text() == link {
			out = slices.AppendSeq(out, item.All("answer"))
		}
		out = append(out, answersTo(item, link)...)
	}
	return out
}

func (e *evidence) yes(link string) bool {
	all := answersTo(e.form, link)
	return len(all) > 0 && all[len(all)-1].Member("valueBoolean").Text() == "true"
}

// trainings are the groups of the form that tell of a training.
func (e *evidence) trainings() []fhir.Node {
	var out []fhir.Node
	for item := range e.form.All("item") {
		if item.Member("linkId").Text() == "og.training" {
			out = append(out, item)
		}
	}
	return out
}

func competent(training fhir.Node) bool {
	all := answersTo(training, "og.training.bekwaam")
	return len(all) > 0 && all[0].Member("valueBoolean").Text() == "true"
}

func (e *evidence) trainedAll() bool {
	all := e.trainings()
	return len(all) > 0 && !slices.ContainsFunc(all, func(t fhir.Node) bool { return !competent(t) })
}

// able reports whether every parent who does a reserved action in force has bekwaam or a training.
func (e *evidence) able() bool {
	trained := map[fhir.Ref]bool{}
	for _, t := range e.trainings() {
		for _, who := range answersTo(t, "og.training.wie") {
			if competent(t) {
				trained[refAt(who, "valueReference")] = true
			}
		}
	}
	for _, f := range e.plans {
		if who, needed := needsTraining(f.Resource.Root()); needed && (who.IsZero() || !trained[who]) {
			return false
		}
	}
	return true
}

// needsTraining returns the parent who does a reserved action of a plan in force without bekwaam.
func needsTraining(plan fhir.Node) (fhir.Ref, bool) {
	action := extension(plan, "actie")
	if plan.Member("status").Text() != "active" || part(action, "voorbehouden").Member("valueBoolean").Text() != "true" ||
		part(action, "uitvoerderSoort").Member("valueCode").Text() != "ouder" || part(action, "bekwaam").Exists() {
		return fhir.Ref{}, false
	}
	return refAt(plan, "activity", "detail", "performer"), true
}

// isTalk reports whether an Encounter is the three-way talk of this transfer, held.
func (t Transfer) isTalk(f *mapping.Found) bool {
	return t.document != nil && status(f.Resource) == "finished" && coded(f.Resource.Root(), categorySystem, "drieluikgesprek", "type", "coding") &&
		f.Custodian.Current() == t.Sender && source(f.Resource) == source(t.document.Resource)
}

// source is the source record of a resource, whatever its version.
func source(r *fhir.Resource) string {
	text := r.Root().At("meta", "source").Text()
	base, fragment, _ := strings.Cut(text, "#")
	if parts := strings.Split(fragment, "/"); len(parts) == 3 {
		return base + "#" + parts[0] + "/" + parts[1]
	}
	return text
}

// isEvaluation reports whether an Encounter is an evaluation that the sender held.
func (t Transfer) isEvaluation(f *mapping.Found) bool {
	if status(f.Resource) != "finished" || f.Custodian.Current() != t.Sender {
		return false
	}
	for c := range f.Resource.Root().All("type", "coding") {
		if c.Member("system").Text() == evaluationSystem {
			return true
		}
	}
	return false
}

// began is the time of an Encounter as it can be compared.
func began(f *mapping.Found) string {
	at, ok := moment(f.Resource.Root().At("period", "start").Text())
	if !ok {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05.000000000")
}
