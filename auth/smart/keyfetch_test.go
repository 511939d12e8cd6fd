package smart_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
)

// keyHost publishes key sets on loopback and counts what reaches it.
type keyHost struct {
	*httptest.Server
	hits   atomic.Int64
	mu     sync.Mutex
	answer http.HandlerFunc
}

func newKeyHost(t *testing.T) *keyHost {
	t.Helper()
	h := &keyHost{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.hits.Add(1)
		h.mu.Lock()
		answer := h.answer
		h.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *keyHost) serve(f http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

func (h *keyHost) publish(cacheControl string, keys ...*testKey) {
	h.serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if cacheControl != "" {
			w.Header().Set("Cache-Control", cacheControl)
		}
		fmt.Fprintf(w, "%s", jwks(keys...))
	})
}

func (h *keyHost) hostport() string { return strings.TrimPrefix(h.URL, "http://") }

// byURL is a bench whose client publishes its keys on host, which the operator has named.
func byURL(t *testing.T, host *keyHost) *bench {
	t.Helper()
	b := newBench(t, func(c *smart.Config) { c.Settings.JWKSPrivateHosts = []string{host.hostport()} })
	b.addByURL("homecare", host.URL+"/jwks")
	return b
}

func (b *bench) addByURL(id, address string) {
	b.t.Helper()
	b.add(smart.Client{ID: id, Name: "Homecare", Type: smart.TypeBackend, Scope: scope, JWKSURI: address, Organization: "urn:x|1"})
}

func TestSMART328_KeysByURL(t *testing.T) {
	t.Parallel()
	host, k := newKeyHost(t), ecKey(t, "k")
	host.serve(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "application/json" || r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("request headers = %v", r.Header)
		}
		w.Header().Set("Content-Type", "application/jwk-set+json; charset=utf-8")
		fmt.Fprintf(w, "%s", jwks(k))
	})
	b := byURL(t, host)
	b.bearer("homecare", k)
	b.bearer("homecare", k)
	if n := host.hits.Load(); n != 1 {
		t.Errorf("%d fetches for two tokens, want 1", n)
	}
	jku := k.compact(string(toJSON(merge(k.header(), map[string]any{"jku": host.URL + "/jwks"}))), string(toJSON(b.claims("homecare"))))
	if a := b.post("/auth/token", tokenForm(jku)); a.status != http.StatusOK {
		t.Errorf("jku of the registration: %s", a.body)
	}
	for _, other := range []string{"/jwks?x=1", "/x/../jwks", "/JWKS"} { // ATT-05
		jku := k.compact(string(toJSON(merge(k.header(), map[string]any{"jku": host.URL + other}))), string(toJSON(b.claims("homecare"))))
		wantFault(t, b.post("/auth/token", tokenForm(jku)), 401, "invalid_client", "jwt.jku")
	}
	if n := host.hits.Load(); n != 1 {
		t.Errorf("a foreign jku was fetched")
	}
}

func TestSMART328_CacheLife(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		control string
		life    time.Duration // just before its end no second fetch, at its end one
	}{
		"absent":       {"", 300 * time.Second},
		"max-age":      {"public, max-age=30", 30 * time.Second},
		"beyond 1 h":   {"max-age=86400", time.Hour},
		"no-store":     {"max-age=600, no-store", 0},
		"no-cache":     {"no-cache", 0},
		"zero":         {"max-age=0", 0},
		"not a number": {"max-age=soon", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, k := newKeyHost(t), ecKey(t, "k")
			host.publish(c.control, k)
			b := byURL(t, host)
			b.bearer("homecare", k)
			if c.life > 0 {
				b.advance(c.life - time.Millisecond)
				b.bearer("homecare", k)
				if n := host.hits.Load(); n != 1 {
					t.Errorf("%d fetches within the life, want 1", n)
				}
				b.advance(time.Millisecond)
			}
			b.bearer("homecare", k)
			if n := host.hits.Load(); n != 2 {
				t.Errorf("%d fetches after the life, want 2", n)
			}
		})
	}
}

func TestSMART328_UnknownKidRefetchesOncePer10s(t *testing.T) {
	t.Parallel()
	host, old, fresh := newKeyHost(t), ecKey(t, "old"), ecKey(t, "fresh")
	host.publish("max-age=3600", old)
	b := byURL(t, host)
	b.bearer("homecare", old)
	host.publish("max-age=3600", old, fresh)
	for range 3 {
		wantFault(t, b.token("homecare", fresh), 401, "invalid_client", "jwt.kid")
	}
	if n := host.hits.Load(); n != 1 {
		t.Errorf("%d fetches within 10 s, want 1", n)
	}
	b.advance(10 * time.Second)
	b.bearer("homecare", fresh)
	if n := host.hits.Load(); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}
}

func TestATT16_UnusableKeySets(t *testing.T) {
	t.Parallel()
	k := ecKey(t, "k")
	body := string(jwks(k))
	plain := func(kind, body string, status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	private := strings.Replace(body, `"kid"`, `"d":"AAAA","kid"`, 1)
	cases := map[string]struct {
		answer http.HandlerFunc
		rule   string
	}{
		"404":              {plain("application/json", body, 404), "jwks.fetch"},
		"201":              {plain("application/json", body, 201), "jwks.fetch"},
		"HTML":             {plain("text/html", body, 200), "jwks.fetch"},
		"no type":          {plain("", body, 200), "jwks.fetch"},
		"no JSON":          {plain("application/json", "<html>", 200), "jwks.form"},
		"private members":  {plain("application/json", private, 200), "jwks.form"},
		"larger than 64 K": {plain("application/json", body+strings.Repeat(" ", 64<<10), 200), "jwks.fetch"},
		"gzip": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			plain("application/json", body, 200)(w, r)
		}, "jwks.fetch"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/moved" {
				plain("application/json", body, 200)(w, r)
				return
			}
			http.Redirect(w, r, "/moved", http.StatusFound)
		}, "jwks.fetch"},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				if _, err := fmt.Fprint(w, strings.Repeat(" ", 4096)); err != nil {
					return
				}
			}
		}, "jwks.fetch"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := newKeyHost(t)
			host.serve(c.answer)
			b := byURL(t, host)
			wantFault(t, b.token("homecare", k), 401, "invalid_client", c.rule)
			hits := host.hits.Load()
			b.advance(10*time.Second - time.Millisecond)
			wantFault(t, b.token("homecare", k), 401, "invalid_client", c.rule) // remembered
			if n := host.hits.Load(); n != hits {
				t.Errorf("%d fetches within 10 s of the failure, want %d", n, hits)
			}
			host.publish("", k)
			b.advance(time.Millisecond)
			b.bearer("homecare", k)
			if !strings.Contains(b.log.String(), `"jwks_fetch_failed"`) {
				t.Error("no jwks_fetch_failed in the log")
			}
		})
	}
}

func TestATT16_AHangingHostEndsWithin3s(t *testing.T) {
	t.Parallel()
	host, k := newKeyHost(t), ecKey(t, "k")
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	host.serve(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	b := byURL(t, host)
	b.backend("hospital", k)
	hung := make(chan answer, 1)
	start := time.Now()
	go func() { hung <- b.token("homecare", k) }()
	b.bearer("hospital", k) // another client feels nothing
	select {
	case <-hung:
		t.Fatal("another client waited for the hanging host")
	default:
	}
	wantFault(t, <-hung, 401, "invalid_client", "jwks.fetch")
	// The limit is 3 s; a loaded machine may notice late.
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("took %v, want about 3 s", d)
	}
}

func TestStaleKeysAreNeverUsed(t *testing.T) {
	t.Parallel()
	host, k := newKeyHost(t), ecKey(t, "k")
	host.publish("max-age=30", k)
	b := byURL(t, host)
	b.bearer("homecare", k)
	host.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	b.advance(30 * time.Second)
	wantFault(t, b.token("homecare", k), 401, "invalid_client", "jwks.fetch")
}

func TestSingleFlight(t *testing.T) {
	t.Parallel()
	host, k := newKeyHost(t), ecKey(t, "k")
	waiting, release := make(chan struct{}), make(chan struct{})
	host.serve(func(w http.ResponseWriter, _ *http.Request) {
		close(waiting) // a second fetch would panic here
		<-release
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "%s", jwks(k))
	})
	b := byURL(t, host)
	var done sync.WaitGroup
	for range 16 {
		done.Go(func() {
			if a := b.token("homecare", k); a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	<-waiting
	close(release)
	done.Wait()
	if n := host.hits.Load(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

func TestAFailedFetchIsSharedSafely(t *testing.T) {
	t.Parallel()
	host, k := newKeyHost(t), ecKey(t, "k")
	host.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	b := byURL(t, host)
	b.addByURL("hospital", host.URL+"/jwks") // the same address
	var done sync.WaitGroup
	for i := range 16 {
		id := []string{"homecare", "hospital"}[i%2]
		done.Go(func() { wantFault(t, b.token(id, k), 401, "invalid_client", "jwks.fetch") })
	}
	done.Wait()
	for _, id := range []string{"homecare", "hospital"} {
		if n := strings.Count(b.log.String(), `"client_auth_failed","outcome":"refused","rule":"jwks.fetch","client_id":"`+id+`","organization":"Organization/org-1"`); n != 8 {
			t.Errorf("%d refusals in the log name %s, want 8", n, id)
		}
	}
}

func TestAtMost8FetchesAtOnce(t *testing.T) {
	t.Parallel()
	const clients = 20
	host, k := newKeyHost(t), ecKey(t, "k")
	var running, most atomic.Int64
	full, release := make(chan struct{}), make(chan struct{})
	reached := sync.OnceFunc(func() { close(full) })
	host.serve(func(w http.ResponseWriter, _ *http.Request) {
		n := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		if n == 8 {
			reached()
		}
		<-release
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "%s", jwks(k))
	})
	b := byURL(t, host)
	var done sync.WaitGroup
	for i := range clients {
		id := fmt.Sprintf("client-%d", i)
		b.addByURL(id, fmt.Sprintf("%s/jwks/%d", host.URL, i))
		done.Go(func() {
			if a := b.token(id, k); a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	<-full
	close(release)
	done.Wait()
	if n := most.Load(); n != 8 {
		t.Errorf("%d fetches at once, want 8", n)
	}
}

func TestATT15_AddressesThatAreNotFetched(t *testing.T) {
	t.Parallel()
	host, k := newKeyHost(t), ecKey(t, "k")
	host.publish("", k)
	_, port, _ := strings.Cut(host.hostport(), ":")
	b := newBench(t) // nothing in jwksPrivateHosts
	for i, h := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1.2.3"} {
		id := fmt.Sprintf("client-%d", i)
		b.addByURL(id, "http://"+h+":"+port+"/jwks")
		wantFault(t, b.token(id, k), 401, "invalid_client", "jwks.addr")
	}
	if n := host.hits.Load(); n != 0 {
		t.Errorf("the listener saw %d requests", n)
	}
}

func TestATT15_PlainHTTPNeedsALoopbackServer(t *testing.T) {
	t.Parallel()
	host, k := newKeyHost(t), ecKey(t, "k")
	host.publish("", k)
	b := newBench(t, func(c *smart.Config) {
		c.Base = "https://as.example"
		c.Settings.JWKSPrivateHosts = []string{host.hostport()}
	})
	b.addByURL("homecare", host.URL+"/jwks")
	f := url.Values{
		"grant_type": {"client_credentials"}, "scope": {scope}, "client_assertion_type": {jwtBearer},
		"client_assertion": {b.assertion("homecare", k, map[string]any{"aud": "https://as.example"})},
	}
	wantFault(t, b.post("/auth/token", f), 401, "invalid_client", "jwks.addr")
	if n := host.hits.Load(); n != 0 {
		t.Errorf("the listener saw %d requests", n)
	}
}
