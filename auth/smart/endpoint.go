package smart

import (
	"encoding/hex"
	"io"
	"net/http"
)

// endpoint wraps a JSON endpoint: headers of every answer (SMART-304), method, form, errors. The
// endpoints that browsers may call answer a preflight.
func (s *Server) endpoint(preflight bool, handle func(http.ResponseWriter, *http.Request, request) error) http.Handler {
	allowed := "POST"
	if preflight {
		allowed += ", OPTIONS"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		q := request{http: r, address: addressOf(r), id: s.requestID(h)}
		if preflight && r.Method == http.MethodOptions {
			h.Del("Content-Type")
			s.preflight(w, r, "POST", "authorization, content-type, accept, dpop")
			return
		}
		form, err := readForm(w, r)
		if err == nil {
			q.form = form
			err = handle(w, r, q)
		}
		if err != nil {
			f := asFault(err)
			if f.rule == "form.method" {
				h.Set("Allow", allowed)
			}
			s.logFault(r.Context(), q, f)
			s.writeFault(w, f)
		}
	})
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
