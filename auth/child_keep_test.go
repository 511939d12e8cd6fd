package auth_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"unsafe"
	"weak"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// TestACompiledChildHoldsNothingOfItsMaterial: a policy is kept of thousands of children, and a text of ten bytes
// that stands in a resource, or in its facts as the store reads them, holds all of that in memory.
func TestACompiledChildHoldsNothingOfItsMaterial(t *testing.T) {
	const lent = `"valueReference":{"reference":"Organization/hospital"}`
	child, texts := compiledApart(t, append(family("2020-05-04"),
		`{"resourceType":"Patient","id":"kim","birthDate":"2020-05-04","managingOrganization":{"reference":"Organization/hospital"},
			"meta":{"security":[{"system":"`+accessSystem+`","code":"seal-person","extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/barred-party",`+lent+`}]}]}}`,
		`{"resourceType":"Task","id":"task","status":"accepted","for":{"reference":"Patient/kim"},"owner":{"reference":"Organization/home"},"requester":{"reference":"Organization/hospital"}}`,
		`{"resourceType":"Flag","id":"flag","status":"active","subject":{"reference":"Patient/kim"},"code":{"coding":[{"system":"`+flagSystem+`","code":"osl-12-3"}]}}`,
		consentOf("yes", provisionFor("permit", home, `"purpose":[{"system":"`+reasonSystem+`","code":"TREAT"}],`+domainCode("medisch")), "RelatedPerson/mother"),
	)...)
	runtime.GC()
	for name, text := range texts {
		if text.Value() != nil {
			t.Errorf("%s is still held", name)
		}
	}
	if len(texts) < 14 {
		t.Errorf("%d texts made a policy", len(texts))
	}
	runtime.KeepAlive(child)
}

// compiledApart compiles a child from resources each of which, and each of whose facts, stands in a text of its own.
// Nothing else holds them.
func compiledApart(t *testing.T, resources ...string) (*auth.Child, map[string]weak.Pointer[byte]) {
	t.Helper()
	texts := map[string]weak.Pointer[byte]{}
	m := auth.Material{Compartment: "kim", Epoch: 1}
	for _, row := range smallWorld(t, nil, resources...).material(refOf("Patient/kim")).Resources {
		name := row.Facts.Ref.String()
		body := bytes.Clone(row.Resource.Bytes())
		r, issues := fhir.ParseOwned(body, fhir.Limits{})
		if len(issues) > 0 {
			t.Fatal(issues)
		}
		texts[name] = weak.Make(unsafe.SliceData(body))
		// As the store decodes facts: all texts of a resource are parts of one.
		all := strings.Join([]string{row.Facts.Custodian.ID, row.Facts.Ref.ID, strings.Repeat(" ", 64)}, "|")
		f := row.Facts
		f.Custodian.ID, f.Ref.ID = all[:len(f.Custodian.ID)], all[len(f.Custodian.ID)+1:][:len(f.Ref.ID)]
		texts["facts of "+name] = weak.Make(unsafe.StringData(all))
		m.Resources = append(m.Resources, auth.Stored{Resource: r, Facts: f})
	}
	return auth.NewChild(m), texts
}
