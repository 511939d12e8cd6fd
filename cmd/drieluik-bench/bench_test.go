package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The programs of the tests, built once without the race detector, as they are measured.
var bench, binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "drieluik-bench-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bench, binary = filepath.Join(dir, "drieluik-bench"), filepath.Join(dir, "drieluik")
	for out, pkg := range map[string]string{bench: ".", binary: "../drieluik"} {
		cmd := exec.Command("go", "build", "-o", out, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, text)
			os.Exit(1)
		}
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// TestEveryWorkloadIsMeasuredAndJudged runs the bench with hardly any data and time: every row is
// there and ends in a verdict. How fast anything was is not looked at.
func TestEveryWorkloadIsMeasuredAndJudged(t *testing.T) {
	t.Parallel()
	figures := filepath.Join(t.TempDir(), "figures.json")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bench, "--binary", binary, "--short", "--children", "5", "--parents", "1", "--seconds", "0.02", "--clients", "1,32",
		"--growth", "--sizes", "300,400", "--json", figures)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	table, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	b, err := os.ReadFile(figures)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Children, Resources int
		Rows                []struct{ ID, What, Verdict string }
	}
	if err := json.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	if report.Children < 5 || report.Resources < 100 {
		t.Errorf("%d children, %d resources", report.Children, report.Resources)
	}
	seen := map[string]int{}
	for _, r := range report.Rows {
		seen[r.ID]++
		if !slices.Contains([]string{"met", "not met", "no goal", "not measured"}, r.Verdict) {
			t.Errorf("%s %s ends in %q", r.ID, r.What, r.Verdict)
		}
		if !strings.Contains(string(table), fmt.Sprintf("\n%s %s", r.ID, r.What)) {
			t.Errorf("the table lacks %s %s", r.ID, r.What)
		}
	}
	for id, rows := range map[string]int{"W1": 2, "W2": 3, "W3": 3, "W4": 1, "W5": 1, "W6": 1, "W7": 2, "W8": 1, "W9": 1, "W10": 2, "W11": 1, "start": 1, "memory": 3, "at-rest": 2, "binary": 1, "growth": 8} {
		if seen[id] < rows {
			t.Errorf("%s has %d rows, want %d", id, seen[id], rows)
		}
	}
}

// TestGrowthAndSoaksHaveParents where no workload of the table asks for any.
func TestGrowthAndSoaksHaveParents(t *testing.T) {
	t.Parallel()
	for _, more := range [][]string{{"--growth", "--sizes", "100,150"}, {"--soak", "1s"}} {
		args := append([]string{"--binary", binary, "--only", "W1", "--children", "2", "--parents", "1", "--seconds", "0.02", "--clients", "2"}, more...)
		if out, err := exec.CommandContext(t.Context(), bench, args...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", more, err, out)
		}
	}
}

// TestASoakTellsOfEachMinute with one that is short: what came, what was wrong, and the memory of the server.
func TestASoakTellsOfEachMinute(t *testing.T) {
	t.Parallel()
	figures := filepath.Join(t.TempDir(), "soak.json")
	cmd := exec.CommandContext(t.Context(), bench, "--binary", binary, "--children", "4", "--parents", "1", "--seconds", "0.1", "--soak", "1s", "--json", figures)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "\nsoak: W1 to W5 mixed") {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(figures)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Soak struct {
			CapacityRequestsPerSecond, WantedRequestsPerSecond float64
			Minutes                                            []struct{ Requests, Failed, RSSBytes, P50, P99 int }
		}
	}
	if err := json.Unmarshal(b, &report); err != nil || len(report.Soak.Minutes) != 1 {
		t.Fatalf("%v %s", err, b)
	}
	m := report.Soak.Minutes[0]
	if m.Requests == 0 || m.Failed != 0 || m.RSSBytes < 1<<20 || m.P99 < m.P50 || report.Soak.WantedRequestsPerSecond >= report.Soak.CapacityRequestsPerSecond {
		t.Errorf("%+v", report.Soak)
	}
}

func TestWrongUseOfTheBenchIsExit2(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--binary", "/nowhere"}, {"--binary", bench, "--children", "0"}, {"--binary", bench, "--clients", "0"}, {"--binary", bench, "--soak=-1s"}, {"--compare", bench}} {
		out, err := exec.Command(bench, args...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%v: %v %s", args, err, out)
		}
	}
}

// TestTwoBuildsAreCompared by what they were measured to, whatever was stored meanwhile.
func TestTwoBuildsAreCompared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	figures := func(name, rows string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(`{"children":5,"resources":100,"secondsPerFigure":1,"rows":[`+rows+`]}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const w3 = `{"id":"W3","what":"create","clients":32,"ceiling":"C2","goal":"≥ 0.5 × C2","ratio":%s,"requests":10,"units":10,"nanoseconds":1000000000,"cpu":%d,"verdict":"not met"}`
	before := figures("before.json", fmt.Sprintf(w3, "0.2", 20_000_000)+`,{"id":"start","what":"cold start to ready on 100 versions","value":0.08,"unit":"s","verdict":"met"},
		{"id":"W5","what":"push","clients":8,"requests":4,"units":8,"nanoseconds":1000000000,"verdict":"no goal"}`)
	after := figures("after.json", fmt.Sprintf(w3, "0.3", 10_000_000)+`,{"id":"start","what":"cold start to ready on 2,300 versions","value":0.04,"unit":"s","verdict":"met"},
		{"id":"W9","what":"import","clients":1,"requests":4,"units":8,"nanoseconds":1000000000,"verdict":"no goal"}`)
	out, err := exec.CommandContext(t.Context(), bench, "--compare", before+","+after).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := strings.Join(strings.Fields(string(out)), " ")
	for _, want := range []string{
		"W3 create 32 C2 0.200 0.300 +50 % 0 µs 0 µs 2000 1000 not met not met", "start cold start to ready on 2,300 versions 0 s 0.080 0.040 -50 %",
		"W9 import 1 units/s 8.000 new", "W5 push 8 units/s 8.000 not measured",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if out, err := exec.CommandContext(t.Context(), bench, "--compare", before+","+bench).CombinedOutput(); err == nil || !strings.Contains(string(out), "no figures") {
		t.Errorf("%v\n%s", err, out)
	}
}
