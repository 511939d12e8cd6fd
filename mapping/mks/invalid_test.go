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

// testInvalid submits a broken record after those of its case whose type is mapped, and compares the
// errors.
func testInvalid(t *testing.T, file string, supported func(string) bool) {
	t.Helper()
	c, ok := invalidCases(t)[file]
	if !ok {
		t.Fatalf("no case %s", file)
	}
	k := mapping.NewMemory()
	for _, before := range c.StoredBefore {
		if supported(before) {
			store(t, k, before)
		}
	}
	_, r, issues := submit(t, k, sample(t, "invalid/"+file))
	if d := cmp.Diff(c.Errors, errorsOf(issues)); d != "" {
		t.Errorf("errors (-want +got):\n%s", d)
	}
	if len(r.Resources) > 0 {
		t.Error("a faulty record became resources")
	}
}

func TestInvalidChildRecordsGiveExactlyTheExpectedErrors(t *testing.T) {
	t.Parallel()
	for _, file := range []string{
		"01-bsn-elfproef.json", "02-tijd-zonder-offset-en-lokaalid-bsn.json",
		"03-twee-zorgcoordinatoren.json", "04-gezag-een-houder-te-weinig.json",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			testInvalid(t, file, func(string) bool { return true })
		})
	}
}

// TestFloodOfFaultsIsCutOff: a refused document does not get an answer larger than itself.
func TestFloodOfFaultsIsCutOff(t *testing.T) {
	t.Parallel()
	text := edit(t, sample(t, "boris/01-kind.json"), "["+strings.TrimSuffix(strings.Repeat(`{"x":1},`, 5000), ",")+"]", "inhoud", "betrokkenen")
	_, _, issues := submit(t, mapping.NewMemory(), text)
	if len(issues) < 1000 || len(issues) > 2100 || !fhir.HasErrors(issues) {
		t.Errorf("%d issues", len(issues))
	}
	if !slices.ContainsFunc(issues, func(i fhir.Issue) bool { return i.Diagnostics == "MKS-ENV-19" }) {
		t.Error("nothing says that there are more faults")
	}
}
