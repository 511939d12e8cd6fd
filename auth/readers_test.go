package auth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// readCase is a read by one principal of a world that holds the family (born 2020) and more.
type readCase struct {
	name string
	born string
	who  func(testing.TB) auth.Principal
	more []string // resources that add or replace
	own  map[string]string
	ref  string // default CarePlan/plan
	want string
	http int // default 200, and 404 for a denial
	must []string
}

func task(status, owner, requester string) string {
	return fmt.Sprintf(`{"resourceType":"Task","id":"task","status":%q,"intent":"order","for":{"reference":"Patient/kim"},
		"owner":{"reference":%q},"requester":{"reference":%q}}`, status, owner, requester)
}

func labelled(system, code, barred string) string {
	ext := ""
	if barred != "" {
		ext = `,"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/barred-party","valueReference":{"reference":"` + barred + `"}}]`
	}
	return `"security":[{"system":"` + system + `","code":"` + code + `"` + ext + `}]`
}

func planWith(meta string) string {
	return strings.Replace(plan("plan", "medisch"), `"meta":{`, `"meta":{`+meta+`,`, 1)
}

func childWith(meta string) string {
	return strings.Replace(childBorn("2020-05-04"), `"birthDate"`, `"meta":{`+meta+`},"birthDate"`, 1)
}

func flagged(code string) string {
	return fmt.Sprintf(`{"resourceType":"Flag","id":"flag","status":"active","code":{"coding":[{"system":%q,"code":%q}]},"subject":{"reference":"Patient/kim"}}`, flagSystem, code)
}

func system(org string) func(testing.TB) auth.Principal {
	return func(t testing.TB) auth.Principal { return asSystem(t, org) }
}

// identified leaves a principal nothing but the scope fhirUser.
func identified(who func(testing.TB) auth.Principal) func(testing.TB) auth.Principal {
	return func(t testing.TB) auth.Principal { return with(t, who(t), "openid fhirUser") }
}

func doctor(org string) func(testing.TB) auth.Principal {
	return func(t testing.TB) auth.Principal { return asDoctor(t, org) }
}

func breaking(org string) func(testing.TB) auth.Principal {
	return func(t testing.TB) auth.Principal {
		p := asDoctor(t, org)
		p.Purpose = "BTG"
		p.BTG = &auth.BreakGlass{Reason: "benauwd op de SEH", At: noon.Add(-time.Hour), Exp: noon.Add(time.Hour)}
		return p
	}
}

var (
	childSaysYes = consentOf("own", provisionFor("permit", "RelatedPerson/mother", ""), giverChild)
	friendSees   = consentOf("ziet", provisionFor("permit", "RelatedPerson/friend", domainCode("medisch")), giverMother)
	restricted   = planWith(labelled(confidential, "R", ""))
)

var readCases = []readCase{
	{name: "the custodian", who: system(hospital), want: "permit-own-record"},
	{name: "the author", who: system(stranger), own: map[string]string{"CarePlan/plan": stranger}, want: "permit-own-record"},
	{name: "nobody's organisation", who: system(""), want: "relation-none"},
	{name: "the owner of an accepted Task", who: system(stranger), more: []string{task("accepted", stranger, hospital)}, want: "consent-none"},
	{name: "the owner of a completed Task", who: system(stranger), more: []string{task("completed", stranger, hospital)}, want: "relation-none"},
	{name: "the requester of a requested Task", who: system(stranger), more: []string{task("requested", hospital, stranger)}, want: "consent-none"},
	{name: "the requester of a rejected Task", who: system(stranger), more: []string{task("rejected", hospital, stranger)}, want: "relation-none"},
	{name: "an offered Task shows the child in its least form", who: system(stranger), more: []string{task("received", stranger, hospital)}, ref: "Patient/kim", want: "permit-task-offer", must: []string{"minimal-patient"}},
	{name: "an offered Task shows no Consent", who: system(stranger), more: []string{task("received", stranger, hospital), yes("")}, ref: "Consent/yes", want: "relation-none"},
	{name: "a Task entered in error", who: system(stranger), more: []string{task("entered-in-error", stranger, hospital)}, ref: "Task/task", want: "relation-none"},
	{name: "a rejected Task stays readable", who: system(stranger), more: []string{task("rejected", stranger, hospital)}, ref: "Task/task", want: "permit-task-party"},
	{name: "the Consent that names it", who: system(stranger), more: []string{consentOf("yes", provisionFor("permit", stranger, ""), giverMother)}, ref: "Consent/yes", want: "permit-consent-party"},
	{name: "a Consent that names it in an exception only", who: system(stranger), more: []string{yes(`"provision":[` + provisionFor("deny", stranger, "") + `]`)}, ref: "Consent/yes", want: "relation-none"},
	{name: "the team of which it is part", who: system(home), ref: "CareTeam/team", want: "permit-team-member"},
	{name: "an inactive team", who: system(home), more: []string{`{"resourceType":"CareTeam","id":"team","status":"inactive","subject":{"reference":"Patient/kim"},"participant":[{"member":{"reference":"Organization/home"}}]}`}, ref: "CareTeam/team", want: "relation-none"},
	{name: "a team whose period is over", who: system(home), more: []string{`{"resourceType":"CareTeam","id":"team","status":"active","period":{"end":"2026-11-20"},"subject":{"reference":"Patient/kim"},"participant":[{"member":{"reference":"Organization/home"}}]}`}, want: "relation-none"},
	{name: "a member whose period is over", who: system(home), more: []string{`{"resourceType":"CareTeam","id":"team","status":"active","subject":{"reference":"Patient/kim"},"participant":[{"member":{"reference":"Organization/home"},"period":{"end":"2026-11-20"}}]}`}, want: "relation-none"},
	{name: "a member on behalf of it", who: system(stranger), more: []string{`{"resourceType":"CareTeam","id":"team","status":"active","subject":{"reference":"Patient/kim"},"participant":[{"member":{"reference":"Practitioner/doc"},"onBehalfOf":{"reference":"Organization/stranger"}}]}`}, want: "consent-none"},
	{name: "a user who is a member himself", who: doctor(stranger), more: []string{`{"resourceType":"CareTeam","id":"team","status":"active","subject":{"reference":"Patient/kim"},"participant":[{"member":{"reference":"Practitioner/doc"}}]}`}, want: "consent-none"},
	{name: "a related organisation sees the child in its least form", who: system(home), ref: "Patient/kim", want: "permit-relation", must: []string{"minimal-patient"}},
	{name: "not when somebody objects", who: system(home), more: []string{consentOf("no", provisionFor("deny", home, ""), giverMother)}, ref: "Patient/kim", want: "consent-denied"},
	{name: "the child under a permit is whole", who: system(home), more: []string{yes("")}, ref: "Patient/kim", want: "permit-consent"},

	{name: "SMART-412: with scope fhirUser alone a user reads himself", who: identified(asMother), ref: "RelatedPerson/mother", want: "permit-custody"},
	{name: "SMART-412: also without a patient in context", who: func(t testing.TB) auth.Principal {
		p := identified(asMother)(t)
		p.Patient = fhir.Ref{}
		return p
	}, ref: "RelatedPerson/mother", want: "permit-custody"},
	{name: "SMART-412: nobody else of the type", who: identified(asMother), ref: "RelatedPerson/friend", want: "scope-granular"},
	{name: "SMART-412: no other type", who: identified(asMother), want: "scope-missing", http: 403},
	{name: "SMART-412: a doctor reads himself", who: identified(doctor(stranger)), more: []string{`{"resourceType":"Practitioner","id":"doc"}`}, ref: "Practitioner/doc", want: "permit-directory"},
	{name: "SMART-412: a mother without custody is who she is, and reads nothing", who: identified(asMother), more: []string{mother("TijdelijkGeenGezag")}, ref: "RelatedPerson/mother", want: "rep-custody-undetermined", http: 403},

	{name: "the mother in custody", who: asMother, want: "permit-custody"},
	{name: "no Consent of the other guardian shuts her out", who: asMother, more: []string{father, consentOf("no", provisionFor("deny", "RelatedPerson/mother", ""), giverFather)}, want: "permit-custody"},
	{name: "an inactive mother", who: asMother, more: []string{strings.Replace(mother("Voogdij"), `"active":true`, `"active":false`, 1)}, want: "relation-none", http: 403},
	{name: "a flag of harm", who: asMother, more: []string{flagged("osl-12-3")}, want: "rep-flag-osl", http: 403},
	{name: "a mother of another child", who: func(t testing.TB) auth.Principal {
		p := asMother(t)
		p.Patient = refOf("Patient/other")
		return p
	}, more: []string{`{"resourceType":"Patient","id":"other","birthDate":"2020-01-01"}`}, want: "relation-none", http: 403},
	{name: "13: nobody said yes", born: "2013-05-04", who: asMother, want: "rep-child-permit-missing", http: 403},
	{name: "13: the child says yes", born: "2013-05-04", who: asMother, more: []string{childSaysYes}, want: "permit-child-permit"},
	{name: "13: the mother says yes to herself", born: "2013-05-04", who: asMother, more: []string{consentOf("own", provisionFor("permit", "RelatedPerson/mother", ""), giverMother)}, want: "rep-child-permit-missing", http: 403},
	{name: "13: yes for the team only", born: "2013-05-04", who: asMother, more: []string{consentOf("own", `{"type":"permit"}`, giverChild)}, want: "rep-child-permit-missing", http: 403},
	{name: "13: the father's objection does not count", born: "2013-05-04", who: asMother, more: []string{childSaysYes, father, consentOf("no", provisionFor("deny", "RelatedPerson/mother", ""), giverFather)}, want: "permit-child-permit"},
	{name: "13: the child's own objection does", born: "2013-05-04", who: asMother, more: []string{childSaysYes, consentOf("no", provisionFor("deny", "RelatedPerson/mother", ""), giverChild)}, want: "consent-denied"},
	{name: "13: yes for one domain", born: "2013-05-04", who: asMother, more: []string{consentOf("own", provisionFor("permit", "RelatedPerson/mother", domainCode("sociaal")), giverChild)}, want: "domain-not-shared"},
	{name: "13: the Patient needs no permit of its own", born: "2013-05-04", who: asMother, more: []string{consentOf("own", provisionFor("permit", "RelatedPerson/mother", domainCode("sociaal")), giverChild)}, ref: "Patient/kim", want: "permit-child-permit"},
	{name: "17: the youth says yes", born: "2009-05-04", who: asMother, more: []string{childSaysYes}, want: "permit-youth-consent"},
	{name: "17: the youth said yes before 16", born: "2010-11-10", who: asMother, more: []string{childSaysYes}, want: "rep-youth-alone", http: 403},
	{name: "a child sees its own record", born: "2013-05-04", who: asChild, want: "permit-self"},
	{name: "no guardian can shut the child out", born: "2013-05-04", who: asChild, more: []string{consentOf("no", provisionFor("deny", "Patient/kim", ""), giverMother)}, want: "permit-self"},
	{name: "no birth date", who: asMother, more: []string{`{"resourceType":"Patient","id":"kim"}`}, want: "rep-birthdate-unknown", http: 403},

	{name: "a helper without Consent", who: asFriend, want: "consent-none"},
	{name: "a helper with Consent", who: asFriend, more: []string{friendSees}, want: "permit-consent", must: []string{"redact-bsn"}},
	{name: "a helper sees the child in its least form", who: asFriend, more: []string{friendSees}, ref: "Patient/kim", want: "permit-consent", must: []string{"minimal-patient", "redact-bsn"}},
	{name: "a helper without Consent and the child", who: asFriend, ref: "Patient/kim", want: "consent-none"},
	{name: "a permit for anybody names no helper", who: asFriend, more: []string{consentOf("yes", `{"type":"permit"}`, giverMother)}, want: "consent-none"},
	{name: "a helper and itself", who: asFriend, ref: "RelatedPerson/friend", want: "permit-self", must: []string{"redact-bsn"}},
	{name: "a helper and the mother", who: asFriend, ref: "RelatedPerson/mother", want: "consent-none"},
	{name: "a helper and label R", who: asFriend, more: []string{friendSees, restricted}, want: "label-restricted"},

	{name: "label V and its custodian", who: system(hospital), more: []string{planWith(labelled(confidential, "V", ""))}, want: "permit-own-record"},
	{name: "label V and a reader with Consent", who: system(home), more: []string{yes(""), planWith(labelled(confidential, "V", ""))}, want: "label-very-restricted"},
	{name: "an unknown confidentiality hides as V", who: asMother, more: []string{planWith(labelled(confidential, "X", ""))}, want: "label-very-restricted"},
	{name: "label R and a plain permit", who: system(home), more: []string{yes(""), restricted}, want: "label-restricted"},
	{name: "label R and a permit up to R", who: system(home), more: []string{yes(plainCoding("securityLabel", confidential, "R")), restricted}, want: "permit-consent"},
	{name: "label R and a permit of the plan", who: system(home), more: []string{yes(`"data":[{"meaning":"instance","reference":{"reference":"CarePlan/plan"}}]`), restricted}, want: "permit-consent"},
	{name: "label R does not bind the mother", who: asMother, more: []string{restricted}, want: "permit-custody"},
	{name: "seal-guardians", who: asMother, more: []string{planWith(labelled(accessSystem, "seal-guardians", ""))}, want: "label-sealed"},
	{name: "seal-guardians does not bind the child", born: "2013-05-04", who: asChild, more: []string{planWith(labelled(accessSystem, "seal-guardians", ""))}, want: "permit-self"},
	{name: "seal-child", born: "2013-05-04", who: asChild, more: []string{planWith(labelled(accessSystem, "seal-child", ""))}, want: "label-sealed"},
	{name: "a seal on the child holds for its plan", who: asMother, more: []string{childWith(labelled(accessSystem, "seal-person", "RelatedPerson/mother"))}, want: "label-sealed"},
	{name: "a seal against another", who: asMother, more: []string{childWith(labelled(accessSystem, "seal-person", "RelatedPerson/father"))}, want: "permit-custody"},
	{name: "a seal against nobody hides from all persons", who: asMother, more: []string{planWith(labelled(accessSystem, "seal-person", ""))}, want: "label-sealed"},
	{name: "about the mother, and she reads", who: asMother, more: []string{planWith(labelled(accessSystem, "about-parent", "RelatedPerson/mother"))}, want: "permit-custody"},
	{name: "about the father, and she reads", who: asMother, more: []string{planWith(labelled(accessSystem, "about-parent", "RelatedPerson/father"))}, want: "label-about-parent"},
	{name: "not for the patient", who: asMother, more: []string{planWith(labelled(accessSystem, "not-for-patient", ""))}, want: "label-not-for-patient"},
	{name: "not for the patient, and an organisation", who: system(home), more: []string{yes(""), planWith(labelled(accessSystem, "not-for-patient", ""))}, want: "permit-consent"},
	{name: "a protected address", who: system(home), more: []string{yes(""), childWith(labelled("http://hl7.se/fhir/ig/base/CodeSystem/SecurityLabel", "sekretessmarkering", ""))}, want: "permit-consent", must: []string{"redact-protected-address"}},
	{name: "a protected address and the custodian", who: system(hospital), more: []string{childWith(labelled("http://hl7.se/fhir/ig/base/CodeSystem/SecurityLabel", "sekretessmarkering", ""))}, want: "permit-own-record"},

	{name: "break-glass without relation", who: breaking(stranger), want: "permit-emergency", must: []string{"btg-review"}},
	{name: "break-glass against an objection", who: breaking(home), more: []string{consentOf("no", provisionFor("deny", home, ""), giverMother)}, want: "permit-emergency", must: []string{"btg-review"}},
	{name: "break-glass and label R", who: breaking(stranger), more: []string{restricted}, want: "permit-emergency", must: []string{"btg-review"}},
	{name: "break-glass and label V", who: breaking(stranger), more: []string{planWith(labelled(confidential, "V", ""))}, want: "label-very-restricted"},
	{name: "break-glass and a social plan", who: breaking(stranger), more: []string{plan("plan", "medisch", "sociaal")}, want: "emergency-scope"},
	{name: "break-glass where the ordinary steps permit", who: breaking(home), more: []string{yes("")}, want: "permit-consent"},
	{name: "break-glass that is over", who: func(t testing.TB) auth.Principal {
		p := breaking(stranger)(t)
		p.BTG.Exp = noon
		return p
	}, want: "emergency-invalid", http: 403},
	{name: "break-glass of five hours", who: func(t testing.TB) auth.Principal {
		p := breaking(stranger)(t)
		p.BTG.Exp = p.BTG.At.Add(5 * time.Hour)
		return p
	}, want: "emergency-invalid", http: 403},
	{name: "break-glass without a reason", who: func(t testing.TB) auth.Principal {
		p := breaking(stranger)(t)
		p.BTG.Reason = "spoed"
		return p
	}, want: "emergency-invalid", http: 403},

	{name: "an admin and a plan", who: func(t testing.TB) auth.Principal { return asAdmin(t, hospital) }, want: "admin-no-clinical", http: 403},
	{name: "a system and the log", who: system(hospital), ref: "AuditEvent/log", more: []string{logRow}, want: "audit-role", http: 403},
	{name: "the admin and its own log", who: func(t testing.TB) auth.Principal { return asAdmin(t, hospital) }, ref: "AuditEvent/log", more: []string{logRow}, want: "permit-audit"},
	{name: "the admin and another's log", who: func(t testing.TB) auth.Principal { return asAdmin(t, stranger) }, ref: "AuditEvent/log", more: []string{logRow}, want: "relation-none"},
	{name: "the mother and the log", who: asMother, ref: "AuditEvent/log", more: []string{logRow}, want: "permit-custody"},
	{name: "17: the log is for the youth alone", born: "2009-05-04", who: asMother, ref: "AuditEvent/log", more: []string{logRow, childSaysYes}, want: "rep-youth-alone", http: 403},

	{name: "an organisation that the plan refers to", who: asMother, ref: "Organization/home", want: "permit-directory"},
	{name: "an organisation that nothing refers to", who: asMother, ref: "Organization/stranger", want: "context-other-patient"},
	{name: "any organisation for a system", who: system(stranger), ref: "Organization/home", want: "permit-directory"},
	{name: "somebody else's Person", who: asMother, ref: "Person/else", more: []string{`{"resourceType":"Person","id":"else"}`}, want: "relation-none"},
	{name: "a performer sees the Consent that it may no longer give", born: "2009-05-04", who: asMother, ref: "Consent/yes", more: []string{yes("")}, want: "permit-consent-party"},
	{name: "a helper sees the Consent that it gave", who: asFriend, ref: "Consent/own", more: []string{consentOf("own", provisionFor("permit", home, ""), "RelatedPerson/friend")}, want: "permit-consent-party", must: []string{"redact-bsn"}},
	{name: "an overlap issue that is for the family", who: asMother, ref: "DetectedIssue/issue", more: []string{issue("O4")}, want: "permit-custody", must: []string{"issue-view"}},
	{name: "an overlap issue that is not", who: asMother, ref: "DetectedIssue/issue", more: []string{issue("O1")}, want: "consent-none"},
	{name: "an overlap issue, and a helper with Consent", who: asFriend, ref: "DetectedIssue/issue", more: []string{friendSees, issue("O4")}, want: "consent-none"},
	{name: "an overlap issue of its own plan", who: system(home), ref: "DetectedIssue/issue", own: map[string]string{"CarePlan/plan": home}, more: []string{issue("O1")}, want: "permit-issue-party", must: []string{"issue-view"}},
	{name: "an overlap issue of others", who: system(home), ref: "DetectedIssue/issue", more: []string{issue("O1")}, want: "consent-none"},
}

const logRow = `{"resourceType":"AuditEvent","id":"log","type":{"code":"110110"},"recorded":"2026-11-01T10:00:00Z","agent":[{"requestor":true}],"source":{"observer":{"display":"x"}},"entity":[{"what":{"reference":"Patient/kim"}}]}`

func issue(rule string) string {
	return `{"resourceType":"DetectedIssue","id":"issue","status":"preliminary","code":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/overlap-rule","code":"` + rule + `"}]},
		"patient":{"reference":"Patient/kim"},"implicated":[{"reference":"CarePlan/plan"}]}`
}

func TestReadersSeeWhatTheirGroundGives(t *testing.T) {
	for _, c := range readCases {
		t.Run(c.name, func(t *testing.T) {
			born, ref := c.born, c.ref
			if born == "" {
				born = "2020-05-04"
			}
			if ref == "" {
				ref = "CarePlan/plan"
			}
			w := smallWorld(t, c.own, append(family(born), c.more...)...)
			got := w.read(t, c.who(t), ref)
			if got.Reason != c.want {
				t.Fatalf("got %s, want %s", got.Reason, c.want)
			}
			want := c.http
			if want == 0 && !got.Permit {
				want = 404
			}
			if want != 0 && got.HTTP != want {
				t.Errorf("http %d, want %d", got.HTTP, want)
			}
			if diff := gocmp.Diff(c.must, got.Obligations); diff != "" {
				t.Error(diff)
			}
			if got.Permit != strings.HasPrefix(got.Reason, "permit-") {
				t.Errorf("permit %v with %s", got.Permit, got.Reason)
			}
			if n := len(got.Trace); !got.Permit && got.HTTP != 0 && (n == 0 || got.Trace[n-1].Reason != got.Reason) {
				t.Errorf("a denial without its trace: %v", got.Trace)
			}
		})
	}
}

// network is a Consent for the friend with a code of netwerk-inzage.
func network(code string) string {
	return consentOf("ziet", provisionFor("permit", "RelatedPerson/friend", coding("code", fhir.Canonical+"/CodeSystem/netwerk-inzage", code)), giverMother)
}

func TestAHelperSeesWhatTheFamilyNamed(t *testing.T) {
	records := []string{
		`{"resourceType":"Appointment","id":"a","status":"booked","participant":[{"actor":{"reference":"Patient/kim"},"status":"accepted"}]}`,
		`{"resourceType":"Goal","id":"g","lifecycleStatus":"active","description":{"text":"x"},"subject":{"reference":"Patient/kim"}}`,
		`{"resourceType":"AllergyIntolerance","id":"i","patient":{"reference":"Patient/kim"}}`,
		`{"resourceType":"CarePlan","id":"e","status":"active","intent":"plan","category":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/plan-soort","code":"noodplan"}]}],"subject":{"reference":"Patient/kim"}}`,
		`{"resourceType":"CarePlan","id":"mine","status":"active","intent":"plan","activity":[{"detail":{"status":"scheduled","performer":[{"reference":"RelatedPerson/friend"}]}}],"subject":{"reference":"Patient/kim"}}`,
		task("accepted", "RelatedPerson/friend", hospital),
	}
	all := []string{"Appointment/a", "Goal/g", "AllergyIntolerance/i", "CarePlan/e", "CarePlan/mine", "Task/task", "CarePlan/plan"}
	for code, want := range map[string][]string{
		"agenda":       {"Appointment/a"},
		"doelen":       {"Goal/g"},
		"medisch-kort": {"AllergyIntolerance/i", "CarePlan/e"},
		"eigen-taken":  {"CarePlan/mine", "Task/task"},
		"onbekend":     nil,
	} {
		t.Run(code, func(t *testing.T) {
			w := smallWorld(t, nil, append(append(family("2020-05-04"), records...), network(code))...)
			var got []string
			for _, ref := range all {
				if w.read(t, asFriend(t), ref).Permit {
					got = append(got, ref)
				}
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAMemberDecidesOnItselfAlone(t *testing.T) {
	aunt := `{"resourceType":"RelatedPerson","id":"aunt","active":true,"patient":{"reference":"Patient/kim"}}`
	visible := func(to string) string {
		return consentOf("zichtbaar", provisionFor("permit", to, `"data":[{"meaning":"instance","reference":{"reference":"RelatedPerson/aunt"}}]`), "RelatedPerson/aunt")
	}
	for name, c := range map[string]struct {
		who       func(testing.TB) auth.Principal
		to        string
		ref, want string
	}{
		"another member sees it":               {asFriend, "RelatedPerson/friend", "RelatedPerson/aunt", "permit-consent"},
		"but not the child":                    {asFriend, "RelatedPerson/friend", "Patient/kim", "consent-none"},
		"nor its plan":                         {asFriend, "RelatedPerson/friend", "CarePlan/plan", "consent-none"},
		"it does not stand in for the child's": {asMother, giverMother, "Patient/kim", "rep-child-permit-missing"},
	} {
		t.Run(name, func(t *testing.T) {
			w := smallWorld(t, nil, append(family("2013-05-04"), aunt, visible(c.to))...)
			if got := w.read(t, c.who(t), c.ref).Reason; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAPersonWithTwoChildrenReadsBoth(t *testing.T) {
	second := []string{
		`{"resourceType":"Patient","id":"sam","birthDate":"2021-01-01"}`,
		strings.NewReplacer(`"id":"mother"`, `"id":"mother2"`, "Patient/kim", "Patient/sam").Replace(mother("Voogdij")),
		strings.NewReplacer(`"id":"plan"`, `"id":"plan2"`, "Patient/kim", "Patient/sam").Replace(plan("plan", "medisch")),
		`{"resourceType":"Person","id":"both","link":[{"target":{"reference":"RelatedPerson/mother"}},{"target":{"reference":"RelatedPerson/mother2"}}]}`,
		`{"resourceType":"Appointment","id":"shared","status":"booked","participant":[{"actor":{"reference":"Patient/kim"},"status":"accepted"},{"actor":{"reference":"RelatedPerson/mother2"},"status":"accepted"}]}`,
	}
	w := smallWorld(t, nil, append(family("2020-05-04"), second...)...)
	user := with(t, auth.Principal{Role: auth.Guardian, FHIRUser: refOf("Person/both"), Purpose: "FAMRQT"}, "user/*.rs patient/Goal.rs")
	for ref, want := range map[string]string{
		"CarePlan/plan": "permit-custody", "CarePlan/plan2": "permit-custody", "Appointment/shared": "permit-custody",
		"Person/both": "permit-self", "Patient/sam": "permit-custody",
	} {
		if got := w.read(t, user, ref).Reason; got != want {
			t.Errorf("%s: %s, want %s", ref, got, want)
		}
	}
	one := user
	one.Patient, one.FHIRUser = refOf("Patient/kim"), refOf("RelatedPerson/mother")
	for ref, want := range map[string]string{"CarePlan/plan2": "relation-none", "Appointment/shared": "relation-none"} {
		if got := w.read(t, one, ref).Reason; got != want {
			t.Errorf("as the mother of one, %s: %s, want %s", ref, got, want)
		}
	}
}

func TestWhatWasFiledBeforeCustodyStaysClosed(t *testing.T) {
	resources := family("2020-05-04")
	resources[4] = strings.Replace(mother("EenhoofdigOuderlijkGezag"), `{"url":"bron"`, `{"url":"period","valuePeriod":{"start":"2026-06-01"}},{"url":"bron"`, 1)
	w := smallWorld(t, nil, resources...)
	file := func(ref string, at string, author string) {
		f := w.rows[refOf(ref)]
		f.FiledAt, _ = time.Parse(time.RFC3339, at)
		if author != "" {
			f.Author = refOf(author)
		}
		w.rows[refOf(ref)] = f
	}
	for name, c := range map[string]struct{ at, author, want string }{
		"before":                  {"2026-05-31T23:59:59+02:00", "", "custody-not-retroactive"},
		"after":                   {"2026-06-01T00:00:00+02:00", "", "permit-custody"},
		"before, by the guardian": {"2026-05-01T00:00:00+02:00", "RelatedPerson/mother", "permit-custody"},
	} {
		t.Run(name, func(t *testing.T) {
			file("CarePlan/plan", c.at, c.author)
			if got := w.read(t, asMother(t), "CarePlan/plan").Reason; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			file("CarePlan/plan", c.at, hospital)
		})
	}
	if got := w.read(t, asMother(t), "Patient/kim").Reason; got != "permit-custody" {
		t.Errorf("the Patient is not clinical: %s", got)
	}
}

func TestAnOldCustodyCheckWarnsAndThenCloses(t *testing.T) {
	for days, want := range map[int]string{90: "", 91: "warn-custody-stale", 365: "warn-custody-stale", 366: "rep-custody-stale"} {
		resources := family("2020-05-04")
		checked := noon.AddDate(0, 0, -days).Format(time.DateOnly)
		resources[4] = strings.Replace(mother("Voogdij"), "2026-11-01", checked, 1)
		got := smallWorld(t, nil, resources...).read(t, asMother(t), "CarePlan/plan")
		if got.Reason != want && !slices.Equal(got.Obligations, strings.Fields(want)) {
			t.Errorf("after %d days: %s %v, want %s", days, got.Reason, got.Obligations, want)
		}
	}
}

func TestSwedenSharesBetweenCareGivers(t *testing.T) {
	giver := func(id, kind string) string {
		return `{"resourceType":"Organization","id":"` + id + `","type":[{"coding":[{"system":"` + fhir.Canonical + `/CodeSystem/se-verksamhet","code":"` + kind + `"}]}],"address":[{"country":"SE"}]}`
	}
	swedish := func(born string) []string {
		return []string{
			giver("hospital", "hsl"), giver("home", "hsl"),
			`{"resourceType":"Patient","id":"kim","birthDate":"` + born + `","managingOrganization":{"reference":"Organization/hospital"}}`,
			`{"resourceType":"RelatedPerson","id":"mother","active":true,"patient":{"reference":"Patient/kim"},"relationship":[{"coding":[{"system":"` + fhir.Canonical + `/CodeSystem/se-foretradare","code":"vardnadshavare"}]}]}`,
			family(born)[6], plan("plan", "medisch"),
		}
	}
	for name, c := range map[string]struct {
		born string
		who  auth.Principal
		more []string
		want string
	}{
		"by default":                         {"2020-05-04", asSystem(t, home), nil, "permit-default-se"},
		"a guardian cannot block it":         {"2020-05-04", asSystem(t, home), []string{consentOf("no", provisionFor("deny", home, ""), giverMother)}, "permit-default-se"},
		"a permit is used when there is one": {"2020-05-04", asSystem(t, home), []string{yes("")}, "permit-consent"},
		"the youth can block it":             {"2009-05-04", asSystem(t, home), []string{consentOf("no", provisionFor("deny", home, ""), giverChild)}, "consent-denied"},
		"14, not found mature, cannot":       {"2012-05-04", asSystem(t, home), []string{consentOf("no", provisionFor("deny", home, ""), giverChild)}, "permit-default-se"},
		"14, found mature, can":              {"2012-05-04", asSystem(t, home), []string{flagged("mognad-atkomst"), consentOf("no", provisionFor("deny", home, ""), giverChild)}, "consent-denied"},
		"not to a school":                    {"2020-05-04", asSystem(t, home), []string{giver("home", "skola")}, "consent-none"},
		"not without relation":               {"2020-05-04", asSystem(t, stranger), []string{giver("stranger", "hsl")}, "relation-none"},
		"the guardian of a small child":      {"2020-05-04", asMother(t), nil, "permit-custody"},
		"the guardian of one of 14":          {"2012-05-04", asMother(t), nil, "rep-extension-missing"},
		"the guardian of one of 16":          {"2010-05-04", asMother(t), []string{childSaysYes}, "rep-age-closed"},
		"the guardian of one of 18":          {"2008-05-04", asMother(t), []string{childSaysYes}, "permit-youth-consent"},
		"the child of 14":                    {"2012-05-04", asChild(t), nil, "rep-maturity-missing"},
		"the child of 14 found mature":       {"2012-05-04", asChild(t), []string{flagged("mognad-atkomst")}, "permit-self"},
		"the child of 12":                    {"2014-05-04", asChild(t), []string{flagged("mognad-atkomst")}, "rep-child-too-young"},
		"the child of 16":                    {"2010-05-04", asChild(t), nil, "permit-self"},
	} {
		t.Run(name, func(t *testing.T) {
			w := smallWorld(t, nil, append(swedish(c.born), c.more...)...)
			w.settings.Jurisdiction = "nl"
			if got := w.read(t, c.who, "CarePlan/plan").Reason; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
