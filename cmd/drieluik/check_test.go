package main_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/conformance/check"
)

// checkedSite is a running server that both systems have pushed something to.
func checkedSite(t *testing.T) *server {
	t.Helper()
	sv := newSite(t).start(t)
	for _, push := range []struct{ system, file string }{
		{"homecare", "boris/01-kind.json"}, {"homecare", "boris/07-zorgplan-v3.json"}, {"hospital", "boris/02-kind-ziekenhuis.json"}, {"hospital", transferFile},
	} {
		if r := sv.login(t, push.system, "").push(t, sample(t, push.file)); r.status != http.StatusCreated {
			t.Fatalf("%s: %d %.300s", push.file, r.status, r.body)
		}
	}
	return sv
}

// TestCheckFindsThatTheServerKeepsItsContract is invariant 7, and the rest of the contract, as an
// operator asks it: every rule holds.
func TestCheckFindsThatTheServerKeepsItsContract(t *testing.T) {
	t.Parallel()
	sv := checkedSite(t)
	for _, system := range []string{"homecare", "hospital"} {
		out, stderr, code := tool(t, "check", sv.base, "--client-id", system, "--key", sv.site.keys[system], "--write", "--output", "json")
		var report check.Report
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatalf("%v: %s", err, stderr)
		}
		for _, rule := range report.Rules {
			if rule.Status == check.Failed {
				t.Errorf("%s as %s: %s: %+v", rule.ID, system, rule.Title, rule.Faults)
			}
			if rule.Status == check.Skipped && !slices.Contains([]string{"removed", "history", "batch"}, rule.ID) { // as declared
				t.Errorf("%s as %s was not asked: %s", rule.ID, system, rule.Why)
			}
		}
		if code != 0 {
			t.Errorf("exit %d: %s", code, stderr)
		}
	}
}

func TestCheckWithoutAClientAsksWhatNeedsNoToken(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	out, stderr, code := tool(t, "check", sv.base+"/fhir/")
	if code != 0 || stderr != "" || !strings.Contains(out, "not asked: give --client-id") || !strings.Contains(out, " 0 failed, ") {
		t.Errorf("exit %d, stderr %q\n%s", code, stderr, out)
	}
	if _, stderr, code = tool(t, "check", "http://127.0.0.1:1"); code != 1 || !strings.Contains(stderr, "do not hold") {
		t.Errorf("no server: exit %d, %q", code, stderr)
	}
	for _, args := range [][]string{{"nonsense"}, {sv.base, "--client-id", "x"}, {sv.base, "--output", "xml"}, {}} {
		if _, stderr, code = tool(t, append([]string{"check"}, args...)...); code != 2 || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, %q", args, code, stderr)
		}
	}
}

// liar is a connection to an honest server that makes it lie.
type liar struct{ lie }

// lie changes requests on their way, or answers on theirs.
type lie struct {
	name, rule string // the rule that must find it
	kind       string // type that the run goes through; "": Goal
	ask        func(*http.Request)
	say        func(*http.Request, *http.Response, string) string
}

func (l liar) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if l.ask != nil {
		l.ask(r)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || l.say == nil {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader([]byte(l.say(r, res, string(body)))))
	return res, err
}

// ignored takes parameters that a pattern finds out of the query.
func ignored(pattern string) func(*http.Request) {
	find := regexp.MustCompile(pattern)
	return func(r *http.Request) {
		q := r.URL.Query()
		for name := range q {
			if find.MatchString(name) {
				q.Del(name)
			}
		}
		r.URL.RawQuery = q.Encode()
	}
}

// dropped takes a header off every request.
func dropped(header string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Del(header) }
}

// changed replaces a text in the bodies of answers whose path holds the first argument.
func changed(path, pattern, with string) func(*http.Request, *http.Response, string) string {
	find := regexp.MustCompile(pattern)
	return func(r *http.Request, _ *http.Response, body string) string {
		if !strings.Contains(r.URL.Path, path) {
			return body
		}
		return find.ReplaceAllString(body, with)
	}
}

// answered gives another answer to requests of a method whose URL a pattern finds.
func answered(method, pattern string, status int, body string) func(*http.Request, *http.Response, string) string {
	find := regexp.MustCompile(pattern)
	return func(r *http.Request, res *http.Response, was string) string {
		if r.Method != method || !find.MatchString(r.URL.RequestURI()) {
			return was
		}
		res.StatusCode = status
		return body
	}
}

// both tells two lies at once.
func both(a, b func(*http.Request, *http.Response, string) string) func(*http.Request, *http.Response, string) string {
	return func(r *http.Request, res *http.Response, body string) string { return b(r, res, a(r, res, body)) }
}

// headed sets a header on every answer, or takes it off.
func headed(name, value string) func(*http.Request, *http.Response, string) string {
	return func(_ *http.Request, res *http.Response, body string) string {
		if res.Header.Del(name); value != "" {
			res.Header.Set(name, value)
		}
		return body
	}
}

const (
	nothingHere = `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-supported","details":{"text":"Nothing here."},"diagnostics":"path-unknown"}]}`
	refusal     = `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid","details":{"text":"No."},"diagnostics":"no"}]}`
)

// lies are one of each kind; each is found by its rule.
var lies = []lie{
	{name: "a declared read is not served", rule: "declared-served", say: answered("GET", `/Goal/drieluik-check`, 404, nothingHere)},
	{name: "a declared search is not served", rule: "declared-served", say: answered("GET", `/Goal\?`, 405, nothingHere)},
	{name: "a declared interaction that does not exist", rule: "declared-served", say: both(
		changed("/metadata", `\{"code":"vread"\}`, `{"code":"vread"},{"code":"history-type"}`), answered("GET", `/Goal/_history`, 404, nothingHere))},
	{name: "delete works undeclared", rule: "undeclared-refused", say: both(
		changed("/metadata", `\{"code":"delete"\},?`, ``), answered("DELETE", `/Goal/`, 204, ""))},
	{name: "a declared operation that does not exist", rule: "declared-operation", say: changed("/metadata", `"name":"submit"`, `"name":"subnit"`)},
	{name: "an operation works undeclared", rule: "unknown-operation", say: answered("GET", `\$drieluik-no-such`, 200, `{"resourceType":"Parameters"}`)},
	{name: "an unknown type is an empty one", rule: "unknown-type", say: answered("GET", `/Unobtainium`, 200, `{"resourceType":"Bundle","type":"searchset"}`)},
	{name: "conditional create is declared", rule: "conditional", say: both(
		changed("/metadata", `"updateCreate"`, `"conditionalCreate":true,"updateCreate"`), answered("POST", `/Goal$`, 400, nothingHere))},
	{name: "conditional create is ignored", rule: "conditional-write", ask: dropped("If-None-Exist")},
	{name: "a declared parameter is refused", rule: "declared-parameter", say: answered("GET", `/Goal\?.*achievement-status=`, 400, refusal)},
	{name: "a declared parameter is ignored", rule: "parameter-filters", ask: ignored(`^lifecycle-status$`)},
	{name: "an unknown parameter is ignored", rule: "unknown-parameter", ask: ignored(`^drieluik`)},
	{name: "an unknown modifier is ignored", rule: "unknown-modifier", ask: ignored(`:nonsense$`)},
	{name: "an include is ignored", rule: "include", ask: ignored(`^_(rev)?include$`)},
	{name: "the total counts what is hidden", rule: "total", say: changed("/Goal", `"total":\d+`, `"total":1000`)},
	{name: "every page is the first", rule: "pages", kind: "CarePlan", ask: func(r *http.Request) {
		if r.URL.Query().Has("_page") {
			r.URL.RawQuery = "_count=2"
		}
	}},
	{name: "a read shows less than the search", rule: "read-as-found", say: changed("/Goal/", `"lifecycleStatus":"\w+",`, ``)},
	{name: "a search by _id finds nothing", rule: "found-by-id", say: answered("GET", `[?&]_id=[0-9a-f]`, 200, `{"resourceType":"Bundle","type":"searchset"}`)},
	{name: "the ETag is of another version", rule: "version-headers", say: headed("ETag", `W/"7"`)},
	{name: "a search by POST finds nothing", rule: "search-by-post", say: changed("/_search", `"entry":`, `"entries":`)},
	{name: "a hidden id says so", rule: "hidden-as-missing", say: answered("GET", `/Goal/0$`, 404, strings.Replace(refusal, "invalid", "not-found", 1))},
	{name: "a stale write is taken", rule: "stale-write", ask: dropped("If-Match")},
	{name: "half a transaction is stored", rule: "all-or-nothing", say: changed("/Basic/", `XXX_(\S+) second`, `XXX_$1 halfway`)},
	{name: "an invalid resource is taken", rule: "invalid-write", say: answered("PUT", `/Basic/`, 200, "")},
	{name: "XML is answered with JSON", rule: "accept", ask: dropped("Accept")},
	{name: "any Content-Type will do", rule: "content-type", say: answered("POST", `/CarePlan$`, 400, refusal)},
	{name: "a wrong method is a bad request", rule: "wrong-method", say: answered("DELETE", `/metadata`, 400, refusal)},
	{name: "no request id", rule: "request-id", say: headed("X-Request-Id", "")},
	{name: "one request id for all", rule: "request-id", say: headed("X-Request-Id", "1")},
	{name: "a refusal without a sentence", rule: "outcome", say: changed("/fhir", `"details":\{[^}]*\},?`, ``)},
	{name: "a refusal as text", rule: "outcome", say: answered("GET", `/Goal/drieluik-check`, 404, "404 page not found")},
	{name: "a refusal that repeats the id", rule: "no-echo", say: func(r *http.Request, res *http.Response, body string) string {
		if res.StatusCode != http.StatusNotFound {
			return body
		}
		return strings.Replace(body, "There is", r.URL.Path+" is not there. There is", 1)
	}},
	{name: "a refusal with a stack", rule: "no-leak", say: changed("/fhir", `There is no such resource`, `goroutine 7 [running]`)},
	{name: "a failure", rule: "no-server-error", say: answered("POST", `/CarePlan$`, 500, refusal)},
	{name: "405 without Allow", rule: "allow-header", say: headed("Allow", "")},
	{name: "another media type", rule: "fhir-json", say: headed("Content-Type", "text/html")},
	{name: "no challenge", rule: "no-token", say: headed("WWW-Authenticate", "")},
	{name: "another issuer", rule: "discovery", say: changed("smart-configuration", `"issuer":"`, `"issuer":"https://evil.example`)},
	{name: "an endpoint that is not there", rule: "discovery", say: changed("smart-configuration", `/auth/par"`, `/auth/pars"`)},
	{name: "the documents differ", rule: "discovery-same", say: changed("openid-configuration", `/auth/token"`, `/auth/tokens"`)},
	{name: "a private key is published", rule: "key-set", say: changed("/auth/jwks", `"kty":`, `"d":"AQAB","kty":`)},
	{name: "credentials across origins", rule: "discovery-cors", say: headed("Access-Control-Allow-Credentials", "true")},
	{name: "a token of a day", rule: "token", say: changed("/auth/token", `"expires_in":\d+`, `"expires_in":86400`)},
	{name: "every token is live", rule: "introspection", say: changed("/auth/introspect", `false`, `true`)},
}

func TestCheckFindsEachKindOfLie(t *testing.T) {
	t.Parallel()
	sv := checkedSite(t)
	key, err := os.ReadFile(sv.site.keys["homecare"])
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lies {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			report, err := check.Run(ctx, check.Options{
				URL: sv.base, ClientID: "homecare", Key: key, Types: []string{cmp.Or(l.kind, "Goal")}, Write: true, Client: &http.Client{Transport: liar{l}},
			})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(report.Rules, func(o check.Outcome) bool { return o.ID == l.rule })
			if o := report.Rules[i]; o.Status != check.Failed || len(o.Faults) == 0 || o.Todo == "" {
				t.Errorf("%s: %s after %d questions", o.ID, o.Status, o.Probes)
			}
		})
	}
}
