// Package mappingtest holds stored resources in memory for tests of mappings. It refuses versions
// of the past, decisions and concurrency.
package mappingtest

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Known is a mapping.Known over what Apply put into it.
type Known struct {
	found   map[fhir.Ref]*mapping.Found
	order   []fhir.Ref
	records map[string][]int
}

var _ mapping.Known = (*Known)(nil)

// New returns an empty Known.
func New() *Known {
	return &Known{found: map[fhir.Ref]*mapping.Found{}, records: map[string][]int{}}
}

// Apply stores a result as the outcome of a source, received at a time.
func (k *Known) Apply(s mapping.Source, r mapping.Result, at time.Time) {
	for _, m := range r.Resources {
		k.put(m, r.Sender, at)
	}
	k.records[s.Record] = append(k.records[s.Record], s.Version)
	slices.Sort(k.records[s.Record])
}

func (k *Known) put(m mapping.Mapped, sender fhir.Ref, at time.Time) {
	ref := m.Resource.Ref()
	next := &mapping.Found{Resource: m.Resource, Version: 1, Updated: at, Custodian: sender}
	if old := k.found[ref]; old != nil && !m.Stub {
		next.Version, next.Custodian, next.Author = old.Version+1, old.Custodian, old.Author
	} else {
		k.order = append(k.order, ref)
	}
	if m.Stub {
		next.Custodian = fhir.Ref{}
	}
	if !m.Custodian.IsZero() {
		next.Custodian = m.Custodian
	}
	next.Author = m.Author
	if next.Author.IsZero() {
		next.Author = next.Custodian
	}
	k.found[ref] = next
}

// Read implements mapping.Known.
func (k *Known) Read(ref fhir.Ref) (*mapping.Found, error) { return k.found[ref.Current()], nil }

// Identified implements mapping.Known.
func (k *Known) Identified(t fhir.Type, id fhir.Identifier) ([]*mapping.Found, error) {
	return k.where(func(f *mapping.Found) bool {
		if f.Resource.Type() != t {
			return false
		}
		for n := range f.Resource.Root().All("identifier") {
			if n.Member("system").Text() == id.System && n.Member("value").Text() == id.Value {
				return true
			}
		}
		return false
	}), nil
}

// Child implements mapping.Known.
func (k *Known) Child(patient fhir.Ref, types ...fhir.Type) ([]*mapping.Found, error) {
	return k.where(func(f *mapping.Found) bool {
		t := f.Resource.Type()
		return (len(types) == 0 || slices.Contains(types, t)) && about(f.Resource, patient)
	}), nil
}

// Stored implements mapping.Known.
func (k *Known) Stored(record string) ([]int, error) { return slices.Clone(k.records[record]), nil }

// All returns every stored resource in order of arrival.
func (k *Known) All() []*fhir.Resource {
	var out []*fhir.Resource
	for _, ref := range k.order {
		out = append(out, k.found[ref].Resource)
	}
	return out
}

func (k *Known) where(keep func(*mapping.Found) bool) []*mapping.Found {
	var out []*mapping.Found
	for _, ref := range k.order {
		if keep(k.found[ref]) {
			out = append(out, k.found[ref])
		}
	}
	return out
}

// about reports whether a resource is the patient or names it where R4 compartments look.
func about(r *fhir.Resource, patient fhir.Ref) bool {
	if r.Ref() == patient.Current() {
		return true
	}
	for _, member := range []string{"subject", "patient", "for", "beneficiary", "target"} {
		for n := range r.Root().All(member, "reference") {
			if n.Text() == patient.Current().String() {
				return true
			}
		}
	}
	return false
}
