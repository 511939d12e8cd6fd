package validate_test

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

// shared returns a folder of the shared standards, or skips the test.
func shared(t testing.TB, names ...string) string {
	t.Helper()
	root := cmp.Or(os.Getenv("DRIELUIK_SHARED"), filepath.Join("..", "shared"))
	if !filepath.IsAbs(root) {
		root = filepath.Join("..", "..", root)
	}
	folder := filepath.Join(append([]string{root}, names...)...)
	if _, err := os.Stat(folder); err != nil {
		t.Skip("skipped: the examples are absent; DRIELUIK_SHARED names the folder that holds fhir/nl-core")
	}
	return folder
}

func TestNationalExamplesAreValid(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"nl-core", "se-base"} {
		files, err := filepath.Glob(filepath.Join(shared(t, "fhir", set, "examples"), "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatal("no examples", err)
		}
		for _, name := range files {
			t.Run(set+" "+filepath.Base(name), func(t *testing.T) {
				t.Parallel()
				src, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				r, issues := fhir.Parse(src, fhir.Limits{})
				if r != nil {
					issues = validate.Resource(r)
				}
				for _, i := range issues {
					t.Errorf("%s %s: %s", i.Diagnostics, i.Expression, i.Text)
				}
			})
		}
	}
}
