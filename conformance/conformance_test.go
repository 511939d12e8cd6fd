package conformance_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

func statement(t *testing.T) []byte {
	t.Helper()
	b, err := conformance.Statement(conformance.Capabilities{
		Base: "https://h/fhir", Release: "1", Date: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
		Interactions: []string{"read", "create"}, System: []string{"transaction"},
		Operations: []conformance.Operation{
			{Name: "submit", Definition: "https://h/x"}, {Name: "expand", Definition: "https://h/y", Type: "ValueSet"},
		},
		Token: "https://h/auth/token", Authorize: "https://h/auth/authorize",
	}, func(t fhir.Type, interaction string) bool { return t == "AuditEvent" && interaction == "create" })
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStatementIsValidR4(t *testing.T) {
	t.Parallel()
	r, issues := fhir.Parse(statement(t), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	if found := validate.Resource(r); fhir.HasErrors(found) {
		t.Error(found)
	}
}

func TestAnOperationStandsWhereItIsServed(t *testing.T) {
	t.Parallel()
	type operation struct{ Name, Definition string }
	var s struct {
		Rest []struct {
			Operation []operation
			Resource  []struct {
				Type      string
				Operation []operation
			}
		}
	}
	if err := json.Unmarshal(statement(t), &s); err != nil {
		t.Fatal(err)
	}
	got := map[string][]operation{"": s.Rest[0].Operation}
	for _, r := range s.Rest[0].Resource {
		if len(r.Operation) > 0 {
			got[r.Type] = r.Operation
		}
	}
	want := map[string][]operation{"": {{"submit", "https://h/x"}}, "ValueSet": {{"expand", "https://h/y"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// sampleValue is a value that every kind of parameter takes.
var sampleValue = map[string]string{
	"token": "a", "reference": "Patient/a", "date": "2026", "string": "a", "number": "1", "quantity": "1", "uri": "urn:a",
}

func TestEveryListedParameterIsAcceptedAndNoOther(t *testing.T) {
	t.Parallel()
	var s struct {
		Rest []struct {
			Resource []struct {
				Type        fhir.Type
				Interaction []struct{ Code string }
				SearchParam []struct{ Name, Type string }
			}
		}
	}
	if err := json.Unmarshal(statement(t), &s); err != nil {
		t.Fatal(err)
	}
	if got, want := len(s.Rest[0].Resource), len(fhir.Types()); got != want {
		t.Errorf("%d types are listed of %d", got, want)
	}
	for _, r := range s.Rest[0].Resource {
		for _, p := range r.SearchParam {
			if _, issues := search.Parse(r.Type, url.Values{p.Name: {sampleValue[p.Type]}}, search.Options{Count: 10, MaxCount: 10}); len(issues) > 0 {
				t.Errorf("%s?%s is listed and refused: %v", r.Type, p.Name, issues)
			}
		}
		if _, issues := search.Parse(r.Type, url.Values{"not-a-parameter": {"a"}}, search.Options{Count: 10, MaxCount: 10}); len(issues) != 1 {
			t.Errorf("%s takes a parameter that is not listed", r.Type)
		}
		for _, i := range r.Interaction {
			if r.Type == "AuditEvent" && i.Code == "create" {
				t.Error("the log can be written")
			}
		}
	}
}
