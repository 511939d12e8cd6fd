package ecomap

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// Sight is how much of a network a reader sees (network.md 5).
type Sight uint8

// Sights. The zero Sight is the narrowest.
const (
	Nothing Sight = iota
	Self          // a member: itself alone
	Outside       // an organisation: nothing tense, no circle and no direction in words
	Parent        // who has authority: all but what is tense, where no parent drew it up
	Whole         // the child, the supporter, and who keeps the record
)

// View is what one reader sees.
type View struct {
	Sight Sight
	Self  fhir.Ref // the member itself
}

// tense are the strengths that not everybody sees; calm is drawn in their place.
var tense = []string{"gespannen", "verbroken"}

const calm = "zwak"

// For returns what the reader sees of the network. Everybody stands where they stand for the child,
// so that nothing can be read from a shift; a member sees itself alone.
func (n Network) For(v View) Network {
	if v.Sight == Whole || v.Sight == Parent && n.ByParent {
		return n
	}
	out := n
	out.Ties = nil
	out.Members = make([]Member, 0, len(n.Members))
	for _, m := range n.Members {
		if v.Sight == Nothing || v.Sight == Self && m.Ref != v.Self {
			continue
		}
		if slices.Contains(tense, m.Strength) {
			m.Strength = calm
		}
		if v.Sight == Outside {
			m.Direction, m.untold, m.Load = "", true, 0
		}
		out.Members = append(out.Members, m)
	}
	return out
}
