package store

import (
	"bytes"
	"context"
	"errors"
	"math"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Kinds of Break.
const (
	BreakGap  = "gap"  // a seq is missing, or does not begin at 1
	BreakPrev = "prev" // prev is not the hash of the row before
	BreakHash = "hash" // the row does not have its hash
	BreakBody = "body" // the body cannot be unpacked
	BreakTail = "tail" // the chain ends before or behind the head that the compartment remembers
)

// Break is where a chain is not whole.
type Break struct {
	Compartment string
	Seq         int64
	Kind        string
}

// Verification is the outcome of VerifyAudit.
type Verification struct {
	Rows, Chains int
	Break        *Break // the first one, nil when every chain is whole
}

// errBroken ends the walk of a broken chain.
var errBroken = errors.New("chain is broken")

// VerifyAudit walks every audit chain (access.md 8) in one snapshot, compartments in order of name:
// seq without gaps from 1, prev, hashes, and the head that the compartment remembers. A break is in
// the Verification; an error means that the walk could not be finished.
func (s *Store) VerifyAudit(ctx context.Context) (Verification, error) {
	const op = "store.VerifyAudit"
	var v Verification
	err := s.View(ctx, func(snap exchange.Snapshot) error {
		sn, ok := snap.(*snapshot)
		if !ok {
			return errors.New("foreign snapshot")
		}
		chains, err := sn.chains()
		if err != nil {
			return err
		}
		for i := range chains {
			rows, b, err := sn.walk(&chains[i])
			v.Rows += rows
			if err != nil || b != nil {
				v.Break = b
				return err
			}
			if rows > 0 {
				v.Chains++
			}
		}
		return nil
	})
	return v, fhir.Wrap(op, err)
}

// chains returns every compartment with the head of its chain.
func (s *snapshot) chains() ([]compID, error) {
	var out []compID
	err := s.c.each(s.ctx, func(scan func(...any) error) error {
		var c compID
		err := scan(&c.n, &c.name, &c.seq, &c.hash)
		out = append(out, c)
		return err
	}, `SELECT comp,name,seq,hash FROM epoch ORDER BY name`)
	return out, err
}

// walk checks one chain and counts its rows.
func (s *snapshot) walk(c *compID) (int, *Break, error) {
	var prev [32]byte
	var last int64
	broken := func(seq int64, kind string) *Break { return &Break{c.name, seq, kind} }
	var b *Break
	rows := 0
	err := s.chain(c.n, c.name, math.MinInt64, math.MaxInt, func(r exchange.AuditRow) error {
		switch {
		case r.Seq != last+1:
			b = broken(last+1, BreakGap)
		case r.Prev != prev:
			b = broken(r.Seq, BreakPrev)
		case r.Hash != chainHash(r.Prev[:], r.Seq, r.At, c.name, r.Body):
			b = broken(r.Seq, BreakHash)
		default:
			prev, last = r.Hash, r.Seq
			rows++
			return nil
		}
		return errBroken
	})
	switch {
	case b != nil:
		return rows, b, nil
	case errors.Is(err, errBody):
		return rows, broken(last+1, BreakBody), nil
	case err != nil:
		return rows, nil, err
	case last != c.seq || !bytes.Equal(prev[:], c.hash):
		return rows, broken(last, BreakTail), nil
	}
	return rows, nil, nil
}
