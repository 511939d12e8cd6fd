package main

import (
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// meters are what an operator watches. No label holds anything of a person: routes, methods, status
// codes, reasons of policy and events are words of ours.
type meters struct {
	registry  *prometheus.Registry
	requests  *prometheus.HistogramVec
	open      prometheus.Gauge
	decisions *prometheus.CounterVec
	leaks     prometheus.Counter
	policy    *prometheus.CounterVec
	units     prometheus.Histogram
	commits   prometheus.Histogram
	events    *prometheus.CounterVec
	ticks     *prometheus.CounterVec
	spans     *prometheus.CounterVec
}

func newMeters() *meters {
	const seconds = "Seconds until the answer was written, by route, method and status."
	m := &meters{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "drieluik_request_seconds", Help: seconds,
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"route", "method", "code"}),
		open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "drieluik_requests_open", Help: "Requests that are being answered."}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drieluik_decisions_total",
			Help: "Decisions of policy, by outcome and reason."}, []string{"outcome", "reason"}),
		leaks: prometheus.NewCounter(prometheus.CounterOpts{Name: "drieluik_filter_leak_total",
			Help: "Resources that a filter let through and the decision refused. Nothing left; each is a fault to report."}),
		policy: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drieluik_policy_cache_total",
			Help: "Looks at the policy of a child: hit, or miss when it had to be compiled."}, []string{"result"}),
		units: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "drieluik_commit_units",
			Help: "Units that one commit made durable together.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128}}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "drieluik_commit_seconds",
			Help: "Seconds that a commit took.", Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drieluik_auth_events_total",
			Help: "What the authorisation server tells the log, by event and outcome."}, []string{"event", "outcome"}),
		ticks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drieluik_rules_of_time_total",
			Help: "Rules of time: children looked at, resources written, children put off because they failed."}, []string{"what"}),
		spans: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drieluik_spans_total",
			Help: "Spans for the collector of traces: sent, or lost because it did not take them."}, []string{"result"}),
	}
	for _, event := range []string{"jti_replay", "code_replay", "launch_refused"} { // a first one is an increase too
		m.events.WithLabelValues(event, "refused")
	}
	m.events.WithLabelValues("refresh_reuse", "revoked")
	m.traced(true, 0)
	m.traced(false, 0)
	m.registry.MustRegister(m.requests, m.open, m.decisions, m.leaks, m.policy, m.units, m.commits, m.events, m.ticks, m.spans,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "drieluik_build_info", Help: "1, with the release.",
			ConstLabels: prometheus.Labels{"release": release}}, func() float64 { return 1 }))
	return m
}

// exchange are the meters of the use cases.
func (m *meters) exchange() exchange.Meters {
	hit, miss := m.policy.WithLabelValues("hit"), m.policy.WithLabelValues("miss")
	return exchange.Meters{
		Decided: func(d auth.Decision) {
			outcome := "denied"
			if d.Permit {
				outcome = "permitted"
			}
			m.decisions.WithLabelValues(outcome, d.Reason).Inc()
		},
		Leaked: m.leaks.Inc,
		Compiled: func(known bool) {
			if known {
				hit.Inc()
				return
			}
			miss.Inc()
		},
	}
}

// committed is the meter of the store.
func (m *meters) committed(units int, took time.Duration) {
	m.units.Observe(float64(units))
	m.commits.Observe(took.Seconds())
}

// traced counts what became of spans.
func (m *meters) traced(sent bool, n int) {
	result := "lost"
	if sent {
		result = "sent"
	}
	m.spans.WithLabelValues(result).Add(float64(n))
}

// ticked counts what the rules of time did.
func (m *meters) ticked(t exchange.Ticked) {
	m.ticks.WithLabelValues("children").Add(float64(t.Children))
	m.ticks.WithLabelValues("writes").Add(float64(t.Writes))
	m.ticks.WithLabelValues("failed").Add(float64(t.Failed))
}

// watch adds what is read of the store when it is asked for.
func (m *meters) watch(s *store.Store) {
	m.registry.MustRegister(
		gauge("drieluik_commit_queue", "Units that wait for the writer.", func() float64 { n, _ := s.Waiting(); return float64(n) }),
		gauge("drieluik_commit_queue_room", "Units that may wait for the writer; one more is answered 503.", func() float64 { _, room := s.Waiting(); return float64(room) }),
	)
}

// deliver adds how the work for subscribers stands, in the process that does it.
func (m *meters) deliver(d *exchange.Deliverer) {
	m.registry.MustRegister(
		gauge("drieluik_outbox_lag_seconds", "For how long the subscriber who waits longest has not been told of a change.", func() float64 { return d.Delivery().Lag.Seconds() }),
		gauge("drieluik_subscriptions", "Subscriptions that this process delivers to; 0 when another one does.", func() float64 { return float64(d.Delivery().All) }),
		gauge("drieluik_subscriptions_waiting", "Subscriptions whose receiver accepts nothing at present.", func() float64 { return float64(d.Delivery().Waiting) }),
	)
}

func gauge(name, help string, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

// expression is the part of a route that says how a name must look.
var expression = regexp.MustCompile(`:[^{}]*(?:\{[^{}]*\}[^{}]*)*\}`)

// measure times each request under its route, never under its path: a path has ids in it.
func (m *meters) measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, out := time.Now(), middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		m.open.Inc()
		defer func() {
			m.open.Dec()
			m.requests.WithLabelValues(routeLabel(r, out.Status()), methodLabel(r.Method), strconv.Itoa(out.Status())).Observe(time.Since(start).Seconds())
		}()
		next.ServeHTTP(out, r)
	})
}

// routeLabel is the pattern of the route of a request that was answered, and a word for what has none.
func routeLabel(r *http.Request, status int) string {
	route := expression.ReplaceAllString(chi.RouteContext(r.Context()).RoutePattern(), "}")
	if status == http.StatusNotFound && (route == "" || route == "/fhir/*") {
		return "none"
	}
	return route
}

// methodLabel is the method of a request, or a word for those that nobody serves: a client may invent any.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}
