package rest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

const sdcURL = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"

// asking is the Parameters of $populate with a form that runs queries about zza, and answers with what
// the first found.
func asking(t testing.TB, queries ...string) string {
	t.Helper()
	variables := make([]string, len(queries))
	for i, q := range queries {
		b, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		name := map[bool]string{true: "v", false: "w"}[i == 0]
		variables[i] = `{"url":"http://hl7.org/fhir/StructureDefinition/variable","valueExpression":{"name":"` + name + `","language":"application/x-fhir-query","expression":` + string(b) + `}}`
	}
	form := `{"resourceType":"Questionnaire","status":"active","extension":[` + strings.Join(variables, ",") + `],"item":[{"linkId":"1","type":"string","extension":[
		{"url":"` + sdcURL + `initialExpression","valueExpression":{"language":"text/fhirpath","expression":"%v.descendants().where($this is string).first()"}}]}]}`
	return subject("Patient/zza-Patient", `{"name":"questionnaire","resource":`+form+`}`)
}

// pushedScan is a scan whose extension says that a push made it, of which nothing is stored.
const pushedScan = `{"resourceType":"QuestionnaireResponse","id":"r","status":"completed","authored":"2026-11-20","subject":{"reference":"Patient/zza-Patient"},
	"questionnaire":"` + fhir.Canonical + `/Questionnaire/mks-hulpbehoeftescan","extension":[{"url":"` + fhir.Canonical + `/StructureDefinition/bron-record","extension":[
	{"url":"ura","valueString":"90000001"},{"url":"applicatie","valueString":"a"},{"url":"recordType","valueCode":"hulpbehoeftescan"},{"url":"recordId","valueString":"1"}]}],
	"item":[{"linkId":"hbs.med","item":[{"linkId":"hbs.med.voeding","item":[{"linkId":"hbs.med.voeding.niveau","answer":[{"valueCoding":{"code":"1"}}]}]}]}]}`

// TestAFormReadsNoOldVersionOfWhatIsHiddenNow: an old version has its own labels, and the resource of now
// has to permit as well (access.md 6.1).
func TestAFormReadsNoOldVersionOfWhatIsHiddenNow(t *testing.T) {
	t.Parallel()
	w := newTown(t, auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}, false, nil)
	const old = "CarePlan/zza-CarePlan/_history/1"
	ask := func() string {
		return w.do("home", http.MethodPost, "/fhir/Questionnaire/$populate", asking(t, old)).want(t, http.StatusOK).body
	}
	if body := ask(); !strings.Contains(body, `"answer"`) {
		t.Fatalf("a form reads no old version at all: %s", body)
	}
	plan := kinRecords[8].text(w.rig, ours)
	hidden := strings.Replace(plan, `"resourceType":"CarePlan"`, `"resourceType":"CarePlan","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"V"}]}`, 1)
	w.do("hospital", http.MethodPut, "/fhir/CarePlan/zza-CarePlan", hidden).want(t, http.StatusOK)
	w.get("home", "/fhir/"+old).want(t, http.StatusNotFound)
	if body := ask(); strings.Contains(body, `"answer"`) || !strings.Contains(body, "SDC-ABSENT") {
		t.Errorf("the old version of what is hidden now: %s", body)
	}
}

// queriesIn are the parameters query that the rows of a chain tell, and how many of them are of $populate.
func (g *rig) queriesIn(compartment string) (queries string, rows int) {
	g.t.Helper()
	for _, body := range g.bodies(compartment) {
		if !strings.Contains(body, `"code":"populate"`) {
			continue
		}
		rows++
		for _, e := range decode[struct{ Entity []struct{ Query string } }](g.t, body).Entity {
			text, err := base64.StdEncoding.DecodeString(e.Query)
			if err != nil {
				g.t.Fatal(err)
			}
			queries += string(text) + "\n"
		}
	}
	return queries, rows
}

// TestTheLogTellsWhatAFormAskedFor: each query, permitted or not, also where the form is then refused; and no
// identifier of a person.
func TestTheLogTellsWhatAFormAskedFor(t *testing.T) {
	t.Parallel()
	w := newTown(t, auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}, false, nil)
	const secret = "999990019"
	w.do("home", http.MethodPost, "/fhir/Questionnaire/$populate", asking(t, "CarePlan?patient=zza-Patient&identifier=urn:x%7C"+secret)).want(t, http.StatusOK)
	queries, rows := w.queriesIn("zza-Patient")
	if !strings.Contains(queries, "query=CarePlan%3F") || strings.Contains(queries, secret) {
		t.Errorf("the log of the child tells %q", queries)
	}
	many := make([]string, 60)
	for i := range many {
		many[i] = "CarePlan?patient=zza-Patient"
	}
	w.do("home", http.MethodPost, "/fhir/Questionnaire/$populate", asking(t, many...)).want(t, http.StatusUnprocessableEntity)
	if _, now := w.queriesIn("zza-Patient"); now != rows+1 {
		t.Errorf("what a form that asks for too much has seen is not in the log: %d rows, then %d", rows, now)
	}
	refused := false
	for _, body := range w.bodies(exchange.SystemCompartment) {
		refused = refused || strings.Contains(body, `"outcomeDesc":"SDC-LIMIT"`)
	}
	if !refused {
		t.Error("the refusal is not in the log")
	}
}

// TestALeakThatAFormMeetsIsAnAlert too.
func TestALeakThatAFormMeetsIsAnAlert(t *testing.T) {
	t.Parallel()
	b := &unfiltered{}
	w := newTown(t, auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}, true, func(s exchange.Store) exchange.Store {
		b.Store = s
		return b
	})
	b.on = true
	a := w.do("home", http.MethodPost, "/fhir/Questionnaire/$populate", asking(t, "CarePlan")).want(t, http.StatusOK)
	if got := w.alerts(); len(got) != 1 || !strings.Contains(got[0], "filter_leak") || strings.Contains(a.body, "zzb") {
		t.Errorf("%v, answered %s", got, a.body)
	}
}

// TestAnEmergencyIsClosedWhenTheClockGoesBack like all else (access.md 9): its end is judged by that clock.
func TestAnEmergencyIsClosedWhenTheClockGoesBack(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	_, plan, _, _ := g.parents()
	p := system("ehr", g.orgs["other"], "user/*.rs")
	p.Role, p.Purpose, p.FHIRUser = auth.Professional, "BTG", fhir.Ref{Type: "Practitioner", ID: "spoedarts"}
	p.BTG = &auth.BreakGlass{Reason: "Bewusteloos binnengebracht", At: g.clock().Add(-time.Hour), Exp: g.clock().Add(time.Hour)}
	g.principals["doctor"] = p
	g.get("doctor", plan).want(t, http.StatusOK)
	g.advance(-time.Minute)
	g.get("doctor", plan).wantClosed(t, "an emergency", "clock-skew")
}

// TestEachLookOfAnEmergencyIsReviewed: whichever operation it is made by (access.md 3.9).
func TestEachLookOfAnEmergencyIsReviewed(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	form := strings.ReplaceAll(asking(t, "CarePlan?patient=zza-Patient"), "zza-Patient", patient.ID)
	for i, q := range []query{
		{method: "GET", path: "/fhir/Patient/" + patient.ID + "/$completeness"},
		{method: "POST", path: "/fhir/Questionnaire/$populate", body: form},
	} {
		p := system("ehr", g.orgs["other"], "user/*.rs")
		p.Role, p.Purpose, p.FHIRUser = auth.Professional, "BTG", fhir.Ref{Type: "Practitioner", ID: "spoedarts"}
		p.BTG = &auth.BreakGlass{Reason: "Bewusteloos binnengebracht", At: g.clock().Add(-time.Minute * time.Duration(i+1)), Exp: g.clock().Add(time.Hour)}
		g.principals["doctor"] = p
		g.do("doctor", q.method, q.path, q.body).want(t, http.StatusOK)
		if got := g.tasks("home", patient.ID, "btg-review"); len(got) != i+1 {
			t.Errorf("%s: %d reviews", q.path, len(got))
		}
	}
}
