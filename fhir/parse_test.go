package fhir_test

import (
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

type finding struct{ Rule, Code, At string }

func findings(issues []fhir.Issue) []finding {
	var out []finding
	for _, i := range issues {
		out = append(out, finding{i.Diagnostics, i.Code, i.Expression})
	}
	return out
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const syntax, empty, null, dup, typ = "FHIR-JSON-SYNTAX", "FHIR-JSON-EMPTY", "FHIR-JSON-NULL", "FHIR-JSON-DUPLICATE", "FHIR-JSON-TYPE"
	tests := []struct {
		name, src string
		want      []finding
	}{
		{"nothing at all", ``, []finding{{syntax, "invalid", ""}}},
		{"an open string in the type", `{"resourceType":"`, []finding{{syntax, "invalid", "Resource"}}},
		{"an open object", `{"resourceType":"Patient","name":[{"family":"x"`, []finding{{syntax, "invalid", "Patient.name[0]"}}},
		{"a trailing comma", `{"resourceType":"Patient",}`, []finding{{syntax, "invalid", "Patient"}}},
		{"trailing data", `{"resourceType":"Patient"} {}`, []finding{{syntax, "invalid", ""}}},
		{"a byte order mark", "\ufeff" + `{"resourceType":"Patient"}`, []finding{{syntax, "invalid", ""}}},
		{"a control character", "{\"resourceType\":\"Patient\",\"id\":\"a\nb\"}", []finding{{syntax, "invalid", "Patient"}}},
		{"half a surrogate pair", `{"resourceType":"Patient","id":"\ud800"}`, []finding{{syntax, "invalid", "Patient"}}},
		{"a leading zero", `{"resourceType":"Patient","x":01}`, []finding{{syntax, "invalid", "Patient"}}},
		{"invalid UTF-8", "{\"resourceType\":\"Patient\",\"id\":\"\xff\"}", []finding{{"FHIR-JSON-UTF8", "invalid", ""}}},
		{"a member twice", `{"resourceType":"Patient","name":[{"text":"a","text":"b"}],"id":"x","\u0069d":"y"}`,
			[]finding{{dup, "invalid", "Patient.name[0].text"}, {dup, "invalid", "Patient.id"}}},
		{"empty values", `{"resourceType":"Patient","a":{},"b":[],"c":"","d":" \t","e":["\n"]}`, []finding{
			{empty, "invalid", "Patient.a"}, {empty, "invalid", "Patient.b"}, {empty, "invalid", "Patient.c"},
			{empty, "invalid", "Patient.d"}, {empty, "invalid", "Patient.e[0]"}}},
		{"null as a member", `{"resourceType":"Patient","birthDate":null}`, []finding{{null, "invalid", "Patient.birthDate"}}},
		{"null without a twin", `{"resourceType":"Patient","given":["a",null]}`, []finding{{null, "invalid", "Patient.given[1]"}}},
		{"a pair of nulls", `{"resourceType":"Patient","given":["a",null],"_given":[{"id":"x"},null]}`,
			[]finding{{null, "invalid", "Patient.given[1]"}}},
		{"a null in a nested array", `{"resourceType":"Patient","given":[[null]]}`, []finding{{null, "invalid", "Patient.given[0][0]"}}},
		{"an absurd exponent", `{"resourceType":"Patient","x":1e999999}`, []finding{{"FHIR-JSON-NUMBER", "value", "Patient.x"}}},
		{"no type", `{"id":"x"}`, []finding{{typ, "required", "Resource"}}},
		{"a type that is no string", `{"resourceType":1}`, []finding{{typ, "value", "Resource.resourceType"}}},
		{"an array", `[1]`, []finding{{typ, "structure", "Resource"}}},
		{"a name that is no name", `{"resourceType":"Patient","Jan de Vries":null}`, []finding{{null, "invalid", "Patient.children()"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, issues := fhir.Parse([]byte(tt.src), fhir.Limits{})
			if r != nil {
				t.Error("a resource came out")
			}
			if diff := cmp.Diff(tt.want, findings(issues)); diff != "" {
				t.Errorf("issues (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseAcceptsNullBesideExtension(t *testing.T) {
	t.Parallel()
	src := `{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]}`
	r, issues := fhir.Parse([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatal(issues)
	}
	var paths, pointers []string
	for n := range r.Root().All("name", "_given", "id") {
		paths, pointers = append(paths, n.Path()), append(pointers, n.Pointer())
	}
	if diff := cmp.Diff([]string{"Patient.name[0].given[1].id"}, paths); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/name/0/_given/1/id"}, pointers); diff != "" {
		t.Error(diff)
	}
}
