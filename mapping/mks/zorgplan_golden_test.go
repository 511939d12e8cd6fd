package mks_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/mapping"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// golden compares what a record became with a file of testdata.
func golden(t *testing.T, file string, r mapping.Result) {
	t.Helper()
	var out bytes.Buffer
	for _, m := range r.Resources {
		if err := json.Indent(&out, m.Resource.Bytes(), "", " "); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('\n')
	}
	path := "testdata/" + file
	if *updateGolden {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(out.String(), "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestPlanInForceIsAsReviewed(t *testing.T) {
	golden(t, "zorgplan-boris-v3.golden", planBoris(t).store(sample(t, boris3)))
}

// TestChildrenAreAsReviewed: the records of the three children, each as it comes behind the ones before it, where
// no other golden file has it.
func TestChildrenAreAsReviewed(t *testing.T) {
	t.Parallel()
	for child, reviewed := range map[string][]string{
		"boris": {"01-kind", "02-kind-ziekenhuis", "11-overdracht-ziekenhuis-naar-huis", "12-toestemming", "13-toestemming-verondersteld"},
		"sanne": {"01-kind", "02-verwijsboom", "04-zorgplan", "06-toestemming-bezwaar-vader", "07-toestemming-kind-en-moeder", "08-overdracht-huis-naar-ziekenhuis"},
		"daan":  {"01-kind", "02-verwijsboom", "04-zorgplan", "05-toestemming", "07-overdracht-naar-volwassenenzorg"},
	} {
		files, err := filepath.Glob(filepath.Join(records, child, "*.json"))
		if err != nil || len(files) < len(reviewed) {
			t.Fatal(files, err)
		}
		c := planOf(t)
		for _, file := range files { // in the order of their names
			name := strings.TrimSuffix(filepath.Base(file), ".json")
			if r := c.store(sample(t, child+"/"+name+".json")); slices.Contains(reviewed, name) {
				golden(t, child+"-"+name+".golden", r)
			}
		}
	}
}
