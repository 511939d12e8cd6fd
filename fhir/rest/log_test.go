package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

// logRow is what a reader gets of one AuditEvent.
type logRow struct {
	ID, Recorded, Action, Outcome, OutcomeDesc string
	Subtype                                    []struct{ Code string }
	PurposeOfEvent                             []struct{ Coding []struct{ Code string } }
	Agent                                      []struct {
		Requestor   bool
		AltID, Name string
		Who         struct{ Reference, Display string }
		Role        []struct{ Coding []struct{ Code string } }
	}
	Entity []struct {
		What   struct{ Reference, Type string }
		Detail []struct{ Type, ValueString string }
	}
	raw string
}

// log reads the whole log of a child, page by page.
func (g *rig) logOf(as, path string) []logRow {
	g.t.Helper()
	rows := []logRow{}
	for pages := 0; path != ""; pages++ {
		if pages > 200 {
			g.t.Fatal("the pages do not end")
		}
		body := g.get(as, path).want(g.t, http.StatusOK).body
		for _, e := range decode[struct {
			Entry []struct{ Resource json.RawMessage }
		}](g.t, body).Entry {
			row := decode[logRow](g.t, string(e.Resource))
			row.raw = string(e.Resource)
			rows = append(rows, row)
		}
		path = decode[bundleOf](g.t, body).link("next")
	}
	return rows
}

func (r logRow) kinds() (out []string) {
	for _, e := range r.Entity {
		out = append(out, e.What.Type+e.What.Reference)
	}
	return out
}

// family gives both parents scopes on the log, and lets everybody look once.
func (g *rig) family() (patient fhir.Ref, plan string, father fhir.Ref) {
	g.t.Helper()
	patient, plan, _, father = g.parents()
	for _, name := range []string{"mother", "father"} {
		p := g.principals[name]
		p.Scopes = g.scopes("patient/CarePlan.rs patient/AuditEvent.rs")
		p.ClientName, p.Subject = "Ouder-app", "sub-"+name
		g.principals[name] = p
	}
	g.get("mother", plan).want(g.t, 200)
	g.get("father", plan).want(g.t, 200)
	g.get("other", plan).want(g.t, 404)
	g.search("home", "/fhir/CarePlan?patient="+patient.ID+"&identifier=geheim-nummer")
	g.search("home", "/fhir/CarePlan?patient="+patient.ID)
	return patient, plan, father
}

func (g *rig) scopes(text string) auth.Scopes {
	g.t.Helper()
	s, err := auth.ParseScopes(text)
	if err != nil {
		g.t.Fatal(err)
	}
	return s
}

// TestAParentSeesWhoLooked: by name and in kinds of data, without what tells more of others than
// that they looked (access.md 8).
func TestAParentSeesWhoLooked(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan, father := g.family()
	rows := g.logOf("mother", "/fhir/AuditEvent?patient="+patient.ID)
	seen := map[string]int{}
	for i, row := range rows {
		r, issues := fhir.Parse([]byte(row.raw), fhir.Limits{})
		if fhir.HasErrors(issues) {
			t.Fatalf("%v in %s", issues, row.raw)
		}
		if issues := validate.Resource(r); fhir.HasErrors(issues) {
			t.Errorf("%+v in %s", issues, row.raw)
		}
		for _, secret := range []string{father.ID, "sub-", "192.0.2.1", "network", "query", "geheim", strings.TrimPrefix(plan, "/fhir/"), "smart-client", "relation-none"} {
			if strings.Contains(row.raw, secret) {
				t.Errorf("%s stands in %s", secret, row.raw)
			}
		}
		if i > 0 && row.Recorded > rows[i-1].Recorded {
			t.Error("not the newest first")
		}
		a := row.Agent[0]
		role := ""
		for _, c := range a.Role {
			role = c.Coding[0].Code
		}
		org := ""
		if len(row.Agent) > 1 {
			org = row.Agent[1].Who.Display
		}
		self := map[bool]string{true: " (u)"}[a.Who.Reference != ""]
		seen[fmt.Sprintf("%s%s|%s|%s|%s", a.Name, self, role, org, row.Outcome)]++
	}
	for _, want := range []string{
		"Ouder-app (u)|guardian||0",           // herself
		"|guardian||0",                        // the father: a role alone
		"other|system|Organisatie 90000003|4", // was refused
		"home|system|Kinderthuiszorg Voorbeeld|0",
	} {
		if seen[want] == 0 {
			t.Errorf("nobody like %q in %v", want, seen)
		}
	}
	if again := g.logOf("mother", "/fhir/AuditEvent?patient="+patient.ID); len(again) != len(rows)+1 || again[0].Subtype[1].Code != "log-view" {
		t.Errorf("%d rows after a look at %d: %s", len(again), len(rows), again[0].raw)
	}
	g.get("home", "/fhir/AuditEvent?patient="+patient.ID).want(t, 403).wantIssue(t, "audit-role", "")
}

// TestTheLogIsPagedAndFiltered: each row comes once, whatever the size of a page.
func TestTheLogIsPagedAndFiltered(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan, _ := g.family()
	g.advance(48 * time.Hour)
	day := g.clock().UTC().Format(time.DateOnly)
	g.get("father", plan).want(t, 200)
	ids := func(rows []logRow) (out []string) {
		for _, r := range rows {
			out = append(out, r.ID)
		}
		return out
	}
	path := "/fhir/AuditEvent?patient=" + patient.ID
	late := g.logOf("mother", path+"&date=ge"+day)
	early := g.logOf("mother", path+"&date=lt"+day)
	if len(late) != 1 || late[0].Action != "R" || len(early) < 5 {
		t.Fatalf("%d rows of the last day, %d before: %+v", len(late), len(early), late)
	}
	if got := g.logOf("mother", path+"&date=lt"+day+"&_count=2"); !slices.Equal(ids(got), ids(early)) {
		t.Errorf("pages of two give %v, want %v", ids(got), ids(early))
	}
	if got := g.search("mother", path+"&date=lt"+day+"&_count=0"); got.Total == nil || *got.Total != len(early) || len(got.Entry) != 0 {
		t.Errorf("the count is %v, want %d", got.Total, len(early))
	}
	for query, want := range map[string]int{
		"&outcome=4": 1, "&action=X": 0, "&address=192.0.2.1": 0, "&altid=sub-father": 0, "&_id=" + late[0].ID: 1,
	} {
		if got := g.logOf("mother", path+query); len(got) != want {
			t.Errorf("%s finds %d rows, want %d", query, len(got), want)
		}
	}
	one := g.get("mother", "/fhir/AuditEvent/"+late[0].ID).want(t, 200)
	if decode[logRow](t, one.body).Recorded != late[0].Recorded || strings.Contains(one.body, "192.0.2.1") {
		t.Errorf("read alone it is %s", one.body)
	}
	g.get("mother", "/fhir/AuditEvent/unheard-of").want(t, 404)
	stranger, _ := g.child("hospital")
	if got := g.logOf("mother", "/fhir/AuditEvent?patient="+stranger); len(got) != 0 {
		t.Errorf("%d rows of another child", len(got))
	}
	for _, e := range g.eventsOf(stranger) {
		for _, s := range e.Subtype {
			if s.Code == "log-view" {
				t.Error("the other child was looked at")
			}
		}
	}
}

// TestASealHoldsForTheLogToo: who looked at what is sealed from a parent is sealed with it.
func TestASealHoldsForTheLogToo(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, father := g.family()
	sealed := g.create("home", "CarePlan", fmt.Sprintf(`{"resourceType":"CarePlan","status":"active","intent":"plan","title":"Verzegeld",
		"meta":{"security":[{"system":"%s/CodeSystem/access-label","code":"seal-person","extension":[{"url":"%s/StructureDefinition/barred-party",
		"valueReference":{"reference":"%s"}}]}]},"subject":{"reference":"%s"}}`, fhir.Canonical, fhir.Canonical, father, patient))
	g.advance(time.Hour)
	g.get("home", "/fhir/CarePlan/"+sealed).want(t, 200)
	g.advance(time.Hour)
	g.search("home", "/fhir/CarePlan?patient="+patient.ID)
	path := "/fhir/AuditEvent?patient=" + patient.ID + "&date=gt" + g.clock().Add(-90*time.Minute).UTC().Format("2006-01-02T15:04:05Z")
	mother, dad := g.logOf("mother", path), g.logOf("father", path)
	if len(mother) != 2 || len(dad) != 2 { // the father: the search, and the look of the mother at the log
		t.Fatalf("the mother finds %d rows, the father %d", len(mother), len(dad))
	}
	plans := func(rows []logRow) (n int) {
		for _, r := range rows {
			for _, k := range r.kinds() {
				if k == "CarePlan" {
					n++
				}
			}
		}
		return n
	}
	if plans(mother) != 2 || plans(dad) != 1 {
		t.Errorf("the mother sees %d looks at plans, the father %d", plans(mother), plans(dad))
	}
}

// TestAnEmergencyShowsItsReason: who broke the glass said why, and the family reads it.
func TestAnEmergencyShowsItsReason(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan, _ := g.family()
	doctor := refOf(g.search("home", "/fhir/Practitioner").ids()[0])
	name := decode[struct {
		Name []struct{ Family string }
	}](t, g.get("home", "/fhir/"+doctor.String()).want(t, 200).body).Name[0]
	p := system("ehr", g.orgs["other"], "user/*.rs")
	p.Role, p.Purpose, p.FHIRUser = auth.Professional, "BTG", doctor
	p.BTG = &auth.BreakGlass{Reason: "Bewusteloos binnengebracht", At: g.clock().Add(-time.Minute), Exp: g.clock().Add(time.Hour)}
	g.principals["doctor"] = p
	g.get("doctor", plan).want(t, 200)
	row := g.logOf("mother", "/fhir/AuditEvent?patient="+patient.ID+"&_count=1")[0]
	if !strings.Contains(row.Agent[0].Name, name.Family) || row.Agent[1].Who.Display != "Organisatie 90000003" ||
		row.PurposeOfEvent[0].Coding[0].Code != "BTG" || row.Entity[0].Detail[0].ValueString != "Bewusteloos binnengebracht" {
		t.Errorf("the emergency is %s", row.raw)
	}
	if strings.Contains(row.raw, doctor.ID) {
		t.Errorf("the id of the doctor stands in %s", row.raw)
	}
}

// TestTheLogTellsNothingOfWhatIsHidden: a look of the family at what a seal hides leaves no more in the
// family's log than a look at what is not there.
func TestTheLogTellsNothingOfWhatIsHidden(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	scopes, err := auth.ParseScopes("patient/CarePlan.rs patient/AuditEvent.rs")
	if err != nil {
		t.Fatal(err)
	}
	mother := g.principals["mother"]
	mother.Scopes = scopes
	g.principals["mother"] = mother
	made := g.do("home", http.MethodPost, "/fhir/CarePlan", fmt.Sprintf(`{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":%q},
		"meta":{"security":[{"system":"https://drieluik.example/fhir/CodeSystem/access-label","code":"seal-guardians"}]}}`, patient)).want(t, http.StatusCreated)
	sealed := decode[struct{ ID string }](t, made.body).ID
	refused := func() int {
		return len(g.logOf("mother", "/fhir/AuditEvent?patient="+patient.ID+"&outcome=4"))
	}
	before := refused()
	g.get("mother", "/fhir/CarePlan/missing").want(t, http.StatusNotFound)
	afterMissing := refused()
	g.get("mother", "/fhir/CarePlan/"+sealed).want(t, http.StatusNotFound)
	if afterHidden := refused(); afterHidden-afterMissing != afterMissing-before {
		t.Errorf("a missing plan adds %d rows, a hidden one %d", afterMissing-before, afterHidden-afterMissing)
	}
}
