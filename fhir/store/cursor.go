package store

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash/fnv"
	"strconv"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// position is where a page ended: the sort keys of its last row, and its rid.
type position struct {
	rid  int64
	keys []any // string, float64, int64 or nil
}

// format writes a position as a cursor for the same plan.
func (p position) format(plan search.Plan) (string, error) {
	b, err := json.Marshal(append([]any{subject(plan), p.rid}, p.keys...))
	return base64.RawURLEncoding.EncodeToString(b), err
}

// subject tells the types of one plan from those of another.
func subject(plan search.Plan) string {
	if plan.Type != "" {
		return string(plan.Type)
	}
	h := fnv.New64a()
	for _, part := range plan.Parts {
		h.Write([]byte(part.Type + ","))
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// parseCursor reads the position of a plan; a zero one for the first page.
func parseCursor(p search.Plan) (position, error) {
	if p.Cursor == "" {
		return position{}, nil
	}
	bad := &fhir.Error{Kind: fhir.BadRequest, Op: "store.cursor", Err: errCursor, Issues: []fhir.Issue{{
		Severity: fhir.SeverityError, Code: "value", Diagnostics: "cursor",
		Text: "This page link does not belong to this search. Start again at the first page.",
	}}}
	b, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return position{}, bad
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v []any
	if err := d.Decode(&v); err != nil || len(v) != 2+len(p.Sort) || v[0] != subject(p) {
		return position{}, bad
	}
	n, ok := v[1].(json.Number)
	if !ok {
		return position{}, bad
	}
	pos := position{keys: v[2:]}
	if pos.rid, err = n.Int64(); err != nil || pos.rid < 1 {
		return position{}, bad
	}
	for i := range pos.keys {
		if pos.keys[i], err = cursorKey(pos.keys[i]); err != nil {
			return position{}, bad
		}
	}
	return pos, nil
}

// cursorKey gives a key the type that SQL compares.
func cursorKey(k any) (any, error) {
	switch v := k.(type) {
	case nil, string:
		return v, nil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		return strconv.ParseFloat(v.String(), 64)
	}
	return nil, errors.New("not a sort key")
}

// sortKey is one key of the order as an expression on head h.
type sortKey struct {
	sql  string
	args []any
	desc bool
}

// order is the key's part of ORDER BY: absent values last.
func (k sortKey) order(i int) string {
	s := `s` + strconv.Itoa(i)
	if k.desc {
		return s + ` IS NULL,` + s + ` DESC,`
	}
	return s + ` IS NULL,` + s + `,`
}

// sortColumns are the columns of idx that a kind is ordered by. A token without a code has no place.
var sortColumns = map[search.Kind]string{
	search.Date: "i.low", search.Number: "i.low", search.Quantity: "i.low",
	search.String: "nullif(i.val,'')", search.Token: "nullif(i.val,'')", search.Reference: "nullif(i.val,'')",
	search.URI: "nullif(i.val,'')",
}

// sortKeys compiles an order: of several values the least counts, or the greatest when descending.
// What is withheld of a row has no value.
func (s *snapshot) sortKeys(sorts []search.Sort, f *auth.Filter) ([]sortKey, error) {
	keys := make([]sortKey, len(sorts))
	for i, o := range sorts {
		keys[i].desc = o.Desc
		if o.Param == idParam {
			keys[i].sql = `h.id`
			continue
		}
		if o.Param == updatedParam {
			keys[i].sql = `h.at`
			continue
		}
		var err error
		if keys[i], err = s.valueKey(o, f.Unsorted[o.Param]); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// valueKey compiles an order by the values of a parameter, which some resources do not show.
func (s *snapshot) valueKey(o search.Sort, hidden []string) (sortKey, error) {
	column, ok := sortColumns[o.Kind]
	if !ok {
		return sortKey{}, errors.New("this kind of parameter has no order")
	}
	param, err := s.lookup(o.Param)
	if err != nil {
		return sortKey{}, err
	}
	end := `min`
	if o.Desc {
		end = `max`
		if column == "i.low" {
			column = "i.high"
		}
	}
	var q query
	value := `(SELECT ` + end + `(` + column + `) FROM idx i WHERE i.comp=h.comp AND i.rid=h.rid AND i.param=?)`
	if len(hidden) > 0 {
		q.add(`CASE WHEN `)
		if err := except(&q, `h`, hidden); err != nil {
			return sortKey{}, err
		}
		value = ` THEN ` + value + ` END`
	}
	q.add(value, param)
	return sortKey{sql: q.sql.String(), args: q.args, desc: o.Desc}, nil
}

// behind adds the condition that a row comes behind pos in the order of keys and rid.
func behind(q *query, keys []sortKey, pos position) {
	for i, k := range keys {
		s := `s` + strconv.Itoa(i)
		v := pos.keys[i]
		beyond := s + `>?`
		if k.desc {
			beyond = s + `<?`
		}
		if v == nil { // only absent values are left
			q.add(`(` + s + ` IS NULL AND `)
			continue
		}
		q.add(`(`+s+` IS NULL OR `+beyond+` OR `+s+`=? AND `, v, v)
	}
	q.add(`h.rid>?`, pos.rid)
	for range keys {
		q.add(`)`)
	}
}
