package artifacts_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/conformance/packages"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

func all(t *testing.T) []*fhir.Resource {
	t.Helper()
	out, err := artifacts.All()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestThePackageLoadsAndIsValid is the way of whoever downloads it: load it as a package, and check
// every definition against R4 and against one another.
func TestThePackageLoadsAndIsValid(t *testing.T) {
	t.Parallel()
	tgz, err := artifacts.Package()
	if err != nil {
		t.Fatal(err)
	}
	again, err := artifacts.Package()
	if err != nil || !bytes.Equal(tgz, again) {
		t.Error("the package differs between two makings", err)
	}
	name := filepath.Join(t.TempDir(), "package.tgz")
	if err := os.WriteFile(name, tgz, 0o600); err != nil {
		t.Fatal(err)
	}
	var set packages.Set
	if err := set.Load(name); err != nil {
		t.Fatal(err)
	}
	terms := terminology.New(set.Resources("CodeSystem", "ValueSet", "ConceptMap"))
	v := validate.New(validate.Options{Definition: set.Definition, Member: terms.Member})
	for _, r := range all(t) {
		url := r.Root().Member("url").Text()
		if n, ok := set.Definition(url); url != "" && (!ok || n.Raw() != strings.TrimSpace(string(r.Bytes()))) {
			t.Errorf("%s is not in the package", r.Ref())
		}
		for _, i := range v.Resource(r) {
			if i.Severity == fhir.SeverityError {
				t.Errorf("%s: %s %s", r.Ref(), i.Expression, i.Text)
			}
		}
	}
}

// TestFilesAreNamedByTheirResource: a file with another name would not be published.
func TestFilesAreNamedByTheirResource(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var r struct{ ResourceType string }
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(name, err)
		}
		if kind, _, _ := strings.Cut(name, "-"); r.ResourceType != "" && kind != r.ResourceType {
			t.Errorf("%s holds a resource of type %s", name, r.ResourceType)
		}
	}
}

// TestEveryCanonicalOfOursResolves: what an artefact names under our base is published, and the address
// of each is its canonical.
func TestEveryCanonicalOfOursResolves(t *testing.T) {
	t.Parallel()
	published := map[string]bool{}
	for _, r := range all(t) {
		if url := r.Root().Member("url").Text(); url != "" {
			published[url] = true
			if url != fhir.Canonical+"/"+r.Ref().String() {
				t.Errorf("%s has the canonical %s", r.Ref(), url)
			}
		}
	}
	for _, r := range all(t) {
		for _, text := range strings.Split(string(r.Bytes()), `"`) {
			url, _, _ := strings.Cut(text, "|")
			url, _, _ = strings.Cut(url, "#")
			kind, _, _ := strings.Cut(strings.TrimPrefix(url, fhir.Canonical+"/"), "/")
			_, known := fhir.ParseType(kind)
			if strings.HasPrefix(url, fhir.Canonical+"/") && known && !published[url] {
				t.Errorf("%s names %s, which is not published", r.Ref(), url)
			}
		}
	}
}

// TestQuestionnairesSpeakThreeLanguages: every text that somebody reads, and every answer of a list of
// ours, is there in Dutch, Swedish and English.
func TestQuestionnairesSpeakThreeLanguages(t *testing.T) {
	t.Parallel()
	questions := 0
	systems := map[string]fhir.Node{}
	for _, r := range all(t) {
		systems[r.Root().Member("url").Text()] = r.Root()
	}
	for _, r := range all(t) {
		if r.Type() != "Questionnaire" {
			continue
		}
		own := r.Root().Member("language").Text()
		translated(t, own, r.ID(), r.Root(), "title")
		for q := range nested(r.Root()) {
			questions++
			translated(t, own, q.Member("linkId").Text(), q, "text")
			list := strings.Replace(q.Member("answerValueSet").Text(), "/ValueSet/", "/CodeSystem/", 1)
			for c := range systems[list].All("concept") {
				languages := map[string]bool{systems[list].Member("language").Text(): c.Member("display").Exists()}
				for d := range c.All("designation") {
					languages[d.Member("language").Text()] = d.Member("value").Text() != ""
				}
				if !languages["sv"] || !languages["en"] || !languages["nl"] {
					t.Errorf("%s: %s has no name in Dutch, Swedish or English", list, c.Member("code").Text())
				}
			}
		}
	}
	if questions < 280 {
		t.Errorf("%d questions", questions)
	}
}

func nested(n fhir.Node) func(func(fhir.Node) bool) {
	return func(yield func(fhir.Node) bool) {
		for item := range n.All("item") {
			if !yield(item) {
				return
			}
			for inner := range nested(item) {
				if !yield(inner) {
					return
				}
			}
		}
	}
}

// translated holds a text that stands in the language own of the artefact.
func translated(t *testing.T, own, at string, n fhir.Node, member string) {
	t.Helper()
	texts := map[string]string{own: n.Member(member).Text()}
	for x := range n.All("_"+member, "extension") {
		parts := map[string]string{}
		for p := range x.All("extension") {
			parts[p.Member("url").Text()] = p.Member("valueCode").Text() + p.Member("valueString").Text()
		}
		texts[parts["lang"]] = parts["content"]
	}
	for _, lang := range []string{"nl", "sv", "en"} {
		if texts[lang] == "" {
			t.Errorf("%s has no %s in %s", at, member, lang)
		}
	}
}

func TestTheGuideNamesEverything(t *testing.T) {
	t.Parallel()
	resources := all(t)
	var guide struct {
		PackageID  string
		Definition struct {
			Resource []struct{ Reference struct{ Reference string } }
		}
	}
	last := resources[len(resources)-1]
	if err := json.Unmarshal(last.Bytes(), &guide); err != nil || last.Type() != "ImplementationGuide" {
		t.Fatal(err)
	}
	if len(guide.Definition.Resource) != len(resources)-1 || guide.PackageID != artifacts.PackageName {
		t.Errorf("%d of %d", len(guide.Definition.Resource), len(resources)-1)
	}
}

// TestEveryDefinitionOfMKSIsDescribedInThreeLanguages, as the questionnaires are asked in.
func TestEveryDefinitionOfMKSIsDescribedInThreeLanguages(t *testing.T) {
	t.Parallel()
	described := 0
	for _, r := range all(t) {
		n := r.Root()
		if r.Type() != "StructureDefinition" || n.Member("language").Text() != "en" { // those of MKS say theirs
			continue
		}
		described++
		told := map[string]bool{n.Member("language").Text(): n.Member("description").Exists()}
		for x := range n.All("_description", "extension") {
			code, text := "", ""
			for p := range x.All("extension") {
				code, text = code+p.Member("valueCode").Text(), text+p.Member("valueString").Text()
			}
			told[code] = text != ""
		}
		if !told["nl"] || !told["sv"] || !told["en"] || len(told) != 3 {
			t.Errorf("%s is described in %v", r.Ref(), told)
		}
	}
	if described < 66 {
		t.Errorf("%d definitions", described)
	}
}
