package patch_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/patch"
)

const child = `{"resourceType":"Patient","id":"x","extension":[{"url":"urn:w","valueDecimal":1.50}],` +
	`"name":[{"family":"Bos","given":["Bo","B."],"_given":[null,{"id":"g"}]},{"text":"B"}],"birthDate":"2019-03-04",` +
	`"_birthDate":{"extension":[{"url":"urn:t","valueTime":"10:00:00"}]},"active":true,` +
	`"contact":[{"gender":"female"},{"name":{"text":"a"}}],"deceasedBoolean":false}`

func parse(t testing.TB, src string) *fhir.Resource {
	t.Helper()
	r, issues := fhir.Parse([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatal(issues)
	}
	return r
}

// params writes a FHIRPath Patch of one operation: type, path, and further parts in JSON.
func params(kind, path string, parts ...string) string {
	all := append([]string{
		fmt.Sprintf(`{"name":"type","valueCode":%q}`, kind), fmt.Sprintf(`{"name":"path","valueString":%q}`, path),
	}, parts...)
	return `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[` + strings.Join(all, ",") + `]}]}`
}

func named(name string) string  { return fmt.Sprintf(`{"name":"name","valueString":%q}`, name) }
func valued(json string) string { return `{"name":"value",` + json + `}` }
func number(name string, n int) string {
	return fmt.Sprintf(`{"name":%q,"valueInteger":%d}`, name, n)
}

// swapped is child with one text instead of another, which must be there.
func swapped(t *testing.T, old, with string) string {
	t.Helper()
	if !strings.Contains(child, old) {
		t.Fatalf("%s is not in the child", old)
	}
	return strings.Replace(child, old, with, 1)
}

func TestApplyKeepsWhatItDoesNotTouchAsItIsWritten(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, media, body, old, with string }{
		{"a value is replaced", patch.JSON, `[{"op":"replace","path":"/birthDate","value":"2020-01-01"}]`, "2019-03-04", "2020-01-01"},
		{"a list that a patch empties goes", patch.JSON, `[{"op":"remove","path":"/extension/0"}]`,
			`"extension":[{"url":"urn:w","valueDecimal":1.50}],`, ""},
		{"a number keeps its digits when it moves", patch.JSON, `[{"op":"copy","from":"/extension/0","path":"/extension/-"}]`,
			`1.50}]`, `1.50},{"url":"urn:w","valueDecimal":1.50}]`},
		{"a test looks at values, not at texts", patch.JSON,
			`[{"op":"test","path":"/extension/0","value":{"valueDecimal":15e-1,"url":"urn:w"}},{"op":"replace","path":"/active","value":false}]`,
			`"active":true`, `"active":false`},
		{"an element is set back to the state before", patch.JSON,
			`[{"op":"move","from":"/name/1","path":"/name/0"},{"op":"move","from":"/name/0","path":"/name/1"}]`, "", ""},
		{"a value replaces the extensions of a primitive too", patch.FHIRPath, params("replace", "Patient.birthDate", valued(`"valueDate":"2020-01-01"`)),
			`"birthDate":"2019-03-04","_birthDate":{"extension":[{"url":"urn:t","valueTime":"10:00:00"}]}`, `"birthDate":"2020-01-01"`},
		{"a primitive in a list takes its companion along", patch.FHIRPath, params("move", "Patient.name[0].given", number("source", 1), number("destination", 0)),
			`"given":["Bo","B."],"_given":[null,{"id":"g"}]`, `"given":["B.","Bo"],"_given":[{"id":"g"},null]`},
		{"and leaves nothing behind", patch.FHIRPath, params("delete", "Patient.name[0].given[1]"),
			`"given":["Bo","B."],"_given":[null,{"id":"g"}]`, `"given":["Bo"]`},
		{"a new element of a list of primitives has none", patch.FHIRPath, params("insert", "Patient.name[0].given", number("index", 0), valued(`"valueString":"A"`)),
			`"given":["Bo","B."],"_given":[null,{"id":"g"}]`, `"given":["A","Bo","B."],"_given":[null,null,{"id":"g"}]`},
		{"a primitive gets an extension", patch.FHIRPath, params("add", "Patient.active", named("extension"), valued(`"valueExtension":{"url":"urn:a","valueCode":"b"}`)),
			`false}`, `false,"_active":{"extension":[{"url":"urn:a","valueCode":"b"}]}}`},
		{"an extension of a primitive is changed", patch.FHIRPath, params("replace", "Patient.birthDate.extension.value", valued(`"valueString":"a"`)),
			`"valueTime":"10:00:00"`, `"valueString":"a"`},
		{"the last extension of a primitive goes with its holder", patch.FHIRPath, params("delete", "Patient.birthDate.extension"),
			`"_birthDate":{"extension":[{"url":"urn:t","valueTime":"10:00:00"}]},`, ""},
		{"a choice changes its type at its place", patch.FHIRPath, params("replace", "Patient.deceased", valued(`"valueDateTime":"2026"`)),
			`"deceasedBoolean":false`, `"deceasedDateTime":"2026"`},
		{"an element goes with its last member", patch.FHIRPath, params("delete", "Patient.contact.gender"), `{"gender":"female"},`, ""},
		{"what is not there need not be deleted", patch.FHIRPath, params("delete", "Patient.gender"), "", ""},
		{"a resource is contained", patch.FHIRPath, params("add", "Patient", named("contained"), valued(`"resource":{"resourceType":"Basic","id":"b"}`)),
			`false}`, `false,"contained":[{"resourceType":"Basic","id":"b"}]}`},
		{"a data type is built from parts", patch.FHIRPath, params("add", "Patient.contact[0]", named("name"),
			valued(`"part":[{"name":"given","valueString":"A"},{"name":"given","valueString":"B"},{"name":"text","_valueString":{"id":"z"}}]`)),
			`"gender":"female"}`, `"gender":"female","name":{"given":["A","B"],"_text":{"id":"z"}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := parse(t, child)
			got, issues := run(tt.media, []byte(tt.body), r)
			if got == nil {
				t.Fatal(issues)
			}
			if diff := cmp.Diff(swapped(t, tt.old, tt.with), string(got.Bytes())); diff != "" {
				t.Error(diff)
			}
			if string(r.Bytes()) != child {
				t.Error("the resource itself was changed")
			}
		})
	}
}

func TestOnePatchFitsManyVersions(t *testing.T) {
	t.Parallel()
	p, issues := patch.Parse(patch.JSON, []byte(`[{"op":"add","path":"/a","value":{"b":[1]}},{"op":"add","path":"/a/b/-","value":2}]`))
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	for _, doc := range []string{`{}`, `{"a":1}`, `{}`} {
		d, _ := fhir.ParseDocument([]byte(doc), fhir.Limits{})
		got, issues := p.Apply(d)
		if got == nil || string(got.Bytes()) != `{"a":{"b":[1,2]}}` {
			t.Errorf("%s became %v (%v)", doc, got, issues)
		}
	}
}

func TestOnePatchIsAppliedByManyAtOnce(t *testing.T) {
	t.Parallel()
	p, issues := patch.Parse(patch.FHIRPath, []byte(params("replace", "Patient.name.where(text.matches('B')).text", valued(`"valueString":"C"`))))
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	r := parse(t, child)
	want := swapped(t, `{"text":"B"}`, `{"text":"C"}`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got, issues := p.Apply(r); got == nil || string(got.Bytes()) != want {
				t.Errorf("it gave %v (%v)", got, issues)
			}
		})
	}
	all.Wait()
}

// place is what a client is told of a fault.
type place struct{ Rule, Expression string }

func places(issues []fhir.Issue) []place {
	var out []place
	for _, i := range issues {
		out = append(out, place{i.Diagnostics, i.Expression})
	}
	return out
}

func TestParseNamesAllFaultsAndTheirOperations(t *testing.T) {
	t.Parallel()
	one := "Parameters.parameter[0]"
	tests := []struct {
		name, media, body string
		want              []place
	}{
		{"another media type", "application/xml-patch+xml", `[]`, []place{{"PATCH-MEDIA", ""}}},
		{"no JSON", patch.JSON, `[{]`, []place{{"FHIR-JSON-SYNTAX", "/0"}}},
		{"an operation twice in one", patch.JSON, `[{"op":"add","path":"/a","value":1,"op":"remove"}]`, []place{{"FHIR-JSON-DUPLICATE", "/0/op"}}},
		{"no array", patch.JSON, `{"op":"add","path":"/a","value":1}`, []place{{"PATCH-FORM", ""}}},
		{"many faults", patch.JSON, `[1,{"op":"fix","path":"/~2"},{"op":"add","path":"a"},{"op":"move","path":"/a/b","from":"/a"},{"op":"copy","path":"/a~"}]`, []place{
			{"PATCH-FORM", "[0]"}, {"PATCH-OP", "[1].op"}, {"PATCH-POINTER", "[1].path"}, {"PATCH-POINTER", "[2].path"},
			{"PATCH-VALUE", "[2].value"}, {"PATCH-MOVE", "[3]"}, {"PATCH-POINTER", "[4].path"}, {"PATCH-POINTER", "[4].from"},
		}},
		{"too many operations", patch.JSON, `[` + strings.Repeat(`1,`, 500) + `1]`, []place{{"PATCH-COUNT", ""}}},
		{"another resource", patch.FHIRPath, `{"resourceType":"Patient"}`, []place{{"PATCH-FORM", "Patient"}}},
		{"another parameter", patch.FHIRPath, `{"resourceType":"Parameters","parameter":[{"name":"op","part":[{"name":"type"}]}]}`, []place{{"PATCH-FORM", one}}},
		{"an unknown type", patch.FHIRPath, params("fix", "Patient"), []place{{"PATCH-OP", one + ".part[0]"}}},
		{"no FHIRPath", patch.FHIRPath, params("delete", "Patient.."), []place{{"PATCH-PATH", one + ".part[1]"}}},
		{"missing parts", patch.FHIRPath, params("move", "Patient.name"), []place{{"PATCH-PART", one}, {"PATCH-PART", one}}},
		{"parts of another type", patch.FHIRPath, params("delete", "Patient.name", number("index", 1)), []place{{"PATCH-PART", one + ".part[2]"}}},
		{"parts twice, unknown or of another form", patch.FHIRPath,
			params("insert", "Patient.name", number("index", 1), number("index", 2), `{"name":"pos","valueInteger":1}`, valued(`"valueString":"a","valueCode":"b"`)),
			[]place{{"PATCH-PART", one + ".part[3]"}, {"PATCH-PART", one + ".part[4]"}, {"PATCH-VALUE", one + ".part[5]"}}},
		{"a position before the start", patch.FHIRPath, params("insert", "Patient.name", number("index", -1), valued(`"valueString":"a"`)), []place{{"PATCH-PART", one + ".part[2]"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, issues := patch.Parse(tt.media, []byte(tt.body))
			if diff := cmp.Diff(tt.want, places(issues)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	second := func(op string) string { return `[{"op":"test","path":"/id","value":"x"},` + op + `]` }
	tests := []struct{ name, media, body, rule, at string }{
		{"a test that finds another value", patch.JSON, second(`{"op":"test","path":"/active","value":"true"}`), "PATCH-TEST", "[1]"},
		{"a member that is missing", patch.JSON, second(`{"op":"remove","path":"/gender"}`), "PATCH-TARGET", "[1]"},
		{"a place in a string", patch.JSON, second(`{"op":"add","path":"/id/a","value":1}`), "PATCH-TARGET", "[1]"},
		{"a position behind the end", patch.JSON, second(`{"op":"add","path":"/name/3","value":{}}`), "PATCH-INDEX", "[1]"},
		{"a position with a zero in front", patch.JSON, second(`{"op":"remove","path":"/name/01"}`), "PATCH-INDEX", "[1]"},
		{"the end of a list, where nothing is", patch.JSON, second(`{"op":"remove","path":"/name/-"}`), "PATCH-INDEX", "[1]"},
		{"the loss of the resource", patch.JSON, second(`{"op":"remove","path":""}`), "PATCH-TARGET", "[1]"},
		{"another id", patch.JSON, second(`{"op":"replace","path":"/id","value":"y"}`), "PATCH-IDENTITY", ""},
		{"no id", patch.JSON, second(`{"op":"remove","path":"/id"}`), "PATCH-IDENTITY", ""},
		{"another type", patch.JSON, second(`{"op":"replace","path":"","value":{"resourceType":"Basic","id":"x"}}`), "PATCH-IDENTITY", ""},
		{"no type", patch.JSON, second(`{"op":"remove","path":"/resourceType"}`), "PATCH-RESULT", "Resource"},
		{"an empty value", patch.JSON, second(`{"op":"add","path":"/maritalStatus","value":{}}`), "PATCH-RESULT", "Patient.maritalStatus"},
		{"null", patch.JSON, second(`{"op":"replace","path":"/active","value":null}`), "PATCH-RESULT", "Patient.active"},
		{"several elements", patch.FHIRPath, params("delete", "Patient.name"), "PATCH-MATCH", "Parameters.parameter[0]"},
		{"no element to replace", patch.FHIRPath, params("replace", "Patient.gender", valued(`"valueCode":"male"`)), "PATCH-MATCH", "Parameters.parameter[0]"},
		{"the resource itself", patch.FHIRPath, params("delete", "Patient"), "PATCH-MATCH", "Parameters.parameter[0]"},
		{"a value of the expression", patch.FHIRPath, params("delete", "Patient.name.count()"), "PATCH-MATCH", "Parameters.parameter[0]"},
		{"the System value of a primitive", patch.FHIRPath, params("delete", "Patient.birthDate.value"), "PATCH-MATCH", "Parameters.parameter[0]"},
		{"a second value of what does not repeat", patch.FHIRPath, params("add", "Patient", named("birthDate"), valued(`"valueDate":"2020"`)), "PATCH-EXISTS", "Parameters.parameter[0]"},
		{"a second type of a choice", patch.FHIRPath, params("add", "Patient", named("deceased"), valued(`"valueDateTime":"2020"`)), "PATCH-EXISTS", "Parameters.parameter[0]"},
		{"a choice named with its type", patch.FHIRPath, params("add", "Patient", named("multipleBirthInteger"), valued(`"valueInteger":2`)), "PATCH-NAME", "Parameters.parameter[0]"},
		{"a type that a choice has not", patch.FHIRPath, params("add", "Patient", named("multipleBirth"), valued(`"valueString":"2"`)), "PATCH-TYPE", "Parameters.parameter[0]"},
		{"an element that R4 has not", patch.FHIRPath, params("add", "Patient", named("resourceType"), valued(`"valueString":"Basic"`)), "PATCH-NAME", "Parameters.parameter[0]"},
		{"a value of another type", patch.FHIRPath, params("add", "Patient", named("name"), valued(`"valueAddress":{"city":"a"}`)), "PATCH-TYPE", "Parameters.parameter[0]"},
		{"a list where there is none", patch.FHIRPath, params("insert", "Patient.birthDate", number("index", 0), valued(`"valueDate":"2020"`)), "PATCH-LIST", "Parameters.parameter[0]"},
		{"a part of a list", patch.FHIRPath, params("move", "Patient.name.where(text = 'B')", number("source", 0), number("destination", 0)), "PATCH-LIST", "Parameters.parameter[0]"},
		{"a position behind the end of a list of primitives", patch.FHIRPath, params("insert", "Patient.name.given", number("index", 9), valued(`"valueString":"a"`)), "PATCH-INDEX", "Parameters.parameter[0]"},
		{"a place behind the end", patch.FHIRPath, params("move", "Patient.name", number("source", 0), number("destination", 2)), "PATCH-INDEX", "Parameters.parameter[0]"},
		{"a path that fails on the resource", patch.FHIRPath, params("delete", "Patient.name.single()"), "PATCH-PATH", "Parameters.parameter[0]"},
		{"a path that runs on and on", patch.FHIRPath, params("delete", "descendants()"+strings.Repeat(".select(%resource.descendants())", 4)+".first()"), "PATCH-PATH", "Parameters.parameter[0]"},
		{"a path into another resource", patch.FHIRPath, params("delete", "Patient.name[0].family.select(%resource.active.not())"), "PATCH-MATCH", "Parameters.parameter[0]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, issues := run(tt.media, []byte(tt.body), parse(t, child))
			if got != nil {
				t.Fatalf("it gave %s", got.Bytes())
			}
			if diff := cmp.Diff([]place{{tt.rule, tt.at}}, places(issues)); diff != "" {
				t.Error(diff)
			}
			for _, i := range issues {
				if i.Text == "" || i.Code == "" || i.Severity != fhir.SeverityError {
					t.Errorf("%+v says too little", i)
				}
			}
		})
	}
}

// TestACopyOfCopiesEnds keeps memory and time in proportion: each operation doubles the resource.
func TestACopyOfCopiesEnds(t *testing.T) {
	t.Parallel()
	var ops []string
	for i := range patch.MaxOperations {
		ops = append(ops, fmt.Sprintf(`{"op":"copy","from":"","path":"/a%d"}`, i))
	}
	got, issues := run(patch.JSON, []byte("["+strings.Join(ops, ",")+"]"), parse(t, child))
	if got != nil || len(issues) != 1 || issues[0].Diagnostics != "PATCH-SIZE" {
		t.Fatalf("it gave %v, %v", got != nil, issues)
	}
}

func TestALargeResourceTakesFewOperations(t *testing.T) {
	t.Parallel()
	r := parse(t, `{"resourceType":"Binary","contentType":"a","data":"`+strings.Repeat("a", 1_000_000)+`"}`)
	if got, issues := run(patch.JSON, []byte(`[{"op":"replace","path":"/contentType","value":"b"}]`), r); got == nil {
		t.Errorf("one operation is refused: %v", issues)
	}
	var parts []string
	for range 100 {
		parts = append(parts, `{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Binary.contentType"},{"name":"value","valueCode":"b"}]}`)
	}
	_, issues := run(patch.FHIRPath, []byte(`{"resourceType":"Parameters","parameter":[`+strings.Join(parts, ",")+`]}`), r)
	if len(issues) != 1 || issues[0].Diagnostics != "PATCH-WORK" {
		t.Errorf("a hundred operations: %v", issues)
	}
}
