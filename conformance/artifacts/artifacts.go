// Package artifacts holds what the product publishes under its canonical base: code systems, value
// sets, concept maps, profiles and questionnaires, as FHIR resources, the ImplementationGuide that
// names them all, and the package that holds them.
package artifacts

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/drieluik/drieluik/fhir"
)

//go:embed *.json
var files embed.FS

// SourceSchema is the name of the JSON Schema of mks-bron/1.
const SourceSchema = "mks-bron-1.schema.json"

// Schemas returns the JSON Schemas of the source formats by name, made of the tables of their parsers.
func Schemas() (map[string][]byte, error) {
	const op = "artifacts.Schemas"
	names, err := fs.Glob(files, "*.schema.json")
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	out := map[string][]byte{}
	for _, name := range names {
		if out[name], err = files.ReadFile(name); err != nil {
			return nil, fhir.Wrap(op, err)
		}
	}
	return out, nil
}

// All returns the published resources, those of Bundles one by one, in the order of the files, then
// the search parameters that are ours, and last the ImplementationGuide. Tables of rules among the files, which are no resources, are left out.
func All() ([]*fhir.Resource, error) {
	all, err := published()
	return slices.Clone(all), err
}

// published reads the files once, for all that ask.
var published = sync.OnceValues(read)

func read() ([]*fhir.Resource, error) {
	const op = "artifacts.All"
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	var out []*fhir.Resource
	for _, name := range names {
		kind, _, _ := strings.Cut(name, "-") // a file has the name of its resource, Type-id
		if _, ok := fhir.ParseType(kind); !ok {
			continue
		}
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		r, err := parse(b)
		if err == nil {
			out, err = appendResources(out, r)
		}
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
	}
	params, err := searchParameters()
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	out = append(out, params...)
	guide, err := guideOf(out)
	return append(out, guide), fhir.Wrap(op, err)
}

// appendResources appends a resource, or the entries of a Bundle.
func appendResources(out []*fhir.Resource, r *fhir.Resource) ([]*fhir.Resource, error) {
	if r.Type() != "Bundle" {
		return append(out, r), nil
	}
	for n := range r.Root().All("entry", "resource") {
		entry, err := sound(n.Detach())
		if err == nil {
			out, err = appendResources(out, entry)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func parse(b []byte) (*fhir.Resource, error) { return sound(fhir.ParseOwned(b, fhir.Limits{})) }

func sound(r *fhir.Resource, issues []fhir.Issue) (*fhir.Resource, error) {
	if fhir.HasErrors(issues) {
		return nil, &fhir.Error{Kind: fhir.Internal, Op: "artifacts", Issues: issues}
	}
	return r, nil
}
