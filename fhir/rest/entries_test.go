package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// responses is a batch- or transaction-response.
type responses struct {
	Type  string
	Entry []struct {
		Resource json.RawMessage
		Response struct {
			Status, Location, Etag, LastModified string
			Outcome                              json.RawMessage
		}
	}
}

func (r responses) statuses() []string {
	out := make([]string, len(r.Entry))
	for i, e := range r.Entry {
		out[i], _, _ = strings.Cut(e.Response.Status, " ")
	}
	return out
}

// send posts a Bundle that must be answered, and holds the answer to R4.
func (g *rig) bundle(as, body string, header ...string) responses {
	g.t.Helper()
	a := g.do(as, http.MethodPost, "/fhir", body, header...).want(g.t, http.StatusOK).valid(g.t)
	return decode[responses](g.t, a.body)
}

func batch(entries ...string) string {
	return strings.Replace(transaction(entries...), "transaction", "batch", 1)
}

// ask is an entry without a resource; more are further members of the request, with a comma before.
func ask(method, url, more string) string {
	return fmt.Sprintf(`{"request":{"method":%q,"url":%q%s}}`, method, url, more)
}

func TestSMART604_ABatchAnswersEachEntryAsASingleRequest(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan := g.child("hospital")
	hidden := g.create("other", "CarePlan", fmt.Sprintf(planBody, patient))
	g.principals["narrow"] = system("narrow", g.orgs["hospital"], "system/CarePlan.cruds")
	events := len(g.events())
	got := g.bundle("narrow", batch(
		ask("GET", "CarePlan/"+plan, ""),
		ask("GET", "CarePlan/"+hidden, ""),
		ask("GET", base+"/CarePlan?patient="+patient, ""),
		ask("GET", "Patient/"+patient, ""),
		entry("POST", "CarePlan", "", fmt.Sprintf(planBody, patient)),
		entry("POST", "CarePlan", "", strings.Replace(fmt.Sprintf(planBody, patient), "active", "actief", 1)),
		ask("GET", "CarePlan/"+plan, `,"ifNoneMatch":"W/\"1\""`),
		ask("DELETE", "CarePlan/"+plan, `,"ifMatch":"W/\"9\""`),
		ask("DELETE", "CarePlan/"+plan, ""),
		ask("GET", "CarePlan/"+plan+"/_history?_count=1", ""),
		ask("LOCK", "CarePlan/"+plan, ""),
		ask("GET", "?_type=CarePlan&_id="+plan, ""),
		ask("POST", "/", ""),
		ask("GET", "http://elsewhere.example/CarePlan/"+plan, ""),
		ask("GET", "nothing/here/at/all", ""),
	))
	want := []string{"200", "404", "200", "403", "201", "422", "304", "412", "204", "200", "400", "200", "400", "400", "404"}
	if diff := cmp.Diff(want, got.statuses()); diff != "" {
		t.Fatal(diff)
	}
	if got.Type != "batch-response" || got.Entry[0].Response.Etag != `W/"1"` || len(got.Entry[4].Resource) > 0 ||
		!strings.HasPrefix(got.Entry[4].Response.Location, "CarePlan/") || got.Entry[4].Response.LastModified == "" {
		t.Errorf("%+v", got)
	}
	if b := decode[bundleOf](t, string(got.Entry[2].Resource)); b.Type != "searchset" || len(b.Entry) != 1 {
		t.Errorf("the search in a batch found %s", got.Entry[2].Resource)
	}
	for i, status := range want {
		if refused := status >= "400"; refused != (len(got.Entry[i].Response.Outcome) > 0) {
			t.Errorf("entry %d: %s with outcome %s", i, status, got.Entry[i].Response.Outcome)
		}
	}
	// The children's rows, and the queries that belong to none; not the entries that are no requests.
	if n := len(g.events()) - events; n != 12 {
		t.Errorf("%d AuditEvents", n)
	}
	missing := g.bundle("narrow", batch(ask("GET", "CarePlan/"+strings.Repeat("n", len(hidden)), "")))
	if diff := cmp.Diff(string(missing.Entry[0].Response.Outcome), string(got.Entry[1].Response.Outcome)); diff != "" {
		t.Errorf("hidden differs from missing: %s", diff)
	}
	g.do("", http.MethodPost, "/fhir", batch(ask("GET", "CarePlan/"+plan, ""))).want(t, 401)
}

func TestPreferSaysWhatTheEntriesAnswer(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for kind, wrap := range map[string]func(...string) string{"batch": batch, "transaction": transaction} {
		for prefer, want := range map[string][2]bool{
			"": {false, false}, "return=minimal": {false, false}, "return=representation": {true, false}, "return=OperationOutcome": {false, true},
		} {
			header := []string{"Prefer", prefer}
			if prefer == "" {
				header = nil
			}
			e := g.bundle("hospital", wrap(entry("POST", "Patient", "", patientBody)), header...).Entry[0]
			if got := [2]bool{len(e.Resource) > 0, len(e.Response.Outcome) > 0}; got != want || e.Response.Etag != `W/"1"` {
				t.Errorf("%s with %q: resource and outcome %v, want %v: %+v", kind, prefer, got, want, e.Response)
			}
		}
	}
}

func TestATransactionGoesInTheOrderOfR4(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan := g.child("hospital")
	known := g.create("hospital", "CarePlan", named(patient, "known"))
	child := strings.Replace(patientBody, `"gender"`, `"identifier":[{"system":"urn:kind","value":"1"}],"gender"`, 1)
	goal := `{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"x"},"subject":{"reference":"urn:uuid:00000000-0000-4000-8000-000000000001"}}`
	got := g.bundle("hospital", transaction(
		ask("GET", "CarePlan?identifier=urn:plan|new", ""),
		ask("GET", "Goal/chosen", ""),
		entry("PUT", "Goal/chosen", "", withID(goal, "chosen")),
		entry("PUT", "CarePlan?identifier=urn:plan|known", "", strings.Replace(named(patient, "known"), "active", "on-hold", 1)),
		fmt.Sprintf(`{"fullUrl":"urn:uuid:00000000-0000-4000-8000-000000000001","resource":%s,"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:kind|1"}}`, child),
		entry("POST", "CarePlan", "urn:oid:1.2.3", strings.Replace(named("x", "new"), `"Patient/x"`, `"urn:uuid:00000000-0000-4000-8000-000000000001"`, 1)),
		entry("POST", "CarePlan", "", strings.Replace(named(patient, "third"), `"title"`, `"basedOn":[{"reference":"urn:oid:1.2.3"},{"reference":"CarePlan?identifier=urn:plan|known"}],"title"`, 1)),
		ask("DELETE", "CarePlan/"+plan, ""),
	))
	want := []string{"200", "200", "201", "200", "201", "201", "201", "204"}
	if diff := cmp.Diff(want, got.statuses()); diff != "" {
		t.Fatal(diff)
	}
	if b := decode[bundleOf](t, string(got.Entry[0].Resource)); len(b.Entry) != 1 {
		t.Errorf("the search does not see what was written: %s", got.Entry[0].Resource)
	}
	newChild := strings.TrimSuffix(got.Entry[4].Response.Location, "/_history/1")
	if text := string(got.Entry[1].Resource); !strings.Contains(text, newChild) {
		t.Errorf("the goal is not of %s: %s", newChild, text)
	}
	third := g.get("hospital", "/fhir/"+strings.TrimSuffix(got.Entry[6].Response.Location, "/_history/1")).want(t, 200)
	if !strings.Contains(third.body, `"CarePlan/`+known+`"`) || strings.Contains(third.body, "urn:oid:1.2.3") {
		t.Errorf("references stand as %s", third.body)
	}
	if !strings.HasPrefix(got.Entry[3].Response.Location, "CarePlan/"+known+"/_history/2") {
		t.Errorf("updated %s", got.Entry[3].Response.Location)
	}

	t.Run("what stands already is referred to, not made again", func(t *testing.T) {
		got := g.bundle("hospital", transaction(
			fmt.Sprintf(`{"fullUrl":"urn:uuid:00000000-0000-4000-8000-000000000001","resource":%s,"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:kind|1"}}`, child),
			entry("POST", "Goal", "", goal)))
		if diff := cmp.Diff([]string{"200", "201"}, got.statuses()); diff != "" {
			t.Fatal(diff)
		}
		if at := got.Entry[0].Response.Location; at != newChild+"/_history/1" {
			t.Errorf("found %s, want %s", at, newChild)
		}
		made := g.get("hospital", "/fhir/"+got.Entry[1].Response.Location).want(t, 200)
		if !strings.Contains(made.body, `"`+newChild+`"`) {
			t.Errorf("the goal is %s", made.body)
		}
	})
}

func TestSMART604_OneRefusalRefusesTheTransaction(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan := g.child("hospital")
	g.create("hospital", "CarePlan", named(patient, "twice"))
	g.create("hospital", "CarePlan", named(patient, "twice"))
	hidden := g.create("other", "CarePlan", named(patient, "hidden"))
	g.principals["narrow"] = system("narrow", g.orgs["hospital"], "system/CarePlan.cruds")
	good := entry("POST", "CarePlan", "", fmt.Sprintf(planBody, patient))
	based := func(on string) string {
		return entry("POST", "CarePlan", "", strings.Replace(fmt.Sprintf(planBody, patient), `"title"`, `"basedOn":[{"reference":"`+on+`"}],"title"`, 1))
	}
	for name, c := range map[string]struct {
		entry  string
		status int
		rule   string
	}{
		"a deletion of what is hidden":              {ask("DELETE", "CarePlan/"+hidden, ""), 404, "not-found"},
		"a deletion of what is not there":           {ask("DELETE", "CarePlan/none", ""), 404, "not-found"},
		"another version":                           {ask("DELETE", "CarePlan/"+plan, `,"ifMatch":"W/\"4\""`), 412, "version-moved"},
		"a scope that is missing":                   {entry("POST", "Patient", "", patientBody), 403, "scope-missing"},
		"a read of what is hidden":                  {ask("GET", "CarePlan/"+hidden, ""), 404, "not-found"},
		"a read without a scope":                    {ask("GET", "Patient/"+patient, ""), 403, "scope-missing"},
		"a search that is wrong":                    {ask("GET", "CarePlan?achternaam=x", ""), 400, "SEARCH-PARAM-UNKNOWN"},
		"a condition with two matches":              {ask("DELETE", "CarePlan?identifier=urn:plan|twice", ""), 412, "several-matches"},
		"a condition that is wrong":                 {ask("DELETE", "CarePlan?achternaam=x", ""), 422, "SEARCH-PARAM-UNKNOWN"},
		"a condition that says nothing":             {ask("DELETE", "CarePlan", ""), 422, "condition-empty"},
		"a conditional reference with two matches":  {based("CarePlan?identifier=urn:plan|twice"), 412, "reference-match"},
		"a conditional reference to what is hidden": {based("CarePlan?identifier=urn:plan|hidden"), 412, "reference-match"},
		"a conditional reference to nothing":        {based("CarePlan?identifier=urn:plan|none"), 412, "reference-match"},
		"a conditional reference without a scope":   {based("Patient?identifier=urn:plan|x"), 403, "scope-missing"},
		"a conditional reference that is wrong":     {based("CarePlan?achternaam=x"), 422, "reference-query"},
		"a urn that names nothing":                  {based("urn:uuid:00000000-0000-4000-8000-000000000009"), 422, "bundle-reference"},
		"a read of what it deletes":                 {ask("DELETE", "CarePlan/"+plan, "") + "," + ask("GET", "CarePlan/"+plan, ""), 422, "bundle-read-deleted"},
		"too many conditions":                       {strings.Repeat(ask("DELETE", "CarePlan?identifier=urn:plan|x", "")+",", 200) + ask("DELETE", "CarePlan?identifier=urn:plan|x", ""), 413, "bundle-conditions"},
		"one resource by id and by condition":       {ask("DELETE", "CarePlan/"+plan, "") + "," + ask("DELETE", "CarePlan?_id="+plan, ""), 422, "bundle-twice"},
		"one condition twice": {strings.Repeat(
			strings.Replace(good, `"url":"CarePlan"`, `"url":"CarePlan","ifNoneExist":"identifier=urn:plan|x"`, 1)+",", 2) + good, 422, "bundle-twice"},
		"an ifMatch on what is new":  {strings.Replace(good, `"url":"CarePlan"`, `"url":"CarePlan","ifMatch":"W/\"1\""`, 1), 422, "bundle-if-match"},
		"a url of another type":      {strings.Replace(good, `"url":"CarePlan"`, `"url":"Goal"`, 1), 422, "bundle-url"},
		"a body that is not valid":   {strings.Replace(good, "active", "actief", 1), 422, ""},
		"an operation that is there": {entry("POST", "$submit", "", patientBody), 422, "bundle-url"},
	} {
		t.Run(name, func(t *testing.T) {
			before, events := g.position(), len(g.events())
			a := g.do("narrow", http.MethodPost, "/fhir", transaction(good, c.entry)).want(t, c.status)
			if c.rule != "" {
				a.wantIssue(t, c.rule, "")
			}
			if diff := cmp.Diff(before, g.position()); diff != "" {
				t.Error(diff)
			}
			if len(g.events()) == events {
				t.Error("the refusal is not in the log")
			}
		})
	}
}

func TestABundleHasBounds(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	many := make([]string, 1001)
	for i := range many {
		many[i] = ask("GET", "Patient/x", "")
	}
	for _, wrap := range []func(...string) string{batch, transaction} {
		g.do("hospital", http.MethodPost, "/fhir", wrap(many...)).want(t, 413).wantIssue(t, "bundle-entries", "")
	}
}

// TestAProvenanceComesWithItsTarget: who writes a resource says so in the same transaction, and of nothing else.
func TestAProvenanceComesWithItsTarget(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan := g.child("hospital")
	provenance := func(target string) string {
		return entry("POST", "Provenance", "", fmt.Sprintf(`{"resourceType":"Provenance","target":[{"reference":%q}],"recorded":"2026-11-21T10:00:00Z","agent":[{"who":{"reference":%q}}]}`, target, g.orgs["hospital"]))
	}
	own := entry("POST", "CarePlan", "urn:uuid:00000000-0000-4000-8000-000000000002", fmt.Sprintf(planBody, patient))
	got := g.bundle("hospital", transaction(provenance("urn:uuid:00000000-0000-4000-8000-000000000002"), own))
	if diff := cmp.Diff([]string{"201", "201"}, got.statuses()); diff != "" {
		t.Fatal(diff)
	}
	target := strings.TrimSuffix(got.Entry[1].Response.Location, "/_history/1")
	if found := g.search("hospital", "/fhir/Provenance?target="+target); len(found.Entry) != 1 {
		t.Errorf("found %v", found.ids())
	}
	g.do("hospital", http.MethodPost, "/fhir", transaction(provenance("CarePlan/"+plan))).want(t, 403).wantIssue(t, "write-role", "")
	g.do("hospital", http.MethodDelete, "/fhir/"+target, "").want(t, 204) // its Provenance outlives it
}

// TestACodeSystemIsNoReference: the oids of Dutch code systems stand in uri elements of a transaction
// and are left alone.
func TestACodeSystemIsNoReference(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	made := g.bundle("home", transaction(`{"resource":{"resourceType":"Patient","identifier":[{"system":"urn:oid:2.16.840.1.113883.2.4.99","value":"1"}],
		"maritalStatus":{"coding":[{"system":"urn:oid:2.16.840.1.113883.6.98","code":"1"}]}},"request":{"method":"POST","url":"Patient"}}`))
	if made.Entry[0].Response.Status != "201 Created" {
		t.Errorf("%+v", made.Entry[0].Response)
	}
}

// TestAHeadEntryIsARead: it has the status and no body, alone and beside a write.
func TestAHeadEntryIsARead(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	made := g.bundle("home", transaction(`{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`))
	patient := strings.Split(made.Entry[0].Response.Location, "/_history")[0]
	head := ask("HEAD", strings.TrimPrefix(patient, base+"/"), "")
	got := g.bundle("home", batch(head, ask("HEAD", "Patient/missing", "")))
	if diff := cmp.Diff([]string{"200", "404"}, got.statuses()); diff != "" || len(got.Entry[0].Resource) > 0 {
		t.Errorf("%s in %+v", diff, got)
	}
	got = g.bundle("home", transaction(head, `{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`))
	if diff := cmp.Diff([]string{"200", "201"}, got.statuses()); diff != "" {
		t.Error(diff)
	}
}

// TestAnUpdateThatMeansOnlyIfAbsentOverwritesNothing is If-None-Match: * on PUT.
func TestAnUpdateThatMeansOnlyIfAbsentOverwritesNothing(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	body := `{"resourceType":"Patient","id":"own-1"}`
	g.do("home", http.MethodPut, "/fhir/Patient/own-1", body).want(t, http.StatusCreated)
	g.do("home", http.MethodPut, "/fhir/Patient/own-1", body, "If-None-Match", "*").want(t, http.StatusBadRequest).wantIssue(t, "if-none-match", "")
}

// TestAReadBesideAWriteIsOneAccess: a transaction looks whether its reads are allowed before it writes,
// and that look is no access of its own.
func TestAReadBesideAWriteIsOneAccess(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient := g.create("home", "Patient", `{"resourceType":"Patient"}`)
	before := len(g.eventsOf(patient))
	g.bundle("home", transaction(ask("GET", "Patient/"+patient, ""),
		`{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`))
	if got := len(g.eventsOf(patient)) - before; got != 1 {
		t.Errorf("%d events, want one", got)
	}
	before = len(g.eventsOf(patient))
	g.do("other", http.MethodPost, "/fhir", transaction(ask("GET", "Patient/"+patient, ""),
		`{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`)).want(t, http.StatusNotFound)
	if got := len(g.eventsOf(patient)) - before; got != 1 {
		t.Errorf("a refused read: %d events, want one", got)
	}
}

// TestATransactionReadsWhatItWrites in every way in which its url may be written.
func TestATransactionReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for i, url := range []string{"Patient/own-%d", "/Patient/own-%d", "Patient/own-%d?_elements=id", "Patient/own-%d/_history", base + "/Patient/own-%d"} {
		id := fmt.Sprintf("own-%d", i)
		got := g.bundle("home", transaction(ask("GET", fmt.Sprintf(url, i), ""),
			fmt.Sprintf(`{"resource":{"resourceType":"Patient","id":%q},"request":{"method":"PUT","url":"Patient/%s"}}`, id, id)))
		if diff := cmp.Diff([]string{"200", "201"}, got.statuses()); diff != "" {
			t.Errorf("%s: %s", url, diff)
		}
	}
}

// TestARefusalNamesItsEntry: of a transaction that is refused a client learns which entry it was.
func TestARefusalNamesItsEntry(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient := g.create("home", "Patient", `{"resourceType":"Patient"}`)
	fine := `{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`
	for name, c := range map[string]struct {
		entry, rule string
		status      int
	}{
		"a type that it may not write": {`{"resource":{"resourceType":"Organization","name":"x"},"request":{"method":"POST","url":"Organization"}}`, "write-role", 403},
		"a version that has moved":     {`{"resource":{"resourceType":"Patient","id":"` + patient + `"},"request":{"method":"PUT","url":"Patient/` + patient + `","ifMatch":"W/\"7\""}}`, "version-moved", 412},
		"a read of what is missing":    {ask("GET", "Patient/missing", ""), "not-found", 404},
		"a search that is none":        {ask("GET", "Patient?foo=1", ""), "SEARCH-PARAM-UNKNOWN", 400},
	} {
		t.Run(name, func(t *testing.T) {
			a := g.do("home", http.MethodPost, "/fhir", transaction(fine, c.entry)).want(t, c.status)
			issue := decode[outcome](t, a.body).Issue[0]
			if issue.Diagnostics != c.rule || len(issue.Expression) != 1 || !strings.HasPrefix(issue.Expression[0], "Bundle.entry[1]") {
				t.Errorf("%+v", issue)
			}
		})
	}
}

// TestAWriteTellsItsWarnings: who asks for an OperationOutcome gets what validation said, and what the
// server added.
func TestAWriteTellsItsWarnings(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient := g.create("home", "Patient", `{"resourceType":"Patient"}`)
	plan := fmt.Sprintf(`{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/%s"}}`, patient)
	rules := func(body string) []string {
		var out []string
		for _, i := range decode[outcome](t, body).Issue {
			out = append(out, i.Severity+" "+i.Diagnostics)
		}
		return out
	}
	want := []string{"information domain-added", "warning dom-6"}
	alone := g.do("home", http.MethodPost, "/fhir/CarePlan", plan, "Prefer", "return=OperationOutcome").want(t, http.StatusCreated)
	if diff := cmp.Diff(want, rules(alone.body)); diff != "" {
		t.Error(diff)
	}
	entry := `{"resource":` + plan + `,"request":{"method":"POST","url":"CarePlan"}}`
	for _, bundle := range []string{transaction(entry), batch(entry)} {
		got := g.bundle("home", bundle, "Prefer", "return=OperationOutcome")
		if diff := cmp.Diff(want, rules(string(got.Entry[0].Response.Outcome))); diff != "" {
			t.Error(diff)
		}
	}
}
