package smart

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/fhir"
)

// Times of a DPoP proof (SMART-711). The memory is longer than any proof can be right.
const (
	proofSkew   = 60 * time.Second
	proofMemory = 180 * time.Second
)

// Values of the member dpop of a client; absent means optional.
const (
	dpopOff      = "off"
	dpopRequired = "required"
)

// provable reports whether proofs of the client count. Where they do not, they are not looked at.
func (s *Server) provable(c *registered) bool { return s.settings.DPoP && c.DPoP != dpopOff }

// proven returns the proof that a client shows with its request, judged but for its replay; nil when it
// shows none and needs none.
func (s *Server) proven(ctx context.Context, c *registered, q request) (*jose.Proof, error) {
	if !s.provable(c) || len(q.http.Header.Values("DPoP")) == 0 {
		if c.DPoP == dpopRequired {
			return nil, refuse("dpop.none")
		}
		return nil, nil
	}
	if err := s.mayVerify(q.address); err != nil {
		return nil, err
	}
	p, err := s.readProof(q.http)
	return p, s.unprovenClient(ctx, q, err)
}

// useProof lets the proof of a request pass once. It is asked as soon as the request has shown what no
// stranger has: proofs cost nothing, and must not fill the state.
func (s *Server) useProof(ctx context.Context, q request) error {
	if q.proof == nil {
		return nil
	}
	return s.unprovenClient(ctx, q, s.claimProof(ctx, q.proof))
}

// unprovenClient counts a failed proof per address.
func (s *Server) unprovenClient(ctx context.Context, q request, err error) error {
	if err == nil {
		return nil
	}
	f := asFault(err)
	if !f.isProof() {
		return err
	}
	return s.countFailure(ctx, q.address, f)
}

// jkt is the thumbprint of the key that the client has shown; "" without a proof.
func (q request) jkt() string {
	if q.proof == nil {
		return ""
	}
	return q.proof.Thumbprint
}

// isProof reports whether a fault is about a DPoP proof.
func (f *fault) isProof() bool { return strings.HasPrefix(f.rule, "dpop.") }

// readProof judges the proof of a request (SMART-711), but for its replay.
func (s *Server) readProof(r *http.Request) (*jose.Proof, error) {
	sent := r.Header.Values("DPoP")
	switch len(sent) {
	case 0:
		return nil, refuse("dpop.none")
	case 1:
	default:
		return nil, refuse("dpop.form")
	}
	p, err := jose.ParseProof(sent[0])
	if err != nil {
		return nil, err
	}
	age := s.clock().Sub(time.Unix(p.IssuedAt.Unix, 0))
	switch {
	case p.Method != r.Method:
		return nil, refuse("dpop.htm")
	case !s.isTarget(p.URL, r.URL):
		return nil, refuse("dpop.htu")
	case age > proofSkew || age < -proofSkew:
		return nil, refuse("dpop.iat")
	}
	return p, nil
}

// isTarget reports whether htu names the URL of a request, whose scheme and host are those of the
// base, whatever the request says. Query and fragment do not belong into htu.
func (s *Server) isTarget(htu string, asked *url.URL) bool {
	u, err := url.Parse(htu)
	if err != nil || u.User != nil || strings.ContainsAny(htu, "?#") {
		return false
	}
	return originOf(u) == s.origin && u.EscapedPath() == asked.EscapedPath()
}

// originOf is scheme and host in small letters, without the default port.
func originOf(u *url.URL) string {
	scheme := strings.ToLower(u.Scheme)
	port := map[string]string{"https": ":443", "http": ":80"}[scheme]
	return scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Host), port)
}

// claimProof lets each jti of a key pass once.
func (s *Server) claimProof(ctx context.Context, p *jose.Proof) error {
	first, _, err := s.state.Once(ctx, kindProof, sha256.Sum256([]byte(p.Thumbprint+"\x00"+p.ID)), proofMemory)
	if err != nil {
		return err
	}
	if !first {
		return refuse("dpop.replay")
	}
	return nil
}

// presented returns the token of an Authorization header and whether it comes with a proof; the scheme
// is case-blind.
func presented(header string) (token Secret, proof bool) {
	scheme, text, _ := strings.Cut(header, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return Secret(strings.TrimLeft(text, " ")), false
	case strings.EqualFold(scheme, "DPoP"):
		return Secret(strings.TrimLeft(text, " ")), true
	}
	return "", false
}

// holder returns the live token of an Authorization header that its sender may use. Everything else is a
// fault: there is none; a token that is bound to a key is no bearer, and no other comes with a proof; or
// the proof fails (SMART-712), which is read only for a live token.
func (s *Server) holder(r *http.Request, header string) (*accessRecord, error) {
	token, proof := presented(header)
	a, err := s.access(r.Context(), token)
	switch {
	case err != nil:
		return nil, err
	case a == nil:
		return nil, &fault{rule: "token.invalid", bound: proof && s.settings.DPoP}
	case proof != (a.JKT != "") || proof && !s.settings.DPoP:
		return nil, &fault{rule: "token.invalid", bound: a.JKT != "" && s.settings.DPoP}
	case !proof:
		return a, nil
	}
	if err := s.provesHolder(r, token, a); err != nil {
		if f := asFault(err); f.isProof() {
			f.client = a.party()
			return nil, f
		}
		return nil, err
	}
	return a, nil
}

// provesHolder judges the proof that comes with a bound token.
func (s *Server) provesHolder(r *http.Request, token Secret, a *accessRecord) error {
	p, err := s.readProof(r)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(token))
	switch hash := base64.RawURLEncoding.EncodeToString(sum[:]); {
	case p.Thumbprint != a.JKT:
		return refuse("dpop.jkt")
	case subtle.ConstantTimeCompare([]byte(p.TokenHash), []byte(hash)) != 1:
		return refuse("dpop.ath")
	}
	return s.claimProof(r.Context(), p)
}

// unproven turns a failed proof at the FHIR endpoint into the error that is answered with a challenge
// for DPoP; every other failure is the server's.
func (s *Server) unproven(op string, r *http.Request, err error) error {
	f := asFault(err)
	if !f.isProof() {
		return unavailable(op, err)
	}
	s.log.LogAttrs(r.Context(), slog.LevelInfo, eventOf(f, http.StatusUnauthorized), slog.String("outcome", "refused"), slog.String("rule", f.rule),
		slog.String("client_id", f.client.id), slog.String("organization", f.client.organization), slog.String("address", addressOf(r)),
		slog.String("request_id", middleware.GetReqID(r.Context())))
	return &fhir.Error{Kind: fhir.Unauthenticated, Op: op, Reason: "proof-invalid", Err: errors.New(f.rule), Issues: []fhir.Issue{{
		Severity: fhir.SeverityError, Code: "login", Diagnostics: f.rule, Text: s.faults[f.rule].text,
	}}}
}

// unheld is the answer to a token that its sender may not use at an endpoint of our own: that counts as a
// failure of the address.
func (s *Server) unheld(ctx context.Context, q request, err error) error {
	f := asFault(err)
	if !f.isProof() && f.rule != "token.invalid" {
		return err
	}
	f.status = http.StatusUnauthorized
	return s.countFailure(ctx, q.address, f)
}

// proofEntries are refusals of DPoP proofs.
func proofEntries() []entry {
	const code, ref = "invalid_dpop_proof", "SMART-711"
	entries := []entry{
		{"dpop.none", 400, code, "A DPoP proof is needed.", "The client is registered so, or its token is bound to a key. Where discovery names no dpop_signing_alg_values_supported, this server takes none.", "SMART-712"},
		{"dpop.form", 400, code, "The DPoP proof is not one compact JWS in one DPoP header.", "At most 8 KiB; one JSON object without repeated members in header and claims; no crit, b64, zip, jku, x5c, x5u or x5t.", ref},
		{"dpop.sig", 400, code, "The DPoP proof does not verify with its own jwk.", "Sign with the private half of jwk; ECDSA signatures are r and s side by side, not DER.", ref},
		{"dpop.replay", 400, code, "This DPoP proof was used before. Make a new one per request.", "A fresh random jti for every request, also for a retry.", ref},
	}
	for _, part := range []struct{ name, cure string }{
		{"typ", "typ is dpop+jwt."},
		{"alg", "ES256, ES384 or PS256."},
		{"jwk", "jwk is the public key, without private members: EC on P-256 or P-384, or RSA of 2048 to 8192 bits with e 65537, as alg needs it."},
		{"htm", "htm is the method of the request, in capitals."},
		{"htu", "htu is the URL of the request as discovery names the server, without query and fragment."},
		{"iat", "Whole seconds since 1970, within a minute of now; check the clock."},
		{"jti", "A random string of 1 to 255 bytes."},
		{"ath", "ath is the base64url of the SHA-256 of the access token; only with an access token."},
		{"jkt", "The key is another than the one to which the code or token is bound."},
	} {
		entries = append(entries, entry{"dpop." + part.name, 400, code, "The DPoP proof fails at " + part.name + ".", part.cure, ref})
	}
	return entries
}
