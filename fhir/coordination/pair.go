package coordination

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// pair is two interventions of different organisations that do not know of each other.
type pair struct {
	a, b     *intervention // by ref
	known    bool          // they know, by the mitigation of an issue alone
	findings []Finding
}

func comparePairs(p, q *pair) int {
	return cmp.Or(strings.Compare(p.a.ref, q.a.ref), strings.Compare(p.b.ref, q.b.ref))
}

// merge returns the pairs of both sorted lists, but for old ones of what is gone, sorted.
func merge(old, fresh []*pair, gone map[*intervention]struct{}) []*pair {
	out := make([]*pair, 0, len(old)+len(fresh))
	var last *intervention // the list is sorted by it
	over := false
	for _, p := range old {
		if p.a != last {
			last = p.a
			_, over = gone[p.a]
		}
		if over {
			continue
		}
		if _, over := gone[p.b]; over {
			continue
		}
		for len(fresh) > 0 && comparePairs(fresh[0], p) < 0 {
			out, fresh = append(out, fresh[0]), fresh[1:]
		}
		out = append(out, p)
	}
	return append(out, fresh...)
}

// pair judges two interventions; nil when they are none.
func (t *Table) pair(x, y *intervention) *pair {
	if x == y || x.org == y.org || x.org.IsZero() || y.org.IsZero() || t.linked(x, y) {
		return nil
	}
	p := &pair{a: x, b: y, known: t.mitigated(x, y)}
	if y.ref < x.ref {
		p.a, p.b = y, x
	}
	for _, rule := range pairRules {
		if f, ok := rule.holds(t, p.a, p.b); ok {
			f.Rule, f.Implicated = rule.code, []string{p.a.ref, p.b.ref}
			p.findings = append(p.findings, f)
		}
	}
	return p
}

// linked reports whether those behind two interventions know of each other, but for what an issue says.
func (t *Table) linked(x, y *intervention) bool {
	return len(meet(x.plans, y.plans)) > 0 || len(meet(x.teams, y.teams)) > 0 ||
		x.requisition != "" && x.requisition == y.requisition || len(meet(x.names, y.names)) > 0 ||
		slices.Contains(x.ancestors, y.carrier) || slices.Contains(y.ancestors, x.carrier) ||
		t.hasRead(x.org, y) && t.hasRead(y.org, x)
}

func (t *Table) hasRead(org fhir.Ref, of *intervention) bool {
	at, ok := t.seen[reading{org, of.carrier}]
	return ok && !at.Before(t.updated(of))
}

// mitigated reports whether an issue about both was acknowledged after both were written, to the second.
func (t *Table) mitigated(x, y *intervention) bool {
	after := func(i *issue, z *intervention) bool { return !i.mitigated.Before(t.updated(z).Truncate(time.Second)) }
	for _, i := range t.issues[x.ref] {
		if (i.ours || !t.s.OwnIssues) && slices.Contains(i.implicated, y.ref) && after(i, x) && after(i, y) {
			return true
		}
	}
	return false
}

type pairRule struct {
	code  string
	holds func(t *Table, x, y *intervention) (Finding, bool)
}

// pairRules are the rules about two interventions.
var pairRules = []pairRule{{SameNeed, sameNeed}, {Unaware, unaware}, {SameAct, sameAct}, {Contradiction, contradiction}}

// sameNeed finds a need for which two receivers were asked, or one is asked while another acts.
func sameNeed(t *Table, x, y *intervention) (Finding, bool) {
	needs := meet(x.needs, y.needs)
	if x.stop || y.stop || x.activity && y.activity || len(needs) == 0 {
		return Finding{}, false
	}
	switch {
	case !x.activity && !y.activity:
		if x.authored != noDay && y.authored != noDay && max(x.authored-y.authored, y.authored-x.authored) > day(t.s.of(x.org, y.org).O1Days) {
			return Finding{}, false
		}
	case x.activity && x.days.before(span{start: y.authored}), y.activity && y.days.before(span{start: x.authored}):
		return Finding{}, false
	}
	f := Finding{Severity: Moderate, Evidence: needCodings(needs)}
	if x.urgent || y.urgent {
		f.Severity = Low
	}
	return f, true
}

// unaware finds an activity that is soon to start beside another.
func unaware(t *Table, x, y *intervention) (Finding, bool) {
	days := day(t.s.of(x.org, y.org).O2Days)
	soon := func(z *intervention) bool {
		return z.days.start != noDay && z.days.start >= t.today && z.days.start-t.today <= days
	}
	waits := func(z *intervention) bool { return z.held && z.days.start == noDay }
	if !bothDone(x, y) || !x.days.overlaps(y.days) || waits(x) || waits(y) || !soon(x) && !soon(y) {
		return Finding{}, false
	}
	return Finding{Severity: High, Evidence: needCodings(meet(x.needs, y.needs))}, true
}

// sameAct finds one thing that is done twice.
func sameAct(_ *Table, x, y *intervention) (Finding, bool) {
	codes, needs := meet(x.codes, y.codes), meet(x.needs, y.needs)
	if !bothDone(x, y) || len(codes) == 0 || len(needs) == 0 || !x.days.overlaps(y.days) {
		return Finding{}, false
	}
	return Finding{Severity: Moderate, Evidence: append(codes, needCodings(needs)...)}, true
}

// contradiction finds what one does and the other forbids, or undoes.
func contradiction(t *Table, x, y *intervention) (Finding, bool) {
	if !x.days.overlaps(y.days) || x.stop && y.stop {
		return Finding{}, false
	}
	codes := meet(x.codes, y.codes)
	if !x.stop && !y.stop {
		codes = t.contrary(x, y)
	}
	return Finding{Severity: High, Evidence: codes}, len(codes) > 0
}

// contrary returns the codes of x and y of which one undoes the other.
func (t *Table) contrary(x, y *intervention) []Coding {
	for _, c := range t.s.Contradictions {
		one, other := Coding{actSystem, c[0]}, Coding{actSystem, c[1]}
		if slices.Contains(x.codes, one) && slices.Contains(y.codes, other) || slices.Contains(x.codes, other) && slices.Contains(y.codes, one) {
			return []Coding{one, other}
		}
	}
	return nil
}

// bothDone reports whether both are activities that are to be done.
func bothDone(x, y *intervention) bool { return x.activity && y.activity && !x.stop && !y.stop }
