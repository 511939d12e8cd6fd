package search_test

import (
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

var options = search.Options{
	Base: base + "/", MaxCount: 200, Count: 20, Now: time.UnixMilli(d20140521).Add(20 * 24 * time.Hour),
}

// withTerms knows one value set and one code with a code below it.
var withTerms = func() search.Options {
	o := options
	o.Terms = search.Terms{
		Expand: func(url string) ([]search.Code, bool) {
			return []search.Code{{System: "s", Code: "a"}, {System: "t", Code: "b"}}, url == "urn:known"
		},
		Subsumed: func(c search.Code, above bool) ([]search.Code, bool) {
			if above {
				return []search.Code{c}, c.Code == "a"
			}
			return []search.Code{c, {System: c.System, Code: c.Code + "1"}}, c.Code == "a"
		},
	}
	return o
}()

func parse(t testing.TB, typ fhir.Type, query string) (search.Plan, []fhir.Issue) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return search.Parse(typ, values, options)
}

func clause(param string, kind search.Kind, modifier string, values ...search.Value) search.Clause {
	return search.Clause{Param: param, Kind: kind, Modifier: modifier, Values: values}
}

func dateClause(op search.Op, low, high float64) search.Clause {
	return clause("date", search.Date, "", search.Value{Op: op, Low: low, High: high})
}

func below(f float64) float64 { return math.Nextafter(f, math.Inf(-1)) }

// conditionCases are queries of one condition and its clause.
var conditionCases = []struct {
	name, query string
	typ         fhir.Type
	want        search.Clause
}{
	{"a bare code has any system", "category=a", "CarePlan",
		clause("category", search.Token, "", search.Value{AnySystem: true, Value: "a"})},
	{"a code has its system", "category=s|a", "CarePlan",
		clause("category", search.Token, "", search.Value{System: "s", Value: "a"})},
	{"a bar alone before a code means no system", "category=|a", "CarePlan",
		clause("category", search.Token, "", search.Value{Value: "a"})},
	{"a system without a code means any code of it", "category=s|", "CarePlan",
		clause("category", search.Token, "", search.Value{System: "s"})},
	{"a comma means or", "status:not=active,draft", "CarePlan",
		clause("status", search.Token, "not", search.Value{AnySystem: true, Value: "active"}, search.Value{AnySystem: true, Value: "draft"})},
	{"escaped separators belong to the value", `category=a\,b\|c\$d\\`, "CarePlan",
		clause("category", search.Token, "", search.Value{AnySystem: true, Value: `a,b|c$d\`})},
	{"a bare id refers to any type", "subject=p1", "CarePlan",
		clause("subject", search.Reference, "", search.Value{AnySystem: true, Value: "p1"})},
	{"a type before the id is its type", "subject=Patient/p1", "CarePlan",
		clause("subject", search.Reference, "", search.Value{System: "Patient", Value: "p1"})},
	{"a type as modifier is its type", "subject:Patient=p1", "CarePlan",
		clause("subject", search.Reference, "Patient", search.Value{System: "Patient", Value: "p1"})},
	{"a URL under the base is local", "subject=https://drieluik.example/fhir/Patient/p1", "CarePlan",
		clause("subject", search.Reference, "", search.Value{System: "Patient", Value: "p1"})},
	{"another URL is itself", "subject=https://other.example/fhir/Patient/p1", "CarePlan",
		clause("subject", search.Reference, "", search.Value{Value: "https://other.example/fhir/Patient/p1"})},
	{"an identifier of a reference is a token", "subject:identifier=s|1", "CarePlan",
		clause("subject", search.Reference, "identifier", search.Value{System: "s", Value: "1"})},
	{"a day is a day of the server", "date=2014-05-21", "CarePlan", dateClause(search.Eq, m20140521, m20140521+msPerDay)},
	{"a day has 23 hours when summer begins", "date=2026-03-29", "CarePlan", dateClause(search.Eq, 1774738800000, 1774738800000+23*3600*1000)},
	{"a month is a month", "date=ge2014-05", "CarePlan", dateClause(search.Ge, m20140521-20*msPerDay, m20140521+11*msPerDay)},
	{"an instant keeps its zone", "date=lt2014-05-21T02:00:00%2B02:00", "CarePlan", dateClause(search.Lt, d20140521, d20140521+1000)},
	{"a plus that became a space is a plus", "date=lt2014-05-21T02:00:00+02:00", "CarePlan", dateClause(search.Lt, d20140521, d20140521+1000)},
	{"about a date is a tenth of its distance from now", "date=ap2014-05-21T00:00:00.000Z", "CarePlan",
		dateClause(search.Ap, d20140521+0.05-2*msPerDay, d20140521+0.95+2*msPerDay)},
	{"a string is folded", "family=%C3%96BERG", "Patient",
		clause("family", search.String, "", search.Value{Value: "oberg"})},
	{"an exact string is not", "family:exact=%C3%96berg", "Patient",
		clause("family", search.String, "exact", search.Value{Value: "Öberg"})},
	{"a missing parameter is a truth", "family:missing=true", "Patient",
		clause("family", search.String, "missing", search.Value{Value: "true"})},
	{"a number has the precision it is written with", "probability=1e2", "RiskAssessment",
		clause("probability", search.Number, "", search.Value{Low: 95, High: below(105)})},
	{"a compared number is exact", "probability=gt100", "RiskAssessment",
		clause("probability", search.Number, "", search.Value{Op: search.Gt, Low: 100, High: 100})},
	{"a quantity has a system and a code", "value-quantity=le5.5|http://unitsofmeasure.org|mg", "Observation",
		clause("value-quantity", search.Quantity, "", search.Value{Op: search.Le, System: "http://unitsofmeasure.org", Value: "mg", Low: 5.5, High: 5.5})},
	{"an id is a clause", "_id=a,b", "Patient",
		clause("_id", search.Token, "", search.Value{AnySystem: true, Value: "a"}, search.Value{AnySystem: true, Value: "b"})},
}

func TestParseConditions(t *testing.T) {
	t.Parallel()
	for _, tt := range conditionCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan, issues := parse(t, tt.typ, tt.query)
			if issues != nil {
				t.Fatalf("issues: %v", issues)
			}
			if diff := cmp.Diff([]search.Clause{tt.want}, plan.Where); diff != "" {
				t.Errorf("where (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseJoinsAndCounts(t *testing.T) {
	t.Parallel()
	plan, issues := parse(t, "CarePlan", "date=ge2014&date=lt2015&status=active&_count=1000&_total=accurate&_format=json")
	if issues != nil {
		t.Fatal(issues)
	}
	if plan.Type != "CarePlan" || len(plan.Where) != 3 || plan.Count != 200 || !plan.Total {
		t.Errorf("plan %+v: want three clauses, a capped count and a total", plan)
	}
	plan, _ = parse(t, "CarePlan", "")
	if diff := cmp.Diff(search.Plan{Type: "CarePlan", Count: 20}, plan); diff != "" {
		t.Errorf("empty query (-want +got):\n%s", diff)
	}
	plan, _ = parse(t, "CarePlan", "_count=0")
	if plan.Count != 0 || !plan.Total {
		t.Errorf("plan %+v: a count of zero asks for the total alone", plan)
	}
}

func TestParseNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, issues := parse(t, "CarePlan", "geheim=SECRET1&status:below=SECRET2&_sort=SECRET3&_include=SECRET4"+
		"&subject.geheim=SECRET5&subject:Device.name=SECRET6&_revinclude=SECRET15:SECRET16&_elements=SECRET17&_summary=SECRET18"+
		"&_list=SECRET19&_sort=SECRET20&subject:Device=SECRET7&date=SECRET8&category=&care-team=SEC%20RET"+
		"&_count=SECRET9&_total=SECRET10&status:missing=SECRET11&intent=a|b|SECRET12&_has:Task:focus:status=SECRET13&p%22x=SECRET14")
	got := map[string]int{}
	for _, i := range issues {
		got[i.Diagnostics+" "+i.Code+" "+i.Expression]++
		if strings.Contains(i.Text+i.Expression, "SEC") || strings.Contains(i.Text, `"`) {
			t.Errorf("%s echoes what was sent: %s", i.Diagnostics, i.Text)
		}
	}
	want := map[string]int{
		"SEARCH-PARAM-UNKNOWN not-supported ":                1,
		"SEARCH-PARAM-UNKNOWN not-supported http.geheim":     1,
		"SEARCH-TERMINOLOGY not-supported http.status":       1,
		"SEARCH-MODIFIER-UNKNOWN not-supported http.subject": 1,
		"SEARCH-CONTROL-FORM invalid http._sort":             1,
		"SEARCH-INCLUDE-FORMAT invalid http._include":        1,
		"SEARCH-INCLUDE-FORMAT invalid http._revinclude":     1,
		"SEARCH-ELEMENTS-UNKNOWN invalid http._elements":     1,
		"SEARCH-SUMMARY-FORMAT invalid http._summary":        1,
		"SEARCH-PARAM-UNSUPPORTED not-supported http._list":  1,
		"SEARCH-CHAIN-UNKNOWN not-supported http.subject":    1,
		"SEARCH-CHAIN-TARGET not-supported http.subject":     1,
		"SEARCH-VALUE-FORMAT invalid http.date":              1,
		"SEARCH-VALUE-FORMAT invalid http.category":          1,
		"SEARCH-VALUE-FORMAT invalid http.care-team":         1,
		"SEARCH-VALUE-FORMAT invalid http.status":            1,
		"SEARCH-VALUE-FORMAT invalid http.intent":            1,
		"SEARCH-COUNT-FORMAT invalid http._count":            1,
		"SEARCH-TOTAL-FORMAT invalid http._total":            1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("issues (-want +got):\n%s", diff)
	}
	i := slices.IndexFunc(issues, func(i fhir.Issue) bool { return i.Diagnostics == "SEARCH-PARAM-UNKNOWN" })
	if !strings.Contains(issues[i].Text, "activity-code, activity-date") {
		t.Errorf("the known parameters are not named: %s", issues[i].Text)
	}
}

// modifierSamples are values that a parameter takes with a modifier, where its kind alone does not say.
var modifierSamples = map[string]string{
	"missing": "true", "of-type": "s|c|v", "in": "urn:known", "not-in": "urn:known",
	"identifier": "s|v", "text": "a", "not": "a", "contains": "a", "exact": "a",
}

func TestParamsAreWhatParseAccepts(t *testing.T) {
	t.Parallel()
	samples := map[search.Kind]string{
		search.Token: "s|a", search.Reference: "a", search.Date: "2014", search.String: "a", search.Number: "1",
		search.Quantity: "1", search.URI: "http://a/b", search.Composite: "a$2014",
	}
	for _, typ := range fhir.Types() {
		params := search.Params(typ)
		if !slices.IsSortedFunc(params, func(a, b search.Param) int { return strings.Compare(a.Code, b.Code) }) {
			t.Errorf("%s: parameters are not in order", typ)
		}
		for _, p := range params {
			for _, modifier := range append(p.Modifiers, "") {
				value, ok := modifierSamples[modifier]
				if !ok {
					value = samples[p.Kind]
				}
				if modifier == "type" {
					modifier = p.Targets[0]
				}
				name := strings.TrimSuffix(p.Code+":"+modifier, ":")
				_, issues := search.Parse(typ, url.Values{name: {value}}, withTerms)
				if issues != nil && p.Kind == search.Composite {
					_, issues = search.Parse(typ, url.Values{name: {value + "$1"}}, withTerms)
				}
				if issues != nil {
					t.Errorf("%s?%s: %v", typ, name, issues)
				}
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"subject:Patient.organization.name=a&_has:Provenance:target:agent.name=b&code-value-quantity=a$1", "_sort=-date&_include=*&_revinclude:iterate=Provenance:target&_elements=code",
		"status=active", `category=a\,b|c,|d`, "date=ap2014-05-21T02:00:00+02:00", "subject:Patient=p&_count=0", "value-quantity=ap5.4e-3||mg", "a%00b:c.d=e",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		values, err := url.ParseQuery(s)
		if err != nil {
			return
		}
		plan, issues := search.Parse("Observation", values, options)
		if issues != nil && plan.Where != nil {
			t.Error("a faulty query has a plan")
		}
		for _, c := range plan.Where {
			for _, v := range c.Values {
				if len(c.Values) == 0 || math.IsNaN(v.Low) || math.IsNaN(v.High) {
					t.Errorf("clause of %s is not usable", c.Param)
				}
			}
		}
	})
}
