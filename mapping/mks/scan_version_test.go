package mks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// scanVersion returns a version of the repeated scan of Boris in a state, after a change.
func scanVersion(t *testing.T, version int, status string, change func(in map[string]any)) []byte {
	t.Helper()
	return planEdited(t, borisScan, func(doc, in map[string]any) {
		doc["versie"], doc["status"] = version, status
		if status == "ingetrokken" {
			doc["intrekReden"] = "verkeerd kind"
		}
		if change != nil {
			change(in)
		}
	})
}

// needStates returns how the needs of a scan of Boris stand, by id; path is "" or "/concept".
func needStates(t *testing.T, k *mapping.Memory, path string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, id := range []string{"b1", "b2", "b3", "b4", "b5", "n1"} {
		hit, err := k.Read(fhir.Ref{Type: "Condition", ID: mapping.ID(scanAnchor + path + "/" + id)})
		if err != nil {
			t.Fatal(err)
		}
		if hit != nil {
			out[id] = standing(hit.Resource.Root())
		}
	}
	return out
}

func formState(t *testing.T, k *mapping.Memory, path string) string {
	t.Helper()
	return read(t, k, fhir.Ref{Type: "QuestionnaireResponse", ID: mapping.ID(scanAnchor + path)}).Member("status").Text()
}

func TestVersionsOfAScanFollowItsRecord(t *testing.T) {
	t.Parallel()
	k := homeChild(t).stored
	take(t, k, scanVersion(t, 1, "definitief", nil))
	if got := formState(t, k, ""); got != "completed" {
		t.Errorf("version 1 is %s", got)
	}
	take(t, k, scanVersion(t, 2, "concept", func(in map[string]any) { scanNeed(in, 0, 0)["niveau"] = "1" }))
	if a, b := formState(t, k, ""), formState(t, k, "/concept"); a != "completed" || b != "in-progress" {
		t.Errorf("beside a draft: %s, the draft is %s", a, b)
	}
	take(t, k, scanVersion(t, 3, "definitief", func(in map[string]any) {
		scanNeed(in, 0, 0)["niveau"], scanNeed(in, 0, 2)["niveau"] = "0", "1"
		delete(scanNeed(in, 0, 0), "toelichting")
	}))
	if a, b := formState(t, k, ""), formState(t, k, "/concept"); a != "amended" || b != "entered-in-error" {
		t.Errorf("version 3 is %s, the draft before it %s", a, b)
	}
	want := map[string]string{"b1": "inactive", "b2": "active", "b3": "active", "b4": "active", "b5": "active", "n1": "active"}
	if d := cmp.Diff(want, needStates(t, k, "")); d != "" {
		t.Errorf("needs of version 3 (-want +got):\n%s", d)
	}
	for id, s := range needStates(t, k, "/concept") {
		if s != "inactive" {
			t.Errorf("need %s of the draft is %s", id, s)
		}
	}
	take(t, k, scanVersion(t, 4, "ingetrokken", nil))
	if got := formState(t, k, ""); got != "entered-in-error" {
		t.Errorf("withdrawn it is %s", got)
	}
	for id, s := range needStates(t, k, "") {
		if s != "entered-in-error" {
			t.Errorf("need %s of the withdrawn scan is %s", id, s)
		}
	}
}

func TestScanBeforeItsChildWaitsForItsReferences(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	_, _, issues := submit(t, k, sample(t, borisScan))
	for _, at := range []string{"/inhoud/afgenomenDoor", "/inhoud/gesprekMet/0", "/inhoud/domeinen/2/behoeften/0/over"} {
		if !slices.Contains(told(issues), "warning MKS-REF-01 "+at) {
			t.Errorf("nothing says that %s waits", at)
		}
	}
	r := apply(t, k, sample(t, borisScan))
	need := planResource(t, r, "Condition", "hbs-1002#b4", "identifier", "value").Resource().Ref()
	label := func(ref fhir.Ref) fhir.Node {
		return read(t, k, ref).At("meta", "security", "extension", "valueReference")
	}
	if label(need).Member("reference").Exists() {
		t.Error("the label names a person that is not known yet")
	}
	store(t, k, "boris/01-kind.json")
	for _, ref := range []fhir.Ref{need, r.Anchor} {
		if who := label(ref).Member("reference").Text(); !strings.HasPrefix(who, "RelatedPerson/") {
			t.Errorf("after the child record the label of %s names %q", ref, who)
		}
	}
	form := read(t, k, r.Anchor)
	for at, kind := range map[string]string{"author": "PractitionerRole/", "source": "RelatedPerson/"} {
		if got := form.At(at, "reference").Text(); !strings.HasPrefix(got, kind) {
			t.Errorf("%s is %q", at, got)
		}
	}
	if strings.Contains(form.Raw(), "/onbekend") {
		t.Error("a reference of the form stays logical")
	}
}

func TestPlanRestsOnTheScansThatAreStored(t *testing.T) {
	t.Parallel()
	c := planOf(t, "boris/01-kind.json", "boris/04-hulpbehoeftescan-eerste.json", borisScan)
	_, r, issues := c.try(sample(t, boris3))
	if got := told(issues); slices.Contains(got, "warning MKS-REF-04 /inhoud/opBasisVan/0") {
		t.Error("the stored scan counts as not stored")
	}
	for id, want := range map[string][]string{"p1": {"medisch"}, "p2": {"medisch", "veiligheid"}, "p3": {"sociaal"}} {
		n := planResource(t, r, "Condition", "zp-1001#"+id, "identifier", "value")
		if d := cmp.Diff(want, planTags(n)); d != "" {
			t.Errorf("domains of %s (-want +got):\n%s", id, d)
		}
		for at := range n.All("evidence", "detail", "reference") {
			if ref := parse(t, at.Text()); read(t, c.stored, ref).At("category", "coding", "code").Text() != "hulpbehoefte" {
				t.Errorf("%s rests on %s", id, ref)
			}
		}
		if len(texts(n, "evidence", "detail", "reference")) != len(texts(n, "evidence", "detail", "identifier")) {
			t.Errorf("%s does not find all its needs", id)
		}
	}
	plan := planResource(t, r, "CarePlan", "Zorgplan kind en gezin", "title")
	if got, want := plan.At("supportingInfo", "reference").Text(), "QuestionnaireResponse/"+mapping.ID(scanAnchor); got != want {
		t.Errorf("the plan rests on %s, want %s", got, want)
	}
	_, _, issues = c.try(planEdited(t, boris3, func(_, in map[string]any) {
		in["opBasisVan"], planList(in, "problemen")[0]["behoeften"] = []any{"hbs-1002/1"}, []any{"b1", "b9"}
	}))
	if !slices.Contains(told(issues), "error MKS-REF-05 /inhoud/problemen/0/behoeften/1") {
		t.Errorf("a need that the scan lacks gives %v", told(issues))
	}
	_, _, issues = c.try(planEdited(t, boris3, func(_, in map[string]any) { in["opBasisVan"] = []any{"hbs-1002/2"} }))
	if !slices.Contains(told(issues), "warning MKS-REF-04 /inhoud/opBasisVan/0") {
		t.Errorf("a version that is not stored gives %v", told(issues))
	}
}
