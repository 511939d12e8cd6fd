package smart

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Bounds of an authorisation request (SMART-101, 102, ATT-30).
const (
	maxState         = 4096
	authorizeLimit   = 300 // requests per address and minute: a hospital is one address
	authorizeWindow  = time.Minute
	challengeLength  = 43
	purposesOfFamily = "FAMRQT PATRQT SUPNWK"
	purposeOfStaff   = "TREAT"
)

// authorization is an authorisation request whose client and redirect URI are right: every later
// fault goes back to the app.
type authorization struct {
	client   *registered
	redirect string
	form     form
	repeated string // parameter that was sent twice
	pushed   bool   // the request came through /auth/par
}

// authorize answers GET and POST /auth/authorize (SMART-101 to 115).
func (s *Server) authorize(v *visit) error {
	if err := s.countRequest(v.ctx(), "authorize", v.address); err != nil {
		return err
	}
	a, err := s.addressed(v)
	if err != nil {
		return err
	}
	ixn, err := s.readAuthorization(a)
	if err != nil {
		return s.returnFault(v, a, err)
	}
	browser := cookie(v.r, cookieBrowser, prefixBrowser)
	if browser == "" {
		if browser, err = newSecret(s.random, prefixBrowser, secretBytes); err != nil {
			return err
		}
		setCookie(v.w, cookieBrowser, browser.Reveal(), 0)
	}
	current, err := s.session(v.ctx(), v.r)
	if err != nil {
		return s.returnFault(v, a, err)
	}
	fresh := s.freshEnough(current, a.form)
	if slices.Contains(strings.Fields(a.form["prompt"]), "none") {
		return s.returnFault(v, a, refuse(map[bool]string{true: "authz.consent", false: "authz.login"}[fresh]))
	}
	if ixn.Launch != nil {
		if ixn.Launch, err = s.takeLaunch(v.ctx(), a.client.ID, Secret(a.form["launch"])); err != nil {
			return s.returnFault(v, a, err)
		}
	}
	if fresh && ixn.isFor(current.who) {
		ixn.attach(current)
	}
	ixn.Fresh = !fresh && (a.form["max_age"] != "" || slices.Contains(strings.Fields(a.form["prompt"]), "login"))
	id, err := s.begin(v.ctx(), browser, ixn)
	if err != nil {
		return s.returnFault(v, a, err)
	}
	return v.seeOther(ixn.next(id) + v.languageIn(a.form["ui_locales"]))
}

// languageIn asks the next page for the language of a request as its own switch would; the request ends
// here.
func (v *visit) languageIn(locales string) string {
	if locales == "" {
		return ""
	}
	return "&lang=" + languageOf(locales, v.lang, v.r.Header)
}

// countRequest counts a request that leaves something behind, and refuses an address that asks too often.
func (s *Server) countRequest(ctx context.Context, what, address string) error {
	name, now := bucket(what, address), s.clock()
	if left := s.rates.blockedFor(name, now); left > 0 {
		return tooMany(left)
	}
	n, err := s.state.Count(ctx, name, authorizeWindow)
	if err != nil {
		return err
	}
	if n > authorizeLimit {
		s.rates.block(name, now, now.Add(authorizeWindow))
		return tooMany(authorizeWindow)
	}
	return nil
}

// addressed finds client and redirect URI. Until both are right nothing goes back to an app
// (SMART-103).
func (s *Server) addressed(v *visit) (*authorization, error) {
	a := &authorization{form: form{}}
	seen := map[string]bool{}
	for _, p := range v.pairs {
		if seen[p.name] {
			a.repeated = p.name
			if p.name == "client_id" || p.name == "redirect_uri" || p.name == "request_uri" && s.isPushed(p.value) {
				return nil, &pageFault{status: http.StatusBadRequest, text: "broken", rule: "form.repeat"}
			}
		}
		seen[p.name] = true
		if p.value != "" && a.form[p.name] == "" {
			a.form[p.name] = p.value
		}
	}
	c, found, err := s.registry.lookup(v.ctx(), a.form["client_id"])
	if err != nil {
		return nil, err
	}
	if !found || !c.active() || !slices.Contains(c.GrantTypes, GrantCode) {
		return nil, &pageFault{status: http.StatusBadRequest, text: "broken", rule: "authz.client"}
	}
	a.client = c
	if s.isPushed(a.form["request_uri"]) {
		if err := s.takePushed(v.ctx(), a); err != nil {
			return nil, err
		}
	}
	a.redirect = a.form["redirect_uri"]
	if !c.returnsTo(a.redirect) {
		return nil, &pageFault{status: http.StatusBadRequest, text: "broken", rule: "authz.redirect"}
	}
	return a, nil
}

// returnsTo reports whether a redirect URI is one of the client's.
func (c *registered) returnsTo(sent string) bool {
	return slices.ContainsFunc(c.RedirectURIs, func(registered string) bool { return redirectFits(c, registered, sent) })
}

// redirectFits compares byte for byte. Of a native app's http address on loopback the port is free
// (RFC 8252 7.3).
func redirectFits(c *registered, registered, sent string) bool {
	if sent == registered {
		return true
	}
	if c.ApplicationType != "native" {
		return false
	}
	for _, host := range []string{"http://127.0.0.1", "http://[::1]"} {
		want, ok := withoutPort(registered, host)
		got, sentOK := withoutPort(sent, host)
		if ok && sentOK && want == got {
			return true
		}
	}
	return false
}

// withoutPort returns what follows host and an optional port.
func withoutPort(uri, host string) (string, bool) {
	rest, ok := strings.CutPrefix(uri, host)
	if !ok {
		return "", false
	}
	if port, found := strings.CutPrefix(rest, ":"); found {
		end := strings.IndexByte(port, '/')
		if end < 1 {
			return "", false
		}
		if n, err := strconv.ParseUint(port[:end], 10, 16); err != nil || n == 0 {
			return "", false
		}
		rest = port[end:]
	}
	return rest, strings.HasPrefix(rest, "/")
}

// authorizeRule is one rule on the parameters, in the order of smart.md 2.2.
type authorizeRule struct {
	holds func(form) bool
	rule  string
	name  string
}

func present(name string) func(form) bool { return func(f form) bool { return f[name] != "" } }

func not(holds func(form) bool) func(form) bool { return func(f form) bool { return !holds(f) } }

func (s *Server) authorizeRules() []authorizeRule {
	required := func(name string) authorizeRule { return authorizeRule{present(name), "form.missing", name} }
	return []authorizeRule{
		{not(present("request")), "authz.request", ""},
		{not(present("request_uri")), "authz.request_uri", ""},
		{not(present("registration")), "authz.registration", ""},
		required("response_type"),
		{func(f form) bool { return f["response_type"] == "code" }, "authz.response_type", ""},
		{func(f form) bool { return f["response_mode"] == "" || f["response_mode"] == "query" }, "authz.mode", ""},
		{func(f form) bool { return f["state"] != "" && len(f["state"]) <= maxState }, "authz.state", ""},
		{s.audienceFits, "authz.aud", ""},
		{func(f form) bool { return f["code_challenge_method"] == "S256" && isChallenge(f["code_challenge"]) }, "authz.pkce", ""},
		required("scope"),
		{func(f form) bool { return isScopeList(f["scope"]) }, "scope.form", ""},
		{isSeconds, "authz.max_age", ""},
		{func(f form) bool { return !s.settings.DPoP || f["dpop_jkt"] == "" || isChallenge(f["dpop_jkt"]) }, "authz.dpop_jkt", ""},
		{func(f form) bool { return (f["launch"] != "") == hasScope(f["scope"], "launch") }, "authz.launch", ""},
	}
}

// audienceFits holds SMART-104: aud, or its synonym resource, is the FHIR base.
func (s *Server) audienceFits(f form) bool {
	sent := false
	for _, name := range []string{"aud", "resource"} {
		if v := f[name]; v != "" {
			sent = true
			if strings.TrimSuffix(v, "/") != s.fhirBase {
				return false
			}
		}
	}
	return sent
}

func isChallenge(c string) bool {
	return len(c) == challengeLength && !strings.ContainsFunc(c, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// readAuthorization judges everything but client and redirect URI.
func (s *Server) readAuthorization(a *authorization) (*interaction, error) {
	if a.repeated != "" {
		return nil, repeatedParameter(a.repeated)
	}
	if a.client.RequirePushed && !a.pushed {
		return nil, refuse("par.required")
	}
	for _, r := range s.authorizeRules() {
		if !r.holds(a.form) {
			return nil, &fault{rule: r.rule, name: r.name}
		}
	}
	if !purposeKnown(a.client, a.form["purpose_of_use"]) {
		return nil, refuse("authz.purpose")
	}
	ixn := &interaction{
		Client: a.client.ID, Redirect: a.redirect, State: []byte(a.form["state"]), Scope: a.form["scope"],
		Challenge: a.form["code_challenge"], Nonce: a.form["nonce"], Hint: a.form["login_hint"], Purpose: a.form["purpose_of_use"],
		Again: slices.Contains(strings.Fields(a.form["prompt"]), "consent"), Created: s.clock().UTC(),
	}
	if s.provable(a.client) {
		ixn.JKT = a.form["dpop_jkt"]
	}
	if a.form["launch"] != "" {
		if !a.client.scopes.Has("launch") {
			return nil, refuse("authz.launch")
		}
		ixn.Launch = &launchRecord{} // its handle is taken when nothing else is wrong
	}
	return ixn, s.grantable(a.client, ixn)
}

// grantable refuses a request of which nobody could grant anything: who will log in is not known yet.
func (s *Server) grantable(c *registered, ixn *interaction) error {
	for _, staff := range []bool{false, true} {
		as := *ixn
		as.Staff = staff
		o, err := s.offerOf(c, &as)
		if err != nil {
			return err
		}
		if !o.all.Empty() {
			return nil
		}
	}
	return refuse("scope.none")
}

// purposeKnown judges purpose_of_use before it is known who logs in: a purpose of a family, the
// default of staff, or a further one of staff that is registered for the client (SMART-115).
func purposeKnown(c *registered, purpose string) bool {
	return purposeFits(c, purpose, false) || purposeFits(c, purpose, true)
}

// purposeFits judges purpose_of_use for staff or for a family.
func purposeFits(c *registered, purpose string, staff bool) bool {
	switch {
	case purpose == "":
		return true
	case staff:
		return purpose == purposeOfStaff || slices.Contains(auth.Purposes(auth.Professional), purpose) && slices.Contains(c.Purposes, purpose)
	}
	return slices.Contains(strings.Fields(purposesOfFamily), purpose)
}

// freshEnough reports whether a login may be used again (SMART-112): not for prompt=login, nor when
// it is older than max_age.
func (s *Server) freshEnough(current *session, f form) bool {
	if current == nil || slices.Contains(strings.Fields(f["prompt"]), "login") {
		return false
	}
	seconds, err := strconv.ParseUint(f["max_age"], 10, 31)
	return err != nil || s.clock().Sub(current.At) <= time.Duration(seconds)*time.Second // judged: absent
}

func isSeconds(f form) bool {
	_, err := strconv.ParseUint(f["max_age"], 10, 31)
	return f["max_age"] == "" || err == nil
}

// returnFault sends an error to the app (SMART-106).
func (s *Server) returnFault(v *visit, a *authorization, err error) error {
	f := asFault(err)
	if f.rule == "client.rate" {
		return err
	}
	e := s.faults[f.rule]
	state := a.form["state"]
	if len(state) > maxState {
		state = ""
	}
	attrs := []slog.Attr{slog.String("outcome", "refused"), slog.String("rule", f.rule),
		slog.String("client_id", a.client.ID), slog.String("organization", a.client.OrganizationRef)}
	if e.status >= http.StatusInternalServerError {
		attrs = append(attrs, slog.String("error", f.Error()))
	}
	s.logVisit(v, slog.LevelInfo, "authorize_refused", attrs...)
	return v.seeOther(s.answerURL(a.redirect, state, "error", e.code, "error_description", e.sentence(f), "error_uri", s.base+"/auth/errors#"+e.rule))
}

// denied is the address that tells the app that the user refused.
func (s *Server) denied(ixn *interaction) string { return s.refusal(ixn, "authz.denied") }

// refusal is the address that tells the app of a refusal.
func (s *Server) refusal(ixn *interaction, rule string) string {
	e := s.faults[rule]
	return s.answerURL(ixn.Redirect, string(ixn.State), "error", e.code, "error_description", e.sentence(&fault{}), "error_uri", s.base+"/auth/errors#"+e.rule)
}

// answerURL adds name and value pairs, state and issuer to a redirect URI. Blanks become %20, which
// every reader of a query understands.
func (s *Server) answerURL(redirect, state string, pairs ...string) string {
	if state != "" {
		pairs = append(pairs, "state", state)
	}
	return withQuery(redirect, append(pairs, "iss", s.base)...)
}

// withQuery adds name and value pairs to the query of an address.
func withQuery(address string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(address)
	sep := "?"
	if strings.Contains(address, "?") {
		sep = "&"
	}
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString(sep + pairs[i] + "=" + strings.ReplaceAll(url.QueryEscape(pairs[i+1]), "+", "%20"))
		sep = "&"
	}
	return b.String()
}

// refOf reads a kept reference; zero for one that is not set yet.
func refOf(text string) fhir.Ref {
	ref, _ := fhir.ParseRef(text)
	return ref
}
