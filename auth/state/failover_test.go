package state_test

import (
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/state"
	"github.com/drieluik/drieluik/auth/state/statetest"
	"github.com/drieluik/drieluik/fhir"
)

// withReplica starts a server and one that follows it, both with an append-only file.
func withReplica(t *testing.T) (master, replica *statetest.RedisServer) {
	t.Helper()
	master = statetest.StartRedis(t, "--appendonly", "yes", "--repl-diskless-sync-delay", "0")
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return master, statetest.StartRedis(t, "--appendonly", "yes", "--replicaof", host+" "+port)
}

// TestRACE5_AReplicaThatTakesOverIsNotTrusted: it may lack the last claims of its master.
func TestRACE5_AReplicaThatTakesOverIsNotTrusted(t *testing.T) {
	t.Parallel()
	master, replica := withReplica(t)
	main := &mainStore{}
	before := connectWith(t, master.URL(), main, slog.New(slog.DiscardHandler))
	put(t, before, state.Code, [32]byte{1})
	await(t, "the replica to follow", func() bool { return strings.Contains(statetest.Text(replica.Dump(t)), "drl:code:") })
	if _, err := state.OpenRedis(t.Context(), state.RedisConfig{
		URL: replica.URL(), Settings: &mainStore{}, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
	}); err == nil {
		t.Error("a replica was taken for the server")
	}
	master.Kill()
	if err := replica.Client(t).ReplicaOf(t.Context(), "no", "one").Err(); err != nil {
		t.Fatal(err)
	}
	after := connectWith(t, replica.URL(), main, slog.New(slog.DiscardHandler))
	if _, err := after.Get(t.Context(), state.Code, [32]byte{1}); fhir.KindOf(err) != fhir.NotFound || after.Lost().IsZero() {
		t.Errorf("Get = %v, Lost %v; want nothing there and a loss", err, after.Lost())
	}
}

// TestRACE5_SentinelFailsOver under a running state: only errors to try again, then the state works
// on the other server, and nothing that was there before opens anything.
func TestRACE5_SentinelFailsOver(t *testing.T) {
	t.Parallel()
	master, replica := withReplica(t)
	sentinel := statetest.StartSentinel(t, master)
	r := connect(t, "redis://"+sentinel.Addr+"?master_name=main")
	code := [32]byte{1}
	put(t, r, state.Code, code)
	await(t, "the replica to follow", func() bool { return strings.Contains(statetest.Text(replica.Dump(t)), "drl:code:") })
	await(t, "Sentinel to know the replica", func() bool {
		return strings.Contains(sentinel.Client(t).Info(t.Context(), "sentinel").Val(), "slaves=1")
	})
	master.Kill()
	await(t, "the failover", func() bool {
		err := r.Ready(t.Context())
		if err != nil && fhir.KindOf(err) != fhir.Unavailable {
			t.Errorf("while it fails over: %v", err)
		}
		return err == nil
	})
	if _, err := r.Get(t.Context(), state.Code, code); fhir.KindOf(err) != fhir.NotFound || r.Lost().IsZero() {
		t.Errorf("Get = %v, Lost %v; want nothing there and a loss", err, r.Lost())
	}
	recovers(t, r)
}
