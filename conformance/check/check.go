// Package check is the black-box client behind "drieluik check": over HTTP alone it asks a running
// server whether it keeps its contract and does what its CapabilityStatement says, no more and no
// less. It knows the contract; it refuses every import of what serves it.
package check

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options of Run.
type Options struct {
	URL      string           // public URL of the server, such as "https://host", without /fhir
	ClientID string           // a registered backend client; "" leaves out every rule that needs a token
	Key      []byte           // its private key (JWK)
	Scope    string           // "": system/*.cruds, so that refusals of writes can be told apart
	Types    []string         // types that are gone through; empty: interactions of all, parameters and data of a sample
	AllTypes bool             // go through parameters and data of every declared type
	Write    bool             // may create one fictional resource and remove it again
	Requests int              // most requests that are sent; 0: 30,000
	Client   *http.Client     // nil: one with a timeout of 30 s; redirects are never followed
	Now      func() time.Time // clock of the client assertions; nil: time.Now
}

// Failures of Run that say nothing of the server's answers.
var (
	ErrURL = errors.New("give the public URL of a server, such as https://drieluik.example")
	ErrKey = errors.New("the key file is not a usable private JWK")
)

// Run asks the server everything and reports each rule. It writes nothing unless Options.Write. The
// error is ErrURL, ErrKey, or the end of ctx; an unreachable server is a failed rule.
func Run(ctx context.Context, o Options) (Report, error) {
	s, err := newSession(o)
	if err != nil {
		return Report{}, err
	}
	start := s.now()
	for _, step := range steps {
		if ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
		s.do(ctx, step)
	}
	s.ledger.pass(ruleChecked)
	return s.ledger.report(s.base, s.wire.count(), s.now().Sub(start)), nil
}

// step is a part of the run: what it needs, and the rules that are left out without it.
type step struct {
	needs func(*session) string // a sentence why it cannot run; "" when it can
	run   func(*session, context.Context)
	rules []string
}

// steps in their order: each may rely on what the ones before found.
var steps = []step{
	{always, (*session).statementRead, []string{ruleStatement}},
	{always, (*session).discovery, []string{ruleDiscovery, ruleDiscoverySame, ruleKeySet, ruleCORS, ruleForwarded, ruleOAuthURIs}},
	{always, (*session).anonymous, []string{ruleNoToken, ruleBadToken}},
	{always, (*session).negotiation, []string{ruleNotAcceptable, ruleUnsupported}},
	{hasClient, (*session).tokens, []string{ruleToken, ruleTokenRefused, ruleIntrospect}},
	{hasToken, (*session).narrowScope, []string{ruleScope}},
	{hasToken, (*session).interactions, []string{ruleServed, ruleUndeclared}},
	{hasToken, (*session).conditional, []string{ruleConditional}},
	{hasToken, (*session).unknown, []string{ruleUnknownType, ruleUnknownPath, ruleMethod}},
	{hasToken, (*session).operations, []string{ruleOperation, ruleUnknownOperation}},
	{hasToken, (*session).parameters, []string{ruleParameter, ruleFilter, ruleUnknownParameter, ruleModifier, ruleInclude}},
	{hasToken, (*session).data, []string{ruleRead, ruleVersion, ruleFound, rulePost, ruleConditionalRead}},
	{hasToken, (*session).batch, []string{ruleBatch}},
	{hasToken, (*session).paging, []string{rulePages, ruleTotal, ruleForeignLink}},
	{hasToken, (*session).hidden, []string{ruleHidden}},
	{mayWrite, (*session).writing, []string{ruleWrite, ruleStale, ruleInvalid, ruleRemoved, ruleWriteConditional, ruleHistory, ruleAtomic}},
}

func always(*session) string { return "" }

func hasClient(s *session) string {
	if s.opt.ClientID == "" {
		return "give --client-id and --key of a registered backend client"
	}
	return ""
}

func hasToken(s *session) string {
	if why := hasClient(s); why != "" {
		return why
	}
	if s.token == "" {
		return "the server gave no token"
	}
	if s.caps == nil {
		return "the server gave no CapabilityStatement"
	}
	return ""
}

func mayWrite(s *session) string {
	if !s.opt.Write {
		return "give --write to let it create one fictional resource"
	}
	return hasToken(s)
}

// session is one run.
type session struct {
	opt    Options
	base   string // public URL without a slash at its end
	wire   *wire
	ledger *ledger
	caps   *statement
	token  string
	seen   []found // resources that searches brought
	refs   map[string]bool
}

func newSession(o Options) (*session, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, ErrURL
	}
	if o.ClientID != "" {
		if err := usable(o.Key); err != nil {
			return nil, err
		}
	}
	if o.Scope == "" {
		o.Scope = "system/*.cruds"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l := newLedger()
	base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(o.URL, "/"), "/fhir"), "/")
	return &session{opt: o, base: base, ledger: l, wire: newWire(o, base, l), refs: map[string]bool{}}, nil
}

func (s *session) now() time.Time { return s.opt.Now() }

// do runs a step, or leaves its rules out and says why.
func (s *session) do(ctx context.Context, st step) {
	if why := st.needs(s); why != "" {
		for _, id := range st.rules {
			s.ledger.skip(id, why)
		}
		return
	}
	st.run(s, ctx)
}
