package main_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// crashChildren is how many children the import has that is killed.
const crashChildren = 100

// crashExport writes a bulk export of another system.
func crashExport(t *testing.T, dir string) {
	t.Helper()
	var patients, observations bytes.Buffer
	for n := range crashChildren {
		fmt.Fprintf(&patients, `{"resourceType":"Patient","id":"p%d","name":[{"family":"XXX_Kind"}]}`+"\n", n)
		for k := range 3 {
			fmt.Fprintf(&observations, `{"resourceType":"Observation","id":"o%d-%d","status":"final","code":{"text":"Gewicht"},"subject":{"reference":"Patient/p%d"},"valueInteger":%d}`+"\n", n, k, n, k)
		}
	}
	write(t, dir, "Patient.ndjson", patients.Bytes())
	write(t, dir, "Observation.ndjson", observations.Bytes())
}

var importCounts = regexp.MustCompile(`([0-9]+) stored, ([0-9]+) known already, 0 refused`)

// TestAcknowledgedLinesOfAnImportSurviveKill9: after power cuts in its midst the same command takes what is missing and
// leaves what is there: each line is stored once, and the log is whole.
func TestAcknowledgedLinesOfAnImportSurviveKill9(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files, out, data := filepath.Join(dir, "files"), filepath.Join(dir, "out"), filepath.Join(dir, "data")
	crashExport(t, files)
	args := []string{"import", "--store", "sqlite:" + data, "--errors", filepath.Join(dir, "refused"), "--org", "90000002", files}
	grown := int64(0)
	for range min(rounds(3), 20) { // by then all is stored
		grown += 100_000 + rand.Int64N(400_000)
		killGrown(t, filepath.Join(data, "drieluik.db-wal"), grown, args)
	}
	_, stderr, code := tool(t, args...)
	m := importCounts.FindStringSubmatch(stderr)
	if code != 0 || m == nil {
		t.Fatalf("behind power cuts: exit %d, %q", code, stderr)
	}
	t.Log(m[0])
	stored, _ := strconv.Atoi(m[1])
	if known, _ := strconv.Atoi(m[2]); stored+known != crashChildren || known == 0 {
		t.Errorf("behind power cuts: %s", m[0])
	}
	if _, stderr, code = tool(t, args...); code != 0 || !bytes.Contains([]byte(stderr), fmt.Appendf(nil, "0 stored, %d known already", crashChildren)) {
		t.Errorf("once more: exit %d, %q", code, stderr)
	}
	if _, stderr, code = tool(t, "export", "--store", "sqlite:"+data, "--out", out); code != 0 {
		t.Fatalf("export: %d %q", code, stderr)
	}
	for kind, want := range map[string]int{"Patient": crashChildren, "Observation": 3 * crashChildren, "Provenance": crashChildren} {
		if text, err := os.ReadFile(filepath.Join(out, kind+".ndjson")); err != nil || bytes.Count(text, []byte("\n")) != want || bytes.Count(text, []byte(`"versionId":"1"`)) != want {
			t.Errorf("%s: %d of %d, %v", kind, bytes.Count(text, []byte("\n")), want, err)
		}
	}
	if stdout, stderr, code := tool(t, "audit", "verify", "--store", "sqlite:"+data); code != 0 {
		t.Errorf("audit verify: exit %d %s%s", code, stdout, stderr)
	}
}

// killGrown cuts the power of a command when a file has grown to a size, or lets it end.
func killGrown(t *testing.T, file string, size int64, args []string) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ended:
			return
		case <-look.C:
		}
		if info, err := os.Stat(file); err == nil && info.Size() >= size {
			break
		}
	}
	_ = cmd.Process.Kill() // it may have ended meanwhile
	<-ended
}
