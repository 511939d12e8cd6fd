package drieluik_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/drieluik/drieluik/"

// rows are the layers of docs/architecture.md, highest first. A file imports only packages of rows
// below its own. A folder that is not named here belongs to the nearest named folder above it.
var rows = [][]string{
	{"cmd/drieluik", "cmd/drieluik-bench"},
	{"fhir/rest", "auth/smart", "fhir/store", "auth/state", "fhir/notify", "conformance/check"},
	{"fhir/exchange"},
	{"mapping/mks", "mapping/samordningsplan", "mapping/netwerk", "mapping/bundle", "mapping/sdc", "fhir/workflow", "fhir/ecomap", "fhir/coordination", "fhir/subscription"},
	{"mapping", "mapping/form", "mapping/element", "mapping/rebuild", "auth", "auth/upstream", "conformance"},
	{"fhir/search", "fhir/patch"},
	{"fhir/path"},
	{"fhir", "auth/jose", "auth/egress"},
	{"fhir/r4", "testdata", "docs"},
}

// kits are folders that only tests and generators import or run; they may import any row.
var kits = map[string]bool{
	"fhir/r4/gen": true, "fhir/r4/r4xml": true, "fhir/store/storetest": true, "auth/state/statetest": true,
}

// within are packages that stand under another of the same row and may be imported by it, or
// import it.
var within = map[string]string{
	"conformance/validate": "conformance", "conformance/terminology": "conformance", "conformance/artifacts": "conformance",
	"conformance/packages": "conformance",
	"mapping/mks/record":   "mapping/mks", "mapping/mks/decide": "mapping/mks", "mapping/mks/tofhir": "mapping/mks",
	"mapping/mks/child": "mapping/mks", "mapping/mks/consent": "mapping/mks", "mapping/mks/scan": "mapping/mks",
	"mapping/mks/plan": "mapping/mks", "mapping/mks/transfer": "mapping/mks", "mapping/mks/tree": "mapping/mks",
	"mapping/mks/arrive": "mapping/mks", "mapping/mks/extract": "mapping/mks", "mapping/mks/back": "mapping/mks",
	"mapping/netwerk/back": "mapping/netwerk",
}

func rowOf(dir string) (int, string, bool) {
	for d := dir; d != "."; d = filepath.ToSlash(filepath.Dir(d)) {
		for i, row := range rows {
			for _, name := range row {
				if d == name {
					return i, name, true
				}
			}
		}
	}
	return 0, "", false
}

func TestEveryPackageImportsOnlyRowsBelowItsOwn(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (strings.HasPrefix(e.Name(), ".") && path != "." || e.Name() == "testdata" || e.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		seen++
		check(t, filepath.ToSlash(path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 10 {
		t.Fatalf("walked %d files only: the test looks in the wrong place", seen)
	}
}

func check(t *testing.T, path string) {
	t.Helper()
	dir := filepath.ToSlash(filepath.Dir(path))
	if kits[dir] {
		return
	}
	row, owner, ok := rowOf(dir)
	if !ok {
		t.Errorf("%s: its folder has no row; give it one in docs/architecture.md and here", path)
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	for _, imp := range f.Imports {
		name, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			t.Error(err)
		}
		target, ours := strings.CutPrefix(name, module)
		if !ours {
			continue
		}
		below, targetOwner, known := rowOf(target)
		if !known {
			t.Errorf("%s imports %s, which has no row", path, target)
		}
		if below <= row && !(targetOwner == owner && within[target] == owner) {
			t.Errorf("%s (row of %s) imports %s (row of %s), which is not below it", path, owner, target, targetOwner)
		}
	}
}
