package smart_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/auth/state"
	"github.com/drieluik/drieluik/auth/state/statetest"
	"github.com/drieluik/drieluik/fhir"
)

// onRedis puts the state of a server into a Redis, as a process with a main store of its own.
func onRedis(t testing.TB, sv *statetest.RedisServer) func(*smart.Config) {
	return func(c *smart.Config) {
		r, err := state.OpenRedis(t.Context(), state.RedisConfig{
			URL: sv.URL(), Settings: &settings{rows: map[string][]byte{}}, Clock: c.Clock, Log: c.Log,
		})
		check(t, err)
		t.Cleanup(func() { check(t, r.Close()) })
		c.State, c.Lost = r, r.Lost
	}
}

// twin is another server on the same Redis and the same main store.
func (w *world) twin(sv *statetest.RedisServer) *world {
	w.t.Helper()
	other := &world{family: w.family, users: w.users, keys: w.keys, accounts: w.accounts}
	other.bench = newBench(w.t, onRedis(w.t, sv), func(c *smart.Config) {
		c.Family, c.Users, c.Keys, c.Registry = w.family.ports(), w.users, w.keys, w.registry
	})
	other.registry = w.registry
	return other
}

func newTwins(t *testing.T, flags ...string) (a, b *world, sv *statetest.RedisServer) {
	t.Helper()
	sv = statetest.StartRedis(t, flags...)
	a = newWorld(t, onRedis(t, sv))
	return a, a.twin(sv), sv
}

// together sends requests to two servers at one instant, half to each.
func together(n int, a, b *world, send func(w *world) answer) []answer {
	var all sync.WaitGroup
	out, start := make([]answer, n), make(chan struct{})
	for i := range n {
		w := []*world{a, b}[i%2]
		all.Go(func() {
			<-start
			out[i] = send(w)
		})
	}
	close(start)
	all.Wait()
	return out
}

// outcomes counts answers by status and rule.
func outcomes(answers []answer) map[string]int {
	out := map[string]int{}
	for _, a := range answers {
		out[strings.TrimSpace(http.StatusText(a.status)+" "+a.rule())]++
	}
	return out
}

// busy is how a step on Redis ends that a loaded machine did not make in time. It gives nothing.
const busy = "Service Unavailable state.down"

// wantAtMostOne fails unless at most one of the answers is a success and all others are of the rules, or
// of a step that came too late.
func wantAtMostOne(t *testing.T, got map[string]int, rules ...string) {
	t.Helper()
	all, known := 0, got["OK"]+got[busy]
	for _, n := range got {
		all += n
	}
	for _, rule := range rules {
		known += got[rule]
	}
	if got["OK"] > 1 || known != all || got[busy] > all/2 {
		t.Errorf("answers: %v", got)
	}
}

// wantOne is wantAtMostOne where only an answer that came too late may be the one.
func wantOne(t *testing.T, got map[string]int, rules ...string) {
	t.Helper()
	wantAtMostOne(t, got, rules...)
	if got["OK"]+got[busy] == 0 {
		t.Errorf("nobody got through: %v", got)
	}
}

func TestATT11_AnAssertionPassesOnceOverTwoServers(t *testing.T) {
	t.Parallel()
	a, b, _ := newTwins(t)
	k := ecKey(t, "k")
	a.backend("homecare", k)
	assertion := a.assertion("homecare", k, nil)
	got := outcomes(together(50, a, b, func(w *world) answer { return w.post("/auth/token", tokenForm(assertion)) }))
	wantOne(t, got, "Unauthorized jwt.replay")
}

func TestATT21_ACodeIsRedeemedOnceOverTwoServers(t *testing.T) {
	t.Parallel()
	a, b, _ := newTwins(t)
	code := a.browser().permit()
	answers := together(50, a, b, func(w *world) answer { return w.post("/auth/token", redeemForm(code)) })
	wantAtMostOne(t, outcomes(answers), "Bad Request code.used")
	for _, one := range answers {
		if one.status == http.StatusOK {
			b.wantDead("code used twice", one.text("access_token"))
			a.wantDead("code used twice", one.text("access_token"))
		}
	}
}

func TestATT61_ARefreshTokenIsUsedOnceOverTwoServers(t *testing.T) {
	t.Parallel()
	a, b, _ := newTwins(t)
	token := a.tokens().text("refresh_token")
	answers := together(50, a, b, func(w *world) answer { return w.refresh(token) })
	wantAtMostOne(t, outcomes(answers), "Bad Request refresh.used", "Bad Request refresh.withdrawn")
	for _, one := range answers {
		if one.status == http.StatusOK {
			a.wantDead("reused", one.text("access_token"))
			b.wantDead("reused", one.text("access_token"))
		}
	}
}

// TestSMART512_ARevocationActsAtEveryServer on its next request.
func TestSMART512_ARevocationActsAtEveryServer(t *testing.T) {
	t.Parallel()
	a, b, _ := newTwins(t, statetest.Locked()...)
	k := ecKey(t, "k")
	a.backend("homecare", k)
	token := a.bearer("homecare", k)
	if got := b.ask("/auth/introspect", "homecare", k, token); got.json["active"] != true || b.principal(token).State != auth.TokenActive {
		t.Fatalf("the other server does not know the token: %s", got.body)
	}
	if got := a.ask("/auth/revoke", "homecare", k, token); got.status != http.StatusOK {
		t.Fatalf("revoke: %d %s", got.status, got.body)
	}
	b.wantDead("revoked", token)
	if got := b.ask("/auth/introspect", "homecare", k, token); got.body != `{"active":false}` {
		t.Errorf("introspection: %s", got.body)
	}
	grant := b.tokens()
	if a.principal(grant.text("access_token")).State != auth.TokenActive {
		t.Fatal("the other server does not know the grant")
	}
	b.post("/auth/revoke", url.Values{"client_id": {"app"}, "token": {grant.text("refresh_token")}})
	a.wantDead("grant revoked", grant.text("access_token"))
	wantFault(t, a.refresh(grant.text("refresh_token")), 400, "invalid_grant", "refresh.withdrawn")
}

// TestATT28_ALaunchHandleOpensOnceOverTwoServers, and a form of permission gets through once.
func TestATT28_ALaunchHandleOpensOnceOverTwoServers(t *testing.T) {
	t.Parallel()
	sv := statetest.StartRedis(t)
	a := newWard(t, onRedis(t, sv))
	b := a.twin(sv)
	handle := a.handle(fullLaunch)
	target := "/auth/authorize?" + asking(launched(handle)...).Encode()
	opened := 0
	for _, one := range together(16, a.world, b, func(w *world) answer {
		return w.do(httptest.NewRequest(http.MethodGet, target, nil))
	}) {
		if strings.HasPrefix(one.header.Get("Location"), "/auth/login") {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("the handle opened %d times, want once", opened)
	}
	u := a.browser()
	u.authorize()
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	form := u.fields("decision", "allow", "group", "child", "duration", "3m")
	permitted := 0
	for _, one := range together(16, a.world, b, func(w *world) answer {
		second := &browser{w: w, jar: maps.Clone(u.jar)}
		second.send(http.MethodPost, "/auth/consent", form)
		return second.page
	}) {
		if one.status == http.StatusOK && strings.Contains(one.body, "code=") {
			permitted++
		}
	}
	if permitted != 1 {
		t.Errorf("the form got through %d times, want once", permitted)
	}
}

// attempts are one of each request that needs the state.
func (w *ward) attempts(k *testKey, u *browser, code, access, refresh string) map[string]func() answer {
	page := func(target string) func() answer {
		return func() answer {
			v := &browser{w: w.world, jar: maps.Clone(u.jar)}
			v.get(target)
			return v.page
		}
	}
	return map[string]func() answer{
		"token":      func() answer { return w.token("homecare", k) },
		"redeem":     func() answer { return w.post("/auth/token", redeemForm(code)) },
		"refresh":    func() answer { return w.refresh(refresh) },
		"introspect": func() answer { return w.ask("/auth/introspect", "homecare", k, access) },
		"revoke":     func() answer { return w.post("/auth/revoke", url.Values{"client_id": {"app"}, "token": {refresh}}) },
		"launch":     func() answer { return w.launch(nil) },
		"secret":     func() answer { return w.refreshAs(refresh, w.basic()) },
		"authorize":  page("/auth/authorize?" + asking().Encode()),
		"page":       page(u.at),
		"apps":       page("/auth/apps"),
		"logout":     page("/auth/logout"),
	}
}

// TestATT69_WithoutRedisNothingIsServed: 503 within 2 s with Retry-After, and all is well again when
// Redis is back.
func TestATT69_WithoutRedisNothingIsServed(t *testing.T) {
	t.Parallel()
	sv := statetest.StartRedis(t, statetest.Locked()...)
	w := newWard(t, onRedis(t, sv))
	k := ecKey(t, "k")
	w.backend("homecare", k)
	a := w.tokens()
	u := w.browser()
	code := u.permit("scope", "patient/Patient.r")
	u.authorize()
	attempts := w.attempts(k, u, code, a.text("access_token"), a.text("refresh_token"))
	check(t, sv.Process().Signal(syscall.SIGSTOP))
	wantDown(t, "silent", sv, attempts)
	sv.Kill()
	wantDown(t, "gone", sv, attempts)
	r := httptest.NewRequest(http.MethodGet, "/fhir/Patient", nil)
	r.Header.Set("Authorization", "Bearer "+a.text("access_token"))
	if p, err := w.server.Authenticate(r); fhir.KindOf(err) != fhir.Unavailable || p.State == auth.TokenActive {
		t.Errorf("FHIR: %v, %v", p.State, err)
	}
	sv.Start(t)
	deadline := time.Now().Add(10 * time.Second)
	for w.token("homecare", k).status != http.StatusOK {
		if time.Now().After(deadline) {
			t.Fatal("the server does not recover")
		}
	}
	if w.principal(a.text("access_token")).State != auth.TokenActive {
		t.Error("the token is gone, though Redis keeps an append-only file")
	}
	for _, name := range []string{"redeem", "refresh", "introspect", "launch", "authorize", "apps"} {
		if got := attempts[name](); got.status >= http.StatusBadRequest {
			t.Errorf("%s after recovery: %d %s", name, got.status, got.body)
		}
	}
	statetest.Silent(t, "the log", w.log.String(), map[string]string{"password of Redis": statetest.Password, "token": a.text("access_token"), "keys": "drl:"})
}

// wantDown makes all attempts at once.
func wantDown(t *testing.T, how string, sv *statetest.RedisServer, attempts map[string]func() answer) {
	t.Helper()
	var all sync.WaitGroup
	for name, attempt := range attempts {
		all.Go(func() {
			start := time.Now()
			got := attempt()
			if took := time.Since(start); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "1" || took > 2*time.Second {
				t.Errorf("%s, %s: %d, Retry-After %q, after %v", how, name, got.status, got.header.Get("Retry-After"), took)
			}
			if got.json["error"] != nil && got.json["error"] != "temporarily_unavailable" {
				t.Errorf("%s, %s: %s", how, name, got.body)
			}
			for _, word := range []string{"redis", "dial", "tcp", "timeout", sv.Addr, statetest.Password} {
				if strings.Contains(strings.ToLower(got.body), word) {
					t.Errorf("%s, %s says %q: %s", how, name, word, got.body)
				}
			}
		})
	}
	all.Wait()
}

// TestATT69_AfterAFlushOldAssertionsAreRefused: what was used before must not pass again.
func TestATT69_AfterAFlushOldAssertionsAreRefused(t *testing.T) {
	t.Parallel()
	sv := statetest.StartRedis(t)
	w := newWorld(t, onRedis(t, sv))
	k := ecKey(t, "k")
	w.backend("homecare", k)
	start := w.clock()
	with := func(exp, iat time.Duration) answer { // relative to now; iat 0: none
		claims := map[string]any{"exp": w.clock().Add(exp).Unix(), "iat": nil}
		if iat != 0 {
			claims["iat"] = w.clock().Add(iat).Unix()
		}
		return w.post("/auth/token", tokenForm(w.assertion("homecare", k, claims)))
	}
	long := w.assertion("homecare", k, map[string]any{"exp": start.Add(360 * time.Second).Unix(), "iat": nil})
	token := w.post("/auth/token", tokenForm(long)).text("access_token")
	if token == "" || with(300*time.Second, 0).status != http.StatusOK {
		t.Fatal("no token before the flush")
	}
	check(t, sv.Client(t).FlushAll(t.Context()).Err())
	w.wantDead("flushed", token)
	steps := []struct {
		name     string
		at       time.Duration
		exp, iat time.Duration
		refused  bool
	}{
		{"no iat", 0, 300 * time.Second, 0, true},
		{"iat now", 0, 300 * time.Second, -time.Second, true},
		{"the first minute is not over", 59 * time.Second, 300 * time.Second, time.Second, true},
		{"iat after the first minute", 62 * time.Second, 300 * time.Second, -time.Second, false},
		{"iat before", 62 * time.Second, 300 * time.Second, -30 * time.Second, true},
		{"no iat, near the end", 359 * time.Second, 300 * time.Second, 0, true},
		{"no iat, after it", 361 * time.Second, 300 * time.Second, 0, false},
	}
	for _, s := range steps {
		w.now.Store(start.Add(s.at).UnixMilli())
		got := with(s.exp, s.iat)
		if s.refused {
			wantFault(t, got, 401, "invalid_client", "jwt.epoch")
		} else if got.status != http.StatusOK {
			t.Errorf("%s: %d %s", s.name, got.status, got.body)
		}
	}
	w.now.Store(start.Add(400 * time.Second).UnixMilli())
	wantFault(t, w.post("/auth/token", tokenForm(long)), 401, "invalid_client", "jwt.epoch") // valid through the skew
}

// TestATT67_RedisHoldsNoSecret after every flow: no token, code, verifier, name or number.
func TestATT67_RedisHoldsNoSecret(t *testing.T) {
	t.Parallel()
	sv := statetest.StartRedis(t)
	w := newWard(t, onRedis(t, sv))
	k := ecKey(t, "k")
	w.backend("homecare", k)
	assertion := w.assertion("homecare", k, map[string]any{"jti": "jti-999990019"})
	backend := w.post("/auth/token", tokenForm(assertion))
	u := w.browser()
	code := u.permit("state", "marker-state", "nonce", "marker-nonce", "login_hint", "marker-hint")
	a := w.post("/auth/token", redeemForm(code))
	refreshed := w.refresh(a.text("refresh_token"))
	open := w.browser()
	open.authorize("state", "marker-state", "nonce", "marker-nonce") // stands in the middle
	handle := w.handle(fullLaunch)
	nurseAt := w.browser()
	opened := w.redeemAs(nurseAt.open(handle, "state", "marker-state"), w.basic())
	fresh := w.handle(map[string]any{"patient": "Patient/boris"})
	for _, wrong := range []string{"999990019", "Boris"} {
		w.post("/auth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"drr_" + wrong}, "client_id": {wrong}})
		w.post("/auth/introspect", url.Values{"token": {wrong}}, "Authorization", fmtBasic("viewer", wrong))
	}
	dump := sv.Dump(t)
	secrets := map[string]string{
		"assertion": assertion, "backend token": backend.text("access_token"), "code": code, "verifier": verifier,
		"access token": a.text("access_token"), "refresh token": a.text("refresh_token"), "id token": a.text("id_token"),
		"second access token": refreshed.text("access_token"), "second refresh token": refreshed.text("refresh_token"),
		"launch handle": handle, "unused launch handle": fresh, "staff token": opened.text("access_token"), "client secret": w.secret.Reveal(),
		"browser cookie": u.jar["__Host-drl_b"], "session cookie": u.jar["__Host-drl_s"], "staff cookie": nurseAt.jar["__Host-drl_s"],
		"interaction": open.fields().Get("ixn"), "form field": open.fields().Get("csrf"), "password": parentPass, "login": parentLogin,
		"BSN": "999990019", "marker": "marker-", "given name": "Boris", "other child": "Anna", "client name": "Ouder-app", "organisation": "Zorg",
	}
	for name, secret := range secrets {
		if secret == "" {
			t.Errorf("no %s: the flow did not happen", name)
		}
	}
	statetest.Silent(t, "Redis", statetest.Text(dump), secrets)
	statetest.Silent(t, "the log", w.log.String(), secrets)
	kinds := map[string]bool{}
	for key := range dump {
		kinds[strings.Split(key, ":")[1]] = true
	}
	for _, kind := range []string{"grant", "at", "rt", "rtused", "code", "codeused", "launch", "ixn", "sess", "jti", "rate", "epoch"} {
		if !kinds[kind] {
			t.Errorf("no key of kind %s: the flow did not happen", kind)
		}
	}
}
