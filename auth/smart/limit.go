package smart

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"golang.org/x/time/rate"
)

// Limits of SMART-312.
const (
	maxFailures    = 600 // per address; not per client: a stranger could lock a hospital out
	failureWindow  = time.Minute
	secretFailures = 30 // per client and address
	secretWindow   = 5 * time.Minute
)

// verifiedWhenFull is how many signatures a second are still verified for an address that had too many
// failures: enough for an honest neighbour, too few for a flood to matter.
const verifiedWhenFull = 10

// maxBlocked bounds how many buckets this process remembers as full.
const maxBlocked = 4096

// limits is what this process knows of limits without asking the state. Only authenticated clients
// get a limiter, so that there are never more than in the registry. A bucket that is full is
// remembered, so that a flood of failures costs no further writes.
type limits struct {
	rate  rate.Limit
	burst int

	mu      sync.Mutex
	clients map[string]*rate.Limiter
	blocked map[string]fullBucket
}

// fullBucket is a bucket that takes no more until then, and what it spares.
type fullBucket struct {
	until  time.Time
	spared *rate.Limiter
}

func newLimits(perSecond float64, burst int) *limits {
	l := &limits{
		rate: rate.Limit(perSecond), burst: burst,
		clients: map[string]*rate.Limiter{}, blocked: map[string]fullBucket{},
	}
	if perSecond == 0 {
		l.rate = rate.Inf
	}
	return l
}

// allow takes one token of the client's budget.
func (l *limits) allow(client string, now time.Time) bool {
	l.mu.Lock()
	c, ok := l.clients[client]
	if !ok {
		c = rate.NewLimiter(l.rate, l.burst)
		l.clients[client] = c
	}
	l.mu.Unlock()
	return c.AllowN(now, 1)
}

// block remembers that a bucket is full until then. Beyond maxBlocked it forgets what is over, and
// takes nothing more when that does not help: the state still counts.
func (l *limits) block(bucket string, now, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.blocked) >= maxBlocked {
		maps.DeleteFunc(l.blocked, func(_ string, b fullBucket) bool { return !now.Before(b.until) })
	}
	if len(l.blocked) < maxBlocked {
		l.blocked[bucket] = fullBucket{until, rate.NewLimiter(verifiedWhenFull, verifiedWhenFull)}
	}
}

// spares reports whether a bucket that is full lets one more through; one that is not always does.
func (l *limits) spares(bucket string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, full := l.blocked[bucket]
	return !full || !now.Before(b.until) || b.spared.AllowN(now, 1)
}

// blockedFor returns how long a bucket stays full; 0 when it is not.
func (l *limits) blockedFor(bucket string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.blocked[bucket].until.Sub(now), 0)
}

// bucket names a counter without naming whom it counts.
func bucket(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// countFailure counts a failed assertion or bearer token and turns its refusal into client.rate
// when the address has had too many.
func (s *Server) countFailure(ctx context.Context, address string, refusal *fault) error {
	return s.countIn(ctx, bucket("failure", address), refusal)
}

// mayVerify is asked before a signature is verified: floods are limited before they cost that.
func (s *Server) mayVerify(address string) error {
	if !s.rates.spares(bucket("failure", address), s.clock()) {
		return tooMany(time.Second)
	}
	return nil
}

// countGuess counts an introspection that found nothing, per asker.
func (s *Server) countGuess(ctx context.Context, asker string) error {
	return s.countIn(ctx, bucket("guess", asker), nil)
}

// countIn counts in a bucket of maxFailures per failureWindow and returns the refusal, or
// client.rate in its place.
func (s *Server) countIn(ctx context.Context, bucket string, refusal *fault) error {
	now := s.clock()
	if left := s.rates.blockedFor(bucket, now); left > 0 {
		return tooMany(left)
	}
	n, err := s.state.Count(ctx, bucket, failureWindow)
	if err != nil {
		return err
	}
	if n > maxFailures {
		s.rates.block(bucket, now, now.Add(failureWindow))
		return tooMany(failureWindow)
	}
	if refusal == nil {
		return nil
	}
	return refusal
}

// tooMany refuses until wait is over.
func tooMany(wait time.Duration) *fault {
	return &fault{rule: "client.rate", retry: int(math.Ceil(wait.Seconds()))}
}

// countSecretFailure counts a wrong secret, per address and then per client and address. Beyond
// the latter's limit it leaves a block behind, so that a right guess is refused too until the
// window is over.
func (s *Server) countSecretFailure(ctx context.Context, client, address string, refusal *fault) error {
	if err := s.countFailure(ctx, address, nil); err != nil {
		return err
	}
	n, err := s.state.Count(ctx, bucket("secret", client, address), secretWindow)
	if err != nil {
		return err
	}
	if n < secretFailures {
		return refusal
	}
	if err := s.state.Put(ctx, kindRate, blockKey(client, address), []byte("1"), secretWindow); err != nil {
		return err
	}
	return refusal
}

// checkBlock refuses while a block of countSecretFailure stands.
func (s *Server) checkBlock(ctx context.Context, client, address string) error {
	_, err := s.state.Get(ctx, kindRate, blockKey(client, address))
	if err == nil {
		return tooMany(secretWindow)
	}
	if fhir.KindOf(err) != fhir.NotFound {
		return err
	}
	return nil
}

func blockKey(client, address string) [32]byte {
	return sha256.Sum256([]byte(bucket("block", client, address)))
}

// addressOf returns the address of the caller as it is limited and logged: an IPv4 address, or the
// /64 of an IPv6 address. A server behind a proxy must set RemoteAddr before.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "unknown"
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}
