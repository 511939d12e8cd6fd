package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// stateVerbs are the atomic steps of smart.md 3.2.
var stateVerbs = map[string]func(*tx, auth.StateOp) (auth.StateResult, error){
	"put":   (*tx).statePut,
	"take":  (*tx).stateTake,
	"once":  (*tx).stateOnce,
	"count": (*tx).stateCount,
	"sweep": (*tx).stateSweep,
}

// State runs one atomic step on short-lived authorisation state. It is durable when it returns.
// Its verbs:
//   - put stores Value until Expires, over what was there;
//   - take returns and removes an unexpired value: OK for exactly one caller;
//   - once claims a key until Expires: OK for the first, whose Now is At for everyone;
//   - count counts a call in a window that ends at the first one's Expires;
//   - sweep removes at most Max expired entries.
func (s *Store) State(ctx context.Context, o auth.StateOp) (auth.StateResult, error) {
	const op = "store.State"
	verb, ok := stateVerbs[o.Verb]
	if !ok {
		return auth.StateResult{}, fhir.Wrap(op, fmt.Errorf("unknown verb %q", o.Verb))
	}
	var r auth.StateResult
	err := s.writer.do(ctx, op, len(o.Value)+64, func(t *tx) error {
		res, err := verb(t, o)
		r = res
		return err
	})
	if err != nil {
		return auth.StateResult{}, err
	}
	return r, nil
}

// StateGet returns the value of a key that has not expired at now. It must not be changed.
func (s *Store) StateGet(ctx context.Context, kind, key string, now time.Time) ([]byte, bool, error) {
	k := recentKey{kind, key}
	row, moves, ok := s.recent.get(k, now)
	if ok {
		return row.value, true, nil
	}
	found, err := s.readOne(ctx, `SELECT value,exp FROM auth_state WHERE kind=? AND key=? AND exp>?`,
		args(kind, key, now.UnixMilli()), &row.value, &row.exp)
	if err != nil || !found {
		return nil, false, fhir.Wrap("store.StateGet", err)
	}
	s.recent.keep(k, row, moves)
	return row.value, true, nil
}

// readOne reads one row outside of any View.
func (s *Store) readOne(ctx context.Context, query string, a []any, dst ...any) (bool, error) {
	c, err := s.readers.take(ctx)
	if err != nil {
		return false, &fhir.Error{Kind: fhir.Unavailable, Op: "store.read", Err: err}
	}
	found, err := c.one(query, a, dst...)
	return found, errors.Join(err, s.readers.give(c, err == nil))
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (t *tx) statePut(o auth.StateOp) (auth.StateResult, error) {
	t.stale = append(t.stale, recentKey{o.Kind, o.Key})
	err := t.c.exec(`INSERT INTO auth_state VALUES(?,?,?,?,?)
		ON CONFLICT(kind,key) DO UPDATE SET value=excluded.value, at=excluded.at, exp=excluded.exp`,
		o.Kind, o.Key, notNil(o.Value), o.Now.UnixMilli(), o.Expires.UnixMilli())
	return auth.StateResult{OK: err == nil}, err
}

func (t *tx) stateTake(o auth.StateOp) (auth.StateResult, error) {
	t.stale = append(t.stale, recentKey{o.Kind, o.Key})
	var r auth.StateResult
	var err error
	r.OK, err = t.c.one(`DELETE FROM auth_state WHERE kind=? AND key=? AND exp>? RETURNING value`,
		args(o.Kind, o.Key, o.Now.UnixMilli()), &r.Value)
	return r, err
}

func (t *tx) stateOnce(o auth.StateOp) (auth.StateResult, error) {
	t.stale = append(t.stale, recentKey{o.Kind, o.Key})
	n, err := t.c.change(`INSERT INTO auth_state VALUES(?,?,?,?,?)
		ON CONFLICT(kind,key) DO UPDATE SET value=excluded.value, at=excluded.at, exp=excluded.exp WHERE auth_state.exp<=excluded.at`,
		o.Kind, o.Key, notNil(o.Value), o.Now.UnixMilli(), o.Expires.UnixMilli())
	if err != nil {
		return auth.StateResult{}, err
	}
	var at int64
	_, err = t.c.one(`SELECT at FROM auth_state WHERE kind=? AND key=?`, args(o.Kind, o.Key), &at)
	return auth.StateResult{OK: n == 1, At: time.UnixMilli(at).UTC()}, err
}

// stateCount keeps the number in value and the end of the window of the first call in exp.
func (t *tx) stateCount(o auth.StateOp) (auth.StateResult, error) {
	t.stale = append(t.stale, recentKey{o.Kind, o.Key})
	var r auth.StateResult
	_, err := t.c.one(t.c.count,
		args(o.Kind, o.Key, o.Now.UnixMilli(), o.Expires.UnixMilli()), &r.Count)
	return r, err
}

func (t *tx) stateSweep(o auth.StateOp) (auth.StateResult, error) {
	n, err := t.c.change(`DELETE FROM auth_state WHERE (kind,key) IN
		(SELECT kind,key FROM auth_state WHERE exp<=? ORDER BY exp LIMIT ?)`, o.Now.UnixMilli(), o.Max)
	t.swept = t.swept || n > 0
	return auth.StateResult{Count: int(n)}, err
}

// Lease implements exchange.Store. It goes by the store's clock.
func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	got := false
	err := s.writer.do(ctx, "store.Lease", 64, func(t *tx) error {
		now, err := t.clock()
		if err != nil {
			return err
		}
		n, err := t.c.change(`INSERT INTO lease VALUES(?,?,?) ON CONFLICT(name) DO UPDATE SET holder=excluded.holder, exp=excluded.exp
			WHERE lease.holder=excluded.holder OR lease.exp<=?`, name, holder, now+ttl.Milliseconds(), now)
		got = n == 1
		return err
	})
	return err == nil && got, err
}

// Setting returns a setting of the registry. It must not be changed.
func (s *Store) Setting(ctx context.Context, key string) ([]byte, bool, error) {
	k := recentKey{key: key}
	row, moves, ok := s.recent.get(k, time.Time{})
	if ok {
		return row.value, true, nil
	}
	found, err := s.readOne(ctx, `SELECT value FROM kv WHERE key=?`, args(settingPrefix+key), &row.value)
	if err != nil || !found {
		return nil, false, fhir.Wrap("store.Setting", err)
	}
	s.recent.keep(k, row, moves)
	return row.value, true, nil
}

// Settings returns all settings whose key begins with prefix.
func (s *Store) Settings(ctx context.Context, prefix string) (map[string][]byte, error) {
	const op = "store.Settings"
	c, err := s.readers.take(ctx)
	if err != nil {
		return nil, &fhir.Error{Kind: fhir.Unavailable, Op: op, Err: err}
	}
	out := map[string][]byte{}
	from := settingPrefix + prefix
	err = c.each(ctx, func(scan func(...any) error) error {
		var key string
		var value []byte
		if err := scan(&key, &value); err != nil {
			return err
		}
		out[strings.TrimPrefix(key, settingPrefix)] = value
		return nil
	}, `SELECT key,value FROM kv WHERE key>=? AND substr(key,1,length(?))=?`, from, from, from)
	return out, fhir.Wrap(op, errors.Join(err, s.readers.give(c, err == nil)))
}

// SaveSetting stores a setting durably; a nil value removes it.
func (s *Store) SaveSetting(ctx context.Context, key string, value []byte) error {
	return s.writer.do(ctx, "store.SaveSetting", len(key)+len(value), func(t *tx) error {
		t.stale = append(t.stale, recentKey{key: key})
		if value == nil {
			err := t.c.exec(`DELETE FROM kv WHERE key=?`, settingPrefix+key)
			return err
		}
		err := t.c.exec(`INSERT INTO kv VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value`, settingPrefix+key, value)
		return err
	})
}
