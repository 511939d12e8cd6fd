package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
)

const (
	canonicalBase = "https://drieluik.example/fhir"
	needs         = canonicalBase + "/CodeSystem/hulpbehoefte-item"
	groups        = canonicalBase + "/CodeSystem/behov-grupp"
)

// TestPublishedTerminologyIsServed asks for our own lists and maps in every way that R4 has.
func TestPublishedTerminologyIsServed(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	const form = "application/x-www-form-urlencoded"
	parameters := func(list string) string { return `{"resourceType":"Parameters","parameter":[` + list + `]}` }
	tests := []struct {
		name, method, path, body, media string
		want                            []string
	}{
		{"a list by its URL", http.MethodGet, "/ValueSet/$expand?url=" + canonicalBase + "/ValueSet/geslacht", "", "", []string{`"resourceType":"ValueSet"`, `"total":4`}},
		{"a list by its id", http.MethodGet, "/ValueSet/hulpbehoefte-item/$expand?filter=voeding&count=1", "", "", []string{`"code":"hbs.med.voeding"`, `"display":"Voeding en vocht"`}},
		{"a list by a form", http.MethodPost, "/ValueSet/$expand", "url=" + canonicalBase + "/ValueSet/geslacht&count=0", form, []string{`"total":4`}},
		{"a list by Parameters", http.MethodPost, "/ValueSet/geslacht/$expand", parameters(`{"name":"count","valueInteger":1}`), fhirJSON, []string{`"total":4`, `"contains":[{`}},
		{"a code of a list", http.MethodGet, "/ValueSet/hulpbehoefte-item/$validate-code?system=" + needs + "&code=hbs.med.medicatie", "", "", []string{`"valueBoolean":true`, `"valueString":"Medicatie"`}},
		{"no code of a list", http.MethodGet, "/ValueSet/hulpbehoefte-item/$validate-code?system=" + needs + "&code=nee", "", "", []string{`"valueBoolean":false`, `"message"`}},
		{"a code of a system", http.MethodGet, "/CodeSystem/$validate-code?url=" + needs + "&code=hbs.med.voeding", "", "", []string{`"valueBoolean":true`}},
		{"a code of a system by its id", http.MethodGet, "/CodeSystem/behov-grupp/$validate-code?code=skola&_format=json", "", "", []string{`"valueBoolean":true`, `"Skola"`}},
		{"what a code means", http.MethodPost, "/CodeSystem/$lookup", parameters(`{"name":"coding","valueCoding":{"system":"` + needs + `","code":"hbs.med.voeding"}}`), fhirJSON, []string{`{"name":"display","valueString":"Voeding en vocht"}`}},
		{"a need as a Swedish group", http.MethodGet, "/ConceptMap/$translate?url=" + canonicalBase + "/ConceptMap/hulpbehoefte-item-naar-behov-grupp&system=" + needs + "&code=hbs.med.voeding", "", "",
			[]string{`"valueBoolean":true`, `{"name":"equivalence","valueCode":"equivalent"}`, `"code":"nutrition"`, `"display":"`}},
		{"a SNOMED CT code as a Swedish group", http.MethodGet, "/ConceptMap/$translate?targetsystem=" + groups + "&system=http://snomed.info/sct&code=414916001", "", "", []string{`"valueCode":"wider"`, `"code":"vikt"`}},
		{"a Swedish group as needs", http.MethodGet, "/ConceptMap/hulpbehoefte-item-naar-behov-grupp/$translate?reverse=true&system=" + groups + "&code=vikt", "", "", []string{`"valueCode":"narrower"`, `"code":"414916001"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := g.do("home", tt.method, "/fhir"+tt.path, tt.body, "Content-Type", tt.media).want(t, http.StatusOK)
			for _, part := range tt.want {
				if !strings.Contains(a.body, part) {
					t.Errorf("no %s in %.600s", part, a.body)
				}
			}
			if got := a.header.Get("Content-Type"); got != "application/fhir+json; charset=utf-8" {
				t.Errorf("Content-Type %s", got)
			}
		})
	}
}

func TestTerminologyRefusesWithAllFaults(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	tests := []struct {
		name, method, path, body string
		status                   int
		rules                    []string
	}{
		{"nothing given", http.MethodGet, "/ValueSet/$validate-code", "", 400, []string{"TERM-PARAM-MISSING", "TERM-PARAM-MISSING"}},
		{"wrong and unknown parameters", http.MethodGet, "/ValueSet/$expand?count=x&context=a", "", 400, []string{"TERM-PARAM-UNKNOWN", "TERM-PARAM-VALUE", "TERM-PARAM-MISSING"}},
		{"an unknown value set", http.MethodGet, "/ValueSet/none/$expand", "", 404, []string{"TERM-VALUESET-UNKNOWN"}},
		{"an unknown system", http.MethodGet, "/CodeSystem/$lookup?system=http://loinc.org&code=1", "", 404, []string{"TERM-SYSTEM-UNKNOWN"}},
		{"no Parameters", http.MethodPost, "/ValueSet/$expand", `{"resourceType":"ValueSet"}`, 400, []string{"type-differs"}},
		{"no JSON", http.MethodPost, "/ValueSet/$expand", `{`, 400, []string{"FHIR-JSON-SYNTAX"}},
		{"another method", http.MethodPut, "/ValueSet/$expand", `{}`, 405, []string{"method"}},
		{"an operation that is not served", http.MethodGet, "/ValueSet/$find", "", 404, []string{"path-unknown"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := g.do("home", tt.method, "/fhir"+tt.path, tt.body).want(t, tt.status)
			var rules []string
			for _, i := range decode[outcome](t, a.body).Issue {
				rules = append(rules, i.Diagnostics)
			}
			if diff := cmp.Diff(tt.rules, rules); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTerminologyNeedsALiveTokenAndIsLogged: any role may ask, nobody without a token, and each
// request has one row that names no patient (access.md 6.1).
func TestTerminologyNeedsALiveTokenAndIsLogged(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	p := g.principals["home"]
	p.Scopes = auth.Scopes{}
	g.principals["without-scopes"] = p
	const path = "/fhir/ValueSet/geslacht/$expand"
	before := len(g.events())
	g.get("", path).want(t, http.StatusUnauthorized)
	g.get("nobody", path).want(t, http.StatusUnauthorized)
	g.get("without-scopes", path+"?count=x").want(t, http.StatusBadRequest)
	g.get("without-scopes", path+"?count=1").want(t, http.StatusOK)
	var got []string
	for _, e := range g.events()[before:] {
		last := e.Subtype[len(e.Subtype)-1].Code
		got = append(got, e.Compartment+" "+e.Action+" "+e.Outcome+" "+e.OutcomeDesc+" "+last)
	}
	want := []string{
		"_system R 4 token-missing read", "_system R 4 token-invalid read",
		"_system E 4 TERM-PARAM-VALUE expand", "_system E 0  expand",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOperationsLeaveResourcesOfTheirTypesAlone: the paths of operations stand beside ordinary ones.
func TestOperationsLeaveResourcesOfTheirTypesAlone(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for _, path := range []string{"/fhir/ValueSet/expand", "/fhir/ValueSet/x/_history/1", "/fhir/ConceptMap/translate"} {
		g.get("home", path).want(t, http.StatusNotFound).wantIssue(t, "not-found", "")
	}
	g.search("home", "/fhir/ValueSet?url=urn:x")
	g.do("home", http.MethodPost, "/fhir/CodeSystem/_search", "url=urn:x", "Content-Type", "application/x-www-form-urlencoded").want(t, http.StatusOK)
	g.do("home", http.MethodPost, "/fhir/ValueSet", `{"resourceType":"ValueSet","status":"draft"}`).want(t, http.StatusForbidden).wantIssue(t, "write-role", "")
}
