package auth_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
)

// TestExplainSaysWhatDecideSays: the same decision, one verdict for each step up to the one that
// decided, and no seals for who is not told of them.
func TestExplainSaysWhatDecideSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		w := d.build(t)
		p := with(t, d.principal, d.scopes)
		outcomes := d.outcomes(t, w)
		for _, name := range slices.Sorted(maps.Keys(outcomes)) {
			want, ref := outcomes[name], refOf(name)
			row := w.rows[ref]
			f, a := w.facts(p, &row), auth.Action{Interaction: auth.Read, Type: ref.Type}
			got := auth.Explain(p, a, f, true)
			if diff := gocmp.Diff(want, got.Decision, cmpopts.IgnoreFields(auth.Decision{}, "Trace")); diff != "" {
				rt.Fatalf("%s (-Decide +Explain): %s", name, diff)
			}
			last := got.Trace[len(got.Trace)-1]
			if last.Name != got.Step || last.Reason != got.Reason || (last.Verdict == auth.Pass) != got.Permit {
				rt.Fatalf("%s: %s at %s ends with %+v", name, got.Reason, got.Step, last)
			}
			for _, v := range got.Trace[:len(got.Trace)-1] {
				if v.Verdict == auth.Fail {
					rt.Fatalf("%s: %+v fails before %s", name, v, got.Step)
				}
			}
			if blind := auth.Explain(p, a, f, false); strings.HasPrefix(blind.Reason, "label-") {
				rt.Fatalf("%s: a family is told %s", name, blind.Reason)
			}
		}
	})
}
