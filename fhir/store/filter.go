package store

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// selection is a plan under a filter: the heads h that meet where and one of the arms. Each arm has
// an index that yields its rows in order of rid, so that a page costs no more than it holds.
type selection struct {
	typ   int64
	where *query
	arms  []*query
}

// selection compiles a plan and a filter; false when nothing can match.
func (s *snapshot) selection(typ int64, p search.Plan, f *auth.Filter) (*selection, bool, error) {
	return s.selected(&query{typ: p.Type, world: &reach{p.Type, f}}, typ, p, f)
}

// selected writes a selection to q.
func (s *snapshot) selected(q *query, typ int64, p search.Plan, f *auth.Filter) (*selection, bool, error) {
	if typ < 0 || f.None {
		return nil, false, nil
	}
	q.add(`h.type=? AND h.deleted=FALSE`, typ)
	near, err := s.pin(q, typ, p, f)
	if err != nil {
		return nil, false, err
	}
	pinned := near
	apart := len(p.Where) > maxJoined
	for i := range p.Where {
		q.add(` AND `)
		if apart {
			q.add(`+(`)
		}
		if err := s.clause(q, &p.Where[i]); err != nil {
			return nil, false, err
		}
		if apart {
			q.add(`)`)
		}
		if pinned { // one way in is enough, and each more doubles what the planner weighs
			continue
		}
		before := q.sql.Len()
		if err := s.global(q, typ, &p.Where[i]); err != nil {
			return nil, false, err
		}
		pinned = q.sql.Len() > before
	}
	if err := s.limits(q, f); err != nil {
		return nil, false, err
	}
	if len(q.args) > maxArgs || q.sql.Len() > maxText {
		return nil, false, tooLarge()
	}
	arms, err := s.arms(q, typ, f)
	if near && len(arms) > 1 {
		arms = []*query{join(arms, `(`, ` OR `, `)`)}
	}
	return &selection{typ, q, arms}, len(arms) > 0, err
}

// maxJoined is how many conditions SQLite may turn into joins: the time it takes to order them grows
// faster than their number. Behind a plus a condition stays a look at each row.
const maxJoined = 4

// Bounds of one statement, a third of what SQLite takes: a count has a copy for each arm.
const (
	maxArgs = 10_000
	maxText = 300_000 // bytes
)

// tooLarge refuses a search whose chains multiply its values beyond what can be run.
func tooLarge() error {
	return fhir.Errorf(fhir.BadRequest, "store.selection", "too-costly", "SEARCH-TOO-LARGE",
		"The search is too large: with its chains it compares more than %d values. Use fewer values, or fewer steps.", maxArgs)
}

// arms returns the ways in which the filter lets a row pass: by its type, as own record, or listed.
func (s *snapshot) arms(about *query, typ int64, f *auth.Filter) ([]*query, error) {
	h := about.h()
	if f.Directory {
		all := &query{}
		all.add(`TRUE`)
		return []*query{all}, nil
	}
	var arms []*query
	if !f.Organization.IsZero() {
		org, err := s.lookup(f.Organization.Current().String())
		if err != nil {
			return nil, err
		}
		if org > 0 {
			cust, author := &query{}, &query{}
			cust.add(`(`+h+`.cust=? AND `+h+`.cust>0)`, org)
			author.add(`(`+h+`.author=? AND `+h+`.author>0)`, org)
			arms = append(arms, cust, author)
		}
	}
	listed, err := s.listed(about, typ, f)
	if listed != nil {
		arms = append(arms, listed)
	}
	return arms, err
}

// listed lets pass what Filter.Visible lists; nil when that is nothing. Of the one compartment that the
// search is pinned to, the rows are known by their ids.
func (s *snapshot) listed(about *query, typ int64, f *auth.Filter) (*query, error) {
	visible, err := s.visible(f)
	if err != nil || len(visible) == 0 {
		return nil, err
	}
	q := &query{}
	if ids, ok := visible[strconv.FormatInt(about.comp, 10)]; ok && len(visible) == 1 {
		b, err := json.Marshal(ids)
		q.add(about.h()+`.id IN (SELECT j.value FROM json_each(?) j)`, string(b))
		return q, err
	}
	b, err := json.Marshal(visible)
	q.add(about.h()+`.rid IN (`+visibleRows+`)`, string(b), typ)
	return q, err
}

// limits adds what the filter demands of every row: its patient, and the granular scopes.
func (s *snapshot) limits(q *query, f *auth.Filter) error {
	if !f.Patient.IsZero() {
		q.add(` AND `+q.h()+`.pat=?`, f.Patient.Current().String())
	}
	if f.Scopes == nil {
		return nil
	}
	q.add(` AND (FALSE`)
	for _, all := range f.Scopes {
		q.add(` OR (TRUE`)
		for i := range all {
			q.add(` AND `)
			if err := s.clause(q, &all[i]); err != nil {
				return err
			}
		}
		q.add(`)`)
	}
	q.add(`)`)
	return nil
}

// join writes queries one after the other.
func join(parts []*query, open, between, end string) *query {
	q := &query{}
	q.add(open)
	for i, p := range parts {
		if i > 0 {
			q.add(between)
		}
		q.add(p.sql.String(), p.args...)
	}
	q.add(end)
	return q
}

// rids returns the query for the numbers of one arm's resources.
func (sel *selection) rids(arm *query) *query {
	return join([]*query{sel.where, arm}, `SELECT h.rid FROM resource_head h WHERE `, ` AND `, ``)
}

// count counts the resources of a selection, each once.
func (s *snapshot) count(sel *selection) (int, error) {
	selects := make([]*query, len(sel.arms))
	for i, arm := range sel.arms {
		selects[i] = sel.rids(arm)
	}
	q := join(selects, `SELECT count(DISTINCT rid) FROM (`, ` UNION ALL `, `) t`)
	var n int
	err := s.c.each(s.ctx, func(scan func(...any) error) error { return scan(&n) }, q.sql.String(), q.args...)
	return n, err
}

// reduce brings a selection down to one condition: its only arm's; for a page without sort keys the next
// resources of all arms together; and with sort keys, which need them all, the arms' union.
func (s *snapshot) reduce(sel *selection, p search.Plan, pos position) (*query, error) {
	if len(sel.arms) == 1 {
		return join([]*query{sel.where, sel.arms[0]}, ``, ` AND `, ``), nil
	}
	selects := make([]*query, len(sel.arms))
	for i, arm := range sel.arms {
		selects[i] = sel.rids(arm)
	}
	if len(p.Sort) > 0 {
		union := join(selects, ` AND h.rid IN (`, ` UNION ALL `, `)`)
		typ := &query{}
		typ.add(`h.type=?`, sel.typ)
		return join([]*query{typ, union}, ``, ``, ``), nil
	}
	var next []int64
	for _, q := range selects {
		q.add(` AND h.rid>? GROUP BY h.rid ORDER BY h.rid LIMIT ?`, pos.rid, p.Count+1)
		err := s.c.each(s.ctx, func(scan func(...any) error) error {
			next = append(next, 0)
			return scan(&next[len(next)-1])
		}, q.sql.String(), q.args...)
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(next)
	next = slices.Compact(next)
	q := &query{}
	q.add(`h.type=? AND h.rid IN (SELECT value FROM json_each(?))`, sel.typ, jsonInts(next[:min(len(next), p.Count+1)]))
	return q, nil
}

// visibleRows selects what Filter.Visible lists, in whichever of its compartments a row is met.
const visibleRows = `SELECT l.rid FROM json_each(?) c CROSS JOIN json_each(c.value) i
	CROSS JOIN locate l ON l.type=? AND l.id=i.value WHERE instr(' '||l.comps||' ',' '||c.key||' ')`

// visible returns Filter.Visible by compartment number.
func (s *snapshot) visible(f *auth.Filter) (map[string][]string, error) {
	by := make(map[string][]string, len(f.Visible))
	for name, ids := range f.Visible {
		if len(ids) == 0 {
			continue
		}
		n, err := s.compartment(name)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			by[strconv.FormatInt(n, 10)] = ids
		}
	}
	return by, nil
}
