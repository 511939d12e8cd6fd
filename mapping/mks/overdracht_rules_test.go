package mks_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/mappingtest"
)

const borisTransfer = "boris/11-overdracht-ziekenhuis-naar-huis.json"

// storedChild returns a Known with both child records of boris.
func storedChild(t *testing.T) *mappingtest.Known {
	t.Helper()
	known, _ := transferAfter(t, borisTransfer, "boris/01-kind.json", "boris/02-kind-ziekenhuis.json")
	return known
}

// changed returns the transfer of boris after a change of its content.
func changed(t *testing.T, change func(doc, content map[string]any)) []byte {
	t.Helper()
	b, err := os.ReadFile("../../testdata/mks/" + borisTransfer)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	content, ok := doc["inhoud"].(map[string]any)
	if !ok {
		t.Fatal("no inhoud")
	}
	change(doc, content)
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTransferRulesFireWhereTheyShould(t *testing.T) {
	t.Parallel()
	sub := func(c map[string]any, name string) map[string]any {
		m, ok := c[name].(map[string]any)
		if !ok {
			m = map[string]any{}
			c[name] = m
		}
		return m
	}
	cases := []struct {
		name   string
		change func(doc, c map[string]any)
		want   string // severity rule expression
	}{
		{"variant 0-1 at eighteen months", func(_, c map[string]any) { c["leeftijdsvariant"] = "0-1" }, "error MKS-OVD-01 /inhoud/leeftijdsvariant"},
		{"a closed gate is told at once", func(_, c map[string]any) { sub(c, "ontslaggereedheid")["materialenGeleverd"] = false }, "warning MKS-OVD-02 /inhoud/ontslaggereedheid"},
		{"no diagnosis", func(_, c map[string]any) { delete(c, "medischeDiagnoses") }, "error MKS-OVD-03 /inhoud"},
		{"no practitioner", func(_, c map[string]any) { c["behandelaars"] = []any{} }, "error MKS-OVD-03 /inhoud"},
		{"sender is receiver", func(_, c map[string]any) { sub(c, "ontvanger")["organisatie"] = "o-zkh" }, "error MKS-OVD-04 /inhoud/ontvanger/organisatie"},
		{"sender is receiver by its URA", func(_, c map[string]any) { sub(c, "ontvanger")["organisatie"] = "ura:90000002" }, "error MKS-OVD-04 /inhoud/ontvanger/organisatie"},
		{"measured after it was recorded", func(_, c map[string]any) {
			sub(c, "metingen")["gewicht"] = map[string]any{"waarde": 9.4, "op": "2026-11-02T15:00:01+01:00"}
		}, "error MKS-OVD-06 /inhoud/metingen/gewicht/op"},
		{"a saturation over 100", func(_, c map[string]any) {
			sub(c, "metingen")["saturatie"] = map[string]any{"waarde": 101, "op": "2026-11-02T08:00:00+01:00"}
		}, "error MKS-OVD-07 /inhoud/metingen/saturatie/waarde"},
		{"a pain score outside its scale", func(_, c map[string]any) { sub(c, "pijn")["score"] = 11 }, "error MKS-OVD-08 /inhoud/pijn/score"},
		{"a COMFORT score begins at 6", func(_, c map[string]any) {
			c["pijn"] = map[string]any{"schaal": "COMFORT", "score": 5, "op": "2026-11-02T08:00:00+01:00"}
		}, "error MKS-OVD-08 /inhoud/pijn/score"},
		{"a malformed digest", func(_, c map[string]any) {
			c["bijlagen"] = []any{map[string]any{"titel": "x", "mime": "application/pdf", "sha256": "ABC"}}
		}, "error MKS-OVD-09 /inhoud/bijlagen/0/sha256"},
		{"head circumference of a child over one", func(_, c map[string]any) {
			sub(c, "metingen")["schedelomtrek"] = map[string]any{"waarde": 48, "op": "2026-11-02T08:00:00+01:00"}
		}, "error MKS-OVD-10 /inhoud/metingen/schedelomtrek"},
		{"no three-way talk", func(_, c map[string]any) { delete(c, "drieluikGesprek") }, "warning MKS-OVD-11 /inhoud/drieluikGesprek"},
		{"a talk without its day", func(_, c map[string]any) { delete(sub(c, "drieluikGesprek"), "datum") }, "error MKS-OVD-12 /inhoud/drieluikGesprek/datum"},
		{"a sender that is another organisation", func(_, c map[string]any) { sub(c, "verzender")["organisatie"] = "ura:90000001" }, "error MKS-OVD-13 /inhoud/verzender/organisatie"},
		{"no end of the admission", func(_, c map[string]any) { delete(sub(c, "opname"), "tot") }, "warning MKS-OVD-14 /inhoud/opname/tot"},
		{"another custody than is stored", func(_, c map[string]any) { sub(c, "juridisch")["gezag"] = "Voogdij" }, "warning MKS-OVD-15 /inhoud/juridisch/gezag"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, result := mapTransfer(t, storedChild(t), changed(t, c.change))
			if !slices.Contains(told(result.Issues), c.want) {
				t.Errorf("got %q, want %q among them", told(result.Issues), c.want)
			}
		})
	}
}

func told(issues []fhir.Issue) []string {
	var out []string
	for _, i := range issues {
		out = append(out, i.Severity+" "+i.Diagnostics+" "+i.Expression)
	}
	return out
}

func TestSoundTransferGivesOnlyTheGateWarning(t *testing.T) {
	t.Parallel()
	_, result := mapTransfer(t, storedChild(t), changed(t, func(_, _ map[string]any) {}))
	if got := told(result.Issues); !slices.Equal(got, []string{"warning MKS-OVD-02 /inhoud/ontslaggereedheid"}) {
		t.Errorf("issues: %q", got)
	}
	if text := result.Issues[0].Text; !strings.Contains(text, "G1") || strings.Contains(text, "G2") {
		t.Errorf("the warning names the wrong checks: %s", text)
	}
}

func TestBrokenTransferOfTheVectorsGivesExactlyItsErrors(t *testing.T) {
	t.Parallel()
	_, result := transferAfter(t, "invalid/14-overdracht-variant-en-meting.json", "boris/01-kind.json", "boris/02-kind-ziekenhuis.json")
	var errs []string
	for _, s := range told(result.Issues) {
		if strings.HasPrefix(s, "error") {
			errs = append(errs, s)
		}
	}
	slices.Sort(errs)
	want := []string{
		"error MKS-OVD-01 /inhoud/leeftijdsvariant", "error MKS-OVD-04 /inhoud/ontvanger/organisatie",
		"error MKS-OVD-07 /inhoud/metingen/saturatie/waarde", "error MKS-OVD-09 /inhoud/bijlagen/0/sha256",
	}
	if !slices.Equal(errs, want) {
		t.Errorf("errors %q, want %q", errs, want)
	}
	if len(result.Resources) > 0 {
		t.Error("a faulty transfer made resources")
	}
}

func TestLaterTransferLeavesTheTaskAsTheReceiverMovedIt(t *testing.T) {
	t.Parallel()
	known := storedChild(t)
	source, first := mapTransfer(t, known, changed(t, func(_, _ map[string]any) {}))
	for i, m := range first.Resources {
		if m.Resource.Type() != "Task" {
			continue
		}
		accepted, err := m.Resource.Edit(fhir.Edit{Path: []string{"status"}, JSON: `"accepted"`})
		if err != nil {
			t.Fatal(err)
		}
		first.Resources[i].Resource = accepted
	}
	known.Apply(source, first, storyNow)
	_, second := mapTransfer(t, known, changed(t, func(doc, c map[string]any) {
		doc["versie"] = 2
		c["overplaatsingsdatum"] = "2026-11-05"
	}))
	seen := map[string]string{}
	for _, m := range second.Resources {
		root := m.Resource.Root()
		switch m.Resource.Type() {
		case "Task":
			seen["task"] = root.Member("status").Text() + " until " + root.At("restriction", "period", "end").Text()
		case "Composition":
			seen["composition"] = root.Member("status").Text()
		}
	}
	if seen["task"] != "accepted until 2026-11-05" || seen["composition"] != "amended" {
		t.Errorf("got %v", seen)
	}
}

func TestEveryMemberOfTheTransferLandsOrIsKept(t *testing.T) {
	t.Parallel()
	doc := changed(t, func(_, c map[string]any) {
		c["onbekendLid"] = map[string]any{"x": 1}
		c["zelfzorg"] = nil
	})
	_, result := mapTransfer(t, storedChild(t), doc)
	traced := map[string]bool{}
	for _, tr := range result.Trace {
		traced[tr.Pointer] = true
	}
	r, issues := fhir.ParseDocument(doc, fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	var walk func(n fhir.Node)
	walk = func(n fhir.Node) {
		if traced[n.Pointer()] {
			return
		}
		if n.Len() == 0 {
			t.Errorf("%s went nowhere", n.Pointer())
			return
		}
		for c := range n.Children() {
			walk(c)
		}
	}
	walk(r.Root().Member("inhoud"))
}
