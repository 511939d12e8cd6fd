package store

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// versionAt is where one version stands: rows of resource_version grow with the commits, so that
// their order is that of time.
type versionAt struct {
	row            int64 // grows with the commits
	comp, typ, rid int64 // of a head
	home, ver      int64 // of the version
	name           fhir.Type
}

// History implements exchange.Snapshot. A cursor is the row of the last version of a page.
func (s *snapshot) History(span exchange.Span) (exchange.Page, error) {
	const op = "store.History"
	var page exchange.Page
	before, err := historyCursor(span.Cursor)
	if err != nil {
		return page, fhir.Wrap(op, err)
	}
	if err := s.planned(); err != nil {
		return page, fhir.Wrap(op, err)
	}
	rows, err := s.past(span, before)
	if err != nil {
		return page, fhir.Wrap(op, err)
	}
	slices.SortFunc(rows, func(a, b versionAt) int { return cmp.Compare(b.row, a.row) })
	rows = slices.CompactFunc(rows, func(a, b versionAt) bool { return a.row == b.row }) // arms overlap
	more := len(rows) > span.Count
	for _, at := range rows[:min(len(rows), span.Count)] {
		st, err := s.version(at)
		if err != nil {
			return exchange.Page{}, fhir.Wrap(op, err)
		}
		page.Matches = append(page.Matches, st)
		page.Behind = append(page.Behind, strconv.FormatInt(at.row, 10))
	}
	if n := len(page.Behind); n > 0 && more {
		page.Next = page.Behind[n-1]
	}
	return page, nil
}

// historyCursor reads a cursor; without one the page begins at the newest version.
func historyCursor(text string) (int64, error) {
	if text == "" {
		return 1<<63 - 1, nil
	}
	row, err := strconv.ParseInt(text, 10, 64)
	if err != nil || row < 1 {
		return 0, &fhir.Error{Kind: fhir.BadRequest, Op: "store.cursor", Err: errCursor, Issues: []fhir.Issue{{
			Severity: fhir.SeverityError, Code: "value", Diagnostics: "cursor",
			Text: "This page link does not belong to this history. Start again at the first page.",
		}}}
	}
	return row, nil
}

// past finds the newest versions of a span before a row, of each type and arm one more than a page holds.
func (s *snapshot) past(span exchange.Span, before int64) ([]versionAt, error) {
	if !span.Ref.IsZero() {
		return s.pastOf(span, before)
	}
	var rows []versionAt
	for t, f := range span.Filters {
		typ, err := s.lookup(string(t))
		if err != nil {
			return nil, err
		}
		if typ < 0 || f.None {
			continue
		}
		heads, err := s.seen(typ, f)
		if err != nil {
			return nil, err
		}
		for _, arm := range heads {
			if rows, err = s.versions(rows, t, arm, span, before); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// pastOf finds the versions of one resource.
func (s *snapshot) pastOf(span exchange.Span, before int64) ([]versionAt, error) {
	typ, err := s.lookup(string(span.Ref.Type))
	if err != nil {
		return nil, err
	}
	var rid int64
	var comps string
	found, err := s.c.one(`SELECT rid,comps FROM locate WHERE type=? AND id=?`, args(typ, span.Ref.ID), &rid, &comps)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound("store.History")
	}
	in, err := parseComps(comps)
	if err != nil {
		return nil, err
	}
	head := &query{}
	head.add(`h.comp=? AND h.type=? AND h.rid=?`, in[0], typ, rid)
	return s.versions(nil, span.Ref.Type, head, span, before)
}

// seen returns the conditions on heads, of deleted resources too, any of which a filter lets pass. Each
// has an index of its own.
func (s *snapshot) seen(typ int64, f auth.Filter) ([]*query, error) {
	arms, err := s.arms(&query{}, typ, &f)
	out := make([]*query, len(arms))
	for i, arm := range arms {
		out[i] = &query{}
		out[i].add(`h.type=? AND `, typ)
		if !f.Patient.IsZero() {
			out[i].add(`h.pat=? AND `, f.Patient.Current().String())
		}
		out[i].add(arm.sql.String(), arm.args...)
	}
	return out, err
}

// versions appends the newest versions of the heads that meet a condition.
func (s *snapshot) versions(rows []versionAt, t fhir.Type, heads *query, span exchange.Span, before int64) ([]versionAt, error) {
	var q query
	q.add(`SELECT v.rowid,min(h.comp),min(h.type),min(h.rid),min(v.comp),min(v.ver) FROM resource_head h CROSS JOIN resource_version c ON c.rowid=h.vrow
		CROSS JOIN resource_version v ON v.comp=c.comp AND v.rid=h.rid WHERE `)
	q.add(heads.sql.String(), heads.args...)
	q.add(` AND v.rowid<?`, before)
	if !span.Since.IsZero() {
		q.add(` AND v.at>=?`, span.Since.UnixMilli())
	}
	if !span.At[1].IsZero() {
		q.add(` AND v.at<? AND NOT EXISTS (SELECT 1 FROM resource_version n
			WHERE n.comp=v.comp AND n.rid=v.rid AND n.ver=v.ver+1 AND n.at<=?)`, span.At[1].UnixMilli(), span.At[0].UnixMilli())
	}
	q.add(` GROUP BY v.rowid ORDER BY v.rowid DESC LIMIT ?`, span.Count+1)
	err := s.c.each(s.ctx, func(scan func(...any) error) error {
		rows = append(rows, versionAt{name: t})
		at := &rows[len(rows)-1]
		return scan(&at.row, &at.comp, &at.typ, &at.rid, &at.home, &at.ver)
	}, q.sql.String(), q.args...)
	return rows, err
}

// version reads one version. The facts of the current one stand in its head.
func (s *snapshot) version(at versionAt) (exchange.Stored, error) {
	r := row{typ: at.name}
	_, err := s.c.one(`SELECT h.id,v.ver,v.at,h.filed,v.op,coalesce(v.facts,h.facts),v.dict,v.meta_at,v.body
		FROM resource_version v CROSS JOIN resource_head h ON h.comp=? AND h.type=? AND h.rid=? WHERE v.comp=? AND v.rid=? AND v.ver=?`,
		args(at.comp, at.typ, at.rid, at.home, at.rid, at.ver), r.into()...)
	if err != nil {
		return exchange.Stored{}, err
	}
	return r.stored()
}
