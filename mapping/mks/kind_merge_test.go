package mks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// contested is the hospital's child record that differs in every rights-bearing fact.
func contested(t *testing.T) []byte {
	text := sample(t, "boris/02-kind-ziekenhuis.json")
	text = edit(t, text, `"2025-05-05"`, "inhoud", "geboortedatum")
	text = edit(t, text, `{"type":"EenhoofdigOuderlijkGezag","houders":["b-moeder"],"bron":"BRP","gecontroleerdOp":"2026-10-20"}`, "inhoud", "gezag")
	text = edit(t, text, `{"vanaf":"2026-10-01"}`, "inhoud", "ots")
	text = edit(t, text, `{"vanaf":"2026-10-01","reden":"contactverbod"}`, "inhoud", "betrokkenen", 1, "afgeschermd")
	return edit(t, text, `"2026-10-19"`, "inhoud", "betrokkenen", 0, "tot")
}

// of returns the resources of a type.
func of(r mapping.Result, t fhir.Type) []mapping.Mapped {
	var out []mapping.Mapped
	for _, m := range r.Resources {
		if m.Resource.Type() == t {
			out = append(out, m)
		}
	}
	return out
}

func TestAnotherOrganisationChangesNoFactThatBearsRights(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	home := store(t, k, "boris/01-kind.json")
	before := read(t, k, home.Patient)
	s, r, issues := submit(t, k, contested(t))
	pointers := []string{"/inhoud/geboortedatum", "/inhoud/gezag", "/inhoud/ots", "/inhoud/betrokkenen/0/tot", "/inhoud/betrokkenen/1/afgeschermd"}
	want := []string{"MKS-KIND-12 /inhoud/geboortedatum"}
	for _, p := range pointers[1:] {
		want = append(want, "MKS-MRG-01 "+p)
	}
	if d := cmp.Diff(want, rules(issues, fhir.SeverityWarning), sorted); d != "" {
		t.Errorf("warnings (-want +got):\n%s", d)
	}
	k.Apply(s, r, receipt)
	after := read(t, k, home.Patient)
	for _, member := range []string{"birthDate", "active"} {
		if before.Member(member).Text() != after.Member(member).Text() {
			t.Errorf("%s changed", member)
		}
	}
	if after.At("meta", "security").Exists() {
		t.Error("a seal came of another organisation")
	}
	if n := len(of(r, "Condition")); n != 0 {
		t.Error("a supervision order came of another organisation")
	}
	if d := cmp.Diff(custodies(before), custodies(after)); d != "" {
		t.Errorf("authority changed:\n%s", d)
	}
	for _, p := range of(r, "RelatedPerson") {
		n := p.Resource.Root()
		if n.Member("period").Exists() || n.Member("active").Text() != "true" {
			t.Errorf("%s is no longer involved", p.Resource.Ref())
		}
		if !strings.Contains(n.Raw(), "2026-10-30") || strings.Contains(n.Raw(), "afscherming") {
			t.Errorf("rights of %s changed: %s", p.Resource.Ref(), n.Raw())
		}
	}
	checkQuestion(t, r, home.Sender, pointers)
}

// checkQuestion checks the Task to the custodian and the Provenance that keeps the values.
func checkQuestion(t *testing.T, r mapping.Result, custodian fhir.Ref, pointers []string) {
	t.Helper()
	tasks := of(r, "Task")
	if len(tasks) != 1 || tasks[0].Custodian != custodian || tasks[0].Author != custodian {
		t.Fatalf("tasks: %v", tasks)
	}
	task := tasks[0].Resource.Root()
	if d := cmp.Diff(pointers, texts(task, "input", "valueString"), sorted); d != "" {
		t.Errorf("inputs (-want +got):\n%s", d)
	}
	if got := task.At("owner", "reference").Text(); got != custodian.String() || task.Member("requester").Exists() {
		t.Errorf("owner is %s", got)
	}
	p := of(r, "Provenance")[0].Resource.Root()
	if got := p.At("meta", "security", "code").Text(); got != "V" {
		t.Errorf("the Provenance is labelled %q", got)
	}
	if got := texts(p, "target", "reference"); slices.Contains(got, tasks[0].Resource.Ref().String()) {
		t.Error("the Provenance names the custodian's Task")
	}
	var kept []string
	for e := range p.All("extension") {
		kept = append(kept, texts(e, "extension", "valueString")[0])
	}
	if d := cmp.Diff(pointers, kept, sorted); d != "" {
		t.Errorf("kept (-want +got):\n%s", d)
	}
}

// sorted compares lists without order.
var sorted = cmp.Transformer("sorted", func(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return out
})

// read returns the current state of a resource.
func read(t testing.TB, k mapping.Known, ref fhir.Ref) fhir.Node {
	t.Helper()
	f, err := k.Read(ref)
	if err != nil || f == nil {
		t.Fatalf("%s is not stored: %v", ref, err)
	}
	return f.Resource.Root()
}

// custodies returns the extensions gezag.
func custodies(n fhir.Node) []string {
	var out []string
	for e := range n.All("extension") {
		if strings.HasSuffix(e.Member("url").Text(), "/gezag") {
			out = append(out, e.Raw())
		}
	}
	return out
}

func TestASenderWithoutRelationLearnsNothingOfTheChild(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json")
	text := edit(t, contested(t), `"90000009"`, "bronsysteem", "ura")
	text = edit(t, text, `"90000009"`, "inhoud", "organisaties", 0, "ura")
	text = edit(t, text, `"06999909"`, "inhoud", "organisaties", 0, "agb")
	_, r, issues := submit(t, k, text)
	_, _, alone := submit(t, mapping.NewMemory(), text)
	if d := cmp.Diff(rules(alone, fhir.SeverityWarning), rules(issues, fhir.SeverityWarning)); d != "" {
		t.Errorf("the report differs from that of an unknown child (-alone +got):\n%s", d)
	}
	if d := cmp.Diff(rules(alone, fhir.SeverityInformation), rules(issues, fhir.SeverityInformation)); d != "" {
		t.Errorf("the report differs from that of an unknown child (-alone +got):\n%s", d)
	}
	if len(of(r, "Task")) != 1 {
		t.Error("the custodian is not told")
	}
}

func TestTheCustodianCorrectsItsOwnFacts(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json", "boris/02-kind-ziekenhuis.json")
	text := edit(t, sample(t, "boris/01-kind.json"), "2", "versie")
	text = edit(t, text, `"2025-05-03"`, "inhoud", "geboortedatum")
	text = edit(t, text, `{"type":"EenhoofdigOuderlijkGezag","houders":["bet-01"],"bron":"BRP","gecontroleerdOp":"2026-11-01"}`, "inhoud", "gezag")
	s, r, issues := submit(t, k, text)
	if got := rules(issues, fhir.SeverityWarning); len(got) != 0 || fhir.HasErrors(issues) {
		t.Errorf("issues: %v", issues)
	}
	k.Apply(s, r, receipt)
	patient := read(t, k, r.Patient)
	if got := patient.Member("birthDate").Text(); got != "2025-05-03" {
		t.Errorf("birthDate is %s", got)
	}
	if got := custodies(patient); len(got) != 1 || !strings.Contains(got[0], "Eenhoofdig") {
		t.Errorf("authority is %v", got)
	}
	holders := 0
	for _, p := range of(r, "RelatedPerson") {
		holders += len(custodies(p.Resource.Root()))
	}
	if holders != 1 {
		t.Errorf("%d people hold authority", holders)
	}
	if n := len(of(r, "Task")); n != 0 {
		t.Error("the custodian asks itself")
	}
}

func TestAnotherBSNForTheSameLocalIDIsRefused(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json")
	text := edit(t, sample(t, "boris/01-kind.json"), `"999930011"`, "kind", "bsn")
	_, _, issues := submit(t, k, edit(t, text, "2", "versie"))
	if d := cmp.Diff([]string{"MKS-ENV-11 /kind/lokaalId"}, rules(issues, fhir.SeverityError)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestANewVersionEndsWhatItNoLongerYields(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	first := store(t, k, "boris/01-kind.json")
	text := edit(t, sample(t, "boris/01-kind.json"), "2", "versie")
	text = edit(t, text, "", "inhoud", "opvang")
	text = edit(t, text, "", "inhoud", "verzekering")
	s, r, issues := submit(t, k, text)
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	k.Apply(s, r, receipt)
	for _, m := range first.Resources {
		ended := m.Resource.Type() == "Observation" || m.Resource.Type() == "Coverage"
		status := read(t, k, m.Resource.Ref()).Member("status").Text()
		if ended != (status == "entered-in-error") {
			t.Errorf("%s is %s", m.Resource.Ref(), status)
		}
	}
	if got := of(r, "Provenance")[0].Resource.Root().At("activity", "coding", "code").Text(); got != "UPDATE" {
		t.Errorf("activity is %s", got)
	}
}

func TestASealEndsWhenTheCustodianLeavesItOut(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	first := store(t, k, "daan/01-kind.json")
	if d := cmp.Diff([]string{"seal-person"}, texts(read(t, k, first.Patient), "meta", "security", "code")); d != "" {
		t.Fatalf("labels (-want +got):\n%s", d)
	}
	sealed := read(t, k, first.Patient)
	labelled, err := sealed.Resource().Edit(fhir.Edit{Path: []string{"meta", "security"}, Append: true,
		JSON: `{"system":"https://drieluik.example/fhir/CodeSystem/access-label","code":"seal-guardians"}`})
	if err != nil {
		t.Fatal(err)
	}
	k.Apply(mapping.Source{}, mapping.Result{Resources: []mapping.Mapped{{Resource: labelled}}}, receipt)
	text := edit(t, sample(t, "daan/01-kind.json"), "6", "versie")
	s, r, issues := submit(t, k, edit(t, text, "", "inhoud", "betrokkenen", 1, "afgeschermd"))
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	k.Apply(s, r, receipt)
	if d := cmp.Diff([]string{"seal-guardians"}, texts(read(t, k, r.Patient), "meta", "security", "code")); d != "" {
		t.Errorf("labels (-want +got):\n%s", d)
	}
}

func TestTheLatestRecordGivesEachMemberOfTheChild(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	home := store(t, k, "boris/01-kind.json")
	text := edit(t, sample(t, "boris/02-kind-ziekenhuis.json"), `"2026-11-20T10:00:00+01:00"`, "vastgelegdOp")
	text = edit(t, text, `"2026-11-20"`, "inhoud", "gezag", "gecontroleerdOp")
	s, r, issues := submit(t, k, edit(t, text, `["0600000099"]`, "inhoud", "telefoon"))
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	k.Apply(s, r, receipt)
	patient := read(t, k, home.Patient)
	if got := patient.At("telecom", "value").Text(); got != "0600000099" {
		t.Errorf("telecom is %s", got)
	}
	if !patient.Member("generalPractitioner").Exists() {
		t.Error("a member that the later record lacks is gone")
	}
	if d := cmp.Diff([]string{"Boris"}, texts(patient, "name", "given")); d != "" {
		t.Errorf("given names (-want +got):\n%s", d)
	}
	changed := texts(of(r, "Provenance")[0].Resource.Root(), "target", "extension", "valueString")
	if !slices.Contains(changed, "Patient.telecom") || slices.Contains(changed, "Patient.generalPractitioner") {
		t.Errorf("elements of this record: %v", changed)
	}
}

func TestABSNThatAnotherChildHasIsNotTold(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	home := store(t, k, "boris/01-kind.json")
	without := edit(t, sample(t, "boris/02-kind-ziekenhuis.json"), "", "kind", "bsn")
	own := apply(t, k, without)
	_, r, issues := submit(t, k, next(t, "boris/02-kind-ziekenhuis.json"))
	alone := mapping.NewMemory()
	apply(t, alone, without)
	_, _, unknown := submit(t, alone, next(t, "boris/02-kind-ziekenhuis.json"))
	if d := cmp.Diff(unknown, issues); d != "" {
		t.Errorf("the report differs from that of an unknown child (-unknown +got):\n%s", d)
	}
	if r.Patient != own.Patient || slices.Contains(texts(anchorOf(t, r), "identifier", "value"), "999912148") {
		t.Errorf("two children have one BSN: %s", anchorOf(t, r).Raw())
	}
	tasks := of(r, "Task")
	if len(tasks) != 1 || tasks[0].Resource.Root().At("for", "reference").Text() != home.Patient.String() || tasks[0].Custodian != home.Sender {
		t.Errorf("the custodian of the known child is not asked: %v", tasks)
	}
}
