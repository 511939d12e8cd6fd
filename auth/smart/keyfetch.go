package smart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drieluik/drieluik/auth/egress"
	"github.com/drieluik/drieluik/auth/jose"
)

// Bounds of fetching key sets (smart.md 3.5).
const (
	fetchTimeout    = 3 * time.Second
	fetchesAtOnce   = 8
	maxCache        = time.Hour
	defaultCache    = 300 * time.Second
	rememberFailure = 10 * time.Second
	refetchPause    = 10 * time.Second // between fetches for an unknown kid
)

// fetcher keeps the key sets of clients that publish them by URL. It holds one entry per
// registered URL; stale keys are never used.
type fetcher struct {
	clock func() time.Time
	guard egress.Guard
	slots chan struct{}

	mu   sync.Mutex
	sets map[string]*cachedSet
}

// cachedSet is the outcome of the last fetch of one URL.
type cachedSet struct {
	set     *jose.KeySet
	err     error
	fetched time.Time
	until   time.Time     // the outcome holds before this instant
	running chan struct{} // closed when the fetch under way is done; nil: none
}

func newFetcher(clock func() time.Time, guard egress.Guard) *fetcher {
	return &fetcher{clock: clock, guard: guard, slots: make(chan struct{}, fetchesAtOnce), sets: map[string]*cachedSet{}}
}

// keySet returns the keys at address. An outcome in the cache is used, unless kid is missing in
// it and the last fetch is more than refetchPause ago. Callers of one URL share one fetch.
func (f *fetcher) keySet(ctx context.Context, address, kid string) (*jose.KeySet, error) {
	f.mu.Lock()
	c := f.sets[address]
	if c == nil {
		c = &cachedSet{}
		f.sets[address] = c
	}
	now := f.clock()
	if c.running == nil && c.usable(now, kid) {
		defer f.mu.Unlock()
		return c.set, c.err
	}
	if c.running == nil {
		c.running = make(chan struct{})
		go f.refresh(context.WithoutCancel(ctx), address, c)
	}
	done := c.running
	f.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
		return nil, fetchFault(ctx.Err())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return c.set, c.err
}

// usable reports whether the last outcome answers for kid at now.
func (c *cachedSet) usable(now time.Time, kid string) bool {
	if c.fetched.IsZero() || !now.Before(c.until) {
		return false
	}
	if c.err != nil || c.set.Has(kid) {
		return true
	}
	return now.Before(c.fetched.Add(refetchPause))
}

func (f *fetcher) refresh(ctx context.Context, address string, c *cachedSet) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	set, life, err := f.fetch(ctx, address)
	if err != nil {
		set, life = nil, rememberFailure
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c.set, c.err, c.fetched = set, err, f.clock()
	c.until = c.fetched.Add(life)
	close(c.running)
	c.running = nil
}

// fetch gets and checks one key set and says how long it may be kept.
func (f *fetcher) fetch(ctx context.Context, address string) (*jose.KeySet, time.Duration, error) {
	u, err := f.guard.Target(address)
	if err != nil {
		return nil, 0, refuse("jwks.addr")
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, 0, fetchFault(ctx.Err())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, 0, fetchFault(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity")
	client := f.client()
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return nil, 0, fetchFault(err)
	}
	set, err := readKeySet(res)
	if err != nil {
		return nil, 0, err
	}
	return set, cacheLife(res.Header), nil
}

// client is made per fetch: its dialer judges the address after resolution.
func (f *fetcher) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            f.guard.Dial,
			DisableCompression:     true,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 16 << 10,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func readKeySet(res *http.Response) (set *jose.KeySet, err error) {
	defer func() { err = errors.Join(err, closing(res.Body)) }()
	media, _, mediaErr := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch {
	case res.StatusCode != http.StatusOK:
		return nil, fetchFault(fmt.Errorf("status %d", res.StatusCode))
	case res.Header.Get("Content-Encoding") != "":
		return nil, fetchFault(errors.New("the key set is compressed"))
	case mediaErr != nil || media != "application/json" && media != "application/jwk-set+json":
		return nil, fetchFault(errors.New("the type is another"))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, jose.MaxKeySet+1))
	if err != nil {
		return nil, fetchFault(err)
	}
	if len(body) > jose.MaxKeySet {
		return nil, fetchFault(errors.New("the key set is larger than 64 KiB"))
	}
	return jose.ParseKeySet(body)
}

func closing(body io.Closer) error {
	if err := body.Close(); err != nil {
		return fetchFault(err)
	}
	return nil
}

// cacheLife reads Cache-Control: max-age within an hour, five minutes without, nothing when it may
// not be kept.
func cacheLife(h http.Header) time.Duration {
	life := defaultCache
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			seconds, err := strconv.Atoi(strings.Trim(value, `"`))
			if err != nil || seconds < 0 {
				return 0
			}
			life = min(time.Duration(min(seconds, int(maxCache.Seconds())))*time.Second, maxCache)
		}
	}
	return life
}

// fetchFault is jwks.fetch, or jwks.addr when the dialer refused the address.
func fetchFault(err error) error {
	if errors.Is(err, egress.ErrAddress) {
		return &fault{rule: "jwks.addr", err: egress.ErrAddress}
	}
	return &fault{rule: "jwks.fetch", err: err}
}
