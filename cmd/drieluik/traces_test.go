package main_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes spans as a collector of OpenTelemetry does.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	raw   bytes.Buffer // every message as it came
	spans []*tracepb.Span
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var sent tracepb.TracesData
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(b, &sent) != nil {
			t.Errorf("the collector does not understand %s: %v", r.URL, err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw.Write(b)
		for _, of := range sent.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// flags and environment of a server that tells the collector.
func (c *collector) flags() []string { return []string{"--otlp-endpoint", c.URL} }

// wantSilent holds that nothing that came says a secret.
func (c *collector) wantSilent(t *testing.T, secrets ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, secret := range secrets {
		if i := bytes.Index(c.raw.Bytes(), []byte(secret)); i >= 0 || secret == "" {
			t.Errorf("a span says %q: …%.200q", secret, c.raw.String()[max(0, i-100):])
		}
	}
}

// stop ends a server as an operator does, and returns how long that took.
func (sv *server) stop(t *testing.T) time.Duration {
	t.Helper()
	start := time.Now()
	if err := sv.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := <-sv.done
	sv.done <- nil
	if err != nil {
		t.Errorf("the server ended with %v\n%s", err, sv.log)
	}
	return time.Since(start)
}

// words are the attributes of a span.
func words(s *tracepb.Span) map[string]string {
	out := map[string]string{}
	for _, a := range s.Attributes {
		switch v := a.Value.Value.(type) {
		case *commonpb.AnyValue_IntValue:
			out[a.Key] = fmt.Sprint(v.IntValue)
		case *commonpb.AnyValue_BoolValue:
			out[a.Key] = fmt.Sprint(v.BoolValue)
		default:
			out[a.Key] = a.Value.GetStringValue()
		}
	}
	return out
}

// find returns the spans of a name that have the words.
func (c *collector) find(name string, with map[string]string) (out []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		has := words(s)
		if s.Name == name && !slices.ContainsFunc(sortedKeys(with), func(k string) bool { return has[k] != with[k] }) {
			out = append(out, s)
		}
	}
	return out
}

// within returns the names of the spans of a trace below a span, each with that of its parent.
func (c *collector) within(root *tracepb.Span) map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	names, out := map[string]string{}, map[string]bool{}
	for _, s := range c.spans {
		names[string(s.SpanId)] = s.Name
	}
	for _, s := range c.spans {
		if bytes.Equal(s.TraceId, root.TraceId) && s != root {
			out[names[string(s.ParentSpanId)]+" > "+s.Name] = true
		}
	}
	return out
}

func sortedKeys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

const (
	callerTrace = "0af7651916cd43dd8448eb211c80319c"
	callerSpan  = "b7ad6b7169203331"
)

// TestTracesShowTheStepsAndNobody drives each kind of request and reads every span: the steps are there, in the
// trace of the caller, and nothing in them says who it was about.
func TestTracesShowTheStepsAndNobody(t *testing.T) {
	t.Parallel()
	col, s := newCollector(t), newSite(t)
	sv := s.start(t, col.flags()...)
	c := sv.login(t, "homecare", "")
	hook := make(chan string, 20)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hook <- r.Header.Get("X-Key") }))
	t.Cleanup(receiver.Close)
	c.http.Transport = withHeaders{"Traceparent": "00-" + callerTrace + "-" + callerSpan + "-01", "Tracestate": "vendor=" + marker}
	pushed := c.push(t, sample(t, "boris/01-kind.json"))
	c.http.Transport = nil
	_, found := c.get(t, "/fhir/Patient?identifier=http%3A%2F%2Ffhir.nl%2Ffhir%2FNamingSystem%2Fbsn%7C999912148&_count=5")
	id, _ := list(found, "entry")[0]["resource"].(map[string]any)["id"].(string)
	if r := c.made(t, "/fhir/Subscription", fmt.Appendf(nil, `{"resourceType":"Subscription","status":"requested","reason":%q,
		"criteria":"https://drieluik.example/fhir/SubscriptionTopic/care-plan","channel":{"type":"rest-hook","endpoint":"%s/%s","payload":"application/fhir+json","header":["X-Key: %s"]}}`,
		marker, receiver.URL, marker, marker)); r == "" {
		t.Error("no Subscription")
	}
	posted := func(path, body string, want int) {
		t.Helper()
		if r, err := c.do(http.MethodPost, path, "application/fhir+json", []byte(body)); err != nil || r.status != want {
			t.Errorf("%s: %d %v %.300s", path, r.status, err, r.body)
		}
	}
	posted("/fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient/`+id+`"}},{"request":{"method":"GET","url":"Patient?name=`+marker+`"}}]}`, 200)
	posted("/fhir/Patient/$validate", `{"resourceType":"Patient","gender":"`+marker+`"}`, 200)
	posted("/fhir/Observation", `{"resourceType":"Observation","status":"`+marker+`","subject":{"reference":"Patient/`+id+`"}}`, 422)
	posted("/fhir/$submit", marker, 400)
	if r, err := c.do(http.MethodPost, "/fhir/$convert", "application/json", sample(t, "boris/01-kind.json")); err != nil || r.status != http.StatusOK {
		t.Errorf("$convert: %d %v", r.status, err)
	}
	for path, want := range map[string]int{"/fhir/Patient/" + id: 200, "/fhir/Patient/" + marker: 404, "/fhir/" + marker: 404, "/auth/" + marker: 404, "/fhir/Patient/$export": 400} {
		if got := c.status(t, path); got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
	select {
	case <-hook:
	case <-time.After(20 * time.Second):
		t.Errorf("the receiver was not told\n%s", sv.log)
	}
	sv.stop(t)
	col.wantSteps(t, pushed)
	col.wantSilent(t, marker, id, "999912148", c.token, "identifier=", "_count", "homecare", "90000001", receiver.URL, "Boris", "geheim")
}

// withHeaders adds headers to each request.
type withHeaders map[string]string

func (h withHeaders) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range h {
		r.Header.Set(name, value)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// wantSteps holds the spans to what was asked.
func (c *collector) wantSteps(t *testing.T, pushed reply) {
	t.Helper()
	for _, row := range []struct {
		name  string
		words map[string]string
	}{
		{"POST /auth/token", map[string]string{"http.response.status_code": "200"}},
		{"GET /fhir/{type}/{id}", map[string]string{"http.response.status_code": "200", "fhir.type": "Patient", "http.route": "/fhir/{type}/{id}"}},
		{"GET /fhir/{type}/{id}", map[string]string{"http.response.status_code": "404", "drieluik.rule": "not-found", "drieluik.refused": "true"}},
		{"GET none", map[string]string{"http.response.status_code": "404"}},
		{"POST /fhir/{type}", map[string]string{"http.response.status_code": "422", "fhir.type": "Observation"}},
		{"entry", map[string]string{"http.response.status_code": "200", "fhir.type": "Patient"}},
		{"decide", map[string]string{"fhir.interaction": "search-type", "fhir.type": "Patient"}},
		{"validate", map[string]string{"fhir.type": "Observation", "drieluik.refused": "true"}},
		{"map", nil}, {"store.read", nil}, {"store.commit", nil}, {"store.group", nil}, {"deliver", map[string]string{"drieluik.kind": "handshake"}},
	} {
		if len(c.find(row.name, row.words)) == 0 {
			t.Errorf("no span %s %v", row.name, row.words)
		}
	}
	push := c.find("POST /fhir/$submit", map[string]string{"http.response.status_code": "201"})
	if len(push) != 1 {
		t.Fatalf("%d spans of the push", len(push))
	}
	root := push[0]
	if hex.EncodeToString(root.TraceId) != callerTrace || hex.EncodeToString(root.ParentSpanId) != callerSpan || root.TraceState != "" {
		t.Errorf("the push is not within the trace of its caller: %v", root)
	}
	if got, want := words(root)["request_id"], pushed.header.Get("X-Request-Id"); got != want || want == "" {
		t.Errorf("request id %q, want %q", got, want)
	}
	steps := c.within(root)
	for _, step := range []string{root.Name + " > store.read", "store.read > decide", "store.read > map", "store.read > validate", root.Name + " > store.commit"} {
		if !steps[step] {
			t.Errorf("the push lacks %s: %v", step, steps)
		}
	}
}

// TestACollectorThatFailsKeepsNobodyWaiting: one that refuses, then one that never answers.
func TestACollectorThatFailsKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	free := make(chan struct{})
	hung := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		<-free
	}))
	t.Cleanup(hung.Close)
	t.Cleanup(func() { close(free) })
	s := newSite(t)
	s.env = []string{"OTEL_BSP_SCHEDULE_DELAY=20"}
	sv := s.start(t, "--otlp-endpoint", hung.URL)
	c := sv.login(t, "homecare", "")
	deadline := time.Now().Add(20 * time.Second)
	for asked.Load() < 3 {
		if got := c.status(t, "/fhir/Patient"); got != http.StatusOK {
			t.Errorf("a search answers %d", got)
		}
		if time.Now().After(deadline) {
			t.Fatal("the collector is not asked")
		}
	}
	start := time.Now()
	for range 5 {
		if got := c.status(t, "/fhir/Patient"); got != http.StatusOK {
			t.Errorf("a search answers %d", got)
		}
	}
	if took := time.Since(start); took > 9*time.Second {
		t.Errorf("5 searches beside a collector that hangs took %v", took)
	}
	if _, text := sv.operator(t, "/metrics"); metric(t, text, "drieluik_spans_total", `result="lost"`) < 1 || metric(t, text, "drieluik_spans_total", `result="sent"`) != 0 {
		t.Error("the metrics do not say that spans are lost")
	}
	if took := sv.stop(t); took > 9*time.Second {
		t.Errorf("the end took %v", took)
	}
	if n := strings.Count(sv.log.String(), "traces are lost"); n != 1 {
		t.Errorf("the log says %d times that traces are lost", n)
	}
}

func TestTracesGoToLoopbackOrByTLSAlone(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]int{
		"https://collector.example/otlp": 0, "http://[::1]:4318": 0, "http://collector.example:4318": 2, "127.0.0.1:4318": 2,
		"https://me:" + marker + "@collector.example": 2, "https://collector.example/?key=" + marker: 2,
	} {
		out, stderr, code := tool(t, "serve", "--check", "--otlp-endpoint", endpoint)
		if code != want || want == 2 != strings.Contains(stderr, "otlp-endpoint: use https://") || strings.Contains(out+stderr, marker) {
			t.Errorf("%s: exit %d, %s %s", endpoint, code, out, stderr)
		}
	}
}
