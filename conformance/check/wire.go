package check

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of a run.
const (
	defaultRequests = 30_000
	maxBody         = 20 << 20
	callTimeout     = 30 * time.Second
	maxWait         = 5 * time.Second // longest Retry-After that is waited for
	workers         = 4               // requests at once
)

// call is one request of the run.
type call struct {
	method string // "": GET
	path   string // below the public URL, or an absolute URL below it
	token  string
	header map[string]string
	media  string // Content-Type of the body
	body   string
}

func (c call) verb() string {
	if c.method == "" {
		return http.MethodGet
	}
	return c.method
}

func (c call) String() string { return c.verb() + " " + c.path }

// reply is an answer, read to its end.
type reply struct {
	status  int
	header  http.Header
	body    []byte
	outcome outcome // of a refusal
}

// outcome is what is looked at in an OperationOutcome.
type outcome struct {
	ResourceType string
	Issue        []struct {
		Severity, Code, Diagnostics string
		Details                     struct{ Text string }
	}
}

// has reports whether an issue bears the code.
func (o outcome) has(code string) bool {
	for _, i := range o.Issue {
		if i.Code == code {
			return true
		}
	}
	return false
}

func (r reply) ok() bool { return r.status >= 200 && r.status < 300 }

// refused reports whether the answer says that the server does not do this: 405, 501, the code
// not-supported, or a 404 that does not speak of a missing resource.
func (r reply) refused() bool {
	switch {
	case r.status == http.StatusMethodNotAllowed, r.status == http.StatusNotImplemented:
		return true
	case r.status >= 400 && r.status < 500 && r.outcome.has("not-supported"):
		return true
	}
	return r.status == http.StatusNotFound && !r.outcome.has("not-found") && !r.outcome.has("deleted")
}

// errCut ends what would ask more than Options.Requests.
var errCut = errors.New("the run may send no more requests")

// wire sends requests and holds the rules that concern every answer.
type wire struct {
	base   string
	client *http.Client
	ledger *ledger
	most   int64
	sent   atomic.Int64
	marker string // part of every value that is made up

	mu  sync.Mutex
	ids map[string]bool // X-Request-Id
}

func newWire(o Options, base string, l *ledger) *wire {
	w := &wire{base: base, ledger: l, most: int64(o.Requests), marker: "drieluik-check-" + unguessed(6), ids: map[string]bool{}}
	if w.most <= 0 {
		w.most = defaultRequests
	}
	c := http.Client{Timeout: callTimeout}
	if o.Client != nil {
		c = *o.Client
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w.client = &c
	return w
}

// unguessed returns n random bytes in hexadecimal.
func unguessed(n int) string {
	b := make([]byte, n)
	rand.Read(b) // crypto/rand.Read never fails
	return hex.EncodeToString(b)
}

// missing returns an id that no resource has.
func (w *wire) missing() string { return w.marker + "-" + unguessed(8) }

func (w *wire) count() int { return int(w.sent.Load()) }

// send sends c and judges what holds for every answer; a request that gets none is a fault and an
// error. A server that asks to wait is asked again.
func (w *wire) send(ctx context.Context, c call) (reply, error) {
	if w.sent.Add(1) > w.most {
		w.ledger.fail(ruleChecked, c.String(), "this request was left out, after %d others", w.most)
		return reply{}, errCut
	}
	for again := 0; ; again++ {
		r, err := w.once(ctx, c)
		if err != nil {
			w.ledger.fail(ruleAnswers, c.String(), "no answer: %s", plain(err))
			return reply{}, err
		}
		wait, asked := retryAfter(r)
		if asked && again < 3 && pause(ctx, wait) {
			continue
		}
		w.ledger.pass(ruleAnswers)
		w.observe(c, r)
		return r, nil
	}
}

// plain says in few words why a request failed.
func plain(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "it took longer than " + callTimeout.String()
	}
	return err.Error()
}

func retryAfter(r reply) (time.Duration, bool) {
	if r.status != http.StatusTooManyRequests && r.status != http.StatusServiceUnavailable {
		return 0, false
	}
	n, err := strconv.Atoi(r.header.Get("Retry-After"))
	wait := time.Duration(n) * time.Second
	return wait, err == nil && wait <= maxWait
}

// pause waits unless ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (w *wire) once(ctx context.Context, c call) (reply, error) {
	target := c.path
	if strings.HasPrefix(target, "/") {
		target = w.base + target
	}
	req, err := http.NewRequestWithContext(ctx, c.verb(), target, strings.NewReader(c.body))
	if err != nil {
		return reply{}, err
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	if c.media != "" {
		req.Header.Set("Content-Type", c.media)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return reply{}, err
	}
	r := reply{status: res.StatusCode, header: res.Header, body: body}
	if r.status >= 400 {
		if err := json.Unmarshal(body, &r.outcome); err != nil {
			r.outcome = outcome{}
		}
	}
	return r, nil
}

// get is send of a GET with the session's token below /fhir.
func (s *session) get(ctx context.Context, path string) (reply, error) {
	return s.wire.send(ctx, call{path: "/fhir" + path, token: s.token})
}

// each runs f for every item, a few at once.
func each[T any](items []T, f func(T)) {
	next := make(chan T)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for item := range next {
				f(item)
			}
		})
	}
	for _, item := range items {
		next <- item
	}
	close(next)
	wg.Wait()
}

// own reports whether the call goes to the FHIR endpoint itself, not to the SMART discovery under it.
func (w *wire) own(c call) bool {
	path := strings.TrimPrefix(c.path, w.base)
	return (path == "/fhir" || strings.HasPrefix(path, "/fhir/") || strings.HasPrefix(path, "/fhir?")) &&
		!strings.HasPrefix(path, "/fhir/.well-known/")
}

// fresh reports whether a request id was not seen before.
func (w *wire) fresh(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ids[id] {
		return false
	}
	w.ids[id] = true
	return true
}

// issueCodes are the codes of R4's issue-type.
var issueCodes = []string{
	"invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden",
	"suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long",
	"code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
	"exception", "timeout", "incomplete", "throttled", "informational",
}

var issueSeverities = []string{"fatal", "error", "warning", "information"}

// leaks are texts of stacks, databases and libraries.
var leaks = []string{"goroutine ", "panic:", ".go:", "SQLITE_", "SQL logic error", "sql:", "pgx", "runtime error", "json: cannot"}

// observe judges what holds for every answer.
func (w *wire) observe(c call, r reply) {
	on := c.String()
	w.ledger.judge(ruleNoFault, r.status < 500 || r.status == http.StatusNotImplemented || r.status == http.StatusServiceUnavailable,
		on, "answered %d", r.status)
	if r.status >= 400 {
		w.observeRefusal(c, r)
	}
	if !w.own(c) {
		return
	}
	id := r.header.Get("X-Request-Id")
	w.ledger.judge(ruleRequest, id != "" && w.fresh(id), on, "answered %d without an X-Request-Id of its own", r.status)
	if len(r.body) > 0 {
		media := strings.ToLower(r.header.Get("Content-Type"))
		kept := strings.HasPrefix(media, "application/fhir+json") && (!strings.Contains(media, "charset") || strings.Contains(media, "utf-8"))
		w.ledger.judge(ruleFHIRJSON, kept, on, "answered %d with another Content-Type", r.status)
	}
}

// observeRefusal judges a status of 400 and more.
func (w *wire) observeRefusal(c call, r reply) {
	on, text := c.String(), string(r.body)
	w.ledger.judge(ruleNoEcho, !strings.Contains(text, w.marker), on, "the refusal repeats what was sent")
	leak := slices.ContainsFunc(leaks, func(l string) bool { return strings.Contains(text, l) })
	w.ledger.judge(ruleNoLeak, !leak, on, "the refusal shows how the server is made")
	if r.status == http.StatusMethodNotAllowed {
		w.ledger.judge(ruleAllow, r.header.Get("Allow") != "", on, "answered 405 without Allow")
	}
	if !w.own(c) || c.verb() == http.MethodHead {
		return
	}
	w.ledger.judge(ruleOutcome, sound(r.outcome), on, "answered %d without an OperationOutcome that says what to do", r.status)
}

// sound reports whether an OperationOutcome has all that a client needs.
func sound(o outcome) bool {
	if o.ResourceType != "OperationOutcome" || len(o.Issue) == 0 {
		return false
	}
	for _, i := range o.Issue {
		if !slices.Contains(issueSeverities, i.Severity) || !slices.Contains(issueCodes, i.Code) ||
			i.Details.Text == "" || i.Diagnostics == "" {
			return false
		}
	}
	return true
}
