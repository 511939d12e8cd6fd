// Package formtest is what tests of every format ask of its JSON Schema. Only tests import it.
package formtest

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update-schema", false, "write the JSON Schema of the format into conformance/artifacts")

// Published holds a published file to the schema that the tables of a parser make. With -update-schema the file
// is written.
func Published(t *testing.T, file string, schema func() ([]byte, error)) {
	t.Helper()
	want, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil { //nolint:gosec // a document that everybody reads
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file) //nolint:gosec // a path of the test
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(have)); d != "" {
		t.Errorf("the published JSON Schema is not that of the tables; run the test once with -update-schema: %s", d)
	}
}

// Compiled is the schema that a format publishes under an id.
func Compiled(t *testing.T, id string, schema func() ([]byte, error)) *jsonschema.Schema {
	t.Helper()
	text, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
