package coordination

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// ofWhole is room for what is found of the whole of a child.
const ofWhole = 8

// result gathers what pairs and the whole of the child say.
func (t *Table) result() Result {
	var out Result
	n := 0
	for _, p := range t.pairs {
		n += len(p.findings)
	}
	if n > 0 {
		out.Findings = make([]Finding, 0, n+ofWhole)
	}
	for _, p := range t.pairs {
		if p.known {
			out.Known = append(out.Known, p.findings...)
		} else {
			out.Findings = append(out.Findings, p.findings...)
		}
	}
	out.Findings = append(out.Findings, t.load()...)
	out.Findings = append(out.Findings, t.clashes()...)
	out.Findings = append(out.Findings, t.dropped()...)
	out.Findings = append(out.Findings, t.headless(t.apart())...)
	if len(out.Findings) == 0 {
		out.Findings = nil
	}
	return out
}

// apart are the plans with activities of organisations that do not know of each other.
func (t *Table) apart() []fhir.Ref {
	stand := map[*intervention]struct{}{}
	var last *intervention // the pairs are sorted by it
	for _, p := range t.pairs {
		if p.known || !p.a.activity || !p.b.activity {
			continue
		}
		if p.a != last {
			last = p.a
			stand[p.a] = struct{}{}
		}
		stand[p.b] = struct{}{}
	}
	var plans []fhir.Ref
	for x := range stand {
		if !slices.Contains(plans, x.shown) {
			plans = append(plans, x.shown)
		}
	}
	return plans
}

// load finds too many starts of several organisations within few weeks, else too many minutes a week (O5).
func (t *Table) load() []Finding {
	var starts, busy []*intervention
	limits := t.Limits()
	reach := day(limits.O5Days)
	minutes := 0
	for _, x := range t.all {
		if !x.activity || x.stop || x.held {
			continue
		}
		if s := x.days.start; s != noDay && max(s-t.today, t.today-s) <= reach {
			starts = append(starts, x)
		}
		if x.minutes > 0 && (x.days.end == noDay || x.days.end >= t.today) && (x.days.start == noDay || x.days.start-t.today <= reach) {
			busy = append(busy, x)
			minutes += x.minutes
		}
	}
	slices.SortFunc(starts, func(a, b *intervention) int {
		return cmp.Or(cmp.Compare(a.days.start, b.days.start), strings.Compare(a.ref, b.ref))
	})
	window := window(starts, limits)
	if window == nil && minutes <= limits.O5Minutes {
		return nil
	}
	n := len(window)
	if window == nil {
		window, n = busy, len(starts)
	}
	return []Finding{{
		Rule: Load, Severity: Moderate, Implicated: refsOf(window), Text: fmt.Sprintf("%d starts, %d minutes a week", n, minutes),
	}}
}

// window returns the first window of starts that is too full, nil for none.
func window(starts []*intervention, limits Limits) []*intervention {
	for i, x := range starts {
		end := i
		for end < len(starts) && starts[end].days.start-x.days.start <= day(limits.O5Days) {
			end++
		}
		begin := i // what starts on the same day stands in the window too
		for begin > 0 && starts[begin-1].days.start == x.days.start {
			begin--
		}
		if w := starts[begin:end]; len(w) > limits.O5Starts && organisations(w) > 1 {
			return w
		}
	}
	return nil
}

func organisations(list []*intervention) int {
	orgs := map[fhir.Ref]bool{}
	for _, x := range list {
		if !x.org.IsZero() {
			orgs[x.org] = true
		}
	}
	return len(orgs)
}

func refsOf(list []*intervention) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = x.ref
	}
	slices.Sort(out)
	return out
}

// clashes finds appointments of different services at one time (O6).
func (t *Table) clashes() []Finding {
	travel := time.Duration(t.Limits().O6TravelMinutes) * time.Minute
	if !t.clash && t.travel == travel {
		return t.visits
	}
	t.clash, t.travel, t.visits = false, travel, nil
	var all []*source
	for ref := range t.sources {
		if ref.Type != "Appointment" {
			continue
		}
		if s := t.fact(ref); s != nil && s.visit != nil && s.visit.last >= t.today {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *source) int { return cmp.Or(a.visit.start.Compare(b.visit.start), compareRefs(a.ref, b.ref)) })
	for i, a := range all {
		for _, b := range all[i+1:] {
			if !b.visit.start.Before(a.visit.end.Add(travel)) {
				break
			}
			if a.visit.start.Before(b.visit.end.Add(travel)) && len(meet(a.visit.who, b.visit.who)) == 0 && len(meet(a.names, b.names)) == 0 {
				t.visits = append(t.visits, Finding{Rule: Clash, Severity: Low, Implicated: set([]string{a.ref.String(), b.ref.String()})})
			}
		}
	}
	return t.visits
}

// dropped finds problems that nobody works on since a request was revoked (O7).
func (t *Table) dropped() []Finding {
	var revoked []*source
	for ref := range t.sources {
		if s := t.fact(ref); s != nil && s.request != nil && s.status == "revoked" {
			revoked = append(revoked, s)
		}
	}
	if len(revoked) == 0 {
		return nil
	}
	m := maker{t: t}
	cared := map[string]bool{}
	for _, x := range t.all {
		for _, need := range x.needs {
			cared[need] = cared[need] || !x.stop
		}
	}
	var out []Finding
	for _, ref := range slices.SortedFunc(maps.Keys(t.problems()), compareRefs) {
		needs := set(m.condition(nil, ref))
		if slices.ContainsFunc(needs, func(n string) bool { return cared[n] }) {
			continue
		}
		f := Finding{Rule: FallsBetween, Severity: Moderate}
		var common []string
		for _, q := range revoked {
			if shared := meet(needs, m.groups(nil, q.reasons)); len(shared) > 0 {
				f.Implicated, common = append(f.Implicated, q.ref.String()), append(common, shared...)
			}
		}
		if f.Implicated != nil {
			f.Implicated, f.Evidence = set(append(f.Implicated, ref.String())), needCodings(set(common))
			out = append(out, f)
		}
	}
	return out
}

// problems are the Conditions that an active plan addresses.
func (t *Table) problems() map[fhir.Ref]bool {
	out := map[fhir.Ref]bool{}
	for ref := range t.sources {
		p := t.fact(ref)
		if p == nil || p.plan == nil || p.status != "active" {
			continue
		}
		for _, c := range p.plan.addresses {
			if s := t.fact(c); s != nil && s.ref.Type == "Condition" && s.live {
				out[c] = true
			}
		}
	}
	return out
}

// headless finds plans of organisations that do not know of each other, of a child whom nobody coordinates (O8).
func (t *Table) headless(plans []fhir.Ref) []Finding {
	if len(plans) < 2 {
		return nil
	}
	grace := day(t.Limits().O8GraceDays)
	for ref, s := range t.sources {
		if s.team == nil || s.status != "active" || !s.team.coordinated || t.blocked[ref] > 0 {
			continue
		}
		if s.team.until == noDay || t.today-s.team.until <= grace {
			return nil
		}
	}
	f := Finding{Rule: NoCoordinator, Severity: Low}
	for _, ref := range plans {
		f.Implicated = append(f.Implicated, ref.String())
	}
	slices.Sort(f.Implicated)
	return []Finding{f}
}

// needCodings returns groups of needs as codings: those of codes of other systems as they were.
func needCodings(groups []string) []Coding {
	var out []Coding
	for _, g := range groups {
		system, code, foreign := strings.Cut(g, "|")
		if !foreign {
			system, code = groupSystem, g
		}
		out = append(out, Coding{system, code})
	}
	return out
}
