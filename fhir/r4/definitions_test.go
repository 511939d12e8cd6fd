package r4_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir/r4"
)

// definition is what this test reads of a StructureDefinition: the snapshot, as published.
type definition struct {
	Name, Derivation, Kind string
	Snapshot               struct {
		Element []struct {
			Path, Max  string
			Min        int
			Type       []struct{ Code string }
			Binding    struct{ Strength, ValueSet string }
			Constraint []struct{ Key, Expression string }
			IsSummary  bool
			IsModifier bool
		}
	}
}

// definitions opens the published structures, or skips the test.
func definitions(t *testing.T) []definition {
	t.Helper()
	shared := cmp.Or(os.Getenv("DRIELUIK_SHARED"), filepath.Join("..", "shared"))
	if !filepath.IsAbs(shared) {
		shared = filepath.Join("..", "..", shared)
	}
	f, err := os.Open(filepath.Join(shared, "fhir", "r4", "structures-base.ndjson"))
	if err != nil {
		t.Skip("skipped: the R4 definitions are absent; DRIELUIK_SHARED names the folder that holds fhir/r4")
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	var all []definition
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var d definition
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Every snapshot must come back from the table, though the table holds each inherited member and
// each shared rule only once.
func TestTheTableSaysWhatTheSnapshotsSay(t *testing.T) {
	t.Parallel()
	for _, d := range definitions(t) {
		if s := r4.Lookup(d.Name); s == nil || s.Kind != d.Kind {
			t.Errorf("%s: %v", d.Name, s)
		}
		position := map[string]int{}
		for _, want := range d.Snapshot.Element[1:] {
			dot := strings.LastIndexByte(want.Path, '.')
			owner, name := want.Path[:dot], strings.TrimSuffix(want.Path[dot+1:], "[x]")
			s := r4.Lookup(owner)
			if s == nil || len(s.Elements) <= position[owner] {
				t.Errorf("%s is missing", want.Path)
				continue
			}
			got := s.Elements[position[owner]]
			position[owner]++
			maximum := strconv.Itoa(got.Max)
			if got.Max == r4.Unbounded {
				maximum = "*"
			}
			set, _, _ := strings.Cut(want.Binding.ValueSet, "|")
			if got.Name != name || got.Min != want.Min || maximum != want.Max || got.Summary != want.IsSummary ||
				got.Modifier != want.IsModifier || got.Choice != strings.HasSuffix(want.Path, "[x]") ||
				len(got.Types) != max(len(want.Type), 1) || (set != "" && (got.Binding == nil || *got.Binding != r4.Binding{Strength: want.Binding.Strength, ValueSet: set})) {
				t.Errorf("%s: %+v", want.Path, got)
			}
			for _, c := range want.Constraint {
				if !applies(got, c.Key, c.Expression) {
					t.Errorf("%s lost %s", want.Path, c.Key)
				}
			}
		}
		for owner, n := range position {
			if len(r4.Lookup(owner).Elements) != n {
				t.Errorf("%s has members that the definition does not have", owner)
			}
		}
	}
}

// applies reports whether a rule holds for the element itself or for each of its types.
func applies(e r4.Element, key, expression string) bool {
	expression = strings.Join(strings.Fields(expression), " ")
	has := func(rules []r4.Constraint) bool {
		for _, c := range rules {
			if c.Key == key && c.Expression == expression {
				return true
			}
		}
		return false
	}
	if has(e.Constraints) {
		return true
	}
	for _, ref := range e.Types {
		found := false
		for s := r4.Lookup(ref.Code); s != nil && !found; s = r4.Lookup(s.Base) {
			found = has(s.Constraints)
		}
		if !found {
			return false
		}
	}
	return true
}
