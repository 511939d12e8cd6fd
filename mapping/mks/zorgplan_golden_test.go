package mks_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
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
