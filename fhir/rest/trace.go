package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// watch returns the context of a request and who is told what became of it. An entry of a Bundle is a step of
// the request that brought the Bundle.
func (s *Server) watch(ctx context.Context) (context.Context, func(exchange.Step)) {
	if s.Trace.Begin == nil {
		return ctx, func(exchange.Step) {}
	}
	if _, entry := senderOf(ctx); entry {
		if within, end := s.Trace.Begin(ctx, exchange.StepEntry, time.Now()); end != nil {
			return within, end
		}
		return ctx, func(exchange.Step) {}
	}
	return ctx, func(step exchange.Step) { s.Trace.Note(ctx, step) }
}

// ruleOf is the reason of a refusal, or the id of the first rule that was broken.
func ruleOf(err error) string {
	if issues := issuesOf(err); reasonOf(err) == answers[fhir.KindOf(err)].name && len(issues) > 0 {
		return issues[0].Diagnostics
	}
	return reasonOf(err)
}

// stepOf says what became of a request: of its path the resource type alone, and only one that there is.
func stepOf(r *http.Request, status int, err error) exchange.Step {
	step := exchange.Step{
		Status: status, Rule: ruleOf(err), Refused: err != nil && status < http.StatusInternalServerError, Failed: status >= http.StatusInternalServerError,
	}
	if t, ok := fhir.ParseType(chi.URLParam(r, "type")); ok {
		step.Type = t
	}
	return step
}
