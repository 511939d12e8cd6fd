package main

import (
	"encoding/json"
	"testing"
)

// TestEachPushIsOfAnotherChild: within the test range by the BSN, and beyond it by the local id alone.
func TestEachPushIsOfAnotherChild(t *testing.T) {
	t.Parallel()
	end, known := len(testBSNs()), map[string]bool{}
	for n := range end {
		if known[testBSN(n)] {
			t.Fatalf("child %d has the BSN of another", n)
		}
		known[testBSN(n)] = true
	}
	for _, n := range []int{0, 1, end - 1, end, end + 1, 4 * end} {
		doc, err := about(transferRecord.file, n)
		if err != nil {
			t.Fatal(err)
		}
		var record struct {
			Kind struct {
				BSN      *string `json:"bsn"`
				LokaalID string  `json:"lokaalId"`
			}
		}
		if err := json.Unmarshal(doc, &record); err != nil {
			t.Fatal(err)
		}
		if has := record.Kind.BSN != nil; has != (n < end) {
			t.Errorf("child %d has a BSN: %t", n, has)
		}
		if known[record.Kind.LokaalID] {
			t.Errorf("child %d has the local id of another", n)
		}
		known[record.Kind.LokaalID] = true
	}
}
