package auth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
)

// currentMember reports whether a reference stands in the team now.
func (w *plainWorld) currentMember(ref string) bool {
	return w.teamOn && slices.ContainsFunc(w.members, func(m plainMember) bool { return m.who == ref && covered(today, "", m.end) })
}

// inTeam is the ground "care team" of access.md 3.1, of organisations and their staff.
func (w *plainWorld) inTeam(r plainReader) bool {
	if r.org == "" {
		return false
	}
	return w.currentMember(r.org) || (r.org == stranger || r.user == doc) && w.currentMember("PractitionerRole/role")
}

// byTask is the ground "task"; offered the one of a Task that was not answered yet.
func (w *plainWorld) byTask(r plainReader) (ground, offered bool) {
	for _, k := range w.tasks {
		ground = ground || k.owner == r.org && slices.Contains([]string{"accepted", "in-progress", "on-hold"}, k.status) ||
			k.requester == r.org && slices.Contains([]string{"requested", "received", "accepted", "in-progress", "on-hold"}, k.status)
		offered = offered || k.owner == r.org && (k.status == "requested" || k.status == "received")
	}
	return ground && r.org != "", offered && r.org != ""
}

// cellVerdict is what Consents say in a cell.
type cellVerdict struct {
	reason       string // of a refusal
	byRule, wide bool
}

// cell judges one cell, access.md 4.4 and 4.5. only restricts the denies to the child's; named the permits
// to those that name the reader.
func (w *plainWorld) cell(r plainReader, x plainThing, cell string, needs, named, only, standard bool) cellVerdict {
	permits, denies := w.claims(r, x, cell, named)
	unbeaten := slices.DeleteFunc(denies, func(d plainRule) bool {
		return slices.ContainsFunc(permits, func(p plainRule) bool { return p.beats(d) }) || only && !ofChild(d)
	})
	out := cellVerdict{byRule: len(permits) > 0, reason: refusalOf(unbeaten)}
	for _, p := range permits {
		out.wide = out.wide || p.Data != nil || slices.ContainsFunc(p.SecurityLabel, func(l struct{ Code string }) bool { return l.Code == "R" || l.Code == "V" })
	}
	if out.reason == "" && (len(permits) > 0 || !needs) {
		return out
	}
	if standard && !slices.ContainsFunc(unbeaten, ofChild) {
		return cellVerdict{}
	}
	if out.reason == "" {
		out.reason = w.missing(r, x, cell, named)
	}
	return out
}

func ofChild(d plainRule) bool {
	return slices.Contains(d.givers, giverChild) || slices.Contains(d.givers, "unknown")
}

func refusalOf(denies []plainRule) string {
	if len(denies) == 0 {
		return ""
	}
	if slices.ContainsFunc(denies, func(d plainRule) bool { return d.Code == nil }) {
		return "consent-denied"
	}
	return "domain-denied"
}

// names reports whether a permit is for the reader as a person.
func names(p plainProvision, r plainReader) bool {
	return len(p.Actor) > 0 && p.Actor[0].Reference.Reference == r.user
}

// claims are the rules of all Consents that match.
func (w *plainWorld) claims(r plainReader, x plainThing, cell string, named bool) (permits, denies []plainRule) {
	for _, c := range w.plain {
		if len(c.Organization) > 0 && !c.holds(x.owner) {
			continue
		}
		_, asPermit := w.counts(c, "permit", r)
		var all []plainRule
		w.rules([]plainProvision{c.Provision}, r, x, cell, asPermit, &all)
		for _, rule := range all {
			givers, counts := w.counts(c, rule.Type, r)
			rule.givers, rule.held, rule.implied = givers, len(c.Organization) > 0, c.is("verondersteld")
			switch {
			case !counts:
			case rule.Type == "deny":
				denies = append(denies, rule)
			case !named || names(rule.plainProvision, r):
				permits = append(permits, rule)
			}
		}
	}
	return permits, denies
}

// missing tells whether some permit would match without its domain codes.
func (w *plainWorld) missing(r plainReader, x plainThing, cell string, named bool) string {
	out := "consent-none"
	w.eachPermit(r, func(c plainConsent, chain []plainProvision) {
		p := chain[len(chain)-1]
		all := !slices.ContainsFunc(chain, func(p plainProvision) bool { return !w.matches(p, r, x, cell, false, true) })
		if all && (!named || names(p, r)) && (len(c.Organization) == 0 || c.holds(x.owner)) {
			out = "domain-not-shared"
		}
	})
	return out
}

// eachPermit calls f for each permitting provision of the Consents that count as permits.
func (w *plainWorld) eachPermit(r plainReader, f func(plainConsent, []plainProvision)) {
	for _, c := range w.plain {
		if _, counts := w.counts(c, "permit", r); counts {
			each([]plainProvision{c.Provision}, func(chain []plainProvision) {
				if chain[len(chain)-1].Type == "permit" {
					f(c, chain)
				}
			})
		}
	}
}

// opened reports whether some counted permit names the reader.
func (w *plainWorld) opened(r plainReader) bool {
	out := false
	w.eachPermit(r, func(_ plainConsent, chain []plainProvision) {
		all := !slices.ContainsFunc(chain, func(p plainProvision) bool { return !w.about(p, r, false) })
		out = out || all && names(chain[len(chain)-1], r)
	})
	return out
}

// judge goes over the cells; the first reason in the order of access.md 4.4 counts.
func (w *plainWorld) judge(r plainReader, x plainThing, needs, named, only, standard bool) cellVerdict {
	order := []string{"consent-denied", "domain-denied", "consent-none", "domain-not-shared", ""}
	out := cellVerdict{wide: true}
	for _, cell := range x.cells() {
		v := w.cell(r, x, cell, needs, named, only, standard)
		if slices.Index(order, v.reason) < slices.Index(order, out.reason) {
			out.reason = v.reason
		}
		out.byRule, out.wide = out.byRule || v.byRule, out.wide && v.wide
	}
	return out
}

// read is the reason with which a read ends, access.md 3; of labels "label" alone.
func (w *plainWorld) read(r plainReader, x plainThing) string {
	if r.person() {
		return w.readPerson(r, x)
	}
	reason, wide, open := w.readOrganization(r, x)
	if reason == "permit-own-record" || reason == "permit-task-party" && x.confidentiality() == 3 {
		return reason
	}
	if !strings.HasPrefix(reason, "permit-") {
		if !open || !r.breaks() {
			return reason
		}
		reason = "permit-emergency"
	}
	switch {
	case x.confidentiality() == 5, x.confidentiality() == 4 && !wide && !r.breaks():
		return "label"
	case x.confidentiality() == 4 && !wide:
		reason = "permit-emergency"
	}
	if reason == "permit-emergency" && (slices.Contains(x.domains, "sociaal") || slices.Contains(x.domains, "ontwikkeling")) {
		return "emergency-scope"
	}
	return reason
}

func (r plainReader) breaks() bool {
	return r.role == "professional" && (r.purpose == "BTG" || r.purpose == "ETREAT") && !r.disclose
}

// readOrganization is steps 5, 7 and 8 of an organisation: a permit, or a refusal that an emergency may
// override.
func (w *plainWorld) readOrganization(r plainReader, x plainThing) (reason string, wide, open bool) {
	byTask, offered := w.byTask(r)
	switch {
	case x.owner == r.org:
		return "permit-own-record", true, false
	case x.kind() == "Task":
		k := w.tasks[number(strings.TrimPrefix(x.ref, "Task/task"))]
		if (k.owner == r.org || k.requester == r.org) && k.status != "entered-in-error" {
			return "permit-task-party", false, false
		}
	case x.kind() == "CareTeam" && w.inTeam(r):
		return "permit-team-member", false, false
	}
	switch {
	case !byTask && !w.inTeam(r) && offered && x.kind() == "Patient":
		return "permit-task-offer", false, false
	case !byTask && !w.inTeam(r):
		return "relation-none", false, true
	}
	standard := w.se && slices.Contains(w.hsl, r.org) && slices.Contains(w.hsl, x.owner) && slices.Contains([]string{"TREAT", "COC", "ETREAT", "BTG"}, r.purpose)
	v := w.judge(r, x, true, false, false, standard)
	switch {
	case x.kind() == "Patient" && (v.reason == "consent-none" || v.reason == "domain-not-shared"):
		return "permit-relation", false, false
	case v.reason != "":
		return v.reason, v.wide, true
	case !v.byRule:
		return "permit-default-se", false, false
	}
	return "permit-consent", v.wide, false
}

// standing is access.md 3.2: the mode, or the reason of a refusal, and the instant custody began.
func (w *plainWorld) standing(r plainReader) (mode, since string) {
	self := slices.IndexFunc(w.persons, func(p plainPerson) bool { return "RelatedPerson/"+p.id == r.user })
	switch {
	case r.role != "child" && (!w.persons[self].active || !covered(today, "", w.persons[self].end)):
		return "relation-none", ""
	case r.role == "helper":
		return "helper", ""
	case w.born == "":
		return "rep-birthdate-unknown", ""
	case r.role == "child" && w.childMay(w.youngest(today)):
		return "self", ""
	case r.role == "child" && w.se && w.youngest(today) >= 13:
		return "rep-maturity-missing", ""
	case r.role == "child":
		return "rep-child-too-young", ""
	case w.oldest(today) >= 16:
		if w.se && w.youngest(today) <= 17 {
			return "rep-age-closed", ""
		}
		if !w.opened(r) {
			return "rep-youth-alone", ""
		}
		return "youth", ""
	}
	return w.guardian(r, w.persons[self])
}

// guardian is the part of 3.2 that looks at custody.
func (w *plainWorld) guardian(r plainReader, p plainPerson) (mode, since string) {
	held, unclear, fresh := w.se && p.swedish, false, w.se
	born, _ := w.births()
	for _, k := range p.custody {
		if w.se || !covered(today, k.start, k.end) {
			continue
		}
		if !slices.Contains(givesCustody, k.kind) {
			unclear = true
			continue
		}
		held, fresh = true, fresh || k.checked >= "2025-11-21"
		if k.start > born && k.start > since {
			since = k.start
		}
	}
	old := w.oldest(today)
	switch {
	case unclear:
		return "rep-custody-undetermined", ""
	case !held:
		return "rep-custody-none", ""
	case w.osl:
		return "rep-flag-osl", ""
	case !fresh:
		return "rep-custody-stale", ""
	case old < w.limit(12, 13):
		return "custody", since
	case !w.se && w.objection:
		return "objection", ""
	case w.opened(r):
		return map[bool]string{true: "extension", false: "child-permit"}[w.se], ""
	}
	return map[bool]string{true: "rep-extension-missing", false: "rep-child-permit-missing"}[w.se], ""
}

var plainModes = map[string]string{
	"self": "permit-self", "custody": "permit-custody", "objection": "permit-custody", "child-permit": "permit-child-permit",
	"extension": "permit-extension", "youth": "permit-youth-consent", "helper": "permit-consent",
}

func (w *plainWorld) readPerson(r plainReader, x plainThing) string {
	mode, since := w.standing(r)
	reason, ok := plainModes[mode]
	if !ok {
		return mode
	}
	clinical := x.kind() == "CarePlan" || x.kind() == "Goal"
	switch {
	case since != "" && clinical && x.filed < since:
		return "custody-not-retroactive"
	case mode == "helper" && x.ref == r.user:
		return w.labelled(r, x, "permit-self")
	case mode == "self", mode == "custody":
		return w.labelled(r, x, reason)
	case mode == "helper" && x.kind() == "Patient":
		if v := w.judge(r, x, false, true, false, false); v.reason != "" {
			return v.reason
		}
		if !w.opened(r) {
			return "" // none or not shared
		}
		return w.labelled(r, x, reason)
	}
	needs := mode != "objection"
	v := w.judge(r, x, needs && x.kind() != "Patient", needs, mode != "helper", false)
	if v.reason != "" {
		return v.reason
	}
	return w.labelled(r, x, reason)
}

// labelled is access.md 2.4 for persons; the labels of the Patient hold for everything.
func (w *plainWorld) labelled(r plainReader, x plainThing, reason string) string {
	for _, seal := range []string{x.seal, w.seal} {
		code, barred, _ := strings.Cut(seal, "|")
		switch {
		case code == "seal-guardians" && r.role != "child", code == "seal-child" && r.role == "child", code == "not-for-patient",
			code == "seal-person" && barred == r.user, code == "about-parent" && barred != r.user:
			return "label"
		}
	}
	if x.confidentiality() == 5 || x.confidentiality() == 4 && r.role == "helper" {
		return "label"
	}
	return reason
}

// principal is the reader as the package knows it.
func (r plainReader) principal(t testing.TB) auth.Principal {
	t.Helper()
	p := auth.Principal{Role: auth.Role(r.role), Organization: refOf(r.org), FHIRUser: refOf(r.user), Purpose: r.purpose}
	scopes := "system/*.cruds user/*.cruds"
	if r.person() {
		p.Patient, scopes = refOf("Patient/kim"), "patient/*.cruds"
	}
	if r.breaks() {
		p.BTG = &auth.BreakGlass{Reason: "kind is benauwd", At: noon.Add(-time.Minute), Exp: noon.Add(time.Hour)}
	}
	return with(t, p, scopes)
}

func drawPlainReader(t *rapid.T) plainReader {
	return rapid.SampledFrom([]plainReader{
		{role: "system", org: home, purpose: "TREAT"}, {role: "system", org: home, purpose: "TREAT"}, {role: "system", org: home, purpose: "COC"},
		{role: "system", org: home, purpose: "TREAT", disclose: true}, {role: "system", org: school, purpose: "TREAT"},
		{role: "system", org: municipality, purpose: "COC"}, {role: "system", org: stranger, purpose: "TREAT"}, {role: "system", org: hospital, purpose: "TREAT"},
		{role: "professional", org: home, user: doc, purpose: "TREAT"}, {role: "professional", org: home, user: doc, purpose: "ETREAT"},
		{role: "professional", org: stranger, user: doc, purpose: "BTG"}, {role: "professional", org: municipality, user: "Practitioner/other", purpose: "BTG"},
		{role: "professional", org: school, user: "Practitioner/other", purpose: "COC"},
		{role: "guardian", user: giverMother, purpose: "FAMRQT"}, {role: "guardian", user: giverMother, purpose: "FAMRQT"},
		{role: "guardian", user: giverFather, purpose: "FAMRQT"}, {role: "child", user: giverChild, purpose: "PATRQT"}, {role: "helper", user: friend, purpose: "SUPNWK"},
	}).Draw(t, "reader")
}

// word makes a reason of Decide comparable: the order among labels is not said anywhere.
func word(reason string) string {
	if strings.HasPrefix(reason, "label-") {
		return "label"
	}
	return reason
}

// TestDecideAgreesWithASlowReadingOfTheRules draws families of both countries, what is filed about the
// child and who shares what; each resource is read by one of all kinds of readers twice: by Decide, and by
// going over access.md 2.2 to 4.5 in the order of the text.
func TestDecideAgreesWithASlowReadingOfTheRules(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		w := drawPlainWorld(rt)
		made := w.render(t)
		for range 9 {
			r := drawPlainReader(rt)
			p := r.principal(t)
			for _, x := range w.things {
				do := auth.Read
				if r.disclose {
					do = auth.Notify
				}
				want, got := w.read(r, x), made.decide(t, p, accessCase{Action: actionCase{Interaction: do, Ref: x.ref}})
				if want == "" && !got.Permit && (got.Reason == "consent-none" || got.Reason == "domain-not-shared") {
					continue
				}
				if word(got.Reason) != want {
					rt.Fatalf("%+v reads %+v: %s, want %s\n%s", r, x, got.Reason, want, w)
				}
				if http := statusOf(r, want); got.HTTP != http {
					rt.Fatalf("%+v reads %+v: %s with %d, want %d", r, x, got.Reason, got.HTTP, http)
				}
				seen[want]++
			}
		}
	})
	t.Log(seen)
	if len(seen) < 18 || seen["permit-consent"] == 0 || seen["permit-default-se"] == 0 || seen["permit-custody"] == 0 {
		t.Errorf("the reads show too little: %v", seen)
	}
}

// statusOf is the status of a reason: what a person's token alone decides is told.
func statusOf(r plainReader, reason string) int {
	switch {
	case strings.HasPrefix(reason, "permit-"):
		return 200
	case r.person() && (strings.HasPrefix(reason, "rep-") || reason == "relation-none"):
		return 403
	}
	return 404
}

// String shows the world when a test fails.
func (w *plainWorld) String() string {
	return fmt.Sprintf("se %v objection %v born %s mature %v osl %v seal %s\npersons %+v\nteam %v %+v tasks %+v hsl %v\n%s",
		w.se, w.objection, w.born, w.mature, w.osl, w.seal, w.persons, w.teamOn, w.members, w.tasks, w.hsl, strings.Join(w.consents, "\n"))
}
