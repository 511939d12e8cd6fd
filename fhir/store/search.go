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

// query is SQL text with its bound values, in order of appearance.
type query struct {
	sql  strings.Builder
	args []any
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
	typ, err := s.lookup(string(p.Type))
	if err != nil {
		return page, fhir.Wrap(op, err)
	}
	pos, err := parseCursor(p)
	if err != nil {
		return page, fhir.Wrap(op, err)
	}
	sel, ok, err := s.selection(typ, p, f)
	if err != nil || !ok {
		return page, fhir.Wrap(op, err)
	}
	if p.Total || p.Count <= 0 {
		if page.Total, err = s.count(sel); err != nil {
			return page, fhir.Wrap(op, err)
		}
	}
	if p.Count <= 0 {
		return page, nil
	}
	where, err := s.reduce(sel, p, pos)
	if err != nil {
		return page, fhir.Wrap(op, err)
	}
	if err := s.page(&page, where, p, pos); err != nil {
		return exchange.Page{}, fhir.Wrap(op, err)
	}
	return page, nil
}

// page reads one page from pos, and one row more to know whether there is a next page.
func (s *snapshot) page(page *exchange.Page, where *query, p search.Plan, pos position) error {
	keys, err := s.sortKeys(p.Sort)
	if err != nil {
		return err
	}
	var q query
	q.add(`SELECT h.id,h.ver,h.at,h.filed,h.deleted,h.facts,v.dict,v.meta_at,v.body,h.rid`)
	for i := range keys {
		q.add(`,s` + strconv.Itoa(i))
	}
	q.add(` FROM (SELECT h.rid,h.id,h.ver,h.at,h.filed,h.deleted,h.facts,h.vrow`)
	for i, k := range keys {
		q.add(`,`+k.sql+` AS s`+strconv.Itoa(i), k.args...)
	}
	q.add(` FROM resource_head h WHERE `+where.sql.String(), where.args...)
	if len(keys) == 0 && pos.rid > 0 {
		q.add(` AND h.rid>?`, pos.rid)
	}
	q.add(` GROUP BY h.rid`)
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
	return s.fill(page, &q, p, len(keys))
}

// fill runs a page's query.
func (s *snapshot) fill(page *exchange.Page, q *query, p search.Plan, keys int) error {
	var last position
	return s.c.each(s.ctx, func(scan func(...any) error) error {
		if len(page.Matches) == p.Count {
			var err error
			page.Next, err = last.format(p)
			return err
		}
		r := row{typ: p.Type}
		last = position{keys: make([]any, keys)}
		dst := append(r.into(), &last.rid)
		for i := range last.keys {
			dst = append(dst, &last.keys[i])
		}
		if err := scan(dst...); err != nil {
			return err
		}
		st, err := r.stored()
		page.Matches = append(page.Matches, st)
		return err
	}, q.sql.String(), q.args...)
}

// compartment returns the number of a compartment, 0 when it has none.
func (s *snapshot) compartment(name string) (int64, error) {
	var n int64
	_, err := s.c.one(`SELECT comp FROM epoch WHERE name=?`, args(name), &n)
	return n, err
}

// pin keeps the search within the compartments where its hits can be: those of the patients or ids
// that the plan names, or those that the filter lists. It reports whether the plan did.
func (s *snapshot) pin(q *query, typ int64, p search.Plan, f auth.Filter) (bool, error) {
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
		q.add(` AND h.comp=?`, comps[0])
		return
	}
	q.add(` AND h.comp IN (SELECT value FROM json_each(?))`, jsonInts(comps))
}

func jsonInts(v []int64) string { return `[` + strings.ReplaceAll(formatComps(v), " ", ",") + `]` }

// pinned adds the compartments, or the resources themselves, outside of which the clause cannot
// match; false when it does not say.
func (s *snapshot) pinned(q *query, typ int64, c *search.Clause) (bool, error) {
	if slices.Contains(loose[:], c.Modifier) || slices.ContainsFunc(c.Values, noLocalID) {
		return false, nil
	}
	switch {
	case c.Param == idParam:
		return true, s.located(q, typ, c)
	case c.Kind == search.Reference && pinsPatient(c.Param):
		comps, err := s.patientComps(typ, c)
		inComps(q, comps)
		return true, err
	}
	return false, nil
}

// loose are the modifiers with which a clause also matches what its values do not name.
var loose = [...]string{"not", "missing", "identifier"}

// noLocalID reports whether a value can name something other than a local id.
func noLocalID(v search.Value) bool { return !fhir.ValidID(v.Value) }

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

// patientComps returns the compartments of the patients that a clause names, and those where a
// resource elsewhere refers to them.
func (s *snapshot) patientComps(typ int64, c *search.Clause) ([]int64, error) {
	var comps []int64
	for _, v := range c.Values {
		n, err := s.compartment(v.Value)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			comps = append(comps, n)
		}
		err = s.c.each(s.ctx, func(scan func(...any) error) error {
			comps = append(comps, 0)
			return scan(&comps[len(comps)-1])
		}, `SELECT DISTINCT comp FROM gidx WHERE type=? AND param=? AND sys=0 AND val=?`, typ, gidxStray, v.Value)
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
	q.add(` AND h.rid IN (`)
	for i, v := range c.Values {
		if i > 0 {
			q.add(` UNION ALL `)
		}
		q.add(`SELECT rid FROM gidx WHERE type=? AND param=? AND val=?`, typ, param, v.Value)
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
