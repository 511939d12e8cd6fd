package store

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// prepareDue gives a file that was made before rules of time their table: every child is to be looked at.
func (w *writer) prepareDue() error {
	var there int
	if _, err := w.c.one(`SELECT count(*) FROM sqlite_master WHERE name='due'`, nil, &there); err != nil || there > 0 {
		return err
	}
	return w.script(`BEGIN IMMEDIATE;` + dueSchema +
		`INSERT INTO due SELECT comp,0 FROM epoch WHERE substr(name,1,1)<>'_'; COMMIT;`)
}

// due says when a child must be looked at next.
func (t *tx) due(d *exchange.Due) error {
	c, err := t.comp(d.Compartment)
	if err != nil {
		return err
	}
	if d.Never {
		err = t.c.exec(`DELETE FROM due WHERE comp=?`, c.n)
		return err
	}
	at := int64(0)
	if !d.At.IsZero() {
		at = max(0, d.At.UnixMilli())
	}
	err = t.c.exec(`INSERT INTO due VALUES(?,?) ON CONFLICT(comp) DO UPDATE SET at=excluded.at`, c.n, at)
	return err
}

// Due implements exchange.Snapshot.
func (s *snapshot) Due(until time.Time, max int) ([]exchange.Due, error) {
	var out []exchange.Due
	if err := s.planned(); err != nil {
		return nil, fhir.Wrap("store.Due", err)
	}
	err := s.c.each(s.ctx, func(scan func(...any) error) error {
		var d exchange.Due
		var at int64
		if err := scan(&d.Compartment, &at); err != nil {
			return err
		}
		if at > 0 {
			d.At = time.UnixMilli(at).UTC()
		}
		out = append(out, d)
		return nil
	}, `SELECT e.name,d.at FROM due d CROSS JOIN epoch e ON e.comp=d.comp WHERE d.at<=? ORDER BY d.at,d.comp LIMIT ?`, until.UnixMilli(), max)
	return out, fhir.Wrap("store.Due", err)
}
