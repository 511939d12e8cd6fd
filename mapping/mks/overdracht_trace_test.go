package mks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// translated are the members whose value FHIR writes with other words: the last name of the pointer,
// the value of the source, and what stands in the element instead.
var translated = []struct{ member, source, fhir string }{
	{"/gehouden", "true", "finished"},
	{"/ernst", "matig", "moderate"}, {"/ernst", "ernstig", "severe"},
	{"/schaal", "FLACC", "108291000146105"},
	{"/voorgeschiedenis", "", "nilknown"}, {"/allergieen", "", "nilknown"},
	{"/leeftijdsvariant", "1-18", fhir.Canonical + "/StructureDefinition/mks-overdracht-1-18"},
}

// holds reports whether one of the selected texts is the value of the source, or a narrative with it.
func holds(selected []string, pointer, source string) bool {
	wanted := []string{strings.TrimPrefix(source, "ura:")}
	for _, x := range translated {
		if strings.HasSuffix(pointer, x.member) && source == x.source {
			wanted = append(wanted, x.fhir)
		}
	}
	return slices.ContainsFunc(selected, func(s string) bool {
		return slices.Contains(wanted, s) || strings.HasPrefix(s, "<div") && strings.Contains(s, source)
	})
}

// sourceAt returns the text of a place of a document.
func sourceAt(n fhir.Node, pointer string) string {
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		next := n.Member(name)
		for c := range n.Children() {
			if strings.HasSuffix(c.Pointer(), "/"+name) {
				next = c
			}
		}
		n = next
	}
	return n.Text()
}

func TestEveryTraceOfATransferLeadsToItsValue(t *testing.T) {
	t.Parallel()
	for name, text := range map[string][]byte{
		"boris": sample(t, borisTransfer), "with every member": full(t),
		"a draft": version(t, "1", "concept"), "withdrawn": version(t, "1", "ingetrokken"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, r, issues := submit(t, storedChild(t), text)
			if fhir.HasErrors(issues) {
				t.Fatal(issues)
			}
			root := document(t, text).Root()
			for _, tr := range r.Trace {
				if strings.HasPrefix(tr.Pointer, "/inhoud") {
					checkTrace(t, r, tr, sourceAt(root, tr.Pointer))
				}
			}
		})
	}
}

func checkTrace(t *testing.T, r mapping.Result, tr mapping.Trace, source string) {
	t.Helper()
	if len(tr.Elements) == 0 {
		t.Errorf("%s leads nowhere", tr.Pointer)
	}
	for _, element := range tr.Elements {
		selected := valuesAt(t, r, element)
		if !holds(selected, tr.Pointer, source) {
			t.Errorf("%s = %s is not in %s: %q", tr.Pointer, source, element, selected)
		}
	}
}
