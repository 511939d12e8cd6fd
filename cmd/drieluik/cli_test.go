package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
