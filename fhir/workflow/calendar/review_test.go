package calendar_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir/workflow/calendar"
)

// TestAnAgreementIsReviewedOrWaits: asked for a week before, on hold two weeks after, told to the helper, once.
func TestAnAgreementIsReviewedOrWaits(t *testing.T) {
	t.Parallel()
	agreed := func(status string) []calendar.Known {
		return []calendar.Known{known(t, `{"resourceType":"CarePlan","id":"t1","status":"%s","intent":"plan","subject":{"reference":"Patient/kind"},
			"period":{"start":"2026-01-01","end":"2026-03-20"},"activity":[{"detail":{"status":"scheduled","performer":[{"reference":"RelatedPerson/opa"}]}}]}`, status)}
	}
	early := on(t, "2026-03-12", 6)
	early.Agreements = agreed("active")
	if out := follow(t, early); len(out.Writes) > 0 || !out.Next.Equal(calendar.Morning(day(t, "2026-03-13"))) {
		t.Errorf("before: %d writes, next %v", len(out.Writes), out.Next)
	}
	asked := on(t, "2026-03-13", 6)
	asked.Agreements = agreed("active")
	if d := cmp.Diff([]string{"Task evalueren routine PractitionerRole/zc"}, said(t, asked)); d != "" {
		t.Error(d)
	}
	late := on(t, "2026-04-03", 6)
	late.Agreements = agreed("active")
	out := follow(t, late)
	var types []string
	for _, w := range out.Writes {
		if w.Resource.Type() != "Provenance" {
			types = append(types, string(w.Resource.Type())+" "+w.Resource.Root().Member("status").Text())
		}
	}
	slices.Sort(types)
	if d := cmp.Diff([]string{"CarePlan on-hold", "Communication completed", "Task requested"}, types); d != "" {
		t.Error(d)
	}
	for _, status := range []string{"completed", "revoked", "draft"} {
		over := on(t, "2026-04-03", 6)
		over.Agreements = agreed(status)
		if out := follow(t, over); len(out.Writes) > 0 {
			t.Errorf("%s: %d writes", status, len(out.Writes))
		}
	}
}
