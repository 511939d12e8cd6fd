package search_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
	"github.com/drieluik/drieluik/fhir/search"
)

// samples hold one value of each FHIR type that a search parameter can index.
var samples = map[string]string{
	"boolean": `true`, "integer": `1`, "positiveInt": `1`, "unsignedInt": `1`, "decimal": `1.5`,
	"date": `"2014-05-21"`, "dateTime": `"2014-05-21"`, "instant": `"2014-05-21T10:00:00Z"`,
	"string": `"a"`, "markdown": `"a"`, "code": `"a"`, "id": `"a"`,
	"uri": `"urn:a"`, "url": `"urn:a"`, "canonical": `"urn:a"`, "oid": `"urn:oid:1.2"`, "uuid": `"urn:uuid:1"`,
	"Coding": `{"code":"a"}`, "CodeableConcept": `{"coding":[{"code":"a"}],"text":"a"}`, "Identifier": `{"value":"a"}`,
	"ContactPoint": `{"system":"phone","value":"a"}`, "HumanName": `{"family":"a"}`, "Address": `{"city":"a"}`,
	"Reference": `{"reference":"Patient/a"}`, "Period": `{"start":"2014"}`, "Timing": `{"event":["2014"]}`,
	"Quantity": `{"value":1}`, "Age": `{"value":1}`, "Duration": `{"value":1}`, "Count": `{"value":1}`,
	"Money": `{"value":1}`, "Range": `{"low":{"value":1}}`, "SampledData": `{"origin":{"value":1},"data":"1 2"}`,
	"Location.position": `{"latitude":1,"longitude":2}`,
}

// plain is an expression, or an alternative of one, that names elements and no more than a type.
var plain = regexp.MustCompile(`^\(?([A-Za-z.]+?)(?:\.as\((\w+)\)| as (\w+)|\.where\(resolve\(\) is (\w+)\))?\)?$`)

// TestEveryParameterFindsItsElement builds, for each parameter and each type of its element, a
// resource that has nothing but that element. One of them must give a row.
func TestEveryParameterFindsItsElement(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, resource := range r4.Resources() {
		for _, p := range r4.SearchParams(resource) {
			if p.Expression == "" || p.Type == "composite" || p.Code == "_id" || p.Code == "_lastUpdated" {
				continue
			}
			for _, alternative := range strings.Split(p.Expression, " | ") {
				m := plain.FindStringSubmatch(strings.TrimSpace(alternative))
				if m == nil || !strings.Contains(m[1], ".") {
					continue
				}
				names := strings.Split(m[1], ".")
				sources := build(resource, names[1:], m[2]+m[3], m[4])
				if !slices.ContainsFunc(sources, func(src string) bool { return hasRow(t, resource, src, p.Code) }) {
					t.Errorf("%s.%s: %s gives no row in any of %v", resource, p.Code, alternative, sources)
				}
				checked++
			}
		}
	}
	if checked < 1500 {
		t.Errorf("checked %d parameters, want nearly all", checked)
	}
}

// build returns the members of a type that lead to an element, one text for each type it may have.
func build(typ string, names []string, only, target string) []string {
	var out []string
	for _, e := range elements(typ) {
		if e.Name != names[0] {
			continue
		}
		for _, ref := range e.Types {
			if len(names) == 1 && only != "" && !strings.EqualFold(ref.Code, only) {
				continue
			}
			name := e.Name
			if e.Choice {
				name += strings.ToUpper(ref.Code[:1]) + ref.Code[1:]
			}
			values := []string{samples[ref.Code]}
			if target != "" {
				values[0] = `{"reference":"` + target + `/a"}`
			}
			if ref.Code == "Resource" {
				values[0] = `{"resourceType":"Basic","id":"a"}`
			}
			if len(names) > 1 {
				values = build(ref.Code, names[1:], only, target)
			}
			for _, v := range values {
				if len(names) > 1 {
					v = "{" + v + "}"
				}
				if e.Max != 1 {
					v = "[" + v + "]"
				}
				out = append(out, member(name, v))
			}
		}
	}
	return out
}

func member(name, value string) string { return `"` + name + `":` + value }

func elements(typ string) []r4.Element {
	var all []r4.Element
	for s := r4.Lookup(typ); s != nil; s = r4.Lookup(s.Base) {
		all = append(all, s.Elements...)
	}
	return all
}

func hasRow(t *testing.T, typ, members, param string) bool {
	t.Helper()
	r, _ := fhir.Parse([]byte(`{"resourceType":"`+typ+`",`+members+`}`), fhir.Limits{})
	if r == nil {
		return false
	}
	rows, err := search.Index(r, base)
	if err != nil {
		t.Errorf("%s: %v", typ, err)
	}
	return slices.ContainsFunc(rows, func(row search.Row) bool { return row.Param == param })
}
