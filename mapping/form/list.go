package form

import (
	"maps"
	"slices"
)

// List is a closed list of codes.
type List struct {
	Name   string            // of its type in the JSON Schema
	System string            // canonical of its CodeSystem, "" without one
	Labels map[string]string // code → display, which may be ""
}

// Codes returns a list without labels.
func Codes(name, system string, codes ...string) List {
	out := List{Name: name, System: system, Labels: make(map[string]string, len(codes))}
	for _, c := range codes {
		out.Labels[c] = ""
	}
	return out
}

// Has reports whether the list has the code.
func (l List) Has(code string) bool { _, ok := l.Labels[code]; return ok }

// Sorted returns the codes in order.
func (l List) Sorted() []string { return slices.Sorted(maps.Keys(l.Labels)) }
