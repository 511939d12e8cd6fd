package auth_test

import (
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
)

func TestTheTableInForceDecides(t *testing.T) {
	old := auth.AgePolicy{GuardianOwnRightTo: 12, Middle: "config", YouthAloneFrom: 16, GuardianAfter: "youth-consent",
		ChildFrom: 12, JointFrom: 12, GuardianMayBlock: true, Default: "deny"}
	next := old
	next.ValidFrom, next.GuardianOwnRightTo, next.ChildFrom = "2027-01-01", 14, 14
	policies, err := auth.NewPolicies(map[string][]auth.AgePolicy{"NL": {next, old}})
	if err != nil {
		t.Fatal(err)
	}
	w := smallWorld(t, nil, family("2013-12-31")...)
	w.settings.Policies = policies
	turn := time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC) // local midnight
	for _, c := range []struct {
		at            time.Time
		mother, child string
	}{
		{turn.Add(-time.Second), "rep-child-permit-missing", "permit-self"},
		{turn, "permit-custody", "rep-child-too-young"},
	} {
		w.now = c.at
		if got := w.read(t, asMother(t), "CarePlan/plan").Reason; got != c.mother {
			t.Errorf("mother at %s: %s, want %s", c.at, got, c.mother)
		}
		if got := w.read(t, asChild(t), "CarePlan/plan").Reason; got != c.child {
			t.Errorf("child at %s: %s, want %s", c.at, got, c.child)
		}
	}
	c := w.children(w.patients())[0]
	if got := c.Until(turn.Add(-time.Hour), w.settings); !got.Equal(turn) {
		t.Errorf("until %s, want the table's first instant", got)
	}
}

func TestTablesThatAreNotUnderstoodAreRefused(t *testing.T) {
	for name, tables := range map[string]map[string][]auth.AgePolicy{
		"unknown jurisdiction": {"be": {{Middle: "config", Default: "deny"}}},
		"unknown middle":       {"nl": {{Middle: "maybe", Default: "deny"}}},
		"unknown default":      {"nl": {{Middle: "config", Default: "permit"}}},
		"half a date":          {"nl": {{Middle: "config", Default: "deny", ValidFrom: "2027"}}},
	} {
		if _, err := auth.NewPolicies(tables); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
