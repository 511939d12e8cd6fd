package main

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"testing"
)

// definitionsFolder finds the R4 definitions beside the repository, or skips the test.
func definitionsFolder(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	shared := cmp.Or(os.Getenv("DRIELUIK_SHARED"), filepath.Join("..", "shared"))
	if !filepath.IsAbs(shared) {
		shared = filepath.Join(root, shared)
	}
	folder := filepath.Join(shared, "fhir", "r4")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("skipped: the R4 definitions are absent; DRIELUIK_SHARED names the folder that holds fhir/r4")
	}
	return folder
}

func TestTheCommittedTableIsWhatTheDefinitionsSay(t *testing.T) {
	t.Parallel()
	want, err := generate(definitionsFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("..", "tables.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("tables.txt is stale: go run ./fhir/r4/gen")
	}
	again, err := generate(definitionsFolder(t))
	if err != nil || !bytes.Equal(want, again) {
		t.Error("two runs differ", err)
	}
}

func TestAFolderWithoutDefinitionsIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := generate(t.TempDir()); err == nil {
		t.Error("want an error")
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "a.ndjson"), []byte("{\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := generate(broken); err == nil {
		t.Error("want an error for a broken file")
	}
}

func TestExpansionNeedsEveryCode(t *testing.T) {
	t.Parallel()
	d := &definitions{
		codeSystems: map[string]*codeSystem{
			"whole": {Content: "complete", Concept: []concept{{Code: "a", Concept: []concept{{Code: "b"}}}, {Code: "c"}}},
			"part":  {Content: "fragment", Concept: []concept{{Code: "a"}}},
		},
		valueSets: map[string]*valueSet{},
	}
	add := func(url string, include ...include) *valueSet {
		v := &valueSet{URL: url}
		v.Compose.Include = include
		d.valueSets[url] = v
		return v
	}
	add("tree", include{System: "whole"})
	add("listed", include{System: "elsewhere", Concept: []concept{{Code: "x"}}})
	add("composed", include{ValueSet: []string{"tree|1"}}, include{ValueSet: []string{"listed"}})
	add("fragment", include{System: "part"})
	add("absent", include{System: "nowhere"})
	add("filtered", include{System: "whole", Filter: []struct{ Property string }{{"concept"}}})
	add("circle", include{ValueSet: []string{"circle"}})
	add("without", include{System: "whole"}).Compose.Exclude = []include{{System: "whole", Concept: []concept{{Code: "b"}}}}
	for _, c := range []struct {
		set, want string
	}{
		{"tree", "a b c"}, {"listed", "x"}, {"composed", "a b c x"}, {"without", "a c"},
		{"fragment", ""}, {"absent", ""}, {"filtered", ""}, {"circle", ""}, {"unknown", ""},
	} {
		set, ok := expand(d, c.set, nil)
		got := ""
		if ok {
			for _, system := range set.systems {
				for _, code := range set.codes[system] {
					got += " " + code
				}
			}
			got = got[1:]
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.set, got, c.want)
		}
	}
}

func TestAlternativesOfOneType(t *testing.T) {
	t.Parallel()
	types := map[string]*structure{"A": {}, "B": {}, "Resource": {}}
	for _, c := range []struct{ expression, base, want string }{
		{"A.x | B.y", "B", "B.y"},
		{"(A.x as Quantity) | (A.x as Range) | B.y", "A", "(A.x as Quantity) | (A.x as Range)"},
		{"A.x.where(a = '|' or (b | c)) | B.y", "A", "A.x.where(a = '|' or (b | c))"},
		{"name | alias", "A", "name | alias"},
		{"Resource.id", "Resource", "Resource.id"},
		{"", "A", ""},
	} {
		if got := expressionOf(c.expression, c.base, types); got != c.want {
			t.Errorf("%q of %s: %q, want %q", c.expression, c.base, got, c.want)
		}
	}
}
