package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/drieluik/drieluik/fhir/exchange"
)

// traces tells a collector of the steps of requests, as OpenTelemetry writes them. A span has words of ours: the
// pattern of a route, resource type, interaction, status, rule, request id; never a path, a query, an id or a
// name. A nil one tells nobody. Which requests are told of, OTEL_TRACES_SAMPLER and its argument say; left out,
// all that a caller does not ask to leave out (traceparent).
type traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// Bounds of what waits for the collector. What does not fit is lost: no request ever waits.
const (
	spansWaiting = 8192
	spansAtOnce  = 512
	flushLimit   = 2 * time.Second // at the end of the process
)

// groupStep is one group that the store made durable; it serves several requests, so that it is no step of one.
const groupStep = "store.group"

// newTraces tells the collector at an endpoint; nil without one.
func newTraces(endpoint string, log *slog.Logger, counted func(sent bool, n int)) (*traces, error) {
	if endpoint == "" {
		return nil, nil
	}
	target, err := otlpURL(endpoint)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "drieluik"), attribute.String("service.version", release), attribute.String("service.instance.id", instance()),
		)),
		sdktrace.WithBatcher(newOTLP(target, log, counted), sdktrace.WithMaxQueueSize(spansWaiting), sdktrace.WithMaxExportBatchSize(spansAtOnce)),
	)
	return &traces{provider: provider, tracer: provider.Tracer("drieluik")}, nil
}

// otlpURL is where spans are sent: below an endpoint, as OTLP over HTTP says.
func otlpURL(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return "", errors.New("otlp-endpoint: use https://HOST:PORT, or http:// on loopback, such as http://127.0.0.1:4318, without a user or a query")
	}
	return strings.TrimSuffix(strings.TrimRight(u.String(), "/"), "/v1/traces") + "/v1/traces", nil
}

// maskedEndpoint is an endpoint as it may be shown: of one that cannot be used nothing, as it may hold a secret.
func maskedEndpoint(endpoint string) string {
	if _, err := otlpURL(endpoint); endpoint != "" && err != nil {
		return "***"
	}
	return endpoint
}

// exchange is what the use cases tell of.
func (t *traces) exchange() exchange.Trace {
	if t == nil {
		return exchange.Trace{}
	}
	return exchange.Trace{Begin: t.begin, Note: func(ctx context.Context, s exchange.Step) { tellStep(trace.SpanFromContext(ctx), s) }}
}

// begin begins a step of a request that is told of, or a delivery.
func (t *traces) begin(ctx context.Context, name string, at time.Time) (context.Context, func(exchange.Step)) {
	options := []trace.SpanStartOption{trace.WithTimestamp(at)}
	if name == exchange.StepDeliver {
		options = append(options, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindClient))
	} else if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, nil
	}
	ctx, span := t.tracer.Start(ctx, name, options...)
	if !span.IsRecording() {
		return ctx, nil
	}
	return ctx, func(s exchange.Step) {
		tellStep(span, s)
		if s.Ended.IsZero() {
			s.Ended = time.Now()
		}
		span.End(trace.WithTimestamp(s.Ended))
	}
}

// tellStep tells what a step was.
func tellStep(span trace.Span, s exchange.Step) {
	for key, value := range map[attribute.Key]string{
		"fhir.type": string(s.Type), "fhir.interaction": string(s.Interaction), "drieluik.rule": s.Rule, "drieluik.kind": s.Kind,
	} {
		if value != "" {
			span.SetAttributes(key.String(value))
		}
	}
	for key, value := range map[attribute.Key]int{
		"drieluik.count": s.Count, "drieluik.busy_us": int(s.Took.Microseconds()), "http.response.status_code": s.Status,
	} {
		if value != 0 {
			span.SetAttributes(key.Int(value))
		}
	}
	if s.Refused {
		span.SetAttributes(attribute.Bool("drieluik.refused", true))
	}
	if s.Failed {
		span.SetStatus(codes.Error, "")
	}
}

// committed tells of a group that the store made durable.
func (t *traces) committed(units int, took time.Duration) {
	if t == nil {
		return
	}
	_, span := t.tracer.Start(context.Background(), groupStep, trace.WithTimestamp(time.Now().Add(-took)))
	span.SetAttributes(attribute.Int("drieluik.count", units))
	span.End()
}

// watch makes each request a span, within that of its caller where there is one (traceparent).
func (t *traces) watch(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := t.tracer.Start(called(r), "request", trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		out := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			method, route, status := methodLabel(r.Method), routeLabel(r, out.Status()), out.Status()
			span.SetName(method + " " + route)
			span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route))
			if id := out.Header().Get("X-Request-Id"); id != "" {
				span.SetAttributes(attribute.String("request_id", id))
			}
			tellStep(span, exchange.Step{Status: status, Failed: status >= http.StatusInternalServerError})
		}()
		next.ServeHTTP(out, r.WithContext(ctx))
	})
}

// called is the context of a request within the trace of its caller. What else the caller sends along
// (tracestate) is not ours to pass on.
func called(r *http.Request) context.Context {
	of := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(r.Header)))
	if !of.IsValid() {
		return r.Context()
	}
	return trace.ContextWithRemoteSpanContext(r.Context(), of.WithTraceState(trace.TraceState{}))
}

// close sends what waits, as far as the collector takes it soon.
func (t *traces) close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what is lost was said already
}
