package calendar_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow/calendar"
)

func TestACarrierIsToldWhatItMustKnow(t *testing.T) {
	t.Parallel()
	action := func(part, carrier, at string) calendar.Known {
		return known(t, `{"resourceType":"CarePlan","id":"a","status":"active","intent":"plan","subject":{"reference":"Patient/kind"},
			"extension":[{"url":"%[4]s/StructureDefinition/actie","extension":[{"url":"onderdeel","valueCode":"%[1]s"}]}],
			"activity":[{"detail":{"status":"scheduled","description":"Rolstoel vastzetten.","performer":[{"reference":"Organization/%[2]s"}],
			"scheduledTiming":{"repeat":{"timeOfDay":["%[3]s","15:00:00"],"period":1,"periodUnit":"d"}}}}]}`, part, carrier, at, b)
	}
	s := on(t, "2026-03-01", 6)
	s.Patient = known(t, `{"resourceType":"Patient","id":"kind","active":true,"name":[{"use":"official","given":["Karel","Jan"],"family":"X"},{"use":"usual","given":["Kareltje"]}]}`)
	s.Find = func(ref fhir.Ref) (calendar.Known, error) {
		if ref.ID == "weg" {
			return calendar.Known{}, nil
		}
		return known(t, `{"resourceType":"Organization","id":"%s","type":[{"coding":[{"system":"%s/CodeSystem/organisatie-soort","code":"%[1]s"}]}]}`, ref.ID, b), nil
	}
	s.Emergency = []calendar.Known{known(t, `{"resourceType":"CarePlan","id":"n","status":"active","intent":"plan","subject":{"reference":"Patient/kind"},
		"activity":[{"detail":{"status":"scheduled","description":"Bel 112.","extension":[{"url":"%s/StructureDefinition/noodtelefoon","valueString":"0880000099"}]}}]}`, b)}
	for _, c := range []struct {
		part, carrier string
		tasks, issues int
	}{{"vervoer", "vervoerder", 1, 0}, {"vervoer", "thuiszorg", 0, 1}, {"vervoer", "weg", 0, 1}, {"verpleging", "vervoerder", 0, 0}} {
		s.Actions = []calendar.Known{action(c.part, c.carrier, "08:00:00")}
		if out := follow(t, s); len(out.Writes) != 2*c.tasks || len(out.Issues) != c.issues {
			t.Errorf("%+v: %d writes, %v", c, len(out.Writes), out.Issues)
		}
	}
	s.Actions = []calendar.Known{action("vervoer", "vervoerder", "08:00:00")}
	s = apply(s, follow(t, s))
	var told []string
	for in := range s.Tasks[0].Resource.Root().All("input") {
		told = append(told, in.At("type", "text").Text()+": "+in.Member("valueString").Text()+in.At("valueReference", "reference").Text())
	}
	if d := cmp.Diff([]string{"naam: Kareltje", "instructie: Rolstoel vastzetten.", "tijden: 08:00, 15:00", "noodtelefoon: 0880000099", "noodplan: CarePlan/n"}, told); d != "" {
		t.Error(d)
	}
	if strings.Contains(string(s.Tasks[0].Resource.Bytes()), "Bel 112") {
		t.Error("the plan for emergencies is in the Task")
	}
	s.Actions = []calendar.Known{action("vervoer", "vervoerder", "08:30:00")}
	got := said(t, s)
	slices.Sort(got)
	if d := cmp.Diff([]string{"Task fulfill routine Organization/vervoerder", "Task fulfill routine Organization/vervoerder cancelled"}, got); d != "" {
		t.Errorf("other times: %s", d)
	}
}
