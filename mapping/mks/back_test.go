package mks_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// origin is the caller whose client converts back.
var origin = mapping.Origin{
	Organization: fhir.Identifier{System: "http://fhir.nl/fhir/NamingSystem/ura", Value: "90000003"}, Application: "viewer", Name: "Test",
}

// back converts back and returns the documents; it fails on an error issue.
func back(t testing.TB, rs []*fhir.Resource) []fhir.Node {
	t.Helper()
	text, issues, err := mks.Format{}.Back(rs, origin)
	if err != nil || fhir.HasErrors(issues) {
		t.Fatalf("back: %v %v", err, issues)
	}
	return documents(t, text)
}

// failing is what tests and property tests have in common.
type failing interface {
	Helper()
	Fatalf(string, ...any)
}

// documents returns the documents of a text: one, or those of an array.
func documents(t failing, text []byte) []fhir.Node {
	t.Helper()
	doc, issues := fhir.ParseDocument([]byte(`{"list":`+string(text)+`}`), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatalf("no JSON: %v", issues)
	}
	list := doc.Root().Member("list")
	var out []fhir.Node
	for n := range list.All() {
		out = append(out, n)
	}
	return out
}

// backOf returns the document of one record version among those that come back.
func backOf(t testing.TB, rs []*fhir.Resource, want fhir.Node) fhir.Node {
	t.Helper()
	for _, n := range back(t, rs) {
		same := true
		for _, at := range [][]string{{"recordType"}, {"recordId"}, {"versie"}, {"bronsysteem", "ura"}} {
			same = same && n.At(at...).Text() == want.At(at...).Text()
		}
		if same {
			return n
		}
	}
	t.Fatal("the record does not come back")
	return fhir.Node{}
}

// sameDocument compares documents as JSON values: member order is free, numbers count by value.
func sameDocument(t testing.TB, want, got fhir.Node) {
	t.Helper()
	if fhir.Equal(want, got) {
		return
	}
	var a, b any
	if json.Unmarshal([]byte(want.Raw()), &a) != nil || json.Unmarshal([]byte(got.Raw()), &b) != nil {
		t.Fatal("no JSON")
	}
	t.Errorf("the way back differs (-sent +back):\n%s", cmp.Diff(a, b))
}

func TestEverySampleComesBackAsItWasSent(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"boris", "sanne", "daan"} {
		all, _ := dossier(t, name)
		for _, m := range all {
			if m.source.Doc.Root().Member("recordType").Text() == "beslisboom" { // not without its evaluation (BB-02): see the whole dossier
				continue
			}
			t.Run(m.file+" alone", func(t *testing.T) {
				k := mapping.NewMemory()
				resubmitted(t, k, m.source.Doc.Bytes())
				sameDocument(t, m.source.Doc.Root(), backOf(t, k.All(), m.source.Doc.Root()))
			})
			if m.source.Doc.Root().Member("recordType").Text() == "kind" {
				continue
			}
			t.Run(m.file+" after its child", func(t *testing.T) {
				k := mapping.NewMemory()
				store(t, k, name+"/01-kind.json")
				resubmitted(t, k, m.source.Doc.Bytes())
				sameDocument(t, m.source.Doc.Root(), backOf(t, k.All(), m.source.Doc.Root()))
			})
		}
	}
}

// resubmitted maps a document on top of what is stored and stores it.
func resubmitted(t *testing.T, k *mapping.Memory, text []byte) {
	t.Helper()
	s, r, issues := submit(t, k, text)
	if fhir.HasErrors(issues) {
		t.Fatal(rules(issues, fhir.SeverityError))
	}
	k.Apply(s, r, receipt)
}

func TestAMergedChildComesBackForEachSource(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json")
	hospital := contested(t)
	resubmitted(t, k, hospital)
	sent := document(t, hospital).Root()
	got := backOf(t, k.All(), sent)
	for _, at := range [][]string{{"inhoud", "geboortedatum"}, {"inhoud", "gezag"}, {"inhoud", "ots"}, {"kind"}} {
		if !fhir.Equal(sent.At(at...), got.At(at...)) {
			t.Errorf("%v is %s", at, got.At(at...).Raw())
		}
	}
	people := [2][]fhir.Node{}
	for i, n := range []fhir.Node{sent, got} {
		for p := range n.All("inhoud", "betrokkenen") {
			people[i] = append(people[i], p)
		}
	}
	if len(people[1]) != 2 || people[1][0].Member("tot").Text() != "2026-10-19" ||
		!fhir.Equal(people[0][1].Member("afgeschermd"), people[1][1].Member("afgeschermd")) {
		t.Errorf("the people of the hospital come back as %v", got.At("inhoud", "betrokkenen").Raw())
	}
	if got.At("inhoud", "naam", "roepnaam").Text() != "Boris" || got.At("inhoud", "kindteam").Exists() {
		t.Error("the hospital's record is not the merged state")
	}
	sameDocument(t, document(t, sample(t, "boris/01-kind.json")).Root(), backOf(t, k.All(), document(t, sample(t, "boris/01-kind.json")).Root()))
}

func TestASourceWithoutRightsGetsNoneFromTheMerge(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "daan/01-kind.json")
	text := sample(t, "daan/01-kind.json")
	text = edit(t, edit(t, text, `"90000002"`, "bronsysteem", "ura"), `"D-9"`, "kind", "lokaalId")
	text = edit(t, edit(t, text, "", "inhoud", "gezag"), "", "inhoud", "betrokkenen", 1, "afgeschermd")
	resubmitted(t, k, text)
	got := backOf(t, k.All(), document(t, text).Root())
	if got.At("inhoud", "gezag").Exists() {
		t.Error("the gezag of the custodian comes back in the name of another organisation")
	}
	for p := range got.All("inhoud", "betrokkenen", "afgeschermd") {
		t.Errorf("a seal of the custodian comes back in the name of another organisation: %s", p.Raw())
	}
}

func TestRecordsBeforeTheirChildComeBackAlsoWhenItArrives(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	files := []string{"boris/07-zorgplan-v3.json", "boris/12-toestemming.json", "boris/01-kind.json"}
	store(t, k, files...)
	for _, f := range files {
		sent := document(t, sample(t, f)).Root()
		sameDocument(t, sent, backOf(t, k.All(), sent))
	}
}

func TestTheVersionInForceAndTheDraftBesideItComeBack(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json", "boris/06-zorgplan-v2.json", "boris/07-zorgplan-v3.json", "boris/08-zorgplan-v4-concept.json")
	for _, f := range []string{"boris/07-zorgplan-v3.json", "boris/08-zorgplan-v4-concept.json"} {
		sent := document(t, sample(t, f)).Root()
		sameDocument(t, sent, backOf(t, k.All(), sent))
	}
	if n := len(back(t, k.All())); n != 3 { // the child, the plan in force, the draft
		t.Errorf("%d documents come back", n)
	}
}

func TestWhatOneVersionDropsDoesNotComeBack(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json")
	text := edit(t, sample(t, "boris/01-kind.json"), "2", "versie")
	for _, member := range []string{"opvang", "verzekering", "huisarts", "meerling"} {
		text = edit(t, text, "", "inhoud", member)
	}
	text = edit(t, text, `"extra"`, "inhoud", "naam", "a/b~")
	resubmitted(t, k, text)
	sent := document(t, text).Root()
	sameDocument(t, sent, backOf(t, k.All(), sent))
}

func TestSeveralAnchorsComeBackInTheirOrder(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json", "boris/12-toestemming.json", "boris/07-zorgplan-v3.json")
	rs := k.All()
	slices.Reverse(rs)
	var got []string
	for _, n := range back(t, rs) {
		got = append(got, n.Member("recordType").Text())
	}
	if d := cmp.Diff([]string{"zorgplan", "toestemming", "kind"}, got); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
}

func TestOrderIsThatOfTheSourceWhateverTheOrderOfTheBundle(t *testing.T) {
	t.Parallel()
	for _, f := range []string{"boris/01-kind.json", "boris/07-zorgplan-v3.json", borisTransfer, "boris/12-toestemming.json"} {
		k := mapping.NewMemory()
		store(t, k, f)
		rs := k.All()
		slices.Reverse(rs)
		sent := document(t, sample(t, f)).Root()
		sameDocument(t, sent, backOf(t, rs, sent))
	}
}

func TestTwoItemsThatAreOneOrganisationOrPersonComeBackAsTwo(t *testing.T) {
	t.Parallel()
	text := sample(t, "boris/01-kind.json")
	text = edit(t, text, `"90000001"`, "inhoud", "organisaties", 1, "ura")
	text = edit(t, text, `"41999901"`, "inhoud", "huisarts", "agb")
	text = edit(t, text, `"39999999991"`, "inhoud", "medewerkers", 1, "big")
	text = edit(t, text, `[{"wet":"zvw","uzovi":"9999","naam":"A","vanaf":"2025-05-04"},{"wet":"wlz","uzovi":"9999","vanaf":"2025-05-04"}]`, "inhoud", "verzekering")
	k := mapping.NewMemory()
	s, r, issues := submit(t, k, text)
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	seen := map[fhir.Ref]bool{}
	for _, m := range r.Resources {
		if seen[m.Resource.Ref()] {
			t.Errorf("%s is written twice", m.Resource.Ref())
		}
		seen[m.Resource.Ref()] = true
	}
	k.Apply(s, r, receipt)
	sameDocument(t, document(t, text).Root(), back(t, k.All())[0])
}

func TestABSNThatThePatientHasNotComesBackToItsSenderAlone(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	resubmitted(t, k, edit(t, sample(t, "boris/01-kind.json"), "", "kind", "bsn"))
	text := sample(t, "boris/12-toestemming.json")
	s, r, issues := submit(t, k, text)
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	k.Apply(s, r, receipt)
	sent := document(t, text).Root()
	sameDocument(t, sent, backOf(t, k.All(), sent))
	for _, m := range r.Resources {
		private := m.Resource.Type() == "Provenance" && m.Resource.Root().At("meta", "security", "code").Text() == "V"
		if strings.Contains(string(m.Resource.Bytes()), "999912148") && !private {
			t.Errorf("%s tells the number", m.Resource.Ref())
		}
	}
}

func TestAConsentFromAfterTheBirthdayThatEndsItIsNeverInForce(t *testing.T) {
	t.Parallel()
	text := edit(t, sample(t, "boris/12-toestemming.json"), `"2040-01-01"`, "inhoud", "geldigVanaf")
	text = edit(t, text, "", "inhoud", "geldigTot")
	sent := document(t, text).Root()
	for _, files := range [][][]byte{{sample(t, "boris/01-kind.json"), text}, {text, sample(t, "boris/01-kind.json")}} {
		k := mapping.NewMemory()
		for _, f := range files {
			resubmitted(t, k, f)
		}
		for _, r := range k.All() {
			if r.Type() != "Consent" {
				continue
			}
			if s := r.Root().Member("status").Text(); s != "inactive" {
				t.Errorf("status is %s", s)
			}
			for _, i := range faultsOf(r) {
				t.Errorf("%s %s", i.Expression, i.Text)
			}
		}
		sameDocument(t, sent, backOf(t, k.All(), sent))
	}
}
