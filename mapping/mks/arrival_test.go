package mks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// TestAPlanIsInForceWhicheverOfItAndItsChildComesFirst: a plan that is signed enough waits for the child
// record alone, and is then what it would have been behind it.
func TestAPlanIsInForceWhicheverOfItAndItsChildComesFirst(t *testing.T) {
	guardianship := planEdited(t, "boris/01-kind.json", func(_, in map[string]any) {
		in["gezag"] = map[string]any{"type": "Voogdij", "houders": []any{"org-03"}, "bron": "uitspraak", "gecontroleerdOp": "2026-10-30"}
		protector := planList(in, "medewerkers")[6]
		protector["functie"], protector["organisatie"] = "jeugdbeschermer", "org-03"
	})
	signed := func(who ...any) func(doc, in map[string]any) {
		return func(doc, in map[string]any) {
			var list []any
			for _, w := range who {
				list = append(list, map[string]any{"door": w, "op": "2026-07-01T10:00:00Z", "versie": doc["versie"], "wijze": "papier"})
			}
			in["handtekeningen"] = list
		}
	}
	as := func(_, _ map[string]any) {}
	for name, row := range map[string]struct {
		kind, plan []byte
		all        bool
		stands     string // of the plans of Boris
	}{
		"signed by one parent":           {sample(t, "boris/01-kind.json"), planEdited(t, boris3, as), false, planInForce},
		"a child of 13":                  {sample(t, "sanne/01-kind.json"), planEdited(t, sanne2, as), false, ""},
		"a youth of 17":                  {sample(t, "daan/01-kind.json"), planEdited(t, daan6, as), false, ""},
		"signed for an institution":      {guardianship, planEdited(t, boris3, signed("med-07")), false, planInForce},
		"signed by a nurse":              {guardianship, planEdited(t, boris3, signed("med-02")), false, planDraft},
		"signed by nobody":               {sample(t, "boris/01-kind.json"), planEdited(t, boris3, func(_, in map[string]any) { delete(in, "handtekeningen") }), false, planDraft},
		"one of two under all":           {sample(t, "boris/01-kind.json"), planEdited(t, boris3, as), true, planDraft},
		"both under all":                 {sample(t, "boris/01-kind.json"), planEdited(t, boris3, signed("bet-01", "bet-02")), true, planInForce},
		"a concept that somebody signed": {sample(t, "boris/01-kind.json"), planEdited(t, boris3, func(doc, _ map[string]any) { doc["status"] = "concept" }), false, planDraft},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f mapping.Format = mks.Format{}
			if row.all {
				f = mks.AllSign{}
			}
			want, got := arrived(t, f, row.kind, row.plan), arrived(t, f, row.plan, row.kind)
			if status := map[string]string{planInForce: "active", planDraft: "draft"}[row.stands]; !strings.Contains(got[row.stands], status) {
				t.Errorf("%s is not %s", row.stands, status)
			}
			for ref, body := range want {
				if !strings.Contains(body, "#zorgplan/") || strings.HasPrefix(ref, "Provenance/") && !strings.Contains(body, `"signature"`) {
					continue
				}
				if d := cmp.Diff(body, got[ref]); d != "" {
					t.Errorf("%s (-child first +plan first):\n%s", ref, d)
				}
				delete(got, ref)
			}
			for ref, body := range got { // what is left of the draft has ended
				if strings.Contains(body, "#zorgplan/") && slices.ContainsFunc([]string{"active", "draft", "proposed"}, func(s string) bool {
					return strings.Contains(body, `tatus":"`+s+`"`)
				}) {
					t.Errorf("%s is not there in the other order: %.200s", ref, body)
				}
			}
		})
	}
}

// arrived returns what is stored after records, by reference.
func arrived(t *testing.T, f mapping.Format, records ...[]byte) map[string]string {
	t.Helper()
	stored := mapping.NewMemory()
	for _, text := range records {
		s, issues := f.Read(document(t, text), receipt)
		r, err := f.Map(s, stored, receipt)
		if err != nil || fhir.HasErrors(issues) || fhir.HasErrors(r.Issues) {
			t.Fatal(err, issues, r.Issues)
		}
		stored.Apply(s, r, receipt)
	}
	out := map[string]string{}
	for _, r := range stored.All() {
		out[r.Ref().String()] = string(r.Bytes())
	}
	return out
}

func TestAPlanThatBreaksARuleWhenItsChildComesStaysADraft(t *testing.T) {
	c := planOf(t)
	c.store(planEdited(t, boris3, func(_, in map[string]any) {
		planList(in, "acties")[0]["uitvoerders"].([]any)[0].(map[string]any)["ref"] = "bet-01" // soort professional
	}))
	r := c.store(sample(t, "boris/01-kind.json"))
	if got := c.current(planDraft).Member("status").Text(); got != "draft" {
		t.Errorf("the plan is %s", got)
	}
	planResource(t, r, "Task", "MKS-ZP-04", "input", "valueString")
}

// TestWhoIsOfTheWrongKindStaysAName: where the source names a parent for a nurse, the reference does not
// become one to what FHIR has no place for; the sender is asked, and the right ones become literal.
func TestWhoIsOfTheWrongKindStaysAName(t *testing.T) {
	t.Parallel()
	c := planOf(t)
	text := edit(t, sample(t, "boris/12-toestemming.json"), `"med-01"`, "inhoud", "houder", "organisatie")
	text = edit(t, text, `"bet-02"`, "inhoud", "vastgelegdDoor")
	c.store(text)
	c.store(sample(t, "boris/01-kind.json"))
	if d := cmp.Diff([]string{"MKS-REF-03"}, c.asked()); d != "" {
		t.Errorf("questions (-want +got):\n%s", d)
	}
	consent := c.current("Consent/" + mapping.ID("Consent/"+planSource+"toestemming/toe-1001"))
	if got := consent.Member("status").Text(); got != "proposed" {
		t.Errorf("the consent is %s", got)
	}
	if got := consent.At("organization", "reference").Text(); got != "" {
		t.Errorf("the data is held by %s", got)
	}
	if got := consent.At("performer", "reference").Text(); !strings.HasPrefix(got, "RelatedPerson/") {
		t.Errorf("the giver is %q", got)
	}
	for _, i := range faultsOf(consent.Resource()) {
		if i.Severity == fhir.SeverityError {
			t.Errorf("%s at %s: %s", i.Diagnostics, i.Expression, i.Text)
		}
	}
}
