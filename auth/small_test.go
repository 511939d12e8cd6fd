package auth_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Organisations of the small worlds.
const (
	hospital = "Organization/hospital" // keeps the child's record
	home     = "Organization/home"     // home care, in the team
	stranger = "Organization/stranger"
)

const (
	domainSystem  = fhir.Canonical + "/CodeSystem/mks-domein"
	accessSystem  = fhir.Canonical + "/CodeSystem/access-label"
	flagSystem    = fhir.Canonical + "/CodeSystem/access-flag"
	confidential  = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	reasonSystem  = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	recipientRole = `"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]}`
)

// noon is the instant of the small worlds.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("CET", 3600))

// smallWorld holds the given resources; all are kept by the hospital unless owners says otherwise.
func smallWorld(t testing.TB, owners map[string]string, resources ...string) *world {
	t.Helper()
	w := &world{now: noon, trees: map[fhir.Ref]*fhir.Resource{}, settings: auth.Settings{Jurisdiction: "nl"}}
	all := map[string]string{}
	for _, text := range resources {
		r := parse(t, json.RawMessage(text))
		w.trees[r.Ref()] = r
		all[r.Ref().String()] = hospital
	}
	for ref, org := range owners {
		all[ref] = org
	}
	w.index(t, all, nil)
	return w
}

// family returns a child with birth date, a mother with custody, a friend, a team with home care,
// and a plan in the domain medisch.
func family(born string) []string {
	return []string{
		organization("hospital"), organization("home"), organization("stranger"),
		childBorn(born), mother("TweehoofdigOuderlijkGezag"),
		`{"resourceType":"RelatedPerson","id":"friend","active":true,"patient":{"reference":"Patient/kim"}}`,
		`{"resourceType":"CareTeam","id":"team","status":"active","subject":{"reference":"Patient/kim"},"participant":[{"member":{"reference":"Organization/home"}}]}`,
		plan("plan", "medisch"),
	}
}

func organization(id string) string {
	return fmt.Sprintf(`{"resourceType":"Organization","id":%q,"name":"org","address":[{"country":"NL"}]}`, id)
}

func childBorn(born string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":"kim","birthDate":%q}`, born)
}

func mother(custody string) string {
	return fmt.Sprintf(`{"resourceType":"RelatedPerson","id":"mother","active":true,"patient":{"reference":"Patient/kim"},
		"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[
		{"url":"type","valueCode":%q},{"url":"bron","valueCode":"BRP"},{"url":"gecontroleerdOp","valueDate":"2026-11-01"}]}]}`, custody)
}

func plan(id string, domains ...string) string {
	tags := ""
	for _, d := range domains {
		if tags != "" {
			tags += ","
		}
		tags += fmt.Sprintf(`{"system":%q,"code":%q}`, domainSystem, d)
	}
	meta := ""
	if tags != "" {
		meta = `"meta":{"tag":[` + tags + `]},`
	}
	return `{"resourceType":"CarePlan","id":"` + id + `",` + meta + `"status":"active","intent":"plan","subject":{"reference":"Patient/kim"}}`
}

// consentOf is a privacy Consent with the provision, given by the performers in October 2026.
func consentOf(id, provision string, performers ...string) string {
	who := ""
	for _, p := range performers {
		if who != "" {
			who += ","
		}
		who += fmt.Sprintf(`{"reference":%q}`, p)
	}
	if who != "" {
		who = `"performer":[` + who + `],`
	}
	return `{"resourceType":"Consent","id":"` + id + `","status":"active",` + who +
		`"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],
		"patient":{"reference":"Patient/kim"},"dateTime":"2026-10-30T12:00:00+01:00","provision":` + provision + `}`
}

// provisionFor is a provision of an effect for one recipient, with more members when given.
func provisionFor(effect, recipient, more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"type":"` + effect + `","actor":[` + actorRef(recipient) + `]` + more + `}`
}

func actorRef(ref string) string {
	return `{` + recipientRole + `,"reference":{"reference":"` + ref + `"}}`
}

func domainCode(code string) string {
	return fmt.Sprintf(`"code":[{"coding":[{"system":%q,"code":%q}]}]`, domainSystem, code)
}

// Principals of the small worlds.
func asSystem(t testing.TB, org string) auth.Principal {
	return with(t, auth.Principal{Role: auth.System, Organization: refOf(org), Purpose: "TREAT"}, "system/*.cruds")
}

func asMother(t testing.TB) auth.Principal {
	return with(t, auth.Principal{Role: auth.Guardian, FHIRUser: refOf("RelatedPerson/mother"), Patient: refOf("Patient/kim"), Purpose: "FAMRQT"}, "patient/*.cruds")
}

func asChild(t testing.TB) auth.Principal {
	return with(t, auth.Principal{Role: auth.ChildRole, FHIRUser: refOf("Patient/kim"), Patient: refOf("Patient/kim"), Purpose: "PATRQT"}, "patient/*.cruds")
}

func asFriend(t testing.TB) auth.Principal {
	return with(t, auth.Principal{Role: auth.Helper, FHIRUser: refOf("RelatedPerson/friend"), Patient: refOf("Patient/kim"), Purpose: "SUPNWK"}, "patient/*.cruds")
}

func asDoctor(t testing.TB, org string) auth.Principal {
	return with(t, auth.Principal{Role: auth.Professional, FHIRUser: refOf("Practitioner/doc"), Organization: refOf(org), Purpose: "TREAT"}, "user/*.cruds")
}

func asAdmin(t testing.TB, org string) auth.Principal {
	return with(t, auth.Principal{Role: auth.Admin, Organization: refOf(org), Purpose: "HCOMPL"}, "system/*.cruds")
}

func with(t testing.TB, p auth.Principal, scopes string) auth.Principal {
	t.Helper()
	var err error
	if p.Scopes, err = auth.ParseScopes(scopes); err != nil {
		t.Fatal(err)
	}
	p.State, p.Client = auth.TokenActive, "client"
	return p
}

// read decides on a read as the server does: phase A, look-up, phase B.
func (w *world) read(t testing.TB, p auth.Principal, ref string) auth.Decision {
	t.Helper()
	return w.decide(t, p, accessCase{Action: actionCase{Interaction: auth.Read, Ref: ref}})
}
