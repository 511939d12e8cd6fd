package rest_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	jsonPatch   = "application/json-patch+json"
	titlePatch  = `[{"op":"replace","path":"/title","value":"Ander plan"}]`
	titlePathly = `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},
		{"name":"path","valueString":"CarePlan.title"},{"name":"value","valueString":"Ander plan"}]}]}`
)

func TestAPatchChangesWhatItNames(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan := g.child("hospital")
	path := "/fhir/CarePlan/" + plan
	for version, c := range []struct{ media, body, path string }{
		{jsonPatch, titlePatch, path}, {fhirJSON, titlePathly, path}, {jsonPatch, titlePatch, "/fhir/CarePlan?patient=" + patient},
	} {
		etag := fmt.Sprintf(`W/"%d"`, version+1)
		a := g.do("hospital", http.MethodPatch, c.path, c.body, "Content-Type", c.media, "If-Match", etag).want(t, 200)
		if !strings.Contains(a.body, `"title":"Ander plan"`) || a.header.Get("ETag") != fmt.Sprintf(`W/"%d"`, version+2) {
			t.Errorf("%v %s", a.header, a.body)
		}
		g.do("hospital", http.MethodPatch, c.path, c.body, "Content-Type", c.media, "If-Match", etag).want(t, 412)
	}
	g.principals["blind"] = system("blind", g.orgs["hospital"], "system/CarePlan.u")
	if a := g.do("blind", http.MethodPatch, path, titlePatch, "Content-Type", jsonPatch).want(t, 200); a.body != "" {
		t.Errorf("who may not read is shown %s", a.body)
	}
	data := base64.StdEncoding.EncodeToString([]byte(titlePatch))
	binary := fmt.Sprintf(`{"resourceType":"Binary","contentType":%q,"data":%q}`, jsonPatch, data)
	for _, wrap := range []func(...string) string{batch, transaction} {
		got := g.bundle("hospital", wrap(entry("PATCH", "CarePlan/"+plan, "", binary)))
		again := g.bundle("hospital", wrap(entry("PATCH", "CarePlan?patient="+patient, "", titlePathly)))
		if diff := cmp.Diff([]string{"200", "200"}, append(got.statuses(), again.statuses()...)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAPatchIsRefusedAsAnUpdateIs(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan := g.child("hospital")
	hidden := g.create("other", "CarePlan", fmt.Sprintf(planBody, patient))
	elsewhere, _ := g.child("hospital")
	g.principals["reader"] = system("reader", g.orgs["hospital"], "system/CarePlan.rs")
	g.principals["blind"] = system("blind", g.orgs["hospital"], "system/CarePlan.u")
	op := func(path, value string) string {
		return fmt.Sprintf(`[{"op":"add","path":%q,"value":%s}]`, path, value)
	}
	for name, c := range map[string]struct {
		as, path, media, body string
		status                int
		rule                  string
	}{
		"what is hidden":               {"hospital", "/fhir/CarePlan/" + hidden, jsonPatch, titlePatch, 404, "not-found"},
		"what is not there":            {"hospital", "/fhir/CarePlan/none", jsonPatch, titlePatch, 404, "not-found"},
		"what no condition matches":    {"hospital", "/fhir/CarePlan?_id=none", jsonPatch, titlePatch, 404, "not-found"},
		"without a scope":              {"reader", "/fhir/CarePlan/" + plan, jsonPatch, titlePatch, 403, "scope-missing"},
		"a type that is fixed":         {"hospital", "/fhir/Provenance/x", jsonPatch, titlePatch, 405, "immutable"},
		"to something not valid":       {"hospital", "/fhir/CarePlan/" + plan, jsonPatch, op("/status", `"actief"`), 422, ""},
		"to another child":             {"hospital", "/fhir/CarePlan/" + plan, jsonPatch, op("/subject/reference", `"Patient/`+elsewhere+`"`), 422, "write-patient-change"},
		"to another id":                {"hospital", "/fhir/CarePlan/" + plan, jsonPatch, op("/id", `"`+hidden+`"`), 422, "PATCH-IDENTITY"},
		"to another type":              {"hospital", "/fhir/CarePlan/" + plan, jsonPatch, op("/resourceType", `"Goal"`), 422, "PATCH-IDENTITY"},
		"after a test that fails":      {"hospital", "/fhir/CarePlan/" + plan, jsonPatch, `[{"op":"test","path":"/title","value":"x"}]`, 422, "PATCH-TEST"},
		"a question, without r":        {"blind", "/fhir/CarePlan/" + plan, jsonPatch, `[{"op":"test","path":"/status","value":"active"}]`, 403, "scope-missing"},
		"a wrong guess, without r":     {"blind", "/fhir/CarePlan/" + plan, jsonPatch, `[{"op":"test","path":"/status","value":"draft"}]`, 403, "scope-missing"},
		"a copy, without r":            {"blind", "/fhir/CarePlan/" + plan, jsonPatch, `[{"op":"copy","from":"/status","path":"/title"}]`, 403, "scope-missing"},
		"a path that asks, without r":  {"blind", "/fhir/CarePlan/" + plan, fhirJSON, `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"delete"},{"name":"path","valueString":"CarePlan.title.where($this.startsWith('x'))"}]}]}`, 403, "scope-missing"},
		"by what is no patch":          {"hospital", "/fhir/CarePlan/" + plan, jsonPatch, `{"op":"add"}`, 400, ""},
		"by a media type of no patch":  {"hospital", "/fhir/CarePlan/" + plan, "application/merge-patch+json", `{}`, 415, "content-type"},
		"by a resource that is no one": {"hospital", "/fhir/CarePlan/" + plan, fhirJSON, patientBody, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before, events := g.position(), len(g.events())
			a := g.do(c.as, http.MethodPatch, c.path, c.body, "Content-Type", c.media).want(t, c.status)
			if c.rule != "" {
				a.wantIssue(t, c.rule, "")
			}
			if diff := cmp.Diff(before, g.position()); diff != "" {
				t.Error(diff)
			}
			if n := len(g.events()) - events; n != 1 {
				t.Errorf("%d AuditEvents", n)
			}
		})
	}
}

// TestSMART603_APatchThatAsksNothingNeedsNoRead: letter u alone lets a client write what it need not see (SMART-603).
func TestSMART603_APatchThatAsksNothingNeedsNoRead(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	_, plan := g.child("hospital")
	g.principals["blind"] = system("blind", g.orgs["hospital"], "system/CarePlan.u")
	a := g.do("blind", http.MethodPatch, "/fhir/CarePlan/"+plan, titlePatch, "Content-Type", jsonPatch).want(t, http.StatusOK)
	if a.body != "" {
		t.Errorf("it is shown %s", a.body)
	}
}

// TestParallelPatchesAllCount: without If-Match each patch is made on what stands when it is stored.
func TestParallelPatchesAllCount(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _ := g.child("hospital")
	plan := g.create("hospital", "CarePlan", strings.Replace(fmt.Sprintf(planBody, patient), `"title"`, `"note":[{"text":"first"}],"title"`, 1))
	const patches = 10
	var wg sync.WaitGroup
	for i := range patches {
		wg.Go(func() {
			body := fmt.Sprintf(`[{"op":"add","path":"/note/-","value":{"text":"note %d"}}]`, i)
			if a := g.do("hospital", http.MethodPatch, "/fhir/CarePlan/"+plan, body, "Content-Type", jsonPatch); a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	got := g.get("hospital", "/fhir/CarePlan/"+plan).want(t, 200)
	if n := strings.Count(got.body, `"text":"note`); n != patches || got.header.Get("ETag") != `W/"11"` {
		t.Errorf("%d notes in version %s", n, got.header.Get("ETag"))
	}
}
