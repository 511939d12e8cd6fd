package mks_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/mapping"
)

// The transfers of the sample records, and the child records before them.
const (
	borisTransfer = "boris/11-overdracht-ziekenhuis-naar-huis.json"
	sanneTransfer = "sanne/08-overdracht-huis-naar-ziekenhuis.json"
	daanTransfer  = "daan/07-overdracht-naar-volwassenenzorg.json"
)

// storedChild returns a Known with both child records of boris.
func storedChild(t *testing.T) *mapping.Memory {
	t.Helper()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json", "boris/02-kind-ziekenhuis.json")
	return k
}

// changed returns the transfer of boris after a change of its content.
func changed(t *testing.T, change func(doc, content map[string]any)) []byte {
	t.Helper()
	return planEdited(t, borisTransfer, change)
}

// full is a transfer of boris with every member that a hand-off of his age may have.
func full(t *testing.T) []byte {
	t.Helper()
	return changed(t, func(_, c map[string]any) {
		at := "2026-11-02T08:00:00+01:00"
		for name, v := range map[string]any{"hartslag": 120, "ademfrequentie": 30, "temperatuur": 37.2, "zuurstof": 0.5} {
			c["metingen"].(map[string]any)[name] = map[string]any{"waarde": v, "op": at}
		}
		c["pijn"] = map[string]any{"schaal": "COMFORT", "score": 14, "op": at}
		c["voorgeschiedenis"] = []any{map[string]any{"tekst": "Prematuur", "sinds": "2025", "code": map[string]any{"icd10": "P07.3"}}}
		c["alerts"] = []any{map[string]any{"tekst": "Latex", "code": map[string]any{"sct": "300916003"}}}
		c["allergieen"] = []any{map[string]any{"stof": "pinda", "code": map[string]any{"sct": "91935009"}, "ernst": "ernstig"}}
		for _, name := range []string{"vrijheidsbeperking", "zorgresultaat", "zelfzorg", "mobiliteit", "zintuigen", "mentaal"} {
			c[name] = name + " als gewoon"
		}
		c["ontwikkeling"].(map[string]any)["toelichting"] = "loopt langs de tafel"
		c["ziektebeleving"].(map[string]any)["kind"] = "huilt bij wisselen"
		c["woonsituatie"].(map[string]any)["toelichting"] = "trap zonder hek"
		c["voeding"].(map[string]any)["opmerking"] = "langzaam"
		c["bijlagen"].([]any)[0].(map[string]any)["url"] = "https://ziekenhuis.example/brief.pdf"
		c["hulpmiddelen"].([]any)[0].(map[string]any)["code"] = map[string]any{"sct": "17102003"}
	})
}

// valuesAt returns the texts of all values at or below what a FHIRPath with Type/id selects in the
// resources that came of a record.
func valuesAt(t *testing.T, r mapping.Result, element string) []string {
	t.Helper()
	ref, rest, _ := strings.Cut(element, ".")
	for _, m := range r.Resources {
		if m.Resource.Ref().String() != ref {
			continue
		}
		e, err := path.Compile(rest)
		if err != nil {
			t.Fatalf("%s: %v", element, err)
		}
		items, err := e.Eval(path.World{}, m.Resource.Root())
		if err != nil {
			t.Fatalf("%s: %v", element, err)
		}
		var out []string
		for _, i := range items {
			out = append(out, leafTexts(i.Node())...)
		}
		return out
	}
	return nil
}

func leafTexts(n fhir.Node) []string {
	if n.Len() == 0 {
		return []string{n.Text()}
	}
	var out []string
	for c := range n.Children() {
		out = append(out, leafTexts(c)...)
	}
	return out
}

// partOf returns the resource of a type that is a part of boris' transfer.
func partOf(t *testing.T, r mapping.Result, typ fhir.Type, part string) fhir.Node {
	t.Helper()
	id := mapping.ID("Composition/90000002/epd/overdracht/ovd-2001/" + part)
	for _, m := range r.Resources {
		if m.Resource.Ref() == (fhir.Ref{Type: typ, ID: id}) {
			return m.Resource.Root()
		}
	}
	t.Fatalf("no %s %s", typ, part)
	return fhir.Node{}
}

func TestTransfersOfTheSamplesBecomeTheResourcesOfTheTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before []string
		file   string
		want   map[string]int
		anchor string
	}{
		{[]string{"boris/01-kind.json", "boris/02-kind-ziekenhuis.json"}, borisTransfer, map[string]int{ // mks.md 8
			"Observation": 11, "Condition": 4, "AllergyIntolerance": 1, "Flag": 1, "CarePlan": 3, "Encounter": 3,
			"Device": 2, "DeviceUseStatement": 2, "NutritionOrder": 1, "DocumentReference": 1,
			"QuestionnaireResponse": 1, "Composition": 1, "Task": 1, "Provenance": 1,
		}, "Composition/e2a25bed-6435-5c5a-9e4d-46086152a070"},
		{[]string{"sanne/01-kind.json"}, sanneTransfer, map[string]int{
			"Observation": 8, "Condition": 3, "AllergyIntolerance": 1, "Flag": 1, "CarePlan": 1, "Device": 3,
			"DeviceUseStatement": 3, "NutritionOrder": 1, "Composition": 1, "Task": 1, "Provenance": 1,
		}, "Composition/" + mapping.ID("Composition/90000001/ecd/overdracht/ovd-1002")},
		{[]string{"daan/01-kind.json"}, daanTransfer, map[string]int{
			"Observation": 3, "Condition": 4, "Flag": 1, "CarePlan": 2, "Device": 2, "DeviceUseStatement": 2,
			"NutritionOrder": 1, "Composition": 1, "Task": 1, "Provenance": 1,
		}, "Composition/" + mapping.ID("Composition/90000001/ecd/overdracht/ovd-1003")},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			k := mapping.NewMemory()
			store(t, k, c.before...)
			r := store(t, k, c.file)
			if d := cmp.Diff(c.want, counts(r)); d != "" {
				t.Errorf("resources (-want +got):\n%s", d)
			}
			if r.Anchor.String() != c.anchor {
				t.Errorf("anchor %s, want %s", r.Anchor, c.anchor)
			}
		})
	}
}
