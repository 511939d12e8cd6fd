package rest_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// explainPart is a parameter of an answer.
type explainPart struct {
	Name, ValueCode, ValueString, ValueDateTime string

	ValueReference struct{ Reference string }
	Part           []explainPart
}

func (p explainPart) of(name string) explainPart {
	i := slices.IndexFunc(p.Part, func(x explainPart) bool { return x.Name == name })
	if i < 0 {
		return explainPart{}
	}
	return p.Part[i]
}

// verdicts lists the steps as name=verdict.
func (p explainPart) verdicts() string {
	var out []string
	for _, s := range p.Part {
		if s.Name == "step" {
			out = append(out, s.of("name").ValueCode+"="+s.of("verdict").ValueCode)
		}
	}
	return strings.Join(out, " ")
}

// consents are the references of an answer; near those of its near misses with their elements.
func (p explainPart) consents() (refs, near []string) {
	for _, c := range p.Part {
		if c.Name == "consent" {
			refs = append(refs, c.ValueReference.Reference)
		}
		for _, n := range c.Part {
			if n.Name == "near" {
				near = append(near, n.of("consent").ValueReference.Reference+" "+n.of("element").ValueCode)
			}
		}
	}
	return refs, near
}

// explain asks a question that must be answered with one result.
func (g *rig) explain(as string, patient fhir.Ref, query string, header ...string) explainPart {
	g.t.Helper()
	all := g.explainAll(as, patient, query, header...)
	if len(all) != 1 {
		g.t.Fatalf("%d results of %s", len(all), query)
	}
	return all[0]
}

func (g *rig) explainAll(as string, patient fhir.Ref, query string, header ...string) []explainPart {
	g.t.Helper()
	a := g.get(as, "/fhir/"+patient.String()+"/$explain-access?"+query, header...).want(g.t, http.StatusOK).valid(g.t)
	return decode[struct{ Parameter []explainPart }](g.t, a.body).Parameter
}

// team relates organisations to the child through a team that home keeps.
func (g *rig) team(patient fhir.Ref, orgs ...string) {
	g.t.Helper()
	var members []string
	for _, o := range orgs {
		members = append(members, fmt.Sprintf(`{"member":{"reference":%q}}`, g.orgs[o]))
	}
	g.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[%s]}`,
		patient, strings.Join(members, ",")))
}

// consent writes what a parent permits or denies an organisation, by the parent or by who holds it, and
// returns its reference with version.
func (g *rig) consent(as, parent, effect string, patient, org fhir.Ref, more string) string {
	g.t.Helper()
	p := g.principals[parent]
	p.Scopes = g.scopes("patient/Consent.cruds patient/CarePlan.rs patient/Patient.r")
	g.principals[parent] = p
	holder := ""
	if as != parent {
		holder = fmt.Sprintf(`"dateTime":%q,"organization":[{"reference":%q}],`, g.clock().Format(time.RFC3339), g.orgs[as])
	}
	id := g.create(as, "Consent", fmt.Sprintf(`{"resourceType":"Consent","status":"active",`+holder+`
		"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"INFA"}]}],
		"patient":{"reference":%q},"performer":[{"reference":%q}],"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},
		"provision":{"type":%q,"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},
		"reference":{"reference":%q}}]%s}}`, patient, p.FHIRUser, effect, org, more))
	return "Consent/" + id + "/_history/1"
}

// TestExplainAccessSaysWhyInThreeLanguages: a parent asks about an organisation, about the other
// parent, about the child itself, now and later.
func TestExplainAccessSaysWhyInThreeLanguages(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, father := g.parents()
	foreign, err := g.exchange.RegisterOrganization(t.Context(), exchange.Registration{
		Identifier: fhir.Identifier{System: uraSystem, Value: "90000009"}, NameIfNew: "Organisatie 90000009",
	})
	if err != nil {
		t.Fatal(err)
	}
	stranger := "recipient=" + foreign.String()
	for _, c := range []struct{ query, accept, want string }{
		{"", "", "Organisatie 90000009 is niet betrokken bij de zorg voor XXX_Boris."},
		{"", "fr, en-GB;q=0.8", "Organisatie 90000009 is not involved in the care of XXX_Boris."},
		{"&language=sv", "en", "Organisatie 90000009 deltar inte i vården av XXX_Boris."},
	} {
		r := g.explain("mother", patient, stranger+"&domain=medisch"+c.query, "Accept-Language", c.accept)
		got := r.of("text").ValueString
		want := strings.ReplaceAll(c.want, "XXX_Boris", firstName(g, patient))
		if got != want || r.of("decision").ValueCode != "deny" || r.of("reason").ValueCode != "relation-none" {
			t.Errorf("%s %s: %q, want %q", c.query, c.accept, got, want)
		}
	}
	r := g.explain("mother", patient, stranger+"&domain=medisch")
	if got := r.verdicts(); got != "token=pass method=pass scope=pass context=pass relation=fail" {
		t.Errorf("steps %s", got)
	}
	if got := g.explainAll("mother", patient, stranger+"&class=CarePlan&class=Patient"); len(got) != 5 {
		t.Errorf("%d results for a class of four domains and one of none", len(got))
	}
	r = g.explain("mother", patient, "recipient="+father.String()+"&domain=sociaal")
	if r.of("reason").ValueCode != "permit-custody" || r.of("class").ValueCode != "CarePlan" ||
		!strings.Contains(r.verdicts(), "representation=pass consent=skip domain=skip label=pass") {
		t.Errorf("the father: %+v", r)
	}
	until, err := time.Parse(time.RFC3339, r.of("until").ValueDateTime)
	if err != nil || !until.After(g.clock()) {
		t.Fatalf("until %q", r.of("until").ValueDateTime)
	}
	at := func(when time.Time) string { return "&at=" + when.UTC().Format("2006-01-02T15:04:05Z") }
	before := g.explain("mother", patient, "recipient="+father.String()+"&domain=sociaal"+at(until.Add(-time.Second)))
	after := g.explain("mother", patient, "recipient="+father.String()+"&domain=sociaal"+at(until))
	if before.of("reason").ValueCode != "permit-custody" || after.of("reason").ValueCode != "rep-custody-stale" {
		t.Errorf("%s until %s, then %s", before.of("reason").ValueCode, until, after.of("reason").ValueCode)
	}
	child := "recipient=" + patient.String() + "&domain=medisch"
	young, old := g.explain("mother", patient, child), g.explain("mother", patient, child+"&at=2037-05-04")
	if young.of("reason").ValueCode != "rep-child-too-young" || young.of("until").ValueDateTime != "2037-05-03T22:00:00Z" || old.of("reason").ValueCode != "permit-self" {
		t.Errorf("the child: %s until %s, then %s", young.of("reason").ValueCode, young.of("until").ValueDateTime, old.of("reason").ValueCode)
	}
	g.get("mother", "/fhir/"+patient.String()+"/$explain-access?"+child+"&at=2020-01-01").want(t, 400).wantIssue(t, "explain-at", "")
}

func firstName(g *rig, patient fhir.Ref) string {
	g.t.Helper()
	name := decode[struct {
		Name []struct {
			Use   string
			Given []string
		}
	}](g.t, g.get("home", "/fhir/"+patient.String()).want(g.t, 200).body).Name
	for _, n := range name {
		if n.Use == "usual" && len(n.Given) > 0 {
			return n.Given[0]
		}
	}
	return name[0].Given[0]
}

// TestExplainAccessNamesWhoObjectsToNobodyElse: the other parent learns that somebody objected, the
// objector and the custodian which Consent it is.
func TestExplainAccessNamesWhoObjectsToNobodyElse(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, mother, father := g.parents()
	g.team(patient, "hospital", "other")
	no := g.consent("home", "father", "deny", patient, g.orgs["other"], "")
	yes := g.consent("mother", "mother", "permit", patient, g.orgs["other"], `,"code":[{"coding":[{"system":"`+fhir.Canonical+`/CodeSystem/mks-domein","code":"sociaal"}]}]`)
	ask := "recipient=" + g.orgs["other"].String() + "&domain=medisch"
	for as, want := range map[string]string{"mother": "[] [" + yes + " code]", "father": "[" + no + "] [" + yes + " code]", "home": "[" + no + "] []"} {
		a := g.explain(as, patient, ask)
		refs, near := a.consents()
		if got := fmt.Sprint(refs, " ", near); strings.Join(strings.Fields(got), " ") != want {
			t.Errorf("%s is told %s, want %s", as, got, want)
		}
		if a.of("reason").ValueCode != "consent-denied" || strings.Contains(fmt.Sprint(a), father.ID) || strings.Contains(fmt.Sprint(a), mother.ID) {
			t.Errorf("%s: %+v", as, a)
		}
	}
	hospital := g.explain("mother", patient, "recipient="+g.orgs["hospital"].String()+"&domain=sociaal")
	if _, near := hospital.consents(); hospital.of("reason").ValueCode != "consent-none" || !slices.Equal(near, []string{yes + " actor"}) {
		t.Errorf("no consent for the hospital: %s, near %v", hospital.of("reason").ValueCode, near)
	}
	g.do("father", http.MethodPatch, "/fhir/"+strings.TrimSuffix(no, "/_history/1"),
		`[{"op":"replace","path":"/status","value":"inactive"}]`, "Content-Type", jsonPatch).want(t, 200)
	social := g.explain("mother", patient, "recipient="+g.orgs["other"].String()+"&domain=sociaal")
	if refs, _ := social.consents(); social.of("reason").ValueCode != "permit-consent" || !slices.Equal(refs, []string{yes}) {
		t.Errorf("after the withdrawal: %s by %v", social.of("reason").ValueCode, refs)
	}
	if d := g.explain("home", patient, "recipient="+g.orgs["other"].String()+"&domain=sociaal"); !strings.Contains(fmt.Sprint(d), "zegel") {
		t.Error("the custodian is not told that a seal may hide it")
	}
	if strings.Contains(fmt.Sprint(social), "zegel") {
		t.Error("the family is told of seals")
	}
}

// TestExplainAccessIsForFewAlone: everybody else is told what is told of a child that is not there.
func TestExplainAccessIsForFewAlone(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, mother, _ := g.parents()
	g.team(patient, "hospital")
	ask := "/$explain-access?recipient=" + g.orgs["home"].String()
	kid := g.principals["mother"]
	kid.Role, kid.FHIRUser, kid.Purpose = auth.ChildRole, patient, "PATRQT"
	helper := g.principals["mother"]
	helper.Role, helper.Purpose = auth.Helper, "SUPNWK"
	g.principals["kid"], g.principals["helper"] = kid, helper
	for _, as := range []string{"other", "hospital", "helper", "kid"} {
		hidden := g.get(as, "/fhir/"+patient.String()+ask).want(t, http.StatusNotFound)
		missing := g.get(as, "/fhir/Patient/nobody-here"+ask).want(t, http.StatusNotFound)
		for _, h := range []http.Header{hidden.header, missing.header} {
			h.Del("X-Request-Id")
		}
		if hidden.body != missing.body || fmt.Sprint(hidden.header) != fmt.Sprint(missing.header) {
			t.Errorf("%s tells hidden from missing: %v %s / %v %s", as, hidden.header, hidden.body, missing.header, missing.body)
		}
	}
	g.get("", "/fhir/"+patient.String()+ask).want(t, http.StatusUnauthorized)
	narrow := g.principals["mother"]
	narrow.Scopes = g.scopes("patient/CarePlan.rs patient/Patient.r")
	g.principals["narrow"] = narrow
	g.get("narrow", "/fhir/"+patient.String()+ask).want(t, http.StatusForbidden).wantIssue(t, "scope-missing", "")
	g.advance(g.birthday(12).Sub(g.clock()))
	if r := g.explain("kid", patient, "recipient="+mother.String()+"&domain=medisch"); r.of("decision").ValueCode != "deny" {
		t.Errorf("at twelve the child asks and is told %+v", r)
	}
	if r := g.explain("kid", patient, "recipient="+g.orgs["home"].String()+"&domain=medisch"); r.of("reason").ValueCode != "permit-own-record" {
		t.Errorf("home keeps the record: %+v", r)
	}
}

// birthday is the local midnight at which the child of parents becomes n years old.
func (g *rig) birthday(n int) time.Time {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		g.t.Fatal(err)
	}
	return time.Date(2025+n, 5, 4, 0, 0, 0, 0, zone)
}

// TestAPrivacyOfficerGetsStepsAndNoNames.
func TestAPrivacyOfficerGetsStepsAndNoNames(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	g.team(patient, "other")
	g.consent("mother", "mother", "permit", patient, g.orgs["other"], "")
	officer := func(org, purpose string) auth.Principal {
		p := system("officer", g.orgs[org], "system/*.rs")
		p.Role, p.Purpose = auth.Admin, purpose
		return p
	}
	g.principals["officer"], g.principals["admin"], g.principals["foreign"] = officer("home", "HCOMPL"), officer("home", "HSYSADMIN"), officer("hospital", "HCOMPL")
	ask := "/fhir/" + patient.String() + "/$explain-access?recipient=" + g.orgs["other"].String() + "&domain=medisch"
	a := g.get("officer", ask).want(t, 200)
	for _, secret := range []string{"Organisatie", firstName(g, patient), "Consent/"} {
		if strings.Contains(a.body, secret) {
			t.Errorf("%s stands in %s", secret, a.body)
		}
	}
	r := g.explain("officer", patient, "recipient="+g.orgs["other"].String()+"&domain=medisch")
	if r.of("reason").ValueCode != "permit-consent" || !strings.HasPrefix(r.of("text").ValueString, "Deze ontvanger mag") {
		t.Errorf("the officer is told %+v", r)
	}
	g.get("admin", ask).want(t, 403).wantIssue(t, "admin-no-clinical", "")
	g.get("foreign", ask).want(t, 404)
}

// TestExplainAccessKnowsNobodyElsesPeople: a recipient of another child is one that nobody knows.
func TestExplainAccessKnowsNobodyElsesPeople(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	stranger, _ := g.child("hospital")
	aunt := g.create("hospital", "RelatedPerson", `{"resourceType":"RelatedPerson","active":true,"patient":{"reference":"Patient/`+stranger+`"}}`)
	ask := "/fhir/" + patient.String() + "/$explain-access?recipient="
	want := g.get("mother", ask+"RelatedPerson/nobody").want(t, 422).valid(t)
	for _, ref := range []string{"RelatedPerson/" + aunt, "Patient/" + stranger, "Organization/nobody", "CareTeam/x", "Person/x"} {
		if got := g.get("mother", ask+ref).want(t, 422); got.body != want.body {
			t.Errorf("%s: %s, want %s", ref, got.body, want.body)
		}
	}
	for query, rule := range map[string]string{
		"": "explain-parameter", "Organization/x&class=Nonsense": "explain-parameter", "Organization/x&domain=x": "explain-parameter",
		"Organization/x&language=fr": "explain-parameter", "Organization/x&recipient=Organization/y": "explain-parameter",
		"Organization/x&subject=1": "explain-parameter", "Organization/x&at=soon": "explain-parameter", "Organization/x&purpose=": "explain-parameter",
	} {
		g.get("mother", ask+query).want(t, 400).wantIssue(t, rule, "")
	}
}

// TestExplainAccessTakesParametersAndIsLogged: the answer of a POST is that of a GET; nothing changes,
// and the log of the child has the question.
func TestExplainAccessTakesParametersAndIsLogged(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	before := g.position()
	events := len(g.eventsOf(patient.ID))
	get := g.get("mother", "/fhir/"+patient.String()+"/$explain-access?recipient="+g.orgs["home"].String()+"&class=Goal&domain=medisch&purpose=COC")
	post := g.do("mother", http.MethodPost, "/fhir/"+patient.String()+"/$explain-access", fmt.Sprintf(`{"resourceType":"Parameters","parameter":[
		{"name":"recipient","valueReference":{"reference":%q}},{"name":"class","valueCode":"Goal"},{"name":"domain","valueCode":"medisch"},
		{"name":"purpose","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"COC"}}]}`, base+"/"+g.orgs["home"].String())).want(t, 200)
	if get.body != post.body {
		t.Errorf("GET %s\nPOST %s", get.body, post.body)
	}
	if after := g.position(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("asking changed something")
	}
	rows := g.eventsOf(patient.ID)
	if len(rows) != events+2 {
		t.Fatalf("%d events for two questions", len(rows)-events)
	}
	if last := rows[len(rows)-1]; last.Action != "E" || last.Subtype[1].Code != "explain-access" || last.Outcome != "0" {
		t.Errorf("the question is logged as %+v", last)
	}
}

// reasons are the codes that a read of Decide can give (access.md 3).
var explainedReasons = strings.Fields(`permit-custody permit-self permit-child-permit permit-youth-consent permit-extension permit-consent
	permit-own-record permit-default-se permit-emergency permit-task-party permit-task-offer permit-issue-party permit-team-member
	permit-consent-party permit-relation permit-audit permit-directory permit-write permit-withdraw token-missing token-invalid
	scope-missing scope-granular context-required context-other-patient purpose-not-allowed relation-none admin-no-clinical audit-role
	rep-custody-none rep-custody-undetermined rep-custody-stale rep-child-permit-missing rep-youth-alone rep-extension-missing
	rep-age-closed rep-flag-osl rep-read-only rep-child-too-young rep-maturity-missing rep-birthdate-unknown custody-not-retroactive
	consent-none consent-denied domain-denied domain-not-shared label-sealed label-about-parent label-not-for-patient
	label-very-restricted label-restricted emergency-scope emergency-invalid`)

// TestEveryReasonHasItsSentence: in each language, and as access.md 7 has it.
func TestEveryReasonHasItsSentence(t *testing.T) {
	t.Parallel()
	for _, reason := range explainedReasons {
		seen := map[string]bool{}
		for _, l := range []string{"nl", "sv", "en"} {
			text := exchange.ExplainText(reason, l)
			if text == "" || seen[text] || !strings.HasSuffix(text, ".") {
				t.Errorf("%s in %s: %q", reason, l, text)
			}
			seen[text] = true
		}
	}
	shared := os.Getenv("DRIELUIK_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	b, err := os.ReadFile(filepath.Join(shared, "spec", "access.md"))
	if err != nil {
		t.Skip("without the specification the wording is not compared")
	}
	_, table, found := strings.Cut(string(b), "| reason | nl | sv | en |")
	if !found {
		t.Fatal("the specification has no table of texts")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.HasPrefix(cells[1], "--") {
			continue
		}
		for _, reason := range explainedReasons {
			if !slices.ContainsFunc(strings.Split(cells[1], ","), func(one string) bool {
				stem, all := strings.CutSuffix(strings.TrimSpace(one), "*")
				return reason == stem || all && strings.HasPrefix(reason, stem)
			}) {
				continue
			}
			rows++
			for i, l := range []string{"nl", "sv", "en"} {
				if got, want := exchange.ExplainText(reason, l), strings.TrimSpace(cells[2+i]); got != want {
					t.Errorf("%s in %s: %q, want %q", reason, l, got, want)
				}
			}
		}
	}
	if rows != len(explainedReasons) {
		t.Errorf("%d reasons were compared, want %d", rows, len(explainedReasons))
	}
}
