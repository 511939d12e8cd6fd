package main_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth/state/statetest"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// pair is two processes on one PostgreSQL and one Redis.
type pair struct {
	*site
	pg    *storetest.Postgres
	redis *statetest.RedisServer
	a, b  *server
}

// newSharedSite is a site whose data is in a database.
func newSharedSite(t *testing.T, address string) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), keys: map[string]string{}, address: address}
	secret := make([]byte, 32)
	rand.Read(secret)
	if err := os.WriteFile(s.secret(), secret, 0o600); err != nil {
		t.Fatal(err)
	}
	s.register(t)
	return s
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{pg: storetest.StartPostgres(t)}
	p.site = newSharedSite(t, p.pg.NewStore(t))
	p.redis = statetest.StartRedis(t, statetest.Locked()...)
	flags := []string{"--redis", p.redis.URL(), "--processes", "2", "--secret-file", p.site.secret()}
	p.a, p.b = p.startBehind(t, flags...), p.startBehind(t, flags...)
	return p
}

// each lets every caller do something at once, at one process and the other in turn.
func (p *pair) each(c *caller, contenders int, do func(c *caller, n int) reply) []reply {
	out := make([]reply, contenders)
	var all sync.WaitGroup
	for i := range out {
		all.Go(func() { out[i] = do(c.at([]*server{p.a, p.b}[i%2]), i) })
	}
	all.Wait()
	return out
}

// statuses counts answers by their status.
func statuses(answers []reply) map[int]int {
	out := map[int]int{}
	for _, r := range answers {
		out[r.status]++
	}
	return out
}

// TestRACE2_TwoProcessesOnOnePostgres: what one process did holds at the other on the next request, and of
// what both try at once one succeeds. Its parts share what takes long to start.
func TestRACE2_TwoProcessesOnOnePostgres(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	t.Run("an assertion passes once", p.assertions)
	t.Run("a token and its revocation", p.tokens)
	t.Run("the same document twice is stored once", p.repeats)
	t.Run("two pushes of a new child make one Patient", p.newChild)
	t.Run("a conditional create makes one resource", p.conditional)
	t.Run("a withdrawal acts on the next request", p.withdrawals)
	t.Run("a client that is disabled is out", p.disabled)
	t.Run("another secret does not start", p.otherSecret)
	t.Run("PostgreSQL is restarted", p.restart)
	t.Run("a subscriber is told while processes die", p.deliveries)
	if out, stderr, code := p.tool(t, "audit", "verify"); code != 0 || !strings.Contains(out, "ok") {
		t.Errorf("audit verify: exit %d %s%s", code, out, stderr)
	}
	statetest.Silent(t, "the log", p.a.log.String()+p.b.log.String(), map[string]string{"address": p.address, "password of Redis": statetest.Password})
}

func (p *pair) assertions(t *testing.T) {
	for range 3 {
		assertion, got := p.assertion(t, "homecare"), map[string]int{}
		for _, r := range p.each(&caller{}, 32, func(c *caller, n int) reply {
			return []*server{p.a, p.b}[n%2].post(t, "/auth/token", assertion, askToken())
		}) {
			said, ok := object(t, r.body)["error_description"].(string)
			rule, _, _ := strings.Cut(said, ":")
			if ok {
				rule = " " + rule
			}
			got[fmt.Sprint(r.status)+rule]++
		}
		if d := cmp.Diff(map[string]int{"200": 1, "401 jwt.replay": 31}, got); d != "" {
			t.Errorf("answers (-want +got):\n%s", d)
		}
	}
}

// otherSecret: neither a third process nor a command works with keys that it cannot open.
func (p *pair) otherSecret(t *testing.T) {
	other := t.TempDir() + "/secret"
	if err := os.WriteFile(other, make([]byte, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0", "--redis", p.redis.URL(), "--processes", "3"}, {"keys", "list"}} {
		if _, stderr, code := tool(t, append(args, "--store", p.address, "--secret-file", other)...); code != 1 || !strings.Contains(stderr, "the file of the other processes") {
			t.Errorf("%s: exit %d, %s", args[0], code, stderr)
		}
	}
}

func (p *pair) tokens(t *testing.T) {
	ours := p.a.enter(t, "homecare")
	theirs := ours.at(p.b)
	if got := theirs.status(t, "/fhir/Organization"); got != http.StatusOK {
		t.Fatalf("the token of one process at the other: %d", got)
	}
	ask := url.Values{"token": {ours.token}}
	if r := p.b.post(t, "/auth/introspect", p.assertion(t, "homecare"), ask); object(t, r.body)["active"] != true {
		t.Errorf("introspection at the other process: %d %s", r.status, r.body)
	}
	if r := p.a.post(t, "/auth/revoke", p.assertion(t, "homecare"), ask); r.status != http.StatusOK {
		t.Errorf("revoke: %d %s", r.status, r.body)
	}
	if got := theirs.status(t, "/fhir/Organization"); got != http.StatusUnauthorized {
		t.Errorf("after the revocation at the other process: %d, want 401", got)
	}
	if r := p.b.post(t, "/auth/introspect", p.assertion(t, "homecare"), ask); string(r.body) != `{"active":false}` {
		t.Errorf("introspection after the revocation: %s", r.body)
	}
	secrets := map[string]string{"token": ours.token, "password of Redis": statetest.Password, "keys": "drl:"}
	statetest.Silent(t, "the log", p.a.log.String()+p.b.log.String(), secrets)
	delete(secrets, "keys")
	statetest.Silent(t, "Redis", statetest.Text(p.redis.Dump(t)), secrets)
}

func (p *pair) repeats(t *testing.T) {
	hospital := p.a.writer(t, "hospital")
	for n := range 5 {
		doc := aboutChild(t, transferFile, 900+n)
		answers := p.each(hospital, 8, func(c *caller, _ int) reply { return c.push(t, doc) })
		if d := cmp.Diff(map[int]int{201: 1, 200: 7}, statuses(answers)); d != "" {
			t.Errorf("answers (-want +got):\n%s%s", d, answers[0].body)
		}
		for _, r := range answers[1:] {
			if d := cmp.Diff(locations(t, answers[0].body), locations(t, r.body)); d != "" {
				t.Errorf("locations (-want +got):\n%s", d)
			}
		}
	}
}

func (p *pair) newChild(t *testing.T) {
	pushers := []*caller{p.a.writer(t, "homecare"), p.b.writer(t, "hospital")}
	files := []string{"boris/01-kind.json", "boris/02-kind-ziekenhuis.json"}
	for round := range 20 {
		answers := p.each(&caller{}, 2, func(_ *caller, n int) reply { return pushers[n].push(t, aboutChild(t, files[n], 700+round)) })
		patients := map[string]bool{}
		for _, r := range answers {
			if r.status != http.StatusCreated {
				t.Fatalf("round %d: %d %.300s", round, r.status, r.body)
			}
			for _, l := range locations(t, r.body) {
				if strings.HasPrefix(l, "Patient/") {
					patients[l] = true
				}
			}
		}
		if len(patients) != 1 {
			t.Errorf("round %d: %d patients", round, len(patients))
		}
	}
}

func (p *pair) conditional(t *testing.T) {
	c := p.a.writer(t, "homecare")
	child := locations(t, c.push(t, aboutChild(t, "boris/01-kind.json", 650)).body)
	patient := child[slices.IndexFunc(child, func(l string) bool { return strings.HasPrefix(l, "Patient/") })]
	for round := range 10 {
		text := fmt.Sprintf(`{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"XXX"},"subject":{"reference":%q},
			"identifier":[{"system":"urn:XXX","value":"k%d"}]}`, patient, round)
		answers := p.each(c, 8, func(c *caller, _ int) reply {
			r, err := c.doIfNone("/fhir/Goal", fmt.Sprintf("identifier=urn:XXX|k%d", round), []byte(text))
			if err != nil {
				t.Error(err)
			}
			return r
		})
		if d := cmp.Diff(map[int]int{201: 1, 200: 7}, statuses(answers)); d != "" {
			t.Fatalf("answers (-want +got):\n%s", d)
		}
	}
}

// doIfNone is a conditional create.
func (c *caller) doIfNone(path, query string, body []byte) (reply, error) {
	req, err := http.NewRequest(http.MethodPost, c.base+path, strings.NewReader(string(body)))
	if err != nil {
		return reply{}, err
	}
	req.Header = http.Header{"Content-Type": {"application/fhir+json"}, "If-None-Exist": {query}, "Authorization": {"Bearer " + c.token}}
	res, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	return reply{status: res.StatusCode, header: res.Header}, res.Body.Close()
}

// Reads of the withdrawal that are judged, and turns between them.
const (
	freshReads = 1_000
	freshTurns = 40
)

// withdrawals turns a consent on and off at one process while the other is read.
func (p *pair) withdrawals(t *testing.T) {
	home, hospital := p.a.writer(t, "homecare"), p.b.writer(t, "hospital")
	by := map[string]*caller{"homecare": home, "hospital": hospital}
	var consent, plan string
	for _, f := range []struct{ who, file string }{
		{"homecare", "boris/01-kind.json"}, {"hospital", "boris/02-kind-ziekenhuis.json"},
		{"homecare", "boris/06-zorgplan-v2.json"}, {"homecare", "boris/12-toestemming.json"},
	} {
		r := by[f.who].push(t, sample(t, f.file))
		if r.status != http.StatusCreated {
			t.Fatalf("%s: %d %.300s", f.file, r.status, r.body)
		}
		for _, l := range locations(t, r.body) {
			switch kind, _, _ := strings.Cut(l, "/"); kind {
			case "Consent":
				consent = l
			case "CarePlan":
				plan = l
			}
		}
	}
	reads, stale := 0, 0
	for turn := range freshTurns {
		open := turn%2 == 1
		status := map[bool]string{true: "active", false: "inactive"}[open]
		_, resource := home.get(t, "/fhir/"+consent)
		resource["status"] = status
		if open { // given anew
			resource["dateTime"] = time.Date(2026, 10, 31, 0, turn, 0, 0, time.UTC).Format(time.RFC3339)
		}
		text, err := json.Marshal(resource)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := home.do(http.MethodPut, "/fhir/"+consent, "application/fhir+json", text); err != nil || r.status != http.StatusOK {
			t.Fatalf("turn %d: %d %v %.300s", turn, r.status, err, r.body)
		}
		for range freshReads / freshTurns {
			reads++
			if got := hospital.status(t, "/fhir/"+plan); (got == http.StatusOK) != open {
				stale++
			}
		}
	}
	if reads < freshReads || stale > 0 {
		t.Errorf("%d of %d answers are stale", stale, reads)
	}
}

func (p *pair) disabled(t *testing.T) {
	c := p.a.enter(t, "hospital")
	for _, step := range []struct {
		do   string
		want int
	}{{"disable", http.StatusUnauthorized}, {"enable", http.StatusOK}} {
		if _, stderr, code := p.tool(t, "client", step.do, "hospital"); code != 0 {
			t.Fatalf("%s: exit %d %s", step.do, code, stderr)
		}
		for _, sv := range []*server{p.a, p.b} {
			if got := c.at(sv).status(t, "/fhir/Organization"); got != step.want {
				t.Errorf("%s: %d, want %d", step.do, got, step.want)
			}
		}
	}
}

// restart: without PostgreSQL nothing is answered, and all is well when it is back.
func (p *pair) restart(t *testing.T) {
	c := p.b.enter(t, "homecare")
	if err := p.pg.Stop(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if r := read(t, c, "/fhir/Organization"); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
			t.Errorf("FHIR: %d, Retry-After %q: %s", r.status, r.header.Get("Retry-After"), r.body)
		}
	}
	if got := c.status(t, "/healthz"); got != http.StatusOK {
		t.Errorf("healthz: %d", got)
	}
	if r := read(t, c, "/readyz"); r.status != http.StatusServiceUnavailable || !strings.Contains(string(r.body), "store: no") {
		t.Errorf("readyz: %d %s", r.status, r.body)
	}
	if err := p.pg.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for _, sv := range []*server{p.a, p.b} {
		for c.at(sv).status(t, "/readyz") != http.StatusOK {
			if time.Now().After(deadline) {
				t.Fatalf("the server does not recover\n%s", sv.log)
			}
		}
		if got := c.at(sv).status(t, "/fhir/Organization"); got != http.StatusOK {
			t.Errorf("after recovery: %d", got)
		}
	}
}

// writer is enter with the right to write.
func (sv *server) writer(t *testing.T, system string) *caller {
	t.Helper()
	ask := askToken()
	maps.Copy(ask, url.Values{"scope": {"system/*.cruds"}})
	r := sv.post(t, "/auth/token", sv.site.assertion(t, system), ask)
	token, ok := object(t, r.body)["access_token"].(string)
	if !ok {
		t.Fatalf("no token: %d %s", r.status, r.body)
	}
	return &caller{base: sv.base, token: token, http: &http.Client{Timeout: 20 * time.Second}}
}

// TestServeSaysWhatPostgresNeeds: every fault is one sentence without the password.
func TestServeSaysWhatPostgresNeeds(t *testing.T) {
	t.Parallel()
	none := "postgres://drieluik:XXX_geheim@127.0.0.1:1/none"
	secret := t.TempDir() + "/secret"
	if err := os.WriteFile(secret, make([]byte, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		flags []string
		says  string
		code  int
	}{
		"processes on a file":      {[]string{"--store", "sqlite:" + t.TempDir(), "--processes", "2"}, "more than one need PostgreSQL and Redis", 2},
		"processes without Redis":  {[]string{"--store", none, "--secret-file", secret, "--processes", "2"}, "more than one need PostgreSQL and Redis", 2},
		"no secret":                {[]string{"--store", none}, "name a file with 32 random bytes", 2},
		"nobody there":             {[]string{"--store", none, "--secret-file", secret}, "cannot use the PostgreSQL of --store", 1},
		"an address that is wrong": {[]string{"--store", "postgres://drieluik:XXX_geheim@127.0.0.1:x/none", "--secret-file", secret}, "the address of --store cannot be read", 1},
	} {
		_, stderr, code := tool(t, slices.Concat([]string{"serve", "--listen", "127.0.0.1:0"}, c.flags)...)
		if code != c.code || !strings.Contains(stderr, c.says) || strings.Contains(stderr, "XXX") {
			t.Errorf("%s: exit %d, %q; want %d and %q", name, code, stderr, c.code, c.says)
		}
	}
	out, stderr, _ := tool(t, "serve", "--check", "--store", none)
	if strings.Contains(out+stderr, "XXX") || !strings.Contains(out, "postgres://drieluik:***@127.0.0.1:1/none") {
		t.Errorf("--check says %s %s", out, stderr)
	}
}
