package mks_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/mks"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/testdata"
)

var updateSchema = flag.Bool("update-schema", false, "write the JSON Schema of the format into conformance/artifacts")

const schemaFile = "../../conformance/artifacts/mks-bron-1.schema.json"

// TestPublishedSchemaIsThatOfTheTables holds the published file to the tables of the parser. Write it
// with -update-schema.
func TestPublishedSchemaIsThatOfTheTables(t *testing.T) {
	t.Parallel()
	want, err := record.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	if *updateSchema {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil { //nolint:gosec // a document that everybody reads
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(have)); d != "" {
		t.Errorf("the published JSON Schema is not that of the tables; run go test ./mapping/mks -run TestPublishedSchema -update-schema: %s", d)
	}
}

// formRules are those that the JSON Schema says, with what stands in the place of MKS-ENV-01 or 02
// where the table of a record names another rule.
var formRules = []string{
	"MKS-ENV-01", "MKS-ENV-02", "MKS-ENV-03", "MKS-ENV-05", "MKS-ENV-06",
	"MKS-VB-01", "MKS-HBS-01", "MKS-ZP-03", "MKS-BB-01", "MKS-OVD-09",
}

// formFaults are the errors of form that the parser finds. readable is false for what no schema sees.
func formFaults(text []byte) (faults []fault, readable bool) {
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return nil, false
	}
	if f := (mks.Format{}); doc.Root().Member("schema").Text() != f.Schema() {
		return []fault{{"schema-unknown", "/schema"}}, true // no format reads it
	}
	_, issues = mks.Format{}.Read(doc, receipt)
	for _, f := range errorsOf(issues) {
		if slices.Contains(formRules, f.Rule) {
			faults = append(faults, f)
		}
	}
	return faults, true
}

// schemaOf compiles the schema that the format publishes.
func schemaOf(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := record.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(record.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(record.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// agree compares parser and schema on one document.
func agree(t rapid.TB, s *jsonschema.Schema, text []byte) {
	faults, readable := formFaults(text)
	if !readable {
		return
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	faults = slices.DeleteFunc(faults, func(f fault) bool { return f.Rule == "MKS-ENV-05" && nineDigits(v, f.Expression) })
	err = s.Validate(v)
	if (err != nil) != (len(faults) > 0) {
		t.Errorf("the parser finds %v, the schema %v in\n%.3000s", faults, err, text)
	}
}

// nineDigits reports whether the value at a pointer is what only the 11-proef refuses as a BSN.
func nineDigits(v any, pointer string) bool {
	for _, name := range strings.Split(pointer, "/")[1:] {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			var i int
			if json.Unmarshal([]byte(name), &i) != nil || i >= len(at) {
				return false
			}
			v = at[i]
		}
	}
	s, _ := v.(string)
	return len(s) == 9 && strings.Trim(s, "0123456789") == "" && strings.Trim(s, "0") != ""
}

// allRecords returns the files of all sample records, broken ones too.
func allRecords(t *testing.T) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(testdata.Records, "mks", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Ext(name) == ".json" && path.Dir(name) != "mks" && path.Base(name) != "expected.json" {
			out = append(out, strings.TrimPrefix(name, "mks/"))
		}
		return err
	})
	if err != nil || len(out) < 40 {
		t.Fatal(len(out), err)
	}
	return out
}

// TestSchemaAcceptsAndRefusesWhatTheParserDoes is over every sample record, every broken record, each
// odd value at each of their places in turn, and records that are made of the schema's own words.
func TestSchemaAcceptsAndRefusesWhatTheParserDoes(t *testing.T) {
	t.Parallel()
	s := schemaOf(t)
	files := allRecords(t)
	for _, file := range files {
		agree(t, s, sample(t, file))
	}
	rapid.Check(t, func(rt *rapid.T) {
		text := sample(t, rapid.SampledFrom(files).Draw(rt, "file"))
		agree(rt, s, text)
		var doc any
		if err := json.Unmarshal(text, &doc); err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 3).Draw(rt, "edits") {
			all := places(doc)
			all[rapid.IntRange(0, len(all)-1).Draw(rt, "place")](oddValue(rt))
			if text, err := json.Marshal(doc); err == nil {
				agree(rt, s, text)
			}
		}
	})
}

// oddValue is a fixed odd value, or one near what some type takes.
func oddValue(t *rapid.T) any {
	text := rapid.OneOf(
		rapid.SampledFrom(odd),
		rapid.StringMatching(`"[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2]?[0-9]:[0-5][0-9]:[0-6][0-9]([.,][0-9]{1,4})?(Z|z|[+-][01][0-9]:[03]0)?)?"`),
		rapid.StringMatching(`"(19|20)(00|04|23)-02-(28|29|30)"`),
		rapid.StringMatching(`"[0-2][0-9]:[0-6][0-9]"`),
		rapid.StringMatching(`"[0-9]{3,10}"`),
		rapid.StringMatching("\"[\u00a0\u3000\u2009]{1,2}x?\""),
		rapid.Map(rapid.IntRange(499, 501), func(n int) string { return `"` + strings.Repeat("é", n) + `"` }),
		rapid.SampledFrom([]string{`"0000-01-01"`, `"0000"`, `{"sct":null}`, `{"sct":[]}`, `{"tekst":"x"}`, `{"x":1}`, `[null]`, `[{}]`, `["M"]`, `2147483648`, `1.0`, `"a\tb\nc"`, `"po"`, `"zvw"`, `"zorgplan"`, `"000000000"`}),
	).Draw(t, "value")
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchemaLeavesTheElevenTestToTheParser: the one difference between the two, which the schema says in
// its $comment.
func TestSchemaLeavesTheElevenTestToTheParser(t *testing.T) {
	t.Parallel()
	s := schemaOf(t)
	text := edit(t, sample(t, "boris/01-kind.json"), `"999912149"`, "kind", "bsn")
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	faults, _ := formFaults(text)
	if d := cmp.Diff([]fault{{"MKS-ENV-05", "/kind/bsn"}}, faults); d != "" || s.Validate(v) != nil {
		t.Errorf("parser (-want +got):\n%s\nschema: %v", d, s.Validate(v))
	}
	if b, err := record.JSONSchema(); err != nil || !bytes.Contains(b, []byte("11-proef: nine times")) {
		t.Error("the schema does not tell of the 11-proef", err)
	}
}
