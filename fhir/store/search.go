package store

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// query is SQL text with its bound values, in order of appearance. Its conditions are about a head
// of one type: h, or behind so many hops h1, h2 and so on.
type query struct {
	sql   strings.Builder
	args  []any
	depth int
	comp  int64 // the only compartment of the head; 0: it may have others
	typ   fhir.Type
	world *reach
}

// reach is what the hops of a search may pass through.
type reach struct {
	own fhir.Type // the type searched
	f   *auth.Filter
}

// filter returns the filter of a type; what nobody compiled lets nothing pass.
func (r *reach) filter(t fhir.Type) auth.Filter {
	if one, ok := r.f.Via[t]; ok {
		return one
	}
	if t == r.own {
		return *r.f
	}
	return auth.Filter{None: true}
}

// behind returns an empty query about a head of a type, one hop further.
func (q *query) behind(typ fhir.Type) *query {
	return &query{typ: typ, depth: q.depth + 1, world: q.world}
}

// h is the name of the head that the conditions are about.
func (q *query) h() string {
	if q.depth == 0 {
		return `h`
	}
	return `h` + strconv.Itoa(q.depth)
}

func (q *query) add(sql string, args ...any) {
	q.sql.WriteString(sql)
	q.args = append(q.args, args...)
}

// Search implements exchange.Snapshot. The order is that of the plan's sort keys (absent values
// last) and then that in which the resources first came, which never changes.
func (s *snapshot) Search(p search.Plan, f auth.Filter) (exchange.Page, error) {
	const op = "store.Search"
	var page exchange.Page
	pos, err := parseCursor(p)
	if err != nil {
		return page, fhir.Wrap(op, err)
	}
	if err := s.planned(); err != nil {
		return page, fhir.Wrap(op, err)
	}
	best := ranking{plan: p}
	for _, part := range p.All() {
		one := p
		one.Type, one.Where = part.Type, part.Where
		total, err := s.part(&best, one, filterOf(p, &f, part.Type), pos)
		if err != nil {
			return exchange.Page{}, fhir.Wrap(op, err)
		}
		page.Total += total
	}
	err = best.fill(&page)
	return page, fhir.Wrap(op, err)
}

// filterOf returns the filter of a type that the plan searches.
func filterOf(p search.Plan, f *auth.Filter, t fhir.Type) *auth.Filter {
	if t == p.Type {
		return f
	}
	one, ok := f.Via[t]
	if !ok {
		one.None = true
	}
	one.Via = f.Via
	return &one
}

// part searches one type: it counts, and ranks the rows that a page from pos may hold.
func (s *snapshot) part(best *ranking, p search.Plan, f *auth.Filter, pos position) (int, error) {
	typ, err := s.lookup(string(p.Type))
	if err != nil {
		return 0, err
	}
	sel, ok, err := s.selection(typ, p, f)
	if err != nil || !ok {
		return 0, err
	}
	total := 0
	if p.Total || p.Count <= 0 {
		if total, err = s.count(sel); err != nil {
			return 0, err
		}
	}
	if p.Count <= 0 {
		return total, nil
	}
	where, err := s.reduce(sel, p, pos)
	if err != nil {
		return 0, err
	}
	return total, s.page(best, where, p, f, pos)
}

// page reads one page from pos, and one row more to know whether there is a next page.
func (s *snapshot) page(best *ranking, where *query, p search.Plan, f *auth.Filter, pos position) error {
	keys, err := s.sortKeys(p.Sort, f)
	if err != nil {
		return err
	}
	var q query
	q.add(`SELECT h.id,h.ver,h.at,h.filed,h.deleted,h.facts,v.dict,v.meta_at,v.body,h.rid`)
	for i := range keys {
		q.add(`,s` + strconv.Itoa(i))
	}
	q.add(` FROM (SELECT ` + s.c.distinct + `h.rid,h.id,h.ver,h.at,h.filed,h.deleted,h.facts,h.vrow`)
	for i, k := range keys {
		q.add(`,`+k.sql+` AS s`+strconv.Itoa(i), k.args...)
	}
	q.add(` FROM resource_head h WHERE `+where.sql.String(), where.args...)
	if len(keys) == 0 && pos.rid > 0 {
		q.add(` AND h.rid>?`, pos.rid)
	}
	q.add(s.c.grouped)
	if len(keys) == 0 {
		q.add(` ORDER BY h.rid LIMIT ?`, p.Count+1)
	}
	q.add(`) h CROSS JOIN resource_version v ON v.rowid=h.vrow`)
	if len(keys) > 0 {
		if pos.rid > 0 {
			q.add(` WHERE `)
			behind(&q, keys, pos)
		}
	}
	q.add(` ORDER BY `)
	for i, k := range keys {
		q.add(k.order(i))
	}
	q.add(`h.rid LIMIT ?`, p.Count+1)
	return s.rank(best, &q, p)
}

// rank runs a page's query.
func (s *snapshot) rank(best *ranking, q *query, p search.Plan) error {
	var rows []ranked
	err := s.c.each(s.ctx, func(scan func(...any) error) error {
		r := ranked{row: row{typ: p.Type}, at: position{keys: make([]any, len(p.Sort))}}
		dst := append(r.into(), &r.at.rid)
		for i := range r.at.keys {
			dst = append(dst, &r.at.keys[i])
		}
		if err := scan(dst...); err != nil {
			return err
		}
		rows = append(rows, r)
		return nil
	}, q.sql.String(), q.args...)
	best.add(rows)
	return err
}

// compartment returns the number of a compartment, 0 when it has none.
func (s *snapshot) compartment(name string) (int64, error) {
	var n int64
	_, err := s.c.one(`SELECT comp FROM epoch WHERE name=?`, args(name), &n)
	return n, err
}

// pin keeps the search within the compartments where its hits can be: those of the patients or ids
// that the plan names, or those that the filter lists. It reports whether the plan did.
func (s *snapshot) pin(q *query, typ int64, p search.Plan, f *auth.Filter) (bool, error) {
	for i := range p.Where {
		if ok, err := s.pinned(q, typ, &p.Where[i]); err != nil || ok {
			return ok, err
		}
	}
	if f.Directory || !f.Organization.IsZero() {
		return false, nil
	}
	var comps []int64
	for name := range f.Visible {
		n, err := s.compartment(name)
		if err != nil {
			return false, err
		}
		if n > 0 {
			comps = append(comps, n)
		}
	}
	inComps(q, comps)
	return false, nil
}

// inComps bounds h.comp. The number of compartments stays out of the text, so that the statement
// is prepared once; one compartment has a text of its own.
func inComps(q *query, comps []int64) {
	slices.Sort(comps)
	comps = slices.Compact(comps)
	if len(comps) == 1 {
		q.comp = comps[0]
		q.add(` AND h.comp=?`, q.comp)
		return
	}
	q.add(` AND h.comp IN (SELECT value FROM json_each(?))`, jsonInts(comps))
}

func jsonInts(v []int64) string { return `[` + strings.ReplaceAll(formatComps(v), " ", ",") + `]` }

// pinned adds the compartments, or the resources themselves, outside of which the clause cannot
// match; false when it does not say.
func (s *snapshot) pinned(q *query, typ int64, c *search.Clause) (bool, error) {
	if c.Param == idParam && c.Modifier == "" && !slices.ContainsFunc(c.Values, noLocalID) {
		return true, s.located(q, typ, c)
	}
	ids, ok, err := s.named(q, c)
	if err != nil || !ok {
		return false, err
	}
	comps, err := s.patientComps(typ, ids)
	inComps(q, comps)
	return true, err
}

// named returns the ids of the patients, or of what else may be a subject, that every match of the
// clause refers to; false when it does not say.
func (s *snapshot) named(q *query, c *search.Clause) ([]string, bool, error) {
	switch {
	case c.Any != nil:
		return s.namedByAny(q, c.Any)
	case c.Hops != nil:
		return s.hopTargets(q, c)
	case c.Kind != search.Reference || slices.Contains(loose[:], c.Modifier) || slices.ContainsFunc(c.Values, noLocalID):
		return nil, false, nil
	case !pinsPatient(c.Param) && slices.ContainsFunc(c.Values, noPatient):
		return nil, false, nil
	}
	ids := make([]string, len(c.Values))
	for i, v := range c.Values {
		ids[i] = v.Value
	}
	return ids, true, nil
}

func (s *snapshot) namedByAny(q *query, any []search.Clause) ([]string, bool, error) {
	var ids []string
	for i := range any {
		more, ok, err := s.named(q, &any[i])
		if err != nil || !ok {
			return nil, false, err
		}
		ids = append(ids, more...)
	}
	return ids, true, nil
}

// loose are the modifiers with which a clause also matches what its values do not name.
var loose = [...]string{"not", "missing", "identifier"}

// noLocalID reports whether a value can name something other than a local id.
func noLocalID(v search.Value) bool { return !fhir.ValidID(v.Value) }

// noPatient reports whether a value can name something other than a Patient.
func noPatient(v search.Value) bool { return v.AnySystem || v.System != patientType }

// patientType is the type whose compartments the file is laid out by.
const patientType = "Patient"

// located keeps a search to the resources that an _id clause names.
func (s *snapshot) located(q *query, typ int64, c *search.Clause) error {
	var comps, rids []int64
	for _, v := range c.Values {
		var rid int64
		var in string
		found, err := s.c.one(`SELECT rid,comps FROM locate WHERE type=? AND id=?`, args(typ, v.Value), &rid, &in)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		more, err := parseComps(in)
		if err != nil {
			return err
		}
		rids = append(rids, rid)
		comps = append(comps, more...)
	}
	inComps(q, comps)
	q.add(` AND h.rid IN (SELECT value FROM json_each(?))`, jsonInts(rids))
	return nil
}

// patientComps returns the compartments of patients, and those where a resource elsewhere refers to
// them.
func (s *snapshot) patientComps(typ int64, ids []string) ([]int64, error) {
	var comps []int64
	for _, id := range ids {
		n, err := s.compartment(id)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			comps = append(comps, n)
		}
		err = s.c.each(s.ctx, func(scan func(...any) error) error {
			comps = append(comps, 0)
			return scan(&comps[len(comps)-1])
		}, `SELECT DISTINCT comp FROM gidx WHERE type=? AND param=? AND sys=0 AND val=?`, typ, gidxStray, id)
		if err != nil {
			return nil, err
		}
	}
	return comps, nil
}

// global adds, for a clause on identifiers, the rows of gidx: the way in when the compartment is
// not known. The clause itself still decides.
func (s *snapshot) global(q *query, typ int64, c *search.Clause) error {
	if c.Param != identifierParam || c.Kind != search.Token || c.Modifier != "" || len(c.Values) > groupSize {
		return nil
	}
	if slices.ContainsFunc(c.Values, func(v search.Value) bool { return v.Value == "" }) {
		return nil
	}
	param, err := s.lookup(c.Param)
	if err != nil {
		return err
	}
	q.add(` AND ` + q.h() + `.rid IN (`)
	for i, v := range c.Values {
		if i > 0 {
			q.add(` UNION ALL `)
		}
		q.add(`SELECT rid FROM gidx WHERE type=? AND param=? AND val=?`, typ, param, s.c.key(v.Value))
		if v.AnySystem {
			continue
		}
		sys, err := s.lookup(v.System)
		if err != nil {
			return err
		}
		q.add(` AND sys=?`, sys)
	}
	q.add(`)`)
	return nil
}

var errCursor = errors.New("cursor is not one of this search")
