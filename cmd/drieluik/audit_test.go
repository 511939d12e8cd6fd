package main_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

// exported is one line of the export.
type exported struct {
	Type    struct{ Code string }
	Subtype []struct{ Code string }
	Outcome string
	Agent   []struct {
		Who struct {
			Reference  string
			Identifier struct{ Value string }
		}
	}
	Entity []struct {
		What struct {
			Reference  string
			Identifier struct{ Value string }
		}
	}
}

// export runs drieluik audit export and holds each line to R4.
func (s *site) export(t *testing.T, flags ...string) []exported {
	t.Helper()
	out, stderr, code := tool(t, append([]string{"audit", "export", "--store", s.store()}, flags...)...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var all []exported
	for line := range strings.Lines(out) {
		r, issues := fhir.Parse([]byte(line), fhir.Limits{})
		if fhir.HasErrors(issues) {
			t.Fatalf("%v in %s", issues, line)
		}
		if issues := validate.Resource(r); fhir.HasErrors(issues) {
			t.Errorf("%+v in %s", issues, line)
		}
		var e exported
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// kinds lists what the events are: type, subtype, outcome.
func kinds(all []exported) (out []string) {
	for _, e := range all {
		k := e.Type.Code + " " + e.Subtype[0].Code + " " + e.Outcome
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// TestTheLogHasLoginsAndAttacksAndIsExported: what happened at the token endpoint stands beside what
// happened to the data, without a secret; the export is complete, of one organisation or child alone,
// also while the server runs.
func TestTheLogHasLoginsAndAttacksAndIsExported(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sv := s.start(t)
	if r := sv.login(t, "homecare", "").push(t, sample(t, "boris/01-kind.json")); r.status != http.StatusCreated {
		t.Fatal(r.status)
	}
	assertion, _, _ := tool(t, "client", "assertion", "--client-id", "hospital", "--key", s.keys["hospital"], "--audience", sv.base+"/auth/token")
	assertion = strings.TrimSpace(assertion)
	for range 2 { // the second time it is a replay
		res, err := http.PostForm(sv.base+"/auth/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"system/*.rs"}, "client_assertion": {assertion},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	if res, err := http.PostForm(sv.base+"/auth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"nobody"}}); err != nil {
		t.Fatal(err)
	} else {
		res.Body.Close()
	}
	all := s.export(t)
	for _, want := range []string{"110100 started 0", "110100 client_changed 0", "110114 token_issued 0", "110113 jti_replay 4", "110114 client_auth_failed 4", "110110 operation 0", "110110 update 0"} {
		if !slices.Contains(kinds(all), want) {
			t.Errorf("nothing like %q in %q", want, kinds(all))
		}
	}
	text, _, _ := tool(t, "audit", "export", "--store", s.store())
	if strings.Contains(text, assertion) || strings.Contains(text, strings.Split(assertion, ".")[2]) {
		t.Error("an assertion stands in the log")
	}
	if again := s.export(t); !slices.Contains(kinds(again), "110106 log_exported 0") {
		t.Error("an export is not in the log")
	}
	ours := s.export(t, "--org", systems["homecare"])
	child := ""
	for _, e := range ours {
		if last := e.Agent[len(e.Agent)-1].Who.Identifier.Value; last != systems["homecare"] {
			t.Errorf("a row for which %q answers", last)
		}
		if len(e.Entity) > 0 && strings.HasPrefix(e.Entity[0].What.Reference, "Patient/") {
			child = strings.TrimPrefix(e.Entity[0].What.Reference, "Patient/")
			if e.Entity[0].What.Identifier.Value == "" {
				t.Error("a row names the child without its number")
			}
		}
	}
	if got := s.export(t, "--child", child, "--from", "2020-01-01"); len(got) == 0 || len(got) >= len(all) {
		t.Errorf("%d rows of the child among %d", len(got), len(all))
	}
	if got := s.export(t, "--to", "2020-01-01"); len(got) != 0 {
		t.Errorf("%d rows of long ago", len(got))
	}
	if _, stderr, code := tool(t, "audit", "export", "--store", s.store(), "--from", "yesterday"); code != 2 || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d, %q", code, stderr)
	}
	if out, stderr, code := tool(t, "audit", "verify", "--store", s.store(), "--from", "2020-01-01"); code != 0 || !strings.HasSuffix(out, ", ok\n") {
		t.Errorf("exit %d: %s %s", code, out, stderr)
	}
	info, err := os.Stat(filepath.Join(s.dir, "data", "audit.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v %v", info, err)
	}
}

// TestTheLogIsKeptForFiveToTwentyYears.
func TestTheLogIsKeptForFiveToTwentyYears(t *testing.T) {
	t.Parallel()
	for years, ok := range map[string]bool{"4y": false, "5y": true, "20y": true, "21y": false, "5": false, "y": false, "999y": false} {
		out, stderr, code := tool(t, "serve", "--check", "--audit-retention", years)
		if ok != (code == 0) || ok && !strings.Contains(out, "audit-retention: "+years) || ok == strings.Contains(stderr, "5y to 20y") {
			t.Errorf("%s years: exit %d, %s", years, code, stderr)
		}
	}
}
