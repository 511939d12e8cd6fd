package store_test

import (
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir/store"
)

// TestAColumnOfAnotherKindTellsNoValue in its error, which may reach a log.
func TestAColumnOfAnotherKindTellsNoValue(t *testing.T) {
	const secret = "Boris de Vries"
	for _, dst := range []any{new(int64), new(int), new(float64), new(bool)} {
		if err := store.ScanValue(secret, dst); err == nil || strings.Contains(err.Error(), "Boris") {
			t.Errorf("into %T: %v", dst, err)
		}
	}
}
