package auth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

const (
	giverMother = "RelatedPerson/mother"
	giverFather = "RelatedPerson/father"
	giverChild  = "Patient/kim"
)

// father has custody too.
var father = strings.Replace(mother("TweehoofdigOuderlijkGezag"), `"mother"`, `"father"`, 1)

// ruleCase is a read of a plan in one domain by home care, under Consents.
type ruleCase struct {
	name     string
	born     string // default 2020-05-04
	domains  string // of the plan, comma separated, and a label behind +; default medisch
	consents []string
	want     string
}

func homeCarePermit(more string) string { return provisionFor("permit", home, more) }

func yes(more string) string {
	return consentOf("yes", homeCarePermit(more), giverMother)
}

func coding(member, system, code string) string {
	return fmt.Sprintf(`%q:[{"coding":[{"system":%q,"code":%q}]}]`, member, system, code)
}

func plainCoding(member, system, code string) string {
	return fmt.Sprintf(`%q:[{"system":%q,"code":%q}]`, member, system, code)
}

var consentCases = []ruleCase{
	{name: "no Consent", want: "consent-none"},
	{name: "one guardian permits", consents: []string{yes("")}, want: "permit-consent"},
	{name: "a permit for anybody", consents: []string{consentOf("yes", `{"type":"permit"}`, giverMother)}, want: "permit-consent"},
	{name: "a permit of a friend", consents: []string{consentOf("yes", homeCarePermit(""), "RelatedPerson/friend")}, want: "consent-none"},
	{name: "a permit of nobody", consents: []string{consentOf("yes", homeCarePermit(""))}, want: "consent-none"},
	{name: "a deny of nobody counts", consents: []string{yes(""), consentOf("no", provisionFor("deny", home, ""))}, want: "consent-denied"},
	{name: "a deny of a friend does not count", consents: []string{yes(""), consentOf("no", provisionFor("deny", home, ""), "RelatedPerson/friend")}, want: "permit-consent"},
	{name: "a permit without dateTime", consents: []string{strings.Replace(yes(""), `"dateTime":"2026-10-30T12:00:00+01:00",`, "", 1)}, want: "consent-none"},
	{name: "a deny without dateTime counts", consents: []string{yes(""), strings.Replace(consentOf("no", provisionFor("deny", home, ""), giverMother), `"dateTime":"2026-10-30T12:00:00+01:00",`, "", 1)}, want: "consent-denied"},
	{name: "a permit of tomorrow", consents: []string{strings.Replace(yes(""), "2026-10-30T", "2026-11-22T", 1)}, want: "consent-none"},
	{name: "a deny of tomorrow", consents: []string{yes(""), strings.Replace(consentOf("no", provisionFor("deny", home, ""), giverMother), "2026-10-30T", "2026-11-22T", 1)}, want: "permit-consent"},
	{name: "a proposed permit", consents: []string{strings.Replace(yes(""), `"status":"active"`, `"status":"proposed"`, 1)}, want: "consent-none"},
	{name: "a permit of the holder's data", consents: []string{strings.Replace(yes(""), `"provision":`, `"organization":[{"reference":"Organization/hospital"}],"provision":`, 1)}, want: "permit-consent"},
	{name: "a permit of another holder's data", consents: []string{strings.Replace(yes(""), `"provision":`, `"organization":[{"reference":"Organization/stranger"}],"provision":`, 1)}, want: "consent-none"},
	{name: "a Consent with a modifier extension permits nothing", consents: []string{strings.Replace(yes(""), `"provision":`, `"modifierExtension":[{"url":"urn:x","valueBoolean":true}],"provision":`, 1)}, want: "consent-denied-or-none"},
	{name: "born without date", born: "-", consents: []string{yes("")}, want: "consent-none"},

	{name: "the period ends today", consents: []string{yes(`"period":{"end":"2026-11-21"}`)}, want: "permit-consent"},
	{name: "the period ended yesterday", consents: []string{yes(`"period":{"end":"2026-11-20"}`)}, want: "consent-none"},
	{name: "the period ends this second", consents: []string{yes(`"period":{"end":"2026-11-21T12:00:00+01:00"}`)}, want: "permit-consent"},
	{name: "the period begins in a second", consents: []string{yes(`"period":{"start":"2026-11-21T12:00:01+01:00"}`)}, want: "consent-none"},
	{name: "a period without end in practice", consents: []string{yes(`"period":{"start":"0001-01-01","end":"9999-12-31"}`)}, want: "permit-consent"},
	{name: "a period that cannot be read permits nothing", consents: []string{yes(`"period":{"end":"soon"}`)}, want: "consent-none"},
	{name: "a deny whose period cannot be read stands", consents: []string{yes(""), consentOf("no", provisionFor("deny", home, `"period":{"end":"soon"}`), giverMother)}, want: "consent-denied"},
	{name: "a wider purpose", consents: []string{yes(plainCoding("purpose", reasonSystem, "TREAT"))}, want: "permit-consent"},
	{name: "a narrower purpose", consents: []string{yes(plainCoding("purpose", reasonSystem, "ETREAT"))}, want: "consent-none"},
	{name: "a purpose of an unknown system permits nothing", consents: []string{yes(plainCoding("purpose", "urn:x", "TREAT"))}, want: "consent-none"},
	{name: "a purpose of an unknown system denies", consents: []string{yes(""), consentOf("no", provisionFor("deny", home, plainCoding("purpose", "urn:x", "Q")), giverMother)}, want: "consent-denied"},
	{name: "action access", consents: []string{yes(coding("action", "http://terminology.hl7.org/CodeSystem/consentaction", "access"))}, want: "permit-consent"},
	{name: "action disclose", consents: []string{yes(coding("action", "http://terminology.hl7.org/CodeSystem/consentaction", "disclose"))}, want: "consent-none"},
	{name: "class of the plan", consents: []string{yes(plainCoding("class", "http://hl7.org/fhir/resource-types", "CarePlan"))}, want: "permit-consent"},
	{name: "class of goals", consents: []string{yes(plainCoding("class", "http://hl7.org/fhir/resource-types", "Goal"))}, want: "consent-none"},
	{name: "up to label R", consents: []string{yes(plainCoding("securityLabel", confidential, "R"))}, want: "permit-consent"},
	{name: "up to label L", consents: []string{yes(plainCoding("securityLabel", confidential, "L"))}, want: "consent-none"},
	{name: "another label never permits", domains: "medisch+PSY", consents: []string{yes(plainCoding("securityLabel", "urn:labels", "PSY"))}, want: "consent-none"},
	{name: "another label denies", domains: "medisch+PSY", consents: []string{yes(""), consentOf("no", provisionFor("deny", home, plainCoding("securityLabel", "urn:labels", "PSY")), giverMother)}, want: "consent-denied"},
	{name: "another label denies what bears it", consents: []string{yes(""), consentOf("no", provisionFor("deny", home, plainCoding("securityLabel", "urn:labels", "PSY")), giverMother)}, want: "permit-consent"},
	{name: "an opt-out without a provision", consents: []string{yes(""), strings.Replace(consentOf("no", `{}`, giverFather), `"provision":{}`, `"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTOUT"}]}`, 1)}, want: "consent-denied"},
	{name: "data of the plan", consents: []string{yes(`"data":[{"meaning":"instance","reference":{"reference":"CarePlan/plan"}}]`)}, want: "permit-consent"},
	{name: "data of another plan", consents: []string{yes(`"data":[{"meaning":"instance","reference":{"reference":"CarePlan/other"}}]`)}, want: "consent-none"},
	{name: "data related to the team", consents: []string{yes(`"data":[{"meaning":"related","reference":{"reference":"CareTeam/team"}}]`)}, want: "consent-none"},
	{name: "a data period before the plan", consents: []string{yes(`"dataPeriod":{"start":"2026-01-01"}`)}, want: "consent-none"},
	{name: "a category", consents: []string{yes(plainCoding("class", "http://hl7.org/fhir/resource-types", "CarePlan") + `,"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gegevenscategorie","valueCode":"zorgplan"}]`)}, want: "permit-consent"},
	{name: "the category noodplan leaves an ordinary plan out", consents: []string{yes(`"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gegevenscategorie","valueCode":"noodplan"}]`)}, want: "consent-none"},

	{name: "an actor in another role", consents: []string{consentOf("yes", `{"type":"permit","actor":[{"role":{"coding":[{"system":"urn:x","code":"CST"}]},"reference":{"reference":"Organization/home"}}]}`, giverMother)}, want: "consent-none"},
	{name: "the team", consents: []string{consentOf("yes", provisionFor("permit", "CareTeam/team", ""), giverMother)}, want: "permit-consent"},
	{name: "a team that is not known permits nobody", consents: []string{consentOf("yes", provisionFor("permit", "CareTeam/gone", ""), giverMother)}, want: "consent-none"},
	{name: "a team that is not known denies everybody", consents: []string{yes(""), consentOf("no", provisionFor("deny", "CareTeam/gone", ""), giverFather)}, want: "consent-denied"},
	{name: "an app denies only itself", consents: []string{yes(""), consentOf("no", `{"type":"deny","actor":[{`+recipientRole+`,"reference":{"identifier":{"system":"https://drieluik.example/fhir/sid/smart-client","value":"other"}}}]}`, giverMother)}, want: "permit-consent"},
	{name: "an unknown identifier denies everybody", consents: []string{yes(""), consentOf("no", `{"type":"deny","actor":[{`+recipientRole+`,"reference":{"identifier":{"system":"urn:x","value":"y"}}}]}`, giverMother)}, want: "permit-consent"},
	{name: "an unknown identifier of the other guardian denies everybody", consents: []string{yes(""), consentOf("no", `{"type":"deny","actor":[{`+recipientRole+`,"reference":{"identifier":{"system":"urn:x","value":"y"}}}]}`, giverFather)}, want: "consent-denied"},
	{name: "a deny of another organisation", consents: []string{yes(""), consentOf("no", provisionFor("deny", stranger, ""), giverFather)}, want: "permit-consent"},

	{name: "equal permit and deny deny", consents: []string{yes(""), consentOf("no", provisionFor("deny", home, ""), giverMother)}, want: "consent-denied"},
	{name: "a more specific permit of the same guardian", consents: []string{yes(domainCode("medisch")), consentOf("no", provisionFor("deny", home, ""), giverMother)}, want: "permit-consent"},
	{name: "a more specific permit of another guardian", consents: []string{yes(domainCode("medisch")), consentOf("no", provisionFor("deny", home, ""), giverFather)}, want: "consent-denied"},
	{name: "a more specific permit of both guardians", consents: []string{consentOf("yes", homeCarePermit(domainCode("medisch")), giverMother, giverFather), consentOf("no", provisionFor("deny", home, ""), giverFather)}, want: "permit-consent"},
	{name: "incomparable permit and deny deny", consents: []string{yes(domainCode("medisch")), consentOf("no", provisionFor("deny", home, plainCoding("purpose", reasonSystem, "TREAT")), giverMother)}, want: "consent-denied"},
	{name: "a deny of all is beaten by naming the organisation", consents: []string{yes(""), consentOf("no", `{"type":"deny"}`, giverMother)}, want: "permit-consent"},

	{name: "a nested deny of the domain", consents: []string{yes(`"provision":[{"type":"deny",` + domainCode("medisch") + `}]`)}, want: "domain-denied"},
	{name: "a nested deny of another domain", consents: []string{yes(`"provision":[{"type":"deny",` + domainCode("sociaal") + `}]`)}, want: "permit-consent"},
	{name: "a permit nested in a deny", consents: []string{consentOf("no", provisionFor("deny", home, `"provision":[{"type":"permit",`+domainCode("medisch")+`}]`), giverMother)}, want: "permit-consent"},
	{name: "a nested deny with its own actor stands alone", consents: []string{consentOf("yes", provisionFor("permit", stranger, `"provision":[`+provisionFor("deny", home, "")+`]`), giverMother), consentOf("more", homeCarePermit(""), giverMother)}, want: "consent-denied"},
	{name: "a nested deny with its own actor keeps the period", consents: []string{consentOf("yes", provisionFor("permit", stranger, `"period":{"end":"2026-11-01"},"provision":[`+provisionFor("deny", home, "")+`]`), giverMother), consentOf("more", homeCarePermit(""), giverMother)}, want: "permit-consent"},
	{name: "an exception to an exception", consents: []string{yes(`"provision":[{"type":"deny",` + plainCoding("class", "http://hl7.org/fhir/resource-types", "CarePlan") + `,"provision":[{"type":"permit",` + domainCode("medisch") + `}]}]`)}, want: "permit-consent"},

	{name: "every domain must pass", domains: "medisch,sociaal", consents: []string{yes(domainCode("medisch"))}, want: "domain-not-shared"},
	{name: "two permits serve two domains", domains: "medisch,sociaal", consents: []string{yes(domainCode("medisch")), consentOf("more", homeCarePermit(domainCode("sociaal")), giverMother)}, want: "permit-consent"},
	{name: "a plan without domain is not shared by domain", domains: "-", consents: []string{yes(domainCode("medisch"))}, want: "domain-not-shared"},
	{name: "a plan without domain is shared without domain", domains: "-", consents: []string{yes("")}, want: "permit-consent"},
	{name: "a plan without domain falls under any deny of a domain", domains: "-", consents: []string{yes(""), consentOf("no", provisionFor("deny", home, domainCode("sociaal")), giverMother)}, want: "domain-denied"},
	{name: "a deny of one domain denies both", domains: "medisch,sociaal", consents: []string{yes(""), consentOf("no", provisionFor("deny", home, domainCode("sociaal")), giverMother)}, want: "domain-denied"},

	{name: "13: the mother alone", born: "2013-05-04", consents: []string{yes("")}, want: "consent-none"},
	{name: "13: the child alone", born: "2013-05-04", consents: []string{consentOf("yes", homeCarePermit(""), giverChild)}, want: "consent-none"},
	{name: "13: together", born: "2013-05-04", consents: []string{consentOf("yes", homeCarePermit(""), giverChild, giverMother)}, want: "permit-consent"},
	{name: "13: the child objects", born: "2013-05-04", consents: []string{consentOf("yes", homeCarePermit(domainCode("medisch")), giverChild, giverMother), consentOf("no", provisionFor("deny", home, ""), giverChild)}, want: "permit-consent"},
	{name: "13: the child objects more broadly than both permit", born: "2013-05-04", consents: []string{consentOf("yes", homeCarePermit(""), giverChild, giverMother), consentOf("no", provisionFor("deny", home, ""), giverChild)}, want: "consent-denied"},
	{name: "8: the child cannot object", consents: []string{yes(""), consentOf("no", provisionFor("deny", home, ""), giverChild)}, want: "permit-consent"},
	{name: "17: the youth", born: "2009-05-04", consents: []string{consentOf("yes", homeCarePermit(""), giverChild)}, want: "permit-consent"},
	{name: "17: the mother", born: "2009-05-04", consents: []string{yes("")}, want: "consent-none"},
	{name: "16: a joint Consent of before lapses", born: "2010-11-10", consents: []string{consentOf("yes", homeCarePermit(""), giverChild, giverMother)}, want: "consent-none"},
	{name: "12 today: the parental Consent lapses", born: "2014-11-21", consents: []string{yes("")}, want: "consent-none"},
}

func TestConsentsDecideAPull(t *testing.T) {
	for _, c := range consentCases {
		t.Run(c.name, func(t *testing.T) {
			born := c.born
			if born == "" {
				born = "2020-05-04"
			}
			resources := family(born)
			if born == "-" {
				resources[3] = `{"resourceType":"Patient","id":"kim"}`
			}
			switch c.domains {
			case "":
			case "-":
				resources[7] = plan("plan")
			default:
				domains, label, _ := strings.Cut(c.domains, "+")
				resources[7] = plan("plan", strings.Split(domains, ",")...)
				if label != "" {
					resources[7] = addSecurity(resources[7], "urn:labels", label)
				}
			}
			w := smallWorld(t, nil, append(append(resources, father), c.consents...)...)
			got := w.read(t, asSystem(t, home), "CarePlan/plan")
			wantObjected(t, w, got.Reason)
			if c.want == "consent-denied-or-none" {
				if got.Permit {
					t.Errorf("permits by %s", got.Reason)
				}
				return
			}
			if got.Reason != c.want {
				t.Errorf("got %s, want %s", got.Reason, c.want)
			}
			if !got.Permit && got.HTTP != 404 {
				t.Errorf("http %d, want 404", got.HTTP)
			}
		})
	}
}

func TestAnInstitutionWithGuardianshipGives(t *testing.T) {
	ward := strings.Replace(childBorn("2020-05-04"), `"birthDate"`, `"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[
		{"url":"type","valueCode":"Voogdij"},{"url":"houder","valueReference":{"reference":"Organization/gi"}},{"url":"period","valuePeriod":{"start":"2026-01-01","end":"2026-12-31"}}]}],"birthDate"`, 1)
	worker := `{"resourceType":"PractitionerRole","id":"worker","practitioner":{"reference":"Practitioner/w"},"organization":{"reference":"Organization/gi"}}`
	for name, c := range map[string]struct{ child, giver, want string }{
		"itself":                     {ward, "Organization/gi", "permit-consent"},
		"by its worker":              {ward, "PractitionerRole/worker", "permit-consent"},
		"not another organisation":   {ward, stranger, "consent-none"},
		"not after the guardianship": {strings.Replace(ward, "2026-12-31", "2026-11-20", 1), "Organization/gi", "consent-none"},
		"not before it":              {strings.Replace(ward, "2026-01-01", "2026-11-01", 1), "Organization/gi", "consent-none"},
		"not without it":             {childBorn("2020-05-04"), "Organization/gi", "consent-none"},
	} {
		t.Run(name, func(t *testing.T) {
			resources := append(family("2020-05-04"), c.child, worker, organization("gi"), consentOf("yes", homeCarePermit(""), c.giver))
			if got := smallWorld(t, nil, resources...).read(t, asSystem(t, home), "CarePlan/plan"); got.Reason != c.want {
				t.Errorf("got %s, want %s", got.Reason, c.want)
			}
		})
	}
}

func TestAKindOfOrganisationIsARecipient(t *testing.T) {
	kind := fhir.Canonical + "/CodeSystem/organisatie-soort"
	typed := strings.Replace(organization("home"), `"name"`, `"type":[{"coding":[{"system":"`+kind+`","code":"thuiszorg"}]}],"name"`, 1)
	to := func(effect, code string) string {
		return `{"type":"` + effect + `","actor":[{` + recipientRole + `,"reference":{"identifier":{"system":"` + kind + `","value":"` + code + `"}}}]}`
	}
	for name, c := range map[string]struct {
		consents []string
		want     string
	}{
		"its own kind":                         {[]string{consentOf("yes", to("permit", "thuiszorg"), giverMother)}, "permit-consent"},
		"another kind":                         {[]string{consentOf("yes", to("permit", "ziekenhuis"), giverMother)}, "consent-none"},
		"a deny of its kind, and its own name": {[]string{yes(""), consentOf("no", to("deny", "thuiszorg"), giverMother)}, "permit-consent"},
		"a deny of its name, and its kind":     {[]string{consentOf("yes", to("permit", "thuiszorg"), giverMother), consentOf("no", provisionFor("deny", home, ""), giverMother)}, "consent-denied"},
	} {
		t.Run(name, func(t *testing.T) {
			w := smallWorld(t, nil, append(append(family("2020-05-04"), typed), c.consents...)...)
			if got := w.read(t, asSystem(t, home), "CarePlan/plan"); got.Reason != c.want {
				t.Errorf("got %s, want %s", got.Reason, c.want)
			}
		})
	}
}

func TestNotifyAndExportAreDisclosures(t *testing.T) {
	action := func(code string) string {
		return yes(coding("action", "http://terminology.hl7.org/CodeSystem/consentaction", code))
	}
	for name, c := range map[string]struct {
		do      auth.Interaction
		consent string
		want    string
	}{
		"notify under disclose": {auth.Notify, action("disclose"), "permit-consent"},
		"notify under access":   {auth.Notify, action("access"), "consent-none"},
		"export under any":      {auth.Export, yes(""), "permit-consent"},
		"read under disclose":   {auth.Read, action("disclose"), "consent-none"},
	} {
		t.Run(name, func(t *testing.T) {
			w := smallWorld(t, nil, append(family("2020-05-04"), c.consent)...)
			got := w.decide(t, asSystem(t, home), accessCase{Action: actionCase{Interaction: c.do, Ref: "CarePlan/plan"}})
			if got.Reason != c.want {
				t.Errorf("got %s, want %s", got.Reason, c.want)
			}
		})
	}
}

func TestDependentsFollowTheRecord(t *testing.T) {
	shared := yes(`"data":[{"meaning":"dependents","reference":{"reference":"CarePlan/plan"}}]`)
	source := func(text, id string) string {
		return strings.Replace(text, `"meta":{`, `"meta":{"source":"https://drieluik.example/fhir/bron/1/a#overdracht/`+id+`",`, 1)
	}
	records := []string{
		strings.Replace(plan("part", "medisch"), `"status"`, `"partOf":[{"reference":"CarePlan/plan"}],"status"`, 1),
		strings.Replace(plan("deeper", "medisch"), `"status"`, `"basedOn":[{"reference":"CarePlan/part"}],"status"`, 1),
		strings.Replace(plan("plan", "medisch"), `"status"`, `"goal":[{"reference":"Goal/goal"}],"careTeam":[{"reference":"CareTeam/team"}],"status"`, 1),
		`{"resourceType":"Goal","id":"goal","lifecycleStatus":"active","description":{"text":"x"},"subject":{"reference":"Patient/kim"}}`,
		plan("other", "medisch"),
	}
	w := smallWorld(t, nil, append(append(family("2020-05-04"), records...), shared)...)
	for ref, want := range map[string]string{
		"CarePlan/plan": "permit-consent", "CarePlan/part": "permit-consent", "CarePlan/deeper": "permit-consent",
		"Goal/goal": "permit-consent", "CarePlan/other": "consent-none", "RelatedPerson/mother": "consent-none",
	} {
		if got := w.read(t, asSystem(t, home), ref).Reason; got != want {
			t.Errorf("%s: %s, want %s", ref, got, want)
		}
	}
	letter := source(strings.Replace(plan("x", "medisch"), `"resourceType":"CarePlan","id":"x"`, `"resourceType":"Composition","id":"letter"`, 1), "r1/2")
	w = smallWorld(t, nil, append(family("2020-05-04"), letter, source(plan("same", "medisch"), "r1/1"), source(plan("else", "medisch"), "r2/1"),
		yes(`"data":[{"meaning":"dependents","reference":{"reference":"Composition/letter"}}]`))...)
	for ref, want := range map[string]string{"CarePlan/same": "permit-consent", "CarePlan/else": "consent-none"} {
		if got := w.read(t, asSystem(t, home), ref).Reason; got != want {
			t.Errorf("%s of the record: %s, want %s", ref, got, want)
		}
	}
}

func TestImpliedConsentCountsOnlyInItsForm(t *testing.T) {
	whole := `{"type":"permit","period":{"start":"2026-10-30","end":"2026-12-03"},"actor":[` + actorRef(home) + `],"data":[{"meaning":"dependents","reference":{"reference":"Composition/transfer"}}]}`
	transfer := `{"resourceType":"Composition","id":"transfer","status":"final","type":{"text":"x"},"date":"2026-11-01","author":[{"reference":"Organization/hospital"}],"title":"x",
		"subject":{"reference":"Patient/kim"},"section":[{"section":[{"entry":[{"reference":"CarePlan/plan"}]}]}]}`
	implied := func(provision string) string {
		return strings.Replace(consentOf("implied", provision), `"code":"59284-0"}]}`, `"code":"59284-0"}]},{"coding":[{"system":"`+fhir.Canonical+`/CodeSystem/toestemming-soort","code":"verondersteld"}]}`, 1)
	}
	for name, c := range map[string]struct {
		provision string
		more      []string
		want      string
	}{
		"as $submit writes it, for a part of the transfer": {provision: whole, want: "permit-consent"},
		"without end":               {provision: strings.Replace(whole, `,"end":"2026-12-03"`, "", 1), want: "consent-none"},
		"with two actors":           {provision: strings.Replace(whole, actorRef(home), actorRef(home)+","+actorRef(stranger), 1), want: "consent-none"},
		"for a person":              {provision: strings.Replace(whole, home, "Practitioner/doc", 1), want: "consent-none"},
		"without data":              {provision: whole[:strings.Index(whole, `,"data"`)] + "}", want: "consent-none"},
		"with an exception":         {provision: whole[:len(whole)-1] + `,"provision":[{"type":"deny",` + domainCode("sociaal") + `}]}`, want: "consent-none"},
		"never beats a deny":        {provision: whole, more: []string{consentOf("no", `{"type":"deny"}`, giverMother)}, want: "consent-denied"},
		"of another transfer":       {provision: strings.Replace(whole, "Composition/transfer", "Composition/other", 1), want: "consent-none"},
		"and a given one beside it": {provision: strings.Replace(whole, "Composition/transfer", "Composition/other", 1), more: []string{yes("")}, want: "permit-consent"},
	} {
		t.Run(name, func(t *testing.T) {
			resources := append(family("2020-05-04"), father, transfer, implied(c.provision))
			w := smallWorld(t, nil, append(resources, c.more...)...)
			if got := w.read(t, asSystem(t, home), "CarePlan/plan"); got.Reason != c.want {
				t.Errorf("got %s, want %s", got.Reason, c.want)
			}
		})
	}
}

func FuzzConsent(f *testing.F) {
	for _, c := range consentCases {
		for _, text := range c.consents {
			f.Add(text)
		}
	}
	w := smallWorld(f, nil, family("2013-05-04")...)
	row := w.rows[refOf("CarePlan/plan")]
	readers := []auth.Principal{asSystem(f, home), asMother(f), asChild(f), asFriend(f)}
	f.Fuzz(func(t *testing.T, text string) {
		r, _ := fhir.Parse([]byte(text), fhir.Limits{})
		if r == nil || r.Type() != "Consent" {
			return
		}
		m := w.material(refOf("Patient/kim"))
		m.Resources = append(m.Resources, auth.Stored{Resource: r, Facts: auth.FactsOf(r, nil, nil)})
		facts := w.facts(readers[0], &row)
		facts.Children = []*auth.Child{auth.NewChild(m)}
		for _, p := range readers {
			if d := auth.Decide(p, auth.Action{Interaction: auth.Read, Type: "CarePlan"}, facts); !slices.Contains(reasons, d.Reason) {
				t.Fatalf("%q is not a reason", d.Reason)
			}
		}
	})
}
