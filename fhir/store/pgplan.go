package store

import (
	"hash/fnv"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// Names of what advisory locks stand for.
const (
	gateLock    = "gate"
	typeLock    = "type "
	nameLock    = "identifier "
	settingLock = "setting " // of one that a unit relies on: who writes it relies on it too
)

// maxLocks is how many of them a unit takes; one that needs more runs alone.
const maxLocks = 256

// lock returns the number of an advisory lock. Two names with one number only wait for each other.
func (w *pgWriter) lock(name string) int64 {
	h := fnv.New64a()
	h.Write([]byte(w.store + " " + name)) // never fails
	return int64(h.Sum64())
}

// plan is what a unit, or several that share a transaction, must lock and read.
type plan struct {
	locks          map[int64]bool // true: not with others
	own, read      []string       // compartments, in order
	writes, relied []fhir.Ref     // in order
	versions       int            // that are written

	sought, altered []fhir.Type // for pgGroup
}

func (w *pgWriter) plan(p *prepared) plan {
	out := plan{locks: map[int64]bool{}, own: p.owned(), versions: len(p.writes)}
	for i := range p.writes {
		out.write(w, p.writes[i].Write)
	}
	if p.Record != nil {
		out.locks[w.lock(nameLock+p.Record.Key)] = true
	}
	for i := range p.Relied {
		out.rely(w, &p.Relied[i])
	}
	out.order()
	return out
}

// owned are the compartments that a unit changes.
func (p *prepared) owned() []string {
	var own []string
	for i := range p.writes {
		own = append(own, p.writes[i].Compartments...)
	}
	for i := range p.audits {
		own = append(own, p.audits[i].Compartment)
	}
	for i := range p.Notices {
		own = append(own, p.Notices[i].Compartment)
	}
	for i := range p.Due {
		own = append(own, p.Due[i].Compartment)
	}
	if p.Record != nil {
		own = append(own, p.Record.Compartment)
	}
	return own
}

// order puts everything in the order in which it is locked.
func (l *plan) order() {
	slices.Sort(l.own)
	l.own = slices.Compact(l.own)
	slices.Sort(l.read)
	l.read = slices.DeleteFunc(slices.Compact(l.read), func(name string) bool {
		_, found := slices.BinarySearch(l.own, name)
		return found
	})
	l.writes, l.relied = ordered(l.writes), ordered(l.relied)
}

// joined is the plan of units that share a transaction.
func joined(plans []plan) plan {
	out := plan{locks: map[int64]bool{}}
	for _, p := range plans {
		for lock, whole := range p.locks {
			out.locks[lock] = out.locks[lock] || whole
		}
		out.own, out.read = append(out.own, p.own...), append(out.read, p.read...)
		out.writes, out.relied = append(out.writes, p.writes...), append(out.relied, p.relied...)
		out.versions += p.versions
	}
	out.order()
	return out
}

func (l *plan) write(w *pgWriter, one *exchange.Write) {
	l.writes = append(l.writes, one.Ref.Current())
	if one.Ref.Version > 1 && !slices.Contains(l.altered, one.Ref.Type) {
		l.altered = append(l.altered, one.Ref.Type)
	}
	l.share(w.lock(typeLock + string(one.Ref.Type)))
	for _, id := range one.Identifiers {
		l.share(w.lock(nameOf(one.Ref.Type, id)))
	}
}

func (l *plan) rely(w *pgWriter, r *exchange.Reliance) {
	if !r.Ref.IsZero() {
		l.relied = append(l.relied, r.Ref.Current())
	}
	if r.Compartment != "" {
		l.read = append(l.read, r.Compartment)
	}
	if r.Identified != nil {
		l.locks[w.lock(nameOf(r.Identified.Type, r.Identified.Identifier))] = true
		l.sought = append(l.sought, r.Identified.Type)
	}
	if r.Setting != nil {
		l.locks[w.lock(settingLock+r.Setting.Key)] = true
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
