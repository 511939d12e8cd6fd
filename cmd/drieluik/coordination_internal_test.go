package main

import (
	"testing"

	"github.com/drieluik/drieluik/fhir"
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
	const own = "Organization/00000000-0000-5000-8000-000000000001"
	if err := s.Coordination.UnmarshalText([]byte("o5Minutes: 250\norganizations: {" + own + ": {o5Minutes: 200, o2Days: 21}}\n")); err != nil {
		t.Fatal(err)
	}
	if rules, err = s.coordination(nil); err != nil {
		t.Fatal(err)
	}
	if ref, _ := fhir.ParseRef(own); rules.Settings.Stricter[ref].O5Minutes != 200 || rules.Settings.Stricter[ref].O1Days != 90 {
		t.Errorf("settings of an organisation: %+v", rules.Settings.Stricter)
	}
	if err := s.Coordination.UnmarshalText([]byte("organizations: {" + own + ": {o5Starts: 3}}")); err != nil {
		t.Fatal(err)
	}
	if _, err = s.coordination(nil); err == nil {
		t.Error("an organisation may be looser than the deployment")
	}
	for _, wrong := range []string{"organizations: {Patient/x: {o2Days: 20}}", "o2days: 7", "o2Days: -1", "o2Days: 99999", "zone: Mars/Olympus", "- a list"} {
		if err := s.Coordination.UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
