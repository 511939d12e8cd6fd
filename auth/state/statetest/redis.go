package statetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisServer is a redis-server of the test's own, on a free port of loopback, with its data in a
// folder that goes with the test.
type RedisServer struct {
	Addr     string
	dir      string
	password string
	tls      *tls.Config // nil: plain
	args     []string
	cmd      *exec.Cmd
	done     chan struct{}
}

// Password is the password of a server that was started with Locked.
const Password = "XXX_geheim van redis"

// Locked are the flags of a server that asks for Password and writes an append-only file.
func Locked() []string { return []string{"--requirepass", Password, "--appendonly", "yes"} }

// StartRedis starts a redis-server with more flags and stops it when the test ends. Without
// redis-server the test is skipped, and in CI it fails.
func StartRedis(t testing.TB, flags ...string) *RedisServer {
	t.Helper()
	password := ""
	if slices.Contains(flags, "--requirepass") {
		password = Password
	}
	return launch(t, &RedisServer{password: password}, func(dir, port string) []string {
		return append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--logfile", filepath.Join(dir, "log")}, flags...)
	})
}

// StartSentinel starts a Sentinel that watches the server under the name "main", and alone decides.
func StartSentinel(t testing.TB, watched *RedisServer) *RedisServer {
	t.Helper()
	host, mainPort, err := net.SplitHostPort(watched.Addr)
	must(t, err)
	return launch(t, &RedisServer{}, func(dir, port string) []string {
		lines := []string{
			"bind 127.0.0.1", "port " + port, "dir " + dir, "logfile " + filepath.Join(dir, "log"),
			"sentinel monitor main " + host + " " + mainPort + " 1", "sentinel down-after-milliseconds main 300", "sentinel failover-timeout main 2000",
		}
		file := filepath.Join(dir, "sentinel.conf")
		must(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
		return []string{file, "--sentinel"}
	})
}

func launch(t testing.TB, s *RedisServer, args func(dir, port string) []string) *RedisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is missing; in CI its tests must run")
		}
		t.Skip("redis-server is missing; conformance/redis/install.sh installs it")
	}
	s.dir = t.TempDir()
	t.Cleanup(s.Kill)
	for range 3 { // another process may be quicker to take a free port
		s.Addr = freeAddr(t)
		_, port, err := net.SplitHostPort(s.Addr)
		must(t, err)
		s.args = args(s.dir, port)
		if err = s.start(t); err == nil {
			return s
		}
	}
	t.Fatalf("redis-server does not start: %s", s.Log())
	return nil
}

func freeAddr(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

// Start starts the server again after Kill, on the same port and data.
func (s *RedisServer) Start(t testing.TB) {
	t.Helper()
	if err := s.start(t); err != nil {
		t.Fatalf("%v: %s", err, s.Log())
	}
}

func (s *RedisServer) start(t testing.TB) error {
	s.cmd, s.done = exec.Command("redis-server", s.args...), make(chan struct{})
	must(t, s.cmd.Start())
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait() // it was killed
		close(done)
	}(s.cmd, s.done)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	late := time.After(10 * time.Second)
	for !s.answers(t) {
		select {
		case <-s.done:
			return errors.New("redis-server ended")
		case <-late:
			return errors.New("redis-server does not answer")
		case <-poll.C:
		}
	}
	return nil
}

// answers asks on a new connection, since a pool waits between attempts, and takes no other server
// on that port for ours.
func (s *RedisServer) answers(t testing.TB) bool {
	conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close() // nothing was sent
	info := s.Client(t).Info(t.Context(), "server").Val()
	return strings.Contains(info, fmt.Sprintf("process_id:%d\r", s.cmd.Process.Pid))
}

// Kill ends the server as a power cut would. A second call does nothing.
func (s *RedisServer) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended already
	<-s.done
}

// Process is the running server.
func (s *RedisServer) Process() *os.Process { return s.cmd.Process }

// Log is what the server wrote.
func (s *RedisServer) Log() string {
	b, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// URL is the address as --redis takes it.
func (s *RedisServer) URL() string {
	u := url.URL{Scheme: "redis", Host: s.Addr}
	if s.tls != nil {
		u.Scheme = "rediss"
	}
	if s.password != "" {
		u.User = url.UserPassword("", s.password)
	}
	return u.String()
}

// Client is a plain client of the server, which ends with the test.
func (s *RedisServer) Client(t testing.TB) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.Addr, Password: s.password, TLSConfig: s.tls, MaxRetries: -1, DialerRetries: 1, DialTimeout: time.Second})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Dump returns all keys, each with its kind of value and the value, for tests that look for secrets.
func (s *RedisServer) Dump(t testing.TB) map[string]string {
	t.Helper()
	c, out := s.Client(t), map[string]string{}
	keys, err := c.Keys(t.Context(), "*").Result()
	must(t, err)
	for _, key := range keys {
		value, err := c.Get(t.Context(), key).Result()
		must(t, err)
		out[key] = value
	}
	return out
}

// Shift is a Clock over a Redis: to advance it, the ends of all keys come nearer.
func (s *RedisServer) Shift(t testing.TB) Clock { return &shift{t: t, client: s.Client(t)} }

type shift struct {
	t      testing.TB
	client *redis.Client
}

// Now implements Clock. Redis cannot be told the time, so that what it says of time stays behind.
func (s *shift) Now() time.Time { return time.Now() }

// Advance implements Clock.
func (s *shift) Advance(d time.Duration) {
	s.t.Helper()
	ctx := context.Background()
	keys, err := s.client.Keys(ctx, "drl:*:*").Result()
	must(s.t, err)
	for _, key := range keys {
		left, err := s.client.PTTL(ctx, key).Result()
		must(s.t, err)
		if left < 0 {
			s.t.Errorf("%s has no end", key)
		}
		must(s.t, s.client.PExpire(ctx, key, left-d).Err())
	}
}

// Silent fails the test when what was written holds a secret. what names the place.
func Silent(t testing.TB, what, written string, secrets map[string]string) {
	t.Helper()
	for name, secret := range secrets {
		if secret != "" && strings.Contains(written, secret) {
			t.Errorf("%s holds the %s", what, name)
		}
	}
}

// Text joins a dump for a search.
func Text(dump map[string]string) string {
	var b bytes.Buffer
	for key, value := range dump {
		fmt.Fprintf(&b, "%s %s\n", key, value)
	}
	return b.String()
}
