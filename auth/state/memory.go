package state

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// What Redis forgets must never open anything. It forgets all when it is emptied, and some when it
// comes back from a snapshot or when a replica takes over: then a claim may be gone while the code
// that it spent is back. So each connection asks which server it reaches, and nothing is sent to one
// that was not looked at; and each claim of an assertion asks for the epoch. When something was
// forgotten, the values that open something are removed, a new epoch begins, and Lost tells since
// when claims may be missing.

const (
	keyPrefix = "drl:"
	epochKey  = keyPrefix + "epoch"
	// epochSetting is where the main store keeps the epoch that Redis must echo.
	epochSetting = "auth/redis-epoch"
	// verifyTimeout bounds one look at the servers, with removing what an old snapshot brought back.
	verifyTimeout = 30 * time.Second
	scanBatch     = 1000
)

// errStranger is a server that was not looked at yet; nothing was sent to it.
var errStranger = errors.New("redis was restarted or replaced; its memory is checked first")

// Settings is the main store as far as the epoch needs it.
type Settings interface {
	Setting(ctx context.Context, key string) ([]byte, bool, error)
	SaveSetting(ctx context.Context, key string, value []byte) error
}

// epoch is one unbroken memory of Redis, as Redis keeps it.
type epoch struct {
	ID   string   `json:"id"`
	Lost int64    `json:"lost"` // Unix ms when the memory before this one was seen to be lost; 0: there was none
	Runs []string `json:"runs"` // servers that hold it
}

// knownEpoch is an epoch as the main store keeps it.
type knownEpoch struct {
	ID   string `json:"id"`
	Lost int64  `json:"lost"` // Unix ms when this store learned of the loss
}

// memory watches over what Redis remembers.
type memory struct {
	admin    redis.UniversalClient // reaches every server, looked at or not
	settings Settings
	clock    func() time.Time
	log      *slog.Logger

	mu      sync.Mutex
	known   knownEpoch
	raw     string          // the epoch as Redis echoes it
	runs    map[string]bool // servers that were looked at
	looking *look           // nil: nobody looks now
}

// look is one look at the servers; all who need it share it.
type look struct {
	done chan struct{}
	err  error
}

func (m *memory) close() error { return m.admin.Close() }

func (m *memory) knows(raw string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return raw != "" && raw == m.raw
}

func (m *memory) lost() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known.Lost == 0 {
		return time.Time{}
	}
	return time.UnixMilli(m.known.Lost)
}

// admit refuses a new connection to a server that was not looked at.
func (m *memory) admit(ctx context.Context, conn *redis.Conn) error {
	text, err := conn.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	info := infoOf(text)
	m.mu.Lock()
	defer m.mu.Unlock()
	if info["redis_mode"] == "sentinel" || m.runs[info["run_id"]] { // a Sentinel holds no state
		return nil
	}
	return errStranger
}

// verify looks at the servers and the epoch, until ctx ends.
func (m *memory) verify(ctx context.Context) error {
	m.mu.Lock()
	l := m.looking
	if l == nil {
		l = &look{done: make(chan struct{})}
		m.looking = l
		go m.look(context.WithoutCancel(ctx), l)
	}
	m.mu.Unlock()
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *memory) look(ctx context.Context, l *look) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	l.err = m.settle(ctx)
	m.mu.Lock()
	m.looking = nil
	m.mu.Unlock()
	close(l.done)
}

// settle makes one epoch of what Redis has and what the main store knows. Of processes that see the
// same loss, one begins the new epoch and the others follow it.
func (m *memory) settle(ctx context.Context) error {
	servers, err := inspect(ctx, m.admin)
	if err != nil {
		return err
	}
	for {
		raw, now, err := m.current(ctx)
		if err != nil {
			return err
		}
		next, err := m.next(ctx, now, servers)
		if err != nil {
			return err
		}
		encoded, err := json.Marshal(next)
		if err != nil {
			return err
		}
		won, err := replaceScript.Run(ctx, m.admin, []string{epochKey}, raw, encoded).Bool()
		if err != nil {
			return err
		}
		if won {
			return m.adopt(ctx, string(encoded), next, servers)
		}
	}
}

// replaceScript sets KEYS[1] to ARGV[2] if it is ARGV[1]; empty stands for absent. The epoch alone of
// all keys has no end: it says that everything else is there.
var replaceScript = redis.NewScript(`
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`)

// current reads the epoch; nil when there is none that can be read.
func (m *memory) current(ctx context.Context) (string, *epoch, error) {
	raw, err := m.admin.Get(ctx, epochKey).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	now := &epoch{}
	if json.Unmarshal([]byte(raw), now) != nil || now.ID == "" {
		return raw, nil, nil
	}
	return raw, now, nil
}

// next is the epoch that should stand: the present one as long as every server has kept it.
func (m *memory) next(ctx context.Context, now *epoch, servers []server) (epoch, error) {
	if now == nil && m.knownEpoch().ID == "" { // the first use
		return epoch{ID: newEpoch(), Runs: runsOf(servers)}, nil
	}
	came := func(s server) bool { return !slices.Contains(now.Runs, s.run) }
	if now == nil || slices.ContainsFunc(servers, func(s server) bool { return came(s) && s.forgets() }) {
		return epoch{ID: newEpoch(), Runs: runsOf(servers), Lost: m.clock().UnixMilli()}, purge(ctx, m.admin)
	}
	next := *now
	if slices.ContainsFunc(servers, came) {
		next.Runs = runsOf(servers)
	}
	return next, nil
}

func newEpoch() string {
	var id [16]byte
	rand.Read(id[:]) // crypto/rand.Read never fails
	return hex.EncodeToString(id[:])
}

func (m *memory) knownEpoch() knownEpoch {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known
}

// adopt takes the epoch for the one that Redis must echo, and lets connections to its servers through.
func (m *memory) adopt(ctx context.Context, raw string, e epoch, servers []server) error {
	known := m.knownEpoch()
	if known.ID != e.ID {
		next := knownEpoch{ID: e.ID, Lost: e.Lost}
		if known.ID != "" { // this store learns of it now
			next.Lost = m.clock().UnixMilli()
			m.log.Error("redis_memory_lost", "outcome", "tokens are gone; for some minutes assertions need a new iat")
		}
		value, err := json.Marshal(next)
		if err != nil {
			return err
		}
		if err := m.settings.SaveSetting(ctx, epochSetting, value); err != nil {
			return err
		}
		known = next
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known, m.raw, m.runs = known, raw, map[string]bool{}
	for _, run := range runsOf(servers) {
		m.runs[run] = true
	}
	return nil
}

// recall reads what the main store knows.
func (m *memory) recall(ctx context.Context) error {
	value, found, err := m.settings.Setting(ctx, epochSetting)
	if err != nil || !found {
		return err
	}
	return json.Unmarshal(value, &m.known)
}
