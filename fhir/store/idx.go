package store

import (
	"fmt"
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
var idxBatches = [...]int{16, 8, 4, 2, 1}

// idxColumns is the number of values that each row brings; compartment and resource are bound once.
const idxColumns = 7

// groupBits is how far idx.n is shifted for the group of a row; below it rows are numbered.
const groupBits = "24"

// idxInserts returns the statements: number i inserts idxBatches[i] rows.
var idxInserts = sync.OnceValue(func() (q [len(idxBatches)]string) {
	for i, rows := range idxBatches {
		var b strings.Builder
		b.WriteString(`INSERT INTO idx(comp,rid,n,param,sys,val,low,high,text) VALUES`)
		for r := range rows {
			if r > 0 {
				b.WriteByte(',')
			}
			p := 3 + r*idxColumns
			fmt.Fprintf(&b, `(?1,?2,?%d,?%d,?%d,?%d,?%d,?%d,?%d)`, p, p+1, p+2, p+3, p+4, p+5, p+6)
		}
		q[i] = b.String()
	}
	return q
})

// insertIdx writes the rows of one resource in one compartment.
func (t *tx) insertIdx(comp, rid int64, rows []idxRow) error {
	values := make([]any, 0, 2+idxColumns*idxBatches[0])
	inserts := idxInserts()
	n := 0
	for i, batch := range idxBatches {
		for len(rows)-n >= batch {
			values = append(values[:0], comp, rid)
			for j := range batch {
				values = appendIdx(values, n+j, &rows[n+j])
			}
			n += batch
			if _, err := t.c.exec(inserts[i], values...); err != nil {
				return err
			}
		}
	}
	return nil
}

func appendIdx(v []any, n int, r *idxRow) []any {
	var low, high, text any
	if bounded(r.row.Kind) || r.row.Low != 0 || r.row.High != 0 {
		low, high = r.row.Low, r.row.High
	}
	if r.row.Text != "" {
		text = r.row.Text
	}
	return append(v, int64(r.row.Group)<<24|int64(n), r.param, r.sys, r.row.Value, low, high, text)
}

// bounded reports whether rows of kind k have Low and High.
func bounded(k search.Kind) bool {
	return k == search.Date || k == search.Number || k == search.Quantity
}
