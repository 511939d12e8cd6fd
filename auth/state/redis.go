package state

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/drieluik/drieluik/fhir"
)

// stepTimeout bounds one step, with waiting for a connection and making one. A request ends at its
// first failed step; the worst one writes once more to undo, so that it still answers within 2 s.
const stepTimeout = 800 * time.Millisecond

// Each step of the state is one command, or one script, on one key, so that it runs on a cluster.
var (
	// onceScript claims KEYS[1] for ARGV[1] ms and answers whether this was the first claim, and the
	// millisecond of the first one by the clock of Redis.
	onceScript = redis.NewScript(`
local now = redis.call('TIME')
local at = now[1] .. string.format('%03d', math.floor(tonumber(now[2]) / 1000))
if redis.call('SET', KEYS[1], at, 'NX', 'PX', ARGV[1]) then return {1, at} end
return {0, redis.call('GET', KEYS[1])}`)

	// countScript adds one to KEYS[1], which ends ARGV[1] ms after its first count.
	countScript = redis.NewScript(`
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return n`)
)

// Redis is the state of several processes, kept in one Redis, with Sentinel, or in a cluster. Keys
// are drl:<kind>:<hex hash> and always end. No step is sent twice: an answer that got lost may cost
// a claim, never give two. It is safe for concurrent use.
type Redis struct {
	client redis.UniversalClient
	memory *memory
}

// Close ends the connections.
func (r *Redis) Close() error { return errors.Join(r.client.Close(), r.memory.close()) }

// Put stores value under the hash until ttl is over; an earlier value is replaced.
func (r *Redis) Put(ctx context.Context, kind Kind, hash [32]byte, value []byte, ttl time.Duration) error {
	return r.step(ctx, "state.Put", kind, hash, func(ctx context.Context, key string) error {
		if ttl <= 0 {
			return r.client.Del(ctx, key).Err()
		}
		return r.client.Do(ctx, "SET", key, value, "PX", milliseconds(ttl)).Err()
	})
}

// Get returns the live value of the hash: NotFound when there is none or it is over.
func (r *Redis) Get(ctx context.Context, kind Kind, hash [32]byte) (value []byte, err error) {
	err = r.step(ctx, "state.Get", kind, hash, func(ctx context.Context, key string) error {
		value, err = r.client.Get(ctx, key).Bytes()
		return err
	})
	return value, err
}

// Take returns the live value of the hash and removes it. Of all callers exactly one gets it, the
// others get NotFound.
func (r *Redis) Take(ctx context.Context, kind Kind, hash [32]byte) (value []byte, err error) {
	err = r.step(ctx, "state.Take", kind, hash, func(ctx context.Context, key string) error {
		value, err = r.client.GetDel(ctx, key).Bytes()
		return err
	})
	return value, err
}

// Once claims the hash until ttl is over. first is true for exactly one caller; at is the
// millisecond of the first claim by the clock of Redis, for every caller. A claim that stands on
// memory alone (of an assertion, of a proof) is answered only after Redis has echoed the epoch: when
// it was emptied meanwhile, Lost says so before Once returns.
func (r *Redis) Once(ctx context.Context, kind Kind, hash [32]byte, ttl time.Duration) (first bool, at time.Time, err error) {
	const name = "state.Once"
	err = r.step(ctx, name, kind, hash, func(ctx context.Context, key string) error {
		answer, err := onceScript.Run(ctx, r.client, []string{key}, milliseconds(ttl)).Slice()
		if err != nil {
			return err
		}
		first, at, err = claimed(answer)
		return err
	})
	if err == nil && (kind == AssertionID || kind == ProofID) {
		err = r.echo(ctx, name)
	}
	if err != nil {
		return false, time.Time{}, err
	}
	return first, at, nil
}

// claimed reads the answer of onceScript.
func claimed(answer []any) (first bool, at time.Time, err error) {
	if len(answer) != 2 {
		return false, time.Time{}, errors.New("a claim has an unexpected answer")
	}
	n, isNumber := answer[0].(int64)
	text, isText := answer[1].(string)
	ms, err := strconv.ParseInt(text, 10, 64)
	if !isNumber || !isText || err != nil {
		return false, time.Time{}, errors.New("a claim has an unexpected answer")
	}
	return n == 1, time.UnixMilli(ms).UTC(), nil
}

// Count adds one to the bucket and returns the sum since the bucket began. A bucket ends when
// window after its first count is over.
func (r *Redis) Count(ctx context.Context, bucket string, window time.Duration) (n int, err error) {
	err = r.step(ctx, "state.Count", Rate, sha256.Sum256([]byte(bucket)), func(ctx context.Context, key string) error {
		n, err = countScript.Run(ctx, r.client, []string{key}, milliseconds(window)).Int()
		return err
	})
	return n, err
}

// Sweep removes nothing: Redis ends keys by itself.
func (r *Redis) Sweep(context.Context) (int, error) { return 0, nil }

// Lost returns the instant at which this state was seen to have lost its memory, zero when it never
// did. What was claimed before may look unclaimed; values that opened something are gone.
func (r *Redis) Lost() time.Time { return r.memory.lost() }

// Ready reports whether Redis answers and remembers.
func (r *Redis) Ready(ctx context.Context) error { return r.echo(ctx, "state.Ready") }

// step runs do on the key of a hash. NotFound is an absent value, everything else Unavailable: state
// fails closed. A server that came back since the last step is looked at before do reaches it.
func (r *Redis) step(ctx context.Context, name string, kind Kind, hash [32]byte, do func(ctx context.Context, key string) error) error {
	if err := known(name, kind); err != nil {
		return err
	}
	key := keyPrefix + kind + ":" + hex.EncodeToString(hash[:])
	return r.guarded(ctx, name, func(ctx context.Context) error { return do(ctx, key) })
}

func (r *Redis) guarded(ctx context.Context, name string, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	err := do(ctx)
	if errors.Is(err, errStranger) { // do was not sent
		if err = r.memory.verify(ctx); err == nil {
			err = do(ctx)
		}
	}
	if errors.Is(err, redis.Nil) {
		return &fhir.Error{Kind: fhir.NotFound, Op: name}
	}
	return unavailable(name, plain(err))
}

// echo asks for the epoch until Redis echoes the one that this process knows, and looks into it when
// Redis has another one.
func (r *Redis) echo(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	for {
		var raw string
		err := r.guarded(ctx, name, func(ctx context.Context) (err error) {
			raw, err = r.client.Get(ctx, epochKey).Result()
			return err
		})
		if err != nil && fhir.KindOf(err) != fhir.NotFound {
			return err
		}
		if r.memory.knows(raw) {
			return nil
		}
		if err := r.memory.verify(ctx); err != nil {
			return unavailable(name, plain(err))
		}
	}
}

// milliseconds is a life as Redis takes it: whole and above zero.
func milliseconds(d time.Duration) int64 { return max(d.Milliseconds(), 1) }

// plain leaves of a failure what an operator may read in a log. An error that Redis answers may repeat
// what was sent, so that only its first word stays.
func plain(err error) error {
	var answered redis.Error
	if err == nil || !errors.As(err, &answered) {
		return err
	}
	code, _, _ := strings.Cut(answered.Error(), " ")
	return errors.New("redis answered " + code)
}
