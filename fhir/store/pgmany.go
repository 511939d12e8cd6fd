package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// many is a statement on one row, and how PostgreSQL runs it on many rows at once.
type many struct {
	one     string // as the rest of the package writes it
	columns string // types of its values: i integer, f number, s text, b bytes, o boolean
	all     string // with {rows} for a table u of columns a, b, c …
}

// pgMany are the statements of which a transaction has many, in the order in which they are sent: what
// makes old versions go first. All others follow them, in the order of the units.
var pgMany = sync.OnceValue(func() []many {
	return []many{
		{`UPDATE resource_version SET facts=? WHERE comp=? AND rid=? AND ver=?`, `biii`,
			`UPDATE resource_version v SET facts=u.a FROM {rows} WHERE v.comp=u.b AND v.rid=u.c AND v.ver=u.d`},
		{`DELETE FROM resource_head WHERE comp=? AND type=? AND rid=?`, `iii`,
			`DELETE FROM resource_head h USING {rows} WHERE h.comp=u.a AND h.type=u.b AND h.rid=u.c`},
		{`DELETE FROM idx WHERE comp=? AND rid=?`, `ii`, `DELETE FROM idx i USING {rows} WHERE i.comp=u.a AND i.rid=u.b`},
		{`DELETE FROM gidx WHERE type=? AND param=? AND val=? AND sys=? AND comp=? AND rid=?`, `iisiii`,
			`DELETE FROM gidx g USING {rows} WHERE g.type=u.a AND g.param=u.b AND g.val=u.c AND g.sys=u.d AND g.comp=u.e AND g.rid=u.f`},
		{pgAddVersion, `iiiioiibi`, `INSERT INTO resource_version SELECT a,b,c,d,e,f,g,NULL,h,i FROM {rows}`},
		{`INSERT INTO resource_head VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)`, `iiisiiioiiisb`, `INSERT INTO resource_head SELECT * FROM {rows}`},
		{pgAddIdx, `iiiiisffs`, `INSERT INTO idx(comp,rid,n,param,sys,val,low,high,text) SELECT * FROM {rows}`},
		{`INSERT INTO gidx VALUES(?,?,?,?,?,?) ON CONFLICT DO NOTHING`, `iisiii`,
			`INSERT INTO gidx SELECT * FROM {rows} ON CONFLICT DO NOTHING`},
		{`INSERT INTO locate VALUES(?,?,?,?,?,?)`, `isiiss`, `INSERT INTO locate SELECT * FROM {rows}`},
		{`UPDATE locate SET comps=?,keys=? WHERE type=? AND id=?`, `ssis`,
			`UPDATE locate l SET comps=u.a,keys=u.b FROM {rows} WHERE l.type=u.c AND l.id=u.d`},
		{`INSERT INTO audit VALUES(?,?,?,?,?,?,?,?)`, `iiibbiib`, `INSERT INTO audit SELECT * FROM {rows}`},
		{pgDialect.notice, `iisisi`, `INSERT INTO outbox(comp,type,id,ver,kind,seq) SELECT a,b,c,d,e,` + pgNotices + `+f FROM {rows}`},
		{pgDialect.saveComp, `iiibii`, `UPDATE epoch e SET n=u.a,writes=u.b,seq=u.c,hash=u.d,at=u.f FROM {rows} WHERE e.comp=u.e`},
	}
})

// pgColumns names the types of columns for PostgreSQL.
var pgColumns = map[byte]string{'i': `bigint`, 'f': `float8`, 's': `text`, 'b': `bytea`, 'o': `boolean`}

// Statements of PostgreSQL alone.
const (
	pgAddVersion = `INSERT INTO resource_version VALUES(?,?,?,?,?,?,?,NULL,?,?)`
	pgAddIdx     = `INSERT INTO idx(comp,rid,n,param,sys,val,low,high,text) VALUES(?,?,?,?,?,?,?,?,?)`
)

// pgTogether has for each statement of pgMany its place there and its text for many rows.
var pgTogether = sync.OnceValues(func() (places map[string]int, texts []string) {
	places = map[string]int{}
	for place, m := range pgMany() {
		var lists, names strings.Builder
		for i := range len(m.columns) {
			fmt.Fprintf(&lists, ",?::%s[]", pgColumns[m.columns[i]])
			fmt.Fprintf(&names, ",%c", 'a'+i)
		}
		places[m.one] = place
		texts = append(texts, strings.ReplaceAll(m.all, `{rows}`, `unnest(`+lists.String()[1:]+`) u(`+names.String()[1:]+`)`))
	}
	return places, texts
})

// together makes as few statements of many as there can be, in an order in which they mean the same. No two of
// them touch one row, but for those that are no part of pgMany.
func together(held []question) ([]question, error) {
	places, texts := pgTogether()
	kinds := make([][]question, len(texts))
	var rest []question
	for _, q := range held {
		if place, ok := places[q.query]; ok {
			kinds[place] = append(kinds[place], q)
		} else {
			rest = append(rest, q)
		}
	}
	out := make([]question, 0, len(texts)+len(rest))
	for place, rows := range kinds {
		switch len(rows) {
		case 0:
		case 1:
			out = append(out, rows[0])
		default:
			lists, err := columnsOf(pgMany()[place].columns, rows)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", pgMany()[place].one, err)
			}
			out = append(out, question{query: texts[place], args: lists})
		}
	}
	return append(out, rest...), nil
}

// columnsOf turns the values of rows into one list for each column.
func columnsOf(types string, rows []question) ([]any, error) {
	out := make([]any, len(types))
	var err error
	for i := range len(types) {
		switch types[i] {
		case 'i':
			out[i], err = listOf(rows, i, integerOf)
		case 'f':
			out[i], err = listOf(rows, i, func(v any) (*float64, bool) { n, ok := v.(*float64); return n, ok })
		case 's':
			out[i], err = listOf(rows, i, textOf)
		case 'b':
			out[i], err = listOf(rows, i, func(v any) ([]byte, bool) { b, ok := v.([]byte); return b, ok })
		case 'o':
			out[i], err = listOf(rows, i, func(v any) (bool, bool) { is, ok := v.(bool); return is, ok })
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// errColumn says that a value is not of the type that pgMany has for it.
var errColumn = errors.New("a value is of another type than its column")

func listOf[T any](rows []question, i int, of func(any) (T, bool)) ([]T, error) {
	out := make([]T, len(rows))
	for n := range rows {
		var ok bool
		if out[n], ok = of(rows[n].args[i]); !ok {
			return nil, errColumn
		}
	}
	return out, nil
}

func integerOf(v any) (int64, bool) {
	if n, ok := v.(int); ok {
		return int64(n), true
	}
	n, ok := v.(int64)
	return n, ok
}

func textOf(v any) (*string, bool) {
	switch s := v.(type) {
	case nil:
		return nil, true
	case string:
		s = pgString(s)
		return &s, true
	case *string:
		return s, true
	}
	return nil, false
}
