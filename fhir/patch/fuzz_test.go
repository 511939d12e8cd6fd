package patch_test

import (
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/patch"
)

// FuzzPatch holds every patch to its contract: no panic, nothing changed in the resource, the same
// answer again, an outcome that is a resource of the same type and id, and faults of our own words.
func FuzzPatch(f *testing.F) {
	for _, body := range []string{
		`[{"op":"add","path":"/name/-","value":{"text":"a"}},{"op":"move","from":"/name/0","path":"/name/1"}]`,
		`[{"op":"copy","from":"","path":"/contained"},{"op":"test","path":"/name/0/given/0","value":"Bo"}]`,
		`[{"op":"remove","path":"/name/0/_given/1"},{"op":"replace","path":"/~0~1","value":null}]`,
	} {
		f.Add(false, body)
	}
	for _, body := range []string{
		params("add", "Patient.birthDate", named("extension"), valued(`"valueExtension":{"url":"u","valueCode":"a"}`)),
		params("insert", "Patient.name[0].given", number("index", 1), valued(`"_valueString":{"id":"a"}`)),
		params("replace", "Patient.deceased", valued(`"valueDateTime":"2020"`)),
		params("delete", "Patient.name[0].given[1]"), params("move", "Patient.contact", number("source", 0), number("destination", 1)),
		params("add", "Patient", named("contact"), valued(`"part":[{"name":"name","part":[{"name":"text","valueString":"a"}]}]`)),
	} {
		f.Add(true, body)
	}
	r := parse(f, child)
	f.Fuzz(func(t *testing.T, isPath bool, body string) {
		media := patch.JSON
		if isPath {
			media = patch.FHIRPath
		}
		p, issues := patch.Parse(media, []byte(body))
		ours(t, issues)
		got, issues := p.Apply(r)
		ours(t, issues)
		if string(r.Bytes()) != child {
			t.Fatal("the resource itself was changed")
		}
		if got == nil {
			if !fhir.HasErrors(issues) {
				t.Fatal("it is refused without a word")
			}
			return
		}
		again, _ := p.Apply(r)
		if again == nil || string(again.Bytes()) != string(got.Bytes()) && !strings.Contains(body, "()") {
			t.Fatal("the second answer differs")
		}
		if same, issues := fhir.Parse(got.Bytes(), fhir.Limits{}); same == nil || same.Ref() != r.Ref() {
			t.Fatalf("the outcome is not the resource: %v", issues)
		}
	})
}

func ours(t *testing.T, issues []fhir.Issue) {
	t.Helper()
	for _, i := range issues {
		if !strings.HasPrefix(i.Diagnostics, "PATCH-") && !strings.HasPrefix(i.Diagnostics, "FHIR-JSON-") {
			t.Fatalf("%+v is not ours", i)
		}
	}
}
