package fhir_test

import (
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEdit(t *testing.T) {
	t.Parallel()
	path := func(s string) []string { return strings.Split(s, ".") }
	const src = `{"resourceType":"Patient", "id" : "x", "meta":{"tag":[{"code":"a"}]}, "active":true}`
	tests := []struct {
		name  string
		edits []fhir.Edit
		want  string
	}{
		{"nothing", nil, src},
		{"replaces a value", []fhir.Edit{{Path: path("active"), JSON: "false"}},
			`{"resourceType":"Patient","id":"x","meta":{"tag":[{"code":"a"}]},"active":false}`},
		{"adds a member and the objects on the way", []fhir.Edit{{Path: path("a.b.c"), JSON: "1"}},
			`{"resourceType":"Patient","id":"x","meta":{"tag":[{"code":"a"}]},"active":true,"a":{"b":{"c":1}}}`},
		{"removes the first member", []fhir.Edit{{Path: path("id")}, {Path: path("x.y")}},
			`{"resourceType":"Patient","meta":{"tag":[{"code":"a"}]},"active":true}`},
		{"removes the last member", []fhir.Edit{{Path: path("active")}},
			`{"resourceType":"Patient","id":"x","meta":{"tag":[{"code":"a"}]}}`},
		{"removes an object with its last member", []fhir.Edit{{Path: path("meta.tag")}},
			`{"resourceType":"Patient","id":"x","active":true}`},
		{"appends to an array", []fhir.Edit{{Path: path("meta.tag"), JSON: `{"code":"b"}`, Append: true}},
			`{"resourceType":"Patient","id":"x","meta":{"tag":[{"code":"a"},{"code":"b"}]},"active":true}`},
		{"makes the array to append to", []fhir.Edit{{Path: path("meta.security"), JSON: `{"code":"b"}`, Append: true},
			{Path: path("meta.security"), JSON: `{"code":"c"}`, Append: true}},
			`{"resourceType":"Patient","id":"x","meta":{"tag":[{"code":"a"}],"security":[{"code":"b"},{"code":"c"}]},"active":true}`},
		{"quotes a name", []fhir.Edit{{Path: []string{`a"b`}, JSON: "1"}},
			`{"resourceType":"Patient","id":"x","meta":{"tag":[{"code":"a"}]},"active":true,"a\"b":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := must(t, src)
			got, err := r.Edit(tt.edits...)
			if err != nil {
				t.Fatal(err)
			}
			if !fhir.Equal(must(t, tt.want).Root(), got.Root()) {
				t.Errorf("got  %s\nwant %s", got.Bytes(), tt.want)
			}
			if string(r.Bytes()) != src {
				t.Error("the resource itself was changed")
			}
		})
	}
}

func TestEditRefuses(t *testing.T) {
	t.Parallel()
	const src = `{"resourceType":"Patient","id":"x","name":[{"text":"a"}]}`
	tests := []struct {
		name string
		edit fhir.Edit
	}{
		{"a path through an array", fhir.Edit{Path: []string{"name", "text"}, JSON: "1"}},
		{"a path through a string", fhir.Edit{Path: []string{"id", "x"}, JSON: "1"}},
		{"an empty path", fhir.Edit{JSON: "1"}},
		{"appending to a string", fhir.Edit{Path: []string{"id"}, JSON: "1", Append: true}},
		{"text that is no JSON", fhir.Edit{Path: []string{"id"}, JSON: `"x"},"y":{`}},
		{"two values", fhir.Edit{Path: []string{"id"}, JSON: `"x","y":"z"`}},
		{"an empty value", fhir.Edit{Path: []string{"id"}, JSON: `{}`}},
		{"the loss of the type", fhir.Edit{Path: []string{"resourceType"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := must(t, src).Edit(tt.edit)
			if err == nil {
				t.Errorf("it gave %s", r.Bytes())
			}
		})
	}
}

func TestRemovingWhatWasAddedGivesTheSameResource(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := must(t, resource(t))
		path := rapid.SliceOfN(rapid.SampledFrom([]string{"new", "a", `"`, "é"}), 1, 4).Draw(t, "path")
		path[0] = "added"
		more, err := r.Edit(fhir.Edit{Path: path, JSON: space(t) + value(t, 2) + space(t), Append: rapid.Bool().Draw(t, "append")})
		if err != nil {
			t.Fatal(err)
		}
		if !more.Root().At(path...).Exists() || more.Root().Len() != r.Root().Len()+1 {
			t.Fatalf("not added: %s", more.Bytes())
		}
		less, err := more.Edit(fhir.Edit{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if !fhir.Equal(r.Root(), less.Root()) {
			t.Fatalf("\n%s\n%s", r.Bytes(), less.Bytes())
		}
	})
}

// TestEditsTogetherAreEditsOneByOne wherever they are.
func TestEditsTogetherAreEditsOneByOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := must(t, `{"id":"x","meta":{"tag":[{"code":"a"}]},"resourceType":"Patient","name":[{"text":"a"}],"active":true}`)
		paths := rapid.SampledFrom([][]string{{"id"}, {"meta", "source"}, {"meta", "tag"}, {"new"}, {"newer", "a"}, {"newer", "b"}, {"name"}, {"active"}})
		edits := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fhir.Edit {
			e := fhir.Edit{Path: paths.Draw(t, "path"), JSON: rapid.SampledFrom([]string{`"b"`, ` [ {"a":1} ]`, `true`, ``}).Draw(t, "json")}
			e.Append = e.JSON != "" && rapid.Bool().Draw(t, "append")
			return e
		}), 2, 4).Draw(t, "edits")
		want, bad := r, error(nil)
		for _, e := range edits {
			if bad == nil {
				want, bad = want.Edit(e)
			}
		}
		got, err := r.Edit(edits...)
		if bad == nil && (err != nil || string(got.Bytes()) != string(want.Bytes())) {
			t.Fatalf("%v\n%s\none by one\n%s", err, got.Bytes(), want.Bytes())
		}
	})
}

func TestMapReferences(t *testing.T) {
	t.Parallel()
	const src = `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{
		"resourceType":"CarePlan","status":"active","intent":"plan",
		"identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:1"}],
		"contained":[{"resourceType":"Provenance","agent":[{"who":{"reference":"urn:uuid:1"}}]}],
		"subject":{"reference":"urn:uuid:1","display":"urn:uuid:1"},
		"instantiatesUri":["urn:uuid:1"],
		"extension":[{"url":"http://x","valueUri":"urn:uuid:1"},{"url":"http://y","valueString":"urn:uuid:1"}]}}]}`
	const want = `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"Patient/\"1","resource":{
		"resourceType":"CarePlan","status":"active","intent":"plan",
		"identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:1"}],
		"contained":[{"resourceType":"Provenance","agent":[{"who":{"reference":"Patient/\"1"}}]}],
		"subject":{"reference":"Patient/\"1","display":"urn:uuid:1"},
		"instantiatesUri":["Patient/\"1"],
		"extension":[{"url":"http://x","valueUri":"Patient/\"1"},{"url":"http://y","valueString":"urn:uuid:1"}]}}]}`
	r := must(t, src)
	got, err := r.MapReferences(func(s string) string { return strings.ReplaceAll(s, "urn:uuid:1", `Patient/"1`) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got.Bytes())); diff != "" {
		t.Error(diff)
	}
	same, err := r.MapReferences(func(s string) string { return s })
	if err != nil || same != r {
		t.Errorf("without a change it is another resource (%v)", err)
	}
}
