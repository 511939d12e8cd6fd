package samordningsplan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/samordningsplan"
)

// TestWhatTheDirectoryTellsOfAProtectedPerson: everybody reads the directory, so that the telephone of who coordinates
// is kept with the plan, and comes back.
func TestWhatTheDirectoryTellsOfAProtectedPerson(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	doc := edited(t, ylva, set([]any{"sekretessmarkering"}, "person", "skydd"))
	if _, issues := submit(t, k, doc); fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	for _, r := range k.All() {
		if r.Type() == "PractitionerRole" && r.Root().Member("telecom").Exists() {
			t.Errorf("%s tells how to reach the coordinator", r.Ref())
		}
	}
	returns(t, k, doc)
}

// returns holds that what is stored comes back as a document.
func returns(t *testing.T, k *mapping.Memory, doc []byte) {
	t.Helper()
	back, issues, err := samordningsplan.Format{}.Back(k.All(), mapping.Origin{})
	if err != nil || fhir.HasErrors(issues) {
		t.Fatal(issues, err)
	}
	if d := cmp.Diff(value(t, doc), value(t, back)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// stores puts a resource of an organisation into what is known.
func stores(t *testing.T, k *mapping.Memory, text string, by fhir.Ref) {
	t.Helper()
	r, issues := fhir.Parse([]byte(text), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	k.Apply(mapping.Source{}, mapping.Result{Sender: by, Resources: []mapping.Mapped{{Resource: r}}}, receipt)
}

// TestProtectionOfAPersonThatAnotherKeeps: the Patient is not the sender's to label, so that what it sends bears the
// label itself.
func TestProtectionOfAPersonThatAnotherKeeps(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	stores(t, k, `{"resourceType":"Patient","id":"known","identifier":[{"system":"http://electronichealth.se/identifier/personnummer","value":"202203142381"}]}`,
		fhir.Ref{Type: "Organization", ID: "other"})
	doc := edited(t, ylva, set([]any{"skyddadFolkbokforing"}, "person", "skydd"))
	if _, issues := submit(t, k, doc); fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	for _, r := range k.All() {
		labelled := strings.Contains(string(r.Bytes()), `"skyddadFolkbokforing"}]`)
		switch r.Type() {
		case "RelatedPerson", "Appointment", "CarePlan", "CareTeam", "Task", "Consent", "Provenance", "QuestionnaireResponse":
			if !labelled {
				t.Errorf("%s is not labelled", r.Ref())
			}
		case "Patient":
			if labelled {
				t.Error("the Patient of another is changed")
			}
		}
	}
	returns(t, k, doc)
}

// TestWhoNoLongerCoordinatesIsNoLongerActive: of the directory too, a new version ends what it leaves out, and takes
// up what it names again.
func TestWhoNoLongerCoordinatesIsNoLongerActive(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	inactive := func() map[string]int {
		n := map[string]int{}
		for _, r := range k.All() {
			if (r.Type() == "PractitionerRole" || r.Type() == "HealthcareService") && r.Root().Member("active").Text() == "false" {
				n[string(r.Type())]++
			}
		}
		return n
	}
	called := []change{set("kallad", "status")}
	for version, c := range []struct {
		changes []change
		want    map[string]int
	}{
		{nil, map[string]int{}},
		{[]change{set(nil, "samordnare"), set([]any{}, "kallelse")}, map[string]int{"PractitionerRole": 1, "HealthcareService": 3}},
		{[]change{set([]any{}, "kallelse")}, map[string]int{"HealthcareService": 3}},
		{nil, map[string]int{}},
	} {
		doc := edited(t, ylva, append(append(c.changes, called...), set(version+1, "version"))...)
		if _, issues := submit(t, k, doc); fhir.HasErrors(issues) {
			t.Fatal(version, issues)
		}
		if d := cmp.Diff(c.want, inactive()); d != "" {
			t.Errorf("version %d (-want +got):\n%s", version+1, d)
		}
		returns(t, k, doc)
	}
}

// TestAnOrganisationIsFoundByEachFormOfItsHSAID: one registered under another OID of the same catalogue is the same.
func TestAnOrganisationIsFoundByEachFormOfItsHSAID(t *testing.T) {
	t.Parallel()
	for _, system := range []string{"urn:oid:1.2.752.29.4.19", "urn:oid:1.2.752.129.2.1.4.1", "urn:oid:1.2.752.29.6.2.1"} {
		k := mapping.NewMemory()
		unit := fhir.Ref{Type: "Organization", ID: "hab"}
		stores(t, k, `{"resourceType":"Organization","id":"hab","identifier":[{"system":"`+system+`","value":"SE4000000010-HAB1"}],"name":"Habiliteringen"}`, unit)
		doc, _ := fhir.ParseDocument(sample(t, ylva), fhir.Limits{})
		s, _ := samordningsplan.Format{}.Read(doc, receipt)
		s.Holder, s.Arrives = unit, true
		if ok, err := (samordningsplan.Format{}).Admits(s, k); !ok || err != nil {
			t.Errorf("%s: not admitted, %v", system, err)
		}
		r, err := samordningsplan.Format{}.Map(s, k, receipt)
		if err != nil || fhir.HasErrors(r.Issues) {
			t.Fatal(r.Issues, err)
		}
		for _, m := range r.Resources {
			if n := m.Resource.Root(); m.Resource.Type() == "CarePlan" && n.At("author", "reference").Text() != "Organization/hab" {
				t.Errorf("%s: the author is %s", system, n.At("author", "reference").Text())
			}
		}
	}
}

// TestAPlanThatIsTakenOverIsReferredTo: one of the same system, person and holder alone, and it is not changed.
func TestAPlanThatIsTakenOverIsReferredTo(t *testing.T) {
	t.Parallel()
	takes := func(source string) []byte {
		return edited(t, ylva, set("SIP-2", "dokumentId"), set([]any{map[string]any{
			"typ": "SIP", "id": "SIP-2026-000417", "aktor": "A1", "anvandsSom": "ersatts", "kallsystemHsaId": source}}, "befintligaPlaner"))
	}
	for source, want := range map[string]bool{"SE4000000010-SYS01": true, "SE4000000010-SYS02": false} {
		k := mapping.NewMemory()
		first, _ := submit(t, k, sample(t, ylva))
		second, issues := submit(t, k, takes(source))
		if fhir.HasErrors(issues) {
			t.Fatal(issues)
		}
		for _, m := range second.Resources {
			if m.Resource.Ref() == first.Anchor {
				t.Error("the old plan is written")
			}
			if m.Resource.Ref() != second.Anchor {
				continue
			}
			if got := m.Resource.Root().At("replaces", "reference").Text(); (got == first.Anchor.String()) != want {
				t.Errorf("%s: replaces %q", source, got)
			}
		}
		if back, issues, err := (samordningsplan.Format{}).Back(k.All(), mapping.Origin{}); err != nil || fhir.HasErrors(issues) || cmp.Diff(value(t, takes(source)), value(t, back).([]any)[1]) != "" {
			t.Error("the plan does not come back", issues, err)
		}
	}
}
