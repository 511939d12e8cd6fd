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

// documents returns the documents of a text: one, or those of an array.
func documents(t testing.TB, text []byte) []fhir.Node {
	t.Helper()
	list := document(t, []byte(`{"list":`+string(text)+`}`)).Root().Member("list")
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

// returns reports whether a record type has its way back.
func returns(file string) bool {
	done := []string{"1-kind", "scan", "evaluatie"}
	return slices.ContainsFunc(done, func(name string) bool { return strings.Contains(file, name) })
}

func TestEverySampleComesBackAsItWasSent(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"boris", "sanne", "daan"} {
		all, _ := dossier(t, name)
		for _, m := range all {
			if !returns(m.file) {
				continue
			}
			t.Run(m.file+" alone", func(t *testing.T) {
				k := mapping.NewMemory()
				s, r, issues := submit(t, k, m.source.Doc.Bytes())
				if fhir.HasErrors(issues) {
					t.Skipf("is not taken alone: %v", rules(issues, fhir.SeverityError))
				}
				k.Apply(s, r, receipt)
				sameDocument(t, m.source.Doc.Root(), backOf(t, k.All(), m.source.Doc.Root()))
			})
			t.Run(m.file+" after its child", func(t *testing.T) {
				k := mapping.NewMemory()
				if m.file != name+"/01-kind.json" {
					store(t, k, name+"/01-kind.json")
				}
				s, r, issues := submit(t, k, m.source.Doc.Bytes())
				if fhir.HasErrors(issues) {
					t.Skipf("needs more than its child: %v", rules(issues, fhir.SeverityError))
				}
				k.Apply(s, r, receipt)
				sameDocument(t, m.source.Doc.Root(), backOf(t, k.All(), m.source.Doc.Root()))
			})
		}
	}
}
