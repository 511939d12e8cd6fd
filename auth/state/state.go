// Package state keeps the short-lived state of the authorisation server: codes, tokens, claims of
// jti, rate counters. Every step is atomic on one key. It holds two implementations: Embedded, for
// one process, over a two-method table port that fhir/store implements, and Redis, for several. It
// refuses FHIR data and policy. Contract: smart.md 3.2; suite: statetest.
package state

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Table runs single atomic steps on durable rows (kind, key, value, exp). A row whose exp is not
// after now is absent. fhir/store implements it through its group-commit writer.
type Table interface {
	// State runs one step of auth.StateOp and returns after it is durable.
	State(ctx context.Context, op auth.StateOp) (auth.StateResult, error)
	// StateGet reads one live row; false when there is none.
	StateGet(ctx context.Context, kind, key string, now time.Time) ([]byte, bool, error)
}

// Kind names one kind of state. A kind outside the list of smart.md 3.2 is refused.
type Kind = string

// Kinds of state.
const (
	Grant       Kind = "grant"    // what a user delegated
	AccessToken Kind = "at"       // access token
	Refresh     Kind = "rt"       // refresh token
	RefreshUsed Kind = "rtused"   // claim of a refresh token
	Code        Kind = "code"     // authorisation code
	CodeUsed    Kind = "codeused" // claim of a code
	Launch      Kind = "launch"   // EHR launch handle
	Style       Kind = "style"    // look of an EHR, by the hash of its content
	Pushed      Kind = "par"      // pushed authorisation request
	Interaction Kind = "ixn"      // login and consent in progress
	Session     Kind = "sess"     // server session
	AssertionID Kind = "jti"      // claim of a client assertion
	ProofID     Kind = "dpop"     // claim of a DPoP proof
	Rate        Kind = "rate"     // counters and blocks of rate limits
)

// sweepBatch bounds how many rows one step of Sweep removes, so that it never holds the writer long.
const sweepBatch = 1000

// Embedded is the state of one process, kept in the server's own store.
// It is safe for concurrent use.
type Embedded struct {
	table Table
	clock func() time.Time
}

// New returns the state over table. clock gives the present instant of every step.
func New(table Table, clock func() time.Time) (*Embedded, error) {
	if table == nil || clock == nil {
		return nil, errors.New("state.New: table and clock are required")
	}
	return &Embedded{table: table, clock: clock}, nil
}

// Put stores value under the hash until ttl is over; an earlier value is replaced.
func (e *Embedded) Put(ctx context.Context, kind Kind, hash [32]byte, value []byte, ttl time.Duration) error {
	op, err := e.op("put", kind, hash, ttl)
	if err != nil {
		return err
	}
	op.Value = value
	_, err = e.table.State(ctx, op)
	return unavailable("state.Put", err)
}

// Get returns the live value of the hash: NotFound when there is none or it is over.
func (e *Embedded) Get(ctx context.Context, kind Kind, hash [32]byte) ([]byte, error) {
	const name = "state.Get"
	if err := known(name, kind); err != nil {
		return nil, err
	}
	value, found, err := e.table.StateGet(ctx, kind, hex.EncodeToString(hash[:]), e.clock())
	if err != nil {
		return nil, unavailable(name, err)
	}
	if !found {
		return nil, &fhir.Error{Kind: fhir.NotFound, Op: name}
	}
	return value, nil
}

// Take returns the live value of the hash and removes it. Of all callers exactly one gets it, the
// others get NotFound.
func (e *Embedded) Take(ctx context.Context, kind Kind, hash [32]byte) ([]byte, error) {
	const name = "state.Take"
	op, err := e.op("take", kind, hash, 0)
	if err != nil {
		return nil, err
	}
	got, err := e.table.State(ctx, op)
	if err != nil {
		return nil, unavailable(name, err)
	}
	if !got.OK {
		return nil, &fhir.Error{Kind: fhir.NotFound, Op: name}
	}
	return got.Value, nil
}

// Once claims the hash until ttl is over. first is true for exactly one caller; at is the
// millisecond of the first claim, for every caller.
func (e *Embedded) Once(ctx context.Context, kind Kind, hash [32]byte, ttl time.Duration) (first bool, at time.Time, err error) {
	op, err := e.op("once", kind, hash, ttl)
	if err != nil {
		return false, time.Time{}, err
	}
	got, err := e.table.State(ctx, op)
	if err != nil {
		return false, time.Time{}, unavailable("state.Once", err)
	}
	return got.OK, got.At, nil
}

// Count adds one to the bucket and returns the sum since the bucket began. A bucket ends when
// window after its first count is over. The bucket's name must hold no name or identifier.
func (e *Embedded) Count(ctx context.Context, bucket string, window time.Duration) (int, error) {
	now := e.clock()
	got, err := e.table.State(ctx, auth.StateOp{
		Verb: "count", Kind: Rate, Key: bucket, Now: now, Expires: now.Add(window),
	})
	if err != nil {
		return 0, unavailable("state.Count", err)
	}
	return got.Count, nil
}

// Sweep removes the rows that are over, a batch at a time, and returns how many. The caller drives
// it, each minute.
func (e *Embedded) Sweep(ctx context.Context) (int, error) {
	total := 0
	for ctx.Err() == nil {
		got, err := e.table.State(ctx, auth.StateOp{Verb: "sweep", Now: e.clock(), Max: sweepBatch})
		if err != nil {
			return total, unavailable("state.Sweep", err)
		}
		total += got.Count
		if got.Count < sweepBatch {
			return total, nil
		}
	}
	return total, unavailable("state.Sweep", ctx.Err())
}

func (e *Embedded) op(verb string, kind Kind, hash [32]byte, ttl time.Duration) (auth.StateOp, error) {
	if err := known("state."+verb, kind); err != nil {
		return auth.StateOp{}, err
	}
	now := e.clock()
	return auth.StateOp{Verb: verb, Kind: kind, Key: hex.EncodeToString(hash[:]), Now: now, Expires: now.Add(ttl)}, nil
}

func known(name string, kind Kind) error {
	switch kind {
	case Grant, AccessToken, Refresh, RefreshUsed, Code, CodeUsed, Launch, Style, Pushed, Interaction, Session, AssertionID, ProofID, Rate:
		return nil
	}
	return &fhir.Error{Kind: fhir.Internal, Op: name, Err: errors.New("unknown kind of state")}
}

// unavailable makes every failure of the table one that the caller may try again: state fails
// closed, nothing is served without it.
func unavailable(name string, err error) error {
	if err == nil {
		return nil
	}
	return &fhir.Error{Kind: fhir.Unavailable, Op: name, Err: err}
}
