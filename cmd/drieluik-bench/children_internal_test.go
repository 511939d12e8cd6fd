package main

import "testing"

// TestANewChildIsNoneThatOthersRead: beyond the test range numbers come again, and none of those that are loaded.
func TestANewChildIsNoneThatOthersRead(t *testing.T) {
	t.Parallel()
	loaded := map[string]bool{}
	for n := range maxChildren {
		if loaded[testBSN(n)] {
			t.Fatalf("child %d has the BSN of another", n)
		}
		loaded[testBSN(n)] = true
	}
	for n := maxChildren; n < 4*len(testBSNs()); n++ {
		if loaded[testBSN(n)] {
			t.Fatalf("child %d is one that was loaded", n)
		}
	}
}
