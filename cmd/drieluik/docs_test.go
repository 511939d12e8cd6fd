package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/docs"
	"github.com/drieluik/drieluik/fhir"
)

var (
	fenced  = regexp.MustCompile("(?s)```(\\w+)\n(.*?)```")
	fhirURL = regexp.MustCompile(`(http://\S+)/fhir\n`)
)

// TestPagesForIntegratorsWork does what the pages tell: the demo, then every command of a page in one shell.
// The text blocks are lines that the commands before them print.
func TestPagesForIntegratorsWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(dir, "drieluik")); err != nil {
		t.Fatal(err)
	}
	text, _ := startDemo(t, filepath.Join(dir, "demo-data"))
	base := fhirURL.FindStringSubmatch(text)[1]
	wantPublished(t, base)
	for _, page := range docs.Pages() {
		if title, _, _ := strings.Cut(page.Text, "\n"); title != "# "+page.Title {
			t.Errorf("%s has the title %q", page.Path, title)
		}
		doPage(t, page, dir, base)
	}
}

func doPage(t *testing.T, page docs.Page, dir, base string) {
	t.Helper()
	var script strings.Builder
	wanted := map[int][]string{} // of the commands, by their number
	blocks := 0
	for _, m := range fenced.FindAllStringSubmatch(page.Text, -1) {
		switch kind, body := m[1], m[2]; kind {
		case "console":
			if !strings.Contains(body, "./drieluik demo --listen 127.0.0.1:8080 --data ./demo-data\n") {
				t.Errorf("%s starts another server than this test: %s", page.Path, body)
			}
		case "sh":
			blocks++
			fmt.Fprintf(&script, "%s\necho '== %d'\n", body, blocks)
		case "text":
			wanted[blocks] = append(wanted[blocks], strings.Split(strings.TrimSpace(body), "\n")...)
		}
	}
	cmd := exec.Command("bash", "-eu")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(strings.ReplaceAll(script.String(), "http://127.0.0.1:8080", base))
	out, err := cmd.CombinedOutput()
	if err != nil || blocks < 5 || len(wanted) < 4 {
		t.Fatalf("%s: %v after %d blocks:\n%s", page.Path, err, blocks, out)
	}
	rest := string(out)
	for i := 1; i <= blocks; i++ {
		printed, after, _ := strings.Cut(rest, fmt.Sprintf("== %d\n", i))
		for _, line := range wanted[i] {
			if !strings.Contains(printed, line) {
				t.Errorf("block %d of %s does not print %q but %q", i, page.Path, line, printed)
			}
		}
		rest = after
	}
}

// wantPublished holds that every definition of ours that the server declares has its page.
func wantPublished(t *testing.T, base string) {
	t.Helper()
	c := &caller{base: base, http: http.DefaultClient}
	_, statement := c.get(t, "/fhir/metadata")
	b, err := json.Marshal(statement)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`"definition":"`+regexp.QuoteMeta(fhir.Canonical)+`/([^"|]*)`).FindAllStringSubmatch(string(b), -1)
	for _, m := range found {
		if r, err := c.do(http.MethodGet, "/ig/"+m[1], "", nil); err != nil || r.status != http.StatusOK {
			t.Errorf("%s is declared, and conformance/artifacts does not publish it: %d %v", m[1], r.status, err)
		}
	}
	if len(found) < 7 {
		t.Errorf("%d definitions of ours", len(found))
	}
}
