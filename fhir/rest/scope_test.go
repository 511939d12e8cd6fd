package rest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// opens reads a list of scopes without conditions: whether one of the level has the letter for the type.
func opens(list, level, kind, letter string) bool {
	for scope := range strings.FieldsSeq(list) {
		at, rest, _ := strings.Cut(scope, "/")
		of, letters, _ := strings.Cut(rest, ".")
		if word, v1 := map[string]string{"read": "rs", "write": "cud", "*": "cruds"}[letters]; v1 {
			letters = word
		}
		if at == level && (of == kind || of == "*") && strings.Contains(letters, letter) {
			return true
		}
	}
	return false
}

// scopeWorld is a hospital with two children, each with a plan and an observation, and the requests of
// SMART-603 about them.
type scopeWorld struct {
	*rig
	own, other map[string]string // Type → id, of the child of the token and of another
}

func newScopeWorld(t *testing.T) *scopeWorld {
	t.Helper()
	w := &scopeWorld{rig: newRig(t), own: map[string]string{}, other: map[string]string{}}
	for _, of := range []map[string]string{w.own, w.other} {
		of["Patient"] = w.create("hospital", "Patient", patientBody)
		of["CarePlan"] = w.create("hospital", "CarePlan", fmt.Sprintf(planBody, of["Patient"]))
		of["Observation"] = w.create("hospital", "Observation", observationOf(of["Patient"]))
	}
	return w
}

func observationOf(patient string) string {
	return fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/%s"}}`, patient)
}

// sampled is one request with the letter that it needs, and whether it names a resource.
type sampled struct {
	letter string
	named  bool
	send   func(w *scopeWorld, kind, id, patient string) answer
}

var samples = map[string]sampled{
	"read":             {"r", true, func(w *scopeWorld, kind, id, _ string) answer { return w.get("it", "/fhir/"+kind+"/"+id) }},
	"vread":            {"r", true, func(w *scopeWorld, kind, id, _ string) answer { return w.get("it", "/fhir/"+kind+"/"+id+"/_history/1") }},
	"instance history": {"r", true, func(w *scopeWorld, kind, id, _ string) answer { return w.get("it", "/fhir/"+kind+"/"+id+"/_history") }},
	"search":           {"s", false, func(w *scopeWorld, kind, id, _ string) answer { return w.get("it", "/fhir/"+kind+"?_id="+id) }},
	"search by form": {"s", false, func(w *scopeWorld, kind, id, _ string) answer {
		return w.do("it", "POST", "/fhir/"+kind+"/_search", "_id="+id, "Content-Type", "application/x-www-form-urlencoded")
	}},
	"search of the whole": {"s", false, func(w *scopeWorld, kind, id, _ string) answer { return w.get("it", "/fhir?_type="+kind+"&_id="+id) }},
	"type history":        {"s", false, func(w *scopeWorld, kind, _, _ string) answer { return w.get("it", "/fhir/"+kind+"/_history") }},
	"create": {"c", true, func(w *scopeWorld, kind, _, patient string) answer {
		return w.do("it", "POST", "/fhir/"+kind, bodyOf(kind, patient))
	}},
	"update": {"u", true, func(w *scopeWorld, kind, id, patient string) answer {
		return w.do("it", "PUT", "/fhir/"+kind+"/"+id, withID(bodyOf(kind, patient), id))
	}},
	"patch": {"u", true, func(w *scopeWorld, kind, id, _ string) answer {
		return w.do("it", "PATCH", "/fhir/"+kind+"/"+id, `[{"op":"add","path":"/language","value":"nl"}]`, "Content-Type", "application/json-patch+json", "Prefer", "return=minimal")
	}},
}

func bodyOf(kind, patient string) string {
	if kind == "Observation" {
		return observationOf(patient)
	}
	return fmt.Sprintf(planBody, patient)
}

// TestSMART603_ASampleOfTheMatrixOverHTTP: the matrix itself is decided without HTTP; here is that each
// route asks for its letter.
func TestSMART603_ASampleOfTheMatrixOverHTTP(t *testing.T) {
	t.Parallel()
	w := newScopeWorld(t)
	rnd := rand.New(rand.NewPCG(1, 603))
	letters := []string{"r", "s", "rs", "c", "u", "cu", "d", "cruds", "cud", "read", "write", "*"}
	statuses := map[int]int{}
	for range 60 {
		level := []string{"patient", "user", "system"}[rnd.IntN(3)]
		list := ""
		for range 1 + rnd.IntN(2) {
			list += " " + level + "/" + []string{"CarePlan", "Observation", "*"}[rnd.IntN(3)] + "." + letters[rnd.IntN(len(letters))]
		}
		w.principals["it"] = w.bearerOf(level, list)
		for name, s := range samples {
			kind := []string{"CarePlan", "Observation"}[rnd.IntN(2)]
			of := w.own
			if rnd.IntN(2) == 0 {
				of = w.other
			}
			got := s.send(w, kind, of[kind], of["Patient"])
			want := http.StatusOK
			switch {
			case !opens(list, level, kind, s.letter):
				want = http.StatusForbidden
			case level == "patient" && s.named && of["Patient"] != w.own["Patient"]:
				want = map[bool]int{true: http.StatusForbidden, false: http.StatusNotFound}[name == "create"]
			case name == "create":
				want = http.StatusCreated
			}
			if got.status != want {
				t.Errorf("%s with%s: %s of %s: %d, want %d: %.300s", level, list, name, kind, got.status, want, got.body)
			}
			if level == "patient" && strings.Contains(got.body, `"fullUrl":"`+base+"/"+kind+"/"+w.other[kind]+`"`) {
				t.Errorf("%s with%s shows another child", name, list)
			}
			statuses[got.status]++
		}
	}
	for _, status := range []int{200, 201, 403, 404} {
		if statuses[status] < 5 {
			t.Errorf("%v: shows too little", statuses)
		}
	}
}

// bearerOf is who may bring scopes of a level, for the hospital.
func (w *scopeWorld) bearerOf(level, list string) auth.Principal {
	if level == "system" {
		return system("it", w.orgs["hospital"], list)
	}
	patient := fhir.Ref{}
	if level == "patient" {
		patient = fhir.Ref{Type: "Patient", ID: w.own["Patient"]}
	}
	return w.staff("it", "hospital", list, patient)
}

// TestSMART603_OperationsAskForTheirScopes: $everything is a read and then searches, validation and
// terminology want a live token and no more, an id of one's own is for system scopes with c and u.
func TestSMART603_OperationsAskForTheirScopes(t *testing.T) {
	t.Parallel()
	w := newScopeWorld(t)
	everything := "/fhir/Patient/" + w.own["Patient"] + "/$everything"
	put := func(level, list string) int {
		w.principals["it"] = w.bearerOf(level, list)
		id := fmt.Sprintf("chosen-%d", w.ids.Add(1))
		return w.do("it", "PUT", "/fhir/CarePlan/"+id, withID(fmt.Sprintf(planBody, w.own["Patient"]), id)).status
	}
	for _, row := range []struct {
		level, list string
		want        int
	}{
		{"system", "system/CarePlan.cu", 201}, {"system", "system/CarePlan.write", 201}, {"system", "system/CarePlan.u", 404}, {"system", "system/CarePlan.c", 403},
		{"user", "user/CarePlan.cu", 404}, {"patient", "patient/CarePlan.cruds", 404},
	} {
		if got := put(row.level, row.list); got != row.want {
			t.Errorf("an id of one's own with %s: %d, want %d", row.list, got, row.want)
		}
	}
	w.principals["it"] = w.bearerOf("system", "system/Patient.r system/CarePlan.s")
	if body := w.get("it", everything).want(t, 200).body; !strings.Contains(body, w.own["CarePlan"]) || strings.Contains(body, w.own["Observation"]) {
		t.Errorf("everything: %s", body)
	}
	w.principals["it"] = w.bearerOf("system", "system/Patient.s system/CarePlan.rs")
	w.get("it", everything).want(t, 403).wantIssue(t, "scope-missing", "")
	w.principals["it"] = w.bearerOf("system", "system/Goal.r")
	w.do("it", "POST", "/fhir/CarePlan/$validate", fmt.Sprintf(planBody, w.own["Patient"])).want(t, 200)
	w.do("", "POST", "/fhir/CarePlan/$validate", fmt.Sprintf(planBody, w.own["Patient"])).want(t, 401)
}

// TestSMART601_ARefusalSaysWhatWouldDoBeforeItLooks: the answer is the same for what is there, hidden
// and absent.
func TestSMART601_ARefusalSaysWhatWouldDoBeforeItLooks(t *testing.T) {
	t.Parallel()
	w := newScopeWorld(t)
	w.principals["it"] = system("it", w.orgs["hospital"], "system/Patient.r")
	w.principals["stranger"] = system("stranger", w.orgs["other"], "system/Patient.r")
	for _, path := range []string{"/fhir/CarePlan/" + w.own["CarePlan"], "/fhir/CarePlan/absent", "/fhir/CarePlan?_id=x"} {
		if a := w.get("", path).want(t, 401); a.header.Get("WWW-Authenticate") != `Bearer realm="drieluik"` {
			t.Errorf("no token: %v", a.header)
		}
		if a := w.get("unknown", path).want(t, 401); a.header.Get("WWW-Authenticate") != `Bearer realm="drieluik", error="invalid_token"` {
			t.Errorf("dead token: %v", a.header)
		}
		for _, as := range []string{"it", "stranger"} {
			a := w.get(as, path).want(t, 403)
			a.wantIssue(t, "scope-missing", "")
			needs := "system/CarePlan." + map[bool]string{true: "s", false: "r"}[strings.Contains(path, "?")]
			if challenge := a.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `error="insufficient_scope"`) || !strings.Contains(a.body, needs) || !strings.Contains(a.body, `"forbidden"`) {
				t.Errorf("%s %s: %q %s", as, path, challenge, a.body)
			}
		}
	}
	same(t, "no scope", w.get("it", "/fhir/CarePlan/absent"), w.get("it", "/fhir/CarePlan/"+w.own["CarePlan"]))
}

// TestATT64_NobodyWaitsForABodyThatIsTooLarge: one that is announced so is refused before it is sent.
func TestATT64_NobodyWaitsForABodyThatIsTooLarge(t *testing.T) {
	g := newRig(t)
	never, end := io.Pipe()
	t.Cleanup(func() { _ = end.Close() })
	for _, path := range []string{"/fhir/Patient", "/fhir", "/fhir/$submit", "/fhir/Patient/$validate"} {
		r := httptest.NewRequest(http.MethodPost, path, never)
		r.ContentLength = maxBody + 1
		r.Header.Set("Authorization", "Bearer hospital")
		r.Header.Set("Content-Type", "application/fhir+json")
		if path == "/fhir/$submit" {
			r.Header.Set("Content-Type", "application/json")
		}
		w, done := httptest.NewRecorder(), make(chan struct{})
		go func() { defer close(done); g.handler.ServeHTTP(w, r) }()
		select {
		case <-done:
			if w.Code != http.StatusRequestEntityTooLarge || w.Header().Get("Connection") != "close" {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s is waited for", path)
		}
	}
}

// TestATT64_HostileBodiesEndAtOnce: a refusal, soon, and without memory out of proportion.
func TestATT64_HostileBodiesEndAtOnce(t *testing.T) {
	g := newRig(t)
	patient := func(member string) string { return `{"resourceType":"Patient",` + member + `}` }
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(bytes.Repeat([]byte(" "), 64<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat(`{"extension":[`, 10_000) + strings.Repeat(`]}`, 10_000)
	before, limit := g.position(), soon(t)
	for name, row := range map[string]struct {
		body, encoding string
		status         []int
	}{
		"10,000 deep":         {patient(`"extension":[` + deep + `]`), "", []int{400, 413}},
		"10,000 open arrays":  {patient(`"name":` + strings.Repeat("[", 10_000)), "", []int{400, 413}},
		"a duplicate key":     {patient(`"active":true,"active":false`), "", []int{400}},
		"an escaped one":      {patient(`"active":true,"\u0061ctive":false`), "", []int{400}},
		"a huge number":       {patient(`"multipleBirthInteger":1e999999`), "", []int{400, 422}},
		"a long number":       {patient(`"multipleBirthInteger":1` + strings.Repeat("0", 100_000)), "", []int{400, 413, 422}},
		"no UTF-8":            {patient("\"language\":\"\xff\xfe\""), "", []int{400}},
		"half a surrogate":    {patient(`"language":"\ud800"`), "", []int{400, 422}},
		"a NUL":               {patient(`"language":"\u0000"`), "", []int{400, 422}},
		"6 MB":                {patient(`"language":"` + strings.Repeat("x", 6<<20) + `"`), "", []int{413}},
		"a compressed bomb":   {bomb.String(), "gzip", []int{415}},
		"100,000 small items": {patient(`"name":[` + strings.Repeat(`{},`, 100_000) + `{}]`), "", []int{400, 413, 422}},
	} {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		allocated, start := m.TotalAlloc, time.Now()
		header := []string{}
		if row.encoding != "" {
			header = []string{"Content-Encoding", row.encoding}
		}
		a := g.do("hospital", http.MethodPost, "/fhir/Patient", row.body, header...)
		took := time.Since(start)
		runtime.ReadMemStats(&m)
		for try := 0; took > limit && try < 5; try++ { // a busy machine: the best of some counts
			start = time.Now()
			g.do("hospital", http.MethodPost, "/fhir/Patient", row.body, header...)
			took = min(took, time.Since(start))
		}
		if !strings.Contains(fmt.Sprint(row.status), fmt.Sprint(a.status)) {
			t.Errorf("%s: %d, want %v: %.300s", name, a.status, row.status, a.body)
		}
		if took > limit {
			t.Errorf("%s took %s, and %s are allowed", name, took, limit)
		}
		if grown := m.TotalAlloc - allocated; grown > 64<<20 {
			t.Errorf("%s allocated %d MB", name, grown>>20)
		}
	}
	if d := cmp.Diff(before, g.position()); d != "" {
		t.Error(d)
	}
}

// soon returns how long a refusal may take on this machine as it is now: as long as to decode a harmless
// document of 4 MB, which is less than 100 ms where nothing else runs and nothing looks for races.
func soon(t *testing.T) time.Duration {
	t.Helper()
	harmless := []byte("[" + strings.Repeat(`{"a":"some words that are as long as many"},`, 90_000) + "1]")
	best := time.Hour
	for range 3 {
		start := time.Now()
		var v any
		if err := json.Unmarshal(harmless, &v); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	return best
}

// TestATT65_NoHeaderChangesMethodOrAddress: what a proxy or an override says counts for nothing.
func TestATT65_NoHeaderChangesMethodOrAddress(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan := g.child("hospital")
	before := g.position()
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		g.do("hospital", http.MethodGet, "/fhir/CarePlan/"+plan, "", name, "DELETE").want(t, 200)
		g.do("hospital", http.MethodPost, "/fhir/CarePlan/"+plan, "", name, "DELETE").want(t, 405)
	}
	g.get("hospital", "/fhir/CarePlan/"+plan+"?_method=DELETE")
	if d := cmp.Diff(before, g.position()); d != "" {
		t.Errorf("a header deleted: %s", d)
	}
	r := httptest.NewRequest(http.MethodGet, "/fhir/CarePlan?patient="+patient, nil)
	r.Host = "evil.example"
	r.Header.Set("Authorization", "Bearer hospital")
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For", "X-Forwarded-Prefix", "Forwarded", "X-Original-URL", "X-Rewrite-URL"} {
		r.Header.Set(name, "evil.example")
	}
	rec := httptest.NewRecorder()
	g.handler.ServeHTTP(rec, r)
	if rec.Code != 200 || strings.Contains(rec.Body.String()+fmt.Sprint(rec.Result().Header), "evil") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	for _, e := range g.events() {
		if strings.Contains(fmt.Sprint(e), "evil") {
			t.Errorf("the log takes an address from a header: %+v", e)
		}
	}
}
