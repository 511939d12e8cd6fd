package store_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// TestAStandbyTakesOver: nobody reads from a standby, whichever the address names first. A process that lives when it
// takes over without what was written last knows nothing of that any more, and one that begins then ends what opened
// something before.
func TestAStandbyTakesOver(t *testing.T) {
	t.Parallel()
	ctx, now := context.Background(), time.Now()
	primary := storetest.StartPostgres(t)
	address := primary.NewStore(t)
	standby := primary.Standby(t)
	both := standby.Before(address)
	s := openPostgres(t, both, store.Options{})
	commit(t, s, unit("kept", 1))
	token := auth.StateOp{Verb: "put", Kind: "rt", Key: "k", Value: []byte("v"), Now: now, Expires: now.Add(time.Hour)}
	if _, err := s.State(ctx, token); err != nil {
		t.Fatal(err)
	}
	await(t, "the standby to follow", func() bool {
		return standby.Exec(ctx, `SELECT 1/count(*) FROM `+storetest.Schema(address)+`.auth_state`) == nil
	})
	if err := standby.Exec(ctx, `ALTER SYSTEM SET primary_conninfo=''`); err != nil {
		t.Fatal(err)
	}
	if err := standby.Exec(ctx, `SELECT pg_reload_conf()`); err != nil {
		t.Fatal(err)
	}
	await(t, "the standby to be cut off", func() bool {
		return primary.Exec(ctx, `SELECT 1/(1-count(*)) FROM pg_stat_replication`) == nil
	})
	commit(t, s, unit("lost", 1))
	if !exists(t, s, "lost") {
		t.Error("what was written is not read: a standby answered")
	}
	if err := primary.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Exec(ctx, `SELECT pg_promote()`); err != nil {
		t.Fatal(err)
	}
	for range 3 { // the first one finds that its connections are dead
		if _, err := s.Commit(ctx, unit("meanwhile", 1)); fhir.KindOf(err) != fhir.Unavailable {
			t.Errorf("commit: %v", err)
		}
		if err := s.View(ctx, func(v exchange.Snapshot) error { _, err := v.State("boris"); return err }); fhir.KindOf(err) != fhir.Unavailable {
			t.Errorf("view: %v", err)
		}
	}
	select {
	case <-s.Elsewhere():
	case <-time.After(20 * time.Second):
		t.Fatal("the store does not tell that it stands elsewhere")
	}
	anew := openPostgres(t, both, store.Options{})
	if exists(t, anew, "lost") || !exists(t, anew, "kept") {
		t.Error("the standby is not what it was")
	}
	if _, raised, err := anew.Setting(ctx, exchange.RaisedKey); !raised || err != nil {
		t.Errorf("the numbers of events are not raised: %v", err)
	}
	if _, opens, err := anew.StateGet(ctx, "rt", "k", now); opens || err != nil {
		t.Errorf("a token of before opens: %v", err)
	}
	commit(t, anew, unit("after", 1))
	there(t, anew, nil)
}

// await looks until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited for " + what)
		}
	}
}

// wire is a network to PostgreSQL that can stop to carry anything, without ending a connection.
type wire struct {
	gate sync.RWMutex // held for writing: nothing passes
	l    net.Listener
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{l: l}
	var all sync.WaitGroup
	var mu sync.Mutex
	ends := []io.Closer{l}
	all.Go(func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("unix", to)
			if err != nil {
				a.Close()
				continue
			}
			mu.Lock()
			ends = append(ends, a, b)
			mu.Unlock()
			all.Go(func() { w.carry(a, b) })
			all.Go(func() { w.carry(b, a) })
		}
	})
	t.Cleanup(func() {
		mu.Lock()
		for _, c := range ends {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return w
}

// carry passes on what comes until one side ends.
func (w *wire) carry(to, from net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.gate.RLock()
		if n > 0 {
			_, _ = to.Write(buf[:n]) // who does not read any more has ended
		}
		w.gate.RUnlock()
		if err != nil {
			return
		}
	}
}

// TestASilentPostgresKeepsNobodyWaiting: a server, or a network, that says nothing more without ending a connection
// makes requests Unavailable, and later ones at once; when it is back they go on.
func TestASilentPostgresKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	p := storetest.StartPostgres(t)
	u, err := url.Parse(p.NewStore(t))
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	w := newWire(t, query.Get("host")+"/.s.PGSQL."+query.Get("port"))
	query.Del("host")
	query.Del("port")
	query.Set("sslmode", "disable")
	u.Host, u.RawQuery = w.l.Addr().String(), query.Encode()
	s := openPostgres(t, u.String(), store.Options{})
	commit(t, s, unit("before", 1))
	look := func() error {
		return s.View(context.Background(), func(v exchange.Snapshot) error {
			_, err := v.Read(fhir.Ref{Type: "Goal", ID: "before"})
			return err
		})
	}
	if err := look(); err != nil {
		t.Fatal(err)
	}
	write := func() error {
		_, err := s.Commit(context.Background(), unit("silence", 1))
		return err
	}
	w.gate.Lock()
	for _, limit := range []time.Duration{50 * time.Second, 20 * time.Second} {
		ended := make(chan error, 2)
		go func() { ended <- write() }()
		go func() { ended <- look() }()
		late := time.After(limit)
		for range 2 {
			select {
			case err := <-ended:
				if fhir.KindOf(err) != fhir.Unavailable {
					t.Errorf("while it is silent: %v", err)
				}
			case <-late:
				t.Fatal("a write or a read waits")
			}
		}
	}
	w.gate.Unlock()
	await(t, "the store to go on", func() bool { return look() == nil })
	commit(t, s, unit("after", 1))
}
