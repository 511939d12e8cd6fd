package mapping

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Memory is a Known over what Apply put into it: for conversions without a store, and for tests.
// It keeps current versions alone and is not safe for concurrent use.
type Memory struct {
	found   []*Found         // in order of arrival
	at      map[fhir.Ref]int // places in found
	records map[string][]int
}

var _ Known = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{at: map[fhir.Ref]int{}, records: map[string][]int{}}
}

// Apply stores a result as the outcome of a source, received at a time.
func (k *Memory) Apply(s Source, r Result, at time.Time) {
	for _, m := range r.Resources {
		k.put(m, r.Sender, at)
	}
	k.records[s.Record] = append(k.records[s.Record], s.Version)
	slices.Sort(k.records[s.Record])
}

func (k *Memory) put(m Mapped, sender fhir.Ref, at time.Time) {
	ref := m.Resource.Ref()
	next := &Found{Resource: m.Resource, Version: 1, Updated: at, Custodian: sender}
	i, stored := k.at[ref]
	if stored && !m.Stub {
		old := k.found[i]
		next.Version, next.Custodian, next.Author = old.Version+1, old.Custodian, old.Author
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
	if stored {
		k.found[i] = next
		return
	}
	k.at[ref] = len(k.found)
	k.found = append(k.found, next)
}

// Read implements Known.
func (k *Memory) Read(ref fhir.Ref) (*Found, error) { return k.get(ref), nil }

// get returns the current version of a resource, nil when there is none.
func (k *Memory) get(ref fhir.Ref) *Found {
	if i, ok := k.at[ref.Current()]; ok {
		return k.found[i]
	}
	return nil
}

// Identified implements Known.
func (k *Memory) Identified(t fhir.Type, id fhir.Identifier) ([]*Found, error) {
	aliases := Aliases(id)
	return k.where(func(f *Found) bool {
		if f.Resource.Type() != t {
			return false
		}
		for n := range f.Resource.Root().All("identifier") {
			if slices.Contains(aliases, fhir.Identifier{System: n.Member("system").Text(), Value: n.Member("value").Text()}) {
				return true
			}
		}
		return false
	}), nil
}

// Child implements Known.
func (k *Memory) Child(patient fhir.Ref, types ...fhir.Type) ([]*Found, error) {
	who := subject{patient.Current(), patient.Current().String()}
	return k.where(func(f *Found) bool {
		t := f.Resource.Type()
		return (len(types) == 0 || slices.Contains(types, t)) && (k.about(f.Resource, who) || k.meets(f.Resource, who))
	}), nil
}

// Stored implements Known.
func (k *Memory) Stored(record string) ([]int, error) { return slices.Clone(k.records[record]), nil }

// All returns every stored resource in order of arrival.
func (k *Memory) All() []*fhir.Resource {
	var out []*fhir.Resource
	for _, f := range k.found {
		out = append(out, f.Resource)
	}
	return out
}

func (k *Memory) where(keep func(*Found) bool) []*Found {
	var out []*Found
	for _, f := range k.found {
		if keep(f) {
			out = append(out, f)
		}
	}
	return out
}

// subject is a patient, and the literal reference to it.
type subject struct {
	ref  fhir.Ref
	text string
}

// about reports whether a resource is of the patient: itself, or a Provenance of what is.
func (k *Memory) about(r *fhir.Resource, patient subject) bool {
	if r.Type() != "Provenance" || names(r, patient) {
		return names(r, patient)
	}
	for n := range r.Root().All("target", "reference") {
		ref, _ := fhir.ParseRef(n.Text())
		if f := k.get(ref); f != nil && names(f.Resource, patient) {
			return true
		}
	}
	return false
}

// names reports whether a resource is the patient or names it where R4 compartments look.
func names(r *fhir.Resource, patient subject) bool {
	if r.Ref() == patient.ref {
		return true
	}
	for member := range r.Root().Children() {
		switch member.Name() {
		case "subject", "patient", "for", "beneficiary", "target":
			for n := range member.All("reference") {
				if n.Text() == patient.text {
					return true
				}
			}
		}
	}
	return false
}

// meets reports whether an Appointment is with the patient, with somebody of the patient, or about a
// resource of the patient.
func (k *Memory) meets(r *fhir.Resource, patient subject) bool {
	if r.Type() != "Appointment" {
		return false
	}
	for _, path := range [][]string{{"participant", "actor", "reference"}, {"supportingInformation", "reference"}} {
		for n := range r.Root().All(path...) {
			ref, ok := fhir.ParseRef(n.Text())
			to := k.get(ref)
			if ok && (ref.Current() == patient.ref || to != nil && names(to.Resource, patient)) {
				return true
			}
		}
	}
	return false
}
