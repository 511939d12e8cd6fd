package fhir

import (
	"sync"
	"unique"

	"github.com/drieluik/drieluik/fhir/r4"
)

// types maps the name of each concrete R4 resource type to itself, so that a parsed tree shares one
// copy of it.
var types = sync.OnceValue(func() map[string]Type {
	m := make(map[string]Type)
	for _, name := range r4.Resources() {
		m[name] = Type(name)
	}
	return m
})

// ParseType returns the R4 resource type of that name.
func ParseType(name string) (Type, bool) {
	t, ok := types()[name]
	return t, ok
}

// Types returns all R4 resource types in alphabetical order, abstract ones left out.
func Types() []Type {
	names := r4.Resources()
	out := make([]Type, len(names))
	for i, name := range names {
		out[i] = Type(name)
	}
	return out
}

// Interned returns a text that does not hold the whole resource in memory in which it stands: what is kept for long
// is made of such texts.
func Interned(text string) string { return unique.Make(text).Value() }
