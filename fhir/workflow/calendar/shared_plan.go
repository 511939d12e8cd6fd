package calendar

import (
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

const ruleShared = "samordningsplan"

// Days of samordningsplan.md 9.
const (
	sharedAhead  = 14 // before an evaluation or the end
	sharedFew    = 28 // with measures of fewer than two organisations
	sharedBefore = 50 // versions that are looked at for how long that has been
)

// sharedPlan is an active plan of several organisations, with its team as its keeper keeps it.
type sharedPlan struct {
	*run
	plan   Known
	n      fhir.Node
	team   fhir.Node
	labels []coding
	lead   fhir.Node // participant of the team; missing without one
}

// sharedPlans holds samordningsplan.md 9: a plan of several organisations asks for its evaluation and its end, for
// another coordinator when it has none, and tells that its consents have ended. That of a child asks for the next in
// charge at a border of age (coordination.md 1).
func (r *run) sharedPlans() {
	for _, k := range r.Shared {
		n := k.Resource.Root()
		if n.Member("status").Text() != "active" || r.takenOver(k) {
			continue
		}
		p := r.shared(k)
		p.handover()
		if !extension(n, "plan-state").Exists() {
			continue
		}
		for _, rule := range []func(*sharedPlan){(*sharedPlan).evaluation, (*sharedPlan).ending, (*sharedPlan).carriers, (*sharedPlan).leading, (*sharedPlan).consented} {
			rule(p)
		}
	}
	r.end(ruleShared, done)
}

// takenOver reports whether another plan of the same keeper takes the place of one.
func (r *run) takenOver(k Known) bool {
	return slices.ContainsFunc(r.Shared, func(other Known) bool {
		for n := range other.Resource.Root().All("replaces", "reference") {
			if ref, ok := fhir.ParseRef(n.Text()); ok && ref.Current() == k.Resource.Ref().Current() {
				return other.Custodian == k.Custodian && other.Resource.Root().Member("status").Text() == "active"
			}
		}
		return false
	})
}

func (r *run) shared(k Known) *sharedPlan {
	p := &sharedPlan{run: r, plan: k, n: k.Resource.Root()}
	team, _ := fhir.ParseRef(p.n.At("careTeam", "reference").Text())
	for _, t := range r.Teams {
		if t.Custodian == k.Custodian && t.Resource.Ref().Current() == team.Current() {
			p.team = t.Resource.Root()
		}
	}
	for m := range p.team.All("participant") {
		if role := codeOf(m, "role", "se-roll"); role == "samordnare" || role == "samverkansansvarig" {
			p.lead = m
			break
		}
	}
	for l := range p.n.All("meta", "security") {
		p.labels = append(p.labels, coding{l.Member("system").Text(), l.Member("code").Text()})
	}
	return p
}

// task asks somebody for something about the plan, once on an occasion.
func (p *sharedPlan) task(code string, text words, occasion string, owner fhir.Ref, due string) {
	p.ask(task{
		rule: ruleShared, discriminator: p.plan.Resource.ID() + "/" + code + "/" + occasion, code: coding{codes("se-task"), code}, text: text,
		focus: p.plan.Resource.Ref(), owner: owner, custodian: p.plan.Custodian, due: due, labels: p.labels,
	})
}

// owner is who coordinates the plan today, else its author, else its keeper.
func (p *sharedPlan) owner() fhir.Ref {
	if who, ok := refOf(p.lead.Member("member")); ok && covers(p.lead.Member("period"), p.today) {
		return who
	}
	if author, ok := refOf(p.n.Member("author")); ok {
		return author
	}
	return p.plan.Custodian
}

func refOf(n fhir.Node) (fhir.Ref, bool) {
	ref, ok := fhir.ParseRef(n.Member("reference").Text())
	return ref.Current(), ok
}

// evaluation asks for the evaluation two weeks before its day, and before the end when that is another two weeks off.
func (p *sharedPlan) evaluation() {
	on, evaluated := dayOf(extension(p.n, "plan-evaluation-date").Member("valueDate"))
	end, ends := lastDayOf(p.n.At("period", "end"))
	if evaluated {
		p.evaluate(on)
	}
	if ends && (!evaluated || !end.Before(on.AddDate(0, 0, sharedAhead))) && !p.today.After(end) {
		p.evaluate(end)
	}
}

func (p *sharedPlan) evaluate(on time.Time) {
	first := on.AddDate(0, 0, -sharedAhead)
	if p.today.Before(first) {
		p.wake(first)
		return
	}
	p.task("utvardering", sayEvaluate, on.Format(time.DateOnly), p.owner(), on.Format(time.DateOnly))
}

// ending asks to end a plan whose end has passed. It stays as it is until somebody does.
func (p *sharedPlan) ending() {
	end, ok := lastDayOf(p.n.At("period", "end"))
	if !ok {
		return
	}
	if !p.today.After(end) {
		p.wake(end.AddDate(0, 0, 1))
		return
	}
	p.task("avsluta-plan", sayEnded, end.Format(time.DateOnly), p.owner(), "")
	p.out.Issues = append(p.out.Issues, Told{p.plan.Custodian, fhir.Issue{
		Severity: fhir.SeverityWarning, Code: "business-rule", Diagnostics: "SP-R13",
		Text: sayEnded.en + ". Tell of each goal what came of it.",
		In:   fhir.Translations{NL: sayEnded.nl + ". Zeg van elk doel wat ervan kwam.", SV: sayEnded.sv + ". Ange för varje mål hur det gick."},
	}})
}

// carriers asks to end a plan in which fewer than two organisations have carried measures for four weeks.
func (p *sharedPlan) carriers() {
	if !fewCarry(p.n) {
		return
	}
	since := p.fewSince()
	if due := since.AddDate(0, 0, sharedFew); p.today.Before(due) {
		p.wake(due)
		return
	}
	p.task("avsluta-plan", sayFew, "aktorer/"+since.Format(time.DateOnly), p.owner(), "")
}

// carrying are the statuses of a measure that somebody carries.
var carrying = []string{"scheduled", "in-progress", "on-hold", "not-started"}

// fewCarry reports whether fewer than two organisations carry measures (SP-R05).
func fewCarry(n fhir.Node) bool {
	by := map[string]bool{}
	for d := range n.All("activity", "detail") {
		if !slices.Contains(carrying, d.Member("status").Text()) {
			continue
		}
		for ref := range d.All("performer", "reference") {
			if strings.HasPrefix(ref.Text(), "Organization/") {
				by[ref.Text()] = true
			}
		}
	}
	return len(by) < 2
}

// fewSince is the day since when every version of the plan says so.
func (p *sharedPlan) fewSince() time.Time {
	since := p.changed(p.n)
	ref := p.plan.Resource.Ref().Current()
	for i, v := 0, p.plan.Version-1; v > 0 && i < sharedBefore && p.Version != nil; i, v = i+1, v-1 {
		ref.Version = v
		old, err := p.Version(ref)
		if err != nil {
			p.err = err
			break
		}
		if old.Resource == nil || old.Resource.Root().Member("status").Text() != "active" || !fewCarry(old.Resource.Root()) {
			break
		}
		since = p.changed(old.Resource.Root())
	}
	return since
}

// changed is the local day on which a version was stored.
func (p *sharedPlan) changed(n fhir.Node) time.Time {
	at, err := time.Parse(time.RFC3339, n.At("meta", "lastUpdated").Text())
	if err != nil {
		return p.today
	}
	day := at.In(amsterdam())
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
}

// leading asks every organisation of the plan for another coordinator, when the time of the one there was is over or
// its organisation has left.
func (p *sharedPlan) leading() {
	who, ok := refOf(p.lead.Member("member"))
	if !ok {
		return
	}
	in := p.members()
	role := p.find(who).Resource
	if covers(p.lead.Member("period"), p.today) && (role == nil || p.carries(role.Root(), in)) {
		if end, ok := lastDayOf(p.lead.At("period", "end")); ok {
			p.wakeInNight(end.AddDate(0, 0, 1))
		}
		return
	}
	for _, org := range in {
		p.task("ny-samordnare", sayNewLead, who.ID+"/"+org.ID, org, "")
	}
}

// members are the organisations that take part today.
func (p *sharedPlan) members() []fhir.Ref {
	var out []fhir.Ref
	for m := range p.team.All("participant") {
		ref, ok := refOf(m.Member("member"))
		if ok && ref.Type == "Organization" && covers(m.Member("period"), p.today) && !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	return out
}

// carries reports whether the organisation of a role takes part.
func (p *sharedPlan) carries(role fhir.Node, in []fhir.Ref) bool {
	of, ok := refOf(role.Member("organization"))
	return !ok || slices.Contains(in, of)
}

// consented tells who coordinates that no consent opens the plan any more. The access of the others has ended with it.
func (p *sharedPlan) consented() {
	var ended []string
	for _, k := range p.Permits {
		n := k.Resource.Root()
		if !p.heeds(p.plan.Custodian, k.Custodian) || !p.opens(n) {
			continue
		}
		if n.Member("status").Text() == "active" && covers(n.At("provision", "period"), p.today) {
			if end, ok := lastDayOf(n.At("provision", "period", "end")); ok {
				p.wakeInNight(end.AddDate(0, 0, 1))
			}
			return
		}
		ended = append(ended, k.Resource.ID()+"/"+n.Member("status").Text()+"/"+n.At("provision", "period", "end").Text())
	}
	if ended != nil {
		p.task("samtycke-upphort", sayWithdrawn, strings.Join(ended, "|"), p.owner(), "")
	}
}

// opens reports whether a Consent gave others access to the plan. One that begins later does not yet.
func (p *sharedPlan) opens(n fhir.Node) bool {
	const access = "http://terminology.hl7.org/CodeSystem/consentaction"
	about, gives := false, false
	for ref := range n.All("provision", "data", "reference", "reference") {
		about = about || ref.Text() == p.plan.Resource.Ref().Current().String()
	}
	for c := range n.All("provision", "action", "coding") {
		gives = gives || c.Member("system").Text() == access && c.Member("code").Text() == "access"
	}
	if from, ok := dayOf(n.At("provision", "period", "start")); ok && from.After(p.today) && about && gives {
		p.wake(from)
		return false
	}
	return about && gives
}
