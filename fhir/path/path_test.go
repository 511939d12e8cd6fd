package path_test

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

func resource(t testing.TB, src string) *fhir.Resource {
	t.Helper()
	r, issues := fhir.Parse([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatalf("parse: %v", issues)
	}
	return r
}

const child = `{"resourceType":"Patient","id":"kind",
 "contained":[{"resourceType":"Organization","id":"org","name":"Thuiszorg"}],
 "active":true,
 "name":[{"family":"Bos","given":["Boris","B."],"_given":[null,{"extension":[{"url":"urn:x","valueCode":"initial"}]}]},{"given":["Bo"]}],
 "birthDate":"2019-03-04","_birthDate":{"id":"b","extension":[{"url":"urn:time","valueDateTime":"2019-03-04T10:00:00Z"}]},
 "_gender":{"extension":[{"url":"urn:absent","valueCode":"unknown"}]},
 "deceasedBoolean":false, "contact":[{"modifierExtension":[{"url":"urn:m","valueBoolean":true}]}],
 "managingOrganization":{"reference":"#org"},
 "generalPractitioner":[{"reference":"Practitioner/a"},{"reference":"https://x.example/fhir/Organization/b/_history/2"},{"type":"PractitionerRole","identifier":{"value":"1"}},{"reference":"urn:uuid:1"}]}`

// shown returns each item as "type:text", as "text" for a System value.
func shown(items []path.Item) []string {
	out := []string{}
	for _, it := range items {
		s := it.Text()
		if it.Type() != "" {
			s = it.Type() + ":" + s
		}
		out = append(out, s)
	}
	return out
}

// evalCases are expressions on the child.
var evalCases = []struct {
	name, expr string
	want       []string
}{
	{"arrays are flattened", "Patient.name.given", []string{"string:Boris", "string:B.", "string:Bo"}},
	{"a type name in front stands for the resource or its base", "DomainResource.id | Resource.id", []string{"id:kind"}},
	{"another type name gives nothing", "Encounter.id", nil},
	{"a choice is named without its type", "Patient.deceased", []string{"boolean:false"}},
	{"a choice is not named with its type", "Patient.deceasedBoolean", nil},
	{"a primitive has the extensions of its sibling", "birthDate.extension('urn:time').value", []string{"dateTime:2019-03-04T10:00:00Z"}},
	{"an element of an array has those of its own sibling", "name.given.where(extension.exists())", []string{"string:B."}},
	{"a primitive without value still exists", "gender.exists() and gender.hasValue().not()", []string{"true"}},
	{"a contained resource changes type", "contained.name", []string{"string:Thuiszorg"}},
	{"a contained reference is followed in the tree", "managingOrganization.resolve().name", []string{"string:Thuiszorg"}},
	{"without a store a reference resolves to its type", "generalPractitioner.where(resolve() is Practitioner).reference", []string{"string:Practitioner/a"}},
	{"also from an absolute URL with a version", "generalPractitioner.where(resolve() is Organization).exists()", []string{"true"}},
	{"and from its declared type", "generalPractitioner.where(resolve() is PractitionerRole).identifier.value", []string{"string:1"}},
	{"unknown and false is false", "({} and false) | ({} or true)", []string{"false", "true"}},
	{"unknown and true is unknown", "{} and true", nil},
	{"false implies anything", "false implies {}", []string{"true"}},
	{"a single item is true", "name.first() and true", []string{"true"}},
	{"empty in an operator gives empty", "1 + {}", nil},
	{"the index counts from nought", "name.given.select($index)", []string{"0", "1", "2"}},
	{"a decimal keeps its digits", "1.10 + 0.20", []string{"1.30"}},
	{"decimals are exact", "0.1 + 0.2 = 0.3", []string{"true"}},
	{"division by zero is empty", "1 / 0", nil},
	{"an overflow is empty", "9223372036854775807 + 1", nil},
	{"an integer from text is bounded", "'99999999999'.toInteger()", nil},
	{"a month at its end stays in the month", "@2024-01-31 + 1 month", []string{"2024-02-29"}},
	{"a leap day moves to the last day", "@2024-02-29 - 1 year", []string{"2023-02-28"}},
	{"dates of other precision leave it open", "@2014-01 = @2014-01-01", nil},
	{"unless they differ anyway", "@2014-01 < @2014-02-01", []string{"true"}},
	{"units convert", "1 'kg' = 1000 'g' and 1 'h' = 60 'min' and 120 'mm[Hg]' > 1 'Pa'", []string{"true"}},
	{"units of other dimensions do not", "1 'kg' = 1 'm'", nil},
	{"comments and escapes are read", "'a\\'\\u0041\\n' /* c */ = `id` // d", []string{"false"}},
	{"keywords can be members", "contains.as.is.in", nil},
	{"polarity binds looser than a call", "-1.abs()", []string{"-1"}},
	{"union before comparison", "1 | 2 = 1 | 2", []string{"true"}},
	{"descendants go into extensions of primitives", "descendants().where($this = 'initial').exists()", []string{"true"}},
	{"the resource of the context", "%resource.id | %context.id | %rootResource.id", []string{"id:kind"}},
	{"strings count characters", "'Zoë'.length()", []string{"3"}},
	{"sorting goes both ways", "(2|3|1).sort(-$this)", []string{"3", "2", "1"}},
	{"repeat takes each once", "name.repeat(given).count()", []string{"3"}},
	{"a code is not a string for as", "birthDate.as(string)", nil},
	{"modifiers that are known", "checkModifiers('urn:a').id", []string{"id:kind"}},
	{"without a terminology nothing is broader", "'a'.subsumes('a')", nil},
	{"a date has its own type", "birthDate is date", []string{"true"}},
}

func TestEval(t *testing.T) {
	t.Parallel()
	root := resource(t, child).Root()
	for _, tt := range evalCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x, err := path.Compile(tt.expr)
			if err != nil {
				t.Fatal(err)
			}
			got, err := x.Eval(path.World{}, root)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append([]string{}, tt.want...), shown(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.expr, diff)
			}
		})
	}
}

func TestCompileSaysWhereAndWhy(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300)
	tests := []struct{ name, expr, want string }{
		{"an unknown function is named", "a.b.fancy(1)", "fhirpath: at 4: function fancy() is not supported"},
		{"an unknown type is named", "a is Pateint", "fhirpath: at 2: unknown type Pateint"},
		{"an unknown constant is named", "%mine", "fhirpath: at 0: unknown constant %mine"},
		{"an operator without a right side", "1 +", "fhirpath: at 3: expression ends too early"},
		{"two terms without an operator", "a b", "fhirpath: at 2: unexpected b"},
		{"an open string", "'abc", "fhirpath: at 0: text without closing quote"},
		{"an open comment", "1 /* 2", "fhirpath: at 2: comment without end"},
		{"an unknown escape", `'\q'`, "fhirpath: at 2: unknown escape"},
		{"a day that no calendar has", "@2023-02-29", "fhirpath: at 0: not a date or time"},
		{"a time with a zone", "@T10:00Z", "fhirpath: at 7: unexpected Z"},
		{"too many arguments", "a.empty(1)", "fhirpath: at 2: wrong number of arguments for empty()"},
		{"a bracket that is not closed", "a[0", "fhirpath: at 3: expected ]"},
		{"a number that is too long", "99999999999999999999", "fhirpath: at 0: number is out of range"},
		{"nothing", "", "fhirpath: at 0: expression ends too early"},
		{"too deep", deep, "fhirpath: at 200: expression is too deep"},
		{"too many operators in a row", strings.Repeat("1+", 300) + "1", "fhirpath: at 399: expression is too deep"},
		{"a reserved word as a name", "a.and", "fhirpath: at 2: unexpected and"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := path.Compile(tt.expr)
			var e *path.Error
			if !errors.As(err, &e) || e.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestEvalRefusesWhatHasNoMeaning(t *testing.T) {
	t.Parallel()
	root := resource(t, child).Root()
	for _, expr := range []string{
		"name.given.single()", "name and true", "name.exists() and name.given", "1 < 'a'", "@2014 + 1",
		"name.as(HumanName)", "name.startsWith('a')", "'a'.matches('(')", "name[name]", "-'a'",
		"(1|2) + 1", "'x'.iif('y', 1)", "contact.checkModifiers('urn:a', 'urn:b')", "contact.checkModifiers()", "(1|2|3).repeat($this + 1)",
	} {
		x, err := path.Compile(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		var e *path.Error
		if got, err := x.Eval(path.World{}, root); !errors.As(err, &e) {
			t.Errorf("%s = %v, %v: want an error of the language", expr, shown(got), err)
		}
	}
}

func TestWorld(t *testing.T) {
	t.Parallel()
	var traced []string
	practitioner := resource(t, `{"resourceType":"Practitioner","id":"a","gender":"female"}`)
	w := path.World{
		Resolve: func(reference, _ string) (path.Item, bool) {
			return path.Typed(practitioner.Root()), reference == "Practitioner/a"
		},
		MemberOf: func(it path.Item, vs string) (bool, bool) { return it.Text() == "female", vs == "urn:vs" },
		Subsumes: func(a, b path.Item) (bool, bool) {
			return a.Text() < b.Text(), a.Text() != "" && b.Text() != ""
		},
		ConformsTo: func(_ path.Item, profile string) (bool, bool) { return false, profile == "urn:p" },
		Trace:      func(name string, items []path.Item) { traced = append(traced, name, shown(items)[0]) },
		Now:        time.Date(2026, 3, 1, 23, 30, 0, 0, time.FixedZone("", 3600)),
		Constants:  map[string][]path.Item{"who": {path.StringItem("ouder")}},
	}
	tests := map[string][]string{
		"generalPractitioner.resolve().gender":                       {"code:female"},
		"generalPractitioner.resolve().gender.memberOf('urn:vs')":    {"true"},
		"generalPractitioner.resolve().gender.memberOf('urn:other')": {},
		"'a'.subsumes('b')": {"true"}, "'a'.subsumedBy('b')": {"false"}, "'a'.subsumes(name)": {}, "'a'.subsumes('')": {},
		"conformsTo('urn:p')": {"false"},
		"conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')": {"true"},
		"today()":                 {"2026-03-01"},
		"now()":                   {"2026-03-01T23:30:00.000+01:00"},
		"timeOfDay()":             {"23:30:00.000"},
		"id.trace('t')":           {"id:kind"},
		"%who":                    {"ouder"},
		"%`vs-x` & %`ext-y`":      {"http://hl7.org/fhir/ValueSet/xhttp://hl7.org/fhir/StructureDefinition/y"},
		"birthDate < now()":       {"true"},
		"%resource.active":        {"boolean:true"},
		"%rootResource is Bundle": {"false"},
	}
	root := resource(t, child).Root()
	for expr, want := range tests {
		x, err := path.CompileDialect(expr, path.Dialect{Constants: []string{"who"}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Eval(w, root)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		if diff := cmp.Diff(want, shown(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expr, diff)
		}
	}
	if diff := cmp.Diff([]string{"t", "id:kind"}, traced); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
}

func TestFocusKnowsItsPlace(t *testing.T) {
	t.Parallel()
	r := resource(t, child)
	tests := []struct {
		name string
		node fhir.Node
		expr string
		want []string
	}{
		{"an element of an array", r.Root().At("name"), "given.first() & ' ' & %resource.id", []string{"Boris kind"}},
		{"a primitive", r.Root().At("birthDate"), "$this is date", []string{"true"}},
		{"what accompanies a primitive", r.Root().At("_birthDate"), "$this is date and $this = @2019-03-04", []string{"true"}},
		{"an extension of a primitive", r.Root().At("_birthDate", "extension"), "$this is Extension and value is dateTime", []string{"true"}},
		{"an extension of a primitive in a list", elementAt(r.Root().At("name", "_given"), 1).At("extension"), "$this is Extension and value is code", []string{"true"}},
		{"a contained resource", r.Root().At("contained"), "%resource.id | %rootResource.id", []string{"id:org", "id:kind"}},
		{"nothing", fhir.Node{}, "$this.exists()", []string{"false"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			node := tt.node
			if node.Shape() == fhir.Array {
				for c := range node.Children() {
					node = c
					break
				}
			}
			x, err := path.Compile(tt.expr)
			if err != nil {
				t.Fatal(err)
			}
			got, err := x.Eval(path.World{}, node)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, shown(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// elementAt returns an element of an array.
func elementAt(n fhir.Node, i int) fhir.Node {
	for c := range n.Children() {
		if i--; i < 0 {
			return c
		}
	}
	return fhir.Node{}
}

func TestStepsBoundAnEvaluation(t *testing.T) {
	t.Parallel()
	x, err := path.Compile("descendants().count() > 0")
	if err != nil {
		t.Fatal(err)
	}
	root := resource(t, child).Root()
	if _, err := x.Eval(path.World{Steps: 1000}, root); err != nil {
		t.Errorf("enough steps, and still %v", err)
	}
	var e *path.Error
	if _, err := x.Eval(path.World{Steps: 10}, root); !errors.As(err, &e) || e.Reason != "evaluation takes too many steps" {
		t.Errorf("too few steps: %v", err)
	}
	if _, err := x.Eval(path.World{Steps: math.MaxInt}, root); err != nil {
		t.Errorf("more steps than there are: %v", err)
	}
}

func TestSearchDialectFiltersCollections(t *testing.T) {
	t.Parallel()
	r := resource(t, `{"resourceType":"Observation","component":[{"valueQuantity":{"value":1}},{"valueString":"a"},{"valueDateTime":"2014"}]}`)
	x, err := path.CompileDialect("(Observation.component.value as Quantity).value | Observation.component.value.as(DateTime)", path.Dialect{Search: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := x.Eval(path.World{}, r.Root())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"decimal:1", "dateTime:2014"}, shown(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWordsOfOperatorsAreNamesWhereADialectSaysSo(t *testing.T) {
	t.Parallel()
	r := resource(t, `{"resourceType":"Basic","text":{"status":"generated","div":"<div/>"}}`)
	x, err := path.CompileDialect("Basic.text.div", path.Dialect{Words: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := x.Eval(path.World{}, r.Root())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"xhtml:<div/>"}, shown(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, expr := range []string{"div", "Basic.text.div div", "Basic.4"} {
		if _, err := path.CompileDialect(expr, path.Dialect{Words: true}); err == nil {
			t.Errorf("%s is taken", expr)
		}
	}
}

func TestEveryExpressionOfR4SearchCompiles(t *testing.T) {
	t.Parallel()
	for _, name := range r4.Resources() {
		for _, p := range r4.SearchParams(name) {
			if p.Expression == "" {
				continue
			}
			if _, err := path.CompileDialect(p.Expression, path.Dialect{Search: true}); err != nil {
				t.Errorf("%s.%s: %v", name, p.Code, err)
			}
		}
	}
}

func TestEveryConstraintOfR4Compiles(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	count := 0
	check := func(where string, constraints []r4.Constraint) {
		for _, c := range constraints {
			if c.Expression == "" {
				continue
			}
			count++
			if _, err := path.Compile(c.Expression); err != nil {
				t.Errorf("%s %s: %v\n%s", where, c.Key, err, c.Expression)
			}
		}
	}
	var visit func(name string)
	visit = func(name string) {
		s := r4.Lookup(name)
		if s == nil || seen[name] {
			return
		}
		seen[name] = true
		check(name, s.Constraints)
		visit(s.Base)
		for _, e := range s.Elements {
			check(e.Path, e.Constraints)
			for _, typ := range e.Types {
				visit(typ.Code)
			}
		}
	}
	for _, name := range r4.Resources() {
		visit(name)
	}
	if count < 200 {
		t.Errorf("compiled %d constraints, want them all", count)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"1 'kPa' = 1000 'Pa'":               {"true"},
		"1 'mm[Hg]' > 133 'Pa'":             {"true"},
		"1 'mmol/L' = 1 'mol/m3'":           {"true"},
		"1 'dL' = 100 'mL'":                 {"true"},
		"10 '10*3/uL' = 10000 '/uL'":        {"true"},
		"1 '[lb_av]' = 453.59237 'g'":       {"true"},
		"3 'kg/m2' * 2 'm2' = 6 'kg'":       {"true"},
		"5 'mg/{tablet}' = 0.005 'g'":       {"true"},
		"1 'tablet' = 1 'tablet'":           {"true"},
		"1 'tablet' = 1 'pill'":             {},
		"37 'Cel' = 37 'K'":                 {},
		"1 year = 12 months":                {"true"},
		"1 year = 1 'a'":                    {},
		"1 year ~ 1 'a'":                    {"true"},
		"2 days + 12 hours":                 {"2.5 days"},
		"10 'mg' / 4":                       {"2.5 'mg'"},
		"2 * 10 'mg'":                       {"20 'mg'"},
		"1 'm20000000000000000000' = 1 'm'": {},
		"1 'km'.toQuantity('m')":            {"1000 'm'"},
		"(1 'kg').comparable(1 'g')":        {"true"},
	}
	for expr, want := range tests {
		x, err := path.Compile(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		got, err := x.Eval(path.World{}, fhir.Node{})
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if diff := cmp.Diff(want, shown(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expr, diff)
		}
	}
}

func TestNarrativeIsSafe(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		`<div xmlns='http://www.w3.org/1999/xhtml'><p style='a'>x &nbsp; <a href='#b'>y</a><br/></p></div>`:          true,
		`<div xmlns='http://www.w3.org/1999/xhtml' xml:lang='nl'><img src='data:image/png;base64,AA' alt=''/></div>`: true,
		`<div><script>alert(1)</script></div>`:           false,
		`<div><p onclick='x'>a</p></div>`:                false,
		`<div><a href='JavaScript:alert(1)'>a</a></div>`: false,
		`<div><a href='data:text/html,x'>a</a></div>`:    false,
		`<p>no div</p>`:      false,
		`<div>open`:          false,
		`<div/><div/>`:       false,
		`<!DOCTYPE x><div/>`: false,
		`<div><svg xmlns='http://www.w3.org/2000/svg'/></div>`: false,
	}
	x, err := path.Compile("text.`div`.htmlChecks()")
	if err != nil {
		t.Fatal(err)
	}
	for div, want := range tests {
		r := resource(t, `{"resourceType":"Basic","text":{"status":"generated","div":`+strconv.Quote(div)+`}}`)
		got, err := x.Eval(path.World{}, r.Root())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{strconv.FormatBool(want)}, shown(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", div, diff)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"Patient.name.where(use = 'official').given", "-1.5 'mg' + 2 days", "@2014-01-25T14:30:14.559+01:00", "a is FHIR.`b`",
		"iif(%resource.x, $this[0], {}) !~ 'a\\u0041'", "((((((((", "/* */ // x", "1.e", "@T", "%`", "'\\u12'", "``", "1 ''",
		"(1|2).power(64).toString().lowBoundary(31)", "'a'.replaceMatches('a*', 'b')", "@0001 - 9999 years", "descendants().repeat(children())",
	} {
		f.Add(s)
	}
	root := resource(f, child).Root()
	f.Fuzz(func(t *testing.T, s string) {
		x, err := path.Compile(s)
		var e *path.Error
		if err != nil {
			if !errors.As(err, &e) || e.Pos < 0 || e.Pos > len(s) {
				t.Fatalf("error %v has no place", err)
			}
			return
		}
		if _, err := x.Eval(path.World{}, root); err != nil && !errors.As(err, &e) {
			t.Fatalf("error %v is not of the language", err)
		}
	})
}

func TestSimplePathsAllocateNothing(t *testing.T) {
	root := path.Typed(resource(t, child).Root())
	room := make([]path.Item, 0, 16)
	for expr, want := range map[string][]string{
		"Patient.name.given": {"string:Boris", "string:B.", "string:Bo"}, "birthDate": {"date:2019-03-04"},
		"Patient.deceased": {"boolean:false"}, "Patient": {"Patient:"}, "Encounter.id": {}, "name.period.start": {},
	} {
		x, err := path.Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		var got []path.Item
		allocations := testing.AllocsPerRun(10, func() {
			got, err = x.Append(room[:0], path.World{}, root)
		})
		if diff := cmp.Diff(want, shown(got)); diff != "" || err != nil || allocations > 0 {
			t.Errorf("%s: %v allocations, %v %s", expr, allocations, err, diff)
		}
		allocations = testing.AllocsPerRun(10, func() { _, _, _ = x.Test(path.World{}, root) })
		if allocations > 0 && len(want) < 2 { // several items are an error, which is a value of its own
			t.Errorf("%s as a test: %v allocations", expr, allocations)
		}
	}
}

func TestAppendIsEval(t *testing.T) {
	t.Parallel()
	root := resource(t, child).Root()
	for _, tt := range evalCases {
		x, err := path.Compile(tt.expr)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Append([]path.Item{path.StringItem("before")}, path.World{}, path.Typed(root))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append([]string{"before"}, tt.want...), shown(got)); diff != "" {
			t.Errorf("%s: %s", tt.expr, diff)
		}
	}
}

func BenchmarkEval(b *testing.B) {
	x, err := path.Compile("name.where(given.exists()).all(family.exists() implies family.length() > 1)")
	if err != nil {
		b.Fatal(err)
	}
	root := resource(b, child).Root()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Eval(path.World{}, root); err != nil {
			b.Fatal(err)
		}
	}
}

// TestWhatIsLongCostsMore: texts that are built or read, patterns, and what a document contains are counted
// by their size, so that no expression takes more time or memory than its steps allow.
func TestWhatIsLongCostsMore(t *testing.T) {
	t.Parallel()
	few := path.World{Steps: 1 << 16}
	long, many := strings.Repeat("x", 100_000), strings.TrimSuffix(strings.Repeat(`{"value":"a"},`, 1_000), ",")
	r := resource(t, `{"resourceType":"Patient","language":"`+long+`","implicitRules":"`+strings.Repeat(`\u0078`, 100_000)+`","identifier":[`+many+`]}`)
	for _, expression := range []string{
		"identifier.select(%resource.language & 'x').count()",
		"identifier.select(%resource.language + 'x').count()",
		"identifier.select(%resource.language.substring(1)).count()",
		"identifier.where('x'.startsWith(%resource.implicitRules)).count()",
		"identifier.where('x' = %resource.implicitRules).count()",
		"identifier.where(%resource.implicitRules.toInteger() = 1).count()",
		"language.matches('(x+x+)+y{0,900}')",
		"identifier.where(%resource.language.substring(0, 5000).matches('^(x?){200}y$')).count()",
		"language.matches('" + strings.Repeat("a{0,1000}", 6) + "')",
	} {
		x, err := path.Compile(expression)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		var e *path.Error
		if _, err := x.Eval(few, r.Root()); !errors.As(err, &e) {
			t.Errorf("%.80s is run", expression)
		}
	}
	refs := strings.TrimSuffix(strings.Repeat(`{"reference":"#none"},`, 600), ",")
	kept := strings.TrimSuffix(strings.Repeat(`{"resourceType":"Organization","id":"a"},`, 600), ",")
	full := resource(t, `{"resourceType":"Patient","contained":[`+kept+`],"generalPractitioner":[`+refs+`]}`)
	x, err := path.Compile("generalPractitioner.resolve().count()")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Eval(few, full.Root()); err == nil {
		t.Error("each reference is looked for in everything")
	}
	x, err = path.Compile("language.matches('^[a-z]{1,200}') and language.length() > 10 and language.substring(0, 3) = 'xxx'")
	if err != nil {
		t.Fatal(err)
	}
	if truth, _, err := x.Test(path.World{}, path.Typed(r.Root())); err != nil || !truth {
		t.Errorf("an honest expression: %v %v", truth, err)
	}
}
