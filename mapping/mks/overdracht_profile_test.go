package mks_test

import (
	"cmp"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
)

// claims returns the last names of the profiles that a resource claims.
func claims(n fhir.Node) []string {
	var out []string
	for p := range n.All("meta", "profile") {
		out = append(out, path.Base(p.Text()))
	}
	return out
}

// development makes a field of ontwikkeling the only one, with these codes.
func development(field string, codes ...string) func(_, c map[string]any) {
	return func(_, c map[string]any) { c["ontwikkeling"] = map[string]any{field: codes} }
}

// first sets a member of the first object of a list.
func first(list, member string, v any) func(_, c map[string]any) {
	return func(_, c map[string]any) { c[list].([]any)[0].(map[string]any)[member] = v }
}

func TestTransferClaimsAProfileOnlyWhereItHolds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(doc, c map[string]any)
		typ    fhir.Type
		part   string
		want   []string
	}{
		{"a diagnosis with a code of SNOMED CT", first("medischeDiagnoses", "tekst", "x"), "Condition", "diagnose1", list("nl-core-Problem")},
		{"a diagnosis with another code", first("medischeDiagnoses", "code", map[string]any{"icd10": "H66.9"}), "Condition", "diagnose1", nil},
		{"a withdrawn diagnosis", func(doc, _ map[string]any) { doc["status"], doc["intrekReden"] = "ingetrokken", "x" }, "Condition", "diagnose1", nil},
		{"an alert in words", first("alerts", "tekst", "x"), "Flag", "alert1", list("nl-core-Alert")},
		{"an alert that nl-core has a code for", first("alerts", "code", map[string]any{"sct": "66598005"}), "Flag", "alert1", nil},
		{"a development of the list", development("motoriek", "165245003"), "Observation", "ontw-motoriek-165245003", list("nl-core-DevelopmentChild.DevelopmentLocomotion")},
		{"a development that is not of the list", development("motoriek", "258116008"), "Observation", "ontw-motoriek-258116008", nil},
		{"one development of a field", development("taal", "258116008"), "Observation", "ontw", list("nl-core-DevelopmentChild")},
		{"two developments of a field", development("taal", "258116008", "26261000146103"), "Observation", "ontw", nil},
		{"pain by FLACC", func(_, _ map[string]any) {}, "Observation", "pijn", list("nl-core-FLACCpainScale")},
		{"pain by another scale", func(_, c map[string]any) { c["pijn"].(map[string]any)["schaal"] = "NRS" }, "Observation", "pijn", nil},
		{"the admission", func(_, _ map[string]any) {}, "Encounter", "opname", list("nl-core-Encounter")},
		{"an appointment", func(_, _ map[string]any) {}, "Encounter", "afspraak1", nil},
		{"an allergy", func(_, _ map[string]any) {}, "AllergyIntolerance", "allergie1", nil},
		{"the use of a device", func(_, _ map[string]any) {}, "DeviceUseStatement", "hm1", list("nl-core-MedicalDevice")},
		{"the Task", func(_, _ map[string]any) {}, "Task", "taak", list("mks-overdracht-taak")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, r, _ := submit(t, storedChild(t), changed(t, c.change))
			if got := claims(partOf(t, r, c.typ, c.part)); !slices.Equal(got, c.want) {
				t.Errorf("claims %q, want %q", got, c.want)
			}
		})
	}
}

// published is what a profile of Nictiz says of the code of its resources.
type published struct {
	URL, Type, BaseDefinition string
	Differential              struct {
		Element []struct {
			ID                     string
			PatternCodeableConcept struct {
				Coding []struct{ System, Code string }
			}
		}
	}
}

// profileOf reads a published profile; it skips where there are none.
func profileOf(t *testing.T, name string) published {
	t.Helper()
	dir := filepath.Join(cmp.Or(os.Getenv("DRIELUIK_SHARED"), filepath.Join("..", "..", "..", "shared")), "fhir", "nl-core", "package")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the profiles of nl-core are absent: set DRIELUIK_SHARED")
	}
	text, err := os.ReadFile(filepath.Join(dir, "StructureDefinition-"+name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var out published
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestClaimedProfilesArePublishedAndHaveTheCode(t *testing.T) {
	t.Parallel()
	_, r, _ := submit(t, storedChild(t), changed(t, func(_, c map[string]any) {
		c["metingen"].(map[string]any)["hartslag"] = map[string]any{"waarde": 120, "op": "2026-11-02T08:00:00+01:00"}
	}))
	for _, m := range r.Resources {
		n := m.Resource.Root()
		for p := range n.All("meta", "profile") {
			name := path.Base(p.Text())
			if !strings.HasPrefix(name, "nl-core-") {
				continue
			}
			d := profileOf(t, name)
			if d.URL != p.Text() || d.Type != string(m.Resource.Type()) {
				t.Errorf("%s claims %s, which is %s of %s", m.Resource.Type(), p.Text(), d.URL, d.Type)
			}
			for _, e := range profileOf(t, path.Base(d.BaseDefinition)).Differential.Element {
				for _, c := range e.PatternCodeableConcept.Coding {
					if e.ID == "Observation.code" && !hasCoding(n, c.System, c.Code) {
						t.Errorf("%s asks for the code %s of %s", name, c.Code, c.System)
					}
				}
			}
		}
	}
}

func hasCoding(n fhir.Node, system, code string) bool {
	for c := range n.All("code", "coding") {
		if c.Member("system").Text() == system && c.Member("code").Text() == code {
			return true
		}
	}
	return false
}
