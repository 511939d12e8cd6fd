package main_test

import (
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/state/statetest"
)

// shared is the public URL of servers that stand behind one address.
const shared = "http://127.0.0.1:1"

// startBehind starts a server that stands behind the shared address.
func (s *site) startBehind(t *testing.T, flags ...string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	sv := s.start(t, append([]string{"--base-url", shared, "--listen", addr}, flags...)...)
	sv.base = "http://" + addr
	return sv
}

// assertion signs a new assertion of a system.
func (s *site) assertion(t *testing.T, system string) string {
	t.Helper()
	text, stderr, code := tool(t, "client", "assertion", "--client-id", system, "--key", s.keys[system], "--audience", shared+"/auth/token")
	if code != 0 {
		t.Fatalf("client assertion: %s", stderr)
	}
	return strings.TrimSpace(text)
}

// post sends a form with an assertion.
func (sv *server) post(t *testing.T, path, assertion string, more url.Values) reply {
	t.Helper()
	form := url.Values{"client_assertion": {assertion}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
	maps.Copy(form, more)
	res, err := (&http.Client{Timeout: 10 * time.Second}).PostForm(sv.base+path, form)
	if err != nil {
		t.Error(err)
		return reply{}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return reply{status: res.StatusCode, header: res.Header, body: body}
}

func askToken() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "scope": {"system/*.rs"}}
}

// enter gets a token for a system.
func (sv *server) enter(t *testing.T, system string) *caller {
	t.Helper()
	r := sv.post(t, "/auth/token", sv.site.assertion(t, system), askToken())
	token, ok := object(t, r.body)["access_token"].(string)
	if !ok {
		t.Fatalf("no token: %d %s", r.status, r.body)
	}
	return &caller{base: sv.base, token: token, http: &http.Client{Timeout: 10 * time.Second}}
}

// at is the same caller before another server.
func (c *caller) at(sv *server) *caller { return &caller{base: sv.base, token: c.token, http: c.http} }

func (c *caller) status(t *testing.T, path string) int {
	t.Helper()
	r, err := c.do(http.MethodGet, path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.status
}

// TestATT69_RedisIsKilledUnderTheServer: token and FHIR answer 503 soon, readiness says why, and all
// is well when Redis is back.
func TestATT69_RedisIsKilledUnderTheServer(t *testing.T) {
	t.Parallel()
	redis, s := statetest.StartRedis(t, statetest.Locked()...), newSite(t)
	sv := s.startBehind(t, "--redis", redis.URL())
	c := sv.enter(t, "homecare")
	anybody := &caller{base: sv.base, http: c.http}
	if r, err := anybody.do(http.MethodGet, "/readyz", "", nil); err != nil || string(r.body) != "store: yes\naudit: yes\nredis: yes\n" {
		t.Errorf("readyz: %s %v", r.body, err)
	}
	redis.Kill()
	assertion := s.assertion(t, "homecare")
	down := map[string]func() reply{
		"token": func() reply { return sv.post(t, "/auth/token", assertion, askToken()) },
		"FHIR":  func() reply { return read(t, c, "/fhir/Organization") },
		"authorize": func() reply {
			return read(t, anybody, "/auth/authorize?client_id=x&redirect_uri=x")
		},
	}
	for name, ask := range down {
		start := time.Now()
		r := ask()
		if took := time.Since(start); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "1" || took > 2*time.Second {
			t.Errorf("%s: %d, Retry-After %q, after %v: %s", name, r.status, r.header.Get("Retry-After"), took, r.body)
		}
	}
	if r := read(t, anybody, "/readyz"); r.status != http.StatusServiceUnavailable || string(r.body) != "store: yes\naudit: yes\nredis: no\n" {
		t.Errorf("readyz: %d %s", r.status, r.body)
	}
	if got := anybody.status(t, "/healthz"); got != http.StatusOK {
		t.Errorf("healthz: %d", got)
	}
	redis.Start(t)
	deadline := time.Now().Add(10 * time.Second)
	for anybody.status(t, "/readyz") != http.StatusOK {
		if time.Now().After(deadline) {
			t.Fatalf("the server does not recover\n%s", sv.log)
		}
	}
	if got := c.status(t, "/fhir/Organization"); got != http.StatusOK {
		t.Errorf("the token after recovery: %d", got)
	}
	sv.enter(t, "hospital")
	statetest.Silent(t, "the log", sv.log.String(), map[string]string{"token": c.token, "assertion": assertion, "password of Redis": statetest.Password})
}

// TestATT69_AnEmptiedRedisEndsLogins: what it held is gone, and old assertions do not pass again.
func TestATT69_AnEmptiedRedisEndsLogins(t *testing.T) {
	t.Parallel()
	redis, s := statetest.StartRedis(t), newSite(t)
	sv := s.startBehind(t, "--redis", redis.URL())
	assertion := s.assertion(t, "homecare")
	if r := sv.post(t, "/auth/token", assertion, askToken()); r.status != http.StatusOK {
		t.Fatalf("token: %d %s", r.status, r.body)
	}
	c := sv.enter(t, "homecare")
	if err := redis.Client(t).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if got := c.status(t, "/fhir/Organization"); got != http.StatusUnauthorized {
		t.Errorf("the token: %d, want 401", got)
	}
	for range 2 {
		r := sv.post(t, "/auth/token", assertion, askToken())
		if r.status != http.StatusUnauthorized || strings.Contains(string(r.body), "access_token") {
			t.Errorf("the assertion of before: %d %s", r.status, r.body)
		}
	}
	if r := sv.post(t, "/auth/token", s.assertion(t, "homecare"), askToken()); !strings.Contains(string(r.body), "jwt.epoch") {
		t.Errorf("a new assertion in the first minute: %d %s", r.status, r.body)
	}
	if !strings.Contains(sv.log.String(), "redis_memory_lost") {
		t.Error("the log says nothing of it")
	}
}

func read(t *testing.T, c *caller, path string) reply {
	t.Helper()
	r, err := c.do(http.MethodGet, path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRedisOverTLS: rediss:// with a certificate that the machine trusts, and the refusal of one that
// it does not. The URL comes by the environment, where a password belongs.
func TestRedisOverTLS(t *testing.T) {
	t.Parallel()
	redis, roots := statetest.StartRedisTLS(t)
	s := newSite(t)
	s.env = []string{"SSL_CERT_FILE=" + roots, "DRIELUIK_REDIS=" + redis.URL()}
	sv := s.startBehind(t)
	if got := sv.enter(t, "homecare").status(t, "/fhir/Organization"); got != http.StatusOK {
		t.Errorf("FHIR: %d", got)
	}
	if dump := statetest.Text(redis.Dump(t)); !strings.Contains(dump, "drl:at:") {
		t.Error("the token is not in Redis")
	}
	for name, address := range map[string]string{"nobody vouches": redis.URL(), "plain": strings.Replace(redis.URL(), "rediss:", "redis:", 1)} {
		_, stderr, code := tool(t, "serve", "--store", "sqlite:"+t.TempDir(), "--listen", "127.0.0.1:0", "--redis", address)
		if code != 1 || !strings.Contains(stderr, "cannot use the Redis") {
			t.Errorf("%s: exit %d, %q", name, code, stderr)
		}
	}
}

func TestServeSaysWhyItDoesNotTakeARedis(t *testing.T) {
	t.Parallel()
	evicting, locked := statetest.StartRedis(t, "--maxmemory-policy", "allkeys-lru"), statetest.StartRedis(t, statetest.Locked()...)
	for name, c := range map[string]struct {
		url, says string
		code      int
	}{
		"no address":     {"redis:XXX_geheim", "use redis://", 2},
		"nobody there":   {"redis://:XXX_geheim@127.0.0.1:1", "check that it runs", 1},
		"it drops keys":  {evicting.URL(), "set maxmemory-policy noeviction", 1},
		"wrong password": {"redis://:XXX_geheim@" + locked.Addr, "--redis", 1},
	} {
		_, stderr, code := tool(t, "serve", "--store", "sqlite:"+t.TempDir(), "--listen", "127.0.0.1:0", "--redis", c.url)
		if code != c.code || !strings.Contains(stderr, c.says) || strings.Contains(stderr, "XXX") {
			t.Errorf("%s: exit %d, %q; want %d and %q", name, code, stderr, c.code, c.says)
		}
	}
	out, stderr, code := tool(t, "serve", "--check", "--redis", "rediss://drieluik:XXX_geheim@h:1/2?addr=i:1&master_name=m&sentinel_password=XXX_ook")
	if want := "redis: rediss://drieluik:***@h:1/2?addr=i:1&master_name=m&sentinel_password=***\n"; code != 0 || !strings.Contains(out, want) {
		t.Errorf("exit %d, %q %q, want %q", code, out, stderr, want)
	}
}

// TestCheckHidesThePasswordOfRedis also where the address cannot be used as it is.
func TestCheckHidesThePasswordOfRedis(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"redis://me:marker@127.0.0.1:6379", "redis:me:marker@127.0.0.1:6379", "me:marker@127.0.0.1:6379", "redis://127.0.0.1:6379?password=marker",
		"redis://127.0.0.1:6379?addr=me:marker@127.0.0.1:6380", "redis://127.0.0.1:6379?master_name=m&sentinel_password=marker",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			if out, stderr, _ := tool(t, "serve", "--check", "--redis", address); strings.Contains(out+stderr, "marker") || !strings.Contains(out, "***") {
				t.Errorf("it says %s %s", out, stderr)
			}
		})
	}
}
