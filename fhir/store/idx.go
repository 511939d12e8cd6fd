package store

import (
	"strings"
	"sync"

	"github.com/drieluik/drieluik/fhir/search"
)

// idxRow is a search.Row with its texts interned.
type idxRow struct {
	param, sys int64
	row        *search.Row
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
		v[i] = idxRow{param, sys, &rows[i]}
	}
	return v, nil
}

// idxBatches are the numbers of rows that one statement inserts, largest first.
var idxBatches = [...]int{32, 16, 8, 4, 2, 1}

// idxColumns is the number of values of a row.
const idxColumns = 9

// groupBits is how far idx.n is shifted for the group of a row; below it rows are numbered.
const groupBits = "24"

// idxInserts returns the statements: number i inserts idxBatches[i] rows. Each row binds its
// compartment and resource again: SQLite looks for a numbered parameter by name, which takes longer.
var idxInserts = sync.OnceValue(func() (q [len(idxBatches)]string) {
	const row = `,(?,?,?,?,?,?,?,?,?)`
	for i, rows := range idxBatches {
		q[i] = `INSERT INTO idx(comp,rid,n,param,sys,val,low,high,text) VALUES` + strings.Repeat(row, rows)[1:]
	}
	return q
})

// insertIdx writes the rows of one resource in one compartment.
func (t *tx) insertIdx(comp, rid int64, rows []idxRow) error {
	if t.pg != nil {
		return t.pgIdx(comp, rid, rows)
	}
	values := make([]any, 0, idxColumns*min(len(rows), idxBatches[0]))
	inserts := idxInserts()
	n := 0
	for i, batch := range idxBatches {
		for len(rows)-n >= batch {
			values = values[:0]
			for j := range batch {
				values = appendIdx(append(values, comp, rid), n+j, &rows[n+j])
			}
			n += batch
			if err := t.c.exec(inserts[i], values...); err != nil {
				return err
			}
		}
	}
	return nil
}

func appendIdx(v []any, n int, r *idxRow) []any {
	var low, high, text any
	if r.bounded() {
		low, high = r.row.Low, r.row.High
	}
	if r.row.Text != "" {
		text = r.row.Text
	}
	return append(v, r.place(n), r.param, r.sys, r.row.Value, low, high, text)
}

// place is idx.n of row n of a resource.
func (r *idxRow) place(n int) int64 { return int64(r.row.Group)<<24 | int64(n) }

// bounded reports whether the row has Low and High.
func (r *idxRow) bounded() bool {
	return bounded(r.row.Kind) || r.row.Low != 0 || r.row.High != 0
}

// bounded reports whether rows of kind k have Low and High.
func bounded(k search.Kind) bool {
	return k == search.Date || k == search.Number || k == search.Quantity
}
