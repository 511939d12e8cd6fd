package mapping

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Extractor is a Format with forms whose answers become more than Observations.
type Extractor interface {
	// Extract makes resources of a completed answer to a form of the format; false for any other form.
	// stored returns a resource as the caller may see it, else nil; the error is a failure of it.
	Extract(response *fhir.Resource, stored func(fhir.Ref) (*fhir.Resource, error)) ([]Extracted, bool, error)
}

// Extracted is one resource that answers become, to be written by whoever carries it out.
type Extracted struct {
	// Resource bears the id under which a push of the same record wrote it; one without an id is
	// found by Identifier.
	Resource   *fhir.Resource
	URN        string          // by which the others refer to one without an id
	Identifier fhir.Identifier // zero when the response has no id
}

// ExtractSystem is the identifier system of what was extracted: "response id#place in it".
const ExtractSystem = fhir.Canonical + "/sid/extract"

// AddMeta returns r with codings in its meta.security or meta.tag, those that it lacks. What is made of a
// resource must not be open to more readers than that is.
func AddMeta(r *fhir.Resource, member string, codings []fhir.Node) (*fhir.Resource, error) {
	var all []string
	for n := range r.Root().All("meta", member) {
		all = append(all, n.Raw())
	}
	had := len(all)
	for _, n := range codings {
		if !slices.Contains(all, n.Raw()) {
			all = append(all, n.Raw())
		}
	}
	if len(all) == had {
		return r, nil
	}
	out, err := r.Edit(fhir.Edit{Path: []string{"meta", member}, JSON: "[" + strings.Join(all, ",") + "]"})
	return out, fhir.Wrap("mapping.AddMeta", err)
}
