package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth"
)

// planned is a rig with the plan of Ylva, some members changed, kept and coordinated by "hab"; "bup" takes part.
func planned(t *testing.T, changes map[string]any) (g *rig, patient, plan string) {
	t.Helper()
	g = newRigWith(t, auth.Settings{Jurisdiction: "se"}, nil)
	g.care("hab", "SE4000000010-HAB1")
	g.care("bup", "SE4000000010-BUP1")
	g.submit("hab", coordinated(t, "valid/02-ylva.json", changes)).want(t, 201)
	return g, g.search("hab", "/fhir/Patient?family=XXX_Exempel").ids()[0], g.search("hab", "/fhir/CarePlan").ids()[0]
}

// call is the body of a call to a meeting with actors.
func call(plan string, actors ...string) string {
	var with []string
	for _, a := range actors {
		with = append(with, `{"actor":{"reference":"`+a+`"},"status":"needs-action"}`)
	}
	return `{"resourceType":"Appointment","status":"pending","start":"2026-12-01T10:00:00+01:00","end":"2026-12-01T11:00:00+01:00","comment":"Fråga",
		"serviceType":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/se-mote","code":"sip-mote"}]}],
		"supportingInformation":[{"reference":"` + plan + `"}],"participant":[` + strings.Join(with, ",") + `]}`
}

// service is that of an aktör of the plan, by its name.
func (g *rig) service(name string) string {
	g.t.Helper()
	return g.search("hab", "/fhir/HealthcareService?name="+name).ids()[0]
}

// TestACallOverRESTKeepsToTheConsents: who coordinates calls, with somebody's consent, and nobody whom one leaves out.
func TestACallOverRESTKeepsToTheConsents(t *testing.T) {
	t.Parallel()
	g, patient, plan := planned(t, nil)
	post := func(who, body string) answer { return g.do(who, http.MethodPost, "/fhir/Appointment", body) }
	invited := call(plan, patient, g.service("BUP"))
	post("bup", invited).want(t, 403).wantIssue(t, "push-sender", "")
	made := decode[struct{ ID string }](t, post("hab", invited).want(t, 201).body).ID
	for _, stranger := range []string{"other", "hospital"} {
		if a := post(stranger, invited); a.status == 201 || strings.Contains(a.body, "leaves this actor out") {
			t.Errorf("%s: %d %s", stranger, a.status, a.body)
		}
	}
	admin := system("admin", g.orgs["hab"], "system/*.cruds")
	admin.Role, admin.Purpose = auth.Admin, "HSYSADMIN"
	g.principals["admin"] = admin
	social := g.search("hab", "/fhir/Organization?name=Socialtj").ids()[0]
	worker := "PractitionerRole/" + g.create("admin", "PractitionerRole", `{"resourceType":"PractitionerRole","organization":{"reference":"`+social+`"}}`)
	leavesOut := call(plan, patient, worker)
	post("hab", leavesOut).want(t, 422).wantIssue(t, "SP-R02", "Appointment.participant[1].actor")
	g.do("hab", http.MethodPut, "/fhir/Appointment/"+made, strings.Replace(call(plan, patient, g.service("BUP"), worker), `{`, `{"id":"`+made+`",`, 1)).want(t, 422)
	g.do("hab", http.MethodPost, "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":`+leavesOut+`,"request":{"method":"POST","url":"Appointment"}}]}`).
		want(t, 422).wantIssue(t, "SP-R02", "Bundle.entry[0].resource.participant[1].actor")
	agreed := decode[map[string]any](t, coordinated(t, "valid/02-ylva.json", nil))["samtycke"].([]any)
	for _, s := range agreed {
		s.(map[string]any)["aterkallat"] = "2026-11-20"
	}
	g.submit("hab", coordinated(t, "valid/02-ylva.json", map[string]any{"samtycke": agreed, "version": 2})).want(t, 201)
	for _, body := range []string{invited, leavesOut} { // who is left out is not told
		a := post("hab", body).want(t, 403).valid(t)
		a.wantIssue(t, "SP-R02", "")
		if !strings.Contains(a.body, "Samtycke till mötet saknas") || !strings.Contains(a.body, `"lang","valueCode":"nl"`) {
			t.Errorf("not in the language of the unit: %s", a.body)
		}
	}
	g.do("hab", http.MethodPatch, "/fhir/Appointment/"+made, `[{"op":"replace","path":"/status","value":"cancelled"}]`, "Content-Type", "application/json-patch+json").want(t, 200)
	g.do("hab", http.MethodPatch, "/fhir/Appointment/"+made, `[{"op":"replace","path":"/status","value":"booked"}]`, "Content-Type", "application/json-patch+json").want(t, 403)
}

// TestEachOfThoseCalledReadsItsOwnCall: who may not see the plan learns when and where, who calls, and its own answer.
func TestEachOfThoseCalledReadsItsOwnCall(t *testing.T) {
	t.Parallel()
	for _, open := range []bool{true, false} {
		g, patient, plan := planned(t, map[string]any{"godkandForPatient": open})
		var mother, father string
		for _, ref := range g.search("hab", "/fhir/RelatedPerson?patient="+patient).ids() {
			if strings.Contains(g.get("hab", "/fhir/"+ref).body, "Amina") {
				mother = ref
			} else {
				father = ref
			}
		}
		scopes, _ := auth.ParseScopes("patient/*.rs")
		g.principals["mother"] = auth.Principal{State: auth.TokenActive, Role: auth.Guardian, Client: "app", Subject: "mother", FHIRUser: refOf(mother), Patient: refOf(patient),
			Purpose: "FAMRQT", Grant: "mother", Scopes: scopes}
		meeting := g.search("hab", "/fhir/Appointment").ids()[0]
		if got := g.get("mother", "/fhir/"+plan).status == 200; got != open {
			t.Fatalf("the mother reads the plan: %v", got)
		}
		all := []string{g.get("mother", "/fhir/"+meeting).want(t, 200).valid(t).body, g.get("mother", "/fhir/"+meeting+"/_history").want(t, 200).body}
		whole := g.get("mother", "/fhir/"+patient+"/$everything?_count=1000").want(t, 200).body
		for _, told := range []string{"Samordnad individuell plan", "bilder i förskola", "Kortare restider", "uppfoljningsmote"} {
			if strings.Contains(whole, told) != open {
				t.Errorf("the plan is hers to read: %v, and she sees %q: %v", open, told, !open)
			}
		}
		if !open { // in everything she is told of what the plan is referred to by
			all = append(all, g.get("mother", "/fhir/"+patient+"/$everything?_count=1000&_type=Appointment,HealthcareService").want(t, 200).body)
		}
		for i, body := range all {
			for told, always := range map[string]bool{
				mother: true, "rum 3": true, "2026-09-08T13:00:00+02:00": true, "kallande": true,
				"självskadande": false, father: false, `"` + g.service("BUP"): false,
			} {
				if want := open || always; strings.Contains(body, told) != want && !(i == 2 && always) {
					t.Errorf("the plan is hers to read: %v, and she sees %q: %v in %d: %s", open, told, !want, i, body)
				}
			}
		}
		for query, own := range map[string]bool{mother: true, father: false, g.service("BUP"): false} {
			b := g.search("mother", fmt.Sprintf("/fhir/Appointment?actor=%s&_total=accurate", query))
			if want := own || open; (len(b.Entry) == 1) != want || (*b.Total == 1) != want {
				t.Errorf("open %v: by actor %s she finds %v", open, query, b.ids())
			}
		}
	}
}
