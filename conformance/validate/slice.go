package validate

import (
	"slices"
	"strings"
	"unicode"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// answer is yes, no, or that it cannot be said.
type answer int8

const (
	unknown answer = iota
	yes
	no
)

func answerOf(b bool) answer {
	if b {
		return yes
	}
	return no
}

// and is the conjunction of two answers.
func (a answer) and(b answer) answer {
	switch {
	case a == no || b == no:
		return no
	case a == unknown || b == unknown:
		return unknown
	}
	return yes
}

// placed is a value with the slice that it is in, nil for none.
type placed struct {
	item  path.Item
	slice *element
	order int        // of the slice
	maybe []*element // slices of which it cannot be said
}

// byURL is the slicing of extensions, which need not be written; byType is that of choices.
var (
	byURL  = &slicing{rules: "open", discriminators: []discriminator{newDiscriminator("value", "url")}}
	byType = &slicing{rules: "open", discriminators: []discriminator{newDiscriminator("type", "$this")}}
)

// slicingOf returns how the values of an element are told apart: its own slicing, that of a
// profile on the type, or that which R4 gives to extensions and choices.
func slicingOf(e *element, bases []*element) *slicing {
	if e.slicing != nil && len(e.slicing.discriminators) > 0 {
		return e.slicing
	}
	for _, b := range bases {
		if b.slicing != nil && len(b.slicing.discriminators) > 0 {
			return b.slicing
		}
	}
	switch {
	case e.name == "extension" || e.name == "modifierExtension":
		return byURL
	case strings.HasSuffix(e.name, "[x]"):
		return byType
	}
	return nil
}

// assign puts each value into its slice: the first that it is in for certain.
func (c *checker) assign(items []path.Item, e *element, bases []*element, s *slicing) []placed {
	out := make([]placed, len(items))
	for i, it := range items {
		out[i].item = it
		for order, slice := range e.slices {
			switch c.inSlice(it, slice, sliceIn(bases, slice.slice), s) {
			case yes:
				if out[i].slice == nil || strings.HasPrefix(slice.slice, out[i].slice.slice+"/") {
					out[i].slice, out[i].order = slice, order
				}
			case unknown:
				out[i].maybe = append(out[i].maybe, slice)
			}
		}
	}
	return out
}

// checkSlices checks how many values each slice has.
func (c *checker) checkSlices(holder fhir.Node, e *element, values []placed) {
	for _, slice := range e.slices {
		var items []path.Item
		maybe := 0
		for _, v := range values {
			switch {
			case v.slice != nil && (v.slice == slice || strings.HasPrefix(v.slice.slice, slice.slice+"/")):
				items = append(items, v.item)
			case v.slice == nil && slices.Contains(v.maybe, slice):
				maybe++
			}
		}
		c.count(holder, items, slice, maybe)
	}
}

// checkPlaces checks that values of no slice, and the slices among each other, are where the rules
// of the slicing let them be.
func (c *checker) checkPlaces(values []placed, s *slicing) {
	others, last := false, 0
	for _, v := range values {
		switch {
		case v.slice == nil && len(v.maybe) > 0: // it cannot be said where it belongs
		case v.slice == nil && s.rules == "closed":
			c.add(profileSlice, nodeOf(v.item), "The profile "+c.current.name+" has no slice for this value; remove it or complete it.")
		case v.slice == nil:
			others = true
		case others && s.rules == "openAtEnd":
			c.add(profileSlice, nodeOf(v.item), "The profile "+c.current.name+" wants values of its slices before others; put this one first.")
		case s.ordered && v.order < last:
			c.add(profileSlice, nodeOf(v.item), "The profile "+c.current.name+" wants its slices in order; put this value before the others.")
		default:
			last = v.order
		}
	}
}

// inSlice reports whether a value is in a slice: every discriminator must agree.
func (c *checker) inSlice(it path.Item, slice *element, bases []*element, s *slicing) answer {
	result := yes
	for _, d := range s.discriminators {
		if d.expression == nil {
			return unknown
		}
		found, err := d.expression.EvalItem(c.world(), it)
		if err != nil || len(found) == 0 && slices.Contains(d.steps, "resolve()") {
			return unknown // what is referred to is not here
		}
		where := c.locate(append([]*element{slice}, bases...), d.steps)
		if result = result.and(c.decide(d.kind, found, where, slice)); result == no {
			return no
		}
	}
	return result
}

// sliceType returns the R4 type that the name of a slice of a choice spells: valueQuantity.
func (e *element) sliceType() string {
	rest, ok := strings.CutPrefix(e.slice, plainName(e.name))
	if !ok || rest == "" {
		return ""
	}
	for _, name := range []string{rest, string(unicode.ToLower(rune(rest[0]))) + rest[1:]} {
		if r4.Lookup(name) != nil {
			return name
		}
	}
	return ""
}
