package smart

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Pushed authorisation requests (RFC 9126, SMART-701).
const (
	pushedPrefix = "urn:ietf:params:oauth:request_uri:"
	pushedLife   = time.Minute
	pushedSeal   = "par"
)

// pushedRecord is what is kept of a pushed request, sealed under its request_uri.
type pushedRecord struct {
	Client  string    `json:"client"`
	Form    form      `json:"form"`
	Expires time.Time `json:"expires"`
}

// pushedParameters are what is kept of a pushed request: all that the authorisation endpoint reads.
func pushedParameters() []string {
	return []string{
		"response_type", "response_mode", "redirect_uri", "scope", "state", "aud", "resource", "code_challenge",
		"code_challenge_method", "nonce", "prompt", "max_age", "login_hint", "launch", "purpose_of_use", "dpop_jkt",
		"ui_locales",
	}
}

// pushed answers POST /auth/par: the request is judged as the authorisation endpoint would, and every
// fault is answered here.
func (s *Server) pushed(w http.ResponseWriter, r *http.Request, q request) error {
	ctx := r.Context()
	c, err := s.authenticate(ctx, q)
	if err != nil {
		return err
	}
	if err := s.limitPushed(ctx, c, q.address); err != nil {
		return ofClient(err, c)
	}
	f, err := s.readPushed(c, q.form)
	if err == nil {
		err = s.bindPushed(ctx, c, q, f)
	}
	if err != nil {
		return atOnce(ofClient(err, c), s.faults)
	}
	handle, err := s.keepPushed(ctx, c, f)
	if err != nil {
		return ofClient(err, c)
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "request_pushed", slog.String("outcome", "ok"),
		slog.String("client_id", c.ID), slog.String("organization", c.OrganizationRef), slog.String("pushed", handle.trace()),
		slog.String("address", q.address), slog.String("request_id", q.id))
	s.writeJSON(w, http.StatusCreated, map[string]any{
		"request_uri": pushedPrefix + handle.Reveal(), "expires_in": int(pushedLife.Seconds()),
	})
	return nil
}

// limitPushed bounds what is kept: of a client that authenticates by its rate, as many users stand
// behind it; of anybody else by the address.
func (s *Server) limitPushed(ctx context.Context, c *registered, address string) error {
	if c.Type == TypePublic {
		return s.countRequest(ctx, "pushed", address)
	}
	if !s.rates.allow(c.ID, s.clock()) {
		return &fault{rule: "client.rate", retry: 1}
	}
	return nil
}

// readPushed judges a pushed request and returns what is kept of it.
func (s *Server) readPushed(c *registered, sent form) (form, error) {
	switch {
	case !slices.Contains(c.GrantTypes, GrantCode):
		return nil, refuse("grant.client")
	case sent["request_uri"] != "":
		return nil, refuse("par.request_uri")
	case !c.returnsTo(sent["redirect_uri"]):
		return nil, refuse("authz.redirect")
	}
	a := &authorization{client: c, redirect: sent["redirect_uri"], form: sent, pushed: true}
	if _, err := s.readAuthorization(a); err != nil {
		return nil, err
	}
	kept := form{}
	for _, name := range pushedParameters() {
		if sent[name] != "" {
			kept[name] = sent[name]
		}
	}
	return kept, nil
}

// bindPushed binds the code to the key of a DPoP proof that came with the push, as dpop_jkt would
// (RFC 9449 10.1).
func (s *Server) bindPushed(ctx context.Context, c *registered, q request, f form) error {
	if len(q.http.Header.Values("DPoP")) == 0 {
		return nil // the proof of a client that needs one comes with the code
	}
	var err error
	if q.proof, err = s.proven(ctx, c, q); err != nil || q.proof == nil {
		return err
	}
	if named := f["dpop_jkt"]; named != "" && named != q.jkt() {
		return refuse("authz.dpop_jkt")
	}
	f["dpop_jkt"] = q.jkt()
	return s.useProof(ctx, q)
}

// atOnce makes a fault that would go to the app one of the answer.
func atOnce(err error, entries map[string]entry) error {
	f := asFault(err)
	if entries[f.rule].status < http.StatusBadRequest {
		f.status = http.StatusBadRequest
	}
	return f
}

func (s *Server) keepPushed(ctx context.Context, c *registered, f form) (Secret, error) {
	handle, err := newSecret(s.random, prefixPushed, secretBytes)
	if err != nil {
		return "", err
	}
	value, err := seal(s.random, handle, pushedSeal, pushedRecord{Client: c.ID, Form: f, Expires: s.clock().Add(pushedLife).UTC()})
	if err != nil {
		return "", err
	}
	if len(value) > maxInteraction {
		return "", refuse("par.size")
	}
	return handle, s.state.Put(ctx, kindPushed, handle.hash(), value, pushedLife)
}

// isPushed reports whether a request_uri is one of this server.
func (s *Server) isPushed(uri string) bool {
	return s.settings.PAR && strings.HasPrefix(uri, pushedPrefix+prefixPushed)
}

// takePushed puts the pushed request in the place of what the browser brought. Whoever presents its
// request_uri first consumes it, also when it is of another client.
func (s *Server) takePushed(ctx context.Context, a *authorization) error {
	gone := &pageFault{status: http.StatusBadRequest, text: "late", rule: "par.unknown"}
	handle := Secret(strings.TrimPrefix(a.form["request_uri"], pushedPrefix))
	if !handle.is(prefixPushed) {
		return gone
	}
	value, err := s.state.Take(ctx, kindPushed, handle.hash())
	if err != nil {
		if fhir.KindOf(err) == fhir.NotFound {
			return gone
		}
		return err
	}
	var record pushedRecord
	if err := open(handle, pushedSeal, value, &record); err != nil {
		return err
	}
	if record.Client != a.client.ID || !s.clock().Before(record.Expires) {
		return gone
	}
	a.form, a.repeated, a.pushed = record.Form, "", true
	return nil
}
