package terminology_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/fhir"
)

// FuzzOperations holds every operation to its contract: any query or Parameters gives a resource or
// a refusal in our own words.
func FuzzOperations(f *testing.F) {
	for _, query := range []string{
		"url=urn:vs:whole&filter=d&count=1&offset=0", "url=urn:vs:whole&displayLanguage=+", "url=urn:vs:nested&displayLanguage=sv", "system=urn:cs:animals&code=hond&property=parent",
		"url=urn:vs:thicket", "source=urn:vs:s&reverse=true&system=urn:s&code=a", "url=urn:vs:edition%7C1.9", "%00=%ff", "url=|", "url=urn:cs:loose&code=AB",
	} {
		f.Add(query, "")
	}
	f.Add("url=urn:vs:whole", `{"resourceType":"Parameters","parameter":[{"name":"coding","valueCoding":{"system":"urn:cs:animals","code":"hond"}}]}`)
	f.Add("", `{"resourceType":"Parameters","parameter":[{"name":"codeableConcept","valueCodeableConcept":{"coding":[{"system":"a","code":"b"}]}},{"name":"url","valueUri":"urn:vs:snomed"}]}`)
	f.Add("", `{"resourceType":"Parameters","parameter":{"name":{"a":1},"valueString":[1],"part":1}}`)
	terms := terms(f)
	f.Fuzz(func(t *testing.T, query, body string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		in := terminology.FromQuery(q)
		if r, _ := fhir.Parse([]byte(body), fhir.Limits{}); r != nil {
			given, _ := terminology.FromParameters(r)
			in = in.With(given)
		}
		for _, o := range terminology.Operations() {
			for _, id := range []string{"", "whole", "animals"} {
				out, err := terms.Do(o, terminology.Request{Input: in, ID: id, Now: time.Unix(0, 0)})
				var e *fhir.Error
				if err != nil && (!errors.As(err, &e) || e.Kind == fhir.Internal || len(e.Issues) == 0) {
					t.Fatalf("%s: %v", o.Name, err)
				}
				if err != nil {
					continue
				}
				if r, issues := fhir.Parse(out, fhir.Limits{}); r == nil {
					t.Fatalf("%s: %v in %s", o.Name, issues, out)
				}
			}
		}
	})
}
