package path_test

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4/r4xml"
)

// suite is the official FHIRPath test suite for R4.
type suite struct {
	Groups []struct {
		Name  string      `xml:"name,attr"`
		Tests []suiteTest `xml:"test"`
	} `xml:"group"`
}

type suiteTest struct {
	Name       string `xml:"name,attr"`
	Input      string `xml:"inputfile,attr"`
	Mode       string `xml:"mode,attr"`
	Predicate  bool   `xml:"predicate,attr"`
	Expression struct {
		Text    string `xml:",chardata"`
		Invalid string `xml:"invalid,attr"`
	} `xml:"expression"`
	Outputs []struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"output"`
}

// notOffered are the tests that need what this engine does not do, with the reason.
var notOffered = map[string]string{
	"testPolymorphicsB": "needs static type checking: valueQuantity is empty, not an error",
}

// suiteFolder returns the folder of the suite, or skips the test.
func suiteFolder(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("DRIELUIK_FHIRPATH_SUITE"); dir != "" {
		return dir
	}
	shared := os.Getenv("DRIELUIK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(shared, "fhir", "suites", "fhirpath")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the FHIRPath suite is absent: set DRIELUIK_FHIRPATH_SUITE or DRIELUIK_SHARED")
	}
	return dir
}

func TestSuite(t *testing.T) {
	t.Parallel()
	dir := suiteFolder(t)
	src, err := os.ReadFile(filepath.Join(dir, "tests-fhir-r4.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var s suite
	if err := xml.Unmarshal(src, &s); err != nil {
		t.Fatal(err)
	}
	inputs := map[string]*fhir.Resource{}
	passed, total, strict := 0, 0, 0
	for _, g := range s.Groups {
		for _, test := range g.Tests {
			total++
			fault := test.run(suiteInput(t, dir, test.Input, inputs))
			switch {
			case test.Mode == "strict":
				strict++
			case fault == "" && notOffered[test.Name] != "":
				t.Errorf("%s passes: take it off the list", test.Name)
			case fault == "":
				passed++
			case notOffered[test.Name] != "":
				t.Logf("not offered: %s/%s: %s", g.Name, test.Name, notOffered[test.Name])
			default:
				t.Errorf("%s/%s: %s: %s", g.Name, test.Name, strings.TrimSpace(test.Expression.Text), fault)
			}
		}
	}
	t.Logf("%d of %d pass, %d not offered, %d need static type checking (mode strict)", passed, total, len(notOffered), strict)
	if total < 900 {
		t.Errorf("the suite has %d tests, want at least 900", total)
	}
}

// suiteInput reads an input in JSON or XML once.
func suiteInput(t *testing.T, dir, name string, known map[string]*fhir.Resource) *fhir.Resource {
	t.Helper()
	if r, ok := known[name]; ok || name == "" {
		return r
	}
	src, err := os.ReadFile(filepath.Join(dir, "input", name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".xml") {
		src = r4xml.JSON(t, src)
	}
	r, issues := fhir.Parse(src, fhir.Limits{})
	if r == nil {
		t.Fatalf("%s: %v", name, issues)
	}
	known[name] = r
	return r
}

// run evaluates one test and says what is wrong.
func (test suiteTest) run(r *fhir.Resource) string {
	x, err := path.Compile(test.Expression.Text)
	var got []path.Item
	if err == nil {
		var focus fhir.Node
		if r != nil {
			focus = r.Root()
		}
		got, err = x.Eval(path.World{}, focus)
	}
	if test.Expression.Invalid != "" {
		if err == nil {
			return "no error, got " + describe(got)
		}
		return ""
	}
	if err != nil {
		return err.Error()
	}
	if test.Predicate {
		got = []path.Item{path.BooleanItem(len(got) > 0)}
	}
	if len(got) != len(test.Outputs) {
		return "got " + describe(got)
	}
	for i, want := range test.Outputs {
		if !sameOutput(got[i], want.Type, want.Text) {
			return "got " + describe(got) + ", want " + want.Type + " " + want.Text
		}
	}
	return ""
}

func describe(items []path.Item) string {
	var b strings.Builder
	for _, it := range items {
		b.WriteString(it.Type() + it.Kind().String() + "(" + it.Text() + ") ")
	}
	return b.String()
}

func sameOutput(got path.Item, typ, text string) bool {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "@T"), "@")
	if typ != "" && got.Type() != typ && !strings.EqualFold(got.Kind().String(), typ) {
		return false
	}
	if got.Text() == text {
		return true
	}
	a, ok1 := path.ParseDecimal(got.Text())
	b, ok2 := path.ParseDecimal(text)
	return ok1 && ok2 && a.Float() == b.Float()
}
