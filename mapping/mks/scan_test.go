package mks_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/conformance/packages"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

const (
	borisScan  = "boris/05-hulpbehoeftescan-herhaling.json"
	sanneScan  = "sanne/03-hulpbehoeftescan.json"
	daanScan   = "daan/03-hulpbehoeftescan.json"
	scanAnchor = "QuestionnaireResponse/90000001/ecd/hulpbehoeftescan/hbs-1002"
)

// publishedRules is a validator that knows our own profiles, Questionnaires and value sets.
var publishedRules = sync.OnceValues(func() (*validate.Validator, error) {
	var set packages.Set
	all, err := artifacts.All()
	for _, r := range all {
		set.Add(r)
	}
	terms := terminology.New(set.Resources("CodeSystem", "ValueSet", "ConceptMap"))
	return validate.New(validate.Options{Definition: set.Definition, Member: terms.Member}), err
})

// checkPublished validates what came of a record against what we publish.
func checkPublished(t *testing.T, r mapping.Result) {
	t.Helper()
	v, err := publishedRules()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range r.Resources {
		for _, i := range v.Resource(m.Resource) {
			if i.Severity == fhir.SeverityError || i.Severity == fhir.SeverityWarning && i.Diagnostics != "dom-6" {
				t.Errorf("%s: %s %s at %s: %s", m.Resource.Ref(), i.Severity, i.Diagnostics, i.Expression, i.Text)
			}
		}
	}
}

// scanDomain returns a domain of a scan by its place.
func scanDomain(in map[string]any, i int) map[string]any { return planList(in, "domeinen")[i] }

// scanNeed returns a need of a scan.
func scanNeed(in map[string]any, domain, i int) map[string]any {
	return planList(scanDomain(in, domain), "behoeften")[i]
}

// homeChild is Boris as the home care knows him.
func homeChild(t *testing.T) planCase {
	t.Helper()
	return planOf(t, "boris/01-kind.json")
}

// fullScan is a scan of Boris with every member, and needs of more than one person.
func fullScan(t *testing.T) []byte {
	t.Helper()
	return planEdited(t, borisScan, func(_, in map[string]any) {
		scanDomain(in, 2)["zorgenVan"] = map[string]any{"kind": "wil naar oma", "ouder": "wij zijn op", "professional": "geen rust"}
		scanNeed(in, 0, 0)["code"] = map[string]any{"sct": "300893006", "icf": "b510", "tekst": "eigen woorden"}
		scanNeed(in, 2, 1)["over"], scanNeed(in, 2, 1)["toelichting"] = "bet-02", "broer van vader"
		scanNeed(in, 2, 1)["niveau"] = "4"
		scanNeed(in, 1, 1)["over"] = "bet-01"
		in["gesprekMet"] = []any{"kind", "bet-02"}
	})
}

func TestScanAnswersItsOwnQuestionnaire(t *testing.T) {
	t.Parallel()
	k := homeChild(t).stored
	for name, text := range map[string][]byte{
		"boris, first": sample(t, "boris/04-hulpbehoeftescan-eerste.json"), "boris": sample(t, borisScan),
		"with every member":           fullScan(t),
		"domains the other way round": planEdited(t, borisScan, func(_, in map[string]any) { slices.Reverse(in["domeinen"].([]any)) }),
		"a draft":                     planEdited(t, borisScan, func(doc, _ map[string]any) { doc["status"] = "concept" }),
		"withdrawn": planEdited(t, borisScan, func(doc, _ map[string]any) {
			doc["status"], doc["intrekReden"] = "ingetrokken", "verkeerd kind"
		}),
		"a note where there is no need": planEdited(t, borisScan, func(_, in map[string]any) { scanNeed(in, 0, 2)["toelichting"] = "gaat goed" }),
		"heard, and why not":            planEdited(t, borisScan, func(_, in map[string]any) { sub(in, "kindGehoord")["ja"] = true }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, r, issues := submit(t, k, text)
			if fhir.HasErrors(issues) {
				t.Fatal(told(issues))
			}
			checkPublished(t, r)
			checkSound(t, r)
			form := anchorOf(t, r)
			if d := cmp.Diff(list("hbs.alg", "hbs.med", "hbs.vei", "hbs.soc", "hbs.ont"), texts(form, "item", "linkId")); d != "" {
				t.Errorf("top items (-want +got):\n%s", d)
			}
			if d := cmp.Diff(list("medisch", "veiligheid", "sociaal", "ontwikkeling"), planTags(form)); d != "" {
				t.Errorf("domains (-want +got):\n%s", d)
			}
		})
	}
}

func TestScanFormHasEveryItemOfTheQuestionnaireInItsOrder(t *testing.T) {
	t.Parallel()
	all, err := artifacts.All()
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, r := range all {
		if r.Root().Member("url").Text() != ourCanonical("Questionnaire/mks-hulpbehoeftescan") {
			continue
		}
		for item := range r.Root().All("item", "item") {
			if item.Member("type").Text() == "group" {
				asked = append(asked, item.Member("linkId").Text())
			}
		}
	}
	text := planEdited(t, borisScan, func(_, in map[string]any) { // as the form, turned round
		for i := range 4 {
			slices.Reverse(scanDomain(in, i)["behoeften"].([]any))
		}
	})
	_, r, _ := submit(t, homeChild(t).stored, text)
	var got []string
	for item := range anchorOf(t, r).All("item", "item") {
		if item.Member("item").Exists() {
			got = append(got, item.Member("linkId").Text())
		}
	}
	if d := cmp.Diff(asked, got); d != "" || len(got) != 27 {
		t.Errorf("items (-Questionnaire +response):\n%s", d)
	}
}

func ourCanonical(name string) string { return fhir.Canonical + "/" + name }

func TestScanRemembersTheOrderOfItsSource(t *testing.T) {
	t.Parallel()
	_, r, _ := submit(t, homeChild(t).stored, sample(t, borisScan))
	form := anchorOf(t, r)
	got := map[string]string{}
	for item := range form.All("item", "item") {
		if id := item.Member("id"); id.Exists() {
			got[item.Member("linkId").Text()] = id.Text()
		}
	}
	want := map[string]string{ // veiligheid alone stands in another order than the form
		"hbs.vei.noodsituatie": "veiligheid-1", "hbs.vei.thuisveilig": "veiligheid-2", "hbs.vei.bekwaamheid": "veiligheid-3",
		"hbs.vei.woning": "veiligheid-4", "hbs.vei.toezicht": "veiligheid-5", "hbs.vei.hygiene": "veiligheid-6",
	}
	for _, item := range []string{"motoriek", "taal", "cognitie", "emotie", "spel", "onderwijs", "zelfstandig"} {
		want["hbs.ont."+item] = map[string]string{"spel": "ontwikkeling-1", "motoriek": "ontwikkeling-2", "taal": "ontwikkeling-3",
			"cognitie": "ontwikkeling-4", "emotie": "ontwikkeling-5", "onderwijs": "ontwikkeling-6", "zelfstandig": "ontwikkeling-7"}[item]
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
	turned := planEdited(t, borisScan, func(_, in map[string]any) { slices.Reverse(in["domeinen"].([]any)) })
	_, r, _ = submit(t, homeChild(t).stored, turned)
	if d := cmp.Diff(list("domein-4", "domein-3", "domein-2", "domein-1"), texts(anchorOf(t, r), "item", "id")); d != "" {
		t.Errorf("places of the domains (-want +got):\n%s", d)
	}
}

func TestNeedsOfLevelOneToFourAreSharedPerDomain(t *testing.T) {
	t.Parallel()
	_, r, _ := submit(t, homeChild(t).stored, sample(t, borisScan))
	got := map[string]string{}
	for _, m := range r.Resources {
		n := m.Resource.Root()
		if m.Resource.Type() != "Condition" {
			continue
		}
		id := n.At("identifier", "value").Text()
		got[id] = fmt.Sprint(planTags(n), " ", strings.Join(texts(n, "category", "coding", "code"), " "), " ", n.At("code", "text").Text())
		if at := n.At("evidence", "detail", "reference").Text(); at != r.Anchor.String() {
			t.Errorf("%s rests on %s", id, at)
		}
	}
	want := map[string]string{
		"hbs-1002#b1": "[medisch] hulpbehoefte medisch Voeding en vocht",
		"hbs-1002#b2": "[medisch] hulpbehoefte medisch Ademhaling en bewaking",
		"hbs-1002#b3": "[veiligheid] hulpbehoefte veiligheid Noodsituaties en noodplan",
		"hbs-1002#b4": "[sociaal] hulpbehoefte sociaal Draagkracht en draaglast gezin",
		"hbs-1002#b5": "[ontwikkeling] hulpbehoefte ontwikkeling Spel en vrije tijd",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("needs (-want +got):\n%s", d)
	}
}

// aboutParent returns whom the labels about-parent of a resource name.
func aboutParent(n fhir.Node) []string {
	var out []string
	for l := range n.All("meta", "security") {
		if l.Member("code").Text() == "about-parent" {
			out = append(out, texts(l, "extension", "valueReference", "identifier", "value")...)
		}
	}
	return out
}

func TestANeedOfAnotherPersonIsThatPersonsToRead(t *testing.T) {
	t.Parallel()
	k := homeChild(t).stored
	r := apply(t, k, fullScan(t))
	for id, want := range map[string][]string{"hbs-1002#b1": nil, "hbs-1002#b4": {"bet-01"}, "hbs-1002#n11": {"bet-02"}} {
		n := planResource(t, r, "Condition", id, "identifier", "value")
		if d := cmp.Diff(want, aboutParent(n)); d != "" {
			t.Errorf("%s is about (-want +got):\n%s", id, d)
		}
		if got := texts(n, "extension", "valueReference", "identifier", "value"); !slices.Equal(got, want) {
			t.Errorf("%s has over %v", id, got)
		}
	}
	form := anchorOf(t, r)
	if d := cmp.Diff([]string{"bet-01", "bet-02"}, aboutParent(form)); d != "" { // it says what the needs say
		t.Errorf("the form is about (-want +got):\n%s", d)
	}
	for l := range form.All("meta", "security") {
		if who := l.At("extension", "valueReference", "reference").Text(); !strings.HasPrefix(who, "RelatedPerson/") {
			t.Errorf("a label names %q", who)
		}
	}
	if got := aboutParent(anchorOf(t, apply(t, k, sample(t, "boris/04-hulpbehoeftescan-eerste.json")))); got != nil {
		t.Errorf("a form about the child alone is labelled for %v", got)
	}
}

func TestScanKeepsWhatTheFormDoesNotAsk(t *testing.T) {
	t.Parallel()
	k := homeChild(t).stored
	for name, c := range map[string]struct {
		change func(_, in map[string]any)
		want   []string
	}{
		"a note where there is no need": {func(_, in map[string]any) { scanNeed(in, 0, 2)["toelichting"] = "gaat goed" },
			list(`/inhoud/domeinen/0/behoeften/2/toelichting "gaat goed"`)},
		"why a child that was heard was not": {func(_, in map[string]any) { sub(in, "kindGehoord")["ja"] = true },
			list(`/inhoud/kindGehoord/reden "leeftijd"`)},
		"a code that FHIR cannot hold": {func(_, in map[string]any) {
			scanNeed(in, 0, 0)["code"] = map[string]any{"sct": "300893006", "omaha": " 28"}
		}, list(`/inhoud/domeinen/0/behoeften/0/code/omaha " 28"`)},
		"an unknown member": {func(_, in map[string]any) { scanNeed(in, 0, 0)["kleur"] = 1 },
			list(`/inhoud/domeinen/0/behoeften/0/kleur 1`)},
		"an empty list of needs": {func(_, in map[string]any) { scanDomain(in, 3)["behoeften"] = []any{} },
			list(`/inhoud/domeinen/3/behoeften []`)},
		"a note of what was not discussed stands in the form": {func(_, in map[string]any) { scanNeed(in, 1, 1)["toelichting"] = "later" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, r, issues := submit(t, k, planEdited(t, borisScan, c.change))
			if fhir.HasErrors(issues) {
				t.Fatal(told(issues))
			}
			if d := cmp.Diff(c.want, keptMembers(t, r)); d != "" {
				t.Errorf("kept (-want +got):\n%s", d)
			}
		})
	}
}

func TestScansAreAsReviewed(t *testing.T) {
	golden(t, "scan-boris-herhaling.golden", apply(t, homeChild(t).stored, sample(t, borisScan)))
	golden(t, "scan-sanne.golden", planOf(t, "sanne/01-kind.json").store(sample(t, sanneScan)))
	golden(t, "scan-daan.golden", planOf(t, "daan/01-kind.json").store(sample(t, daanScan)))
}
