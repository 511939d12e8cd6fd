package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// drawn is a random small world as JSON, so that a property can change one thing of it.
type drawn struct {
	settings  auth.Settings
	people    []string // organisations, persons, child
	records   []string // what is read
	consents  []string
	owners    map[string]string
	principal auth.Principal
	scopes    string
}

var (
	drawnBirths  = []string{"2020-05-04", "2013-05-04", "2009-05-04", "2014", "2010-11-21", "2008-01"}
	drawnDomains = []string{"medisch", "sociaal", "veiligheid"}
	drawnParties = []string{home, stranger, hospital, "CareTeam/team", "CareTeam/gone", "RelatedPerson/mother", "RelatedPerson/friend", "Practitioner/doc"}
	drawnGivers  = []string{giverMother, giverFather, giverChild, "RelatedPerson/friend"}
)

func drawWorld(t *rapid.T) *drawn {
	d := &drawn{owners: map[string]string{}}
	d.settings.Jurisdiction = rapid.SampledFrom([]string{"nl", "nl", "se"}).Draw(t, "jurisdiction")
	d.settings.ParentRead1215 = rapid.SampledFrom([]string{"", "deny-on-child-objection"}).Draw(t, "parentRead")
	d.people = drawPeople(t, rapid.SampledFrom(drawnBirths).Draw(t, "born"))
	for i := range rapid.IntRange(1, 4).Draw(t, "plans") {
		id := fmt.Sprintf("plan%d", i)
		r := plan(id, rapid.SliceOfNDistinct(rapid.SampledFrom(drawnDomains), 0, 2, rapid.ID[string]).Draw(t, "domains")...)
		if label := rapid.SampledFrom([]string{"", "", "R", "V", "L"}).Draw(t, "label"); label != "" {
			r = addSecurity(r, confidential, label)
		}
		if party := rapid.SampledFrom([]string{"", home, stranger}).Draw(t, "party"); party != "" { // a coordinated plan with a measure of its own
			r = strings.Replace(r, `"status"`, `"category":[{"coding":[{"system":"`+fhir.Canonical+`/CodeSystem/se-plantyp","code":"SAMORD"}]}],"activity":[{"detail":{"status":"in-progress","performer":[{"reference":"`+party+`"}]}}],"status"`, 1)
		}
		d.records = append(d.records, r)
		d.owners["CarePlan/"+id] = rapid.SampledFrom([]string{hospital, home, stranger}).Draw(t, "owner")
	}
	d.records = append(d.records, strings.Replace(plan("elsewhere", "medisch"), "Patient/kim", "Patient/zoe", 1),
		`{"resourceType":"Appointment","id":"both","status":"booked","participant":[{"actor":{"reference":"Patient/kim"},"status":"accepted"},{"actor":{"reference":"Patient/zoe"},"status":"accepted"}]}`)
	d.owners["CarePlan/elsewhere"] = rapid.SampledFrom([]string{hospital, home}).Draw(t, "owner")
	d.owners["Appointment/both"] = rapid.SampledFrom([]string{hospital, home}).Draw(t, "owner")
	for i := range rapid.IntRange(0, 3).Draw(t, "consents") {
		d.consents = append(d.consents, drawConsent(t, fmt.Sprintf("c%d", i)))
	}
	if rapid.Bool().Draw(t, "agreed") { // to a plan, and it has ended
		party := rapid.SampledFrom([]string{home, stranger}).Draw(t, "agreedWith")
		d.consents = append(d.consents, consentOf("agreed", provisionFor("permit", party, `"period":{"end":"2026-11-01"},"data":[{"meaning":"related","reference":{"reference":"CarePlan/plan0"}}]`), giverMother, giverFather, giverChild))
	}
	d.principal, d.scopes = drawPrincipal(t)
	return d
}

func drawPeople(t *rapid.T, born string) []string {
	hsl := func(id string) string {
		return strings.Replace(organization(id), `"name"`, `"type":[{"coding":[{"system":"`+fhir.Canonical+`/CodeSystem/se-verksamhet","code":"hsl"}]}],"name"`, 1)
	}
	swedish := func(p string) string {
		return strings.Replace(p, `"patient"`, `"relationship":[{"coding":[{"system":"`+fhir.Canonical+`/CodeSystem/se-foretradare","code":"vardnadshavare"}]}],"patient"`, 1)
	}
	kind := rapid.SampledFrom([]string{"Voogdij", "TweehoofdigOuderlijkGezag", "GezagNietTeBepalen"})
	out := []string{
		strings.ReplaceAll(hsl("hospital"), `"NL"`, `"ZZ"`), strings.ReplaceAll(hsl("home"), `"NL"`, `"ZZ"`), organization("stranger"),
		childBorn(born), swedish(mother(kind.Draw(t, "mother"))), swedish(father),
		strings.Replace(childBorn("2021-01-01"), `"kim"`, `"zoe"`, 1),
		`{"resourceType":"RelatedPerson","id":"friend","active":true,"patient":{"reference":"Patient/kim"}}`,
		`{"resourceType":"CareTeam","id":"team","status":"active","subject":{"reference":"Patient/kim"},"participant":[{"member":{"reference":"Organization/home"},"period":{"end":"` +
			rapid.SampledFrom([]string{"2026-11-21", "2027-01-01", "2026-11-20"}).Draw(t, "teamEnd") + `"}}]}`,
	}
	if rapid.Bool().Draw(t, "task") {
		out = append(out, task(rapid.SampledFrom([]string{"requested", "accepted", "completed"}).Draw(t, "taskStatus"), stranger, hospital))
	}
	if rapid.Bool().Draw(t, "mature") {
		out = append(out, flagged("mognad-atkomst"))
	}
	return out
}

func addSecurity(resource, system, code string) string {
	label := labelled(system, code, "")
	if !strings.Contains(resource, `"meta":{`) {
		return strings.Replace(resource, `"status"`, `"meta":{`+label+`},"status"`, 1)
	}
	if strings.Contains(resource, `"security":[`) {
		return strings.Replace(resource, `"security":[`, strings.TrimSuffix(label, "]")+",", 1)
	}
	return strings.Replace(resource, `"meta":{`, `"meta":{`+label+",", 1)
}

// drawProvision draws a provision with nested ones down to a depth.
func drawProvision(t *rapid.T, effect string, depth int) string {
	parts := []string{`"type":"` + effect + `"`}
	if rapid.IntRange(0, 3).Draw(t, "actor") > 0 {
		parts = append(parts, `"actor":[`+actorRef(rapid.SampledFrom(drawnParties).Draw(t, "party"))+`]`)
	}
	optional := []string{
		domainCode(rapid.SampledFrom(drawnDomains).Draw(t, "code")),
		plainCoding("purpose", reasonSystem, rapid.SampledFrom([]string{"TREAT", "COC", "FAMRQT", "PATRQT"}).Draw(t, "purpose")),
		plainCoding("class", "http://hl7.org/fhir/resource-types", rapid.SampledFrom([]string{"CarePlan", "Goal"}).Draw(t, "class")),
		plainCoding("securityLabel", confidential, rapid.SampledFrom([]string{"R", "N", "L"}).Draw(t, "securityLabel")),
		`"period":{"end":"` + rapid.SampledFrom([]string{"2026-11-21", "2026-12-31", "2026-11-01"}).Draw(t, "end") + `"}`,
		`"data":[{"meaning":"instance","reference":{"reference":"CarePlan/plan0"}}]`,
	}
	for i, text := range optional {
		if rapid.IntRange(0, 3).Draw(t, fmt.Sprintf("take%d", i)) == 0 {
			parts = append(parts, text)
		}
	}
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "nested") == 0 {
		inner := map[string]string{"permit": "deny", "deny": "permit"}[effect]
		parts = append(parts, `"provision":[`+drawProvision(t, inner, depth-1)+`]`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func drawConsent(t *rapid.T, id string) string {
	effect := rapid.SampledFrom([]string{"permit", "permit", "deny"}).Draw(t, "effect")
	givers := rapid.SliceOfNDistinct(rapid.SampledFrom(drawnGivers), 0, 3, rapid.ID[string]).Draw(t, "givers")
	c := consentOf(id, drawProvision(t, effect, 2), givers...)
	if rapid.Bool().Draw(t, "held") {
		c = held(c, rapid.SampledFrom([]string{hospital, home}).Draw(t, "holder"))
	}
	if rapid.IntRange(0, 4).Draw(t, "withdrawn") == 0 {
		c = strings.Replace(c, `"status":"active"`, `"meta":{"lastUpdated":"2026-11-15T12:00:00Z"},"status":"inactive"`, 1)
	}
	return c
}

func drawPrincipal(t *rapid.T) (auth.Principal, string) {
	kim := refOf("Patient/kim")
	p := rapid.SampledFrom([]auth.Principal{
		{Role: auth.System, Organization: refOf(home), Purpose: "TREAT"},
		{Role: auth.System, Organization: refOf(home), Purpose: "COC"},
		{Role: auth.System, Organization: refOf(stranger), Purpose: "TREAT"},
		{Role: auth.Professional, Organization: refOf(home), FHIRUser: refOf("Practitioner/doc"), Purpose: "TREAT"},
		{Role: auth.Professional, Organization: refOf(stranger), FHIRUser: refOf("Practitioner/doc"), Purpose: "BTG",
			BTG: &auth.BreakGlass{Reason: "kind is benauwd", At: noon.Add(-time.Minute), Exp: noon.Add(time.Hour)}},
		{Role: auth.Professional, Organization: refOf(home), FHIRUser: refOf("Practitioner/doc"), Patient: kim, Purpose: "TREAT"},
		{Role: auth.Guardian, FHIRUser: refOf(giverMother), Patient: kim, Purpose: "FAMRQT"},
		{Role: auth.Guardian, FHIRUser: refOf(giverMother), Purpose: "FAMRQT"},
		{Role: auth.ChildRole, FHIRUser: kim, Patient: kim, Purpose: "PATRQT"},
		{Role: auth.Helper, FHIRUser: refOf("RelatedPerson/friend"), Patient: kim, Purpose: "SUPNWK"},
	}).Draw(t, "principal")
	scopes := rapid.SliceOfN(rapid.SampledFrom([]string{
		"system/*.rs", "user/*.rs", "patient/*.rs", "user/CarePlan.rs?_tag=" + domainSystem + "|medisch",
		"patient/CarePlan.rs", "system/CarePlan.rs?status=active", "system/CarePlan.rs?_tag=sociaal", "user/Patient.rs",
	}), 1, 4).Draw(t, "scopes")
	return p, strings.Join(scopes, " ")
}

// build makes the world.
func (d *drawn) build(t testing.TB) *world {
	t.Helper()
	var all []string
	for _, list := range [][]string{d.people, d.records, d.consents} {
		all = append(all, list...)
	}
	w := smallWorld(t, d.owners, all...)
	w.settings = d.settings
	return w
}

// outcomes decides on every person and record of a world. Consents, Flags and the directory are left
// out: a new Consent may be read and brings organisations into view.
func (d *drawn) outcomes(t testing.TB, w *world) map[string]auth.Decision {
	t.Helper()
	p := with(t, d.principal, d.scopes)
	out := map[string]auth.Decision{}
	for ref := range w.rows {
		if ref.Type != "Consent" && ref.Type != "Flag" && ref.Type != "Organization" {
			out[ref.String()] = w.read(t, p, ref.String())
		}
	}
	return out
}
