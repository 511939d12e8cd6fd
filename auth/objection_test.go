package auth_test

import (
	"testing"

	"github.com/drieluik/drieluik/auth"
)

// wantObjected holds Objected to the reason of a read of the plan by home care: an objection is what
// denies the whole of it, and the relation of who asks does not matter.
func wantObjected(t *testing.T, w *world, reason string) {
	t.Helper()
	row := w.rows[refOf("CarePlan/plan")]
	related := asSystem(t, home)
	apart := auth.Principal{State: auth.TokenActive, Role: auth.System, Organization: refOf(home), Purpose: "TREAT"}
	for name, p := range map[string]auth.Principal{"with scopes": related, "without": apart} {
		if got := auth.Objected(p, w.facts(p, &row)); got != (reason == "consent-denied") {
			t.Errorf("%s: objected %v, and a read says %s", name, got, reason)
		}
	}
}

// TestAnObjectionNeedsNoRelation: who has nothing to do with the child yet, is objected to all the same.
func TestAnObjectionNeedsNoRelation(t *testing.T) {
	t.Parallel()
	w := smallWorld(t, nil, append(family("2020-05-04"), consentOf("no", provisionFor("deny", stranger, ""), giverMother))...)
	row := w.rows[refOf("CarePlan/plan")]
	for org, want := range map[string]bool{stranger: true, home: false} {
		p := asSystem(t, org)
		if got := auth.Objected(p, w.facts(p, &row)); got != want {
			t.Errorf("%s: objected %v", org, got)
		}
	}
}
