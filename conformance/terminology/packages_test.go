package terminology_test

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// shared returns the folder of the definitions of others, or skips the test.
func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("DRIELUIK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "fhir", "r4")); err != nil {
		t.Skip("the definitions are absent: set DRIELUIK_SHARED")
	}
	return filepath.Join(dir, "fhir")
}

// lines reads the resources of an NDJSON file.
func lines(t testing.TB, name string) (out []*fhir.Resource) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(bytes.NewReader(b))
	s.Buffer(nil, 1<<25)
	for s.Scan() {
		if r, issues := fhir.Parse(s.Bytes(), fhir.Limits{}); r != nil {
			out = append(out, r)
		} else if !strings.Contains(name, "valuesets") { // some of the published value sets are no R4 JSON
			t.Fatal(issues)
		}
	}
	return out
}

// folder reads the resources of a package.
func folder(t testing.TB, dir string) (out []*fhir.Resource) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if r, _ := fhir.Parse(b, fhir.Limits{}); r != nil {
			out = append(out, r)
		}
	}
	return out
}

// TestDefinitionsAgreeWithTheTables holds what is composed from the definitions of R4 against the
// tables that were made of them.
func TestDefinitionsAgreeWithTheTables(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(shared(t), "r4")
	sets := lines(t, filepath.Join(dir, "valuesets.ndjson"))
	terms := terminology.New(append(lines(t, filepath.Join(dir, "codesystems.ndjson")), sets...))
	compared := 0
	for _, r := range sets {
		url := r.Root().Member("url").Text()
		codes, ok := r4.Codes(url)
		if !ok {
			continue
		}
		compared++
		out, err := do(terms, "ValueSet", "expand", "", query("url", url))
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		want, got := map[string]bool{}, map[string]bool{}
		for text := range codes {
			if strings.Contains(text, "|") {
				want[text] = true
			}
		}
		for c := range parse(t, string(out)).Root().All("expansion", "contains") {
			got[c.Member("system").Text()+"|"+c.Member("code").Text()] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", url, diff)
		}
	}
	if compared < 100 {
		t.Errorf("only %d sets were compared", compared)
	}
}

// TestPackages asks for lists of the Dutch core package, whose own systems are known and those of
// others only where they are listed.
func TestPackages(t *testing.T) {
	t.Parallel()
	dir := shared(t)
	terms := terminology.New(append(folder(t, filepath.Join(dir, "nl-core", "package")), folder(t, filepath.Join(dir, "se-base", "package"))...))
	const (
		lists    = "http://decor.nictiz.nl/fhir/ValueSet/2.16.840.1.113883.2.4.3.11.60."
		relation = lists + "40.2.3.1.1--20200901000000"
		school   = lists + "121.11.9--20200901000000"    // a set of two sets
		language = lists + "40.2.7.12.2--20200901000000" // all of a system that the package does not hold
		nursing  = lists + "40.2.14.2.4--20200901000000" // a part of SNOMED CT
		role     = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
		null     = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
		sct      = "http://snomed.info/sct"
	)
	for _, tt := range []struct {
		set, system, code string
		member, known     bool
	}{
		{relation, role, "ADOPTF", true, true}, {relation, role, "NONE", false, true}, {relation, sct, "1", false, true},
		{school, null, "OTH", true, true}, {school, "urn:x", "1", false, true},
		{language, "urn:oid:1.0.639.1", "nl", false, false}, {nursing, sct, "71388002", false, false}, {nursing, role, "ADOPTF", false, true},
		{lists + "none", role, "ADOPTF", false, false},
	} {
		if member, known := terms.Member(tt.set, tt.system, tt.code); member != tt.member || known != tt.known {
			t.Errorf("%s of %s: member %v, known %v", tt.code, tt.set, member, known)
		}
	}
	r := valid(t, terms, "ValueSet", "expand", query("url", relation, "displayLanguage", "nl", "filter", "adoptievader"))
	if diff := cmp.Diff([]string{"ADOPTF Adoptievader"}, codesOf(r)); diff != "" {
		t.Error(diff)
	}
	valid(t, terms, "ValueSet", "expand", query("url", school))
}

func TestMemberOfInFHIRPath(t *testing.T) {
	t.Parallel()
	w := path.World{MemberOf: terms(t).MemberOf, Subsumes: terms(t).Subsumes}
	r := parse(t, `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:x","code":"a"},{"system":"urn:cs:animals","code":"hond"}]},
		"valueQuantity":{"value":1,"system":"urn:cs:animals","code":"dodo"},"method":{"coding":[{"code":"hond"}],"text":"a"},
		"category":[{"coding":[{"system":"urn:cs:animals","code":"zoogdier"}]},{"coding":[{"system":"http://snomed.info/sct","code":"1"}]},{"coding":[{"system":"http://snomed.info/sct","code":"2"}]}]}`)
	for expr, want := range map[string][]bool{
		"code.memberOf('urn:vs:mammals')": {true}, "code.memberOf('urn:vs:below')": {true}, "code.memberOf('urn:vs:flyers')": {false},
		"code.coding.first().memberOf('urn:vs:mammals')": {false}, "code.coding.last().memberOf('urn:vs:mammals')": {true},
		"status.memberOf('http://hl7.org/fhir/ValueSet/observation-status')": {true}, "status.memberOf('urn:vs:whole')": {false},
		"value.memberOf('urn:vs:strangers')": {true}, "code.memberOf('urn:vs:none')": nil, "code.memberOf('urn:vs:snomed')": {false},
		"category[0].subsumes(code)": {true}, "category[0].subsumedBy(code)": {false}, "code.coding[1].subsumedBy(category[0].coding)": {true},
		"category[1].subsumes(category[1])": {true}, "category[1].subsumes(category[2])": nil, "category[1].subsumes(code)": {false}, "code.subsumes(method)": nil,
		"method.memberOf('urn:vs:mammals')": nil, "value.value.memberOf('urn:vs:whole')": nil,
	} {
		x, err := path.Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		items, err := x.Eval(w, r.Root())
		if err != nil {
			t.Fatal(err)
		}
		var got []bool
		for _, it := range items {
			b, _ := it.Bool()
			got = append(got, b)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", expr, diff)
		}
	}
}

func BenchmarkMember(b *testing.B) {
	terms := terms(b)
	b.ReportAllocs()
	for b.Loop() {
		if member, _ := terms.Member("urn:vs:without", "urn:cs:animals", "vlieger"); !member {
			b.Fatal("no member")
		}
	}
}
