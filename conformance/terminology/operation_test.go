package terminology_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/fhir"
)

func body(t *testing.T, parameters ...string) terminology.Input {
	t.Helper()
	in, issues := terminology.FromParameters(parse(t, `{"resourceType":"Parameters","parameter":[`+strings.Join(parameters, ",")+`]}`))
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	return in
}

// codesOf returns the codes and displays of an expansion.
func codesOf(r *fhir.Resource) (out []string) {
	for c := range r.Root().All("expansion", "contains") {
		out = append(out, c.Member("code").Text()+" "+c.Member("display").Text())
	}
	return out
}

func TestExpand(t *testing.T) {
	t.Parallel()
	terms := terms(t)
	all := []string{"dier Dier", "zoogdier Zoogdier", "hond Hond", "vleermuis Vleermuis", "vlieger Vlieger", "dodo Dodo"}
	tests := []struct {
		name  string
		in    terminology.Input
		total int
		want  []string
	}{
		{"a whole system", query("url", "urn:vs:whole"), 6, all},
		{"a page", query("url", "urn:vs:whole", "offset", "1", "count", "2"), 6, all[1:3]},
		{"the count alone", query("url", "urn:vs:whole", "count", "0"), 6, nil},
		{"behind the end", query("url", "urn:vs:whole", "offset", "9"), 6, nil},
		{"active codes", query("url", "urn:vs:whole", "activeOnly", "true"), 5, all[:5]},
		{"a set of active codes", query("url", "urn:vs:in-use"), 5, all[:5]},
		{"a filter looks into all texts, without accents", query("url", "urn:vs:whole", "filter", "dagg"), 1, all[1:2]},
		{"a filter of several words", query("url", "urn:vs:whole", "filter", "dier zoog"), 1, all[1:2]},
		{"another language", query("url", "urn:vs:mammals", "displayLanguage", "sv-SE"), 3, []string{"zoogdier Däggdjur", "hond Hond", "vleermuis Vleermuis"}},
		{"listed codes with their texts", query("url", "urn:vs:listed"), 2, []string{"x Iks", "hond Hond"}},
		{"without what is excluded", query("url", "urn:vs:without"), 3, []string{"dier Dier", "vlieger Vlieger", "dodo Dodo"}},
		{"sets of sets", query("url", "urn:vs:nested"), 2, []string{"hond Hond", "y "}},
		{"an expansion that is given", query("url", "urn:vs:expanded"), 2, []string{"a Aa", "b "}},
		{"a version", query("url", "urn:vs:edition", "valueSetVersion", "1.9"), 1, []string{"old "}},
		{"a set of the tables of R4", query("url", "http://hl7.org/fhir/ValueSet/administrative-gender"), 4, []string{"female ", "male ", "other ", "unknown "}},
		{"as Parameters", body(t, `{"name":"url","valueUri":"urn:vs:whole"}`, `{"name":"count","valueInteger":1}`), 6, all[:1]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := valid(t, terms, "ValueSet", "expand", tt.in)
			if diff := cmp.Diff(tt.want, codesOf(r)); diff != "" {
				t.Error(diff)
			}
			if total := r.Root().At("expansion", "total").Text(); total != strconv.Itoa(tt.total) {
				t.Errorf("total %s, want %d", total, tt.total)
			}
		})
	}
}

func TestExpandShowsTextsAndKinds(t *testing.T) {
	t.Parallel()
	got := valid(t, terms(t), "ValueSet", "expand", query("url", "urn:vs:whole", "designation", "en", "filter", "d"))
	equal(t, `{"resourceType":"ValueSet","url":"urn:vs:whole","status":"active","expansion":{"timestamp":"2026-11-21T20:00:00Z","total":4,"offset":0,
		"parameter":[{"name":"filter","valueString":"d"}],"contains":[
		{"system":"urn:cs:animals","abstract":true,"version":"1","code":"dier","display":"Dier"},
		{"system":"urn:cs:animals","version":"1","code":"zoogdier","display":"Zoogdier","designation":[{"language":"en-GB","use":{"system":"urn:u","code":"s"},"value":"Mammal"}]},
		{"system":"urn:cs:animals","version":"1","code":"hond","display":"Hond"},
		{"system":"urn:cs:animals","inactive":true,"version":"1","code":"dodo","display":"Dodo"}]}}`, got)
}

func TestTheLanguageOfTheRequestServesWhereNoneIsGiven(t *testing.T) {
	t.Parallel()
	o := terminology.Operations()[0]
	for want, language := range map[string]string{"Däggdjur": "sv", "Mammal": "en-US", "Zoogdier": "fi"} {
		out, err := terms(t).Do(o, terminology.Request{Input: query("url", "urn:vs:mammals", "count", "1"), Language: language})
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, %s", language, err, out)
		}
	}
}

func TestALargeExpansionComesInPages(t *testing.T) {
	t.Parallel()
	var concepts []string
	for i := range 6000 {
		concepts = append(concepts, fmt.Sprintf(`{"code":"c%d"}`, i))
	}
	terms := terminology.New([]*fhir.Resource{
		parse(t, system("large", `"content":"complete","concept":[`+strings.Join(concepts, ",")+`]`)),
		parse(t, set("large", `{"include":[{"system":"urn:cs:large"}]}`)),
		parse(t, set("many", `{"include":[`+strings.Repeat(`{"system":"urn:cs:large"},`, 99)+`{"system":"urn:cs:large"}]}`)),
	})
	if kind, rules := refused(t, terms, "ValueSet", "expand", "", query("url", "urn:vs:large")); kind != fhir.Unprocessable || rules[0] != "TERM-TOO-COSTLY" {
		t.Errorf("all at once: %v, %v", kind, rules)
	}
	if got := codesOf(valid(t, terms, "ValueSet", "expand", query("url", "urn:vs:large", "offset", "5999", "count", "10"))); len(got) != 1 {
		t.Errorf("the last page has %d codes", len(got))
	}
	deep := []*fhir.Resource{parse(t, animals), parse(t, set("l0", `{"include":[{"system":"urn:cs:animals","filter":[{"property":"code","op":"=","value":"none"}]}]}`))}
	for i := 1; i < 30; i++ {
		below := fmt.Sprintf(`{"valueSet":["urn:vs:l%d"]}`, i-1)
		deep = append(deep, parse(t, set(fmt.Sprintf("l%d", i), `{"include":[`+below+","+below+","+below+`]}`)))
	}
	if kind, rules := refused(t, terminology.New(deep), "ValueSet", "expand", "", query("url", "urn:vs:l29")); kind != fhir.Unprocessable || rules[0] != "TERM-TOO-COSTLY" {
		t.Errorf("a tower of empty sets: %v, %v", kind, rules)
	}
	if kind, rules := refused(t, terms, "ValueSet", "expand", "", query("url", "urn:vs:many", "count", "1")); kind != fhir.Unprocessable || rules[0] != "TERM-TOO-COSTLY" {
		t.Errorf("a set of endless work: %v, %v", kind, rules)
	}
}

func TestValidateCode(t *testing.T) {
	t.Parallel()
	terms := terms(t)
	const a = "urn:cs:animals"
	dog := `{"system":"urn:cs:animals","code":"hond"}`
	tests := []struct {
		name  string
		on    fhir.Type
		in    terminology.Input
		ok    string
		shown string
	}{
		{"a member", "ValueSet", query("url", "urn:vs:whole", "system", a, "code", "hond"), "true", "Hond"},
		{"no member", "ValueSet", query("url", "urn:vs:whole", "system", a, "code", "kat"), "false", ""},
		{"its text", "ValueSet", query("url", "urn:vs:whole", "system", a, "code", "zoogdier", "display", "DAGGDJUR"), "true", "Zoogdier"},
		{"another text", "ValueSet", query("url", "urn:vs:whole", "system", a, "code", "hond", "display", "Kat"), "false", "Hond"},
		{"another language", "ValueSet", query("url", "urn:vs:whole", "system", a, "code", "zoogdier", "displayLanguage", "en"), "true", "Mammal"},
		{"a code that only groups", "ValueSet", query("url", "urn:vs:whole", "system", a, "code", "dier"), "false", "Dier"},
		{"where that is allowed", "ValueSet", query("url", "urn:vs:whole", "system", a, "code", "dier", "abstract", "true"), "true", "Dier"},
		{"a text of the set", "ValueSet", query("url", "urn:vs:listed", "system", "urn:other", "code", "x", "display", "iks"), "true", "Iks"},
		{"a coding", "ValueSet", body(t, `{"name":"url","valueUri":"urn:vs:mammals"}`, `{"name":"coding","valueCoding":`+dog+`}`), "true", "Hond"},
		{"one coding of a concept", "ValueSet", body(t, `{"name":"url","valueUri":"urn:vs:snomed"}`,
			`{"name":"codeableConcept","valueCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"2"},{"system":"http://snomed.info/sct","code":"78164000"}]}}`), "true", ""},
		{"a set of the tables of R4", "ValueSet", query("url", "http://hl7.org/fhir/ValueSet/administrative-gender", "system", "http://hl7.org/fhir/administrative-gender", "code", "male"), "true", ""},
		{"a code of a system", "CodeSystem", query("url", a, "code", "hond"), "true", "Hond"},
		{"no code of a system", "CodeSystem", query("url", a, "code", "kat"), "false", ""},
		{"a coding of a system", "CodeSystem", body(t, `{"name":"coding","valueCoding":`+dog+`}`), "true", "Hond"},
		{"a coding of another system", "CodeSystem", body(t, `{"name":"url","valueUri":"urn:cs:loose"}`, `{"name":"coding","valueCoding":`+dog+`}`), "false", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := valid(t, terms, tt.on, "validate-code", tt.in)
			got := map[string]string{}
			for p := range r.Root().All("parameter") {
				got[p.Member("name").Text()] = p.Member("valueBoolean").Text() + p.Member("valueString").Text()
			}
			if got["result"] != tt.ok || got["display"] != tt.shown || (got["message"] == "") != (tt.ok == "true") {
				t.Errorf("%v, want %s with %q", got, tt.ok, tt.shown)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	terms := terms(t)
	property := func(code, value string) string {
		return `{"name":"property","part":[{"name":"code","valueCode":"` + code + `"},{"name":"value",` + value + `}]}`
	}
	head := `{"resourceType":"Parameters","parameter":[{"name":"name","valueString":"animals"},{"name":"version","valueString":"1"},`
	equal(t, head+`{"name":"display","valueString":"Hond"},`+strings.Join([]string{
		property("definition", `"valueString":"Blaft."`), property("inactive", `"valueBoolean":false`), property("parent", `"valueCode":"zoogdier"`),
		property("poten", `"valueInteger":4`), property("klank", `"valueString":"woef"`),
	}, ",")+`]}`, valid(t, terms, "CodeSystem", "lookup", query("system", "urn:cs:animals", "code", "hond")))
	equal(t, head+`{"name":"display","valueString":"Däggdjur"},
		{"name":"designation","part":[{"name":"language","valueCode":"sv"},{"name":"value","valueString":"Däggdjur"}]},
		{"name":"designation","part":[{"name":"language","valueCode":"en-GB"},{"name":"use","valueCoding":{"system":"urn:u","code":"s"}},{"name":"value","valueString":"Mammal"}]},`+
		property("child", `"valueCode":"hond"`)+","+property("child", `"valueCode":"vleermuis"`)+`]}`,
		valid(t, terms, "CodeSystem", "lookup", body(t, `{"name":"coding","valueCoding":{"system":"urn:cs:animals","code":"zoogdier"}}`,
			`{"name":"displayLanguage","valueCode":"sv"}`, `{"name":"property","valueCode":"child"}`, `{"name":"property","valueCode":"designation"}`)))
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	conceptMap := func(name, rest string) *fhir.Resource {
		return parse(t, `{"resourceType":"ConceptMap","id":"`+name+`","url":"urn:cm:`+name+`","status":"active",`+rest+`}`)
	}
	terms := terminology.New([]*fhir.Resource{
		parse(t, animals),
		conceptMap("one", `"sourceUri":"urn:vs:s","targetUri":"urn:vs:t","group":[{"source":"urn:s","target":"urn:cs:animals","element":[
			{"code":"a","target":[{"code":"hond","equivalence":"narrower"},{"equivalence":"unmatched","comment":"x"}]},
			{"code":"b","target":[{"code":"dodo","equivalence":"equivalent","dependsOn":[{"property":"urn:p","value":"v"}]}]},
			{"code":"c","target":[{"equivalence":"unmatched","comment":"x"}]}],
			"unmapped":{"mode":"other-map","url":"urn:cm:two"}}]`),
		conceptMap("two", `"group":[{"source":"urn:s","target":"urn:t","unmapped":{"mode":"provided"}},{"source":"urn:f","target":"urn:t","unmapped":{"mode":"fixed","code":"z","display":"Zet"}}]`),
		conceptMap("circle", `"group":[{"source":"urn:s","target":"urn:t","unmapped":{"mode":"other-map","url":"urn:cm:circle"}},{"source":"urn:s","target":"urn:t","unmapped":{"mode":"other-map","url":"urn:cm:circle"}}]`),
	})
	tests := []struct {
		name, ok string
		in       terminology.Input
		want     []string
	}{
		{"by url", "true", query("url", "urn:cm:one", "system", "urn:s", "code", "a"), []string{"narrower hond Hond", "unmatched  "}},
		{"by value sets", "true", query("source", "urn:vs:s", "target", "urn:vs:t", "system", "urn:s", "code", "a"), []string{"narrower hond Hond", "unmatched  "}},
		{"by system", "true", query("targetsystem", "urn:t", "system", "urn:f", "code", "a"), []string{"inexact z Zet"}},
		{"backwards", "true", query("url", "urn:cm:one", "system", "urn:cs:animals", "code", "hond", "reverse", "true"), []string{"wider a "}},
		{"backwards by value sets", "true", query("source", "urn:vs:t", "target", "urn:vs:s", "system", "urn:cs:animals", "code", "hond", "reverse", "true"), []string{"wider a "}},
		{"through another map", "true", query("url", "urn:cm:one", "system", "urn:s", "code", "new"), []string{"equal new "}},
		{"what depends on more is left out", "false", query("url", "urn:cm:one", "system", "urn:s", "code", "b"), nil},
		{"what has no translation", "false", query("url", "urn:cm:one", "system", "urn:s", "code", "c"), []string{"unmatched  "}},
		{"another system", "false", query("url", "urn:cm:one", "system", "urn:x", "code", "a"), nil},
		{"a map that leads to itself", "false", query("url", "urn:cm:circle", "system", "urn:s", "code", "a"), nil},
		{"one coding of a concept", "true", body(t, `{"name":"url","valueUri":"urn:cm:one"}`,
			`{"name":"codeableConcept","valueCodeableConcept":{"coding":[{"system":"urn:x","code":"a"},{"system":"urn:s","code":"a"}]}}`), []string{"narrower hond Hond", "unmatched  "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := valid(t, terms, "ConceptMap", "translate", tt.in)
			var got []string
			for p := range r.Root().All("parameter") {
				switch p.Member("name").Text() {
				case "result":
					if p.Member("valueBoolean").Text() != tt.ok {
						t.Errorf("result is not %s", tt.ok)
					}
				case "match":
					parts := map[string]fhir.Node{}
					for part := range p.All("part") {
						parts[part.Member("name").Text()] = part
					}
					coding := parts["concept"].Member("valueCoding")
					got = append(got, parts["equivalence"].Member("valueCode").Text()+" "+coding.Member("code").Text()+" "+coding.Member("display").Text())
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	terms := terms(t)
	tests := []struct {
		name string
		on   fhir.Type
		op   string
		id   string
		in   terminology.Input
		kind fhir.Kind
		want []string
	}{
		{"an unknown value set", "ValueSet", "expand", "", query("url", "urn:vs:none"), fhir.NotFound, []string{"TERM-VALUESET-UNKNOWN"}},
		{"an unknown id", "ValueSet", "expand", "none", query(), fhir.NotFound, []string{"TERM-VALUESET-UNKNOWN"}},
		{"no value set", "ValueSet", "expand", "", query(), fhir.BadRequest, []string{"TERM-PARAM-MISSING"}},
		{"everything wrong at once", "ValueSet", "expand", "", query("count", "-1", "offset", "x", "activeOnly", "yes", "system-version", "a", "filter", "a", "filter", "b"), fhir.BadRequest,
			[]string{"TERM-PARAM-VALUE", "TERM-PARAM-VALUE", "TERM-PARAM-TWICE", "TERM-PARAM-VALUE", "TERM-PARAM-UNKNOWN", "TERM-PARAM-MISSING"}},
		{"a set that SNOMED CT decides", "ValueSet", "expand", "", query("url", "urn:vs:snomed"), fhir.Unprocessable, []string{"TERM-UNDECIDED"}},
		{"an exclude that is not known", "ValueSet", "expand", "", query("url", "urn:vs:not-snomed"), fhir.Unprocessable, []string{"TERM-UNDECIDED"}},
		{"a set that names itself", "ValueSet", "expand", "", query("url", "urn:vs:circle"), fhir.Unprocessable, []string{"TERM-UNDECIDED"}},
		{"a code that SNOMED CT decides", "ValueSet", "validate-code", "", query("url", "urn:vs:snomed", "system", "http://snomed.info/sct", "code", "1"), fhir.Unprocessable, []string{"TERM-UNDECIDED"}},
		{"a code without system", "ValueSet", "validate-code", "", query("url", "urn:vs:whole", "code", "hond"), fhir.BadRequest, []string{"TERM-PARAM-MISSING"}},
		{"no code and no set", "ValueSet", "validate-code", "", query(), fhir.BadRequest, []string{"TERM-PARAM-MISSING", "TERM-PARAM-MISSING"}},
		{"two codes", "ValueSet", "validate-code", "whole", body(t, `{"name":"code","valueCode":"a"}`, `{"name":"coding","valueCoding":{"system":"a","code":"b"}}`), fhir.BadRequest, []string{"TERM-PARAM-MISSING"}},
		{"a coding in a query", "ValueSet", "validate-code", "whole", query("coding", "urn:x|a"), fhir.BadRequest, []string{"TERM-PARAM-VALUE", "TERM-PARAM-MISSING"}},
		{"a coding without system", "CodeSystem", "lookup", "", body(t, `{"name":"coding","valueCoding":{"code":"b"}}`), fhir.BadRequest, []string{"TERM-PARAM-VALUE", "TERM-PARAM-MISSING"}},
		{"a resource as value", "ValueSet", "expand", "", body(t, `{"name":"valueSet","resource":{"resourceType":"ValueSet"}}`), fhir.BadRequest, []string{"TERM-PARAM-UNKNOWN", "TERM-PARAM-MISSING"}},
		{"an unknown system", "CodeSystem", "lookup", "", query("system", "http://loinc.org", "code", "1"), fhir.NotFound, []string{"TERM-SYSTEM-UNKNOWN"}},
		{"another version of a system", "CodeSystem", "lookup", "", query("system", "urn:cs:animals", "version", "9", "code", "hond"), fhir.NotFound, []string{"TERM-SYSTEM-UNKNOWN"}},
		{"an unknown code", "CodeSystem", "lookup", "", query("system", "urn:cs:animals", "code", "kat"), fhir.NotFound, []string{"TERM-CODE-UNKNOWN"}},
		{"a system that is not there", "CodeSystem", "validate-code", "none", query("code", "hond"), fhir.NotFound, []string{"TERM-SYSTEM-UNKNOWN"}},
		{"a code outside a part of a system", "CodeSystem", "validate-code", "part", query("code", "b"), fhir.Unprocessable, []string{"TERM-UNDECIDED"}},
		{"an unknown map", "ConceptMap", "translate", "", query("url", "urn:cm:none", "system", "a", "code", "b"), fhir.NotFound, []string{"TERM-MAP-UNKNOWN"}},
		{"no map", "ConceptMap", "translate", "", query("system", "a", "code", "b"), fhir.BadRequest, []string{"TERM-PARAM-MISSING"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kind, rules := refused(t, terms, tt.on, tt.op, tt.id, tt.in)
			if diff := cmp.Diff(tt.want, rules); kind != tt.kind || diff != "" {
				t.Errorf("kind %v, want %v: %s", kind, tt.kind, diff)
			}
		})
	}
	if _, issues := terminology.FromParameters(parse(t, `{"resourceType":"Basic"}`)); len(issues) != 1 {
		t.Error("a resource of another type is taken as Parameters")
	}
}
