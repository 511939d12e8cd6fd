package smart

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/fhir"
)

// fault is a refusal of an endpoint by a rule of the catalogue. Its text holds no input value.
type fault struct {
	rule   string
	name   string // fills {name} of the sentence: a known parameter, or allowed algorithms
	retry  int    // Retry-After in seconds; 0: none
	status int    // in place of the rule's; 0: that
	basic  bool   // the client used Basic (SMART-307)
	bound  bool   // the token is bound to a key: DPoP is asked for (RFC 9449 7.1)
	client party  // whom it is about, for the log
	err    error  // cause, for the log
}

// party is a registered client as a log names it. What an unknown caller says of itself is never
// logged.
type party struct{ id, organization string }

// Error implements error.
func (f *fault) Error() string {
	if f.err != nil {
		return f.rule + ": " + f.err.Error()
	}
	return f.rule
}

// Unwrap returns the cause.
func (f *fault) Unwrap() error { return f.err }

func refuse(rule string) *fault { return &fault{rule: rule} }

// asFault finds the rule of an error: a refusal here or in jose, unavailable state, or a fault of
// the server. The result is the caller's own: the outcome of a key fetch is shared by requests.
func asFault(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		own := *f
		return &own
	}
	if rule := jose.RuleOf(err); rule != "" {
		return &fault{rule: rule, err: err}
	}
	if fhir.KindOf(err) == fhir.Unavailable {
		return &fault{rule: "state.down", retry: 1, err: err}
	}
	return &fault{rule: "server.error", err: err}
}

// sentence is what the client reads: "<rule>: <sentence>".
func (e entry) sentence(f *fault) string {
	return e.rule + ": " + strings.ReplaceAll(e.text, "{name}", f.name)
}

// writeFault renders the error answer of a JSON endpoint (SMART-304, 305, 307).
func (s *Server) writeFault(w http.ResponseWriter, f *fault) {
	e := s.faults[f.rule]
	status := cmp.Or(f.status, e.status)
	h := w.Header()
	if f.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(f.retry))
	}
	switch {
	case f.isProof() && status == http.StatusUnauthorized, f.bound:
		h.Set("WWW-Authenticate", proofChallenge(e.code))
	case strings.HasPrefix(f.rule, "token."), f.rule == "reg.token":
		code := e.code
		if f.rule == "token.none" { // a challenge names no error where nothing was sent (RFC 6750 3.1)
			code = ""
		}
		h.Set("WWW-Authenticate", bearerChallenge(code))
	case f.basic && status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Basic realm="drieluik"`)
	}
	s.writeJSON(w, status, map[string]string{
		"error":             e.code,
		"error_description": e.sentence(f),
		"error_uri":         s.base + "/auth/errors#" + e.rule,
	})
}

func bearerChallenge(code string) string {
	if code == "" {
		return `Bearer realm="drieluik"`
	}
	return `Bearer realm="drieluik", error="` + code + `"`
}

// proofChallenge asks for a proof (RFC 9449 7.1).
func proofChallenge(code string) string {
	return `DPoP realm="drieluik", error="` + code + `", algs="` + strings.Join(jose.ProofAlgs(), " ") + `"`
}

// writeJSON renders v, with & as it is: an address can be taken out by hand. The headers of SMART-304
// stand already.
func (s *Server) writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	body := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if err != nil {
		s.log.Error("answer_failed", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		s.log.Debug("answer_cut", "error", err) // the client has gone
	}
}
