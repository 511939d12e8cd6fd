package r4_test

import (
	"testing"

	"github.com/drieluik/drieluik/fhir/r4"
)

// BenchmarkLoad measures what the first use of the package adds to the start of a program.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		r4.Load()
	}
}
