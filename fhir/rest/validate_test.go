package rest_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestValidateTellsWhatAWriteWould: nothing is stored, a hidden resource is as absent as ever.
func TestValidateTellsWhatAWriteWould(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	made := g.do("home", http.MethodPost, "/fhir/Patient", `{"resourceType":"Patient","birthDate":"2024-01-01","name":[{"family":"XXX_Kind"}]}`).want(t, 201)
	id := decode[struct{ ID string }](t, made.body).ID
	before := g.position()
	plan := func(more string) string {
		return `{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/` + id + `"},
			"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}` + more + `}`
	}
	wrapped := func(parameters string) string {
		return `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":` + plan("") + `}` + parameters + `]}`
	}
	for name, c := range map[string]struct {
		as, path, body string
		status         int
		rules          []string // of errors
	}{
		"whole content":               {path: "CarePlan/$validate", body: plan(""), status: 200},
		"broken content":              {path: "CarePlan/$validate", body: plan(`,"activity":[{"detail":{"status":"klaar"}}]`), status: 200, rules: []string{"FHIR-CODE-REQUIRED"}},
		"content that FHIR forbids":   {path: "CarePlan/$validate", body: plan(`,"title":null`), status: 200, rules: []string{"FHIR-JSON-NULL"}},
		"in Parameters":               {path: "CarePlan/$validate", body: wrapped(`,{"name":"mode","valueCode":"create"}`), status: 200},
		"an update without an id":     {path: "CarePlan/$validate?mode=update", body: plan(""), status: 200, rules: []string{"id-differs"}},
		"a stored resource":           {path: "Patient/" + id + "/$validate", status: 200},
		"whether it may be deleted":   {path: "Patient/" + id + "/$validate?mode=delete", status: 200, rules: []string{"delete-refused"}},
		"a resource that is hidden":   {as: "other", path: "Patient/" + id + "/$validate", status: 404, rules: []string{"not-found"}},
		"a resource that is missing":  {path: "Patient/missing/$validate", status: 404, rules: []string{"not-found"}},
		"another type":                {path: "Goal/$validate", body: plan(""), status: 400, rules: []string{"type-differs"}},
		"an unknown mode and profile": {path: "CarePlan/$validate?mode=guess&profile=urn:x", body: plan(""), status: 400, rules: []string{"validate-mode", "validate-profile-unknown"}},
		"no content":                  {path: "CarePlan/$validate", body: `{"resourceType":"Parameters"}`, status: 400, rules: []string{"validate-resource"}},
		"no JSON":                     {path: "CarePlan/$validate", body: `{`, status: 400},
		"no token":                    {as: "nobody", path: "CarePlan/$validate", body: plan(""), status: 401, rules: []string{"token-invalid"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.as == "" {
				c.as = "home"
			}
			a := g.do(c.as, http.MethodPost, "/fhir/"+c.path, c.body).want(t, c.status)
			var got []string
			for _, i := range decode[outcome](t, a.body).Issue {
				if i.Severity == "error" {
					got = append(got, i.Diagnostics)
				}
			}
			if diff := cmp.Diff(c.rules, got); diff != "" && name != "no JSON" {
				t.Errorf("%s in %.600s", diff, a.body)
			}
		})
	}
	if diff := cmp.Diff(before.Notices, g.position().Notices); diff != "" {
		t.Errorf("a validation wrote: %s", diff)
	}
}
