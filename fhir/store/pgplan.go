package store

import (
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// Names of what advisory locks stand for.
const (
	gateLock = "gate"
	typeLock = "type "
	nameLock = "identifier "
)

// maxLocks is how many of them a unit takes; one that needs more runs alone.
const maxLocks = 256

// lock returns the number of an advisory lock. Two names with one number only wait for each other.
func (w *pgWriter) lock(name string) int64 {
	h := fnv.New64a()
	h.Write([]byte(w.store + " " + name)) // never fails
	return int64(h.Sum64())
}

// plan is what a unit must lock and read.
type plan struct {
	locks          map[int64]bool // true: not with others
	own, read      []string       // compartments, in order
	writes, relied []fhir.Ref
}

func (w *pgWriter) plan(p *prepared) plan {
	out := plan{locks: map[int64]bool{}}
	own := map[string]bool{}
	for i := range p.writes {
		out.write(w, p.writes[i].Write, own)
	}
	for i := range p.audits {
		own[p.audits[i].Compartment] = true
	}
	for _, n := range p.Notices {
		own[n.Compartment] = true
	}
	for _, d := range p.Due {
		own[d.Compartment] = true
	}
	if p.Record != nil {
		own[p.Record.Compartment] = true
		out.locks[w.lock(nameLock+p.Record.Key)] = true
	}
	read := map[string]bool{}
	for i := range p.Relied {
		out.rely(w, &p.Relied[i], read)
	}
	maps.DeleteFunc(read, func(name string, _ bool) bool { return own[name] })
	out.own, out.read = slices.Sorted(maps.Keys(own)), slices.Sorted(maps.Keys(read))
	out.writes, out.relied = ordered(out.writes), ordered(out.relied)
	return out
}

func (l *plan) write(w *pgWriter, one *exchange.Write, own map[string]bool) {
	l.writes = append(l.writes, one.Ref.Current())
	for _, name := range one.Compartments {
		own[name] = true
	}
	l.share(w.lock(typeLock + string(one.Ref.Type)))
	for _, id := range one.Identifiers {
		l.share(w.lock(nameOf(one.Ref.Type, id)))
	}
}

func (l *plan) rely(w *pgWriter, r *exchange.Reliance, read map[string]bool) {
	if !r.Ref.IsZero() {
		l.relied = append(l.relied, r.Ref.Current())
	}
	if r.Compartment != "" {
		read[r.Compartment] = true
	}
	if r.Identified != nil {
		l.locks[w.lock(nameOf(r.Identified.Type, r.Identified.Identifier))] = true
	}
	if r.Sought != nil {
		for t := range soughtTypes(&r.Sought.Plan) {
			l.locks[w.lock(typeLock+string(t))] = true
		}
	}
}

func (l *plan) share(lock int64) {
	if _, ok := l.locks[lock]; !ok {
		l.locks[lock] = false
	}
}

func nameOf(t fhir.Type, id fhir.Identifier) string {
	return nameLock + string(t) + " " + id.System + "|" + id.Value
}

// soughtTypes are the types whose resources decide what a search finds.
func soughtTypes(p *search.Plan) map[fhir.Type]bool {
	types := map[fhir.Type]bool{}
	for _, part := range p.All() {
		types[part.Type] = true
		passed(types, part.Where)
	}
	return types
}

// passed adds the types behind the hops of clauses.
func passed(types map[fhir.Type]bool, clauses []search.Clause) {
	for i := range clauses {
		passed(types, clauses[i].Any)
		for _, hop := range clauses[i].Hops {
			types[hop.Type] = true
			passed(types, []search.Clause{hop.Where})
		}
	}
}

func ordered(refs []fhir.Ref) []fhir.Ref {
	slices.SortFunc(refs, func(a, b fhir.Ref) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(refs)
}
