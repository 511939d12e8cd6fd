package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/docs"
)

var (
	fenced  = regexp.MustCompile("(?s)```(\\w+)\n(.*?)```")
	fhirURL = regexp.MustCompile(`(http://\S+)/fhir\n`)
)

// TestFirstTransferPageWorks does what the page for integrators tells: the demo, then every command in one
// shell. The text blocks are lines that the commands before them print.
func TestFirstTransferPageWorks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(dir, "drieluik")); err != nil {
		t.Fatal(err)
	}
	text, _ := startDemo(t, filepath.Join(dir, "demo-data"))
	base := fhirURL.FindStringSubmatch(text)[1]

	var script strings.Builder
	wanted := map[int][]string{} // of the commands, by their number
	blocks := 0
	for _, m := range fenced.FindAllStringSubmatch(docs.FirstTransfer, -1) {
		switch kind, body := m[1], m[2]; kind {
		case "console":
			if !strings.Contains(body, "./drieluik demo --listen 127.0.0.1:8080 --data ./demo-data\n") {
				t.Errorf("the page starts another server than this test: %s", body)
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
		t.Fatalf("%v after %d blocks:\n%s", err, blocks, out)
	}
	rest := string(out)
	for i := 1; i <= blocks; i++ {
		printed, after, _ := strings.Cut(rest, fmt.Sprintf("== %d\n", i))
		for _, line := range wanted[i] {
			if !strings.Contains(printed, line) {
				t.Errorf("block %d does not print %q but %q", i, line, printed)
			}
		}
		rest = after
	}
}
