package state_test

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth/state"
	"github.com/drieluik/drieluik/auth/state/statetest"
	"github.com/drieluik/drieluik/fhir"
)

// mainStore is the main store of a process as far as the state needs it.
type mainStore struct {
	mu   sync.Mutex
	rows map[string][]byte
}

func (m *mainStore) Setting(_ context.Context, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.rows[key]
	return v, ok, nil
}

func (m *mainStore) SaveSetting(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		m.rows = map[string][]byte{}
	}
	m.rows[key] = value
	return nil
}

// connect opens the state of a process with a main store of its own.
func connect(t testing.TB, url string) *state.Redis {
	t.Helper()
	return connectWith(t, url, &mainStore{}, slog.New(slog.DiscardHandler))
}

func connectWith(t testing.TB, url string, main *mainStore, log *slog.Logger) *state.Redis {
	t.Helper()
	r, err := state.OpenRedis(t.Context(), state.RedisConfig{URL: url, Settings: main, Clock: time.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// variants are the ways in which a Redis may be set up.
func variants() map[string][]string {
	return map[string][]string{
		"open, in memory":           nil,
		"password, append-only":     statetest.Locked(),
		"cluster of one, in memory": {"--cluster-enabled", "yes"},
	}
}

// startVariant starts a server and returns its address as --redis takes it.
func startVariant(t *testing.T, flags []string) (*statetest.RedisServer, string) {
	t.Helper()
	sv := statetest.StartRedis(t, flags...)
	if !slices.Contains(flags, "--cluster-enabled") {
		return sv, sv.URL()
	}
	c := sv.Client(t)
	if err := c.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	clusterUp(t, sv)
	return sv, sv.URL() + "?cluster=true"
}

// clusterUp waits until a cluster of one serves its slots.
func clusterUp(t *testing.T, sv *statetest.RedisServer) {
	t.Helper()
	c := sv.Client(t)
	await(t, "the cluster to come up", func() bool { return strings.Contains(c.ClusterInfo(t.Context()).Val(), "cluster_state:ok") })
}

// await polls until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	poll, late := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer poll.Stop()
	for !so() {
		select {
		case <-late:
			t.Fatalf("waited in vain for %s", what)
		case <-poll.C:
		}
	}
}

func TestContractOnRedis(t *testing.T) {
	t.Parallel()
	for name, flags := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sv, url := startVariant(t, flags)
			r := connect(t, url)
			statetest.RunTimed(t, func(t *testing.T) (statetest.State, statetest.Clock) {
				forget(t, sv)
				return r, sv.Shift(t)
			})
			for key, value := range sv.Dump(t) {
				if key != "drl:epoch" && !regexp.MustCompile(`^drl:[a-z]+:[0-9a-f]{64}$`).MatchString(key) {
					t.Errorf("key %q (%q) has another form", key, value)
				}
			}
		})
	}
}

// forget empties the server but for the epoch.
func forget(t *testing.T, sv *statetest.RedisServer) {
	t.Helper()
	for key := range sv.Dump(t) {
		if key != "drl:epoch" {
			if err := sv.Client(t).Del(t.Context(), key).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestEveryKeyEnds(t *testing.T) {
	t.Parallel()
	sv := statetest.StartRedis(t)
	r, h := connect(t, sv.URL()), [32]byte{1}
	ctx := t.Context()
	for _, err := range []error{
		r.Put(ctx, state.Grant, h, []byte("v"), 90*time.Minute+time.Microsecond), r.Put(ctx, state.AccessToken, h, []byte("v"), 365*24*time.Hour),
		onlyErr(r.Once(ctx, state.CodeUsed, h, time.Hour)), onlyErr2(r.Count(ctx, "b", time.Hour)), onlyErr2(r.Count(ctx, "b", time.Hour)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c := sv.Client(t)
	for _, key := range slices.Sorted(maps.Keys(sv.Dump(t))) {
		if left := c.PTTL(ctx, key).Val(); left <= 0 && key != "drl:epoch" {
			t.Errorf("%s ends in %v", key, left)
		}
	}
}

func onlyErr(_ bool, _ time.Time, err error) error { return err }
func onlyErr2(_ int, err error) error              { return err }

func TestRedisAddresses(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"redis://h", "redis://h:1/3", "rediss://u:p@h:1", "redis://:p@[::1]:6379", "redis://h:1?addr=h:2&addr=h:3",
		"redis://h:1?cluster=true", "redis://:p@h:1?master_name=m&addr=h:2&sentinel_password=s",
	} {
		if err := state.CheckRedisURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "h:6379", "http://h", "redis://", "redis://h/x", "redis://h/-1", "redis://h/1/2", "redis://u:geheim@h:port", "redis://h?addr=x",
		"redis://h?read_timeout=0", "redis://h#f", "redis://h?skip_verify=true", "redis://h?master_name=a&master_name=b", "unix:///geheim",
	} {
		if err := state.CheckRedisURL(bad); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestStartRefusesARedisThatMayForget(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		flags []string
		want  string // of the error; empty: it starts
		says  string // of the log
	}{
		"evicts keys":         {[]string{"--maxmemory-policy", "allkeys-lru"}, "set maxmemory-policy noeviction", ""},
		"evicts keys to come": {[]string{"--maxmemory-policy", "volatile-ttl"}, "set maxmemory-policy noeviction", ""},
		"does not tell":       {[]string{"--rename-command", "CONFIG", ""}, "", "redis_config_forbidden"},
		"keeps no file":       {nil, "", "redis_append_only_off"},
		"may lose a second":   {[]string{"--appendonly", "yes"}, "", "redis_append_late"},
		"loses nothing":       {[]string{"--appendonly", "yes", "--appendfsync", "always"}, "", ""},
		"writes but is mute":  {[]string{"--appendonly", "yes", "--rename-command", "CONFIG", ""}, "", "redis_config_forbidden"},
		"wrong password":      {statetest.Locked(), "check that it runs and takes this password", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			sv := statetest.StartRedis(t, c.flags...)
			r, err := state.OpenRedis(t.Context(), state.RedisConfig{
				URL: "redis://:XXX_wrong@" + sv.Addr, Settings: &mainStore{}, Clock: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if c.want == "" && err == nil {
				err = r.Close()
			}
			if got := errText(err); (c.want == "") != (got == "") || !strings.Contains(got, c.want) || strings.Contains(got, "XXX") {
				t.Errorf("error %q, want one with %q", got, c.want)
			}
			if lines := strings.Count(log.String(), "level=WARN"); c.want == "" && !strings.HasPrefix(name, "does not") && lines > 1 {
				t.Errorf("%d lines: %s", lines, log.String())
			}
			if !strings.Contains(log.String(), c.says) || c.says == "" && log.Len() > 0 || strings.Contains(log.String(), "XXX") {
				t.Errorf("log %q, want one with %q", log.String(), c.says)
			}
		})
	}
	_, err := state.OpenRedis(t.Context(), state.RedisConfig{
		URL: "redis://127.0.0.1:1", Settings: &mainStore{}, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if got := errText(err); !strings.Contains(got, "check that it runs") {
		t.Errorf("nobody there: %q", got)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// steps are one of each step that the state has.
func steps(ctx context.Context, r *state.Redis) map[string]func() error {
	h := [32]byte{7}
	return map[string]func() error{
		"put":   func() error { return r.Put(ctx, state.AccessToken, h, []byte("XXX_geheim"), time.Minute) },
		"get":   func() error { _, err := r.Get(ctx, state.AccessToken, h); return err },
		"take":  func() error { _, err := r.Take(ctx, state.Launch, h); return err },
		"once":  func() error { _, _, err := r.Once(ctx, state.AssertionID, h, time.Minute); return err },
		"count": func() error { _, err := r.Count(ctx, "b", time.Minute); return err },
		"ready": func() error { return r.Ready(ctx) },
	}
}

// TestATT69_EveryStepFailsSoonWithoutRedis: one that is gone, and one that does not answer.
func TestATT69_EveryStepFailsSoonWithoutRedis(t *testing.T) {
	t.Parallel()
	sv := statetest.StartRedis(t, statetest.Locked()...)
	r := connect(t, sv.URL())
	signal := func(s syscall.Signal) {
		if err := sv.Process().Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	stops := map[string][2]func(){
		"silent": {func() { signal(syscall.SIGSTOP) }, func() { signal(syscall.SIGCONT) }},
		"gone":   {sv.Kill, func() { sv.Start(t) }},
	}
	for _, name := range []string{"silent", "gone"} {
		stops[name][0]()
		for step, run := range steps(t.Context(), r) {
			start := time.Now()
			err := run()
			if took := time.Since(start); fhir.KindOf(err) != fhir.Unavailable || took > 2*time.Second {
				t.Errorf("%s, %s: %v after %v, want Unavailable soon", name, step, err, took)
			}
		}
		stops[name][1]()
		recovers(t, r)
	}
	if !r.Lost().IsZero() {
		t.Error("an append-only file forgets nothing, but Lost says so")
	}
}

// recovers waits until the state works again.
func recovers(t *testing.T, r *state.Redis) {
	t.Helper()
	await(t, "the state to recover", func() bool { return r.Ready(t.Context()) == nil })
	for step, run := range steps(t.Context(), r) {
		if err := run(); err != nil && fhir.KindOf(err) != fhir.NotFound {
			t.Errorf("%s after recovery: %v", step, err)
		}
	}
}

// TestFaultsOfRedisRepeatNothingThatWasSent: what it says of a command that it does not know holds key
// and value.
func TestFaultsOfRedisRepeatNothingThatWasSent(t *testing.T) {
	t.Parallel()
	sv := statetest.StartRedis(t, "--rename-command", "SET", "")
	_, err := state.OpenRedis(t.Context(), state.RedisConfig{URL: sv.URL(), Settings: &mainStore{}, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	if got := errText(err); !strings.Contains(got, "redis answered ERR") {
		t.Errorf("start without SET: %q", got)
	}
	r := connect(t, statetest.StartRedis(t, "--rename-command", "GETDEL", "").URL())
	_, err = r.Take(t.Context(), state.Launch, [32]byte{7})
	if got := errText(err); fhir.KindOf(err) != fhir.Unavailable || got != "state.Take: redis answered ERR" {
		t.Errorf("Take without GETDEL: %q", got)
	}
}

// TestAnEmptiedRedisIsSeenAtTheNextClaim: the claim itself looks free, so that Lost must say by then
// that it may not be.
func TestAnEmptiedRedisIsSeenAtTheNextClaim(t *testing.T) {
	t.Parallel()
	for name, flags := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sv, url := startVariant(t, flags)
			main := &mainStore{}
			a, b := connectWith(t, url, main, slog.New(slog.DiscardHandler)), connect(t, url)
			if first, _, err := a.Once(t.Context(), state.AssertionID, [32]byte{1}, time.Minute); !first || err != nil || !a.Lost().IsZero() {
				t.Fatalf("claim = %v, %v; Lost %v", first, err, a.Lost())
			}
			before := time.Now().Truncate(time.Millisecond)
			if err := sv.Client(t).FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			for _, r := range []*state.Redis{a, b} { // the second sees the new epoch of the first
				if _, _, err := r.Once(t.Context(), state.AssertionID, [32]byte{1}, time.Minute); err != nil || r.Lost().Before(before) {
					t.Errorf("claim: %v, Lost %v, want after %v", err, r.Lost(), before)
				}
			}
			again := connectWith(t, url, main, slog.New(slog.DiscardHandler))
			if d := cmp.Diff(a.Lost(), again.Lost()); d != "" {
				t.Errorf("a restart forgets the loss: %s", d)
			}
			joined := connect(t, url)
			if joined.Lost().Before(before) {
				t.Errorf("a process that joins knows nothing of the loss: %v", joined.Lost())
			}
		})
	}
}

// TestRACE5_ASnapshotBringsNothingBack: Redis restarts from a snapshot in which a spent code is
// whole and a revoked token lives.
func TestRACE5_ASnapshotBringsNothingBack(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"one server": nil, "cluster": {"--cluster-enabled", "yes"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sv, url := startVariant(t, flags)
			ctx := t.Context()
			a, b := connect(t, url), connect(t, url)
			code, token := [32]byte{1}, [32]byte{2}
			put(t, a, state.Code, code)
			put(t, a, state.AccessToken, token)
			if err := sv.Client(t).Save(ctx).Err(); err != nil {
				t.Fatal(err)
			}
			if first, _, err := a.Once(ctx, state.CodeUsed, code, time.Hour); !first || err != nil {
				t.Fatal(first, err)
			}
			if _, err := b.Take(ctx, state.AccessToken, token); err != nil {
				t.Fatal(err)
			}
			sv.Kill()
			sv.Start(t)
			if flags != nil {
				clusterUp(t, sv)
			}
			if dump := statetest.Text(sv.Dump(t)); !strings.Contains(dump, "drl:code:") {
				t.Fatalf("the snapshot does not hold the code: %s", dump)
			}
			recovers(t, a)
			for name, r := range map[string]*state.Redis{"a": a, "b": b, "new": connect(t, url)} {
				for kind, hash := range map[state.Kind][32]byte{state.Code: code, state.AccessToken: token} {
					if _, err := r.Get(ctx, kind, hash); fhir.KindOf(err) != fhir.NotFound {
						t.Errorf("%s: the %s is back: %v", name, kind, err)
					}
				}
				if r.Lost().IsZero() {
					t.Errorf("%s: claims may be missing, but Lost does not say so", name)
				}
			}
			put(t, b, state.Code, code)
			if _, err := a.Get(ctx, state.Code, code); err != nil {
				t.Errorf("what is new is gone: %v", err)
			}
		})
	}
}

func put(t *testing.T, r *state.Redis, kind state.Kind, hash [32]byte) {
	t.Helper()
	if err := r.Put(t.Context(), kind, hash, []byte("v"), time.Hour); err != nil {
		t.Fatal(err)
	}
}
