package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// has reports which resources a restored data folder holds.
func has(t *testing.T, folder string, refs []fhir.Ref) (found []bool) {
	t.Helper()
	st, err := store.Open(t.Context(), folder, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if raised, ok, err := st.Setting(t.Context(), exchange.RaisedKey); err != nil || !ok || len(raised) < 13 {
		t.Errorf("numbers of events that may have been handed out come again: %q %v", raised, err)
	}
	err = st.View(context.Background(), func(v exchange.Snapshot) error {
		for _, ref := range refs {
			_, err := v.Read(ref)
			found = append(found, err == nil)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestABackupOfARunningServerIsRestoredWhole writes without pause, backs up in the midst, and restores: what
// was acknowledged before is there, what came after begins at one write and has no gaps, the log is whole,
// and what opened something opens nothing more.
func TestABackupOfARunningServerIsRestoredWhole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sv := s.start(t)
	c := sv.login(t, "homecare", "")
	var mu sync.Mutex
	var written []fhir.Ref
	stop, done := make(chan struct{}), make(chan struct{})
	enough := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			r, err := c.do(http.MethodPost, "/fhir/Patient", "application/fhir+json", fmt.Appendf(nil, `{"resourceType":"Patient","name":[{"family":"Test%d"}]}`, i))
			var made struct{ ID string }
			if err != nil || r.status != http.StatusCreated || json.Unmarshal(r.body, &made) != nil {
				t.Errorf("create: %d %v", r.status, err)
				return
			}
			mu.Lock()
			written = append(written, fhir.Ref{Type: "Patient", ID: made.ID})
			mu.Unlock()
			if i == 20 {
				close(enough)
			}
		}
	}()
	<-enough
	mu.Lock()
	before := len(written)
	mu.Unlock()
	file := filepath.Join(s.dir, "b.tar")
	out, stderr, code := tool(t, "backup", "--store", s.store(), file)
	if code != 0 || !strings.Contains(out, "bytes") {
		t.Fatalf("backup: %d %s", code, stderr)
	}
	close(stop)
	<-done
	sv.kill()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the backup: %v %v", info, err)
	}
	folder := filepath.Join(s.dir, "restored")
	if out, stderr, code = tool(t, "restore", "--store", "sqlite:"+folder, file); code != 0 || !strings.Contains(out, "audit verify") {
		t.Fatalf("restore: %d %s", code, stderr)
	}
	found := has(t, folder, written)
	if n := slices.Index(append(found, false), false); n < before || slices.Contains(found[n:], true) {
		t.Errorf("acknowledged before: %d, there: %v", before, found)
	}
	if out, stderr, code = tool(t, "audit", "verify", "--store", "sqlite:"+folder); code != 0 {
		t.Errorf("audit verify: %s %s", out, stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "*.part*")); left != nil {
		t.Errorf("left behind: %v", left)
	}

	old := &site{dir: s.dir, keys: s.keys}
	again := old.start(t, "--store", "sqlite:"+folder)
	stale := &caller{base: again.base, token: c.token, http: http.DefaultClient}
	if got := stale.status(t, "/fhir/Patient"); got != http.StatusUnauthorized {
		t.Errorf("a token of before the restore: %d", got)
	}
	assertion, stderr, code := tool(t, "client", "assertion", "--client-id", "homecare", "--key", s.keys["homecare"], "--audience", again.base+"/auth/token")
	if code != 0 {
		t.Fatal(stderr)
	}
	if r := again.post(t, "/auth/token", strings.TrimSpace(assertion), askToken()); r.status != http.StatusBadRequest && r.status != http.StatusUnauthorized || !bytes.Contains(r.body, []byte("jwt.epoch")) {
		t.Errorf("an assertion that may have been used before: %d %s", r.status, r.body)
	}
}

func TestARestoreTakesNothingButAWholeBackup(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	file := filepath.Join(s.dir, "b.tar")
	if _, stderr, code := tool(t, "backup", "--store", s.store(), file); code != 0 {
		t.Fatal(stderr)
	}
	if _, stderr, code := tool(t, "backup", "--store", s.store(), file); code != 2 || !strings.Contains(stderr, "another name") {
		t.Errorf("over a backup: %d %s", code, stderr)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	folder := filepath.Join(s.dir, "new")
	for name, content := range map[string][]byte{"flipped": flipped, "short": whole[:len(whole)/2], "empty": nil, "other": []byte("no tar")} {
		bad := filepath.Join(s.dir, name)
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code := tool(t, "restore", "--store", "sqlite:"+folder, bad); code != 1 || !strings.Contains(stderr, "no backup of drieluik") {
			t.Errorf("%s: %d %s", name, code, stderr)
		}
	}
	if _, stderr, code := tool(t, "restore", "--store", s.store(), file); code != 2 || !strings.Contains(stderr, "not empty") {
		t.Errorf("over a store: %d %s", code, stderr)
	}
	if left, _ := os.ReadDir(filepath.Dir(folder)); slices.ContainsFunc(left, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), "new") }) {
		t.Error("a refused restore leaves something")
	}
	if _, stderr, code := tool(t, "restore", "--store", "sqlite:"+folder, file); code != 0 {
		t.Error(stderr)
	}
}
