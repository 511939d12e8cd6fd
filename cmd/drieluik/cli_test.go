package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/google/go-cmp/cmp"
)

func TestWrongUseIsOneSentenceAndExit2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "drieluik.yaml")
	if err := os.WriteFile(config, []byte("lisen: 127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		args []string
		says string
	}{
		{"no command", nil, "expected one of"},
		{"an unknown flag", []string{"serve", "--nope"}, "--nope"},
		{"plain HTTP on a public address", []string{"serve", "--listen", "0.0.0.0:0"}, "tls-cert"},
		{"a store of another kind", []string{"serve", "--store", "mysql:x"}, "sqlite:FOLDER"},
		{"all faults at once", []string{"serve", "--max-body", "x", "--base-url", "http://h/p"}, "base-url"},
		{"a cache of less than nothing", []string{"serve", "--cache-size=-1"}, "cache-size: use 1 or more"},
		{"a body that no store unpacks again", []string{"serve", "--max-body", "65MB", "--base-url", "http://h/p"}, "at most 64MB"},
		{"a misspelt setting", []string{"serve", "--config", config}, "lisen"},
		{"the demo on a public address", []string{"demo", "--listen", "0.0.0.0:0"}, "loopback"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, stderr, code := tool(t, c.args...)
			if code != 2 || out != "" || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit %d, stdout %q, stderr %q; want 2 and one line with %q", code, out, stderr, c.says)
			}
		})
	}
}

// TestAKeyIsMadeOnceAndSigns makes a key, which nobody else may read, and signs with it.
func TestAKeyIsMadeOnceAndSigns(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ehr.jwk.json")
	public, _, code := tool(t, "client", "key", file)
	set, err := jose.ParseKeySet([]byte(public))
	if code != 0 || err != nil || set.Len() != 1 {
		t.Fatalf("exit %d, printed %q: %v", code, public, err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the private key is %v, %v", info, err)
	}
	signed, _, code := tool(t, "client", "assertion", "--client-id", "ehr", "--key", file, "--audience", "https://h/auth/token")
	if a, err := jose.ParseAssertion(strings.TrimSpace(signed)); code != 0 || err != nil || a.Verify(set, []string{jose.ES384}) != nil {
		t.Errorf("exit %d, not signed with the key: %v", code, err)
	}
	out, stderr, code := tool(t, "client", "key", file)
	if code == 0 || out != "" || !strings.Contains(stderr, "never overwritten") {
		t.Errorf("a second key: exit %d, %q, %q", code, out, stderr)
	}
}

func TestConvertPrintsABundleOrTheFaults(t *testing.T) {
	t.Parallel()
	child, transfer := "../../testdata/mks/boris/02-kind-ziekenhuis.json", "../../testdata/mks/"+transferFile
	out, stderr, code := tool(t, "convert", "--now", "2026-11-21T20:00:00+01:00", child, transfer)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	kinds := map[any]int{}
	for _, e := range list(object(t, []byte(out)), "entry") {
		kinds[within(e, "resource")["resourceType"]]++
	}
	if kinds["Composition"] != 1 || kinds["Patient"] != 1 || kinds["Provenance"] != 2 {
		t.Errorf("the Bundle holds %v", kinds)
	}
	report := filepath.Join(t.TempDir(), "report.json")
	out, stderr, code = tool(t, "convert", "--report", report, "../../testdata/mks/invalid/01-bsn-elfproef.json")
	if code != 1 || out != "" || !strings.Contains(stderr, "error MKS-ENV-05 /kind/bsn") {
		t.Errorf("exit %d, stdout %q, stderr %q", code, out, stderr)
	}
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	if object(t, b)["resourceType"] != "OperationOutcome" {
		t.Errorf("the report is %.200s", b)
	}
}

func TestASwedishPlanIsConvertedBothWaysAndValidated(t *testing.T) {
	t.Parallel()
	folder := "../../testdata/samordningsplan/"
	plan, bundle := folder+"valid/03-barnplan-olle.json", filepath.Join(t.TempDir(), "bundle.json")
	out, stderr, code := tool(t, "convert", plan)
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if err := os.WriteFile(bundle, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, stderr, code = tool(t, "convert", "--to", "samordningsplan/1", bundle); code != 0 || stderr != "" {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	sent, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(object(t, sent), object(t, []byte(out))); d != "" {
		t.Errorf("document (-sent +back):\n%s", d)
	}
	out, stderr, code = tool(t, "validate", folder+"invalid/b01-inget-viktigast.json")
	if code != 1 || !strings.Contains(out+stderr, "BP-R01") || !strings.Contains(out+stderr, "/viktigastNu") {
		t.Errorf("exit %d: %s%s", code, out, stderr)
	}
}

func TestConvertGoesBackToWhatWasSent(t *testing.T) {
	t.Parallel()
	folder, now := "../../testdata/mks/boris/", "2026-11-21T20:00:00+01:00"
	child, transfer := folder+"01-kind.json", folder+"12-toestemming.json"
	bundle := filepath.Join(t.TempDir(), "bundle.json")
	out, stderr, code := tool(t, "convert", "--now", now, child, transfer, child) // the last is a repeat
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if err := os.WriteFile(bundle, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	out, stderr, code = tool(t, "convert", "--to", "mks-bron/1", bundle)
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var got []any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	var want []any
	for _, f := range []string{child, transfer} {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, object(t, b))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("documents (-sent +back):\n%s", d)
	}
	out, stderr, code = tool(t, "convert", "--to", "mks-bron/1", child)
	if code != 1 || out != "" || !strings.Contains(stderr, "error FHIR-JSON-TYPE") {
		t.Errorf("a source document on the way back: exit %d, %q %q", code, out, stderr)
	}
	if _, stderr, code = tool(t, "convert", "--to", "mks-bron/9", child); code != 2 || !strings.Contains(stderr, "mks-bron/1") {
		t.Errorf("an unknown schema: exit %d, %q", code, stderr)
	}
}

func TestCheckPrintsTheSettings(t *testing.T) {
	t.Parallel()
	out, stderr, code := tool(t, "serve", "--check", "--listen", "127.0.0.1:7070")
	if code != 0 || !strings.Contains(out, "listen: 127.0.0.1:7070\n") || !strings.Contains(out, "par: true\n") || !strings.Contains(out, "dpop: true\n") {
		t.Errorf("exit %d, %q %q", code, out, stderr)
	}
	out, stderr, code = tool(t, "serve", "--check", "--no-par", "--no-dpop")
	if code != 0 || !strings.Contains(out, "par: false\n") || !strings.Contains(out, "dpop: false\n") {
		t.Errorf("exit %d, %q %q", code, out, stderr)
	}
}

// TestCommandsMakeNoStore: who asks what a store holds and names another folder is told so, and no empty one is
// made, backed up or found whole.
func TestCommandsMakeNoStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "data")
	for _, args := range [][]string{
		{"backup", filepath.Join(dir, "b.tar")}, {"export", "--out", filepath.Join(dir, "out")}, {"audit", "verify"},
		{"audit", "export"}, {"client", "list"}, {"user", "list"}, {"keys", "list"}, {"keys", "rotate"}, {"client", "disable", "x"},
	} {
		out, stderr, code := tool(t, append(args, "--store", "sqlite:"+folder)...)
		if code != 2 || out != "" || !strings.Contains(stderr, "no store in "+folder) {
			t.Errorf("%v: exit %d: %s %s", args, code, out, stderr)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v %v", left, err)
	}
}

// TestTheEnvironmentBeatsTheSettingsFile, and a flag beats both.
func TestTheEnvironmentBeatsTheSettingsFile(t *testing.T) {
	config := resourceFile(t, "drieluik.yaml", "store: sqlite:/of/file\nlog-level: warn\nmax-body: 1MB\n")
	t.Setenv("DRIELUIK_STORE", "sqlite:/of/environment")
	t.Setenv("DRIELUIK_LOG_LEVEL", "error")
	t.Setenv("DRIELUIK_MAX_BODY", "")
	out, stderr, code := tool(t, "serve", "--check", "--config", config, "--log-level", "debug")
	for _, said := range []string{"store: sqlite:/of/environment", "log-level: debug", "max-body: 1MB"} {
		if code != 0 || !strings.Contains(out, said) {
			t.Errorf("exit %d, %q is not in %s %s", code, said, out, stderr)
		}
	}
}

// TestTheBlockAuthOfTheSettingsFile: what it says holds, what is wrong with it is said at once, and what was
// printed can be read again.
func TestTheBlockAuthOfTheSettingsFile(t *testing.T) {
	t.Parallel()
	clients := resourceFile(t, "clients.json", `{"clients":[{"client_id":"imported","client_name":"App","type":"public",
		"redirect_uris":["https://app.example/back"],"scope":"patient/Patient.r","organization":"urn:x|1"}]}`)
	good := "auth:\n  accessTokenTTL: 600s\n  refreshIdle: 30d\n  par: false\n  assertionAlgs: [RS384, ES384, ES256]\n" +
		"  jwksPrivateHosts: ['jwks.intern.example:8443']\n  clients: " + clients + "\n"
	config := resourceFile(t, "drieluik.yaml", good)
	printed, stderr, code := tool(t, "serve", "--check", "--config", config)
	for _, said := range []string{"accessTokenTTL: 10m0s", "refreshIdle: 720h0m0s", "par: false", "- ES256", "jwks.intern.example:8443", "codeTTL: 1m0s"} {
		if code != 0 || !strings.Contains(printed, said) {
			t.Errorf("exit %d, %q is not in %s %s", code, said, printed, stderr)
		}
	}
	again, stderr, code := tool(t, "serve", "--check", "--config", resourceFile(t, "again.yaml", printed))
	if code != 0 || again != printed {
		t.Errorf("exit %d, what was printed reads as %s %s", code, again, stderr)
	}
	for name, row := range map[string]struct{ text, says string }{
		"out of bounds":   {"auth:\n  codeTTL: 2m\n  backendTokenTTL: 1h\n", "backendTokenTTL"},
		"all of it":       {"auth:\n  codeTTL: 2m\n  backendTokenTTL: 1h\n", "codeTTL"},
		"misspelt":        {"auth:\n  acessTokenTTL: 600s\n", "acessTokenTTL"},
		"no duration":     {"auth:\n  codeTTL: soon\n", "auth: "},
		"no map":          {"auth: on\n", "auth: "},
		"a bad provider":  {"auth:\n  upstream: [{id: 'X Y'}]\n", "upstream[0].id"},
		"providers twice": {"upstream: " + resourceFile(t, "idp.json", "[]") + "\nauth:\n  upstream: 3\n", "auth: "},
	} {
		out, stderr, code := tool(t, "serve", "--config", resourceFile(t, "bad.yaml", row.text))
		if code != 2 || out != "" || !strings.Contains(stderr, row.says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d, %q, want one line with %q", name, code, stderr, row.says)
		}
	}
	s := newSite(t)
	_, known := s.start(t, "--config", config).login(t, "homecare", "").get(t, "/fhir/.well-known/smart-configuration")
	if _, par := known["pushed_authorization_request_endpoint"]; par || !slices.Contains(texts(known["token_endpoint_auth_signing_alg_values_supported"]), "ES256") {
		t.Errorf("discovery: %v", known)
	}
	if out, _, _ := tool(t, "client", "show", "--store", s.store(), "imported"); !strings.Contains(out, `"client_id": "imported"`) {
		t.Errorf("the clients are not imported: %s", out)
	}
}

// texts are the strings of a JSON array.
func texts(v any) []string {
	var out []string
	items, _ := v.([]any)
	for _, item := range items {
		s, _ := item.(string)
		out = append(out, s)
	}
	return out
}
