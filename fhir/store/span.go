package store

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// AuditSpan asks for AuditEvents of every chain, compartments in order of name.
type AuditSpan struct {
	From, To    time.Time // recorded from the first, and not after the second; zero: all
	Compartment string    // "": all
	After       AuditPlace
	Max         int
}

// AuditPlace is where a page of AuditEvents ended.
type AuditPlace struct {
	Compartment string
	Seq         int64
}

// errFull ends a page.
var errFull = errors.New("page is full")

// Audits returns the rows of a span behind a place, at most Max.
func (s *Store) Audits(ctx context.Context, span AuditSpan) ([]exchange.AuditRow, error) {
	var out []exchange.AuditRow
	err := s.View(ctx, func(snap exchange.Snapshot) error {
		sn, ok := snap.(*snapshot)
		if !ok {
			return errForeign
		}
		if err := sn.unhurried(); err != nil {
			return err
		}
		chains, err := sn.chains()
		if err != nil {
			return err
		}
		for i := range chains {
			c := &chains[i]
			if c.name == checkpoints || c.name == anchors || c.name < span.After.Compartment || span.Compartment != "" && c.name != span.Compartment {
				continue
			}
			from := int64(math.MinInt64)
			if c.name == span.After.Compartment {
				from = span.After.Seq + 1
			}
			err := sn.chain(c.n, c.name, from, math.MaxInt, func(r exchange.AuditRow) error {
				if r.At.Before(span.From) || !span.To.IsZero() && r.At.After(span.To) {
					return nil
				}
				if len(out) == span.Max {
					return errFull
				}
				out = append(out, r)
				return nil
			})
			if errors.Is(err, errFull) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, fhir.Wrap("store.Audits", err)
}
