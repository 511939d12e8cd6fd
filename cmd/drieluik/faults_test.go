package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// smallDisk is a script that runs its arguments on a copy of a data folder ($1) on a disk of 24 MB, mounted
// over it, 12 MB of which are taken by a file.
const smallDisk = `set -e
cp -r "$1" "$1.copy"
mount -t tmpfs -o size=24m tmpfs "$1"
cp -r "$1.copy"/. "$1"
head -c 12000000 /dev/zero > "$1/ballast"
shift
exec "$@"`

// bulky is a resource of some size that no compression makes small.
func bulky(size int) []byte {
	noise := make([]byte, size*3/4)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	return fmt.Appendf(nil, `{"resourceType":"Basic","code":{"text":%q}}`, base64.StdEncoding.EncodeToString(noise))
}

// TestAFullDiskClosesTheServerUntilThereIsRoom fills the disk under a running server: what is not durable is
// not acknowledged, nothing leaves that cannot be logged, and with room it goes on by itself.
func TestAFullDiskClosesTheServerUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	apart := "-Urm" // mounts of its own, as a user that is root there alone
	if exec.Command("unshare", apart, "true").Run() != nil {
		apart = "-m" // of root
	}
	if err := exec.Command("unshare", apart, "true").Run(); err != nil && os.Getenv("CI") == "" {
		t.Skip("no small disk can be mounted here: unshare: ", err)
	}
	s := newSite(t)
	data := filepath.Join(s.dir, "data")
	sv := s.run(t, exec.Command("unshare", apart, "sh", "-c", smallDisk, "sh", data,
		binary, "serve", "--store", s.store(), "--listen", "127.0.0.1:0"))
	c := sv.login(t, "homecare", "")
	patient := c.made(t, "/fhir/Patient", []byte(`{"resourceType":"Patient","name":[{"family":"Testkind"}]}`))
	var kept []string
	full := false
	for range 400 {
		r, err := c.do(http.MethodPost, "/fhir/Basic", "application/fhir+json", bulky(100_000))
		if err != nil {
			t.Fatal(err)
		}
		if r.status == http.StatusCreated {
			kept = append(kept, idOf(t, r.body))
			continue
		}
		if full = r.status == http.StatusServiceUnavailable && r.header.Get("Retry-After") != ""; !full {
			t.Fatalf("a full disk answers %d %s", r.status, r.body)
		}
		break
	}
	if !full || len(kept) == 0 {
		t.Fatalf("the disk is not full after %d writes", len(kept))
	}
	// A row of the log may still fit: what is answered is logged, and in the end nothing is.
	closed := false
	for range 2_000 {
		r, err := c.do(http.MethodGet, "/fhir/Patient/"+patient, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if closed = r.status == http.StatusServiceUnavailable; closed {
			if strings.Contains(string(r.body), "Testkind") {
				t.Error("a read without a log has content")
			}
			break
		}
	}
	if !closed {
		t.Error("reads go on without a log")
	}
	anybody := &caller{base: sv.base, http: http.DefaultClient}
	until(t, "not ready on a full disk", func() bool { return anybody.status(t, "/readyz") == http.StatusServiceUnavailable })

	if err := os.Remove(fmt.Sprintf("/proc/%d/root%s/ballast", sv.cmd.Process.Pid, data)); err != nil {
		t.Fatal(err)
	}
	until(t, "ready with room", func() bool { return anybody.status(t, "/readyz") == http.StatusOK })
	kept = append(kept, c.made(t, "/fhir/Basic", bulky(1000)))
	for _, id := range kept {
		if got := c.status(t, "/fhir/Basic/"+id); got != http.StatusOK {
			t.Errorf("%s was acknowledged and answers %d", id, got)
		}
	}
	if out, stderr, code := tool(t, "audit", "verify", "--store", fmt.Sprintf("sqlite:/proc/%d/root%s", sv.cmd.Process.Pid, data)); code != 0 {
		t.Errorf("audit verify: %s %s", out, stderr)
	}
}

// until waits for something that the server does by itself.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for range 100 {
		if holds() {
			return
		}
		<-poll.C
	}
	t.Fatalf("not within ten seconds: %s", what)
}

func idOf(t *testing.T, body []byte) string {
	t.Helper()
	var made struct{ ID string }
	if err := json.Unmarshal(body, &made); err != nil || made.ID == "" {
		t.Fatalf("no id: %v %.200s", err, body)
	}
	return made.ID
}

// made creates a resource and returns its id.
func (c *caller) made(t *testing.T, path string, body []byte) string {
	t.Helper()
	r, err := c.do(http.MethodPost, path, "application/fhir+json", body)
	if err != nil || r.status != http.StatusCreated {
		t.Fatalf("%s: %d %v %.300s", path, r.status, err, r.body)
	}
	return idOf(t, r.body)
}

// TestASignalToStopLetsRunningRequestsEnd stops a server in the midst of transactions: each is answered and
// whole, or was never taken, and the process ends with 0 in ten seconds.
func TestASignalToStopLetsRunningRequestsEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for round := range rounds(2) {
		sv := s.start(t)
		c := sv.login(t, "homecare", "")
		var entries []string
		for i := range 300 {
			entries = append(entries, fmt.Sprintf(`{"fullUrl":"urn:uuid:00000000-0000-4000-8000-%012d","resource":{"resourceType":"Basic","code":{"text":"%d"}},"request":{"method":"POST","url":"Basic"}}`, i, round))
		}
		body := []byte(`{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`)
		var mu sync.Mutex
		answered := 0
		var senders sync.WaitGroup
		first := make(chan struct{})
		var once sync.Once
		for range 4 {
			senders.Go(func() {
				for {
					r, err := c.do(http.MethodPost, "/fhir", "application/fhir+json", body)
					if err != nil {
						return // it takes no more
					}
					if r.status != http.StatusOK {
						t.Errorf("%d %.200s", r.status, r.body)
						return
					}
					mu.Lock()
					answered++
					mu.Unlock()
					once.Do(func() { close(first) })
				}
			})
		}
		<-first
		begin := time.Now()
		if err := sv.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := <-sv.done; err != nil || time.Since(begin) > 11*time.Second {
			t.Errorf("ended with %v after %s", err, time.Since(begin))
		}
		sv.done <- nil
		senders.Wait()
		after := s.start(t)
		_, found := after.login(t, "homecare", "").get(t, "/fhir/Basic?_summary=count")
		total, _ := found["total"].(float64)
		if int(total)%300 != 0 || int(total) < 300*answered {
			t.Errorf("%v resources after %d transactions of 300 were answered", total, answered)
		}
		after.kill()
		if err := os.RemoveAll(filepath.Join(s.dir, "data")); err != nil {
			t.Fatal(err)
		}
		s = newSite(t)
	}
}

// TestIdleConnectionsKeepNobodyOut opens connections that say nothing: others are served meanwhile.
func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	c := sv.login(t, "homecare", "")
	many := min(10_000, 50*rounds(40))
	open := make([]net.Conn, 0, many)
	defer func() {
		for _, o := range open {
			o.Close()
		}
	}()
	for range many {
		o, err := net.Dial("tcp", strings.TrimPrefix(sv.base, "http://"))
		if err != nil {
			t.Fatalf("after %d connections: %v", len(open), err)
		}
		open = append(open, o)
	}
	for range 20 {
		if got := c.status(t, "/fhir/Patient?_count=1"); got != http.StatusOK {
			t.Fatalf("beside %d idle connections: %d", many, got)
		}
	}
	_, text := sv.operator(t, "/metrics")
	if rss := metric(t, text, "process_resident_memory_bytes"); rss > 400e6 {
		t.Errorf("%.0f MB for %d idle connections", rss/1e6, many)
	}
	// Who says nothing for five seconds is let go.
	o := open[0]
	if err := o.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("an idle connection is kept: %v", err)
	}
}

// TestSlowClientsStoreNothingAndKeepNobodyOut sends transactions a byte at a time, as a bad line does and who wants to
// hold a server's connections: others are served beside them, and after 15 seconds each is told and let go.
func TestSlowClientsStoreNothingAndKeepNobodyOut(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	c := sv.login(t, "homecare", "")
	host := strings.TrimPrefix(sv.base, "http://")
	body := `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Basic","code":{"text":"` +
		strings.Repeat("slow ", 1000) + `"}},"request":{"method":"POST","url":"Basic"}}]}`
	head := fmt.Sprintf("POST /fhir HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n", host, c.token, len(body))
	var lines []net.Conn
	defer func() {
		for _, o := range lines {
			o.Close()
		}
	}()
	for range 100 {
		o, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, o)
		if _, err := io.WriteString(o, head); err != nil {
			t.Fatal(err)
		}
	}
	var clients sync.WaitGroup
	var ended atomic.Int32
	for _, o := range lines {
		clients.Go(func() {
			slowly(t, o, body)
			ended.Add(1)
		})
	}
	for range 20 {
		if got := c.status(t, "/fhir/Patient?_count=1"); got != http.StatusOK {
			t.Errorf("beside slow clients: %d", got)
		}
	}
	if ended.Load() > 0 {
		t.Error("clients were let go before others were served beside them")
	}
	clients.Wait()
	_, found := c.get(t, "/fhir/Basic?_summary=count")
	if total := found["total"]; total != 0.0 {
		t.Errorf("%v resources of transactions that never came to their end", total)
	}
}

// slowly sends a body a byte at a time until it is answered, which must be a refusal of that body within 20 seconds.
func slowly(t *testing.T, o net.Conn, body string) {
	if err := o.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Error(err)
		return
	}
	answered := make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := range len(body) {
			select {
			case <-tick.C:
			case <-answered:
				return
			}
			if _, err := io.WriteString(o, body[i:i+1]); err != nil {
				return
			}
		}
	})
	answer, err := io.ReadAll(o)
	close(answered)
	sender.Wait()
	if !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") || !strings.Contains(string(answer), "body-incomplete") {
		t.Errorf("%v %.300s", err, answer)
	}
}
