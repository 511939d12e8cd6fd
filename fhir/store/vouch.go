package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Compartments of the rows that vouch for the others (access.md 8). They tell no person's doings and
// are never dropped.
const (
	checkpoints = "_checkpoint"
	anchors     = "_anchor"
)

// Signer signs what vouches for the log, and tells its own signatures from others.
type Signer interface {
	// Sign returns a signature together with what it signs, as one text.
	Sign(payload []byte) (string, error)
	// Verify returns what was signed; an error for what Sign did not make.
	Verify(signed string) ([]byte, error)
}

// Kinds of voucher.
const (
	kindCheckpoint = "checkpoint"
	kindAnchor     = "anchor"
)

// voucher is the signed content of a row of the vouching chain. A checkpoint tells the heads that have
// changed since the one before. An anchor tells where a chain begins since its oldest rows were
// dropped: the last one that went, and how old it was at least.
type voucher struct {
	Kind   string `json:"kind"`
	At     int64  `json:"at"` // milliseconds since 1970
	Heads  int    `json:"heads,omitempty"`
	Digest string `json:"digest,omitempty"`
	Comp   string `json:"comp,omitempty"`
	Seq    int64  `json:"seq,omitempty"`
	Hash   string `json:"hash,omitempty"`
	Before int64  `json:"before,omitempty"` // rows older than this went
}

// vouched is such a row as it is kept.
type vouched struct {
	Kind   string `json:"kind"`
	Signed string `json:"signed"`
}

// headDigest gathers heads in order of their compartments.
type headDigest struct {
	hash.Hash
	n int
}

func newHeadDigest() headDigest { return headDigest{Hash: sha256.New()} }

// add takes one head: be32(len comp) ‖ comp ‖ be64(seq) ‖ hash.
func (d *headDigest) add(comp string, seq int64, hash []byte) {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(comp)))
	b = binary.BigEndian.AppendUint64(append(b, comp...), uint64(seq))
	d.Write(append(b, hash...)) // never fails
	d.n++
}

func (d *headDigest) text() string { return hex.EncodeToString(d.Sum(nil)) }

// SignAudit adds a checkpoint over the heads of the chains that have grown since the last one; false
// when none has.
func (s *Store) SignAudit(ctx context.Context, by Signer) (bool, error) {
	const op = "store.SignAudit"
	signed := false
	err := s.writer.do(ctx, op, 0, func(t *tx) error {
		signed = false
		if err := t.alone(); err != nil {
			return err
		}
		d, err := t.grown()
		if err != nil || d.n == 0 {
			return err
		}
		t.at++ // what is before the checkpoint has an earlier instant
		signed = true
		at := t.at
		if err := t.vouch(by, checkpoints, voucher{Kind: kindCheckpoint, At: at, Heads: d.n, Digest: d.text()}); err != nil {
			return err
		}
		return t.sealed(at)
	})
	return signed && err == nil, fhir.Wrap(op, err)
}

// grown digests the heads that have changed since the last checkpoint.
func (t *tx) grown() (headDigest, error) {
	d := newHeadDigest()
	err := t.c.each(context.Background(), func(scan func(...any) error) error {
		var comp string
		var seq int64
		var hash []byte
		err := scan(&comp, &seq, &hash)
		d.add(comp, seq, hash)
		return err
	}, t.c.grown, checkpoints)
	return d, err
}

// vouch appends a signed row, with an instant of its own.
func (t *tx) vouch(by Signer, compartment string, v voucher) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	signed, err := by.Sign(payload)
	if err != nil {
		return err
	}
	body, err := json.Marshal(vouched{v.Kind, signed})
	if err != nil {
		return err
	}
	packed, dict, err := pack(body)
	if err != nil {
		return err
	}
	a := exchange.Audit{Compartment: compartment, Body: body, RecordedAt: 1}
	err = t.chain(&preparedAudit{Audit: &a, packed: packed, dict: dict})
	t.at++ // what comes after it has a later one
	return err
}

// Unsigned returns how many rows the log has beyond its last checkpoint, and when the oldest of them was
// recorded; zero when there is none.
func (s *Store) Unsigned(ctx context.Context) (rows int64, since time.Time, err error) {
	err = s.View(ctx, func(snap exchange.Snapshot) error {
		sn, ok := snap.(*snapshot)
		if !ok {
			return errForeign
		}
		var at int64
		_, err := sn.c.one(sn.c.unsigned, nil, &rows, &at)
		if at > 0 {
			since = time.UnixMilli(at)
		}
		return err
	})
	return rows, since, fhir.Wrap("store.Unsigned", err)
}

// purgeRows is how many rows of the log one unit drops: whoever writes waits for it.
const purgeRows = 2000

// PurgeAudit drops from every chain the rows recorded before an instant, some at a time, and leaves a signed anchor
// behind in the place of those of each chain. It returns how many went; those of a chain that fails stay, and keep
// no other.
func (s *Store) PurgeAudit(ctx context.Context, by Signer, before time.Time) (int, error) {
	const op = "store.PurgeAudit"
	if _, err := s.SignAudit(ctx, by); err != nil { // what goes has been vouched for
		return 0, fhir.Wrap(op, err)
	}
	var chains []compID
	err := s.View(ctx, func(snap exchange.Snapshot) error {
		sn, ok := snap.(*snapshot)
		if !ok {
			return errForeign
		}
		var err error
		chains, err = sn.chains()
		return err
	})
	dropped := 0
	for _, c := range chains {
		if c.name == checkpoints || c.name == anchors || c.seq == 0 {
			continue
		}
		for n := purgeRows; n == purgeRows && ctx.Err() == nil; dropped += n {
			failed := s.writer.do(ctx, op, 0, func(t *tx) (err error) {
				n, err = t.purge(by, &c, before.UnixMilli())
				return err
			})
			if failed != nil {
				err, n = errors.Join(err, failed), 0
			}
		}
	}
	return dropped, fhir.Wrap(op, errors.Join(err, ctx.Err()))
}

// purge drops the oldest rows of one chain, at most purgeRows.
func (t *tx) purge(by Signer, c *compID, before int64) (int, error) {
	if err := t.beside(); err != nil {
		return 0, err
	}
	var last int64
	var hash []byte
	old, err := t.c.one(`SELECT at FROM audit WHERE comp=? ORDER BY seq LIMIT 1`, args(c.n), &last)
	if err != nil || !old || last >= before {
		return 0, err
	}
	_, err = t.c.one(`SELECT seq,hash FROM (SELECT seq,hash,at FROM audit WHERE comp=? ORDER BY seq LIMIT ?) o WHERE at<? ORDER BY seq DESC LIMIT 1`,
		args(c.n, purgeRows, before), &last, &hash)
	if err != nil {
		return 0, err
	}
	n, err := t.c.change(`DELETE FROM audit WHERE comp=? AND seq<=?`, c.n, last)
	if err != nil {
		return 0, err
	}
	if _, err := t.comp(anchors); err != nil { // its last row is earlier than this one
		return 0, err
	}
	t.at++
	return int(n), t.vouch(by, anchors, voucher{
		Kind: kindAnchor, At: t.at, Comp: c.name, Seq: last, Hash: hex.EncodeToString(hash), Before: before,
	})
}
