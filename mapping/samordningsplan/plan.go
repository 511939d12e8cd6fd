package samordningsplan

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
)

// plan is a document as the rules and the mapping read it.
type plan struct {
	*form.Document
	root form.Value
	ids  map[string]entry // by local id: the first that bears it
}

// entry is an element with a local id.
type entry struct {
	list string // member of the document that it stands in
	at   form.Value
}

// listed are the lists whose elements bear local ids, unique over all of them.
var listed = []string{"foretradare", "samtycke", "aktorer", "kallelse", "mal", "insatser", "uppfoljningar", "ansvarig", "signaler"}

// readPlan reads the form of a document and the rules of the document alone.
func readPlan(doc *fhir.Resource) *plan {
	p := &plan{Document: form.Read(doc, dialect, table()), ids: map[string]entry{}}
	p.root = p.Root()
	if p.Large() {
		return p
	}
	p.identify()
	p.formRules()
	for _, rule := range rules() {
		rule(p)
	}
	return p
}

// clone returns a plan for one run of Map.
func (p *plan) clone() *plan {
	c := &plan{Document: p.Document.Clone(), ids: map[string]entry{}}
	c.root = c.Root()
	c.index(func(form.Value) {})
	return c
}

// identify indexes the local ids (SP-S04).
func (p *plan) identify() { p.index(func(twice form.Value) { p.Fail("SP-S04", twice) }) }

func (p *plan) index(twice func(form.Value)) {
	for _, name := range listed {
		for _, item := range p.root.At(name).Items() {
			id := item.At("id")
			if id.Str() == "" {
				continue
			}
			if _, known := p.ids[id.Str()]; known {
				twice(id)
				continue
			}
			p.ids[id.Str()] = entry{name, item}
		}
	}
}

// names reports whether a reference names an element of one of the lists, or the person.
func (p *plan) names(ref string, lists ...string) bool {
	if ref == thePerson {
		return slices.Contains(lists, thePerson)
	}
	return slices.Contains(lists, p.ids[ref].list)
}

// actor returns the aktör of a reference; an absent value when it names none.
func (p *plan) actor(ref string) form.Value {
	if !p.names(ref, "aktorer") {
		return p.root.At("aktorer").At("") // absent
	}
	return p.ids[ref].at
}

// status returns the status, "" when it is faulty; is reports whether it is one of some.
func (p *plan) status() string { return p.root.At("status").Str() }

func (p *plan) is(states ...string) bool { return slices.Contains(states, p.status()) }

// running reports whether the rules of content apply: a plan that is broken off or made void must never
// fail for its content.
func (p *plan) running() bool { return p.status() != "" && !p.is(broken, cancelled) }

// child reports whether the plan is a child's, other whether it is known to be of another type.
func (p *plan) child() bool { return p.root.At("planTyp").Str() == childPlan }

func (p *plan) other() bool { return p.root.At("planTyp").Str() != "" && !p.child() }

// today is the day by which the rules go: that of the last change.
func (p *plan) today() form.Day { return p.root.At("andrad").Date() }

// birth is the birth date of the person, "" when nothing tells it.
func (p *plan) birth() form.Day {
	person := p.root.At("person")
	if born := person.At("fodelsedatum"); born.Present() {
		return born.Day()
	}
	return birthOf(person.At("idTyp").Str(), person.At("id").Str())
}

// coordinator is the member that coordinates a plan of this type.
func (p *plan) coordinator() form.Value {
	if p.child() {
		return p.root.At("samverkansansvarig")
	}
	return p.root.At("samordnare")
}

// key is the key of the organisation of an aktör: its HSA-id, else its number and what it does.
func organisationKey(actor form.Value) string {
	if id := actor.At("hsaId").Str(); id != "" {
		return id
	}
	if number := actor.At("orgnr").Str(); number != "" {
		return number + "/" + strings.ToLower(actor.At("verksamhet").Str())
	}
	return ""
}

// excluded are the aktörer whom an exception of a consent that stands leaves out.
func (p *plan) excluded() map[string]bool {
	out := map[string]bool{}
	for _, consent := range p.root.At("samtycke").Items() {
		if consent.At("aterkallat").Present() {
			continue
		}
		for _, x := range consent.At("undantag").Items() {
			out[x.At("aktor").Str()] = true
		}
	}
	return out
}
