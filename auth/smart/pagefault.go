package smart

import (
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
)

// pageFault is a refusal that a person reads: one sentence, and what to do.
type pageFault struct {
	status int
	text   string // key of the sentence
	rule   string // of the catalogue, for the maker of the app; may be empty
	back   string // address of the app with the error; may be empty
	app    string
	err    error
}

// Error implements error.
func (p *pageFault) Error() string {
	if p.err != nil {
		return p.text + ": " + p.err.Error()
	}
	return p.text
}

// Unwrap returns the cause.
func (p *pageFault) Unwrap() error { return p.err }

// late is a page whose interaction is over, was used, or never was (E-LATE).
func late() error { return &pageFault{status: http.StatusBadRequest, text: "late"} }

// foreign is an interaction of another browser (E-OTHER).
func foreign() error { return &pageFault{status: http.StatusBadRequest, text: "late"} }

// forged is a form that no page of ours made.
func forged() error { return &pageFault{status: http.StatusForbidden, text: "late"} }

// asPageFault makes every error one that a person can read.
func (s *Server) asPageFault(err error) *pageFault {
	var p *pageFault
	if errors.As(err, &p) {
		return p
	}
	if errors.Is(err, errBusy) {
		return &pageFault{status: http.StatusServiceUnavailable, text: "down", rule: "state.down", err: err}
	}
	f := asFault(err)
	status := s.faults[f.rule].status
	out := &pageFault{status: status, text: "broken", rule: f.rule, err: err}
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		out.text = "down"
	}
	if status < http.StatusBadRequest {
		out.status = http.StatusBadRequest
	}
	return out
}

type errorView struct {
	Text, ID, Rule, Explained string
	Back                      template.URL
}

// showFault answers with the page of an error. It never sends the browser elsewhere.
func (s *Server) showFault(v *visit, err error) {
	p := s.asPageFault(err)
	if f := asFault(err); f.retry > 0 {
		v.w.Header().Set("Retry-After", strconv.Itoa(f.retry))
	} else if p.status == http.StatusServiceUnavailable {
		v.w.Header().Set("Retry-After", "1")
	}
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("outcome", "refused"), slog.String("page", p.text), slog.String("rule", p.rule),
	}
	if p.status >= http.StatusInternalServerError {
		level, attrs = slog.LevelError, append(attrs, slog.String("error", p.Error()))
	}
	s.logVisit(v, level, "page_refused", attrs...)
	view := errorView{Text: p.text, ID: v.id, Rule: p.rule, Back: appURL(p.back)}
	if p.rule != "" {
		view.Explained = "/auth/errors#" + p.rule
	}
	if err := s.show(v, p.status, screen{Page: "error", Title: "error.title", App: p.app, Switch: true, Body: view}); err != nil {
		s.log.Error("answer_failed", "error", err)
		v.w.WriteHeader(http.StatusInternalServerError)
	}
}

// appURL marks an address as safe for a link: it begins with a registered redirect URI, whose scheme
// may be one of an app.
func appURL(address string) template.URL { return template.URL(address) }
