package main_test

import (
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance"
)

var update = flag.Bool("update", false, "write what is generated into README.md")

const supportHeading = "## What the FHIR endpoint supports\n"

// TestREADMESaysWhatTheEndpointSupports holds the section of the README to what the running server
// declares. Write it with -update.
func TestREADMESaysWhatTheEndpointSupports(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	r, err := (&caller{base: sv.base, http: http.DefaultClient}).do("GET", "/fhir/metadata", "", nil)
	if err != nil || r.status != 200 {
		t.Fatal(r.status, err)
	}
	want, err := conformance.Support(r.body)
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../README.md"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, section, found := strings.Cut(string(b), supportHeading)
	if !found {
		t.Fatalf("README.md has no section %q", supportHeading)
	}
	section, after, last := strings.Cut(section, "\n## ")
	intro, _, _ := strings.Cut(section, "| interaction |")
	if !*update {
		if diff := cmp.Diff(intro+want, strings.TrimRight(section, "\n")+"\n"); diff != "" {
			t.Errorf("README.md differs from what the server declares; run go test ./cmd/drieluik -run TestREADME -update: %s", diff)
		}
		return
	}
	out := before + supportHeading + intro + want
	if last {
		out += "\n## " + after
	}
	if err := os.WriteFile(file, []byte(out), 0o644); err != nil { //nolint:gosec // a document that everybody reads
		t.Fatal(err)
	}
}
