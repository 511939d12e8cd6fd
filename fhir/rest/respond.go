package rest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

const fhirJSON = "application/fhir+json; charset=utf-8"

// answer is how one kind of error looks to a client.
type answer struct {
	status int
	code   string // issue code, where the error brings no issues
	text   string
	name   string // for the log
}

// answers is the one table from error kinds to HTTP.
var answers = map[fhir.Kind]answer{
	fhir.Internal:         {500, "exception", "The server failed; nothing was changed. Tell the operator the X-Request-Id.", "internal"},
	fhir.Malformed:        {400, "invalid", "The body is not valid JSON.", "malformed"},
	fhir.BadRequest:       {400, "invalid", "The request is not valid.", "bad-request"},
	fhir.Unauthenticated:  {401, "login", "Send an access token in the Authorization header.", "unauthenticated"},
	fhir.Forbidden:        {403, "forbidden", "This is not allowed.", "forbidden"},
	fhir.NotFound:         {404, "not-found", "There is no such resource, or it is not visible to you.", "not-found"},
	fhir.MethodNotAllowed: {405, "not-supported", "This path does not take this method.", "method"},
	fhir.NotAcceptable:    {406, "not-supported", "This server answers in JSON only.", "not-acceptable"},
	fhir.Conflict:         {409, "conflict", "Something changed in between; read again and repeat.", "conflict"},
	fhir.Gone:             {410, "deleted", "This resource was deleted.", "gone"},
	fhir.Precondition:     {412, "conflict", "The condition of the request does not hold.", "precondition"},
	fhir.TooLarge:         {413, "too-long", "The body is larger than this server takes; send less at once.", "too-large"},
	fhir.Unsupported:      {415, "not-supported", "This media type is not supported.", "unsupported"},
	fhir.Unprocessable:    {422, "processing", "The content breaks a rule.", "unprocessable"},
	fhir.TooMany:          {429, "throttled", "Too many requests; wait as long as Retry-After says.", "too-many"},
	fhir.Unavailable:      {503, "transient", "The server cannot answer safely right now; try again.", "unavailable"},
}

// reasonOf is what the log says of an error: the true reason of a refusal, which a client may not
// learn, else its kind.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	var e *fhir.Error
	if errors.As(err, &e) && e.Reason != "" {
		return e.Reason
	}
	return answers[fhir.KindOf(err)].name
}

// fail renders an error. Causes go to the log, never to the client.
func (s *Server) fail(w http.ResponseWriter, who *asker, err error) {
	err = known(err)
	kind := fhir.KindOf(err)
	a, issues := answers[kind], issuesOf(err)
	var e *fhir.Error
	reason := ""
	if errors.As(err, &e) {
		reason = e.Reason
	}
	switch kind {
	case fhir.Internal:
		s.Log.Error("failed", "request", w.Header().Get("X-Request-Id"), "error", err.Error())
	case fhir.Unauthenticated:
		w.Header().Set("WWW-Authenticate", who.challenge(reason))
	case fhir.Forbidden:
		if reason == "scope-missing" {
			w.Header().Set("WWW-Authenticate", who.challenge(reason))
		}
	case fhir.MethodNotAllowed:
		if allow, ok := allowedAfter[reason]; ok {
			w.Header().Set("Allow", allow)
		}
	case fhir.Unavailable:
		s.Log.Error("unavailable", "request", w.Header().Get("X-Request-Id"), "error", err.Error())
		w.Header().Set("Retry-After", "1")
	case fhir.TooMany:
		w.Header().Set("Retry-After", "1")
	}
	body, jsonErr := exchange.JSON(exchange.NewOutcome(issues))
	if jsonErr != nil {
		body = []byte(`{"resourceType":"OperationOutcome","issue":[{"severity":"fatal","code":"exception"}]}`)
	}
	if err := writeJSON(w, a.status, body); err != nil {
		s.Log.Debug("client went away", "request", w.Header().Get("X-Request-Id"))
	}
}

// issuesOf is what the client is told of an error; of a fault of the server nothing but that.
func issuesOf(err error) []fhir.Issue {
	kind := fhir.KindOf(err)
	var e *fhir.Error
	if errors.As(err, &e) && len(e.Issues) > 0 && kind != fhir.Internal {
		return e.Issues
	}
	a := answers[kind]
	return []fhir.Issue{{Severity: fhir.SeverityError, Code: a.code, Text: a.text}}
}

// challenges tell why a token is not taken (SMART-601, 711), by the reason of the refusal.
var challenges = map[string]string{
	"token-invalid": "invalid_token",
	"proof-invalid": "invalid_dpop_proof",
	"scope-missing": "insufficient_scope",
}

// asker is what is learnt of who sends a request.
type asker struct {
	bound bool // the token is bound to a key of the sender
}

// challenge tells how to authenticate: with a proof, where the token has a key (RFC 9449 7.1).
func (a *asker) challenge(reason string) string {
	code := challenges[reason]
	switch {
	case code == "":
		return `Bearer realm="drieluik"`
	case a.bound || reason == "proof-invalid":
		return `DPoP realm="drieluik", error="` + code + `", algs="` + strings.Join(jose.ProofAlgs(), " ") + `"`
	}
	return `Bearer realm="drieluik", error="` + code + `"`
}

// known turns errors of net/http into ours.
func known(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return fhir.Errorf(fhir.TooLarge, "rest.body", "too-long", "body-size",
			"The body is larger than the %d bytes that this server takes; send less at once.", big.Limit)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) { // cut, or too slow
		return fhir.Errorf(fhir.BadRequest, "rest.body", "incomplete", "body-incomplete", "The body ended before its Content-Length; send it again.")
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &fhir.Error{Kind: fhir.Unavailable, Op: "rest", Err: err}
	}
	return err
}

func writeJSON(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", fhirJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

type askerKey struct{}

// withAsker gives the id of a request to all that is called for it, the token check too, and a place for
// what that finds.
func withAsker(ctx context.Context, id string, who *asker) context.Context {
	return context.WithValue(context.WithValue(ctx, middleware.RequestIDKey, id), askerKey{}, who)
}

func requestID(ctx context.Context) string { return middleware.GetReqID(ctx) }

// askerOf is that of a request; outside of one, nobody's.
func askerOf(ctx context.Context) *asker {
	if who, ok := ctx.Value(askerKey{}).(*asker); ok {
		return who
	}
	return &asker{}
}

// address is the network address of the client, without its port.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
