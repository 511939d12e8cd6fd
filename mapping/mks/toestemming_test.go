package mks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// anchorOf returns the resource that carries the record.
func anchorOf(t testing.TB, r mapping.Result) fhir.Node {
	t.Helper()
	for _, m := range r.Resources {
		if m.Resource.Ref() == r.Anchor {
			return m.Resource.Root()
		}
	}
	t.Fatal("the result has no anchor")
	return fhir.Node{}
}

// rules returns the rule ids of the issues with a severity, at their places.
func rules(issues []fhir.Issue, severity string) []string {
	out := []string{}
	for _, i := range issues {
		if i.Severity == severity {
			out = append(out, i.Diagnostics+" "+i.Expression)
		}
	}
	return out
}

// texts returns the texts at the end of the member names.
func texts(n fhir.Node, names ...string) []string {
	out := []string{}
	for x := range n.All(names...) {
		out = append(out, x.Text())
	}
	return out
}

func TestConsentOfBothParentsIsCappedBeforeTheTwelfthBirthday(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json", "boris/02-kind-ziekenhuis.json")
	_, r, issues := submit(t, k, sample(t, "boris/12-toestemming.json"))
	if d := cmp.Diff(map[string]int{"Consent": 1, "Provenance": 1}, counts(r)); d != "" {
		t.Errorf("resources (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"MKS-TOE-04 /inhoud/geldigTot"}, rules(issues, fhir.SeverityInformation)); d != "" {
		t.Errorf("information (-want +got):\n%s", d)
	}
	c := anchorOf(t, r)
	if got := c.At("provision", "period", "end").Text(); got != "2037-05-03" {
		t.Errorf("the consent ends on %s", got)
	}
	if got := c.Member("status").Text(); got != "active" {
		t.Errorf("status is %s", got)
	}
	if got := c.Member("dateTime").Text(); got != "2026-10-30T12:05:00+01:00" {
		t.Errorf("dateTime is %s, not that of the last giver", got)
	}
	want := []string{"Appointment", "CarePlan", "Condition", "Flag", "Goal", "NutritionOrder", "QuestionnaireResponse"}
	got := texts(c, "provision", "class", "code")
	for _, w := range append(want, "11171000146100", "Composition") {
		if !strings.Contains(strings.Join(got, " "), w) {
			t.Errorf("class lacks %s: %v", w, got)
		}
	}
	if got := c.At("provision", "provision", "type").Text(); got != "deny" {
		t.Errorf("the exception is a %s", got)
	}
	if d := cmp.Diff([]string{"veiligheid", "sociaal"}, texts(c, "provision", "provision", "code", "coding", "code")); d != "" {
		t.Errorf("domains of the exception (-want +got):\n%s", d)
	}
}

func TestImpliedConsentNamesTheTransferAndNoClass(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json", "boris/02-kind-ziekenhuis.json")
	_, r, issues := submit(t, k, sample(t, "boris/13-toestemming-verondersteld.json"))
	if d := cmp.Diff(map[string]int{"Consent": 1, "Provenance": 1}, counts(r)); d != "" {
		t.Errorf("resources (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"MKS-REF-04 /inhoud/overdracht"}, rules(issues, fhir.SeverityWarning)); d != "" {
		t.Errorf("warnings (-want +got):\n%s", d)
	}
	c := anchorOf(t, r)
	if got := c.At("provision", "period", "end").Text(); got != "2026-12-03" {
		t.Errorf("the consent ends on %s", got)
	}
	if c.At("provision", "class").Exists() {
		t.Error("an implied consent must not open a class")
	}
	if got := c.At("provision", "data", "reference", "identifier", "value").Text(); got != "ovd-2001" {
		t.Errorf("data names %q", got)
	}
}

func TestObjectionOfAParentWinsOverTheConsentOfChildAndMother(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "sanne/01-kind.json", "sanne/06-toestemming-bezwaar-vader.json")
	_, r, issues := submit(t, k, sample(t, "sanne/07-toestemming-kind-en-moeder.json"))
	if d := cmp.Diff([]string{"MKS-TOE-08 /inhoud/ontvangers/1"}, rules(issues, fhir.SeverityWarning)); d != "" {
		t.Errorf("warnings (-want +got):\n%s", d)
	}
	if got := anchorOf(t, r).Member("status").Text(); got != "active" {
		t.Errorf("status is %s", got)
	}
}

func TestConsentBeforeItsChildRecordWaits(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	r := store(t, k, "boris/12-toestemming.json")
	if d := cmp.Diff(map[string]int{"Consent": 1, "Patient": 1, "Organization": 1, "Provenance": 1}, counts(r)); d != "" {
		t.Errorf("resources (-want +got):\n%s", d)
	}
	c := anchorOf(t, r)
	if got := c.Member("status").Text(); got != "proposed" {
		t.Errorf("status is %s", got)
	}
	if got := c.At("performer", "identifier", "system").Text(); !strings.HasSuffix(got, "/90000001/ecd/onbekend") {
		t.Errorf("performer is %s", got)
	}

	after := store(t, k, "boris/01-kind.json")
	if after.Patient != r.Patient {
		t.Errorf("the child is %s, its stub was %s", after.Patient, r.Patient)
	}
	f, err := k.Read(r.Anchor)
	if err != nil {
		t.Fatal(err)
	}
	resolved := f.Resource.Root()
	if got := resolved.At("performer", "reference").Text(); !strings.HasPrefix(got, "RelatedPerson/") {
		t.Errorf("performer is still logical: %q", got)
	}
	if got := resolved.Member("status").Text(); got != "active" {
		t.Errorf("status is %s after the child record", got)
	}
}

func TestConsentRules(t *testing.T) {
	t.Parallel()
	boris, sanne, daan := "boris/12-toestemming.json", "sanne/07-toestemming-kind-en-moeder.json", "daan/05-toestemming.json"
	implied, objection := "boris/13-toestemming-verondersteld.json", "sanne/06-toestemming-bezwaar-vader.json"
	child := map[string]string{boris: "boris/01-kind.json", sanne: "sanne/01-kind.json", daan: "daan/01-kind.json",
		implied: "boris/02-kind-ziekenhuis.json", objection: "sanne/01-kind.json"}
	giver := func(ref string) string {
		return `[{"ref":"` + ref + `","op":"2026-09-02T18:55:00+02:00","wijze":"portaal"}]`
	}
	for _, c := range []struct {
		name, file, value string
		path              []any
		want              []string
	}{
		{"a child under twelve does not give", boris, giver("kind"), []any{"inhoud", "gegevenDoor"}, []string{"MKS-TOE-01 /inhoud/gegevenDoor"}},
		{"a youth of seventeen gives alone", daan, giver("kind"), []any{"inhoud", "gegevenDoor"}, []string{}},
		{"a volunteer has no authority", boris, giver("bet-03"), []any{"inhoud", "gegevenDoor"}, []string{"MKS-TOE-02 /inhoud/gegevenDoor/0"}},
		{"a nurse has no authority", boris, giver("med-01"), []any{"inhoud", "gegevenDoor"}, []string{"MKS-TOE-02 /inhoud/gegevenDoor/0"}},
		{"an objection refuses", objection, `"toestaan"`, []any{"inhoud", "besluit"}, []string{"MKS-TOE-03 /inhoud/besluit"}},
		{"an implied consent permits", implied, `"weigeren"`, []any{"inhoud", "besluit"}, []string{"MKS-TOE-03 /inhoud/besluit"}},
		{"an implied consent is about the transfer alone", implied, `["overdracht","scan"]`, []any{"inhoud", "gegevens", "categorie"}, []string{"MKS-TOE-03 /inhoud/gegevens/categorie"}},
		{"an implied consent names its transfer", implied, "", []any{"inhoud", "overdracht"}, []string{"MKS-TOE-03 /inhoud/overdracht"}},
		{"an implied consent ends", implied, "", []any{"inhoud", "geldigTot"}, []string{"MKS-TOE-03 /inhoud/geldigTot"}},
		{"an exception has the opposite decision", boris, `"toestaan"`, []any{"inhoud", "uitzonderingen", 0, "besluit"}, []string{"MKS-TOE-05 /inhoud/uitzonderingen/0"}},
		{"an exception has no exceptions", boris, `[{"besluit":"toestaan"}]`, []any{"inhoud", "uitzonderingen", 0, "uitzonderingen"}, []string{"MKS-TOE-05 /inhoud/uitzonderingen/0"}},
		{"an organisation is an org", boris, `"bet-01"`, []any{"inhoud", "ontvangers", 0, "ref"}, []string{"MKS-TOE-06 /inhoud/ontvangers/0"}},
		{"an organisation is named", boris, "", []any{"inhoud", "ontvangers", 0, "ref"}, []string{"MKS-TOE-06 /inhoud/ontvangers/0"}},
		{"a team is not named", boris, `"org-02"`, []any{"inhoud", "ontvangers", 1, "ref"}, []string{"MKS-TOE-06 /inhoud/ontvangers/1"}},
		{"a category is named", objection, "", []any{"inhoud", "ontvangers", 1, "categorie"}, []string{"MKS-TOE-06 /inhoud/ontvangers/1"}},
		{"an unknown reference is told once", boris, `"org-99"`, []any{"inhoud", "ontvangers", 0, "ref"}, []string{"MKS-REF-02 /inhoud/ontvangers/0/ref"}},
		{"a med cannot hold the data", boris, `"med-01"`, []any{"inhoud", "houder", "organisatie"}, []string{"MKS-REF-03 /inhoud/houder/organisatie"}},
		{"the end does not lie before the start", boris, `"2026-10-29"`, []any{"inhoud", "geldigTot"}, []string{"MKS-ENV-15 /inhoud/geldigTot"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := mapping.NewMemory()
			store(t, k, child[c.file])
			_, _, issues := submit(t, k, edit(t, sample(t, c.file), c.value, c.path...))
			if d := cmp.Diff(c.want, rules(issues, fhir.SeverityError)); d != "" {
				t.Errorf("errors (-want +got):\n%s", d)
			}
		})
	}
}

func TestConsentOfThirteenYearOldAloneIsProposed(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "sanne/01-kind.json")
	text := edit(t, sample(t, "sanne/07-toestemming-kind-en-moeder.json"), `[{"ref":"kind","op":"2026-09-02T18:55:00+02:00","wijze":"portaal"}]`, "inhoud", "gegevenDoor")
	_, r, issues := submit(t, k, text)
	if d := cmp.Diff([]string{"MKS-TOE-09 /inhoud/gegevenDoor"}, rules(issues, fhir.SeverityWarning)); d != "" {
		t.Errorf("warnings (-want +got):\n%s", d)
	}
	if got := anchorOf(t, r).Member("status").Text(); got != "proposed" {
		t.Errorf("status is %s", got)
	}
}

func TestAWithdrawalIsNeverRefusedForTheGiver(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "daan/01-kind.json", "daan/05-toestemming.json")
	text := edit(t, sample(t, "invalid/15-toestemming-moeder-voor-jongere.json"), `"2026-10-01T10:00:00+02:00"`, "inhoud", "ingetrokkenOp")
	text = edit(t, edit(t, text, "[]", "inhoud", "uitzonderingen"), "2", "versie")
	r := apply(t, k, text)
	if got := anchorOf(t, r).Member("status").Text(); got != "inactive" {
		t.Errorf("status is %s", got)
	}
}

func TestADraftConsentLivesBesideTheOneInForce(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	child := "boris/01-kind.json"
	store(t, k, child)
	first := store(t, k, "boris/12-toestemming.json")
	draft := apply(t, k, edit(t, next(t, "boris/12-toestemming.json"), `"concept"`, "status"))
	if draft.Anchor == first.Anchor || anchorOf(t, draft).Member("status").Text() != "draft" {
		t.Errorf("the draft is %s", draft.Anchor)
	}
	final := apply(t, k, edit(t, sample(t, "boris/12-toestemming.json"), "3", "versie"))
	if final.Anchor != first.Anchor {
		t.Errorf("version 3 is %s", final.Anchor)
	}
	if got := read(t, k, draft.Anchor).Member("status").Text(); got != "entered-in-error" {
		t.Errorf("the draft is %s after version 3", got)
	}
}

func TestAWaitingConsentOfAStrangerBecomesAQuestion(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	giver := `[{"ref":"bet-03","op":"2026-10-30T12:00:00+01:00","wijze":"portaal"}]`
	waiting := apply(t, k, edit(t, sample(t, "boris/12-toestemming.json"), giver, "inhoud", "gegevenDoor"))
	after := store(t, k, "boris/01-kind.json")
	if got := read(t, k, waiting.Anchor).Member("status").Text(); got != "proposed" {
		t.Errorf("status is %s", got)
	}
	tasks := of(after, "Task")
	if len(tasks) != 1 {
		t.Fatalf("%d questions", len(tasks))
	}
	task := tasks[0].Resource.Root()
	if got := texts(task, "input", "valueString"); !slices.Equal(got, []string{"MKS-TOE-02"}) {
		t.Errorf("the question is about %v", got)
	}
	if got := task.At("focus", "reference").Text(); got != waiting.Anchor.String() {
		t.Errorf("the question is about %s", got)
	}
}

func TestAConsentOfAnUnrelatedSenderIsJudgedByItsOwnRecord(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json")
	stranger := func(text []byte) []byte { return edit(t, text, `"90000009"`, "bronsysteem", "ura") }
	child := stranger(contested(t)) // says that the mother alone holds authority
	child = edit(t, child, `"90000009"`, "inhoud", "organisaties", 0, "ura")
	child = edit(t, child, `"06999909"`, "inhoud", "organisaties", 0, "agb")
	father := `[{"ref":"b-vader","op":"2026-11-01T11:00:00+01:00","wijze":"mondeling"}]`
	consent := edit(t, stranger(sample(t, "boris/13-toestemming-verondersteld.json")), father, "inhoud", "gegevenDoor")
	consent = edit(t, consent, `"2026-10-01T15:05:00+02:00"`, "vastgelegdOp")
	alone := mapping.NewMemory()
	apply(t, alone, child)
	apply(t, k, child)
	_, _, unknown := submit(t, alone, consent)
	_, _, known := submit(t, k, consent)
	if d := cmp.Diff(rules(unknown, fhir.SeverityError), rules(known, fhir.SeverityError)); d != "" || len(unknown) == 0 {
		t.Errorf("errors differ from those of an unknown child (-unknown +got):\n%s", d)
	}
	mother := edit(t, consent, `[{"ref":"b-moeder","op":"2026-10-01T11:00:00+02:00","wijze":"mondeling"}]`, "inhoud", "gegevenDoor")
	if got := anchorOf(t, apply(t, k, mother)).Member("status").Text(); got != "active" {
		t.Errorf("the consent of a mother who holds authority by both is %s", got)
	}
}

func TestAConsentThatTheCustodiansFactsContradictDoesNotCount(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	guardian := edit(t, sample(t, "boris/01-kind.json"), `{"type":"Voogdij","houders":["org-03"],"bron":"BRP","gecontroleerdOp":"2026-10-30"}`, "inhoud", "gezag")
	apply(t, k, guardian)
	child := edit(t, sample(t, "boris/02-kind-ziekenhuis.json"), `"90000009"`, "bronsysteem", "ura")
	child = edit(t, child, `"90000009"`, "inhoud", "organisaties", 0, "ura")
	apply(t, k, edit(t, child, `"06999909"`, "inhoud", "organisaties", 0, "agb"))
	consent := edit(t, sample(t, "boris/13-toestemming-verondersteld.json"), `"90000009"`, "bronsysteem", "ura")
	if got := anchorOf(t, apply(t, k, consent)).Member("status").Text(); got != "proposed" {
		t.Errorf("status is %s", got)
	}
}
