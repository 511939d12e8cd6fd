package samordningsplan_test

import (
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/samordningsplan"
)

// units stores organisations of the operator: their ids by HSA-id or organisation number.
func units(t *testing.T, k *mapping.Memory, all map[string]string) {
	t.Helper()
	for id, number := range all {
		system := "urn:oid:1.2.752.29.4.19"
		if len(number) == 10 {
			system = "urn:oid:2.5.4.97"
		}
		r, issues := fhir.Parse([]byte(`{"resourceType":"Organization","id":"`+id+`","active":true,"identifier":[{"system":"`+system+`","value":"`+number+`"}]}`), fhir.Limits{})
		if fhir.HasErrors(issues) {
			t.Fatal(issues)
		}
		ref := fhir.Ref{Type: "Organization", ID: id}
		k.Apply(mapping.Source{}, mapping.Result{Sender: ref, Resources: []mapping.Mapped{{Resource: r}}}, receipt)
	}
}

// TestStepsComeFromTheCoordinator is who may send which version: the sample's ansvar is of the unit a, which
// initiated the plan and coordinates it, or b.
func TestStepsComeFromTheCoordinator(t *testing.T) {
	t.Parallel()
	lead := func(actor string) change { return set(actor, "samordnare", "aktor") }
	meeting := below(below(value(t, sample(t, ylva)), "kallelse"), 0).(map[string]any)
	next := map[string]any{}
	for name, v := range meeting {
		next[name] = v
	}
	next["id"] = "K2"
	second, more := set(2, "version"), set([]any{meeting, next}, "kallelse")
	draft := []change{set("utkast", "status"), set(nil, "samordnare"), set([]any{}, "kallelse")}
	for name, c := range map[string]struct {
		stored []change // nil: nothing is stored
		now    []change
		by     string
		want   bool
	}{
		"a new plan with a meeting, by its initiator":               {nil, nil, "a", true},
		"a new plan with a meeting, by its coordinator":             {nil, []change{lead("A2")}, "b", true},
		"a new plan with a meeting, by another":                     {nil, nil, "c", false},
		"a new plan without a step, by another that answers for it": {nil, draft, "c", true},
		"the next version without a step, by who holds it":          {[]change{lead("A2")}, []change{lead("A2"), second}, "a", true},
		"the next version, by who coordinates it":                   {[]change{lead("A2")}, []change{lead("A2"), second}, "b", true},
		"the next version, by another":                              {[]change{lead("A2")}, []change{lead("A2"), second}, "c", false},
		"a meeting, by who holds the plan alone":                    {[]change{lead("A2")}, []change{lead("A2"), second, more}, "a", false},
		"a meeting, by the coordinator":                             {[]change{lead("A2")}, []change{lead("A2"), second, more}, "b", true},
		"a coordinator who names itself":                            {[]change{lead("A1")}, []change{lead("A2"), second, more}, "b", false},
		"a meeting while nobody coordinates, by the initiator":      {draft, []change{second, more}, "a", true},
		"a close, by who holds the plan alone":                      {[]change{lead("A2")}, []change{lead("A2"), second, set("makulerad", "status")}, "a", false},
		"a close, by the part of a municipality that coordinates":   {[]change{lead("A3")}, []change{lead("A3"), second, set("makulerad", "status")}, "d", true},
	} {
		k := mapping.NewMemory()
		units(t, k, map[string]string{"a": "SE4000000010-HAB1", "b": "SE4000000010-BUP1", "c": "SE4000000036-REH2", "d": "SE4000000028-SKOLA"})
		read := func(changes []change, by string) mapping.Source {
			doc, _ := fhir.ParseDocument(edited(t, ylva, changes...), fhir.Limits{})
			s, _ := samordningsplan.Format{}.Read(doc, receipt)
			s.Holder, s.Arrives = fhir.Ref{Type: "Organization", ID: by}, true
			return s
		}
		if c.stored != nil {
			s := read(c.stored, "a")
			r, err := samordningsplan.Format{}.Map(s, k, receipt)
			if err != nil || fhir.HasErrors(r.Issues) {
				t.Fatal(name, r.Issues, err)
			}
			k.Apply(s, r, receipt)
		}
		got, err := samordningsplan.Format{}.Admits(read(c.now, c.by), k)
		if err != nil || got != c.want {
			t.Errorf("%s: %t, %v", name, got, err)
		}
	}
}
