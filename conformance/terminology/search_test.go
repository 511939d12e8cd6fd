package terminology_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir/search"
)

func TestASearchAsksForTheCodesOfSetsAndBranches(t *testing.T) {
	t.Parallel()
	s := terms(t).Search()
	texts := func(codes []search.Code, known bool) string {
		var out []string
		for _, c := range codes {
			out = append(out, c.System+"|"+c.Code)
		}
		slices.Sort(out)
		if !known {
			return "unknown"
		}
		return strings.Join(out, " ")
	}
	animal := func(code string) search.Code { return search.Code{System: "urn:cs:animals", Code: code} }
	for name, c := range map[string][2]string{
		"a set":                        {texts(s.Expand("urn:vs:listed")), "urn:cs:animals|hond urn:other|x"},
		"a set by a filter":            {texts(s.Expand("urn:vs:mammals")), "urn:cs:animals|hond urn:cs:animals|vleermuis urn:cs:animals|zoogdier"},
		"a set that is not here":       {texts(s.Expand("urn:vs:none")), "unknown"},
		"below":                        {texts(s.Subsumed(animal("zoogdier"), false)), "urn:cs:animals|hond urn:cs:animals|vleermuis urn:cs:animals|zoogdier"},
		"above, over two parents":      {texts(s.Subsumed(animal("vleermuis"), true)), "urn:cs:animals|dier urn:cs:animals|vleermuis urn:cs:animals|vlieger urn:cs:animals|zoogdier"},
		"a code that is not there":     {texts(s.Subsumed(animal("kat"), true)), "unknown"},
		"a system that is not whole":   {texts(s.Subsumed(search.Code{System: "urn:cs:part", Code: "a"}, true)), "unknown"},
		"a system that nobody knows":   {texts(s.Subsumed(search.Code{System: "urn:none", Code: "a"}, false)), "unknown"},
		"capitals, where they are one": {texts(s.Subsumed(search.Code{System: "urn:cs:loose", Code: "aB"}, false)), "urn:cs:loose|Ab"},
	} {
		if diff := cmp.Diff(c[1], c[0]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
