package notify_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth/egress"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/notify"
	"github.com/drieluik/drieluik/fhir/subscription"
)

var loopback = egress.Guard{LoopbackHTTP: true, Loopback: true}

func message(url string) exchange.Message {
	return exchange.Message{URL: url, MediaType: "application/fhir+json", Body: []byte(`{}`), Timeout: time.Minute}
}

// why is the Undelivered of an error; zero for none.
func why(t *testing.T, err error) exchange.Undelivered {
	t.Helper()
	var out exchange.Undelivered
	if err != nil && !errors.As(err, &out) {
		t.Fatalf("%T %v", err, err)
	}
	return out
}

func TestAMessageArrivesOverOneConnection(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	got := make(chan *http.Request, 2)
	sv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "{}" || r.Method != http.MethodPost {
			t.Errorf("%s %q %v", r.Method, body, err)
		}
		got <- r
		io.WriteString(w, "thanks")
	}))
	sv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	sv.Start()
	defer sv.Close()
	c := notify.New(loopback, "1.2", nil)
	m := message(sv.URL + "/hook?a=b")
	m.Headers = []subscription.Header{{Name: "Authorization", Value: "Bearer x"}, {Name: "X-Two", Value: "1"}, {Name: "X-Two", Value: "2"}}
	for range 2 {
		if err := c.Post(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		r := <-got
		h := http.Header{"Authorization": r.Header["Authorization"], "X-Two": r.Header["X-Two"], "Content-Type": r.Header["Content-Type"], "User-Agent": r.Header["User-Agent"]}
		if d := cmp.Diff(http.Header{
			"Authorization": {"Bearer x"}, "X-Two": {"1", "2"}, "Content-Type": {"application/fhir+json"}, "User-Agent": {"drieluik/1.2"},
		}, h); d != "" || r.URL.RawQuery != "a=b" {
			t.Error(d, r.URL)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestTheStatusIsTheAnswer(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	sv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		case "/no":
			http.Error(w, "no", http.StatusForbidden)
		case "/headers":
			w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}
	}))
	defer sv.Close()
	c := notify.New(loopback, "1", nil)
	refused := exchange.Undelivered{Reason: exchange.RefusedMessage, Left: true}
	for path, want := range map[string]exchange.Undelivered{
		"/": {}, "/endless": {}, "/moved": refused, "/no": refused, "/headers": {Reason: exchange.UnreachableReceiver, Left: true},
	} {
		if got := why(t, c.Post(t.Context(), message(sv.URL+path))); got != want {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if hits.Load() != 5 {
		t.Errorf("%d requests: a redirect was followed, or one was sent twice", hits.Load())
	}
}

func TestASlowReceiverIsGivenUp(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	sv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer sv.Close()
	c := notify.New(loopback, "1", nil)
	m := message(sv.URL)
	m.Timeout = 50 * time.Millisecond
	answered := make(chan error, 1)
	go func() { answered <- c.Post(context.Background(), m) }()
	<-asked
	if got := why(t, <-answered); got != (exchange.Undelivered{Reason: exchange.SlowReceiver, Left: true}) {
		t.Errorf("%+v", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() { answered <- c.Post(ctx, message(sv.URL)) }()
	<-asked
	stop()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("when the server stops: %v", err)
	}
}

// TestASlowTenantKeepsNobodyElseOfItsHostWaiting: several receivers behind one name are several receivers.
func TestASlowTenantKeepsNobodyElseOfItsHostWaiting(t *testing.T) {
	t.Parallel()
	const slow = 20
	hangs, over := make(chan struct{}, slow), make(chan struct{})
	sv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			hangs <- struct{}{}
			<-over
		}
	}))
	defer sv.Close()
	c := notify.New(loopback, "1", nil)
	answered := make(chan error, slow)
	for range slow {
		go func() { answered <- c.Post(context.Background(), message(sv.URL+"/slow")) }()
	}
	for range slow {
		select {
		case <-hangs:
		case <-time.After(10 * time.Second):
			t.Error("one waits for a connection that another has")
			close(over)
			return
		}
	}
	if err := c.Post(t.Context(), message(sv.URL+"/quick")); err != nil {
		t.Errorf("another receiver of the host: %v", err)
	}
	close(over)
	for range slow {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
}

func TestWhatMayNotBeCalledIsNot(t *testing.T) {
	t.Parallel()
	hit := make(chan struct{}, 9)
	sv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit <- struct{}{} }))
	defer sv.Close()
	port := sv.URL[strings.LastIndexByte(sv.URL, ':'):]
	address := exchange.Undelivered{Reason: exchange.RefusedAddress}
	for _, c := range []struct {
		name, url string
		guard     egress.Guard
		want      exchange.Undelivered
		allowed   bool
	}{
		{"http from a public server", sv.URL, egress.Guard{}, address, false},
		{"https to a private address", "https://127.0.0.1" + port, egress.Guard{}, address, true},
		{"a name for a private address", "https://localhost" + port, egress.Guard{}, address, true},
		{"metadata of a cloud", "https://169.254.169.254/", egress.Guard{Private: []string{"169.254.169.254:443"}}, address, true},
		{"a password", strings.Replace(sv.URL, "http://", "http://u:p@", 1), loopback, address, false},
		{"another scheme", "file:///etc/passwd", loopback, address, false},
		{"a private receiver that is named", sv.URL, egress.Guard{LoopbackHTTP: true, Private: []string{"127.0.0.1" + port}}, exchange.Undelivered{}, true},
		{"a private receiver on another port", sv.URL, egress.Guard{LoopbackHTTP: true, Private: []string{"127.0.0.1:1"}}, address, true},
	} {
		client := notify.New(c.guard, "1", nil)
		if got := client.Allowed(c.url); got != c.allowed {
			t.Errorf("%s: allowed %v", c.name, got)
		}
		if got := why(t, client.Post(t.Context(), message(c.url))); got != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if len(hit) != 1 {
		t.Errorf("%d requests arrived", len(hit))
	}
	sv.Close()
	if got := why(t, notify.New(loopback, "1", nil).Post(t.Context(), message(sv.URL))); got != (exchange.Undelivered{Reason: exchange.UnreachableReceiver}) {
		t.Errorf("nobody listens: %+v", got)
	}
}

func TestTLSIsOfNowAndItsCertificateHolds(t *testing.T) {
	t.Parallel()
	quiet := log.New(io.Discard, "", 0)
	sv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	sv.Config.ErrorLog = quiet
	sv.TLS = &tls.Config{MaxVersion: tls.VersionTLS12}
	sv.StartTLS()
	defer sv.Close()
	old := httptest.NewUnstartedServer(sv.Config.Handler)
	old.Config.ErrorLog = quiet
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	roots := x509.NewCertPool()
	roots.AddCert(sv.Certificate())
	roots.AddCert(old.Certificate())
	trust := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10}
	if err := notify.New(loopback, "1", trust).Post(t.Context(), message(sv.URL)); err != nil {
		t.Errorf("TLS 1.2: %v", err)
	}
	unreachable := exchange.Undelivered{Reason: exchange.UnreachableReceiver}
	if got := why(t, notify.New(loopback, "1", trust).Post(t.Context(), message(old.URL))); got != unreachable {
		t.Errorf("TLS 1.1: %+v", got)
	}
	if got := why(t, notify.New(loopback, "1", nil).Post(t.Context(), message(sv.URL))); got != unreachable {
		t.Errorf("an unknown certificate: %+v", got)
	}
}
