package form_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
)

// dialect is that of a small format of letters.
func dialect() *form.Dialect {
	return &form.Dialect{
		Schema: "letter/1",
		Rules: form.Rules{Missing: "L-01", Shape: "L-02", Count: "L-09", Large: "L-10", Unknown: "L-08", Empty: "L-11",
			Duplicate: "L-04", Order: "L-12", More: "L-13"},
		Texts: map[string]string{"L-01": "Send it."},
		Codes: map[string]string{"L-01": "required"},
		Spans: []form.Span{{From: "from", To: "until"}},
	}
}

func table() form.Fields {
	colours := form.Codes("colour", "https://drieluik.example/fhir/CodeSystem/colour", "red", "blue")
	line := form.Line(20, "L-09").Named("line")
	return form.Fields{
		form.F("schema", "1", line), form.F("colour", "0..1", form.Code("L-03", colours)),
		form.F("from", "1", form.Date("L-06")), form.F("until", "0..1", form.Date("L-06")),
		form.F("at", "0..1", form.Instant("L-06")), form.F("pages", "0..1", form.Integer(1, 9, "L-09")),
		form.F("to", "1..3", form.Object(form.F("id", "1", line), form.F("name", "0..1", form.Trimmed(30, "L-09")))),
	}
}

func read(t *testing.T, text string) *form.Document {
	t.Helper()
	doc, issues := fhir.ParseDocument([]byte(text), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	return form.Read(doc, dialect(), table())
}

func told(d *form.Document) []string {
	out := []string{}
	for _, i := range d.Issues() {
		out = append(out, i.Severity+" "+i.Diagnostics+" "+i.Expression)
	}
	slices.Sort(out)
	return out
}

const letter = `{"schema":"letter/1","from":"2026-01-02","to":[{"id":"a"}]}`

// TestEveryFaultIsFoundAtItsPlace is what one reading tells, with the schema that is made of the same
// table.
func TestEveryFaultIsFoundAtItsPlace(t *testing.T) {
	t.Parallel()
	schema := compiled(t)
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing": {letter, nil},
		"what is missing, null or empty": {`{"schema":null,"to":[],"until":null}`,
			[]string{"error L-01 /from", "error L-01 /schema", "error L-01 /to", "information L-11 /until"}},
		"the wrong type": {`{"schema":1,"from":"2026-01-02","to":{"id":"a"}}`, []string{"error L-02 /schema", "error L-02 /to"}},
		"days that are none, codes that are none": {`{"schema":"l","from":"2026-02-30","colour":"green","at":"2026-01-02","pages":10,"to":[{"id":"a"}]}`,
			[]string{"error L-03 /colour", "error L-06 /at", "error L-06 /from", "error L-09 /pages"}},
		"outer blanks, line ends, length": {`{"schema":"a\nb","from":"2026-01-02","to":[{"id":" a"},{"id":"b","name":"` + strings.Repeat("x", 31) + `"}]}`,
			[]string{"error L-09 /schema", "error L-09 /to/0/id", "error L-09 /to/1/name"}},
		"too many": {`{"schema":"l","from":"2026-01-02","to":[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"}]}`, []string{"error L-09 /to"}},
	} {
		d := read(t, c.text)
		if diff := cmp.Diff(append([]string{}, c.want...), told(d)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if err := schema.Validate(json(t, strings.Replace(c.text, `"schema":"l"`, `"schema":"letter/1"`, 1))); (err != nil) != d.Refused() {
			t.Errorf("%s: the schema says %v", name, err)
		}
	}
}

func TestRulesOverSeveralMembersAreTold(t *testing.T) {
	t.Parallel()
	d := read(t, `{"schema":"l","from":"2026-01-02","until":"2026-01-01","to":[{"id":"a"},{"id":"a"}],"a/b":{"c":[1]}}`)
	want := []string{"error L-04 /to", "error L-12 /until", "information L-08 /a~1b"}
	if diff := cmp.Diff(want, told(d)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, i := range d.Issues() {
		if strings.Contains(i.Text, "2026") || i.Text == "" {
			t.Errorf("%+v", i)
		}
	}
}

func TestARuleSeesThatItsInputIsFaulty(t *testing.T) {
	t.Parallel()
	d := read(t, `{"schema":"l","from":"2026-01-02","colour":"green","to":[{"id":"a","name":" "}]}`)
	to := d.Root().At("to")
	if d.Root().At("colour").Sound() || d.Root().At("colour").Str() != "" || to.Sound() || to.Items()[0].Sound() || !to.Items()[0].At("id").Sound() {
		t.Error("a place with a fault, or above one, is sound")
	}
	if d.Root().Sound() || !d.Root().At("until").AbsentOrSound() || d.Root().At("from").Day() != "2026-01-02" {
		t.Error("what is not faulty cannot be read")
	}
}

func TestWhatIsNotTracedIsGivenBack(t *testing.T) {
	t.Parallel()
	d := read(t, `{"schema":"l","from":"2026-01-02","at":"2026-01-02T10:00:00.5Z","extra":{"x":[]},"until":null,"to":[{"id":"a","name":"b"}]}`).Clone()
	if len(d.Issues()) > 0 {
		t.Error("a clone tells again what was read")
	}
	root := d.Root()
	root.At("schema").To()
	root.At("from").To("X/1.start")
	root.At("at").To("X/1.at")
	root.At("to").Items()[0].At("id").To("X/1.id")
	var kept []string
	d.Untraced(func(v form.Value) { kept = append(kept, v.Pointer()+" "+v.Compact()) })
	d.Reworded(func(v form.Value) { kept = append(kept, v.Pointer()+" "+v.Compact()) })
	want := []string{`/extra {"x":[]}`, "/until null", `/to/0/name "b"`, `/at "2026-01-02T10:00:00.5Z"`}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	traced := map[string]string{}
	for p, e := range d.Traced() {
		traced[p] = strings.Join(e, " ")
	}
	if diff := cmp.Diff(map[string]string{"/schema": "", "/from": "X/1.start", "/at": "X/1.at", "/to/0/id": "X/1.id"}, traced); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDocumentsPastTheBoundsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	repeat := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	var wide strings.Builder
	for i := range form.MaxParts {
		fmt.Fprintf(&wide, `,"m%d":1`, i)
	}
	for name, c := range map[string][2]string{
		"many members":   {`{"schema":"l"` + wide.String() + `}`, "error L-10 "},
		"a long list":    {`{"schema":"l","from":"2026-01-02","to":[` + repeat(form.MaxItems+1, `{"id":"a"}`) + `]}`, "error L-10 /to"},
		"nothing at all": {letter, ""},
	} {
		d := read(t, c[0])
		if got := strings.Join(told(d), "\n"); got != c[1] || d.Large() != (c[1] != "") {
			t.Errorf("%s: %.300s", name, got)
		}
	}
	d := read(t, `{"schema":"l","from":"2026-01-02","to":[`+repeat(900, `{"id":" a","name":" b"}`)+`]}`)
	if last := d.Issues()[len(d.Issues())-1]; len(d.Issues()) != form.MaxIssues+1 || last.Diagnostics != "L-13" || !d.Full() {
		t.Errorf("%d issues, the last %v", len(d.Issues()), last)
	}
}

func TestNumbersThatIdentifyHoldTheirCheckDigit(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{"999912148": true, "999912149": false, "000000000": false, "99991214": false, "99991214x": false} {
		if form.ElevenTest(s) != want {
			t.Errorf("ElevenTest(%s) is %t", s, !want)
		}
	}
	for s, want := range map[string]bool{"4000000069": true, "4000000068": false, "1408222394": true, "": false, "400000006x": false} {
		if form.Luhn(s) != want {
			t.Errorf("Luhn(%s) is %t", s, !want)
		}
	}
}

func json(t *testing.T, text string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	const id = "https://drieluik.example/ig/letter-1.schema.json"
	text, err := form.JSONSchema(form.Published{ID: id, Version: "letter/1", Table: table()})
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(id, json(t, string(text))); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestATraceKeepsTheOrderOfItsMembers: a member that is mapped in steps has all its elements, also one that is not
// there, and what is traced of one member is nothing of another.
func TestATraceKeepsTheOrderOfItsMembers(t *testing.T) {
	t.Parallel()
	d := read(t, `{"schema":"l","from":"2026-01-02","to":[{"id":"a","name":"b"}]}`).Clone()
	root := d.Root()
	root.At("to").Items()[0].At("name").To("X/1.name")
	root.At("until").At("a/b").To("X/1.until")
	root.At("from").To("X/1.start", "X/2.start")
	root.At("to").Items()[0].At("name").To("X/2.name")
	root.At("until").At("a/b").To("X/2.until")
	var got []string
	for p, e := range d.Traced() {
		got = append(got, p+" "+strings.Join(append(e, "."), " ")) // an element more is nobody else's
	}
	want := []string{"/to/0/name X/1.name X/2.name .", "/until/a~1b X/1.until X/2.until .", "/from X/1.start X/2.start ."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
