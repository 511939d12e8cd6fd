package samordningsplan_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/samordningsplan"
)

const (
	ylva = "samordningsplan/valid/02-ylva.json"
	olle = "samordningsplan/valid/03-barnplan-olle.json"
)

// edited is a sample with changes; each names members and indexes down to a place, and the value there. A
// value of nil takes the member away.
func edited(t testing.TB, file string, changes ...change) []byte {
	t.Helper()
	var doc any
	if err := json.Unmarshal(sample(t, file), &doc); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		at := doc
		for _, step := range c.path[:len(c.path)-1] {
			at = below(at, step)
		}
		last := c.path[len(c.path)-1]
		switch v := at.(type) {
		case map[string]any:
			if v[last.(string)] = c.value; c.value == nil {
				delete(v, last.(string))
			}
		case []any:
			v[last.(int)] = c.value
		}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type change struct {
	value any
	path  []any
}

func set(value any, path ...any) change { return change{value, path} }

func below(v, step any) any {
	if i, ok := step.(int); ok {
		return v.([]any)[i]
	}
	return v.(map[string]any)[step.(string)]
}

// rules are the rules of the errors among issues.
func rules(issues []fhir.Issue) []string {
	out := []string{}
	for _, i := range issues {
		if i.Severity == fhir.SeverityError {
			out = append(out, i.Diagnostics)
		}
	}
	slices.Sort(out)
	return out
}

func TestAPlanTakesTheStepsOfItsStateMachineAlone(t *testing.T) {
	t.Parallel()
	end := func(day, why string) change {
		return set(map[string]any{"datum": day, "orsak": why}, "avslut")
	}
	died := end("2026-09-09", "avliden")
	for name, c := range map[string]struct {
		was, now []change
		want     []string
	}{
		"active to follow-up":                 {nil, []change{set("uppfoljning", "status")}, nil},
		"active to called":                    {nil, []change{set("kallad", "status")}, []string{"SP-T01"}},
		"active to draft":                     {nil, []change{set("utkast", "status")}, []string{"SP-T01"}},
		"active to ended":                     {nil, []change{set("avslutad", "status"), died}, nil},
		"draft to ended":                      {[]change{set("utkast", "status")}, []change{set("avslutad", "status"), died}, []string{"SP-T01"}},
		"draft to ended, replaced":            {[]change{set("utkast", "status")}, []change{set("avslutad", "status"), end("2026-09-09", "ersatt-av-annan-plan"), set("uppnatt", "mal", 0, "uppfyllelse"), set("ej", "mal", 1, "uppfyllelse")}, nil},
		"ended, taken up again":               {[]change{set("avslutad", "status"), died}, []change{set("uppfoljning", "status"), set("2026-10-09T08:00:00+02:00", "andrad")}, nil},
		"ended, taken up after thirty days":   {[]change{set("avslutad", "status"), died}, []change{set("uppfoljning", "status"), set("2026-10-10T08:00:00+02:00", "andrad")}, []string{"SP-T01"}},
		"broken off, again without a consent": {[]change{set("avbruten", "status"), set("2026-09-09", "samtycke", 0, "aterkallat")}, []change{set("utkast", "status"), set("2026-09-09", "samtycke", 0, "aterkallat")}, []string{"SP-T01"}},
		"broken off, again with a new consent": {[]change{set("avbruten", "status"), set("2026-09-09", "samtycke", 0, "aterkallat")},
			[]change{set("utkast", "status"), set("2026-09-09", "samtycke", 0, "aterkallat"), set("2026-09-10", "samtycke", 1, "datum")}, nil},
		"made void, and back": {[]change{set("makulerad", "status")}, []change{set("aktiv", "status")}, []string{"SP-T01"}},
	} {
		k := mapping.NewMemory()
		if _, issues := submit(t, k, edited(t, ylva, c.was...)); fhir.HasErrors(issues) {
			t.Fatal(name, issues)
		}
		_, issues := submit(t, k, edited(t, ylva, append(c.now, set(2, "version"))...))
		if d := cmp.Diff(append([]string{}, c.want...), rules(issues)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestWhatANewVersionLeavesOutIsEnded: a consent that is no longer told must not go on opening the plan, and
// what was ended does not come back.
func TestWhatANewVersionLeavesOutIsEnded(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	submit(t, k, sample(t, ylva))
	fewer := edited(t, ylva, set(2, "version"), set([]any{}, "kallelse"), set(nil, "uppfoljningar"),
		set([]any{below(below(value(t, sample(t, ylva)), "samtycke"), 0)}, "samtycke"), set(nil, "foretradare", 0, "formote"), set(true, "person", "deltar"))
	if _, issues := submit(t, k, fewer); fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	states := map[string]int{}
	for _, r := range k.All() {
		n := r.Root()
		states[string(r.Type())+" "+n.Member("status").Text()]++
	}
	for _, want := range []string{"Consent active", "Consent inactive", "Appointment cancelled", "Task cancelled", "QuestionnaireResponse entered-in-error"} {
		if states[want] != 1 {
			t.Errorf("%d %s among %v", states[want], want, states)
		}
	}
	back, issues, err := samordningsplan.Format{}.Back(k.All(), mapping.Origin{})
	if err != nil || fhir.HasErrors(issues) {
		t.Fatal(issues, err)
	}
	if d := cmp.Diff(value(t, fewer), value(t, back)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, issues := submit(t, k, edited(t, ylva, set(3, "version"))); fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	if back, _, _ = (samordningsplan.Format{}).Back(k.All(), mapping.Origin{}); cmp.Diff(value(t, edited(t, ylva, set(3, "version"))), value(t, back)) != "" {
		t.Error("what was left out and told again does not come back")
	}
}

// TestWhatAnotherHoldsIsNotChanged: a Patient and an Organization that the sender does not hold stay as they
// are, and the document keeps its own words.
func TestWhatAnotherHoldsIsNotChanged(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	sender, other := fhir.Ref{Type: "Organization", ID: "sender"}, fhir.Ref{Type: "Organization", ID: "other"}
	held := func(text string, by fhir.Ref) {
		r, issues := fhir.Parse([]byte(text), fhir.Limits{})
		if fhir.HasErrors(issues) {
			t.Fatal(issues)
		}
		k.Apply(mapping.Source{}, mapping.Result{Sender: by, Resources: []mapping.Mapped{{Resource: r}}}, receipt)
	}
	held(`{"resourceType":"Patient","id":"known","identifier":[{"system":"http://electronichealth.se/identifier/personnummer","value":"202203142381"}],"name":[{"family":"Annan"}]}`, other)
	held(`{"resourceType":"Organization","id":"hab","identifier":[{"system":"urn:oid:1.2.752.29.4.19","value":"SE4000000010-HAB1"}],"name":"Habiliteringen"}`, other)
	text := sample(t, ylva)
	doc, _ := fhir.ParseDocument(text, fhir.Limits{})
	s, _ := samordningsplan.Format{}.Read(doc, receipt)
	s.Holder = sender
	r, err := samordningsplan.Format{}.Map(s, k, receipt)
	if err != nil || fhir.HasErrors(r.Issues) {
		t.Fatal(r.Issues, err)
	}
	for _, m := range r.Resources {
		if ref := m.Resource.Ref(); ref.ID == "known" || ref.ID == "hab" {
			t.Errorf("%s is written", ref)
		}
	}
	if want := (fhir.Ref{Type: "Patient", ID: "known"}); r.Patient != want {
		t.Errorf("the plan is of %s", r.Patient)
	}
	k.Apply(s, r, receipt)
	back, issues, err := samordningsplan.Format{}.Back(k.All(), mapping.Origin{})
	if err != nil || fhir.HasErrors(issues) {
		t.Fatal(issues, err)
	}
	if d := cmp.Diff(value(t, text), value(t, back)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestPlansStoodInForByDifferentPlansAreAConflict is the rule between two documents of one person.
func TestPlansStoodInForByDifferentPlansAreAConflict(t *testing.T) {
	t.Parallel()
	standIn := func(document, by string) []byte {
		return edited(t, ylva, set(document, "dokumentId"), set("utkast", "status"), set([]any{map[string]any{
			"typ": "CM", "id": by, "aktor": "A1", "anvandsSom": "ersatter", "samordnareNamngiven": true}}, "befintligaPlaner"))
	}
	k := mapping.NewMemory()
	for _, c := range []struct {
		document, by string
		want         []string
	}{{"SIP-1", "CM-1", nil}, {"SIP-2", "CM-1", nil}, {"SIP-3", "CM-2", []string{"SP-R06d"}}} {
		_, issues := submit(t, k, standIn(c.document, c.by))
		if d := cmp.Diff(append([]string{}, c.want...), rules(issues)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.document, d)
		}
	}
}

// TestAPlanOfAnotherMakerIsReadAsFarAsItGoes: nothing is invented.
func TestAPlanOfAnotherMakerIsReadAsFarAsItGoes(t *testing.T) {
	t.Parallel()
	r, issues := fhir.Parse([]byte(`{"resourceType":"CarePlan","id":"x","status":"active","intent":"plan","title":"En plan","subject":{"reference":"Patient/p"},
		"category":[{"coding":[{"system":"https://fhir.inera.se/CodeSystem/typeofcareplan-cs","code":"SIP"}]}],
		"identifier":[{"system":"urn:oid:1.2.752.129.2.1.4.1#SE4000000010-SYS01","value":"SIP-9"}]}`), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	text, issues, err := samordningsplan.Format{}.Back([]*fhir.Resource{r}, mapping.Origin{})
	if err != nil || text != nil {
		t.Fatal(string(text), err)
	}
	missing := map[string]bool{}
	for _, i := range issues {
		missing[i.Diagnostics+" "+i.Expression] = true
	}
	for _, at := range []string{"/version", "/person", "/initiativ", "/aktorer", "/mal", "/godkandForPatient"} {
		if !missing["SP-S01 "+at] {
			t.Errorf("%s is not missed: %v", at, missing)
		}
	}
	for _, at := range []string{"/dokumentId", "/kallsystemHsaId", "/titel", "/status", "/planTyp"} {
		if missing["SP-S01 "+at] {
			t.Errorf("%s was not read", at)
		}
	}
}

func TestAChildPlanAsksForWhatItsRulesSay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changes []change
		want    []string
	}{
		"an unknown goal that matters most, in every status": {[]change{set("makulerad", "status"), set("M9", "viktigastNu")}, []string{"BP-R01"}},
		"a measure that waits twice":                         {[]change{set([]any{wait("I3"), wait("I3")}, "avvakta")}, []string{"BP-R05"}},
		"a measure that waits and does not":                  {[]change{set([]any{wait("I3"), wait("I1")}, "avvakta")}, []string{"BP-R05"}},
		"nobody in charge":                                   {[]change{set(nil, "ansvarig")}, []string{"BP-R02"}},
		"a coordinator of the other kind":                    {[]change{set(below(value(t, sample(t, ylva)), "samordnare"), "samordnare")}, []string{"BP-R06"}},
		"two who must be told apart":                         {[]change{set("A1", "foretradare", 0, "id")}, []string{"SP-S04", "SP-S05", "SP-S05", "SP-S05", "SP-S05", "SP-S05"}},
	} {
		_, issues := submit(t, mapping.NewMemory(), edited(t, olle, c.changes...))
		if got := slices.Compact(rules(issues)); cmp.Diff(slices.Compact(append([]string{}, c.want...)), got) != "" {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func wait(act string) map[string]any {
	return map[string]any{"insats": act, "tillDatum": "2027-01-18", "skal": "En sak i taget"}
}

func TestAMeetingEndsInAYearThatFHIRHas(t *testing.T) {
	t.Parallel()
	_, issues := submit(t, mapping.NewMemory(), edited(t, ylva, set("9999-12-31T23:30:00+02:00", "kallelse", 0, "motestid")))
	if d := cmp.Diff([]string{"SP-S09"}, rules(issues)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestNumbersThatIdentifySwedesAreChecked is the table of numbers and their checks.
func TestNumbersThatIdentifySwedesAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, number string
		want         []string
	}{
		{"personnummer", "202203142381", nil}, {"personnummer", "202203142382", []string{"SP-S07"}}, {"personnummer", "202213142381", []string{"SP-S07"}},
		{"samordningsnummer", "202203742388", nil}, {"samordningsnummer", "202203142381", []string{"SP-S07"}},
		{"nationelltReservnummer", "1972122X0001", nil}, {"nationelltReservnummer", "197212200001", []string{"SP-S07"}},
		{"LMA", "1234567890", nil}, {"LMA", "12345678A0", []string{"SP-S07"}},
	} {
		_, issues := submit(t, mapping.NewMemory(), edited(t, ylva, set(c.kind, "person", "idTyp"), set(c.number, "person", "id"), set("2022-03-14", "person", "fodelsedatum")))
		if d := cmp.Diff(append([]string{}, c.want...), rules(issues)); d != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.kind, c.number, d)
		}
	}
}
