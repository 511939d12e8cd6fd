package mks_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// TestASignedDraftIsWhatASignedPushWouldHaveMade holds Activate to Map: the plan in force is the same
// whether the signature comes with the record or afterwards.
func TestASignedDraftIsWhatASignedPushWouldHaveMade(t *testing.T) {
	fewer := func(doc, in map[string]any) { // what version 3 had more must end
		in["acties"], in["dagprogramma"] = in["acties"].([]any)[:1], nil
		delete(in, "dagprogramma")
		in["doelen"] = in["doelen"].([]any)[:1]
	}
	for _, c := range []struct {
		name, status string
		change       func(doc, in map[string]any)
	}{
		{"a final plan that waited for its signature", "definitief", func(doc, in map[string]any) {}},
		{"a concept that was signed", "concept", func(doc, in map[string]any) {}},
		{"a smaller plan", "definitief", fewer},
	} {
		t.Run(c.name, func(t *testing.T) {
			pushed := planBoris(t, boris2, boris3)
			want := pushed.store(planEdited(t, boris4, func(doc, in map[string]any) {
				doc["status"] = "definitief"
				c.change(doc, in)
				in["handtekeningen"] = []any{map[string]any{"door": "bet-01", "op": "2026-11-20T20:10:00+01:00", "versie": 4, "wijze": "portaal"}}
			}))
			waits := planBoris(t, boris2, boris3)
			draft := waits.store(planEdited(t, boris4, func(doc, in map[string]any) {
				doc["status"] = c.status
				c.change(doc, in)
			}))
			got, err := mks.Format{}.Activate(waits.current(planDraft).Resource(), signaturesOf(t, want, planDraft), waits.stored, receipt)
			if err != nil {
				t.Fatal(err)
			}
			made := activeBodies(got)
			for ref, body := range activeBodies(want) {
				if strings.HasPrefix(ref, "Provenance/") || strings.HasPrefix(ref, "Organization/") {
					continue
				}
				if d := cmp.Diff(body, made[ref]); d != "" {
					t.Errorf("%s (-pushed +signed):\n%s", ref, d)
				}
			}
			for _, m := range draft.Resources {
				end := made[m.Resource.Ref().String()]
				if m.Resource.Type() == "CarePlan" && !strings.Contains(end, `"status":"revoked"`) {
					t.Errorf("the draft's %s has not ended", m.Resource.Ref())
				}
			}
		})
	}
}

func TestWhatIsNoDraftOfARecordIsNotActivated(t *testing.T) {
	c := planBoris(t, boris2, boris3)
	for _, text := range []string{
		string(c.current(planInForce).Resource().Bytes()),
		`{"resourceType":"CarePlan","id":"x","status":"draft","intent":"plan","subject":{"reference":"Patient/p"}}`,
		`{"resourceType":"CarePlan","id":"x","extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/bron-record","extension":[
			{"url":"recordType","valueCode":"zorgplan"},{"url":"recordId","valueString":"zp-1001"},{"url":"versie","valuePositiveInt":4},
			{"url":"ura","valueString":"90000001"},{"url":"applicatie","valueString":"ecd"}]}],"status":"draft","intent":"plan","subject":{"reference":"Patient/p"}}`,
	} {
		plan, issues := fhir.Parse([]byte(text), fhir.Limits{})
		if fhir.HasErrors(issues) {
			t.Fatal(issues)
		}
		got, err := mks.Format{}.Activate(plan, nil, c.stored, receipt)
		if err != nil || len(got.Resources) > 0 {
			t.Errorf("%d resources, %v", len(got.Resources), err)
		}
	}
}

// activeBodies are the resources of a result, by reference.
func activeBodies(r mapping.Result) map[string]string {
	out := map[string]string{}
	for _, m := range r.Resources {
		out[m.Resource.Ref().String()] = string(m.Resource.Bytes())
	}
	return out
}

// signaturesOf returns the signatures of a pushed plan as if they were on another.
func signaturesOf(t *testing.T, r mapping.Result, plan string) []*fhir.Resource {
	t.Helper()
	var out []*fhir.Resource
	for _, m := range r.Resources {
		if m.Resource.Root().Member("signature").Exists() {
			s, err := m.Resource.Edit(fhir.Edit{Path: []string{"target"}, JSON: `[{"reference":"` + plan + `"}]`})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
	}
	return out
}
