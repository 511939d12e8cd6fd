package upstream

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// What a provider says of itself, and its keys, are fetched beside the logins, so that an outage holds
// nobody: what is known serves until a new one is there, or until it is too old.
const (
	freshFor  = time.Hour        // then it is fetched again
	staleFor  = 24 * time.Hour   // then it serves no more
	failedFor = 10 * time.Second // between two tries
	waitFor   = 2 * time.Second  // of a login, where nothing is known yet
)

// discovered is what the provider says of itself, with its keys.
type discovered struct {
	endpoint oauth2.Endpoint
	verifier *oidc.IDTokenVerifier
}

// known is the last that was heard of a provider.
type known struct {
	mu       sync.Mutex
	found    *discovered
	until    time.Time // when found serves no more
	next     time.Time // when it is fetched again
	failed   error     // of the last fetch
	fetching chan struct{}
}

var errSlow = errors.New("no answer yet")

// Prepare begins to fetch what the provider says of itself, so that the first login finds it. It returns
// at once.
func (p *Provider) Prepare() { p.refresh() }

// refresh begins a fetch when one is due, and returns what is known: what serves now, nil when nothing
// does, and else the fetch on its way, nil when the last one failed just now.
func (p *Provider) refresh() (*discovered, <-chan struct{}, error) {
	k := &p.known
	k.mu.Lock()
	defer k.mu.Unlock()
	now := p.clock()
	if k.fetching == nil && !now.Before(k.next) {
		k.fetching = make(chan struct{})
		go p.fetch(k.fetching)
	}
	if k.found != nil && now.Before(k.until) {
		return k.found, nil, nil
	}
	return nil, k.fetching, k.failed
}

// discover returns what the provider says of itself. Where that is not known yet a login waits a moment.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	found, fetching, failed := p.refresh()
	if found != nil || fetching == nil {
		return found, failed
	}
	timer := time.NewTimer(waitFor)
	defer timer.Stop()
	select {
	case <-fetching:
	case <-ctx.Done():
		return nil, &Error{Rule: "down", Err: ctx.Err()}
	case <-timer.C:
		return nil, &Error{Rule: "down", Err: errSlow}
	}
	p.known.mu.Lock()
	defer p.known.mu.Unlock()
	if p.known.failed != nil {
		return nil, p.known.failed
	}
	return p.known.found, nil
}

func (p *Provider) fetch(done chan struct{}) {
	found, err := p.ask()
	k := &p.known
	k.mu.Lock()
	defer k.mu.Unlock()
	defer close(done)
	now := p.clock()
	if k.fetching = nil; err != nil {
		k.failed, k.next = &Error{Rule: "down", Err: err}, now.Add(failedFor)
		return
	}
	k.found, k.failed, k.until, k.next = found, nil, now.Add(staleFor), now.Add(freshFor)
}

// ask fetches the discovery document, checks its endpoints, finds how this server authenticates, and
// fetches the keys.
func (p *Provider) ask() (*discovered, error) {
	ctx := oidc.ClientContext(context.Background(), p.client) // not of a request: others wait for it too
	provider, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		KeySet  string   `json:"jwks_uri"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
		Algs    []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, err
	}
	d := &discovered{endpoint: provider.Endpoint()}
	for _, address := range []string{strings.SplitN(d.endpoint.AuthURL, "?", 2)[0], d.endpoint.TokenURL, more.KeySet} {
		if !secure(address) {
			return nil, errors.New("an endpoint of the provider is not https")
		}
	}
	d.endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if p.key != nil || len(more.Methods) > 0 && !slices.Contains(more.Methods, "client_secret_basic") {
		d.endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	keys := oidc.NewRemoteKeySet(ctx, more.KeySet)
	d.verifier = oidc.NewVerifier(p.Issuer, keys, &oidc.Config{ClientID: p.ClientID, Now: p.clock, SupportedSigningAlgs: asymmetric(more.Algs)})
	return d, fetched(ctx, keys)
}

// asymmetric leaves the algorithms with a public key; of none that is named RS256 stays, the default of
// OpenID Connect.
func asymmetric(algs []string) []string {
	return slices.DeleteFunc(algs, func(alg string) bool {
		return !slices.Contains([]string{
			oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
		}, alg)
	})
}

// unsigned is the JWT of nobody: {"alg":"RS256","kid":"-"} over {}.
const unsigned = "eyJhbGciOiJSUzI1NiIsImtpZCI6Ii0ifQ.e30.AA"

// fetched makes a key set fetch its keys, which it does to judge a signature alone. It wraps what kept it
// from them; that the signature is nobody's has no cause.
func fetched(ctx context.Context, keys oidc.KeySet) error {
	_, err := keys.VerifySignature(ctx, unsigned)
	return errors.Unwrap(err)
}
