package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestDemoPrintsLinesThatWorkWhenPasted starts the demo, pastes what it prints into a shell and
// looks at what came back: a receipt, care plans, the transfer. A second demo on the same data
// answers the same.
func TestDemoPrintsLinesThatWorkWhenPasted(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	for range 2 {
		text, stop := startDemo(t, data)
		answers, err := exec.Command("bash", "-ec", text[strings.Index(text, "# 1."):]).Output()
		if err != nil {
			t.Fatalf("the pasted lines failed: %v\n%s", err, answers)
		}
		address := launchAddress.Find(answers)
		if address == nil {
			t.Fatalf("the launch printed no address: %.300s", answers[max(0, len(answers)-300):])
		}
		wantViewer(t, string(bytes.TrimSpace(address)))
		stop()
		kinds := []string{}
		decoder := json.NewDecoder(bytes.NewReader(bytes.TrimSuffix(answers, address)))
		for decoder.More() {
			var r struct {
				ResourceType string
				Type         any // a code in a Bundle, a concept in a Composition
			}
			if err := decoder.Decode(&r); err != nil {
				t.Fatalf("%v in %.300s", err, answers)
			}
			if kind, ok := r.Type.(string); ok {
				r.ResourceType += " " + kind
			}
			kinds = append(kinds, r.ResourceType)
		}
		want := []string{"Bundle transaction-response", "Bundle searchset", "Composition"}
		if !slices.Equal(kinds, want) {
			t.Errorf("the lines answered %q, want %q", kinds, want)
		}
		if !regexp.MustCompile(`"title":"Zorgplan kind en gezin"`).Match(answers) {
			t.Error("the pull did not bring the care plan")
		}
	}
}

var launchAddress = regexp.MustCompile(`http://\S+/demo/viewer/launch\?\S+\s*$`)

// wantViewer opens the address of a launch: the coordinator logs in, chooses no child, permits nothing,
// and the app shows the plan of the child that the EHR stands at.
func wantViewer(t *testing.T, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, base: u.Scheme + "://" + u.Host, cookies: map[string]string{}}
	p := b.open(http.MethodGet, u.RequestURI(), nil)
	p = b.submit(p, url.Values{"login": {"zorgcoordinator"}, "password": {"demo"}})
	next := regexp.MustCompile(`http-equiv="refresh" content="0;url=([^"]*)"`).FindStringSubmatch(p.body)
	if next == nil || !strings.Contains(p.body, "Boris") || strings.Contains(p.body, "<form") {
		t.Fatalf("the page after the login asks, or does not name the child: %d %s", p.status, p.body)
	}
	p = b.open(http.MethodGet, strings.TrimPrefix(html.UnescapeString(next[1]), b.base), nil)
	if !strings.Contains(p.body, "<strong>Boris</strong>") || !strings.Contains(p.body, "Zorgplan kind en gezin (active)") {
		t.Errorf("the viewer shows %d %s", p.status, p.body)
	}
	if p = b.open(http.MethodGet, u.RequestURI(), nil); !strings.Contains(p.body, "invalid_request") {
		t.Errorf("the same address twice: %d %s", p.status, p.body)
	}
}

// startDemo runs the demo on a free port and returns what it printed. stop is Ctrl-C; the end of
// the test stops it too.
func startDemo(t *testing.T, data string) (text string, stop func()) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	log := &lockedBuffer{}
	cmd := exec.Command(binary, "demo", "--listen", "127.0.0.1:0", "--data", data)
	cmd.Stdout, cmd.Stderr = out, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait(); close(ended) }()
	stop = sync.OnceFunc(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("Ctrl-C: %v\n%s", err, log)
		}
	})
	t.Cleanup(stop)
	return waitFor(t, out.Name(), "# 6.", ended, log), stop
}

// waitFor polls a file until it holds a text.
func waitFor(t *testing.T, file, text string, ended <-chan error, log *lockedBuffer) string {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for time.Now().Before(deadline) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if i := strings.Index(string(b), text); i >= 0 && strings.HasSuffix(string(b), "\n\n") {
			return string(b)
		}
		select {
		case err := <-ended:
			t.Fatalf("the demo ended: %v\n%s", err, log)
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatalf("no %q within a minute\n%s", text, log)
	return ""
}

// rounds is how often a test of faults repeats what it does: short, unless DRIELUIK_TORTURE says how often.
func rounds(short int) int {
	if n, err := strconv.Atoi(os.Getenv("DRIELUIK_TORTURE")); err == nil {
		return n
	}
	return short
}

// TestAcknowledgedTransfersSurviveKill9 is invariant 1: after a power cut every acknowledged
// transfer is whole, every other one absent or whole, and the audit chain is whole.
func TestAcknowledgedTransfersSurviveKill9(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sv := s.start(t)
	pushed, acknowledged := 0, map[int]bool{}
	for round := range rounds(20) {
		hospital := sv.login(t, "hospital", "")
		acks := make(chan int, 1000)
		var pushers sync.WaitGroup
		first := pushed
		var next sync.Mutex
		for range 4 {
			pushers.Go(func() {
				for {
					next.Lock()
					n := pushed
					pushed++
					next.Unlock()
					r, err := hospital.do(http.MethodPost, "/fhir/$submit", "application/json", aboutChild(t, transferFile, n))
					if err != nil {
						return // the server is gone
					}
					if r.status != http.StatusCreated {
						t.Errorf("round %d: push %d answered %d: %.300s", round, n, r.status, r.body)
						return
					}
					acks <- n
				}
			})
		}
		killAfter(sv, acks, acknowledged, rand.IntN(12))
		pushers.Wait()
		close(acks)
		for n := range acks {
			acknowledged[n] = true
		}
		sv = s.start(t)
		hospital = sv.login(t, "hospital", "")
		for n := first; n < pushed; n++ {
			checkWhole(t, hospital, n, acknowledged[n])
		}
	}
	if len(acknowledged) < 20 {
		t.Errorf("only %d pushes were acknowledged in 20 rounds: the test shows nothing", len(acknowledged))
	}
	sv.kill()
	out, stderr, code := tool(t, "audit", "verify", "--store", s.store())
	if code != 0 || !strings.Contains(out, "ok") {
		t.Errorf("audit verify: exit %d %s%s", code, out, stderr)
	}
}

const transferFile = "boris/11-overdracht-ziekenhuis-naar-huis.json"

// killAfter lets some pushes be acknowledged, then cuts the power in the midst of others.
func killAfter(sv *server, acks <-chan int, acknowledged map[int]bool, n int) {
	for range n {
		select {
		case a := <-acks:
			acknowledged[a] = true
		case <-time.After(20 * time.Second):
		}
	}
	sv.kill()
}

// checkWhole compares what is stored of a transfer with what a push of it writes.
func checkWhole(t *testing.T, c *caller, n int, acknowledged bool) {
	t.Helper()
	_, found := c.get(t, fmt.Sprintf("/fhir/Composition?identifier=ovd-2001-%d", n))
	entries := list(found, "entry")
	switch {
	case len(entries) == 0 && acknowledged:
		t.Errorf("transfer %d was acknowledged and is gone", n)
	case len(entries) == 0:
		return
	}
	r := c.push(t, aboutChild(t, transferFile, n))
	if r.status != http.StatusOK {
		t.Errorf("transfer %d is stored, and pushing it again answered %d", n, r.status)
		return
	}
	for _, location := range locations(t, r.body) {
		if strings.HasPrefix(location, "Patient/") {
			continue // without a child record the Patient is a stub that nobody holds yet
		}
		if got, _ := c.get(t, "/fhir/"+location); got.status != http.StatusOK {
			t.Errorf("transfer %d lacks %s: %d", n, location, got.status)
		}
	}
}

// TestParallelPushesOfANewChildMakeOnePatient is the race of two organisations that report the
// same child for the first time.
func TestParallelPushesOfANewChildMakeOnePatient(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	pushers := map[*caller]string{
		sv.login(t, "homecare", ""): "boris/01-kind.json", sv.login(t, "hospital", ""): "boris/02-kind-ziekenhuis.json",
	}
	for round := range 200 {
		if round%100 == 99 { // tokens live five minutes
			pushers = map[*caller]string{
				sv.login(t, "homecare", ""): "boris/01-kind.json", sv.login(t, "hospital", ""): "boris/02-kind-ziekenhuis.json",
			}
		}
		patients := make(chan string, len(pushers))
		var race sync.WaitGroup
		for c, file := range pushers {
			race.Go(func() {
				r, err := c.do(http.MethodPost, "/fhir/$submit", "application/json", aboutChild(t, file, round))
				if err != nil || r.status != http.StatusCreated {
					t.Errorf("round %d: %s: %d %v %.400s", round, file, r.status, err, r.body)
					return
				}
				for _, l := range locations(t, r.body) {
					if strings.HasPrefix(l, "Patient/") {
						patients <- l
					}
				}
			})
		}
		race.Wait()
		close(patients)
		seen := map[string]bool{}
		for p := range patients {
			seen[p] = true
		}
		if len(seen) != 1 {
			t.Fatalf("round %d: the two pushes name %d patients", round, len(seen))
		}
	}
}

// TestCommandsReachARunningServer: a client that is disabled while the server runs is out on the
// next request, and back when it is enabled.
func TestCommandsReachARunningServer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sv := s.start(t)
	homecare := sv.login(t, "homecare", "")
	status := func() int {
		r, err := homecare.do(http.MethodGet, "/fhir/CarePlan?_count=1", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		return r.status
	}
	steps := []struct {
		args []string
		want int
	}{
		{[]string{"client", "list"}, http.StatusOK},
		{[]string{"client", "disable", "homecare"}, http.StatusUnauthorized},
		{[]string{"client", "enable", "homecare"}, http.StatusOK},
		{[]string{"audit", "verify"}, http.StatusOK},
	}
	for _, step := range steps {
		if out, stderr, code := tool(t, append(step.args, "--store", s.store())...); code != 0 {
			t.Fatalf("%v: exit %d: %s%s", step.args, code, out, stderr)
		}
		if got := status(); got != step.want {
			t.Errorf("after %v the next request answered %d, want %d", step.args, got, step.want)
		}
	}
	_, stderr, code := tool(t, "client", "disable", "nobody", "--store", s.store())
	if code != 1 || strings.Count(strings.TrimSpace(stderr), "\n") > 0 {
		t.Errorf("an unknown client: exit %d, %q", code, stderr)
	}
}
