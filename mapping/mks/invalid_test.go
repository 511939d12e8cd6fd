package mks_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// fault is an expected error of testdata/mks/invalid/expected.json.
type fault struct{ Rule, Expression string }

// invalidCase is one broken record.
type invalidCase struct {
	File         string
	StoredBefore []string
	Errors       []fault
}

// invalidCases returns the broken records by file name.
func invalidCases(t *testing.T) map[string]invalidCase {
	t.Helper()
	var all struct{ Cases []invalidCase }
	if err := json.Unmarshal(sample(t, "invalid/expected.json"), &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]invalidCase{}
	for _, c := range all.Cases {
		out[c.File] = c
	}
	return out
}

// errorsOf returns the error issues, sorted by rule and place.
func errorsOf(issues []fhir.Issue) []fault {
	var out []fault
	for _, i := range issues {
		if i.Severity == fhir.SeverityError {
			out = append(out, fault{i.Diagnostics, i.Expression})
		}
	}
	slices.SortFunc(out, func(a, b fault) int {
		if a.Rule+a.Expression < b.Rule+b.Expression {
			return -1
		}
		return 1
	})
	return out
}

// TestInvalidRecordsGiveExactlyTheExpectedErrors submits each broken record after those of its case.
func TestInvalidRecordsGiveExactlyTheExpectedErrors(t *testing.T) {
	t.Parallel()
	cases := invalidCases(t)
	if len(cases) < 16 {
		t.Fatalf("%d cases", len(cases))
	}
	for file, c := range cases {
		if c.Errors[0].Rule == "MKS-ENV-10" { // versions are compared before a document is mapped
			continue
		}
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			k := mapping.NewMemory()
			store(t, k, c.StoredBefore...)
			_, r, issues := submit(t, k, sample(t, "invalid/"+file))
			if d := cmp.Diff(c.Errors, errorsOf(issues)); d != "" {
				t.Errorf("errors (-want +got):\n%s", d)
			}
			if len(r.Resources) > 0 {
				t.Error("a faulty record became resources")
			}
		})
	}
}

// TestFloodOfFaultsIsCutOff: a refused document does not get an answer larger than itself.
func TestFloodOfFaultsIsCutOff(t *testing.T) {
	t.Parallel()
	text := edit(t, sample(t, "boris/01-kind.json"), "["+strings.TrimSuffix(strings.Repeat(`{"x":1},`, 1000), ",")+"]", "inhoud", "betrokkenen")
	_, _, issues := submit(t, mapping.NewMemory(), text)
	if len(issues) < 1000 || len(issues) > 2100 || !fhir.HasErrors(issues) {
		t.Errorf("%d issues", len(issues))
	}
	if !slices.ContainsFunc(issues, func(i fhir.Issue) bool { return i.Diagnostics == "MKS-ENV-19" }) {
		t.Error("nothing says that there are more faults")
	}
}
