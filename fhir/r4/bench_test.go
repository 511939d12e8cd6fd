package r4

import "testing"

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		load(table)
	}
}
