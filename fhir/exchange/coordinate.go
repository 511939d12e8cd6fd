package exchange

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// Bounds of what the rules of coordination may cost a write.
const (
	maxCompared = 300 // interventions, appointments and problems of one child
	maxFound    = 100 // findings of one child that are told
	maxJudging  = time.Second
)

// ruleCoordination names the rules of coordination in the Provenance of what they write.
const ruleCoordination = "coordination"

// coordinated are the types whose writes make the rules of coordination look at their child.
var coordinated = coordination.Types()

// overlap is the rules of coordination at one unit: what they write along with it, what they tell, and which
// start they hold.
type overlap struct {
	*following
	pushed bool // a document tells what already happened: nothing is held
	timed  bool // no request did this, but a day that has come
	told   []toldIssue
	kept   []keptTable
	held   []heldStart
	acks   []coordination.Ack      // of all that is held
	beside map[fhir.Ref][]fhir.Ref // by child: goals of high priority that are not the most important one
	mark   mark
}

// toldIssue is what the caller is told of one issue.
type toldIssue struct {
	issue      fhir.Issue
	ref        fhir.Ref // of the DetectedIssue; zero: of none
	implicated []string
}

// mark is how far a draft has come, and what is told and held of it.
type mark struct {
	writes, notices, touches, told, held, kept int

	made []made
}

func (o *overlap) here() mark {
	m := mark{len(o.unit.Writes), len(o.unit.Notices), len(o.event.touches), len(o.told), len(o.held), len(o.kept), slices.Clone(o.made)}
	for i := range m.made { // what is added to one later is not of this mark
		m.made[i].writes = slices.Clip(m.made[i].writes)
	}
	return m
}

// back takes out of the draft what came after a mark.
func (o *overlap) back(m mark) {
	o.unit.Writes, o.unit.Notices = o.unit.Writes[:m.writes], o.unit.Notices[:m.notices]
	o.event.touches, o.made = o.event.touches[:m.touches], m.made
	o.told, o.held, o.kept = o.told[:m.told], o.held[:m.held], o.kept[:m.kept]
}

// coordinate runs the rules of coordination on the children whose care the unit writes about.
func (d *draft) coordinate(v Snapshot, p auth.Principal, pushed bool, e *event) (*overlap, error) {
	o := &overlap{following: d.following(v, p, e), pushed: pushed}
	return o, o.run(o.children())
}

// children are those whose care the unit writes about, sorted.
func (o *overlap) children() []fhir.Ref {
	var out []fhir.Ref
	for _, w := range o.unit.Writes {
		if !slices.Contains(coordinated, w.Ref.Type) {
			continue
		}
		for _, p := range w.Facts.Patients {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, func(a, b fhir.Ref) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (o *overlap) run(children []fhir.Ref) error {
	o.mark = o.here()
	if o.w.s.coordination == nil {
		return nil
	}
	for _, rule := range []func() error{o.important, o.closing} {
		if err := rule(); err != nil {
			return err
		}
		if o.refused != nil {
			break
		}
	}
	if o.refused != nil {
		o.unhold()
		return nil
	}
	for child := range o.beside {
		if !slices.Contains(children, child) {
			children = append(children, child)
		}
	}
	if err := o.each(children); err != nil {
		return err
	}
	o.soon()
	if err := o.attest(); err != nil {
		return err
	}
	o.unit.Relied = append(o.unit.Relied, o.known.relied...)
	if o.refused != nil {
		o.hold()
	}
	return nil
}

// each runs the rules on children, and again when what they hold was acknowledged: an acknowledgement that is
// missing for one child leaves nothing behind at another.
func (o *overlap) each(children []fhir.Ref) error {
	begun := o.here()
	for {
		for _, child := range children {
			if err := o.child(child); err != nil {
				return err
			}
		}
		if !o.answer() {
			return nil
		}
		o.back(begun)
	}
}

// child runs the rules on one child. When they fail the write goes through, and a Task asks to look again.
func (o *overlap) child(patient fhir.Ref) error {
	begun, start := o.here(), time.Now()
	err := o.judge(patient)
	if err == nil && time.Since(start) > cmp.Or(o.w.s.coordination.Patience, maxJudging) {
		err = errSlow
	}
	if err == nil || fhir.KindOf(err) == fhir.Unavailable || moved(err) {
		return err
	}
	o.w.s.log.Error("rules of coordination failed", "child", patient.ID, "error", err.Error())
	o.back(begun)
	return o.later(patient)
}

var (
	errSlow  = errors.New("the rules took too long")
	errLarge = errors.New("the child has more to compare than one write may cost")
)

// later has a child looked at again, and asks somebody to.
func (o *overlap) later(patient fhir.Ref) error {
	if k := (keptTable{child: patient.ID}); o.timed {
		o.due(&k, o.w.now.Add(tickLater))
	} else {
		o.unit.Due = append(o.unit.Due, Due{Compartment: patient.ID})
	}
	return o.ask(patient)
}

// ask writes the Task that asks to look at a child.
func (o *overlap) ask(patient fhir.Ref) error {
	owner := o.p.Organization
	if owner.IsZero() {
		f, err := o.factsOf(patient)
		if err != nil || f.Custodian.IsZero() {
			return err
		}
		owner = f.Custodian
	}
	r, err := coordination.LaterTask(patient, owner, o.w.now)
	if err != nil {
		return err
	}
	return o.write(ruleCoordination, r, owner)
}

// judge finds what overlaps and writes what follows.
func (o *overlap) judge(patient fhir.Ref) (err error) {
	defer func() {
		if p := recover(); p != nil { // what panicked may hold what nobody may read
			err = fmt.Errorf("panic with a %T", p)
		}
	}()
	k, err := o.table(patient)
	if err != nil {
		return err
	}
	result, err := o.result(patient, k.table)
	if err != nil {
		return err
	}
	if err := o.resume(patient, k.table); err != nil {
		return err
	}
	if err := o.load(patient, &k); err != nil {
		return err
	}
	if len(result.Findings)+len(result.Known) == 0 && len(k.ours) == 0 {
		o.uncoded(k.table)
		return o.keep(k)
	}
	c, err := o.situation(patient, k, result)
	if err != nil {
		return err
	}
	if again, err := o.readings(c, &k); err != nil {
		return err
	} else if again {
		if c.Result, err = o.result(patient, k.table); err != nil {
			return err
		}
	}
	out, err := o.follow(c)
	if err == nil {
		err = o.writeAll(&k, out, c.Else)
	}
	if err != nil {
		return err
	}
	o.uncoded(k.table)
	return o.keep(k)
}

// follow says what the rules write, and what of it holds a start: its issues wait.
func (o *overlap) follow(c *coordination.Case) (coordination.Outcome, error) {
	c.Acks = o.acks
	out, err := c.Follow()
	if err == nil {
		err = o.gate(c, out)
	}
	if c.Waiting = o.waiting(c); err == nil && len(c.Waiting) > 0 {
		return c.Follow()
	}
	return out, err
}

// result is what the rules say of a child, as far as one write may tell of it.
func (o *overlap) result(patient fhir.Ref, t *coordination.Table) (coordination.Result, error) {
	if t.Size() > maxCompared {
		return coordination.Result{}, errLarge
	}
	out := t.Findings(o.w.now)
	if len(out.Findings) <= maxFound {
		return out, nil
	}
	out.Findings = coordination.Gravest(out.Findings, maxFound) // somebody is asked to look at the rest
	return out, o.ask(patient)
}

// resume asks to take up what was put on hold until a day that has come.
func (o *overlap) resume(patient fhir.Ref, t *coordination.Table) error {
	for _, r := range t.Resumes() {
		f, err := o.factsOf(r.Plan)
		if err != nil {
			return err
		}
		owner := r.Org
		if owner.IsZero() {
			owner = f.Custodian
		}
		task, err := r.Task(patient, owner)
		if err != nil {
			return err
		}
		prior, err := o.stored(task.Ref())
		if err != nil {
			return err
		}
		if prior == nil && !owner.IsZero() { // else it was asked, and what became of it stands
			if err := o.write(ruleCoordination, task, f.Custodian); err != nil {
				return err
			}
		}
	}
	return nil
}

// situation gathers what the rules wrote about the child before, as it will be after the unit.
func (o *overlap) situation(patient fhir.Ref, k keptTable, result coordination.Result) (*coordination.Case, error) {
	c := &coordination.Case{Patient: patient, Now: o.w.now, Result: result, Shared: k.table.Shared, Stands: k.table.Stands, Goals: o.beside[patient]}
	var err error
	if c.Else, err = o.party(result.Findings); err != nil {
		return nil, err
	}
	if leads := k.table.Leads(); len(leads) > 0 {
		c.Owner = leads[0]
	}
	c.Find = func(ref fhir.Ref) (*fhir.Resource, error) {
		found, err := o.find(ref)
		return found.Resource, err
	}
	lists := map[fhir.Type]*[]*fhir.Resource{"DetectedIssue": &c.Issues, "Task": &c.Tasks, "Flag": &c.Flags}
	for _, ref := range k.ours {
		found, err := o.find(ref)
		if err != nil {
			return nil, err
		}
		if found.Resource != nil {
			*lists[ref.Type] = append(*lists[ref.Type], found.Resource)
		}
	}
	return c, nil
}

// writeAll puts what follows into the unit, and gathers what is told of it.
func (o *overlap) writeAll(k *keptTable, out coordination.Outcome, party fhir.Ref) error {
	for _, w := range out.Writes {
		o.announce([]*fhir.Resource{w.Resource})
		holder, err := o.keeper(w, party)
		if err != nil {
			return err
		}
		if err := o.write(ruleCoordination, w.Resource, holder); err != nil {
			return err
		}
		k.table.Put(w.Resource)
		if ref := w.Resource.Ref(); !slices.Contains(k.ours, ref) {
			k.ours = append(k.ours, apart(ref))
		}
	}
	for _, b := range out.Brought {
		o.tell(b)
	}
	return nil
}

// party is the organisation for whom the rules write: the one whose request this is, as long as it keeps something
// that is implicated; else who keeps the first that is. Nobody else is to learn who is.
func (o *overlap) party(findings []coordination.Finding) (fhir.Ref, error) {
	var about fhir.Ref
	for _, f := range findings {
		if slices.ContainsFunc(f.Implicated, o.keeps) {
			return o.p.Organization, nil
		}
		if about.IsZero() {
			text, _, _ := strings.Cut(f.Implicated[0], "#")
			about, _ = fhir.ParseRef(text)
		}
	}
	f, err := o.factsOf(about)
	return f.Custodian, err
}

// keeper is the organisation that holds what the rules write: of an issue, and of what is made of it, the one of its
// own parties for whom they write; of what is made of all issues that party.
func (o *overlap) keeper(w coordination.Written, party fhir.Ref) (fhir.Ref, error) {
	if len(w.Implicated) == 0 {
		return party, nil
	}
	return o.party([]coordination.Finding{{Implicated: w.Implicated}})
}

// keeps reports whether the caller's organisation keeps or wrote a resource, or the plan of an activity.
func (o *overlap) keeps(name string) bool {
	text, _, _ := strings.Cut(name, "#")
	ref, ok := fhir.ParseRef(text)
	if !ok || o.timed || o.p.Organization.IsZero() {
		return false
	}
	f, there := o.factsNow(ref)
	return there && (f.Custodian == o.p.Organization || f.Author == o.p.Organization)
}

// tell gathers what the caller is told of an issue: that it is, when something of its own is implicated.
func (o *overlap) tell(b coordination.Brought) {
	if !slices.ContainsFunc(b.Finding.Implicated, o.keeps) {
		return
	}
	severity := fhir.SeverityWarning
	if b.Finding.Severity == coordination.Low {
		severity = fhir.SeverityInformation
	}
	o.told = append(o.told, toldIssue{ref: b.Issue, implicated: b.Finding.Implicated, issue: fhir.Issue{
		Severity: severity, Code: "business-rule", Diagnostics: b.Finding.Rule, Text: coordination.Hint(b.Finding.Rule),
	}})
}

// writes reports whether the unit's own part writes a resource.
func (o *overlap) writes(ref string) bool {
	return slices.ContainsFunc(o.unit.Writes[:o.mark.writes], func(w Write) bool { return w.Ref.Current().String() == ref })
}
