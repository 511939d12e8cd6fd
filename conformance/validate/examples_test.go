package validate_test

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

// sharedFolder returns where the shared standards are.
func sharedFolder() string {
	root := cmp.Or(os.Getenv("DRIELUIK_SHARED"), filepath.Join("..", "shared"))
	if !filepath.IsAbs(root) {
		root = filepath.Join("..", "..", root)
	}
	return root
}

// shared returns a folder of the shared standards, or skips the test.
func shared(t testing.TB, names ...string) string {
	t.Helper()
	folder := filepath.Join(append([]string{sharedFolder()}, names...)...)
	if _, err := os.Stat(folder); err != nil {
		t.Skip("skipped: the examples are absent; DRIELUIK_SHARED names the folder that holds fhir/nl-core")
	}
	return folder
}

func TestNationalExamplesAreValid(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"nl-core", "se-base"} {
		checkFolder(t, shared(t, "fhir", set, "examples"))
	}
}

func TestOurOwnArtefactsAreValid(t *testing.T) {
	t.Parallel()
	checkFolder(t, filepath.Join("..", "artifacts"))
}

// checkFolder demands that every resource of a folder is valid. Files of other kinds are passed over.
func checkFolder(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("nothing to check in the folder", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(src, []byte(`"resourceType"`)) {
				return
			}
			r, issues := fhir.Parse(src, fhir.Limits{})
			if r != nil {
				issues = onlyErrors(validate.Resource(r))
			}
			for _, i := range issues {
				t.Errorf("%s %s: %s", i.Diagnostics, i.Expression, i.Text)
			}
		})
	}
}
