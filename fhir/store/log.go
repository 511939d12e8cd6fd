package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Record implements exchange.Lookups.
func (s *snapshot) Record(key string) ([]exchange.RecordVersion, error) {
	v, err := records(s.c, key)
	return v, fhir.Wrap("store.Record", err)
}

func records(c *conn, key string) ([]exchange.RecordVersion, error) {
	var out []exchange.RecordVersion
	err := c.each(context.Background(), func(scan func(...any) error) error {
		r := exchange.RecordVersion{Key: key}
		var hash []byte
		if err := scan(&r.Version, &r.Compartment, &hash, &r.Result); err != nil {
			return err
		}
		copy(r.Hash[:], hash)
		out = append(out, r)
		return nil
	}, `SELECT i.ver,e.name,i.hash,i.result FROM gidx g CROSS JOIN idem i ON i.comp=g.comp AND i.key=g.val
		CROSS JOIN epoch e ON e.comp=i.comp WHERE g.type=0 AND g.param=? AND g.sys=0 AND g.val=?`, gidxRecord, c.key(key))
	slices.SortFunc(out, func(a, b exchange.RecordVersion) int { return a.Version - b.Version })
	return out, err
}

// Changes implements exchange.Snapshot.
func (s *snapshot) Changes(after int64, max int) ([]exchange.Notice, error) {
	var out []exchange.Notice
	if err := s.planned(); err != nil {
		return nil, fhir.Wrap("store.Changes", err)
	}
	err := s.c.each(s.ctx, func(scan func(...any) error) error {
		var n exchange.Notice
		var typ string
		if err := scan(&n.Seq, &n.Compartment, &typ, &n.Ref.ID, &n.Ref.Version, &n.Kind); err != nil {
			return err
		}
		n.Ref.Type = fhir.Type(typ)
		out = append(out, n)
		return nil
	}, s.c.changes, after, max)
	return out, fhir.Wrap("store.Changes", err)
}

// Audit implements exchange.Snapshot.
func (s *snapshot) Audit(compartment string, seq int64, max int) ([]exchange.AuditRow, error) {
	return s.rows("store.Audit", compartment, upward, seq, max)
}

// Recent implements exchange.Snapshot.
func (s *snapshot) Recent(compartment string, seq int64, max int) ([]exchange.AuditRow, error) {
	if seq <= 0 {
		seq = math.MaxInt64
	}
	return s.rows("store.Recent", compartment, downward, seq, max)
}

// The two ways through a chain.
const (
	upward   = `SELECT seq,at,prev,hash,dict,recorded_at,body FROM audit WHERE comp=? AND seq>=? ORDER BY seq LIMIT ?`
	downward = `SELECT seq,at,prev,hash,dict,recorded_at,body FROM audit WHERE comp=? AND seq<? ORDER BY seq DESC LIMIT ?`
)

func (s *snapshot) rows(op, compartment, way string, seq int64, max int) ([]exchange.AuditRow, error) {
	var comp int64
	found, err := s.c.one(`SELECT comp FROM epoch WHERE name=?`, args(compartment), &comp)
	if err != nil || !found {
		return nil, fhir.Wrap(op, err)
	}
	var out []exchange.AuditRow
	err = s.rowsOf(way, comp, compartment, seq, max, func(r exchange.AuditRow) error {
		out = append(out, r)
		return nil
	})
	return out, fhir.Wrap(op, err)
}

// chain calls f for the rows of a chain from seq, at most max.
func (s *snapshot) chain(comp int64, name string, seq int64, max int, f func(exchange.AuditRow) error) error {
	return s.rowsOf(upward, comp, name, seq, max, f)
}

func (s *snapshot) rowsOf(way string, comp int64, name string, seq int64, max int, f func(exchange.AuditRow) error) error {
	return s.c.each(s.ctx, func(scan func(...any) error) error {
		r := exchange.AuditRow{Compartment: name}
		var at, place int64
		var dict int
		var prev, hash, packed []byte
		if err := scan(&r.Seq, &at, &prev, &hash, &dict, &place, &packed); err != nil {
			return err
		}
		r.At = time.UnixMilli(at).UTC()
		copy(r.Prev[:], prev)
		copy(r.Hash[:], hash)
		body, err := unpack(packed, dict)
		if err != nil {
			return err
		}
		offset, whole := offsetIn(place, packed)
		if !whole || offset > len(body) {
			return fmt.Errorf("%w: audit row %d", errBody, r.Seq)
		}
		r.Body = recorded(body, offset, r.At)
		return f(r)
	}, way, comp, seq, max)
}
