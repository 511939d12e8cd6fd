package workflow

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Statuses of a transfer (mks.md 3.8). The others of R4 are not used.
const (
	draft      = "draft"
	requested  = "requested"
	received   = "received"
	accepted   = "accepted"
	rejected   = "rejected"
	onHold     = "on-hold"
	inProgress = "in-progress"
	completed  = "completed"
	cancelled  = "cancelled"
	mistaken   = "entered-in-error"
)

// Party is as whom somebody moves a transfer: a set, as one organisation may be several.
type Party uint8

// Parties of a transfer.
const (
	Requester Party = 1 << iota // who asks: the sender
	Owner                       // who is asked to take over: the receiver
	Holder                      // who keeps the Task, by a new version of the source record
)

// step is what a party may do with the status of a transfer.
type step struct {
	from []string
	to   string
	by   Party
	text Words // who does it, for the refusal of another step
}

var (
	open = []string{draft, requested, received, accepted, inProgress, onHold}
	all  = append(slices.Clone(open), rejected, completed, cancelled, mistaken)
)

// steps is the state machine of a transfer: mks.md 3.8 with the rows of access.md 5. A source record
// may begin its transfer anew, withdraw it, or put it in the place of a draft (mks.md 2.7).
var steps = []step{
	{[]string{draft}, requested, Requester, dutch("the sender requests", "de verzender haar aanvraagt")},
	{[]string{requested}, received, Owner, dutch("the receiver marks it received", "de ontvanger de ontvangst meldt")},
	{[]string{requested, received}, accepted, Owner, dutch("the receiver accepts", "de ontvanger aanvaardt")},
	{[]string{requested, received}, rejected, Owner, dutch("the receiver rejects", "de ontvanger weigert")},
	{[]string{accepted}, inProgress, Owner, dutch("the receiver begins", "de ontvanger begint")},
	{[]string{accepted, inProgress}, completed, Owner, dutch("the receiver completes", "de ontvanger voltooit")},
	{[]string{requested, received, accepted, inProgress}, onHold, Owner | Requester, dutch("sender or receiver puts it on hold", "verzender of ontvanger haar aanhoudt")},
	{[]string{onHold}, inProgress, Owner | Requester, dutch("sender or receiver goes on", "verzender of ontvanger verdergaat")},
	{open, cancelled, Owner | Requester, dutch("sender or receiver cancels", "verzender of ontvanger haar afbreekt")},
	{all, requested, Holder, Words{}},
	{all, draft, Holder, Words{}},
	{all, cancelled, Holder, Words{}},
	{all, mistaken, Holder, Words{}},
}

// beginnings are the statuses in which a transfer may be made.
var beginnings = []string{draft, requested}

// Rule ids of refusals.
const (
	ruleStep      = "task-transition"
	ruleParties   = "transfer-parties"
	ruleReadiness = "transfer-readiness"
)

// IsTransfer reports whether a Task carries a transfer.
func IsTransfer(task *fhir.Resource) bool {
	return task != nil && task.Type() == "Task" && coded(task.Root(), snomed, transferCode, "code", "coding")
}

// Move judges a write of a transfer: the step from the status before to the one after, and that what
// was asked of whom stays. Nil: it may. before is nil for a new one.
func Move(before, after *fhir.Resource, by Party) []fhir.Issue {
	to := status(after)
	if before == nil {
		if slices.Contains(beginnings, to) || by&Holder != 0 {
			return nil
		}
		return fault(ruleStep, "Task.status", dutch(
			"A transfer begins as draft or requested; what follows is for the receiver.",
			"Een overdracht begint als draft of requested; wat volgt is aan de ontvanger."))
	}
	var out []fhir.Issue
	if from := status(before); from != to && !slices.ContainsFunc(steps, func(s step) bool { return s.to == to && s.open(from, by) }) {
		out = fault(ruleStep, "Task.status", refusalOf(from))
	}
	if by&Holder != 0 {
		return out
	}
	out = append(out, sameParties(before, after)...)
	return append(out, sameReadiness(before, after)...)
}

func (s step) open(from string, by Party) bool { return slices.Contains(s.from, from) && s.by&by != 0 }

// refusalOf says what a transfer can become, and by whom.
func refusalOf(from string) Words {
	var en, nl []string
	for _, s := range steps {
		if s.text != (Words{}) && slices.Contains(s.from, from) {
			en, nl = append(en, s.text.EN+" ("+s.to+")"), append(nl, s.text.NL+" ("+s.to+")")
		}
	}
	if len(en) == 0 {
		return dutch(
			"This transfer is over and its status stays as it is; a new transfer needs a Task of its own.",
			"Deze overdracht is afgelopen en haar status blijft zoals die is; een nieuwe overdracht krijgt een eigen Task.")
	}
	return dutch("From its status this transfer goes on when %s.", "Vanuit deze status gaat de overdracht verder wanneer %s.").
		with(dutch(strings.Join(en, ", "), strings.Join(nl, ", ")))
}

// fixed are the members of a transfer that stay once it was sent.
var fixed = []string{"code", "focus", "for", "requester", "owner"}

// sameParties refuses to change what was asked of whom after the transfer was sent: another receiver
// would step into what the first one accepted.
func sameParties(before, after *fhir.Resource) []fhir.Issue {
	if status(before) == draft {
		return nil
	}
	var out []fhir.Issue
	for _, name := range fixed {
		if !fhir.Equal(before.Root().Member(name), after.Root().Member(name)) {
			out = append(out, fault(ruleParties, "Task."+name, dutch(
				"A transfer that was sent keeps its code, document, child, sender and receiver; cancel it and make a new one.",
				"Een verstuurde overdracht houdt haar code, document, kind, verzender en ontvanger; breek haar af en maak een nieuwe."))...)
		}
	}
	return out
}

// sameReadiness lets a party add an answered form of readiness, with a note that says why, and take
// none away (mks.md 7.1).
func sameReadiness(before, after *fhir.Resource) []fhir.Issue {
	was, is := readinessInputs(before.Root()), readinessInputs(after.Root())
	if len(is) == len(was) && slices.EqualFunc(was, is, fhir.Equal) {
		return nil
	}
	kept := len(is) > len(was) && slices.EqualFunc(was, is[:len(was)], fhir.Equal)
	noted := after.Root().Member("note").Len() > before.Root().Member("note").Len()
	if kept && noted {
		return nil
	}
	return fault(ruleReadiness, "Task.input", dutch(
		"The forms of readiness stay; add a new one behind them, together with a note that says why.",
		"De formulieren van ontslaggereedheid blijven; voeg er een nieuw achter toe, met een notitie die zegt waarom."))
}

// readinessInputs are the inputs of a Task that name an answered form of readiness.
func readinessInputs(task fhir.Node) []fhir.Node {
	var out []fhir.Node
	for in := range task.All("input") {
		if coded(in, categorySystem, readinessCode, "type", "coding") {
			out = append(out, in)
		}
	}
	return out
}

func status(r *fhir.Resource) string {
	if r == nil {
		return ""
	}
	return r.Root().Member("status").Text()
}

// Transfer is a transfer Task with what it refers to.
type Transfer struct {
	Task      *fhir.Resource
	Patient   fhir.Ref
	Sender    fhir.Ref // Organization; zero: not known
	Receiver  fhir.Ref // Organization; zero: not known
	Direction string   // code of richting; "" when no document says
	Document  fhir.Ref // the Composition of the sender about this child; zero: there is none
	document  *mapping.Found
}

// ReadTransfer looks up what a transfer Task refers to. The custodian of the Task is its sender: who
// names another one, or the document of another, shares nothing by it.
func ReadTransfer(k Known, task *fhir.Resource, custodian fhir.Ref) (Transfer, error) {
	const op = "workflow.ReadTransfer"
	n := task.Root()
	t := Transfer{Task: task, Patient: refAt(n, "for")}
	var err error
	if t.Sender, err = organization(k, refAt(n, "requester")); err != nil {
		return t, fhir.Wrap(op, err)
	}
	if t.Sender.IsZero() { // a name that no record has explained yet
		t.Sender = custodian.Current()
	}
	if t.Receiver, err = organization(k, refAt(n, "owner")); err != nil {
		return t, fhir.Wrap(op, err)
	}
	focus := refAt(n, "focus")
	if focus.Type != "Composition" {
		return t, nil
	}
	f, err := k.Read(focus)
	if err != nil || f == nil || t.Patient.IsZero() || refAt(f.Resource.Root(), "subject") != t.Patient {
		return t, fhir.Wrap(op, err)
	}
	if f.Custodian.Current() == t.Sender && custodian.Current() == t.Sender && !t.Sender.IsZero() {
		t.Direction, t.Document, t.document = direction(f.Resource.Root()), focus, f
	}
	return t, nil
}

// direction returns the richting of a transfer document.
func direction(n fhir.Node) string {
	for c := range n.All("category", "coding") {
		if c.Member("system").Text() == directionSystem {
			return c.Member("code").Text()
		}
	}
	return extension(n, "richting").Member("valueCode").Text()
}

// extension returns the first extension of ours of that name.
func extension(n fhir.Node, name string) fhir.Node {
	for e := range n.All("extension") {
		if e.Member("url").Text() == structures+name {
			return e
		}
	}
	return fhir.Node{}
}

// part returns a part of a complex extension.
func part(n fhir.Node, name string) fhir.Node {
	for e := range n.All("extension") {
		if e.Member("url").Text() == name {
			return e
		}
	}
	return fhir.Node{}
}

// organization returns the organisation that a party of a Task is, or works for.
func organization(k Known, party fhir.Ref) (fhir.Ref, error) {
	switch party.Type {
	case "Organization":
		return party, nil
	case "PractitionerRole":
		f, err := k.Read(party)
		if err != nil || f == nil {
			return fhir.Ref{}, err
		}
		return refAt(f.Resource.Root(), "organization"), nil
	}
	return fhir.Ref{}, nil
}

// Accepted reports whether the receiver has accepted, with the implied consent that is stored for it:
// what was put on hold may have been accepted before, or not.
func Accepted(task, consent *fhir.Resource) bool {
	switch status(task) {
	case accepted, inProgress, completed:
		return true
	case onHold:
		return consent != nil
	}
	return false
}

// Accepts reports whether a step of the receiver is the acceptance: to accepted, or on from a hold that
// came before any.
func Accepts(before, after, consent *fhir.Resource, by Party) bool {
	from, to := status(before), status(after)
	return from != to && (to == accepted || from == onHold && to == inProgress && by&Owner != 0 && consent == nil)
}

// Unaccepted refuses that a sender goes on with what the receiver never accepted.
func Unaccepted(before, after, consent *fhir.Resource, by Party) []fhir.Issue {
	if status(before) == onHold && status(after) == inProgress && by&Owner == 0 && consent == nil {
		return fault(ruleStep, "Task.status", dutch(
			"The receiver has not accepted this transfer; it goes on when the receiver says so (in-progress).",
			"De ontvanger heeft deze overdracht niet aanvaard; zij gaat verder wanneer de ontvanger dat zegt (in-progress)."))
	}
	return nil
}

// Completes reports whether a step completes a transfer.
func Completes(before, after *fhir.Resource) bool {
	return status(after) == completed && status(before) != completed
}
