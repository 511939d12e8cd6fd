package netwerk_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/netwerk"
)

func TestValidRecordsBecomeTheirBundlesAndReturn(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(records, "valid", "*.json"))
	if err != nil || len(names) < 2 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		base := strings.TrimSuffix(filepath.Base(name), ".json")
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			text := file(t, "valid/"+base+".json")
			r, issues := taken(t, text, mapping.NewMemory())
			if fhir.HasErrors(issues) {
				t.Fatal(issues)
			}
			var got []any
			for _, x := range resources(r) {
				got = append(got, plain(t, x.Bytes()))
			}
			var want []any
			for _, e := range plain(t, file(t, "expected/"+base+".bundle.json")).(map[string]any)["entry"].([]any) {
				want = append(want, e.(map[string]any)["resource"])
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			returns(t, text, r)
		})
	}
}

// returns holds that a record comes back as it was.
func returns(t interface {
	Helper()
	Errorf(string, ...any)
}, text []byte, r mapping.Result) {
	t.Helper()
	back, issues, err := netwerk.Format{}.Back(resources(r), mapping.Origin{})
	if err != nil || fhir.HasErrors(issues) {
		t.Errorf("%v %+v", err, issues)
		return
	}
	var want, got any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Errorf("%v", err)
	}
	if err := json.Unmarshal(back, &got); err != nil {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s", diff)
	}
}

func TestInvalidRecordsAreToldAllTheirFaults(t *testing.T) {
	t.Parallel()
	type issue struct{ Severity, Rule, Expression string }
	var cases map[string]struct {
		HTTP   int
		Issues []issue
	}
	if err := json.Unmarshal(file(t, "invalid/expected.json"), &cases); err != nil {
		t.Fatal(err)
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, issues := taken(t, file(t, "invalid/"+name), mapping.NewMemory())
			var got []issue
			for _, i := range issues {
				got = append(got, issue{i.Severity, i.Diagnostics, i.Expression})
				if i.Text == "" || i.Code == "" || i.In.NL == "" || i.In.SV == "" {
					t.Errorf("%s does not speak all languages", i.Diagnostics)
				}
			}
			order := func(a, b issue) int { return strings.Compare(a.Rule+a.Expression, b.Rule+b.Expression) }
			slices.SortFunc(got, order)
			slices.SortFunc(want.Issues, order)
			if diff := cmp.Diff(want.Issues, got); diff != "" {
				t.Error(diff)
			}
			if stored := len(r.Resources) > 0; stored != (want.HTTP == 201) {
				t.Errorf("stored: %v", stored)
			}
		})
	}
}
