package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// named is a CarePlan of a patient with an identifier.
func named(patient, value string) string {
	return fmt.Sprintf(`{"resourceType":"CarePlan","identifier":[{"system":"urn:plan","value":%q}],"status":"active","intent":"plan","title":"Plan","subject":{"reference":"Patient/%s"}}`, value, patient)
}

func TestAConditionalCreateMakesOneResource(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _ := g.child("hospital")
	create := func(as, condition string, header ...string) answer {
		return g.do(as, http.MethodPost, "/fhir/CarePlan", named(patient, "1"), append([]string{"If-None-Exist", condition}, header...)...)
	}
	first := create("hospital", "identifier=urn:plan|1").want(t, 201)
	before := g.position()
	again := create("hospital", "CarePlan?identifier=urn:plan|1").want(t, 200)
	if again.body != first.body || again.header.Get("Location") != first.header.Get("Location") || again.header.Get("ETag") != `W/"1"` {
		t.Errorf("answered %v %s", again.header, again.body)
	}
	if diff := cmp.Diff(before, g.position()); diff != "" {
		t.Error(diff)
	}
	if a := create("hospital", "identifier=urn:plan|1", "Prefer", "return=minimal").want(t, 200); a.body != "" {
		t.Errorf("minimal answered %s", a.body)
	}
	g.principals["creator"] = system("creator", g.orgs["hospital"], "system/CarePlan.c")
	if a := create("creator", "identifier=urn:plan|1").want(t, 200); a.body != "" {
		t.Errorf("who may not read is shown %s", a.body)
	}
	create("hospital", "patient.family=Testkind&identifier=urn:plan|1").want(t, 200)
	create("creator", "patient.family=Testkind&identifier=urn:plan|1").want(t, 403).wantIssue(t, "scope-missing", "")
	create("other", "identifier=urn:plan|1").want(t, 201) // the match set is the visible set
	g.create("hospital", "CarePlan", named(patient, "1"))
	before = g.position()
	create("hospital", "identifier=urn:plan|1").want(t, 412).wantIssue(t, "several-matches", "")
	create("hospital", "identifier=urn:plan|1&_format=json").want(t, 412)
	if diff := cmp.Diff(before, g.position()); diff != "" {
		t.Error(diff)
	}
}

func TestParallelConditionalCreatesMakeOneResource(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ as, kind, body, condition string }{
		"by identifier":           {"hospital", "CarePlan", "plan", "identifier=urn:plan|1"},
		"of a child":              {"hospital", "CarePlan", "plan", "patient=PATIENT&status=active"},
		"of a new child by name":  {"hospital", "Patient", patientBody, "family=Testkind"},
		"through a family's eyes": {"mother", "Communication", "note", "patient=PATIENT"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t)
			patient := "none"
			if c.kind != "Patient" {
				child, parents := family(g, "2020-01-01")
				patient = strings.TrimPrefix(child, "Patient/")
				g.principals["mother"] = guardian(t, child, parents[0], "patient/*.cruds")
				c.body = map[string]string{
					"plan": named(patient, "1"),
					"note": fmt.Sprintf(`{"resourceType":"Communication","status":"completed","subject":{"reference":%q},"sender":{"reference":%q}}`, child, parents[0]),
				}[c.body]
			}
			const askers = 12
			got := make([]answer, askers)
			var wg sync.WaitGroup
			for i := range askers {
				wg.Go(func() {
					got[i] = g.do(c.as, http.MethodPost, "/fhir/"+c.kind, c.body, "If-None-Exist", strings.Replace(c.condition, "PATIENT", patient, 1))
				})
			}
			wg.Wait()
			made, where := 0, map[string]bool{}
			for _, a := range got {
				if a.status == 201 {
					made++
				} else if a.status != 200 {
					t.Errorf("%d %s", a.status, a.body)
				}
				where[a.header.Get("Location")] = true
			}
			if made != 1 || len(where) != 1 {
				t.Errorf("%d resources at %v", made, where)
			}
		})
	}
}

func TestAConditionalUpdateWritesTheOneMatch(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _ := g.child("hospital")
	update := func(as, body string, header ...string) answer {
		return g.do(as, http.MethodPut, "/fhir/CarePlan?identifier=urn:plan|1", body, header...)
	}
	body := named(patient, "1")
	g.principals["updater"] = system("updater", g.orgs["hospital"], "system/*.ru")
	update("updater", body).want(t, 403).wantIssue(t, "scope-missing", "")
	update("updater", withID(body, "chosen")).want(t, 404)
	first := update("hospital", body).want(t, 201)
	id := decode[struct{ ID string }](t, first.body).ID
	update("hospital", strings.Replace(body, "active", "on-hold", 1), "If-Match", `W/"2"`).want(t, 412)
	second := update("hospital", strings.Replace(body, "active", "on-hold", 1), "If-Match", `W/"1"`).want(t, 200)
	if second.header.Get("ETag") != `W/"2"` || decode[struct{ ID string }](t, second.body).ID != id {
		t.Errorf("answered %v %s", second.header, second.body)
	}
	update("updater", withID(body, id)).want(t, 200)
	before := g.position()
	update("hospital", withID(body, "another")).want(t, 400).wantIssue(t, "id-differs", "")
	if diff := cmp.Diff(before, g.position()); diff != "" {
		t.Error(diff)
	}
	update("other", withID(body, "by-other")).want(t, 201) // what is hidden does not match
	g.create("hospital", "CarePlan", body)
	update("hospital", body).want(t, 412)
}

func TestAConditionalDeletionTakesTheOneMatch(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _ := g.child("hospital")
	remove := func(as string) answer {
		return g.do(as, http.MethodDelete, "/fhir/CarePlan?identifier=urn:plan|1", "")
	}
	one := g.create("hospital", "CarePlan", named(patient, "1"))
	before := g.position()
	hidden := remove("other").want(t, 204)
	if diff := cmp.Diff(before, g.position()); diff != "" || hidden.header.Get("ETag") != "" {
		t.Errorf("what is hidden was found: %v %s", hidden.header, diff)
	}
	two := g.create("hospital", "CarePlan", named(patient, "1"))
	remove("hospital").want(t, 412).wantIssue(t, "several-matches", "")
	g.do("hospital", http.MethodDelete, "/fhir/CarePlan/"+two, "").want(t, 204)
	if a := remove("hospital").want(t, 204); a.header.Get("ETag") != `W/"2"` {
		t.Errorf("answered %v", a.header)
	}
	g.get("hospital", "/fhir/CarePlan/"+one).want(t, 410)
	remove("hospital").want(t, 204)
}

// TestATT51_ConditionsOfAFamilyStayWithIt: what another family has neither matches nor is told of.
func TestATT51_ConditionsOfAFamilyStayWithIt(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	child, parents := family(g, "2020-01-01")
	stranger, others := family(g, "2020-01-01")
	g.principals["mother"] = guardian(t, child, parents[0], "patient/*.cruds")
	note := func(about, sender string) string {
		return fmt.Sprintf(`{"resourceType":"Communication","identifier":[{"system":"urn:note","value":"1"}],"status":"completed","subject":{"reference":%q},"sender":{"reference":%q}}`, about, sender)
	}
	theirs := g.create("home", "Communication", note(stranger, others[0]))
	before := g.position()
	for name, ask := range map[string]func(id string) answer{
		"delete": func(id string) answer { return g.do("mother", http.MethodDelete, "/fhir/Communication/"+id, "") },
		"delete by condition": func(id string) answer {
			return g.do("mother", http.MethodDelete, "/fhir/Communication?_id="+id, "")
		},
		"update": func(id string) answer {
			return g.do("mother", http.MethodPut, "/fhir/Communication/"+id, withID(note(child, parents[0]), id))
		},
		"history": func(id string) answer { return g.get("mother", "/fhir/Communication/"+id+"/_history") },
		"vread":   func(id string) answer { return g.get("mother", "/fhir/Communication/"+id+"/_history/1") },
		"read":    func(id string) answer { return g.get("mother", "/fhir/Communication/"+id, "If-None-Match", "*") },
	} {
		hidden, missing := ask(theirs), ask(strings.Repeat("n", len(theirs)))
		for _, a := range []answer{hidden, missing} {
			a.header.Del("X-Request-Id")
		}
		if diff := cmp.Diff(missing, hidden, cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if diff := cmp.Diff(before, g.position()); diff != "" {
		t.Error(diff)
	}
	g.do("mother", http.MethodPost, "/fhir/Communication", note(child, parents[0]), "If-None-Exist", "identifier=urn:note|1").want(t, 201)
	for _, row := range g.pages("mother", "/fhir/Communication/_history") {
		if strings.Contains(row, theirs) {
			t.Errorf("the history shows %s", row)
		}
	}
}

// TestATT55_ABundleOfAFamilyStaysWithItsChild: one entry about another child is refused alone in a batch, and
// refuses a transaction.
func TestATT55_ABundleOfAFamilyStaysWithItsChild(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	child, parents := family(g, "2020-01-01")
	stranger, others := family(g, "2020-01-01")
	theirs := g.create("home", "CarePlan", fmt.Sprintf(planBody, strings.TrimPrefix(stranger, "Patient/")))
	g.principals["mother"] = guardian(t, child, parents[0], "patient/*.cruds")
	note := func(about, sender string) string {
		return entry("POST", "Communication", "", fmt.Sprintf(
			`{"resourceType":"Communication","status":"completed","subject":{"reference":%q},"sender":{"reference":%q}}`, about, sender))
	}
	good := note(child, parents[0])
	for name, c := range map[string]struct {
		entry  string
		status string
	}{
		"a note about another child":       {note(stranger, parents[0]), "403"},
		"a note in another's name":         {note(child, others[0]), "403"},
		"a note about who matches a query": {note("Patient?_id="+strings.TrimPrefix(stranger, "Patient/"), parents[0]), "412"},
		"a read of another child":          {ask("GET", stranger, ""), "404"},
		"a read of its plan":               {ask("GET", "CarePlan/"+theirs, ""), "404"},
		"its history":                      {ask("GET", "CarePlan/"+theirs+"/_history", ""), "404"},
		"its record":                       {ask("GET", stranger+"/$everything", ""), "404"},
		"a deletion of its plan":           {ask("DELETE", "CarePlan/"+theirs, ""), "404"},
	} {
		t.Run(name, func(t *testing.T) {
			before := g.position()
			if a := g.do("mother", http.MethodPost, "/fhir", transaction(good, c.entry)); fmt.Sprint(a.status) != c.status || strings.Contains(a.body, theirs) {
				t.Errorf("transaction: %d %s", a.status, a.body)
			}
			if diff := cmp.Diff(before, g.position()); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(c.entry, "Patient?_id") { // a batch resolves nothing
				return
			}
			if got := g.bundle("mother", batch(good, c.entry)).statuses(); got[0] != "201" || got[1] != c.status {
				t.Errorf("batch: %v", got)
			}
		})
	}
	if rows := g.pages("mother", "/fhir/_history"); strings.Contains(strings.Join(rows, " "), theirs) {
		t.Errorf("the history shows %v", rows)
	}
}
