package samordningsplan

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

func (r *reader) consent(n fhir.Node) *rebuild.Value {
	p := n.Member("provision")
	until, withdrawn := p.At("period", "end"), fhir.Node{}
	if agreed := rebuild.Ext(n, "consent-agreed-until"); agreed.Exists() {
		until, withdrawn = agreed, until
	}
	var what []*rebuild.Value
	for action := range p.All("action") {
		what = append(what, rebuild.Code(action, "se-samtycke"))
	}
	return rebuild.Object(
		m("id", rebuild.String(r.keyOf(n))), m("lamnatAv", r.name(rebuild.First(n.Member("performer")))),
		m("mottagetAv", r.name(rebuild.Ext(n, "consent-received-by"))), m("datum", day(n.Member("dateTime"))),
		m("betanketidDagar", num(rebuild.Ext(n, "consent-reflection-days"))), m("form", str(rebuild.Ext(n, "consent-form"))),
		m("omfattning", rebuild.List(what...)), m("aktorer", r.names(rebuild.Nodes(p, "actor", "reference"))),
		m("undantag", rebuild.Each(rebuild.Nodes(p, "provision"), r.exception)), m("giltigTill", day(until)),
		m("dokumenteratI", str(rebuild.Ext(n, "consent-documented-in"))), m("aterkallat", day(withdrawn)))
}

func (r *reader) exception(p fhir.Node) *rebuild.Value {
	return rebuild.Object(m("aktor", r.name(rebuild.First(p.Member("actor")).Member("reference"))), m("skal", str(rebuild.Ext(p, "reason"))))
}

func (r *reader) meeting(n fhir.Node) *rebuild.Value {
	var by, place *rebuild.Value
	var to []*rebuild.Value
	for p := range n.All("participant") {
		switch kind := rebuild.CodeIn(p.Member("type"), rebuild.CodeSystem("se-kallelse")).Text(); kind {
		case "kallande":
			by = r.name(p.Member("actor"))
		case "plats":
			place = str(p.At("actor", "display"))
		default:
			to = append(to, r.invited(p, kind))
		}
	}
	var questions []*rebuild.Value
	if asked := n.Member("comment").Text(); asked != "" {
		for q := range strings.SplitSeq(asked, "\n") {
			questions = append(questions, rebuild.String(q))
		}
	}
	return rebuild.Object(
		m("id", rebuild.String(r.keyOf(n))), m("skickad", day(n.Member("created"))), m("av", by), m("motestid", str(n.Member("start"))),
		m("langdMin", num(n.Member("minutesDuration"))), m("plats", place), m("form", rebuild.Code(n.Member("serviceCategory"), "se-motesform")),
		m("fragor", rebuild.List(questions...)), m("till", rebuild.List(to...)))
}

// invited reads whom a call goes to, and the answer.
func (r *reader) invited(p fhir.Node, kind string) *rebuild.Value {
	who := p.Member("actor")
	members := []rebuild.Member{m("typ", rebuild.String(kind)), m("svar", rebuild.Inverse(answers, p.Member("status")))}
	ref, _ := fhir.ParseRef(who.Member("reference").Text())
	switch ref.Type {
	case "Patient":
		members = append(members, m("person", rebuild.Bool(true)))
	case "RelatedPerson":
		members = append(members, m("foretradare", r.name(who)))
	default:
		members = append(members, m("aktor", r.name(who)))
	}
	return rebuild.Object(members...)
}

// lead reads the coordinator of a kind: the one that the team has.
func (r *reader) lead(kind string) *rebuild.Value {
	for p := range r.team.All("participant") {
		role := r.Get(p.Member("member"))
		if !rebuild.Has(p.Member("role"), "se-roll", kind) {
			continue
		}
		choice := rebuild.Extension(p, "coordinator-choice")
		return rebuild.Object(append(r.role(role), m("valdAv", str(rebuild.Part(choice, "chosenBy"))),
			m("onskemalTillgodosett", flag(rebuild.Part(choice, "wishMet"))), m("skal", str(rebuild.Part(choice, "reason"))))...)
	}
	return nil
}

// role reads the members that every PractitionerRole of a plan has.
func (r *reader) role(n fhir.Node) []rebuild.Member {
	who := n.Member("practitioner")
	return []rebuild.Member{
		m("namn", str(who.Member("display"))), m("hsaId", str(hsaOf(who))), m("aktor", r.name(n.Member("organization"))),
		m("fran", day(n.At("period", "start"))), m("till", day(n.At("period", "end"))), m("telefon", phone(n)),
	}
}

func (r *reader) inCharge(task fhir.Node) *rebuild.Value {
	n := r.Get(task.Member("owner"))
	accepted := rebuild.Has(task.Member("businessStatus"), "se-task-status", "accepterad")
	return rebuild.Object(append(r.role(n), m("id", rebuild.String(r.keyOf(n))), m("roll", rebuild.Code(n.Member("code"), "se-ansvarig")),
		m("accepterad", rebuild.Bool(accepted)))...)
}

// existingPlans are the plans that were there before, in the order of the document.
func existingPlans(p fhir.Node) []fhir.Node {
	var out []fhir.Node
	for _, name := range []string{"replaces", "supportingInfo"} {
		for old := range p.All(name) {
			if rebuild.Extension(old, "existing-plan").Exists() {
				out = append(out, old)
			}
		}
	}
	inOrder(out, func(n fhir.Node) fhir.Node { return rebuild.Part(rebuild.Extension(n, "existing-plan"), "index") })
	return out
}

func (r *reader) existing(n fhir.Node) *rebuild.Value {
	e := rebuild.Extension(n, "existing-plan")
	return rebuild.Object(
		m("typ", str(rebuild.Part(e, "type"))), m("id", str(n.At("identifier", "value"))),
		m("kallsystemHsaId", rebuild.String(sourceOf(n.At("identifier", "system").Text()))), m("aktor", r.name(rebuild.Part(e, "actor"))),
		m("anvandsSom", str(rebuild.Part(e, "use"))), m("samordnareNamngiven", flag(rebuild.Part(e, "coordinatorNamed"))))
}

// goals are those that the plan names, in its order.
func (r *reader) goals() []fhir.Node {
	var out []fhir.Node
	for ref := range r.plan.All("goal") {
		goal := r.Get(ref)
		if !goal.Exists() {
			r.Warn("incomplete", ruleIncomplete, ref, "A Goal of the plan is missing; what it holds is left out.")
			continue
		}
		out = append(out, goal)
	}
	return out
}

func (r *reader) goal(n fhir.Node) *rebuild.Value {
	by, who := n.Member("expressedBy"), fhir.Node{}
	author := str(by.Member("display"))
	switch ref, _ := fhir.ParseRef(by.Member("reference").Text()); ref.Type {
	case "Patient":
		author = rebuild.String("enskild")
	case "RelatedPerson":
		author, who = rebuild.String(byGuardian), by
	}
	target := rebuild.First(n.Member("target"))
	return rebuild.Object(
		m("id", rebuild.String(r.keyOf(n))), m("text", str(n.At("description", "text"))), m("formuleratAv", author),
		m("formuleratAvRef", r.name(who)), m("prioritet", num(rebuild.Ext(n, "goal-rank"))),
		m("utvarderingskriterium", str(target.At("measure", "text"))), m("malDatum", str(target.Member("dueDate"))),
		m("uppfyllelse", rebuild.Code(n.Member("achievementStatus"), "se-uppfyllelse")))
}

// mostImportant is the goal of high priority in a child's plan.
func (r *reader) mostImportant() *rebuild.Value {
	if planTypeOf(r.plan).Text() != childPlan {
		return nil
	}
	for ref := range r.plan.All("goal") {
		if goal := r.Get(ref); rebuild.HasCode(goal.Member("priority"), goalPriority, "high-priority") {
			return rebuild.String(r.keyOf(goal))
		}
	}
	return nil
}

func (r *reader) activity(a fhir.Node) *rebuild.Value {
	d := a.Member("detail")
	during, often := d.Member("scheduledPeriod"), fhir.Node{}
	if timing := d.Member("scheduledTiming"); timing.Exists() {
		during, often = timing.At("repeat", "boundsPeriod"), timing.At("code", "text")
	}
	by := rebuild.First(d.Member("performer"))
	var needs []*rebuild.Value
	for c := range d.All("reasonCode") {
		needs = append(needs, rebuild.Code(c, "behov"))
	}
	return rebuild.Object(
		m("id", str(a.Member("id"))), m("mal", r.names(rebuild.Nodes(d, "goal"))), m("text", str(d.Member("description"))),
		m("insatsKod", rebuild.Code(d.Member("code"), "insats")), m("behov", rebuild.List(needs...)), m("ansvarigAktor", r.name(by)),
		m("annanAnHuvudman", flag(rebuild.Ext(d, "other-than-principal"))), m("utforare", str(by.Member("display"))),
		m("start", day(during.Member("start"))), m("slut", day(during.Member("end"))), m("frekvens", str(often)),
		m("status", rebuild.Inverse(actStatus, d.Member("status"))), m("tidPerVeckaMin", num(rebuild.Ext(d, "weekly-burden-minutes"))),
		m("avstaFran", flag(d.Member("doNotPerform"))))
}

// waiting reads what is put on hold on purpose, in the order of the document.
func (r *reader) waiting() *rebuild.Value {
	held := func(a fhir.Node) fhir.Node { return rebuild.Extension(a.Member("detail"), "on-hold") }
	var all []fhir.Node
	for a := range r.plan.All("activity") {
		if held(a).Exists() {
			all = append(all, a)
		}
	}
	inOrder(all, func(a fhir.Node) fhir.Node { return rebuild.Part(held(a), "index") })
	return rebuild.Each(all, func(a fhir.Node) *rebuild.Value {
		return rebuild.Object(m("insats", str(a.Member("id"))), m("tillDatum", str(rebuild.Part(held(a), "until"))), m("skal", str(rebuild.Part(held(a), "reason"))))
	})
}

func coded(code string) func(fhir.Node) bool {
	return func(n fhir.Node) bool { return rebuild.Has(n.Member("code"), "se-task", code) }
}

func isFollowUp(n fhir.Node) bool {
	return followUps.Has(rebuild.CodeIn(n.Member("code"), rebuild.CodeSystem("se-task")).Text())
}

func (r *reader) followUp(n fhir.Node) *rebuild.Value {
	return rebuild.Object(
		m("id", rebuild.String(r.keyOf(n))), m("datum", day(n.At("restriction", "period", "end"))), m("typ", rebuild.Code(n.Member("code"), "se-task")),
		m("bokad", rebuild.Bool(rebuild.Has(n.Member("businessStatus"), "se-task-status", "bokad"))),
		m("utfall", rebuild.Each(rebuild.Nodes(n, "output"), func(o fhir.Node) *rebuild.Value {
			return rebuild.Object(m("mal", r.name(o.Member("valueReference"))), m("uppfyllelse", rebuild.Code(o.Member("type"), "se-uppfyllelse")),
				m("kommentar", str(rebuild.Ext(o, "comment"))))
		})))
}

func (r *reader) signal(n fhir.Node) *rebuild.Value {
	return rebuild.Object(
		m("id", rebuild.String(r.keyOf(n))), m("datum", day(n.Member("authoredOn"))), m("fran", r.name(n.Member("requester"))),
		m("omrade", rebuild.Code(n.Member("reasonCode"), "hjulsegment")), m("text", str(n.Member("description"))))
}
