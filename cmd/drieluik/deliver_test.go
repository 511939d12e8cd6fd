package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// told remembers what a receiver was told of, by number of the event.
type told struct {
	mu    sync.Mutex
	focus map[string][]string
	came  chan struct{}
}

func (o *told) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var b struct {
		Entry []struct {
			Resource struct {
				Parameter []struct {
					Name string
					Part []struct {
						Name, ValueString string
						ValueReference    struct{ Reference string }
					}
				}
			}
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &b) != nil || len(b.Entry) == 0 {
		return // its sender went away; it is told again
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range b.Entry[0].Resource.Parameter {
		var number, focus string
		for _, part := range p.Part {
			switch part.Name {
			case "event-number":
				number = part.ValueString
			case "focus":
				focus = part.ValueReference.Reference[strings.LastIndex(part.ValueReference.Reference, "CarePlan/"):]
			}
		}
		if number != "" && !slices.Contains(o.focus[number], focus) {
			o.focus[number] = append(o.focus[number], focus)
		}
	}
	select {
	case o.came <- struct{}{}:
	default:
	}
}

// want waits until each of the plans was told of, under a number of its own.
func (o *told) want(t *testing.T, what string, plans []string) {
	t.Helper()
	deadline := time.After(40 * time.Second)
	for {
		o.mu.Lock()
		var all []string
		for n := range plans {
			all = append(all, o.focus[fmt.Sprint(n+1)]...)
		}
		numbers := len(o.focus)
		o.mu.Unlock()
		if slices.Sort(all); len(all) >= len(plans) || numbers > len(plans) {
			if want := slices.Sorted(slices.Values(plans)); !slices.Equal(all, want) || numbers != len(plans) {
				t.Fatalf("%s: %d numbers for %v, want %v", what, numbers, all, want)
			}
			return
		}
		select {
		case <-o.came:
		case <-deadline:
			t.Fatalf("%s: told of %v, want %v", what, all, plans)
		}
	}
}

var metricsLine = regexp.MustCompile(`http://[^" ]+/metrics`)

// delivers reports whether it is this process that tells subscribers.
func (sv *server) delivers(t *testing.T) bool {
	t.Helper()
	res, err := http.Get(metricsLine.FindString(sv.log.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(body), "\ndrieluik_subscriptions 1\n")
}

// deliveries: a subscriber is told of everything, under one number each, while PostgreSQL is restarted and the
// process that tells it is killed.
func (p *pair) deliveries(t *testing.T) {
	o := &told{focus: map[string][]string{}, came: make(chan struct{}, 1)}
	receiver := httptest.NewServer(o)
	t.Cleanup(receiver.Close)
	c := p.a.writer(t, "homecare")
	child := locations(t, c.push(t, aboutChild(t, "boris/01-kind.json", 640)).body)
	patient := child[slices.IndexFunc(child, func(l string) bool { return strings.HasPrefix(l, "Patient/") })]
	create := func(at *server, kind, text string) string {
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
			r, err := c.at(at).do(http.MethodPost, "/fhir/"+kind, "application/fhir+json", []byte(text))
			if err != nil || r.status == http.StatusServiceUnavailable { // PostgreSQL is being restarted
				continue
			}
			var made struct{ ID string }
			if err := json.Unmarshal(r.body, &made); err != nil || r.status != http.StatusCreated {
				t.Fatalf("%s: %d %.300s", kind, r.status, r.body)
			}
			return kind + "/" + made.ID
		}
		t.Fatal("nothing can be written")
		return ""
	}
	var plans []string
	write := func(at *server) {
		plans = append(plans, create(at, "CarePlan", fmt.Sprintf(`{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":%q}}`, patient)))
	}
	create(p.a, "Subscription", fmt.Sprintf(`{"resourceType":"Subscription","status":"requested","reason":"test",
		"criteria":"https://drieluik.example/fhir/SubscriptionTopic/care-plan","channel":{"type":"rest-hook","endpoint":%q,"payload":"application/fhir+json"}}`, receiver.URL))
	write(p.a)
	write(p.b)
	o.want(t, "by two processes", plans)

	write(p.b)
	if err := p.pg.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := p.pg.Start(); err != nil {
		t.Fatal(err)
	}
	write(p.b)
	o.want(t, "over a restart of PostgreSQL", plans)

	one, other := p.a, p.b
	if !one.delivers(t) {
		one, other = other, one
	}
	if !one.delivers(t) || other.delivers(t) {
		t.Fatal("not one of two processes delivers")
	}
	write(other)
	one.kill()
	write(other)
	o.want(t, "over the death of the process that delivers", plans)
	if !other.delivers(t) {
		t.Error("the other process did not take over")
	}
}
