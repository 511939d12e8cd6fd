package statetest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/drieluik/drieluik/auth"
)

// Memory is a Table for tests: rows in a map behind one lock. It serves no production code.
type Memory struct {
	mu   sync.Mutex
	rows map[[2]string]row
	down error
}

type row struct {
	value []byte
	exp   time.Time
	at    time.Time
	count int
}

// NewMemory returns an empty table.
func NewMemory() *Memory { return &Memory{rows: map[[2]string]row{}} }

// Fail makes every later step fail with err; nil heals.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = err
}

// Values returns a copy of all stored values, for tests that look for secrets.
func (m *Memory) Values() [][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out [][]byte
	for key, r := range m.rows {
		out = append(out, []byte(key[0]+" "+key[1]), slices.Clone(r.value))
	}
	return out
}

// StateGet implements state.Table.
func (m *Memory) StateGet(_ context.Context, kind, key string, now time.Time) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return nil, false, m.down
	}
	r, ok := m.live(kind, key, now)
	return slices.Clone(r.value), ok, nil
}

// State implements state.Table.
func (m *Memory) State(_ context.Context, op auth.StateOp) (auth.StateResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return auth.StateResult{}, m.down
	}
	k := [2]string{op.Kind, op.Key}
	r, ok := m.live(op.Kind, op.Key, op.Now)
	switch op.Verb {
	case "put":
		m.rows[k] = row{value: slices.Clone(op.Value), exp: op.Expires, at: op.Now}
		return auth.StateResult{OK: true}, nil
	case "take":
		delete(m.rows, k)
		return auth.StateResult{Value: r.value, OK: ok}, nil
	case "once":
		if !ok {
			r = row{exp: op.Expires, at: op.Now.Truncate(time.Millisecond)}
			m.rows[k] = r
		}
		return auth.StateResult{OK: !ok, At: r.at}, nil
	case "count":
		r = row{exp: cmp.Or(r.exp, op.Expires), count: r.count + 1}
		m.rows[k] = r
		return auth.StateResult{Count: r.count}, nil
	case "sweep":
		return auth.StateResult{Count: m.sweep(op)}, nil
	}
	return auth.StateResult{}, errors.New("statetest: unknown verb")
}

func (m *Memory) live(kind, key string, now time.Time) (row, bool) {
	r, ok := m.rows[[2]string{kind, key}]
	if !ok || !r.exp.After(now) {
		return row{}, false
	}
	return r, true
}

func (m *Memory) sweep(op auth.StateOp) int {
	n := 0
	for k, r := range m.rows {
		if n < op.Max && !r.exp.After(op.Now) {
			delete(m.rows, k)
			n++
		}
	}
	return n
}
