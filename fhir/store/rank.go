package store

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// ranked is a row with its place in the order of a plan.
type ranked struct {
	row
	at position
}

// ranking gathers the first rows of a plan over its types, and one more to know whether there is a
// next page.
type ranking struct {
	plan search.Plan
	rows []ranked
}

// add brings in the rows of one type, which are in order.
func (r *ranking) add(rows []ranked) {
	if r.rows == nil {
		r.rows = rows
		return
	}
	r.rows = append(r.rows, rows...)
	slices.SortFunc(r.rows, func(a, b ranked) int { return order(a.at, b.at, r.plan.Sort) })
	r.rows = r.rows[:min(len(r.rows), r.plan.Count+1)]
}

// order compares two places as the SQL of a page does: by the keys, absent values last, then by rid.
func order(a, b position, sorts []search.Sort) int {
	for i := range sorts {
		x, y := a.keys[i], b.keys[i]
		switch {
		case x == nil && y == nil:
			continue
		case x == nil:
			return 1
		case y == nil:
			return -1
		}
		c := compareKeys(x, y)
		if sorts[i].Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(a.rid, b.rid)
}

// compareKeys compares what SQLite gave for one key; a key has one type in all rows.
func compareKeys(x, y any) int {
	switch v := x.(type) {
	case string:
		if w, ok := y.(string); ok {
			return strings.Compare(v, w)
		}
	case int64:
		if w, ok := y.(int64); ok {
			return cmp.Compare(v, w)
		}
	case float64:
		if w, ok := y.(float64); ok {
			return cmp.Compare(v, w)
		}
	}
	return 0
}

// fill makes the page.
func (r *ranking) fill(page *exchange.Page) error {
	page.Matches = make([]exchange.Stored, 0, min(len(r.rows), r.plan.Count))
	for i := range r.rows {
		if i == r.plan.Count {
			var err error
			page.Next, err = r.rows[i-1].at.format(r.plan)
			return err
		}
		st, err := r.rows[i].stored()
		if err != nil {
			return err
		}
		page.Matches = append(page.Matches, st)
	}
	return nil
}
