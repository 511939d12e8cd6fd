package store

import (
	"strings"

	"github.com/drieluik/drieluik/fhir/search"
)

// idxRow is a search.Row with its texts interned.
type idxRow struct {
	param, kind, sys int64
	row              *search.Row
}

func (t *tx) idxRows(rows []search.Row) ([]idxRow, error) {
	v := make([]idxRow, len(rows))
	for i := range rows {
		param, err := t.number(rows[i].Param)
		if err != nil {
			return nil, err
		}
		sys, err := t.number(rows[i].System)
		if err != nil {
			return nil, err
		}
		v[i] = idxRow{param, int64(rows[i].Kind), sys, &rows[i]}
	}
	return v, nil
}

// idxBatches are the numbers of rows that one statement inserts, largest first.
var idxBatches = [...]int{12, 4, 1}

// idxInsert[i] inserts idxBatches[i] rows.
var idxInsert = func() (q [len(idxBatches)]string) {
	for i, n := range idxBatches {
		q[i] = `INSERT INTO idx VALUES` + strings.Repeat(`,(?,?,?,?,?,?,?,?,?,?,?)`, n)[1:]
	}
	return q
}()

// insertIdx writes the rows of one resource in one compartment.
func (t *tx) insertIdx(comp, rid int64, rows []idxRow) error {
	values := make([]any, 0, 11*idxBatches[0])
	n := 0
	for i, batch := range idxBatches {
		for len(rows)-n >= batch {
			values = values[:0]
			for range batch {
				values = appendIdx(values, comp, rid, n, &rows[n])
				n++
			}
			if _, err := t.c.exec(idxInsert[i], values...); err != nil {
				return err
			}
		}
	}
	return nil
}

func appendIdx(v []any, comp, rid int64, n int, r *idxRow) []any {
	var low, high, text any
	if bounded(r.row.Kind) || r.row.Low != 0 || r.row.High != 0 {
		low, high = r.row.Low, r.row.High
	}
	if r.row.Text != "" {
		text = r.row.Text
	}
	return append(v, comp, rid, r.param, n, r.kind, r.sys, r.row.Value, low, high, text, r.row.Group)
}

// bounded reports whether rows of kind k have Low and High.
func bounded(k search.Kind) bool {
	return k == search.Date || k == search.Number || k == search.Quantity
}
