package main

import (
	"testing"

	"github.com/drieluik/drieluik/fhir/coordination"
)

// TestTheLimitsOfOverlapAreSettings: what the file gives holds, the rest is as the jurisdiction has it, and what is
// no setting or no limit is refused.
func TestTheLimitsOfOverlapAreSettings(t *testing.T) {
	t.Parallel()
	s := settings{Jurisdiction: "se"}
	if err := s.Coordination.UnmarshalText([]byte("o2Days: 7\ncontradictions: [[a, b]]\nneedGroups: {vikt: [fetma]}\n")); err != nil {
		t.Fatal(err)
	}
	rules, err := s.coordination(nil)
	if err != nil {
		t.Fatal(err)
	}
	got := rules.Settings
	if got.O2Days != 7 || got.O1Days != coordination.Defaults("se").O1Days || len(got.Contradictions) != 1 || got.Zone.String() != "Europe/Stockholm" {
		t.Errorf("settings: %+v", got)
	}
	for _, wrong := range []string{"o2days: 7", "o2Days: -1", "o2Days: 99999", "zone: Mars/Olympus", "- a list"} {
		if err := s.Coordination.UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
