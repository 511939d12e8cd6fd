package mks_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// codeLists reads lists of codes and labels; lists without labels are left out.
func codeLists(t *testing.T, file string) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	for name, list := range raw {
		var labels map[string]string
		if json.Unmarshal(list, &labels) == nil {
			out[name] = labels
		}
	}
	return out
}

func TestListsAreThoseOfTheSamples(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff(codeLists(t, records+"/codelijsten.json"), codeLists(t, "record/codelijsten.json")); d != "" {
		t.Errorf("(-samples +embedded):\n%s", d)
	}
}

func TestEveryCodeAndLabelIsThatOfThePublishedCodeSystem(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../conformance/artifacts/Bundle-mks-terminologie.json")
	if err != nil {
		t.Fatal(err)
	}
	bundle, issues := fhir.Parse(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	published := map[string]string{} // system|code → display
	for r := range bundle.Root().All("entry", "resource") {
		for c := range r.All("concept") {
			published[r.Member("url").Text()+"|"+c.Member("code").Text()] = c.Member("display").Text()
		}
	}
	all, _ := dossier(t, "boris")
	for _, m := range all {
		for _, r := range m.result.Resources {
			for _, c := range codings(r.Resource.Root()) {
				key := c.Member("system").Text() + "|" + c.Member("code").Text()
				display, ok := published[key]
				shown := c.Member("display")
				if !ours(c.Member("system").Text()) {
					continue
				}
				if !ok || shown.Exists() && shown.Text() != display {
					t.Errorf("%s has %s %q, published is %q", r.Resource.Ref(), key, shown.Text(), display)
				}
			}
		}
	}
}

// ours reports whether the terminology bundle publishes the system; the access lists are elsewhere.
func ours(system string) bool {
	return strings.HasPrefix(system, fhir.Canonical+"/CodeSystem/") &&
		!strings.HasSuffix(system, "/access-label") && !strings.HasSuffix(system, "/plan-soort")
}

// codings returns every object at or below n that has a system and a code.
func codings(n fhir.Node) []fhir.Node {
	var out []fhir.Node
	if n.Member("system").Exists() && n.Member("code").Exists() {
		out = append(out, n)
	}
	for c := range n.Children() {
		out = append(out, codings(c)...)
	}
	return out
}

func TestEveryExtensionIsPublished(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../conformance/artifacts/Bundle-mks-structuren.json")
	if err != nil {
		t.Fatal(err)
	}
	bundle, issues := fhir.Parse(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	published := map[string]bool{fhir.Canonical + "/StructureDefinition/barred-party": true} // access.md 2.4
	for r := range bundle.Root().All("entry", "resource") {
		published[r.Member("url").Text()] = true
	}
	eachRecord(t, func(t *testing.T, m mapped, _ *mapping.Memory) {
		for _, r := range m.result.Resources {
			for _, url := range extensionURLs(r.Resource.Root()) {
				if strings.HasPrefix(url, fhir.Canonical) && !published[url] {
					t.Errorf("%s has the unpublished extension %s", r.Resource.Ref(), url)
				}
			}
			for p := range r.Resource.Root().All("meta", "profile") {
				if strings.HasPrefix(p.Text(), fhir.Canonical) && !published[p.Text()] {
					t.Errorf("%s claims the unpublished profile %s", r.Resource.Ref(), p.Text())
				}
			}
		}
	})
}

// extensionURLs returns the URLs of all extensions at or below n.
func extensionURLs(n fhir.Node) []string {
	var out []string
	for e := range n.All("extension") {
		out = append(out, e.Member("url").Text())
	}
	for c := range n.Children() {
		out = append(out, extensionURLs(c)...)
	}
	return out
}
