package coordination

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Case is what the rules say of one child, with what is stored of what they said before.
type Case struct {
	Patient fhir.Ref
	Now     time.Time
	Result  Result
	Issues  []*fhir.Resource // DetectedIssues of these rules, of any status
	Tasks   []*fhir.Resource // Tasks samordna-insatser, of any status
	Flags   []*fhir.Resource // Flags of these rules
	Acks    []Ack
	Waiting []fhir.Ref // issues that hold a start of the unit, which is not stored
	Goals   []fhir.Ref // that are put beside what is most important now
	Owner   fhir.Ref   // who coordinates; zero: nobody
	Else    fhir.Ref   // who owns a Task when nobody coordinates
	// Find returns a resource that is implicated, nil when there is none.
	Find func(fhir.Ref) (*fhir.Resource, error)
	// Shared reports whether two interventions stand in one plan.
	Shared func(a, b string) bool
	// Stands reports whether an intervention is there.
	Stands func(name string) bool
}

// Written is a resource that the rules write: new, or the next version of what is stored.
type Written struct {
	Resource   *fhir.Resource
	Implicated []string // by the issue that it is, or is made of; none: it is made of all of them
}

// Brought is an issue that is found now and was not open before, or has changed.
type Brought struct {
	Issue   fhir.Ref
	Finding Finding
}

// Outcome is what becomes of a Case. The same case again writes nothing.
type Outcome struct {
	Writes  []Written
	Brought []Brought
	Open    []Brought // all that are preliminary
}

// Follow says what the rules write.
func (c *Case) Follow() (Outcome, error) {
	f := follower{Case: c, stored: map[fhir.Ref]*fhir.Resource{}, now: map[fhir.Ref]*fhir.Resource{}, settled: map[string][]string{}}
	for _, r := range c.Issues {
		f.stored[r.Ref()] = r
	}
	for _, step := range []func() error{f.found, f.known, f.waiting, f.gone, f.flags, f.task} {
		if err := step(); err != nil {
			return Outcome{}, err
		}
	}
	return f.out, nil
}

type follower struct {
	*Case
	stored  map[fhir.Ref]*fhir.Resource
	now     map[fhir.Ref]*fhir.Resource // issues after the step, by ref
	open    []Brought                   // issues that are preliminary, with those of starts that wait
	settled map[string][]string         // by rule: what is implicated by issues that hold a start now, or were acknowledged
	out     Outcome
}

// keep takes an issue as it is now, and writes it when it is not as it was.
func (f *follower) keep(r *fhir.Resource) bool {
	f.now[r.Ref()] = r
	if old := f.stored[r.Ref()]; old != nil && string(old.Bytes()) == string(r.Bytes()) {
		return false
	}
	f.out.Writes = append(f.out.Writes, Written{r, ImplicatedBy(r.Root())})
	return true
}

func statusOf(r *fhir.Resource) string { return r.Root().Member("status").Text() }

// found follows what is found now.
func (f *follower) found() error {
	for _, x := range f.Result.Findings {
		ref := IssueOf(f.Patient, x)
		old := f.stored[ref]
		if old != nil && statusOf(old) == "entered-in-error" {
			f.now[ref] = old
			continue
		}
		r, err := f.issue(old, x)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(f.Acks, func(a Ack) bool { return a.Issue == ref })
		if at >= 0 && statusOf(r) == Preliminary {
			if r, err = mitigatedBy(r, Final, f.Acks[at].mitigation(f.Now)); err != nil {
				return err
			}
		}
		waits := statusOf(r) == Preliminary && slices.Contains(f.Waiting, ref)
		if r, err = marked(r, waits); err != nil {
			return err
		}
		if waits || at >= 0 {
			f.settled[x.Rule] = append(f.settled[x.Rule], x.Implicated...)
		}
		b := Brought{ref, x}
		changed := f.keep(r)
		if statusOf(r) != Preliminary {
			continue
		}
		f.open = append(f.open, b)
		if f.out.Open = append(f.out.Open, b); changed {
			f.out.Brought = append(f.out.Brought, b)
		}
	}
	return nil
}

// issue is the issue of a finding as it is now: one that was cancelled is open again.
func (f *follower) issue(old *fhir.Resource, x Finding) (*fhir.Resource, error) {
	if old == nil {
		return f.newIssue(x)
	}
	r, err := f.renewed(old, x)
	if err == nil && statusOf(r) == Cancelled {
		r, err = withStatus(r, Preliminary)
	}
	return r, err
}

// known follows what is silent because its own issue was acknowledged: that one is final, or the coordinator
// said that there is no issue.
func (f *follower) known() error {
	for _, x := range f.Result.Known {
		old := f.stored[IssueOf(f.Patient, x)]
		if old == nil || !old.Root().Member("mitigation").Exists() {
			continue
		}
		r, err := old, error(nil)
		if statusOf(old) == Preliminary {
			r, err = withStatus(old, Final)
		}
		if err != nil {
			return err
		}
		f.keep(r)
	}
	return nil
}

// waits reports whether an issue that is not found is that of a start which waits: not for longer than it may, not
// for what is there no longer, and not when the start was repeated.
func (f *follower) waits(issue *fhir.Resource) bool {
	n := issue.Root()
	since, err := time.Parse(time.RFC3339, n.At("meta", "lastUpdated").Text())
	if statusOf(issue) != Preliminary || !isWaiting(n) || err != nil || f.Now.Sub(since) > waitDays*24*time.Hour {
		return false
	}
	names := ImplicatedBy(n)
	again := func(name string) bool { return slices.Contains(f.settled[RuleOf(n)], name) }
	return slices.ContainsFunc(names, f.Stands) && !slices.ContainsFunc(names, again)
}

// waiting leaves the issues of starts that wait as they are.
func (f *follower) waiting() error {
	for _, old := range f.Issues {
		if f.now[old.Ref()] == nil && f.waits(old) {
			f.now[old.Ref()] = old
			f.open = append(f.open, Brought{old.Ref(), Finding{
				Rule: RuleOf(old.Root()), Severity: old.Root().Member("severity").Text(), Implicated: ImplicatedBy(old.Root()),
			}})
		}
	}
	return nil
}

// replaced reports whether the start of an issue waits on under another id.
func (f *follower) replaced(issue *fhir.Resource) bool {
	names := ImplicatedBy(issue.Root())
	for _, r := range f.now {
		if n := r.Root(); statusOf(r) == Preliminary && isWaiting(n) && RuleOf(n) == RuleOf(issue.Root()) && len(meet(names, ImplicatedBy(n))) > 0 {
			return true
		}
	}
	return false
}

// gone cancels what is found no longer. The mark of a start that waits goes with the wait: its acknowledgement serves
// once.
func (f *follower) gone() error {
	for _, old := range f.Issues {
		status, waited := statusOf(old), isWaiting(old.Root()) && !f.replaced(old)
		if f.now[old.Ref()] != nil || status != Preliminary && status != Final && (status != Cancelled || !waited) {
			continue
		}
		r, err := withStatus(old, Cancelled)
		if err == nil && waited {
			r, err = marked(r, false)
		}
		names := ImplicatedBy(old.Root())
		if err == nil && f.Shared != nil && len(names) == 2 && f.Shared(names[0], names[1]) {
			r, err = mitigatedBy(r, Cancelled, mitigation{Action: codedAs(actionSystem, "gemensam-plan"), Date: stamp(f.Now)})
		}
		if err != nil {
			return err
		}
		f.keep(r)
	}
	return nil
}
