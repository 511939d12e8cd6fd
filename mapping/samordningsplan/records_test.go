package samordningsplan_test

import (
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/samordningsplan"
	"github.com/drieluik/drieluik/testdata"
)

var receipt = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// files are the sample documents of a folder.
func files(t testing.TB, folder string) []string {
	t.Helper()
	all, err := fs.Glob(testdata.Records, "samordningsplan/"+folder+"/*.json")
	if err != nil || len(all) < 3 {
		t.Fatal(all, err)
	}
	return slices.DeleteFunc(all, func(f string) bool { return path.Base(f) == "expected.json" })
}

func sample(t testing.TB, file string) []byte {
	t.Helper()
	text, err := fs.ReadFile(testdata.Records, file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// submit reads and maps a document on top of what is stored, and stores what came of it.
func submit(t testing.TB, k *mapping.Memory, text []byte) (mapping.Result, []fhir.Issue) {
	t.Helper()
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	s, issues := samordningsplan.Format{}.Read(doc, receipt)
	r, err := samordningsplan.Format{}.Map(s, k, receipt)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Resources) > 0 {
		k.Apply(s, r, receipt)
	}
	return r, append(slices.Clone(issues), r.Issues...)
}

func value(t testing.TB, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err, string(text))
	}
	return v
}

func TestEveryValidRecordBecomesItsExpectedBundle(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "valid") {
		r, issues := submit(t, mapping.NewMemory(), sample(t, file))
		if fhir.HasErrors(issues) {
			t.Fatal(file, issues)
		}
		name := path.Base(file)
		var want struct{ Entry []struct{ Resource any } }
		if err := json.Unmarshal(sample(t, "samordningsplan/expected/"+name[:len(name)-5]+".bundle.json"), &want); err != nil {
			t.Fatal(err)
		}
		var all, got []any
		for _, e := range want.Entry {
			all = append(all, e.Resource)
		}
		for _, m := range r.Resources {
			got = append(got, value(t, m.Resource.Bytes()))
		}
		if d := cmp.Diff(all, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
	}
}

func TestEveryValidRecordComesBack(t *testing.T) {
	t.Parallel()
	for _, file := range append(files(t, "valid"), accepted(t)...) {
		k := mapping.NewMemory()
		submit(t, k, sample(t, file))
		back, issues, err := samordningsplan.Format{}.Back(k.All(), mapping.Origin{})
		if err != nil || fhir.HasErrors(issues) {
			t.Fatal(file, issues, err)
		}
		if d := cmp.Diff(value(t, sample(t, file)), value(t, back)); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
	}
}

// verdict is what is told of an invalid record.
type verdict struct {
	HTTP   int
	Issues []fault
}

type fault struct{ Severity, Rule, Expression string }

func verdicts(t testing.TB) map[string]verdict {
	t.Helper()
	var out map[string]verdict
	if err := json.Unmarshal(sample(t, "samordningsplan/invalid/expected.json"), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// accepted are the records that break a rule and are stored all the same.
func accepted(t testing.TB) []string {
	t.Helper()
	var out []string
	for name, v := range verdicts(t) {
		if v.HTTP == 201 {
			out = append(out, "samordningsplan/invalid/"+name)
		}
	}
	return out
}

func told(issues []fhir.Issue) []fault {
	out := []fault{}
	for _, i := range issues {
		out = append(out, fault{i.Severity, i.Diagnostics, i.Expression})
	}
	return sorted(out)
}

func sorted(all []fault) []fault {
	slices.SortFunc(all, func(a, b fault) int {
		return slices.Compare([]string{a.Rule, a.Expression}, []string{b.Rule, b.Expression})
	})
	return all
}

func TestEveryInvalidRecordIsToldItsFaultsAndNoOther(t *testing.T) {
	t.Parallel()
	all := verdicts(t)
	for _, file := range files(t, "invalid") {
		want := all[path.Base(file)]
		r, issues := submit(t, mapping.NewMemory(), sample(t, file))
		if d := cmp.Diff(sorted(want.Issues), told(issues)); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
		if stored := len(r.Resources) > 0; stored != (want.HTTP == 201) {
			t.Errorf("%s: %d resources, want status %d", file, len(r.Resources), want.HTTP)
		}
	}
}
