package netwerk

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
)

// document is a source document with its members by id.
type document struct {
	*form.Document
	members map[string]form.Value // of leden; of two with one id the first
}

// newDocument gathers the members of what was read.
func newDocument(d *form.Document) *document {
	out := &document{Document: d, members: map[string]form.Value{}}
	for _, l := range d.Root().At("leden").Items() {
		id := l.At("id").Node()
		if _, twice := out.members[id.Text()]; id.Shape() == fhir.String && !twice {
			out.members[id.Text()] = l
		}
	}
	return out
}

// at returns a member of the document.
func (d *document) at(name string) form.Value { return d.Root().At(name) }

// Kinds of members: persons, and organisations.
var (
	persons       = []string{"familie", "vriend", "buur", "vrijwilliger", "lotgenoot"}
	organisations = []string{"professional", "organisatie"}
)

func isPerson(l form.Value) bool       { return slices.Contains(persons, l.At("soort").Str()) }
func isOrganisation(l form.Value) bool { return slices.Contains(organisations, l.At("soort").Str()) }

// approachable reports whether a member may be approached, and whether that can be told.
func approachable(l form.Value) (may, known bool) {
	if isOrganisation(l) {
		return true, true
	}
	asked := l.At("toestemming").At("benaderen")
	return asked.Yes(), isPerson(l) && asked.Sound()
}

// withdrawn reports whether the record says that a member took consent back.
func withdrawn(l form.Value) bool { return l.At("toestemming").At("ingetrokken").Sound() }

// States of an agreement.
var (
	live = []string{"voorgesteld", "geaccepteerd", "loopt"}
	held = []string{"geaccepteerd", "loopt"}
)

// tense are the strengths that not everybody sees.
var tense = []string{"gespannen", "verbroken"}
