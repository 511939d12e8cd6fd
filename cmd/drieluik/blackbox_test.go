package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "drieluik-blackbox-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "drieluik")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	// Servers beside each other have a listener for the operator each.
	if err := os.Setenv("DRIELUIK_ADMIN_LISTEN", "127.0.0.1:0"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// tool runs the binary to its end and returns what it printed.
func tool(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// site is a data folder with two registered systems: hospital and home care.
type site struct {
	dir     string
	address string            // of a store elsewhere; "": in dir
	keys    map[string]string // client → file of its private key
	env     []string          // of the server, beside our own
}

// systems are the clients of a site and the URA of their organisation.
var systems = map[string]string{"hospital": "90000002", "homecare": "90000001"}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), keys: map[string]string{}}
	s.register(t)
	return s
}

// register adds the systems of a site.
func (s *site) register(t *testing.T) {
	t.Helper()
	for name, ura := range systems {
		s.keys[name] = filepath.Join(s.dir, name+".jwk.json")
		public := filepath.Join(s.dir, name+".jwks.json")
		writeKey(t, s.keys[name], public)
		_, stderr, code := s.tool(t, "client", "add", "--id", name, "--name", name,
			"--type", "backend", "--org", ura, "--org-name", "XXX_"+name, "--jwks", public)
		if code != 0 {
			t.Fatalf("client add: exit %d: %s", code, stderr)
		}
	}
}

func (s *site) store() string {
	if s.address != "" {
		return s.address
	}
	return "sqlite:" + filepath.Join(s.dir, "data")
}

// tool runs a command on the store of the site.
func (s *site) tool(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	args = append(args, "--store", s.store())
	if s.address != "" {
		args = append(args, "--secret-file", s.secret())
	}
	return tool(t, args...)
}

func (s *site) secret() string { return filepath.Join(s.dir, "secret") }

// server is a running binary.
type server struct {
	site *site
	cmd  *exec.Cmd
	base string
	log  *lockedBuffer
	done chan error
}

// lockedBuffer collects the output of a process.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var operatorLine = regexp.MustCompile(`"metrics":"(http://[^"]+)/metrics"`)

// operator asks the listener of the operator.
func (sv *server) operator(t *testing.T, path string) (status int, text string) {
	t.Helper()
	m := operatorLine.FindStringSubmatch(sv.log.String())
	if m == nil {
		t.Fatalf("no listener for the operator:\n%s", sv.log)
	}
	r, err := http.Get(m[1] + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

var readyLine = regexp.MustCompile(`"base":"(http://[^"]+)/fhir"`)

// start runs serve on a free port and waits until it is ready.
func (s *site) start(t *testing.T, flags ...string) *server {
	t.Helper()
	return s.run(t, exec.Command(binary, append([]string{"serve", "--store", s.store(), "--listen", "127.0.0.1:0"}, flags...)...))
}

// run starts a server by a command and waits until it is ready.
func (s *site) run(t *testing.T, cmd *exec.Cmd) *server {
	t.Helper()
	cmd.Env = append(os.Environ(), s.env...)
	log := &lockedBuffer{}
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sv := &server{site: s, cmd: cmd, log: log, done: make(chan error, 1)}
	ready := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(pipe)
		for lines.Scan() {
			fmt.Fprintln(log, lines.Text())
			if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
				ready <- m[1]
			}
		}
		sv.done <- cmd.Wait()
	}()
	t.Cleanup(func() { sv.kill() })
	select {
	case sv.base = <-ready:
	case err := <-sv.done:
		t.Fatalf("serve ended: %v\n%s", err, log)
	case <-time.After(30 * time.Second):
		t.Fatalf("serve is not ready\n%s", log)
	}
	return sv
}

// kill ends the process as a power cut would. A second call does nothing.
func (sv *server) kill() {
	if err := sv.cmd.Process.Signal(syscall.SIGKILL); err == nil {
		<-sv.done
		sv.done <- nil
	}
}

// caller is a system with a live token.
type caller struct {
	base, token string
	http        *http.Client
}

// login gets a token for a system; scope "" asks for everything.
func (sv *server) login(t *testing.T, system, scope string) *caller {
	t.Helper()
	c := &caller{base: sv.base, http: &http.Client{Timeout: 20 * time.Second}}
	assertion, stderr, code := tool(t, "client", "assertion", "--client-id", system, "--key", sv.site.keys[system],
		"--audience", sv.base+"/auth/token")
	if code != 0 {
		t.Fatalf("client assertion: %s", stderr)
	}
	if scope == "" {
		scope = "system/*.cruds"
	}
	res, err := c.http.PostForm(sv.base+"/auth/token", url.Values{
		"grant_type": {"client_credentials"}, "scope": {scope}, "client_assertion": {strings.TrimSpace(assertion)},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&token); err != nil || token.AccessToken == "" {
		t.Fatalf("no token: %d %v", res.StatusCode, err)
	}
	c.token = token.AccessToken
	return c
}

// reply is an HTTP answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request; err is a failure of the connection.
func (c *caller) do(method, path, media string, body []byte) (reply, error) {
	req, err := http.NewRequest(method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{status: res.StatusCode, header: res.Header, body: b}, err
}

// get reads a path and parses the answer.
func (c *caller) get(t *testing.T, path string) (reply, map[string]any) {
	t.Helper()
	r, err := c.do(http.MethodGet, path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, object(t, r.body)
}

// push submits a source document.
func (c *caller) push(t *testing.T, doc []byte) reply {
	t.Helper()
	r, err := c.do(http.MethodPost, "/fhir/$submit", "application/json", doc)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func object(t *testing.T, b []byte) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("not a JSON object: %v: %.200s", err, b)
	}
	return out
}

// list returns a member that is an array of objects.
func list(m map[string]any, name string) []map[string]any {
	var out []map[string]any
	items, ok := m[name].([]any)
	if !ok {
		return nil
	}
	for _, i := range items {
		if o, ok := i.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

// locations returns where a push wrote, without versions.
func locations(t *testing.T, receipt []byte) []string {
	t.Helper()
	var out []string
	for _, e := range list(object(t, receipt), "entry") {
		response, ok := e["response"].(map[string]any)
		if !ok {
			continue
		}
		if l, ok := response["location"].(string); ok {
			out = append(out, strings.Split(l, "/_history/")[0])
		}
	}
	return out
}
