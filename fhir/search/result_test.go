package search_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

func active(t *testing.T) search.Clause {
	t.Helper()
	return clause("status", search.Token, "", search.Value{AnySystem: true, Value: "active"})
}

// over is a chain to one type.
func over(param string, typ fhir.Type, where search.Clause) search.Clause {
	return search.Clause{Param: param, Kind: search.Reference, Hops: []search.Hop{{Type: typ, Where: where}}}
}

func TestChainsLeadToEveryTypeThatKnowsTheRest(t *testing.T) {
	t.Parallel()
	name := clause("name", search.String, "", search.Value{Value: "a"})
	has := search.Clause{Param: "_has", Hops: []search.Hop{{Type: "CarePlan", Back: "subject", Where: active(t)}}}
	for query, want := range map[string]search.Clause{
		"subject:Patient.name=a": over("subject", "Patient", name),
		"subject.name=a":         over("subject", "Patient", name), // a Group has no name parameter
		"patient.organization.name=a": over("patient", "Patient", over("organization", "Organization",
			clause("name", search.String, "", search.Value{Value: "a"}))),
		"patient._has:CarePlan:subject:status=active": over("patient", "Patient", has),
		"subject:Patient.name:exact=A":                over("subject", "Patient", clause("name", search.String, "exact", search.Value{Value: "A"})),
		"performer.identifier=s|1": {Param: "performer", Kind: search.Reference, Hops: func() []search.Hop {
			var hops []search.Hop
			for _, typ := range []fhir.Type{"CareTeam", "Device", "HealthcareService", "Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"} {
				hops = append(hops, search.Hop{Type: typ, Where: clause("identifier", search.Token, "", search.Value{System: "s", Value: "1"})})
			}
			return hops
		}()},
	} {
		plan, issues := parse(t, "CarePlan", query)
		if issues != nil {
			t.Errorf("%s: %v", query, issues)
			continue
		}
		sortHops := cmp.Transformer("sorted", func(hops []search.Hop) map[fhir.Type]search.Hop {
			m := map[fhir.Type]search.Hop{}
			for _, h := range hops {
				m[h.Type] = h
			}
			return m
		})
		if diff := cmp.Diff([]search.Clause{want}, plan.Where, sortHops); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	plan, issues := parse(t, "Patient", "_has:CarePlan:subject:_has:Provenance:target:recorded=2020&_has:CarePlan:subject:status=active")
	if issues != nil || len(plan.Where) != 2 || plan.Where[0].Hops[0].Where.Hops[0].Type != "Provenance" {
		t.Errorf("%+v %v", plan.Where, issues)
	}
}

// manyConditions is a query of n different conditions.
func manyConditions(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf("name=a%d", i)
	}
	return strings.Join(parts, "&")
}

func TestBoundsAreNamed(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"partof.partof.partof.partof.partof.partof.name=a":                             "SEARCH-CHAIN-DEPTH at most 5",
		strings.Repeat("_has:Location:partof:", 6) + "name=a":                          "SEARCH-CHAIN-DEPTH at most 5",
		"_has:Provenance:target:target.identifier=a&_has:Observation:subject:status=a": "SEARCH-CHAIN-WIDE at most 64",
		"_sort=name,name,name,name,name,name,name,name,name":                           "SEARCH-SORT-MANY at most 8",
		strings.Repeat("_include=Location:partof&", 21):                                "SEARCH-INCLUDE-MANY at most 20",
		"name=" + strings.Repeat("a,", 1001):                                           "SEARCH-",
		strings.Repeat("name=a&", 33):                                                  "",
		manyConditions(33):                                                             "SEARCH-TOO-MANY more than 32",
		"_elements=" + strings.Repeat("name,", 101):                                    "SEARCH-ELEMENTS-FORM at most 100",
	} {
		_, issues := parse(t, "Location", query)
		rule, limit, _ := strings.Cut(want, " ")
		if want == "" { // one condition, said often
			if len(issues) > 0 {
				t.Errorf("%.60s: %v", query, issues)
			}
			continue
		}
		if len(issues) == 0 || !strings.HasPrefix(issues[0].Diagnostics, rule) || !strings.Contains(issues[0].Text, limit) {
			t.Errorf("%.60s: %v, want %s", query, issues, want)
		}
	}
}

func TestAHostileQueryIsAnsweredShortly(t *testing.T) {
	t.Parallel()
	many := url.Values{}
	for i := range 20_000 {
		many.Set(fmt.Sprintf("geheim%d", i), "a")
	}
	long := strings.Repeat("urn:known,", 200_000)
	distinct := make([]string, 20_000)
	for i := range distinct {
		distinct[i] = fmt.Sprint(i)
	}
	for name, query := range map[string]url.Values{
		"names": many, "sets": {"code:in": {long}}, "codes": {"code:below": {strings.ReplaceAll(long, "urn:known", "s|a")}},
		"chain": {"subject.identifier": {long}}, "values": {"code": {long}}, "has": {"_has:Provenance:target:target.identifier": {long}},
		"conditions": {"code": distinct},
	} {
		for _, lenient := range []bool{false, true} {
			o := withTerms
			o.Lenient = lenient
			_, issues := search.Parse("Observation", query, o)
			if n := len(issues); n == 0 || n > 60 || !fhir.HasErrors(issues) || issues[n-1].Code != "too-costly" {
				t.Errorf("%s, lenient %v: %d issues", name, lenient, n)
			}
		}
	}
}

func TestControlsShapeTheAnswer(t *testing.T) {
	t.Parallel()
	plan, issues := parse(t, "CarePlan", "_sort=-date,_id&_include=CarePlan:subject:Patient&_include:iterate=Patient:*&_include=*"+
		"&_revinclude=Provenance:target&_summary=true")
	want := search.Plan{
		Type: "CarePlan", Count: 20, Select: fhir.Selection{Summary: "true"},
		Sort: []search.Sort{{Param: "date", Kind: search.Date, Desc: true}, {Param: "_id", Kind: search.Token}},
		Include: []search.Include{
			{Source: "CarePlan", Param: "subject", Target: "Patient"}, {Param: "*"},
			{Source: "Patient", Param: "*", Iterate: true}, {Source: "Provenance", Param: "target", Back: true},
		},
	}
	if diff := cmp.Diff(want, plan); diff != "" || issues != nil {
		t.Errorf("%v %s", issues, diff)
	}
	for query, want := range map[string]search.Plan{
		"_summary=count":          {Type: "CarePlan", Total: true},
		"_summary=false":          {Type: "CarePlan", Count: 20},
		"_elements=status,intent": {Type: "CarePlan", Count: 20, Select: fhir.Selection{Elements: []string{"status", "intent"}}},
	} {
		if plan, issues := parse(t, "CarePlan", query); issues != nil || cmp.Diff(want, plan) != "" {
			t.Errorf("%s: %v %s", query, issues, cmp.Diff(want, plan))
		}
	}
	for query, rule := range map[string]string{
		"_summary=true&_elements=id":                "SEARCH-SUMMARY-ELEMENTS",
		"_summary=text&_include=*":                  "SEARCH-SUMMARY-INCLUDE",
		"_revinclude=*":                             "SEARCH-INCLUDE-FORMAT",
		"_include:recurse=*":                        "SEARCH-INCLUDE-MODIFIER",
		"_include=CarePlan:status":                  "SEARCH-INCLUDE-UNKNOWN",
		"_include=CarePlan:subject:Device":          "SEARCH-INCLUDE-TARGET",
		"_sort=title":                               "SEARCH-SORT-UNKNOWN",
		"_has:Goal:status=a":                        "SEARCH-HAS-FORMAT",
		"_has:Goal:subject:lifecycle-status=active": "SEARCH-HAS-REFERENCE",
		"subject:below=Patient/a":                   "SEARCH-MODIFIER-UNKNOWN",
		"category:in=urn:known":                     "SEARCH-TERMINOLOGY",
	} {
		if _, issues := parse(t, "CarePlan", query); len(issues) != 1 || issues[0].Diagnostics != rule {
			t.Errorf("%s: %v, want %s", query, issues, rule)
		}
	}
}

func TestTheLogIsSearchedByItself(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"Patient", "_has:AuditEvent:patient:action=R"}, {"AuditEvent", "patient.birthdate=2020"}, {"AuditEvent", "_include=*"},
		{"AuditEvent", "_include=AuditEvent:patient"}, {"Patient", "_revinclude=AuditEvent:patient"}, {"", "_id=a"},
	} {
		plan, issues := search.Plan{}, []fhir.Issue(nil)
		if c[0] == "" {
			plan, issues = search.ParseAll([]fhir.Type{"Patient", "AuditEvent"}, url.Values{"_id": {"a"}}, options)
		} else {
			plan, issues = parse(t, fhir.Type(c[0]), c[1])
		}
		if len(issues) != 1 || issues[0].Diagnostics == "" || plan.Where != nil {
			t.Errorf("%v: %v", c, issues)
		}
	}
	if _, issues := parse(t, "AuditEvent", "patient=a&date=ge2020&_sort=-date"); issues != nil {
		t.Error(issues)
	}
}

func TestALenientSearchLeavesOutWhatIsUnknownAlone(t *testing.T) {
	t.Parallel()
	o := options
	o.Lenient = true
	query := url.Values{"geheim": {"a"}, "_list": {"b"}, "status": {"active"}}
	for _, search := range []func() (search.Plan, []fhir.Issue){
		func() (search.Plan, []fhir.Issue) { return search.Parse("CarePlan", query, o) },
		func() (search.Plan, []fhir.Issue) {
			return search.ParseAll([]fhir.Type{"CarePlan", "Goal"}, query, o)
		},
	} {
		plan, issues := search()
		if fhir.HasErrors(issues) || len(issues) < 2 || len(plan.Ignored) < 2 {
			t.Errorf("%+v %v", plan, issues)
		}
		for _, part := range plan.All() {
			if known := part.Type == "CarePlan" && plan.Type != ""; (len(part.Where) == 1) != known {
				t.Errorf("conditions of %s: %v", part.Type, part.Where)
			}
		}
	}
	if _, issues := search.Parse("CarePlan", url.Values{"geheim": {"a"}, "date": {"x"}}, o); !fhir.HasErrors(issues) {
		t.Error("a faulty value is left out")
	}
}

func TestACompartmentIsAChainOverItsOwner(t *testing.T) {
	t.Parallel()
	id := clause("_id", search.Token, "", search.Value{AnySystem: true, Value: "p"})
	owner := fhir.Ref{Type: "Patient", ID: "p"}
	got, ok := search.Compartment(owner, "Observation")
	if diff := cmp.Diff(search.Clause{Any: []search.Clause{over("subject", "Patient", id), over("performer", "Patient", id)}}, got); diff != "" || !ok {
		t.Error(diff)
	}
	if got, ok := search.Compartment(owner, "Goal"); !ok || cmp.Diff(over("patient", "Patient", id), got) != "" {
		t.Errorf("%+v", got)
	}
	if _, ok := search.Compartment(owner, "Organization"); ok || len(search.CompartmentTypes("Organization")) > 0 {
		t.Error("an Organization is in a compartment, or has one")
	}
}
