package validate_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

// Whatever parses can be validated: without panic, twice alike, with a bounded number of whole issues.
func FuzzResource(f *testing.F) {
	f.Add(carePlan())
	for _, src := range []string{
		patient(`"name":[{"given":["A",null],"_given":[null,{"id":"a"}]}],"_birthDate":{"id":"b"}`),
		patient(`"contained":[{"resourceType":"Patient","id":"a","link":[{"other":{"reference":"#"},"type":"seealso"}]}]`),
		patient(`"extension":[{"url":"a","valueReference":{"reference":"#b","type":"Patient"}},{"_valueString":[null]}]`),
		patient(`"text":{"status":"x","div":"<div xmlns='http://www.w3.org/1999/xhtml'><p a='&#x;'/><!-- - --></div>"}`),
		`{"resourceType":"Bundle","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","managingOrganization":{"reference":"urn:uuid:1"}}}]}`,
		`{"resourceType":"Observation","valueDateTime":"2024-02-30T10:00:00Z","effectivePeriod":{"start":"20"},"valueTime":"1"}`,
		extended("Oid", `"urn:oid:1."`), extended("Integer", `-`+"1e9"), extended("Base64Binary", `"="`),
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		r, _ := fhir.Parse(src, fhir.Limits{})
		if r == nil {
			return
		}
		issues := validate.Resource(r)
		if diff := cmp.Diff(issues, validate.Resource(r)); diff != "" {
			t.Error(diff)
		}
		if len(issues) > 301 {
			t.Errorf("%d issues", len(issues))
		}
		for _, i := range issues {
			if !strings.HasPrefix(i.Expression, string(r.Type())) || i.Code == "" || i.Diagnostics == "" || i.Text == "" {
				t.Errorf("incomplete issue %+v", i)
			}
		}
	})
}

// A narrative that passes is well-formed for an independent XML parser, and holds nothing active.
func FuzzNarrative(f *testing.F) {
	for _, div := range []string{
		open + `<p class="a" title='b'>A &amp; &#x41;<br/></p><!-- c --></div>`,
		open + `<a href="https://e.org">A</a><img src="#b" alt=""/></div>`,
		open + `<!--><script>--></div>`, open + "<b><i>A</b></i></div>", open + "<p\n\tid = 'a' >A</p\n></div>",
	} {
		f.Add(div)
	}
	f.Fuzz(func(t *testing.T, div string) {
		text, err := json.Marshal(div)
		if err != nil {
			return
		}
		r, _ := fhir.Parse([]byte(`{"resourceType":"Basic","code":{"text":"A"},"text":{"status":"generated","div":`+string(text)+`}}`), fhir.Limits{})
		if r == nil || fhir.HasErrors(validate.Resource(r)) {
			return
		}
		for d := xml.NewDecoder(strings.NewReader(r.Root().At("text", "div").Text())); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatalf("%q is not well-formed: %v", div, err)
			}
			start, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			for _, a := range start.Attr {
				if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") || strings.Contains(strings.ToLower(a.Value), "script:") {
					t.Fatalf("%q holds something active", div)
				}
			}
			if name := strings.ToLower(start.Name.Local); name == "script" || name == "style" || name == "iframe" {
				t.Fatalf("%q holds %s", div, name)
			}
		}
	})
}

// With profiles and Questionnaires too: without panic, twice alike, bounded, and no value repeated.
func FuzzProfile(f *testing.F) {
	for _, file := range []string{"profile.json", "response.json", "questionnaire.json", "bundle.json", "whole.json"} {
		for i, c := range brokenCases(f, file) {
			if i%6 == 0 {
				f.Add([]byte(c.Resource))
			}
		}
	}
	v, err := fictional()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		r, _ := fhir.Parse(src, fhir.Limits{})
		if r == nil {
			return
		}
		const profile = "https://voorbeeld.example/fhir/StructureDefinition/kind"
		issues := v.Resource(r, profile)
		if diff := cmp.Diff(issues, v.Resource(r, profile)); diff != "" {
			t.Error(diff)
		}
		if len(issues) > 301 {
			t.Errorf("%d issues", len(issues))
		}
		for _, i := range issues {
			if !strings.HasPrefix(i.Expression, string(r.Type())) || i.Code == "" || i.Diagnostics == "" || i.Text == "" {
				t.Errorf("incomplete issue %+v", i)
			}
		}
	})
}
