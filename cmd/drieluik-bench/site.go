package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
)

// site is a data folder, its clients, and the server process on it.
type site struct {
	binary, dir string
	listen      string  // of the first start, so that tokens stay good over a restart
	admin       string  // where the operator listens: off, or an address whose profiles are read
	shared      *shared // what it shares with a second process; nil: it is alone
	client      *client
	cmd         *exec.Cmd
	ended       chan error
	keys        map[string]*jose.PrivateKey

	mu     sync.Mutex
	tokens map[string]liveToken
}

type liveToken struct {
	text string
	at   time.Time
}

// The systems of the bench, by their URA.
const (
	homecare = "homecare"
	hospital = "hospital"
)

var organisations = map[string]string{homecare: "90000001", hospital: "90000002"}

// tokenClients ask for tokens: the rate limit counts per client, 200 a second.
const tokenClients = 8

func tokenClient(n int) string { return fmt.Sprintf("token-%d", n%tokenClients) }

func newSite(binary string) (*site, error) {
	dir, err := os.MkdirTemp("", "drieluik-bench-")
	if err != nil {
		return nil, err
	}
	binary, err = filepath.Abs(binary)
	return &site{binary: binary, dir: dir, listen: "127.0.0.1:0", admin: "off", keys: map[string]*jose.PrivateKey{}, tokens: map[string]liveToken{}}, err
}

func (s *site) store() []string {
	if s.shared != nil {
		return s.shared.store()
	}
	return []string{"--store", "sqlite:" + filepath.Join(s.dir, "data")}
}

func (s *site) close() {
	s.stop()
	if s.shared != nil {
		s.shared.close()
	}
	_ = os.RemoveAll(s.dir) // a temporary folder
}

func (s *site) pid() int { return s.cmd.Process.Pid }

var baseURL = regexp.MustCompile(`"base":"(http://[^"]+)/fhir"`)

// start runs the server, at first on a free port, and returns how long it took until it said ready.
func (s *site) start(ctx context.Context) (time.Duration, error) {
	name := filepath.Join(s.dir, "log")
	log, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer log.Close() // the process has its own
	cmd := exec.Command(s.binary, slices.Concat([]string{"serve", "--listen", s.listen}, s.store(), s.shared.flags())...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "DRIELUIK_ADMIN_LISTEN="+s.admin)
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("the server does not start: %w", err)
	}
	s.cmd, s.ended = cmd, make(chan error, 1)
	go func(ended chan<- error) { ended <- cmd.Wait() }(s.ended)
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for time.Since(begin) < time.Minute {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		if m := baseURL.FindSubmatch(text); m != nil {
			s.client, s.listen = newClient(string(m[1])), strings.TrimPrefix(string(m[1]), "http://")
			_, err := s.client.call(ctx, &worker{}, request{path: "/readyz"})
			return time.Since(begin), err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-s.ended:
			s.cmd = nil
			return 0, fmt.Errorf("the server ended: %s", text)
		case <-poll.C:
		}
	}
	return 0, errors.New("the server was not ready within a minute")
}

// stop ends the server as an operator does, so that the store is closed.
func (s *site) stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(15 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	s.cmd = nil
}

// tool runs a command of the binary on the store; the running server takes it as an order.
func (s *site) tool(ctx context.Context, in string, args ...string) error {
	cmd := exec.CommandContext(ctx, s.binary, append(args, s.store()...)...)
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(in), &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("drieluik %s %s: %s", args[0], args[1], errs.String())
	}
	return nil
}

// register makes the clients through drieluik client add.
func (s *site) register(ctx context.Context) error {
	names := map[string]string{}
	for name, ura := range organisations {
		names[name] = ura
	}
	for i := range tokenClients {
		names[tokenClient(i)] = organisations[homecare]
	}
	for name, ura := range names {
		key, err := jose.GenerateKey(jose.ES384)
		if err != nil {
			return err
		}
		public, err := jose.PublicSet(key)
		if err != nil {
			return err
		}
		file := filepath.Join(s.dir, name+".jwks.json")
		if err := os.WriteFile(file, public, 0o600); err != nil {
			return err
		}
		if err := s.tool(ctx, "", "client", "add", "--id", name, "--name", name, "--type", "backend", "--org", ura, "--jwks", file); err != nil {
			return err
		}
		s.keys[name] = key
	}
	return s.tool(ctx, "", "client", "add", "--id", app, "--name", "App", "--type", "public", "--org", organisations[homecare],
		"--redirect-uri", s.client.base+"/app/", "--scope", appScope)
}

// tokenForm is the body of a token request, with an assertion of one use and five minutes.
func (s *site) tokenForm(name string) ([]byte, error) {
	id, err := randomText()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	text, err := s.keys[name].SignAssertion(jose.Claims{
		Issuer: name, Subject: name, Audience: s.client.base + "/auth/token", ID: id,
		IssuedAt: jose.At(now.Unix()), Expires: jose.At(now.Add(5 * time.Minute).Unix()),
	})
	return []byte(url.Values{
		"grant_type": {"client_credentials"}, "scope": {"system/*.cruds"}, "client_assertion": {text}, "client_assertion_type": {jose.AssertionType},
	}.Encode()), err
}

// tokenLife is how long a token is used; it lives 300 s.
const tokenLife = 200 * time.Second

// token returns a live token of a system.
func (s *site) token(ctx context.Context, name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tokens[name]; time.Since(t.at) < tokenLife {
		return t.text, nil
	}
	form, err := s.tokenForm(name)
	if err != nil {
		return "", err
	}
	body, err := s.client.call(ctx, &worker{}, request{method: "POST", path: "/auth/token", media: formMedia, body: form})
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AccessToken == "" {
		return "", errors.New("the token endpoint gave no token")
	}
	s.tokens[name] = liveToken{answer.AccessToken, time.Now()}
	return answer.AccessToken, nil
}

const (
	formMedia = "application/x-www-form-urlencoded"
	fhirMedia = "application/fhir+json"
)
