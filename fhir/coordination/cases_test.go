package coordination_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// overlap is one case of overlap-cases.json.
type overlap struct {
	ID, Title, Now string
	Resources      []json.RawMessage
	Expect         []expected
}

type expected struct {
	Rule, Severity string
	Implicated     []string
}

// TestOverlapCases holds the rules to the shared cases, and to those of the file that DRIELUIK_OVERLAP_CASES names.
func TestOverlapCases(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../../testdata/vectors/overlap-cases.json", os.Getenv("DRIELUIK_OVERLAP_CASES")} {
		if name == "" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var cases []overlap
		if err := json.Unmarshal(text, &cases); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			t.Run(c.ID, func(t *testing.T) {
				t.Parallel()
				if diff := cmp.Diff(ordered(c.Expect), c.found(t)); diff != "" {
					t.Errorf("%s: %s", c.Title, diff)
				}
			})
		}
	}
}

// found is what the rules say of each child of a case.
func (c overlap) found(t *testing.T) []expected {
	var rs []*fhir.Resource
	for _, raw := range c.Resources {
		rs = append(rs, parse(t, string(raw)))
	}
	now, err := time.Parse(time.DateOnly, c.Now)
	if err != nil {
		if now, err = time.Parse(time.RFC3339, c.Now); err != nil {
			t.Fatal(err)
		}
	}
	var out []expected
	for _, child := range children(rs) {
		table := coordination.NewTable(child, coordination.Defaults("se"), groups(t))
		table.Put(rs...)
		out = append(out, short(table.Findings(now).Findings)...)
	}
	return ordered(out)
}

// children are the patients that resources name.
func children(rs []*fhir.Resource) []fhir.Ref {
	var out []fhir.Ref
	for _, r := range rs {
		for text := range r.References() {
			if ref, ok := fhir.ParseRef(text); ok && ref.Type == "Patient" && !slices.Contains(out, ref) {
				out = append(out, ref)
			}
		}
	}
	return out
}

func short(findings []coordination.Finding) []expected {
	var out []expected
	for _, f := range findings {
		out = append(out, expected{f.Rule, f.Severity, f.Implicated})
	}
	return out
}

func ordered(list []expected) []expected {
	out := []expected{}
	for _, e := range list {
		e.Implicated = slices.Sorted(slices.Values(e.Implicated))
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b expected) int {
		return strings.Compare(a.Rule+" "+strings.Join(a.Implicated, " "), b.Rule+" "+strings.Join(b.Implicated, " "))
	})
	return out
}

func parse(t testing.TB, text string) *fhir.Resource {
	t.Helper()
	r, issues := fhir.Parse([]byte(text), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues, text)
	}
	return r
}

var published = sync.OnceValues(func() (*coordination.Groups, error) {
	all, err := artifacts.All()
	return coordination.NewGroups(all), err
})

// groups are those of the published maps.
func groups(t testing.TB) *coordination.Groups {
	t.Helper()
	g, err := published()
	if err != nil {
		t.Fatal(err)
	}
	return g
}
