package auth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// plainWrite is one attempt to change something: what is asked of the package, and what the evaluator
// needs to know of it.
type plainWrite struct {
	do   auth.Interaction
	x    plainThing // what is stored; of a create the new thing
	what string     // the change, or the kind of new thing
	by   string     // of a new thing: who says it, or asks for it
	body string
	c    plainConsent // new or stored
}

// change is an update of a stored resource, by the text that it replaces.
var plainChanges = map[string]func(body string, x plainThing) string{
	"title": func(body string, _ plainThing) string {
		return strings.Replace(body, `"status":"active"`, `"status":"on-hold"`, 1)
	},
	"child": func(body string, _ plainThing) string { return strings.ReplaceAll(body, "Patient/kim", "Patient/zoe") },
	"domain": func(_ string, x plainThing) string {
		if len(x.domains) > 1 {
			x.domains = x.domains[:1]
		} else {
			x.domains = []string{"medisch", "sociaal"}
		}
		return x.render()
	},
	"unlabel": func(_ string, x plainThing) string {
		x.level = ""
		return x.render()
	},
}

func (w *plainWorld) drawWrite(t *rapid.T, r plainReader) plainWrite {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	kind := pick("write", "update", "update", "delete", "create", "create", "create", "consent", "task")
	switch {
	case kind == "task" && len(w.tasks) > 0:
		return w.drawTaskStep(t)
	case kind == "consent" && len(w.plain) > 0:
		i := rapid.IntRange(0, len(w.plain)-1).Draw(t, "of")
		out := plainWrite{do: auth.Update, x: plainThing{ref: w.plain[i].ref(), owner: hospital}, c: w.plain[i], what: pick("how", "withdraw", "withdraw", "amend"), body: w.consents[i]}
		if len(out.c.DateTime) > 0 {
			out.x.when = out.c.DateTime[:10]
		}
		if out.what == "withdraw" {
			out.body = strings.Replace(out.body, `"active"`, `"inactive"`, 1)
		} else {
			out.body = strings.Replace(out.body, `"status"`, `"language":"nl","status"`, 1)
		}
		return out
	case kind == "create":
		return w.drawNew(t, r)
	}
	x := w.things[rapid.IntRange(0, 2).Draw(t, "of")]
	if kind != "update" {
		return plainWrite{do: auth.Delete, x: x}
	}
	out := plainWrite{do: auth.Update, x: x, what: pick("change", "title", "title", "child", "domain", "unlabel")}
	out.body = plainChanges[out.what](x.render(), x)
	return out
}

func (w *plainWorld) drawTaskStep(t *rapid.T) plainWrite {
	i := rapid.IntRange(0, len(w.tasks)-1).Draw(t, "of")
	k := w.tasks[i]
	to := rapid.SampledFrom([]string{"requested", "received", "accepted", "rejected", "in-progress", "on-hold", "completed", "failed", "cancelled", "more"}).Draw(t, "to")
	out := plainWrite{do: auth.Update, x: plainThing{ref: fmt.Sprintf("Task/task%d", i), owner: hospital}, what: to}
	out.body = strings.Replace(task(to, k.owner, k.requester), `"id":"task"`, fmt.Sprintf(`"id":"task%d"`, i), 1)
	if to == "more" { // than the status
		out.body = strings.Replace(out.body, `"status":"more"`, `"status":"`+k.status+`","description":"x"`, 1)
	}
	return out
}

// drawNew draws a new thing of one of the kinds that access.md 5 has a rule for.
func (w *plainWorld) drawNew(t *rapid.T, r plainReader) plainWrite {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	self := r.user
	if self == "" {
		self = r.org
	}
	by := pick("by", self, self, self, stranger, giverFather)
	about := `"id":"new","subject":{"reference":"Patient/kim"}`
	out := plainWrite{do: auth.Create, what: pick("new", "CarePlan", "Communication", "QuestionnaireResponse", "Task", "help", "Flag", "RelatedPerson", "Provenance", "Consent", "Consent"), by: by}
	out.body = map[string]string{
		"CarePlan":              `{"resourceType":"CarePlan",` + about + `,"status":"active","intent":"plan"}`,
		"Communication":         `{"resourceType":"Communication",` + about + `,"status":"completed","sender":{"reference":"` + by + `"}}`,
		"QuestionnaireResponse": `{"resourceType":"QuestionnaireResponse",` + about + `,"status":"in-progress","source":{"reference":"` + by + `"}}`,
		"Task":                  strings.Replace(task("requested", home, by), `"id":"task"`, `"id":"new"`, 1),
		"help": strings.Replace(task("requested", friend, by), `"id":"task"`,
			`"id":"new","code":{"coding":[{"system":"`+fhir.Canonical+`/CodeSystem/netwerk-taak","code":"hulp"}]}`, 1),
		"Flag":          strings.Replace(flagged("osl-12-3"), `"id":"flag"`, `"id":"new"`, 1),
		"RelatedPerson": strings.Replace(mother("EenhoofdigOuderlijkGezag"), `"id":"mother"`, `"id":"new"`, 1),
		"Provenance": `{"resourceType":"Provenance","id":"new","target":[{"reference":"CarePlan/plan0"}],"recorded":"2026-11-21T12:00:00+01:00",
			"agent":[{"who":{"reference":"` + by + `"}}],"signature":[{"type":[{"code":"x"}],"when":"2026-11-21T12:00:00+01:00","who":{"reference":"` + by + `"}}]}`,
	}[out.what]
	if out.what == "Consent" {
		provision := drawPlainProvision(t, pick("effect", "permit", "permit", "deny"), 1)
		out.body = consentOf("new", provision, rapid.SliceOfNDistinct(rapid.SampledFrom([]string{self, giverMother, giverChild}), 1, 2, rapid.ID[string]).Draw(t, "performers")...)
		if rapid.Bool().Draw(t, "held") {
			out.body = held(out.body, pick("holder", hospital, home, school))
		}
		out.c = readPlainConsent(t, out.body)
	}
	out.x = plainThing{ref: map[string]string{"help": "Task"}[out.what] + out.what + "/new", owner: r.org}
	out.x.ref = strings.Replace(out.x.ref, "Taskhelp", "Task", 1)
	return out
}

var plainCoordinated = []string{"CarePlan", "CareTeam", "Goal"}

// write is the reason with which a write ends, access.md 5 in its order.
func (w *plainWorld) write(r plainReader, q plainWrite) string {
	kind := q.x.kind()
	if r.person() && kind != "Consent" {
		switch mode, _ := w.standing(r); {
		case plainModes[mode] == "":
			return mode
		case mode == "extension":
			return "rep-read-only"
		}
	}
	if q.what == "withdraw" && (r.person() && q.c.by(r.user) || !r.person() && (q.c.holds(r.org) || q.c.Provision.permits() && len(q.c.Organization) == 0 && r.org != "" && r.org == q.x.owner)) {
		return "permit-withdraw"
	}
	if q.do != auth.Create {
		if reason := w.seen(r, q); !strings.HasPrefix(reason, "permit-") {
			return reason
		}
		if q.what == "child" && r.person() {
			return "context-other-patient"
		}
		if q.what == "child" {
			return "write-patient-change"
		}
	}
	if r.person() {
		return w.writePerson(r, q)
	}
	return w.writeOrganization(r, q)
}

// seen is the stored resource as phase B judges it; no emergency opens a write.
func (w *plainWorld) seen(r plainReader, q plainWrite) string {
	if r.breaks() {
		r.role = "system"
	}
	if q.x.kind() != "Consent" {
		return w.read(r, q.x)
	}
	base := q.c.Provision
	if !r.person() && r.org != q.x.owner && (q.c.holds(r.org) || len(base.Actor) > 0 && base.Actor[0].Reference.Reference == r.org) {
		return "permit-consent-party"
	}
	reason := w.read(r, q.x)
	if r.person() && !strings.HasPrefix(reason, "permit-") && q.c.by(r.user) {
		reason = "permit-consent-party"
	}
	if r.person() && strings.HasPrefix(reason, "permit-") {
		return w.labelled(r, q.x, reason)
	}
	return reason
}

func (w *plainWorld) writeOrganization(r plainReader, q plainWrite) string {
	kind, own := q.x.kind(), q.x.owner == r.org
	party, step := w.taskStep(r, q)
	switch {
	case (q.what == "Flag" || q.what == "RelatedPerson") && r.org != hospital: // custody and flags: the child's custodian
		return "write-not-custodian"
	case q.do == auth.Create:
	case own:
	case kind == "Task" && party && q.what != "more":
	case kind == "Consent" && q.c.holds(r.org):
	case q.do == auth.Update && slices.Contains(plainCoordinated, kind) && w.leads(r):
	default:
		return "write-not-custodian"
	}
	switch {
	case (q.what == "Task" || q.what == "help") && q.by != r.org && q.by != r.user:
		return "write-role"
	case q.do == auth.Update && !own && (q.what == "domain" || q.what == "unlabel" && q.x.level != ""):
		return "write-label"
	case kind == "Consent":
		return w.grants(r, q)
	}
	return step
}

// leads reports whether the organisation coordinates in the team; the hospital, which keeps team and
// child, need not be told so by another.
func (w *plainWorld) leads(r plainReader) bool {
	return w.teamOn && slices.ContainsFunc(w.members, func(m plainMember) bool {
		mine := m.who == r.org || m.who == "PractitionerRole/role" && (r.org == stranger || r.user == doc)
		return m.lead && mine && covered(today, "", m.end)
	})
}

// grants are the rows of access.md 5 about what a Consent opens.
func (w *plainWorld) grants(r plainReader, q plainWrite) string {
	selves, widens := false, false
	each([]plainProvision{q.c.Provision}, func(chain []plainProvision) {
		p := chain[len(chain)-1]
		if p.Type != "permit" {
			return
		}
		widens = true
		for _, a := range p.Actor {
			who := a.Reference.Reference
			selves = selves || who == r.user || who == r.org
		}
	})
	others := slices.ContainsFunc(q.c.Organization, func(o struct{ Reference string }) bool { return o.Reference != r.org })
	switch {
	case selves && (r.org != "" || r.user != ""), r.org != "" && !q.c.holds(r.org), r.org != "" && widens && others && q.do == auth.Create:
		return "consent-self-grant"
	case r.org != "" && others && q.do == auth.Create:
		return "write-not-custodian"
	case q.c.Provision.Type == "permit" && q.c.Provision.Actor == nil:
		return "consent-actor-required"
	case r.org != "":
		return "permit-write"
	}
	switch {
	case w.born == "":
		return "rep-birthdate-unknown"
	case r.role == "child" && !w.childMay(w.youngest(today)):
		return "rep-child-too-young"
	case r.role == "guardian" && w.oldest(today) >= 16:
		return "rep-youth-alone"
	case r.role == "guardian" && !w.custody(r.user, today, false):
		return "rep-custody-none"
	}
	return "permit-write"
}

func (w *plainWorld) writePerson(r plainReader, q plainWrite) string {
	_, step := w.taskStep(r, q)
	kind, self := q.x.kind(), q.by == r.user
	switch {
	case q.do == auth.Update && kind == "Task":
		if k := w.tasks[number(strings.TrimPrefix(q.x.ref, "Task/task"))]; k.owner != r.user || q.what == "more" {
			return "write-role"
		}
		return step
	case kind == "Consent" && q.do == auth.Create && r.role != "helper" && q.c.by(r.user):
		if mode, _ := w.standing(r); mode == "relation-none" {
			return mode
		}
		return w.grants(r, q)
	case kind == "Consent" && q.do == auth.Create:
		if mode, _ := w.standing(r); mode == "relation-none" {
			return mode
		}
		return "write-role"
	case q.do != auth.Create:
		return "write-role"
	case q.what == "Communication" && self, q.what == "QuestionnaireResponse" && self && r.role != "helper",
		q.what == "help" && self && r.role != "helper", q.what == "Provenance" && self && r.role != "helper":
		return "permit-write"
	}
	return "write-role"
}

// taskStep reports whether the reader is a party of the Task, and what comes of the step.
func (w *plainWorld) taskStep(r plainReader, q plainWrite) (party bool, reason string) {
	if q.x.kind() != "Task" || q.do != auth.Update {
		return false, "permit-write"
	}
	k := w.tasks[number(strings.TrimPrefix(q.x.ref, "Task/task"))]
	owner, requester := k.owner == r.org || k.owner == r.user, k.requester == r.org || k.requester == r.user
	ended := slices.Contains([]string{"completed", "entered-in-error"}, k.status)
	steps := map[string][]string{"requested": {"received", "accepted", "rejected"}, "received": {"accepted", "rejected"}, "accepted": {"in-progress", "completed"}, "in-progress": {"completed", "failed"}}
	switch {
	case q.what == "more", q.what == k.status,
		owner && slices.Contains(steps[k.status], q.what),
		requester && k.status == "draft" && q.what == "requested",
		(owner || requester) && !ended && (q.what == "cancelled" || q.what == "on-hold" || k.status == "on-hold" && q.what == "in-progress"):
		return owner || requester, "permit-write"
	}
	return owner || requester, "task-transition"
}

// TestWritesAgreeWithASlowReadingOfTheRules draws the same families, and attempts to write by all kinds of
// users, twice: by Decide, and by going over access.md 5 in the order of its table.
func TestWritesAgreeWithASlowReadingOfTheRules(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		w := drawPlainWorld(rt)
		made := w.render(t)
		for range 18 {
			r := drawPlainReader(rt)
			r.disclose = false
			q := w.drawWrite(rt, r)
			c := accessCase{Action: actionCase{Interaction: q.do, Ref: q.x.ref, Body: []byte(q.body)}}
			if q.do == auth.Create {
				c.Action.Ref, c.Action.Type = "", q.x.kind()
			}
			want, got := w.write(r, q), made.decide(t, r.principal(t), c)
			if want == "" && !got.Permit {
				continue
			}
			if word(got.Reason) != want {
				rt.Fatalf("%+v writes %s %+v: %s, want %s\n%s\n%s", r, q.do, q.x, got.Reason, want, q.body, w)
			}
			seen[want]++
		}
	})
	t.Log(seen)
	if len(seen) < 15 || seen["permit-write"] < 20 || seen["permit-withdraw"] == 0 {
		t.Errorf("the writes show too little: %v", seen)
	}
}
