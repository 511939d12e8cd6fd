package auth_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// plainWorld is a family, its organisations and what they filed, in the words of access.md. It is
// rendered as FHIR for the package, and judged as it stands by the evaluator of plain_read_test.go,
// which shares nothing with the package.
type plainWorld struct {
	se        bool // Sweden
	objection bool // parent-read-12-15 = deny-on-child-objection
	born      string
	mature    bool   // Flag mognad-atkomst
	osl       bool   // Flag osl-12-3
	seal      string // label of the Patient, with whom it bars behind "|"
	persons   []plainPerson
	members   []plainMember // of the team
	teamOn    bool
	tasks     []plainTask
	hsl       []string // organisations under the Swedish health-care act
	consents  []string
	plain     []plainConsent // the same, as encoding/json reads them
	things    []plainThing
}

type plainPerson struct {
	id, end string // of RelatedPerson.period, "" is open
	active  bool
	swedish bool // vardnadshavare
	custody []plainCustody
}

type plainCustody struct{ kind, start, end, checked string }

type plainMember struct {
	who, end string
	lead     bool // zorgcoordinator
}

type plainTask struct{ status, owner, requester string }

// plainThing is a resource about the child.
type plainThing struct {
	ref, owner, level, seal string // seal: a code of access-label, with whom it bars behind "|"
	domains                 []string
	filed, when             string // dates
}

func (x plainThing) kind() string { return x.ref[:strings.Index(x.ref, "/")] }

// plainConsent is a Consent as encoding/json reads it.
type plainConsent struct {
	ID, DateTime            string
	Performer, Organization []struct{ Reference string }
	Category                []struct {
		Coding []struct{ System, Code string }
	}
	Provision plainProvision
}

type plainProvision struct {
	Type  string
	Actor []struct {
		Reference struct{ Reference string }
	}
	Code, Action []struct {
		Coding []struct{ Code string }
	}
	Purpose, Class, SecurityLabel []struct{ Code string }
	Period, DataPeriod            *struct{ Start, End string }
	Data                          []struct {
		Meaning   string
		Reference struct{ Reference string }
	}
	Provision []plainProvision
}

const (
	school       = "Organization/school"
	municipality = "Organization/municipality"
	doc          = "Practitioner/doc"
	friend       = "RelatedPerson/friend"
	plainPaper   = "Composition/paper" // has plan0 in a section
	today        = "2026-11-21"        // of noon
)

// plainBirths are on both sides of each age of access.md 2.2, and partial.
var plainBirths = []string{
	"2020-05-04", "2014-11-21", "2014-11-22", "2013-11-21", "2013-11-22", "2013-05-04", "2012-02-29", "2010-11-21", "2010-11-22",
	"2009-05-04", "2008-11-21", "2008-11-22", "2014", "2013-11", "2010", "2008", "",
}

func drawPlainWorld(t *rapid.T) *plainWorld {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	odd := func(name string, n int) bool { return rapid.IntRange(0, n-1).Draw(t, name) == n-1 }
	w := &plainWorld{
		se: rapid.Bool().Draw(t, "se"), objection: odd("objection", 3), born: pick("born", plainBirths...),
		mature: odd("mature", 2), osl: odd("osl", 8), teamOn: !odd("teamOff", 8),
	}
	if odd("sealed", 6) {
		w.seal = drawSeal(t)
	}
	for _, id := range []string{"mother", "father", "friend"} {
		p := plainPerson{id: id, active: !odd("inactive", 8), end: pick("personEnd", "", "", "", today, "2026-11-20")}
		if id != "friend" {
			p.swedish = !odd("notSwedish", 6)
			for range rapid.SampledFrom([]int{1, 1, 1, 2, 0}).Draw(t, "custodies") {
				p.custody = append(p.custody, plainCustody{
					kind:  pick("custody", "Voogdij", "EenhoofdigOuderlijkGezag", "TweehoofdigOuderlijkGezag", "EenhoofdigOuderlijkGezag", "GezamenlijkGezag", "TijdelijkGeenGezag", "GezagNietTeBepalen"),
					start: pick("custodyFrom", "", "", "2026-11-01", "2026-11-22"), end: pick("custodyTo", "", "", today, "2026-11-20"),
					checked: pick("checked", "2026-11-01", "2026-11-01", "2026-06-01", "2025-11-21", "2025-11-20", ""),
				})
			}
		}
		w.persons = append(w.persons, p)
	}
	for _, who := range []string{home, school, municipality, "PractitionerRole/role", friend} {
		if !odd("absent", 4) {
			w.members = append(w.members, plainMember{who, pick("memberEnd", "", "", today, "2026-11-20"), odd("lead", 3)})
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "tasks") {
		w.tasks = append(w.tasks, plainTask{pick("taskStatus", "draft", "requested", "received", "accepted", "in-progress", "on-hold", "completed", "entered-in-error"),
			pick("taskOwner", stranger, home, home, giverMother, giverChild, friend), pick("taskRequester", hospital, stranger)})
	}
	for _, org := range []string{hospital, home, stranger, school, municipality} {
		if org == hospital || org == home || odd("hsl", 4) {
			w.hsl = append(w.hsl, org)
		}
	}
	w.drawThings(t)
	w.drawConsents(t)
	if odd("middle", 3) {
		w.drawMiddle(t)
	}
	return w
}

// drawMiddle makes the child old enough to have a say, and its mother's custody good: what it permits her
// decides.
func (w *plainWorld) drawMiddle(t *rapid.T) {
	w.born = rapid.SampledFrom([]string{"2013-05-04", "2012-02-29", "2011-11-22", "2013-11-21"}).Draw(t, "born")
	w.osl, w.objection = false, false
	w.persons[0] = plainPerson{id: "mother", active: true, swedish: true, custody: []plainCustody{{kind: "Voogdij", checked: "2026-11-01"}}}
	more := rapid.SampledFrom([]string{"", "", domainCode("medisch"), plainCoding("class", "http://hl7.org/fhir/resource-types", "CarePlan")}).Draw(t, "only")
	c := held(consentOf("open", provisionFor("permit", giverMother, more), giverChild), hospital)
	c = strings.Replace(c, `"category":[`, `"category":[{"coding":[{"system":"`+fhir.Canonical+`/CodeSystem/se-samtycke","code":"utokad-vardnadshavare"}]},`, 1)
	w.consents, w.plain = append(w.consents, c), append(w.plain, readPlainConsent(t, c))
}

func drawSeal(t *rapid.T) string {
	return rapid.SampledFrom([]string{"seal-guardians", "seal-child", "not-for-patient", "seal-person|" + giverMother, "seal-person|" + friend,
		"about-parent|" + giverMother, "about-parent|" + giverFather}).Draw(t, "seal")
}

func (w *plainWorld) drawThings(t *rapid.T) {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	for _, ref := range []string{"CarePlan/plan0", "CarePlan/plan1", "Goal/goal"} {
		x := plainThing{ref: ref, owner: pick("owner", hospital, hospital, home, stranger, school), level: pick("level", "", "", "", "R", "V", "L", "N")}
		x.domains = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"medisch", "medisch", "sociaal", "veiligheid", "ontwikkeling"}), 0, 2, rapid.ID[string]).Draw(t, "domains")
		x.filed, x.when = pick("filed", "2026-10-31", "2026-11-02"), pick("when", "", "2026-06-01")
		if x.kind() == "Goal" {
			x.when = "" // nothing of a Goal is a time that counts
		}
		if rapid.IntRange(0, 4).Draw(t, "thingSealed") == 0 {
			x.seal = drawSeal(t)
		}
		w.things = append(w.things, x)
	}
	w.things = append(w.things, plainThing{ref: "Patient/kim", owner: hospital, filed: "2026-01-01"}, plainThing{ref: friend, owner: hospital, filed: "2026-01-01"},
		plainThing{ref: "CareTeam/team", owner: hospital, filed: "2026-01-01"})
	for i := range w.tasks {
		w.things = append(w.things, plainThing{ref: fmt.Sprintf("Task/task%d", i), owner: hospital, filed: "2026-01-01"})
	}
}

func (w *plainWorld) drawConsents(t *rapid.T) {
	odd := func(name string, n int) bool { return rapid.IntRange(0, n-1).Draw(t, name) == n-1 }
	for i := range rapid.IntRange(0, 5).Draw(t, "consents") {
		givers := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{giverMother, giverFather, giverChild, friend}), 0, 3, rapid.ID[string]).Draw(t, "givers")
		if odd("jointly", 2) {
			givers = []string{giverMother, giverChild}
		}
		provision := drawPlainProvision(t, rapid.SampledFrom([]string{"permit", "permit", "deny"}).Draw(t, "effect"), 3)
		kind := map[int]string{0: `{"system":"` + fhir.Canonical + `/CodeSystem/toestemming-soort","code":"verondersteld"}`,
			1: `{"system":"` + fhir.Canonical + `/CodeSystem/se-samtycke","code":"utokad-vardnadshavare"}`}[rapid.IntRange(0, 7).Draw(t, "kind")]
		if strings.Contains(kind, "verondersteld") && !odd("formless", 4) {
			provision = provisionFor("permit", home, `"period":{"end":"2026-12-21"},"data":[{"meaning":"dependents","reference":{"reference":"`+plainPaper+`"}}]`)
		}
		if odd("plain", 3) { // many elements seldom match
			provision = provisionFor("permit", rapid.SampledFrom([]string{home, home, school, "CareTeam/team", giverMother, giverMother, friend}).Draw(t, "to"), "")
		}
		c := consentOf(fmt.Sprintf("c%d", i), provision, givers...)
		if odd("held", 2) {
			c = held(c, rapid.SampledFrom([]string{hospital, hospital, home}).Draw(t, "holder"))
		}
		if kind != "" {
			c = strings.Replace(c, `"category":[`, `"category":[{"coding":[`+kind+`]},`, 1)
		}
		c = strings.Replace(c, `"dateTime":"2026-10-30T12:00:00+01:00",`, rapid.SampledFrom([]string{`"dateTime":"2026-10-30T12:00:00+01:00",`, `"dateTime":"2026-10-30T12:00:00+01:00",`,
			`"dateTime":"2026-11-22",`, `"dateTime":"2025-05-05",`, `"dateTime":"2026-11-21",`, ""}).Draw(t, "dateTime"), 1)
		w.consents = append(w.consents, c)
	}
	for _, text := range w.consents {
		w.plain = append(w.plain, readPlainConsent(t, text))
	}
}

func readPlainConsent(t *rapid.T, text string) plainConsent {
	var c plainConsent
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// drawPlainProvision draws a provision with nested ones down to a depth, most of them opposite.
func drawPlainProvision(t *rapid.T, effect string, depth int) string {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	parts := []string{`"type":"` + effect + `"`}
	if rapid.IntRange(0, 3).Draw(t, "actor") > 0 {
		parts = append(parts, `"actor":[`+actorRef(pick("party", home, home, school, stranger, hospital, "CareTeam/team", "CareTeam/gone", giverMother, giverMother, giverFather, friend, doc))+`]`)
	}
	for i, text := range []string{
		domainCode(pick("code", drawnDomains...)),
		plainCoding("purpose", reasonSystem, pick("purpose", "TREAT", "TREAT", "COC", "ETREAT", "BTG", "FAMRQT", "PATRQT", "CAREMGT")),
		plainCoding("class", "http://hl7.org/fhir/resource-types", pick("class", "CarePlan", "Goal", "Patient", "Task")),
		plainCoding("securityLabel", confidential, pick("securityLabel", "R", "N", "L")),
		`"period":{` + pick("period", `"end":"2026-11-21"`, `"end":"2026-12-31"`, `"end":"2026-11-20"`, `"start":"2026-11-22"`) + `}`,
		`"dataPeriod":{` + pick("dataPeriod", `"end":"2026-06-01"`, `"start":"2026-06-02"`) + `}`,
		coding("action", "http://terminology.hl7.org/CodeSystem/consentaction", pick("action", "access", "disclose")),
		`"data":[{` + pick("data", `"meaning":"instance","reference":{"reference":"CarePlan/plan0"}`, `"meaning":"instance","reference":{"reference":"CarePlan/plan1"}`,
			`"meaning":"authoredby","reference":{"reference":"`+hospital+`"}`, `"meaning":"dependents","reference":{"reference":"Composition/none"}`, `"meaning":"dependents","reference":{"reference":"`+plainPaper+`"}`) + `}]`,
	} {
		if rapid.IntRange(0, 4).Draw(t, fmt.Sprintf("take%d", i)) == 0 {
			parts = append(parts, text)
		}
	}
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "nested") == 0 {
		inner := map[string]string{"permit": "deny", "deny": "permit"}[effect]
		if rapid.IntRange(0, 7).Draw(t, "same") == 0 {
			inner = effect
		}
		parts = append(parts, `"provision":[`+drawPlainProvision(t, inner, depth-1)+`]`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// render makes the world of the package.
func (w *plainWorld) render(t testing.TB) *world {
	t.Helper()
	owners := map[string]string{}
	text := append(w.people(), w.consents...)
	for _, x := range w.things {
		owners[x.ref] = x.owner
		if x.kind() == "CarePlan" || x.kind() == "Goal" {
			text = append(text, x.render())
		}
	}
	out := smallWorld(t, owners, text...)
	out.settings = auth.Settings{Jurisdiction: "nl"}
	if w.se {
		out.settings.Jurisdiction = "se"
	}
	if w.objection {
		out.settings.ParentRead1215 = "deny-on-child-objection"
	}
	for _, x := range w.things {
		row := out.rows[refOf(x.ref)]
		row.FiledAt, _ = time.ParseInLocation(time.DateOnly, x.filed, noon.Location())
		out.rows[refOf(x.ref)] = row
	}
	return out
}

func (x plainThing) render() string {
	id := strings.TrimPrefix(x.ref, x.kind()+"/")
	r := strings.Replace(plan(id, x.domains...), `"CarePlan"`, `"`+x.kind()+`"`, 1)
	if x.when != "" {
		r = strings.Replace(r, `"intent"`, `"created":"`+x.when+`","intent"`, 1)
	}
	if x.level != "" {
		r = addSecurity(r, confidential, x.level)
	}
	return withSeal(r, x.seal)
}

func withSeal(resource, seal string) string {
	code, barred, _ := strings.Cut(seal, "|")
	if code == "" {
		return resource
	}
	label := strings.TrimSuffix(strings.TrimPrefix(labelled(accessSystem, code, barred), `"security":[`), "]")
	switch {
	case strings.Contains(resource, `"security":[`):
		return strings.Replace(resource, `"security":[`, `"security":[`+label+",", 1)
	case strings.Contains(resource, `"meta":{`):
		return strings.Replace(resource, `"meta":{`, `"meta":{"security":[`+label+"],", 1)
	}
	return strings.Replace(resource, `"id"`, `"meta":{"security":[`+label+`]},"id"`, 1)
}

// people are the organisations, the child, its persons, team, tasks and flags.
func (w *plainWorld) people() []string {
	var out []string
	for _, org := range []string{hospital, home, stranger, school, municipality} {
		kind := "skola"
		if containsText(w.hsl, org) {
			kind = "hsl"
		}
		_, id, _ := strings.Cut(org, "/")
		out = append(out, fmt.Sprintf(`{"resourceType":"Organization","id":%q,"type":[{"coding":[{"system":"%s/CodeSystem/se-verksamhet","code":%q}]}]}`, id, fhir.Canonical, kind))
	}
	kim := childBorn(w.born)
	if w.born == "" {
		kim = `{"resourceType":"Patient","id":"kim"}`
	}
	out = append(out, withSeal(kim, w.seal), strings.Replace(childBorn("2021-01-01"), `"kim"`, `"zoe"`, 1), `{"resourceType":"PractitionerRole","id":"role","practitioner":{"reference":"`+doc+`"},"organization":{"reference":"`+stranger+`"}}`)
	for _, p := range w.persons {
		out = append(out, p.render())
	}
	status := map[bool]string{true: "active", false: "inactive"}[w.teamOn]
	members := []string{`{"member":{"reference":"Practitioner/nobody"}}`}
	for _, m := range w.members {
		role := ""
		if m.lead {
			role = `,"role":[{"coding":[{"system":"` + fhir.Canonical + `/CodeSystem/teamrol","code":"zorgcoordinator"}]}]`
		}
		members = append(members, `{"member":{"reference":"`+m.who+`"}`+role+period(`,"period":`, "", m.end)+`}`)
	}
	out = append(out, `{"resourceType":"CareTeam","id":"team","status":"`+status+`","subject":{"reference":"Patient/kim"},"participant":[`+strings.Join(members, ",")+`]}`)
	out = append(out, `{"resourceType":"Composition","id":"paper","status":"final","subject":{"reference":"Patient/kim"},"section":[{"entry":[{"reference":"CarePlan/plan0"}]}]}`)
	for i, k := range w.tasks {
		out = append(out, strings.Replace(task(k.status, k.owner, k.requester), `"id":"task"`, fmt.Sprintf(`"id":"task%d"`, i), 1))
	}
	if w.mature {
		out = append(out, flagged("mognad-atkomst"))
	}
	if w.osl {
		out = append(out, strings.Replace(flagged("osl-12-3"), `"id":"flag"`, `"id":"harm"`, 1))
	}
	return out
}

func (p plainPerson) render() string {
	custody := ""
	for _, k := range p.custody {
		checked := ""
		if k.checked != "" {
			checked = `,{"url":"gecontroleerdOp","valueDate":"` + k.checked + `"}`
		}
		custody += `,{"url":"` + fhir.Canonical + `/StructureDefinition/gezag","extension":[{"url":"type","valueCode":"` + k.kind + `"}` +
			strings.Replace(period(`,{"url":"period","valuePeriod":`, k.start, k.end), "}", "}}", 1) + checked + `]}`
	}
	if custody != "" {
		custody = `,"extension":[` + custody[1:] + `]`
	}
	se := ""
	if p.swedish {
		se = `,"relationship":[{"coding":[{"system":"` + fhir.Canonical + `/CodeSystem/se-foretradare","code":"vardnadshavare"}]}]`
	}
	return fmt.Sprintf(`{"resourceType":"RelatedPerson","id":%q,"active":%v,"patient":{"reference":"Patient/kim"}%s%s%s}`, p.id, p.active, custody, se, period(`,"period":`, "", p.end))
}

// period is a Period behind a text, "" when it is open on both sides.
func period(before, start, end string) string {
	var parts []string
	if start != "" {
		parts = append(parts, `"start":"`+start+`"`)
	}
	if end != "" {
		parts = append(parts, `"end":"`+end+`"`)
	}
	if len(parts) == 0 {
		return ""
	}
	return before + "{" + strings.Join(parts, ",") + "}"
}

func containsText(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
