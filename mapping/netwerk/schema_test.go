package netwerk_test

import (
	"testing"

	"github.com/drieluik/drieluik/mapping/form/formtest"
	"github.com/drieluik/drieluik/mapping/netwerk"
)

// TestPublishedSchemaIsThatOfTheTables holds the published file to the tables of the parser. Write it
// with -update-schema.
func TestPublishedSchemaIsThatOfTheTables(t *testing.T) {
	t.Parallel()
	formtest.Published(t, "../../conformance/artifacts/netwerk-1.schema.json", netwerk.JSONSchema)
}
