package calendar_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow/calendar"
)

func TestTheFamilyDoctorAndYouthHealthCareAreTold(t *testing.T) {
	t.Parallel()
	s := on(t, "2026-03-01", 4)
	stored := map[string]string{
		"Condition/c1":        `{"resourceType":"Condition","id":"c1","meta":{"tag":[{"system":"` + b + `/CodeSystem/mks-domein","code":"ontwikkeling"}]},"code":{"text":"Voedingsprobleem"},"subject":{"reference":"Patient/kind"}}`,
		"Condition/c2":        `{"resourceType":"Condition","id":"c2","meta":{"security":[{"system":"` + b + `/CodeSystem/access-label","code":"about-parent"}]},"code":{"text":"Moeder is moe"},"subject":{"reference":"Patient/kind"}}`,
		"PractitionerRole/zc": `{"resourceType":"PractitionerRole","id":"zc","telecom":[{"system":"phone","value":"0880000001"}]}`,
	}
	s.Find = func(ref fhir.Ref) (calendar.Known, error) {
		if text, ok := stored[ref.String()]; ok {
			return known(t, "%s", text), nil
		}
		return calendar.Known{}, nil
	}
	s.Plans = []calendar.Known{
		plan(t, "p", "active", "2026-01-10", `,"addresses":[{"reference":"Condition/c1"},{"reference":"Condition/c2"},{"reference":"Condition/weg"}]`, 3),
		plan(t, "d", "draft", "2026-01-10", "", 4),
	}
	s.Emergency = []calendar.Known{known(t, `{"resourceType":"CarePlan","id":"n","meta":{"tag":[{"system":"%[1]s/CodeSystem/mks-domein","code":"veiligheid"}]},"status":"active","intent":"plan",
		"subject":{"reference":"Patient/kind"},"activity":[{"detail":{"status":"scheduled","reasonCode":[{"text":"Blauw worden."}],"description":"Bel 112.",
		"extension":[{"url":"%[1]s/StructureDefinition/noodtelefoon","valueString":"0880000099"}]}}]}`, b)}
	nobody := saidAll(t, s)
	if !slices.Contains(nobody, "7.9 Task notification routine PractitionerRole/zc") || len(follow(t, s).Issues) != 1 {
		t.Errorf("nobody to tell: %v %v", nobody, follow(t, s).Issues)
	}
	asked := apply(s, follow(t, s))
	s.Patient = known(t, `{"resourceType":"Patient","id":"kind","active":true,"generalPractitioner":[{"reference":"Organization/huisarts"}]}`)
	s.Teams = append(s.Teams, known(t, `{"resourceType":"CareTeam","id":"jgz","status":"active","participant":[
		{"role":[{"coding":[{"system":"%s/CodeSystem/teamrol","code":"jgz"}]}],"member":{"reference":"PractitionerRole/jgz"}}]}`, b))
	want := []string{"7.9 Communication notification Organization/huisarts preparation", "7.9 Communication notification PractitionerRole/jgz preparation"}
	if d := cmp.Diff(want, saidAll(t, s)[:2]); d != "" {
		t.Error(d)
	}
	asked.Patient = s.Patient
	if got := saidAll(t, asked); !slices.Contains(got, "7.9 Task notification routine PractitionerRole/zc completed completed") {
		t.Errorf("a doctor was found: %v", got)
	}
	s = apply(s, follow(t, s))
	n := s.Messages[0].Resource.Root()
	text := n.At("payload", "contentString").Text()
	if want := "Probleem: Voedingsprobleem\nNoodplan: Blauw worden. Bel 112. Telefoon: 0880000099\nZorgcoördinator: 0880000001"; text != want {
		t.Errorf("%q", text)
	}
	var domains []string
	for tag := range n.All("meta", "tag", "code") {
		domains = append(domains, tag.Text())
	}
	if d := cmp.Diff([]string{"medisch", "ontwikkeling", "veiligheid"}, domains); d != "" {
		t.Error(d)
	}
	s.Plans = []calendar.Known{plan(t, "p", "active", "2026-01-10", "", 4)}
	got := slices.DeleteFunc(saidAll(t, s), func(line string) bool { return !strings.HasSuffix(line, " stopped") })
	if len(got) != 2 {
		t.Errorf("a new version: %v", got)
	}
}

func TestSchoolAndMunicipalityAreAsked(t *testing.T) {
	t.Parallel()
	request := func(law, status, performer string) calendar.Known {
		return known(t, `{"resourceType":"ServiceRequest","id":"r","status":"%[2]s","intent":"order","category":[{"coding":[{"system":"%[4]s/CodeSystem/wettelijk-kader","code":"%[1]s"}]}],
			"code":{"text":"Begeleiding"},"subject":{"reference":"Patient/kind"},"performer":[{"reference":"%[3]s"}]}`, law, status, performer, b)
	}
	const asked = "7.10 Task fulfill routine Organization/gemeente"
	for _, c := range []struct {
		law, status, performer string
		want                   []string
	}{
		{"jw", "active", "Organization/gemeente", []string{asked}}, {"wmo", "active", "Organization/gemeente", []string{asked}},
		{"po", "active", "Organization/gemeente", []string{asked}}, {"zvw", "active", "Organization/gemeente", nil},
		{"jw", "revoked", "Organization/gemeente", nil}, {"jw", "draft", "Organization/gemeente", nil},
		{"jw", "active", "PractitionerRole/x", nil}, {"jw", "active", home.String(), nil},
	} {
		s := on(t, "2026-03-01", 4)
		s.Requests = []calendar.Known{request(c.law, c.status, c.performer)}
		if d := cmp.Diff(strings.Join(c.want, "\n"), strings.Join(saidAll(t, s), "\n")); d != "" {
			t.Errorf("%+v: %s", c, d)
		}
	}
	s := on(t, "2026-03-01", 4)
	s.Requests = []calendar.Known{request("jw", "active", "Organization/gemeente")}
	s = apply(s, follow(t, s))
	rejected, err := s.Tasks[0].Resource.Edit(fhir.Edit{Path: []string{"status"}, JSON: `"rejected"`})
	if err != nil {
		t.Fatal(err)
	}
	s.Tasks[0].Resource = rejected
	if d := cmp.Diff([]string{"7.10 Task fulfill routine PractitionerRole/zc"}, saidAll(t, s)); d != "" {
		t.Error(d)
	}
	s = apply(s, follow(t, s))
	s.Requests = []calendar.Known{request("jw", "revoked", "Organization/gemeente")}
	if d := cmp.Diff([]string{"7.10 Task fulfill routine PractitionerRole/zc cancelled cancelled"}, saidAll(t, s)); d != "" {
		t.Error(d)
	}
}
