package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// crashFolder names the folder when this binary runs as the process to be killed.
const crashFolder = "DRIELUIK_STORE_CRASH"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashFolder); dir != "" {
		os.Exit(writeUntilKilled(dir))
	}
	os.Exit(m.Run())
}

// writeUntilKilled commits from 16 goroutines and prints each unit after it is acknowledged.
func writeUntilKilled(dir string) int {
	s, err := store.Open(context.Background(), dir, store.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if !store.IsPostgres(dir) {
		if err := s.LimitLog(context.Background(), 100<<10); err != nil { // checkpoints get killed too
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	acknowledged := make(chan string)
	for g := range 16 {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), g, n)
				if _, err := s.Commit(context.Background(), pair(id)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				acknowledged <- id
			}
		}()
	}
	for id := range acknowledged {
		fmt.Println(id)
	}
	return 0
}

// pair is a unit whose halves must be there together.
func pair(id string) exchange.Unit {
	u := unit(id+".a", 1)
	u.Writes = append(u.Writes, unit(id+".b", 1).Writes...)
	u.Notices = []exchange.Notice{{Compartment: "boris", Ref: u.Writes[0].Ref, Kind: "create"}}
	return u
}

// Invariant 1: an acknowledged write survives kill -9; an unacknowledged one is absent or whole.
func TestAcknowledgedUnitsSurviveAKill(t *testing.T) {
	dir := t.TempDir()
	var acknowledged []string
	for round := range rounds(4) {
		fresh := killAfter(t, dir, 60+45*(round%4))
		acknowledged = append(acknowledged, fresh...)
		s := openAt(t, dir)
		checkUnits(t, s, acknowledged, fresh)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter runs the writing process, kills it after n acknowledgements, and returns all of them.
func killAfter(t *testing.T, dir string, n int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashFolder+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		ids = append(ids, strings.TrimSpace(line))
		if len(ids) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(ids) < n {
		t.Fatalf("the process ended by itself after %d units: %v", len(ids), err)
	}
	return ids
}

// checkUnits holds what is stored to all that was ever acknowledged, and reads what was since the last round.
func checkUnits(t *testing.T, s *store.Store, acknowledged, fresh []string) {
	t.Helper()
	ctx := context.Background()
	err := s.View(ctx, func(sn exchange.Snapshot) error {
		for _, id := range fresh {
			for _, half := range []string{".a", ".b"} {
				if _, err := sn.Read(fhir.Ref{Type: "Goal", ID: id + half}); err != nil {
					t.Errorf("acknowledged unit %s cannot be read at %s: %v", id, half, err)
				}
			}
		}
		all, state, err := sn.Compartment("boris")
		if err != nil {
			return err
		}
		halves := map[string]int{}
		for _, r := range all {
			halves[r.Ref.ID[:strings.LastIndexByte(r.Ref.ID, '.')]]++
		}
		for _, id := range acknowledged {
			if halves[id] == 0 {
				t.Errorf("acknowledged unit %s is lost", id)
			}
		}
		for id, n := range halves {
			if n != 2 {
				t.Errorf("unit %s is half there", id)
			}
		}
		events, err := sn.Changes(0, 1_000_000)
		if state.Writes != int64(len(all)) || len(events) != len(halves) {
			t.Errorf("%d writes counted for %d resources, %d notices for %d units", state.Writes, len(all), len(events), len(halves))
		}
		if v, verr := s.VerifyAudit(ctx, store.AuditCheck{}); verr != nil || v.Break != nil || v.Rows != len(halves) {
			t.Errorf("chains: %+v, %v; want %d rows", v, verr, len(halves))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
