package netwerk_test

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/mapping/netwerk"
)

var updateSchema = flag.Bool("update-schema", false, "write the JSON Schema of the format into conformance/artifacts")

// TestPublishedSchemaIsThatOfTheTables holds the published file to the tables of the parser. Write it
// with -update-schema.
func TestPublishedSchemaIsThatOfTheTables(t *testing.T) {
	t.Parallel()
	const schemaFile = "../../conformance/artifacts/netwerk-1.schema.json"
	want, err := netwerk.JSONSchema()
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
		t.Errorf("the published JSON Schema is not that of the tables; run go test ./mapping/netwerk -run TestPublishedSchema -update-schema: %s", d)
	}
}
