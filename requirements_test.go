package drieluik_test

import (
	"cmp"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// requirement is one statement of smart.md: of section 2 (SMART-nnn) or of section 6 (ATT-nn).
type requirement struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Optional bool   `json:"optional"`
}

// smartRequirements reads the list that tests are held to.
func smartRequirements(t *testing.T) []requirement {
	t.Helper()
	b, err := os.ReadFile("testdata/smart/requirements.json")
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Requirements []requirement }
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	return list.Requirements
}

// requirementsIn returns the ids that the name of a test begins with: TestSMART102_103_ATT26_Words
// names SMART-102, SMART-103 and ATT-26.
func requirementsIn(name string) []string {
	var ids []string
	kind := ""
	for part := range strings.SplitSeq(strings.TrimPrefix(name, "Test"), "_") {
		number := part
		for _, k := range []string{"SMART", "ATT"} {
			if rest, ok := strings.CutPrefix(part, k); ok {
				kind, number = k, rest
			}
		}
		if kind == "" || number == "" || strings.Trim(number, "0123456789") != "" {
			break
		}
		ids = append(ids, kind+"-"+number)
	}
	return ids
}

// testNames returns the test functions of the module with the files in which they stand.
func testNames(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names[f.Name.Name] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestEveryRequirementOfSMARTHasATest: each id of the list has a test that bears its name, and no test
// bears the name of one that is not there.
func TestEveryRequirementOfSMARTHasATest(t *testing.T) {
	t.Parallel()
	proven, known := map[string]bool{}, map[string]bool{}
	list := smartRequirements(t)
	for _, r := range list {
		if r.Title == "" || known[r.ID] {
			t.Errorf("%s stands twice or without a title", r.ID)
		}
		known[r.ID] = true
	}
	for name, file := range testNames(t) {
		for _, id := range requirementsIn(name) {
			proven[id] = true
			if !known[id] {
				t.Errorf("%s: %s names %s, which is not in the list", file, name, id)
			}
		}
	}
	for _, r := range list {
		if !proven[r.ID] {
			t.Errorf("no test of %s: %s", r.ID, r.Title)
		}
	}
}

// TestTheListOfRequirementsIsThatOfTheSpecification compares the ids of the list with smart.md.
func TestTheListOfRequirementsIsThatOfTheSpecification(t *testing.T) {
	t.Parallel()
	shared := cmp.Or(os.Getenv("DRIELUIK_SHARED"), "../shared")
	b, err := os.ReadFile(filepath.Join(shared, "spec", "smart.md"))
	if err != nil {
		t.Skipf("the specification is not there: %v", err)
	}
	var want, got []string
	for _, m := range regexp.MustCompile(`(?m)^(?:- \*\*|\| )((?:SMART|ATT)-\d+)`).FindAllStringSubmatch(string(b), -1) {
		want = append(want, m[1])
	}
	for _, r := range smartRequirements(t) {
		got = append(got, r.ID)
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("ids (-specification +list):\n%s", d)
	}
}

func TestNamesOfTestsAreReadAsIds(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"TestSMART102_103_ATT26_27_WhatIsWrong": {"SMART-102", "SMART-103", "ATT-26", "ATT-27"},
		"TestATT05_JKU":                         {"ATT-05"},
		"TestSMARTest_1":                        nil,
		"TestSMART603":                          {"SMART-603"},
		"TestInferno_1_1_01_X":                  nil,
		"TestSMART301_Transport_302":            {"SMART-301"},
	} {
		if d := gocmp.Diff(want, requirementsIn(name)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
