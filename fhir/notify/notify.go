// Package notify sends notifications to the endpoints that subscribers name: the HTTP side alone. It knows
// no Subscription and takes no decision; what it may call is judged by auth/egress.
package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/drieluik/drieluik/auth/egress"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Bounds of a call.
const (
	dialTimeout  = 5 * time.Second
	idleTimeout  = 90 * time.Second
	maxIdle      = 100      // connections
	keptPerHost  = 4        // idle connections; how many are busy is the caller's bound: several receivers may have one host
	maxHeader    = 16 << 10 // bytes of an answer
	drainedBytes = 4 << 10  // of a body, so that the connection can be used again; the rest is not read
)

// Client sends messages. It is safe for concurrent use.
type Client struct {
	guard egress.Guard
	http  *http.Client
	agent string
}

// New returns a Client that calls what guard allows. release names this server to receivers. trust replaces
// the roots of the machine; nil keeps them.
func New(guard egress.Guard, release string, trust *tls.Config) *Client {
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if trust != nil {
		secure = trust.Clone()
		secure.MinVersion = tls.VersionTLS12
	}
	return &Client{guard: guard, agent: "drieluik/" + release, http: &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialing(guard),
			TLSClientConfig:        secure,
			TLSHandshakeTimeout:    dialTimeout,
			DisableCompression:     true,
			MaxIdleConns:           maxIdle,
			MaxIdleConnsPerHost:    keptPerHost,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeader,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Allowed reports whether a URL may be called as far as its text tells.
func (c *Client) Allowed(url string) bool {
	_, err := c.guard.Target(url)
	return err == nil
}

// Post sends a message and returns nil when the answer is a 2xx. Every other error than that of ctx is an
// exchange.Undelivered. A redirect is not followed.
func (c *Client) Post(ctx context.Context, m exchange.Message) error {
	target, err := c.guard.Target(m.URL)
	if err != nil {
		return exchange.Undelivered{Reason: exchange.RefusedAddress}
	}
	limited, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	var left atomic.Bool
	traced := httptrace.WithClientTrace(limited, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) }})
	req, err := http.NewRequestWithContext(traced, http.MethodPost, target.String(), bytes.NewReader(m.Body))
	if err != nil {
		return exchange.Undelivered{Reason: exchange.RefusedAddress}
	}
	for _, h := range m.Headers {
		req.Header.Add(h.Name, h.Value)
	}
	req.Header.Set("Content-Type", m.MediaType)
	req.Header.Set("User-Agent", c.agent)
	res, err := c.http.Do(req)
	if err != nil {
		return undelivered(ctx, limited, err, left.Load())
	}
	return accepted(res)
}

// dialing bounds how long a connection takes.
func dialing(guard egress.Guard) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		return guard.Dial(ctx, network, address)
	}
}

// undelivered tells why there was no answer.
func undelivered(ctx, limited context.Context, err error, left bool) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, egress.ErrAddress):
		return exchange.Undelivered{Reason: exchange.RefusedAddress}
	case limited.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return exchange.Undelivered{Reason: exchange.SlowReceiver, Left: left}
	}
	return exchange.Undelivered{Reason: exchange.UnreachableReceiver, Left: left}
}

// accepted reads the answer, of which the status alone counts.
func accepted(res *http.Response) error {
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return exchange.Undelivered{Reason: exchange.RefusedMessage, Left: true}
	}
	drain(res.Body)
	return nil
}

// drain reads what is left of an answer, so that its connection can be used again. The status has come: a body
// that breaks off changes nothing.
func drain(body io.Reader) {
	if _, err := io.CopyN(io.Discard, body, drainedBytes); err != nil {
		return
	}
}
