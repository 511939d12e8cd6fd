package mks_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/mapping"
)

// invariant is a constraint of R4 at an element of a resource type.
type invariant struct {
	key, at string // at is a path below the resource, "" for the resource
	holds   *path.Expression
}

// invariants are the error constraints of R4 by resource type; empty where the definitions are absent.
var invariants = sync.OnceValues(func() (map[string][]invariant, error) {
	dir := cmp.Or(os.Getenv("DRIELUIK_SHARED"), filepath.Join("..", "..", "..", "shared"))
	f, err := os.Open(filepath.Join(dir, "fhir", "r4", "structures-base.ndjson"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string][]invariant{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		if err := addInvariants(out, lines.Bytes()); err != nil {
			return nil, err
		}
	}
	return out, lines.Err()
})

func addInvariants(out map[string][]invariant, line []byte) error {
	var d struct {
		Type, Kind string
		Snapshot   struct {
			Element []struct {
				Path       string
				Constraint []struct{ Key, Severity, Expression string }
			}
		}
	}
	if err := json.Unmarshal(line, &d); err != nil || d.Kind != "resource" {
		return err
	}
	for _, e := range d.Snapshot.Element {
		for _, c := range e.Constraint {
			if c.Severity != "error" || c.Expression == "" || strings.HasPrefix(c.Key, "ele-") || strings.HasPrefix(c.Key, "ext-") {
				continue
			}
			compiled, err := path.Compile(c.Expression)
			if err != nil {
				return err
			}
			_, at, _ := strings.Cut(strings.ReplaceAll(e.Path, "[x]", ""), ".")
			out[d.Type] = append(out[d.Type], invariant{c.Key, at, compiled})
		}
	}
	return nil
}

// checkInvariants reports the constraints of R4 that a resource breaks.
func checkInvariants(t *testing.T, r *fhir.Resource) {
	t.Helper()
	all, err := invariants()
	if err != nil {
		t.Skip("the R4 definitions are absent: set DRIELUIK_SHARED")
	}
	for _, inv := range all[string(r.Type())] {
		for _, at := range elements(t, r, inv.at) {
			ok, known, err := inv.holds.Test(path.World{}, at)
			if err != nil || known && !ok {
				t.Errorf("%s breaks %s at %s: %v", r.Ref(), inv.key, inv.at, err)
			}
		}
	}
}

// elements returns the resource, or its elements at a path; sections at any depth.
func elements(t *testing.T, r *fhir.Resource, at string) []path.Item {
	t.Helper()
	expr := cmp.Or(at, "$this")
	if r.Type() == "Composition" && strings.HasPrefix(at, "section") {
		expr += " | section." + at
	}
	e, err := path.Compile(strings.ReplaceAll(expr, ".div", ".`div`"))
	if err != nil {
		t.Fatal(err)
	}
	items, err := e.Eval(path.World{}, r.Root())
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func TestTransferResourcesKeepTheInvariantsOfR4(t *testing.T) {
	t.Parallel()
	sparse := changed(t, func(_, c map[string]any) {
		for name := range c {
			switch name {
			case "richting", "leeftijdsvariant", "overplaatsingsdatum", "verzender", "ontvanger", "behandelaars", "medischeDiagnoses":
			default:
				delete(c, name)
			}
		}
	})
	for name, text := range map[string][]byte{
		"boris": sample(t, borisTransfer), "with every member": full(t), "with as little as may be": sparse,
		"a draft":   edit(t, full(t), `"concept"`, "status"),
		"withdrawn": edit(t, edit(t, full(t), `"ingetrokken"`, "status"), `"verkeerd kind"`, "intrekReden"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, r, issues := submit(t, storedChild(t), text)
			if fhir.HasErrors(issues) {
				t.Fatal(told(issues))
			}
			for _, m := range r.Resources {
				checkInvariants(t, m.Resource)
			}
			checkSections(t, r)
		})
	}
}

// checkSections holds the Composition to the sections that handoff-sections.json requires, and to
// having none of medication.
func checkSections(t *testing.T, r mapping.Result) {
	t.Helper()
	var c fhir.Node
	for _, m := range r.Resources {
		if m.Resource.Ref() == r.Anchor {
			c = m.Resource.Root()
		}
	}
	got := map[string]bool{}
	for _, level := range [][]string{{"section"}, {"section", "section"}} {
		for s := range c.All(level...) {
			code := s.At("code", "coding", "code").Text()
			if got[code] {
				t.Errorf("section %s is there twice", code)
			}
			got[code] = true
		}
	}
	known := map[string]bool{}
	for name, s := range handoffSections(t, c) {
		known[s.Code] = true
		if s.Min == "1" && !got[s.Code] {
			t.Errorf("section %s is required", name)
		}
	}
	for code := range got {
		if !known[code] {
			t.Errorf("section %q is not one of the hand-off", code)
		}
	}
}

type handoffSection struct{ Min, Code string }

// handoffSections are the sections of the variant that a Composition says it is.
func handoffSections(t *testing.T, c fhir.Node) map[string]handoffSection {
	t.Helper()
	text, err := os.ReadFile("../../conformance/artifacts/handoff-sections.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Variants map[string]map[string]handoffSection
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	variant := "1-18yo"
	if strings.Contains(c.Member("title").Text(), "0-1") {
		variant = "0-1yo"
	}
	return all.Variants[variant]
}
