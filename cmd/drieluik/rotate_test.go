package main_test

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecretsAndKeysAreReplacedWhileTheServerRuns: an old secret goes on for a day unless --now, a key set
// and the signing keys at once with --now.
func TestSecretsAndKeysAreReplacedWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sv := s.start(t)
	out, stderr, code := tool(t, "client", "add", "--store", s.store(), "--id", "portal", "--name", "Portaal", "--type", "confidential",
		"--auth", "secret", "--org", "90000002", "--redirect-uri", "https://portaal.example/terug", "--scope", "patient/CarePlan.rs")
	_, first, _ := strings.Cut(strings.TrimSpace(out), "\n")
	if code != 0 || first == "" {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	rotate := func(flags ...string) string {
		t.Helper()
		out, stderr, code := tool(t, append([]string{"client", "rotate", "portal", "--store", s.store()}, flags...)...)
		if code != 0 || !strings.HasPrefix(out, "drs_") || !strings.Contains(stderr, "shown this once") {
			t.Fatalf("exit %d: %s %s", code, out, stderr)
		}
		return strings.TrimSpace(out)
	}
	accepted := func(secret string) bool {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, sv.base+"/auth/introspect", strings.NewReader(url.Values{"token": {"x"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("portal", secret)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return res.Body.Close() == nil && res.StatusCode == http.StatusOK
	}
	second := rotate()
	if !accepted(first) || !accepted(second) {
		t.Error("after rotate both secrets are good for a day")
	}
	third := rotate("--now")
	if accepted(first) || accepted(second) || !accepted(third) {
		t.Error("after rotate --now the new secret alone is good")
	}
	for _, wrong := range [][]string{{"nobody"}, {"portal", "--jwks", "a.json", "--jwks-url", "https://a.example/keys"}, {"portal", "--jwks", filepath.Join(s.dir, "none.json")}} {
		if _, stderr, code := tool(t, append([]string{"client", "rotate", "--store", s.store()}, wrong...)...); code == 0 || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, %q", wrong, code, stderr)
		}
	}
}

func TestSigningKeysAreListedAndReplaced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sv := s.start(t)
	published := func() string {
		t.Helper()
		c := &caller{base: sv.base, http: http.DefaultClient}
		r, _ := c.get(t, "/auth/jwks")
		return string(r.body)
	}
	active := func() string {
		t.Helper()
		out, stderr, code := tool(t, "keys", "list", "--store", s.store())
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if code != 0 || len(lines) != 3 || !strings.Contains(lines[1], " active ") || !strings.Contains(lines[2], " next ") {
			t.Fatalf("exit %d: %s %s", code, out, stderr)
		}
		return strings.Fields(lines[1])[0]
	}
	first := active()
	if !strings.Contains(published(), first) {
		t.Error("the active key is not published")
	}
	if _, stderr, code := tool(t, "keys", "rotate", "--store", s.store()); code != 1 || !strings.Contains(stderr, "24 hours") {
		t.Errorf("a young key: exit %d, %q", code, stderr)
	}
	if _, stderr, code := tool(t, "keys", "rotate", "--now", "--store", s.store()); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if second := active(); second == first || !strings.Contains(published(), second) || strings.Contains(published(), first) {
		t.Error("after rotate --now the server publishes the new key and not the old one")
	}
	info, err := os.Stat(filepath.Join(s.dir, "data", "secret.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret of the keys: %v %v", info, err)
	}
}

// TestKeysOpenUnderTheSecretFileAlone: keys that were made under the file of the settings open with it, and
// with no other; a file that others may read is refused.
func TestKeysOpenUnderTheSecretFileAlone(t *testing.T) {
	t.Parallel()
	s := &site{dir: t.TempDir()}
	secret := filepath.Join(s.dir, "secret")
	write := func(path string, b byte, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, bytes.Repeat([]byte{b}, 32), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(secret, 1, 0o600)
	config := resourceFile(t, "drieluik.yaml", "auth:\n  secretFile: "+secret+"\n")
	s.start(t, "--config", config).kill()
	if _, err := os.Stat(filepath.Join(s.dir, "data", "secret.key")); err == nil {
		t.Error("a second secret was made")
	}
	if out, stderr, code := tool(t, "keys", "list", "--store", s.store(), "--secret-file", secret); code != 0 || !strings.Contains(out, "active") {
		t.Errorf("exit %d: %s %s", code, out, stderr)
	}
	other := filepath.Join(s.dir, "other")
	write(other, 2, 0o600)
	if out, _, code := tool(t, "keys", "list", "--store", s.store(), "--secret-file", other); code != 1 || strings.Contains(out, "active") {
		t.Errorf("another secret: exit %d: %s", code, out)
	}
	open := filepath.Join(s.dir, "open")
	write(open, 1, 0o644)
	if _, stderr, code := tool(t, "keys", "list", "--store", s.store(), "--secret-file", open); code != 1 || !strings.Contains(stderr, "chmod 600") {
		t.Errorf("a file that others read: exit %d: %s", code, stderr)
	}
	group := filepath.Join(s.dir, "group")
	write(group, 1, 0o440) // of root: as an orchestrator hands it out
	if os.Getuid() == 0 {
		if _, stderr, code := tool(t, "keys", "list", "--store", s.store(), "--secret-file", group); code != 0 {
			t.Errorf("a file of root for a group: exit %d: %s", code, stderr)
		}
	}
	if _, stderr, code := tool(t, "keys", "rotate", "--now", "--store", s.store(), "--secret-file", other); code != 0 {
		t.Errorf("a new key where the secret is lost: exit %d: %s", code, stderr)
	}
	if out, _, code := tool(t, "keys", "list", "--store", s.store(), "--secret-file", other); code != 0 || !strings.Contains(out, "active") {
		t.Errorf("after a new key where the secret is lost: exit %d: %s", code, out)
	}
}
