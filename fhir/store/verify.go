package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Kinds of Break.
const (
	BreakGap        = "gap"        // a seq is missing, or does not begin at 1 or behind the anchor
	BreakPrev       = "prev"       // prev is not the hash of the row before
	BreakHash       = "hash"       // the row does not have its hash
	BreakBody       = "body"       // the body cannot be unpacked
	BreakTail       = "tail"       // the chain ends before or behind the head that the compartment remembers
	BreakRecorded   = "recorded"   // the AuditEvent tells another instant than its row
	BreakSignature  = "signature"  // a checkpoint or anchor is not signed by this server
	BreakCheckpoint = "checkpoint" // the heads are not those that the checkpoint was signed over
	BreakStray      = "stray"      // a row belongs to no chain
	BreakUnlogged   = "unlogged"   // a version of a resource has no event of its write
	BreakVersion    = "version"    // the body of a version of a resource is not the one that was written
)

// Break is where the log is not whole.
type Break struct {
	Compartment string
	Seq         int64 // of BreakUnlogged and BreakVersion: the version
	Kind        string
	Ref         string // of these: the resource
}

// Verification is the outcome of VerifyAudit.
type Verification struct {
	Rows, Chains int
	Checkpoints  int
	Break        *Break // the first one, nil when the log is whole
}

// AuditCheck says what VerifyAudit looks at. The zero value is every chain, whole.
type AuditCheck struct {
	From, To time.Time // rows recorded from the first, and not after the second; zero: all
	Signer   Signer    // whose signatures checkpoints and anchors bear; nil: they are not looked at, and a purged log is not whole
	Writes   bool      // every version of a resource must have its event
}

// errBroken ends the walk of a broken chain, errForeign a snapshot of another store.
var (
	errBroken  = errors.New("chain is broken")
	errForeign = errors.New("foreign snapshot")
)

// VerifyAudit walks the audit chains (access.md 8) in one snapshot, compartments in order of name: seq
// without gaps, prev, hashes, the head that the compartment remembers, signatures, and that each
// checkpoint was signed over the heads of its time. A break is in the Verification; an error means that
// the walk could not be finished.
func (s *Store) VerifyAudit(ctx context.Context, check AuditCheck) (Verification, error) {
	const op = "store.VerifyAudit"
	var v Verification
	err := s.View(ctx, func(snap exchange.Snapshot) error {
		sn, ok := snap.(*snapshot)
		if !ok {
			return errForeign
		}
		if err := sn.unhurried(); err != nil {
			return err
		}
		w := auditWalk{s: sn, check: check, out: &v, anchors: map[string]voucher{}, low: math.MinInt64, high: math.MaxInt64}
		if !check.From.IsZero() {
			w.low = check.From.UnixMilli()
		}
		if !check.To.IsZero() {
			w.high = check.To.UnixMilli()
		}
		err := w.all()
		if errors.Is(err, errBroken) {
			return nil
		}
		return err
	})
	return v, fhir.Wrap(op, err)
}

// auditWalk is one verification on its way.
type auditWalk struct {
	s         *snapshot
	check     AuditCheck
	out       *Verification
	low, high int64 // instants, milliseconds
	sealed    []checkpoint
	anchors   map[string]voucher // by compartment, the last one
	purged    int64              // rows older than this may be gone

}

// checkpoint is one signed row with the digest of what is found.
type checkpoint struct {
	seq   int64
	since int64 // of the one before
	voucher
	found headDigest
}

// broke ends the walk.
func (w *auditWalk) broke(comp string, seq int64, kind string) error {
	w.out.Break = &Break{Compartment: comp, Seq: seq, Kind: kind}
	return errBroken
}

func (w *auditWalk) all() error {
	chains, err := w.s.chains()
	if err != nil {
		return err
	}
	if err := w.strays(); err != nil {
		return err
	}
	for i := range chains {
		if c := &chains[i]; c.name == anchors || c.name == checkpoints {
			if err := w.vouchers(c); err != nil {
				return err
			}
		}
	}
	system := false
	for i := range chains {
		if err := w.chain(&chains[i]); err != nil {
			return err
		}
		system = system || chains[i].name == exchange.SystemCompartment
	}
	if w.check.Writes && !system {
		if err := w.versions(exchange.DirectoryCompartment, newWrites()); err != nil {
			return err
		}
	}
	return w.digests()
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

// strays finds rows that no walk would come to.
func (w *auditWalk) strays() error {
	var comp, seq int64
	found, err := w.s.c.one(`SELECT comp,seq FROM audit WHERE comp NOT IN (SELECT comp FROM epoch) LIMIT 1`, nil, &comp, &seq)
	if err != nil || !found {
		return err
	}
	return w.broke("", seq, BreakStray)
}

// vouchers reads the signed rows of a compartment.
func (w *auditWalk) vouchers(c *compID) error {
	since, before := int64(math.MinInt64), w.out.Rows
	defer func() {
		if c.name == anchors { // they are counted as a chain of their own
			w.out.Rows = before
		}
	}()
	return w.rows(c, compID{hash: make([]byte, 32)}, math.MinInt64, func(r *exchange.AuditRow) error {
		v, err := w.voucher(r)
		if err != nil || v.At != r.At.UnixMilli() {
			return w.broke(c.name, r.Seq, BreakSignature)
		}
		if v.Kind == kindAnchor {
			w.anchors[v.Comp] = v
			w.purged = max(w.purged, v.Before)
			return nil
		}
		w.sealed = append(w.sealed, checkpoint{r.Seq, since, v, newHeadDigest()})
		since = v.At
		w.out.Checkpoints++
		return nil
	})
}

// voucher reads a signed row, with its signature when there is who knows it.
func (w *auditWalk) voucher(r *exchange.AuditRow) (voucher, error) {
	var row vouched
	var v voucher
	if err := json.Unmarshal(r.Body, &row); err != nil {
		return v, err
	}
	if w.check.Signer == nil {
		return voucher{Kind: row.Kind, At: r.At.UnixMilli()}, nil
	}
	payload, err := w.check.Signer.Verify(row.Signed)
	if err == nil {
		err = json.Unmarshal(payload, &v)
	}
	return v, err
}

// rows walks one chain from behind start, from an instant on, and calls f for every row that is whole.
func (w *auditWalk) rows(c *compID, start compID, low int64, f func(*exchange.AuditRow) error) error {
	prev, last := [32]byte(start.hash), start.seq
	from := last + 1
	if last == 0 { // nothing stands before the first
		from = math.MinInt64
	}
	err := w.s.chain(c.n, c.name, from, math.MaxInt, func(r exchange.AuditRow) error {
		switch {
		case r.Seq != last+1:
			return w.broke(c.name, last+1, BreakGap)
		case r.Prev != prev:
			return w.broke(c.name, r.Seq, BreakPrev)
		case r.Hash != chainHash(r.Prev[:], r.Seq, r.At, c.name, r.Body):
			return w.broke(c.name, r.Seq, BreakHash)
		}
		prev, last = r.Hash, r.Seq
		if at := r.At.UnixMilli(); at < low || at > w.high {
			return nil
		}
		w.out.Rows++
		return f(&r)
	})
	switch {
	case errors.Is(err, errBroken):
		return errBroken
	case errors.Is(err, errBody):
		return w.broke(c.name, last+1, BreakBody)
	case err != nil:
		return err
	case last != c.seq || !bytes.Equal(prev[:], c.hash):
		return w.broke(c.name, last, BreakTail)
	}
	return nil
}

// start is the row behind which a chain is walked: its anchor, or the last one before the first instant.
func (w *auditWalk) start(c *compID) (compID, error) {
	out := compID{hash: make([]byte, 32)}
	if a, ok := w.anchors[c.name]; ok {
		hash, err := hex.DecodeString(a.Hash)
		if err != nil || len(hash) != 32 {
			return out, w.broke(c.name, a.Seq, BreakSignature)
		}
		out.seq, out.hash = a.Seq, hash
		if early := int64(0); !w.none(`SELECT seq FROM audit WHERE comp=? AND seq<=? LIMIT 1`, args(c.n, a.Seq), &early) {
			return out, w.broke(c.name, early, BreakGap)
		}
	}
	var seq int64
	var hash []byte
	if w.none(`SELECT seq,hash FROM audit WHERE comp=? AND at<? ORDER BY seq DESC LIMIT 1`, args(c.n, w.low), &seq, &hash) {
		return out, nil
	}
	if len(hash) != 32 {
		return out, w.broke(c.name, seq, BreakHash)
	}
	return compID{seq: seq, hash: hash}, nil
}

// none reports that a query finds nothing.
func (w *auditWalk) none(query string, args []any, dst ...any) bool {
	found, err := w.s.c.one(query, args, dst...)
	return err != nil || !found
}

// chain walks one chain of AuditEvents, and adds its heads to the checkpoints of their time.
func (w *auditWalk) chain(c *compID) error {
	if c.name == checkpoints {
		return nil
	}
	start, err := w.start(c)
	if err != nil {
		return err
	}
	told := newWrites()
	var head exchange.AuditRow
	at, before := -1, w.out.Rows
	err = w.rows(c, start, w.low, func(r *exchange.AuditRow) error {
		if i := w.interval(r.At.UnixMilli()); i != at {
			w.seal(at, &head)
			at = i
		}
		head = *r
		if w.check.Writes && c.name != anchors {
			return w.event(told, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.seal(at, &head)
	if w.out.Rows > before {
		w.out.Chains++
	}
	if !w.check.Writes {
		return nil
	}
	return w.written(c, told)
}

// interval is the index of the first checkpoint after an instant.
func (w *auditWalk) interval(at int64) int {
	i, _ := slices.BinarySearchFunc(w.sealed, at, func(c checkpoint, at int64) int {
		if c.At > at {
			return 1
		}
		return -1
	})
	return i
}

// seal adds the last row of a chain before a checkpoint to it.
func (w *auditWalk) seal(i int, head *exchange.AuditRow) {
	if i >= 0 && i < len(w.sealed) {
		w.sealed[i].found.add(head.Compartment, head.Seq, head.Hash[:])
	}
}

// digests compares what was found with what was signed, for the checkpoints of whose time all rows are
// still there and were looked at.
func (w *auditWalk) digests() error {
	if w.check.Signer == nil {
		return nil
	}
	for i := range w.sealed {
		c := &w.sealed[i]
		if c.since < max(w.low, w.purged) && max(w.low, w.purged) > 0 || c.At > w.high {
			continue
		}
		if c.found.n != c.Heads || c.found.text() != c.Digest {
			return w.broke(checkpoints, c.seq, BreakCheckpoint)
		}
	}
	return nil
}
