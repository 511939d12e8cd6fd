package terminology_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

func parse(t testing.TB, src string) *fhir.Resource {
	t.Helper()
	r, issues := fhir.Parse([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatalf("%v in %s", issues, src)
	}
	return r
}

// system and set write resources of the tests.
func system(name, rest string) string {
	return fmt.Sprintf(`{"resourceType":"CodeSystem","id":%q,"url":"urn:cs:%s","version":"1","name":%q,"status":"active",%s}`, name, name, name, rest)
}

func set(name, compose string) string {
	return fmt.Sprintf(`{"resourceType":"ValueSet","id":%q,"url":"urn:vs:%s","status":"active","compose":%s}`, name, name, compose)
}

// animals is a hierarchy with properties, texts in three languages, and a second parent.
var animals = system("animals", `"language":"nl","caseSensitive":true,"content":"complete","concept":[
 {"code":"dier","display":"Dier","property":[{"code":"notSelectable","valueBoolean":true}],"concept":[
  {"code":"zoogdier","display":"Zoogdier","designation":[{"language":"sv","value":"Däggdjur"},{"language":"en-GB","use":{"system":"urn:u","code":"s"},"value":"Mammal"}],"concept":[
   {"code":"hond","display":"Hond","definition":"Blaft.","property":[{"code":"poten","valueInteger":4},{"code":"klank","valueString":"woef"}]},
   {"code":"vleermuis","display":"Vleermuis","property":[{"code":"poten","valueInteger":2},{"code":"parent","valueCode":"vlieger"}]}]},
  {"code":"vlieger","display":"Vlieger"},
  {"code":"dodo","display":"Dodo","property":[{"code":"status","valueCode":"retired"}]}]}]`)

func terms(t testing.TB) *terminology.Terms {
	t.Helper()
	var all []*fhir.Resource
	for _, src := range []string{
		animals,
		system("part", `"content":"fragment","concept":[{"code":"a"}]`),
		system("loose", `"caseSensitive":false,"content":"complete","concept":[{"code":"Ab"}]`),
		set("whole", `{"include":[{"system":"urn:cs:animals"}]}`),
		set("in-use", `{"inactive":false,"include":[{"system":"urn:cs:animals"}]}`),
		set("listed", `{"include":[{"system":"urn:other","concept":[{"code":"x","display":"Iks"}]},{"system":"urn:cs:animals","concept":[{"code":"hond"}]}]}`),
		set("mammals", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"concept","op":"is-a","value":"zoogdier"}]}]}`),
		set("below", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"concept","op":"descendent-of","value":"zoogdier"}]}]}`),
		set("flyers", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"concept","op":"is-a","value":"vlieger"}]}]}`),
		set("above", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"concept","op":"generalizes","value":"hond"}]}]}`),
		set("strangers", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"concept","op":"is-not-a","value":"zoogdier"}]}]}`),
		set("legs", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"poten","op":"=","value":"4"}]}]}`),
		set("both", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"poten","op":"exists","value":"true"},{"property":"code","op":"regex","value":"v.*"}]}]}`),
		set("some", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"concept","op":"in","value":"hond,dodo"}]}]}`),
		set("others", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"concept","op":"not-in","value":"hond,dodo"}]}]}`),
		set("no-legs", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"poten","op":"exists","value":"false"}]}]}`),
		set("bad-pattern", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"code","op":"regex","value":"("}]}]}`),
		set("without", `{"include":[{"system":"urn:cs:animals"}],"exclude":[{"valueSet":["urn:vs:mammals"]}]}`),
		set("nested", `{"include":[{"valueSet":["urn:vs:mammals","urn:vs:legs"]},{"system":"urn:other","concept":[{"code":"y"}]}]}`),
		set("one-of-them", `{"include":[{"system":"urn:cs:animals","valueSet":["urn:vs:listed"]}]}`),
		set("missing-part", `{"include":[{"system":"urn:other","concept":[{"code":"x"}]},{"valueSet":["urn:vs:absent"]}]}`),
		set("snomed", `{"include":[{"system":"http://snomed.info/sct","filter":[{"property":"concept","op":"is-a","value":"1"}]},{"system":"http://snomed.info/sct","concept":[{"code":"78164000"}]}]}`),
		set("not-snomed", `{"include":[{"system":"urn:cs:animals"}],"exclude":[{"system":"http://snomed.info/sct"},{"valueSet":["urn:vs:absent"]}]}`),
		set("circle", `{"include":[{"valueSet":["urn:vs:circle"]}]}`),
		set("thicket", `{"include":[`+strings.Repeat(`{"valueSet":["urn:vs:thicket"]},`, 9)+`{"system":"urn:other"}]}`),
		set("fragment", `{"include":[{"system":"urn:cs:part"}]}`),
		set("loose", `{"include":[{"system":"urn:cs:loose"}]}`),
		set("versioned", `{"include":[{"system":"urn:cs:animals","version":"2"}]}`),
		`{"resourceType":"ValueSet","url":"urn:vs:expanded","status":"active","expansion":{"timestamp":"2026","total":2,"contains":[{"system":"urn:e","code":"a","display":"Aa","contains":[{"system":"urn:e","code":"b"}]}]}}`,
		`{"resourceType":"ValueSet","url":"urn:vs:page","status":"active","expansion":{"timestamp":"2026","total":9,"contains":[{"system":"urn:e","code":"a"}]}}`,
		`{"resourceType":"ValueSet","url":"urn:vs:edition","version":"1.9","status":"active","compose":{"include":[{"system":"urn:e","concept":[{"code":"old"}]}]}}`,
		`{"resourceType":"ValueSet","url":"urn:vs:edition","version":"1.10","status":"active","compose":{"include":[{"system":"urn:e","concept":[{"code":"new"}]}]}}`,
		`{"resourceType":"Basic"}`,
	} {
		all = append(all, parse(t, src))
	}
	return terminology.New(all)
}

func TestMember(t *testing.T) {
	t.Parallel()
	terms := terms(t)
	const a = "urn:cs:animals"
	tests := []struct {
		name, set, system, code string
		member, known           bool
	}{
		{"a whole system", "whole", a, "hond", true, true},
		{"a code that the system has not", "whole", a, "kat", false, true},
		{"another system", "whole", "urn:x", "hond", false, true},
		{"any system, where none is given", "whole", "", "hond", true, true},
		{"an inactive code", "whole", a, "dodo", true, true},
		{"an inactive code of a set of active ones", "in-use", a, "dodo", false, true},
		{"a listed code of an unknown system", "listed", "urn:other", "x", true, true},
		{"a code that is not listed", "listed", a, "vleermuis", false, true},
		{"is-a holds the concept itself", "mammals", a, "zoogdier", true, true},
		{"and what descends from it", "mammals", a, "hond", true, true},
		{"and nothing else", "mammals", a, "dodo", false, true},
		{"descendent-of leaves the concept out", "below", a, "zoogdier", false, true},
		{"descendent-of", "below", a, "hond", true, true},
		{"a second parent counts", "flyers", a, "vleermuis", true, true},
		{"generalizes", "above", a, "dier", true, true},
		{"generalizes no sibling", "above", a, "vleermuis", false, true},
		{"is-not-a", "strangers", a, "dodo", true, true},
		{"is-not-a leaves the family out", "strangers", a, "hond", false, true},
		{"= of a property", "legs", a, "hond", true, true},
		{"= of another value", "legs", a, "vleermuis", false, true},
		{"all filters must hold", "both", a, "vleermuis", true, true},
		{"a pattern is of the whole code", "both", a, "hond", false, true},
		{"in", "some", a, "dodo", true, true},
		{"not-in", "others", a, "dodo", false, true},
		{"exists false", "no-legs", a, "zoogdier", true, true},
		{"a filter that cannot be read", "bad-pattern", a, "hond", false, false},
		{"a filter that cannot be read, and a code that is none", "bad-pattern", a, "kat", false, true},
		{"an exclude", "without", a, "hond", false, true},
		{"beside an exclude", "without", a, "dodo", true, true},
		{"all value sets of one include", "nested", a, "hond", true, true},
		{"one of the value sets of one include", "nested", a, "vleermuis", false, true},
		{"any of the includes", "nested", "urn:other", "y", true, true},
		{"a system and a value set", "one-of-them", "urn:other", "x", false, true},
		{"beside what is not known", "missing-part", "urn:other", "x", true, true},
		{"what is not known decides", "missing-part", "urn:other", "z", false, false},
		{"SNOMED CT is not served", "snomed", "http://snomed.info/sct", "73211009", false, false},
		{"but its listed codes are", "snomed", "http://snomed.info/sct", "78164000", true, true},
		{"an exclude that is not known", "not-snomed", a, "hond", false, false},
		{"a set that names itself", "circle", a, "hond", false, false},
		{"a thicket of sets", "thicket", a, "hond", false, false},
		{"a part of a system", "fragment", "urn:cs:part", "a", true, true},
		{"outside a part of a system", "fragment", "urn:cs:part", "b", false, false},
		{"capitals, where they do not matter", "loose", "urn:cs:loose", "aB", true, true},
		{"capitals, where they do", "whole", a, "HOND", false, true},
		{"another version of the system", "versioned", a, "hond", false, false},
		{"an expansion that is given", "expanded", "urn:e", "b", true, true},
		{"outside the expansion", "expanded", "urn:e", "c", false, true},
		{"a page of an expansion is no set", "page", "urn:e", "a", false, false},
		{"the newest version", "edition", "urn:e", "new", true, true},
		{"not an older one", "edition", "urn:e", "old", false, true},
		{"the version that is named", "edition|1.9", "urn:e", "old", true, true},
		{"a version that is not loaded", "edition|3", "urn:e", "old", false, false},
		{"an unknown set", "absent", a, "hond", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			member, known := terms.Member("urn:vs:"+tt.set, tt.system, tt.code)
			if member != tt.member || known != tt.known {
				t.Errorf("member %v, known %v; want %v, %v", member, known, tt.member, tt.known)
			}
		})
	}
}

func TestMemberKnowsTheRequiredSetsOfR4(t *testing.T) {
	t.Parallel()
	none := terminology.New(nil)
	const gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
	for code, want := range map[string]bool{"male": true, "man": false} {
		for _, system := range []string{"", "http://hl7.org/fhir/administrative-gender"} {
			if member, known := none.Member(gender+"|4.0.1", system, code); member != want || !known {
				t.Errorf("%s: member %v, known %v", code, member, known)
			}
		}
	}
}

// own returns the terms that the product publishes.
func own(t testing.TB) *terminology.Terms {
	t.Helper()
	all, err := artifacts.All()
	if err != nil {
		t.Fatal(err)
	}
	return terminology.New(all)
}

func TestEveryPublishedSetCanBeExpanded(t *testing.T) {
	t.Parallel()
	terms := own(t)
	all, err := artifacts.All()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, r := range all {
		if r.Type() != "ValueSet" {
			continue
		}
		count++
		out, err := do(terms, "ValueSet", "expand", "", query("url", r.Root().Member("url").Text()))
		if err != nil {
			t.Errorf("%s: %v", r.ID(), err)
			continue
		}
		x := parse(t, string(out))
		if found := validate.Resource(x); fhir.HasErrors(found) {
			t.Errorf("%s: %v", r.ID(), found)
		}
		for c := range x.Root().All("expansion", "contains") {
			if member, known := terms.Member(r.Root().Member("url").Text(), c.Member("system").Text(), c.Member("code").Text()); !member || !known {
				t.Errorf("%s lists what is no member", r.ID())
			}
		}
	}
	if count < 50 {
		t.Errorf("only %d value sets are published", count)
	}
}

func query(pairs ...string) terminology.Input {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return terminology.FromQuery(q)
}

// do runs an operation on a fixed day.
func do(terms *terminology.Terms, typ fhir.Type, name, id string, in terminology.Input) ([]byte, error) {
	i := slices.IndexFunc(terminology.Operations(), func(o terminology.Operation) bool { return o.Type == typ && o.Name == name })
	return terms.Do(terminology.Operations()[i], terminology.Request{
		Input: in, ID: id, Now: time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC),
	})
}

// valid runs an operation that must give a resource that is valid.
func valid(t *testing.T, terms *terminology.Terms, typ fhir.Type, name string, in terminology.Input) *fhir.Resource {
	t.Helper()
	out, err := do(terms, typ, name, "", in)
	if err != nil {
		t.Fatal(err)
	}
	r := parse(t, string(out))
	if found := validate.Resource(r); fhir.HasErrors(found) {
		t.Errorf("%v in %s", found, out)
	}
	return r
}

// refused runs an operation that must be refused, and returns its kind and the rules.
func refused(t *testing.T, terms *terminology.Terms, typ fhir.Type, name, id string, in terminology.Input) (fhir.Kind, []string) {
	t.Helper()
	out, err := do(terms, typ, name, id, in)
	var e *fhir.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v, %s", err, out)
	}
	var rules []string
	for _, i := range e.Issues {
		if i.Text == "" || i.Code == "" {
			t.Errorf("%+v says too little", i)
		}
		rules = append(rules, i.Diagnostics)
	}
	return e.Kind, rules
}

func indent(t *testing.T, r *fhir.Resource) string {
	t.Helper()
	b, err := json.MarshalIndent(json.RawMessage(r.Bytes()), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func equal(t *testing.T, want string, got *fhir.Resource) {
	t.Helper()
	if diff := cmp.Diff(indent(t, parse(t, want)), indent(t, got)); diff != "" {
		t.Error(diff)
	}
}
