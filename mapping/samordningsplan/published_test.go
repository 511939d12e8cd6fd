package samordningsplan_test

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/conformance/packages"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// ofOthers are artefacts of ours that other formats and rules have too and publish: the version and index of a
// source, the open lists of needs and measures, the tasks of coordination, the labels of access.
var ofOthers = []string{
	"StructureDefinition/source-version", "StructureDefinition/source-index",
	"CodeSystem/insats", "CodeSystem/behov", "CodeSystem/se-task", "CodeSystem/access-label",
}

// published are our artefacts, with the Swedish base profiles where they are at hand.
func published(t *testing.T) (*packages.Set, bool) {
	t.Helper()
	set := &packages.Set{}
	all, err := artifacts.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		set.Add(r)
	}
	dir := filepath.Join(cmp.Or(os.Getenv("DRIELUIK_SHARED"), filepath.Join("..", "..", "..", "shared")), "fhir", "se-base", "package")
	if _, err := os.Stat(dir); err != nil {
		return set, false
	}
	if err := set.Load(dir); err != nil {
		t.Fatal(err)
	}
	return set, true
}

// eachResource visits what all sample documents become.
func eachResource(t *testing.T, visit func(*fhir.Resource)) {
	t.Helper()
	for _, file := range append(files(t, "valid"), accepted(t)...) {
		r, _ := submit(t, mapping.NewMemory(), sample(t, file))
		for _, m := range r.Resources {
			visit(m.Resource)
		}
	}
}

func TestWhatAPlanBecomesHoldsTheProfilesAndFormsThatItClaims(t *testing.T) {
	t.Parallel()
	set, base := published(t)
	if !base {
		t.Skip("the Swedish base profiles are absent: set DRIELUIK_SHARED")
	}
	terms := terminology.New(set.Resources("CodeSystem", "ValueSet", "ConceptMap"))
	v := validate.New(validate.Options{Definition: set.Definition, Member: terms.Member})
	claims := map[string]bool{}
	eachResource(t, func(r *fhir.Resource) {
		for p := range r.Root().All("meta", "profile") {
			claims[p.Text()] = v.Knows(p.Text())
		}
		for _, i := range v.Resource(r) {
			if i.Severity == fhir.SeverityError || i.Severity == fhir.SeverityWarning && i.Diagnostics != "dom-6" {
				t.Errorf("%s: %s %s %s", r.Ref(), i.Severity, i.Expression, i.Text)
			}
		}
	})
	for _, name := range []string{"SEBasePatient", "SEBaseOrganization", "SEBasePractitionerRole"} {
		if !claims["http://hl7.se/fhir/ig/base/StructureDefinition/"+name] {
			t.Errorf("nothing claims %s, or it is not loaded", name)
		}
	}
}

func TestEveryCodeAndExtensionOfAPlanIsPublished(t *testing.T) {
	t.Parallel()
	set, _ := published(t)
	codes := map[string]bool{}
	for _, r := range set.Resources("CodeSystem") {
		for c := range r.Root().All("concept") {
			codes[r.Root().Member("url").Text()+"|"+c.Member("code").Text()] = true
		}
	}
	eachResource(t, func(r *fhir.Resource) {
		for _, name := range canonicals(r.Root()) {
			place, own := strings.CutPrefix(name, fhir.Canonical+"/")
			what, _, _ := strings.Cut(place, "|")
			if !own || slices.Contains(ofOthers, what) {
				continue
			}
			_, defined := set.Definition(name)
			if !defined && !codes[name] {
				t.Errorf("%s has %s, which is not published", r.Ref(), name)
			}
		}
	})
}

// canonicals are the URLs of extensions and Questionnaires, and the codings, at and below n.
func canonicals(n fhir.Node) []string {
	var out []string
	for _, name := range []string{"url", "questionnaire"} {
		if n.Member(name).Exists() {
			out = append(out, n.Member(name).Text())
		}
	}
	if system := n.Member("system").Text(); n.Member("code").Exists() {
		out = append(out, system+"|"+n.Member("code").Text())
	}
	for c := range n.Children() {
		out = append(out, canonicals(c)...)
	}
	return out
}
