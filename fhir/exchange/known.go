package exchange

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// known is the mapping.Known of one snapshot. It remembers every answer as relied on.
type known struct {
	v      Lookups
	relied []Reliance
	absent map[fhir.Ref]bool // what Read did not find, and was not deleted either
}

// Read implements mapping.Known.
func (k *known) Read(ref fhir.Ref) (*mapping.Found, error) {
	st, err := k.v.Read(ref.Current())
	if missing(err) {
		k.relied = append(k.relied, Reliance{Ref: fhir.Ref{Type: ref.Type, ID: ref.ID, Version: st.Ref.Version}})
		if fhir.KindOf(err) != fhir.Gone {
			k.miss(ref.Current())
		}
		return nil, nil
	}
	if err != nil {
		return nil, fhir.Wrap("exchange.known", err)
	}
	k.relied = append(k.relied, Reliance{Ref: st.Ref})
	return found(st)
}

func (k *known) miss(ref fhir.Ref) {
	if k.absent == nil {
		k.absent = map[fhir.Ref]bool{}
	}
	k.absent[ref] = true
}

// Identified implements mapping.Known.
func (k *known) Identified(t fhir.Type, id fhir.Identifier) ([]*mapping.Found, error) {
	var all []Stored
	for _, same := range mapping.Aliases(id) {
		stored, err := k.v.Identified(t, same)
		if err != nil {
			return nil, fhir.Wrap("exchange.known", err)
		}
		ids := make([]string, len(stored))
		for i, st := range stored {
			ids[i] = st.Ref.ID
		}
		slices.Sort(ids)
		k.relied = append(k.relied, Reliance{Identified: &Identified{Type: t, Identifier: same, IDs: ids}})
		all = append(all, slices.DeleteFunc(stored, func(st Stored) bool {
			return slices.ContainsFunc(all, func(x Stored) bool { return x.Ref == st.Ref })
		})...)
	}
	return foundAll(all)
}

// Child implements mapping.Known.
func (k *known) Child(patient fhir.Ref, types ...fhir.Type) ([]*mapping.Found, error) {
	stored, state, err := k.v.Compartment(patient.ID, types...)
	if err != nil {
		return nil, fhir.Wrap("exchange.known", err)
	}
	k.relied = append(k.relied, Reliance{Compartment: patient.ID, State: state})
	return foundAll(stored)
}

// Stored implements mapping.Known.
func (k *known) Stored(record string) ([]int, error) {
	versions, err := k.v.Record(record)
	if err != nil {
		return nil, fhir.Wrap("exchange.known", err)
	}
	out := make([]int, len(versions))
	for i, v := range versions {
		out[i] = v.Version
	}
	return out, nil
}

func found(st Stored) (*mapping.Found, error) {
	r, err := tree(st)
	if err != nil {
		return nil, err
	}
	return &mapping.Found{
		Resource: r, Version: st.Ref.Version, Updated: st.Updated,
		Custodian: st.Facts.Custodian, Author: st.Facts.Author,
	}, nil
}

func foundAll(stored []Stored) ([]*mapping.Found, error) {
	out := make([]*mapping.Found, 0, len(stored))
	for _, st := range stored {
		f, err := found(st)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}
