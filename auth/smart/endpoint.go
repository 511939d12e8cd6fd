package smart

import (
	"encoding/hex"
	"io"
	"net/http"
)

// endpoint wraps a JSON endpoint that takes a form. The endpoints that browsers may call answer a
// preflight.
func (s *Server) endpoint(preflight bool, handle func(http.ResponseWriter, *http.Request, request) error) http.Handler {
	allowed := "POST"
	if preflight {
		allowed += ", OPTIONS"
	}
	answers := s.answers(allowed, func(w http.ResponseWriter, r *http.Request, q request) error {
		form, err := readForm(w, r)
		if err != nil {
			return err
		}
		q.form = form
		return handle(w, r, q)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !preflight || r.Method != http.MethodOptions {
			answers.ServeHTTP(w, r)
			return
		}
		s.answerHeaders(w.Header())
		w.Header().Del("Content-Type")
		s.requestID(w.Header())
		s.preflight(w, r, "POST", "authorization, content-type, accept, dpop")
	})
}

// answers wraps what every JSON endpoint has: headers (SMART-304), errors, the log of refusals.
func (s *Server) answers(allowed string, handle func(http.ResponseWriter, *http.Request, request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		s.answerHeaders(h)
		q := request{http: r, address: addressOf(r), id: s.requestID(h)}
		err := handle(w, r, q)
		if err == nil {
			return
		}
		f := asFault(err)
		if f.rule == "form.method" {
			h.Set("Allow", allowed)
		}
		s.logFault(r.Context(), q, f)
		s.writeFault(w, f)
	})
}

func (s *Server) answerHeaders(h http.Header) {
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
}

// requestID returns the X-Request-Id of the answer, which the caller's middleware may have set.
func (s *Server) requestID(h http.Header) string {
	if id := h.Get("X-Request-Id"); id != "" {
		return id
	}
	b := make([]byte, 8)
	if _, err := io.ReadFull(s.random, b); err != nil {
		s.log.Error("request_id_failed", "error", err)
	}
	id := hex.EncodeToString(b)
	h.Set("X-Request-Id", id)
	return id
}

// public wraps a discovery document: open to every origin, never with credentials (SMART-008). A nil
// document cannot be had now.
func (s *Server) public(document func() any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("X-Content-Type-Options", "nosniff")
		s.requestID(h)
		switch r.Method {
		case http.MethodOptions:
			h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
			h.Set("Access-Control-Allow-Headers", "accept, content-type")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
		case http.MethodGet, http.MethodHead:
			body := document()
			if body == nil {
				h.Set("Retry-After", "1")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			h.Set("Cache-Control", "public, max-age=300")
			s.writeJSON(w, http.StatusOK, body)
		default:
			h.Set("Allow", "GET, HEAD, OPTIONS")
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	})
}
