package search

import (
	"regexp"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// leadsDown is an alternative of an expression that names elements and no more than a type: it gives nothing where the
// first of them is not there.
var leadsDown = regexp.MustCompile(`^\(?[A-Z]\w*\.([a-z]\w*)(?:\.[a-z]\w*)*(?:\.as\(\w+\)| as \w+|\.where\(resolve\(\) is \w+\))?\)?$`)

// firstElements are the elements of a resource of which an expression needs one. None: it may give something of any
// resource.
func firstElements(expression string) []string {
	var out []string
	for alternative := range strings.SplitSeq(expression, "|") {
		m := leadsDown.FindStringSubmatch(strings.TrimSpace(alternative))
		if m == nil {
			return nil
		}
		out = union(out, []string{m[1]})
	}
	return out
}

// membersOf are the names of the members of a resource; those of a primitive's extensions as the primitive's.
func membersOf(r *fhir.Resource) []string {
	out := make([]string, 0, 24)
	for n := range r.Root().Children() {
		out = append(out, strings.TrimPrefix(n.Name(), "_"))
	}
	return out
}

// mayGive reports whether the parameter may give something of a resource with these members. Of a choice the name goes
// on behind that of its element.
func (p *parameter) mayGive(members []string) bool {
	return len(p.first) == 0 || slices.ContainsFunc(p.first, func(element string) bool {
		return slices.ContainsFunc(members, func(name string) bool { return strings.HasPrefix(name, element) })
	})
}
