package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// otlp sends spans to a collector: OTLP over HTTP, protobuf. What the collector does not take is lost and
// counted; the log says when that begins and when it is over.
type otlp struct {
	url     string
	client  *http.Client
	log     *slog.Logger
	counted func(sent bool, n int)
	down    atomic.Bool
}

// otlpLimit is how long one message to the collector may take.
const otlpLimit = 10 * time.Second

func newOTLP(target string, log *slog.Logger, counted func(sent bool, n int)) *otlp {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &otlp{url: target, client: &http.Client{Timeout: otlpLimit, CheckRedirect: stay}, log: log, counted: counted}
}

// ExportSpans implements sdktrace.SpanExporter. It never fails: what went wrong is told here, once.
func (o *otlp) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	body, err := proto.Marshal(tracesOf(spans))
	if err == nil {
		err = o.post(ctx, body)
	}
	o.counted(err == nil, len(spans))
	if was := o.down.Swap(err != nil); err != nil && !was {
		o.log.Warn("traces are lost; check --otlp-endpoint and its collector", "error", err.Error())
	} else if err == nil && was {
		o.log.Info("traces are taken again")
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (o *otlp) Shutdown(context.Context) error {
	o.client.CloseIdleConnections()
	return nil
}

func (o *otlp) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "drieluik/"+release)
	res, err := o.client.Do(r)
	if err != nil {
		if failed := (*url.Error)(nil); errors.As(err, &failed) {
			err = failed.Err
		}
		return err
	}
	defer res.Body.Close()
	if _, err := io.CopyN(io.Discard, res.Body, 1<<16); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if res.StatusCode/100 != 2 {
		return errors.New("the collector answered with status " + strconv.Itoa(res.StatusCode))
	}
	return nil
}

// tracesOf is the message of spans, which one provider made under one name.
func tracesOf(spans []sdktrace.ReadOnlySpan) *tracepb.TracesData {
	out := make([]*tracepb.Span, len(spans))
	for i, s := range spans {
		out[i] = spanOf(s)
	}
	return &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: &resourcepb.Resource{Attributes: attributesOf(spans[0].Resource().Attributes())},
		ScopeSpans: []*tracepb.ScopeSpans{{
			Scope: &commonpb.InstrumentationScope{Name: spans[0].InstrumentationScope().Name, Version: release}, Spans: out,
		}},
	}}}
}

func spanOf(s sdktrace.ReadOnlySpan) *tracepb.Span {
	own, parent := s.SpanContext(), s.Parent()
	id, of := own.SpanID(), own.TraceID()
	out := &tracepb.Span{
		TraceId: of[:], SpanId: id[:], Flags: uint32(own.TraceFlags()), Name: s.Name(), Kind: tracepb.Span_SpanKind(s.SpanKind()),
		StartTimeUnixNano: uint64(s.StartTime().UnixNano()), EndTimeUnixNano: uint64(s.EndTime().UnixNano()),
		Attributes: attributesOf(s.Attributes()), DroppedAttributesCount: uint32(s.DroppedAttributes()),
	}
	if parent.SpanID().IsValid() {
		from := parent.SpanID()
		out.ParentSpanId = from[:]
	}
	if s.Status().Code == codes.Error {
		out.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR}
	}
	return out
}

func attributesOf(all []attribute.KeyValue) []*commonpb.KeyValue {
	out := make([]*commonpb.KeyValue, len(all))
	for i, a := range all {
		v := &commonpb.AnyValue{}
		switch a.Value.Type() {
		case attribute.INT64:
			v.Value = &commonpb.AnyValue_IntValue{IntValue: a.Value.AsInt64()}
		case attribute.BOOL:
			v.Value = &commonpb.AnyValue_BoolValue{BoolValue: a.Value.AsBool()}
		default:
			v.Value = &commonpb.AnyValue_StringValue{StringValue: a.Value.AsString()}
		}
		out[i] = &commonpb.KeyValue{Key: string(a.Key), Value: v}
	}
	return out
}
