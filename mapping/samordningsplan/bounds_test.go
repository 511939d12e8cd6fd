package samordningsplan_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/samordningsplan"
)

// large is a plan with many of everything that refers to everything else.
func large(t *testing.T, n int) []byte {
	doc := value(t, sample(t, olle)).(map[string]any)
	many := func(name, prefix string, change func(i int, item map[string]any)) []any {
		first, err := json.Marshal(doc[name].([]any)[0])
		if err != nil {
			t.Fatal(err)
		}
		out := doc[name].([]any)
		for i := len(out); i < n; i++ {
			item := value(t, first).(map[string]any)
			item["id"] = fmt.Sprintf("%s%d", prefix, i)
			change(i, item)
			out = append(out, item)
		}
		doc[name] = out
		return out
	}
	keep := func(int, map[string]any) {}
	many("aktorer", "AX", func(i int, a map[string]any) { a["verksamhet"] = fmt.Sprint("Enhet ", i) })
	many("foretradare", "FX", keep)
	many("mal", "MX", keep)
	many("insatser", "IX", func(i int, a map[string]any) {
		a["mal"] = []any{"M1", "M2", "M3", "M1", "M2", "M3", "M1", "M2"}
		a["ansvarigAktor"] = fmt.Sprintf("AX%d", max(3, i-1))
	})
	many("samtycke", "SX", func(i int, a map[string]any) {
		a["undantag"] = []any{map[string]any{"aktor": fmt.Sprintf("AX%d", max(3, i-1))}}
	})
	many("signaler", "GX", keep)
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestALargePlanComesBack(t *testing.T) {
	t.Parallel()
	if !returned(t, large(t, 100)) {
		t.Error("the plan is refused")
	}
}

func TestAPlanPastTheBoundsIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	long := value(t, large(t, 0)).(map[string]any)
	long["delgiven"] = slices.Repeat([]any{map[string]any{"till": "A1", "datum": "2026-10-15"}}, 1001)
	text, err := json.Marshal(long)
	if err != nil {
		t.Fatal(err)
	}
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	s, issues := samordningsplan.Format{}.Read(doc, receipt)
	r, err := samordningsplan.Format{}.Map(s, mapping.NewMemory(), receipt)
	if err != nil || len(r.Resources) > 0 || !slices.ContainsFunc(issues, func(i fhir.Issue) bool { return i.Diagnostics == "SP-S09" && i.Severity == fhir.SeverityError }) {
		t.Error(err, issues)
	}
}
