package main_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestAnAppRegistersItselfWithATokenOfTheOperator: where the operator permits it, and once.
func TestAnAppRegistersItselfWithATokenOfTheOperator(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const scope = "launch/patient patient/Patient.r"
	out, stderr, code := tool(t, "client", "token", "--store", s.store(), "--scope", scope, "--uses", "1", "--ttl", "24h")
	token := strings.TrimSpace(out)
	if code != 0 || !strings.HasPrefix(token, "dri_") || strings.Contains(token, "\n") {
		t.Fatalf("exit %d, %q %q", code, out, stderr)
	}
	if _, stderr, code := tool(t, "client", "token", "--store", s.store(), "--scope", "profile"); code != 1 || !strings.Contains(stderr, "scope") {
		t.Errorf("a scope that nobody has: exit %d, %q", code, stderr)
	}
	sv := s.start(t, "--register")
	const app = `{"client_name":"Nieuwe app","redirect_uris":["https://app.example/back"],"token_endpoint_auth_method":"none"}`
	status, body := postJSON(t, sv.base+"/auth/register", token, app)
	if status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := postJSON(t, sv.base+"/auth/register", token, app); status != http.StatusUnauthorized {
		t.Errorf("again: %d %s", status, body)
	}
	if out, stderr, code := tool(t, "check", sv.base); code != 0 { // what is on is no lie
		t.Errorf("check: exit %d, %s %s", code, out, stderr)
	}
	sv.kill()
	id, _ := object(t, body)["client_id"].(string)
	shown, stderr, code := tool(t, "client", "show", "--store", s.store(), id)
	if code != 0 || !strings.Contains(shown, `"dynamic_registration": true`) || !strings.Contains(shown, scope) {
		t.Errorf("exit %d, %s %s", code, shown, stderr)
	}
	off := s.start(t)
	if status, _ := postJSON(t, off.base+"/auth/register", token, app); status != http.StatusNotFound {
		t.Errorf("off: %d", status)
	}
}

func postJSON(t *testing.T, to, token, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b.Bytes()
}
