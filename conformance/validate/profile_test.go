package validate_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/drieluik/drieluik/conformance/packages"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

// national is a Validator with the Dutch and Swedish packages and our own artefacts.
var national = sync.OnceValues(func() (*validate.Validator, error) {
	var set packages.Set
	root := sharedFolder()
	err := set.Load(
		filepath.Join(root, "fhir", "r4"), filepath.Join(root, "fhir", "nl-core"), filepath.Join(root, "fhir", "se-base"),
		filepath.Join("..", "artifacts"),
	)
	return validate.New(validate.Options{Definition: set.Definition}), err
})

// deviations are the errors that national examples have against the profiles that they claim, with
// the reason.
var deviations = map[string]string{}

func TestNationalExamplesConformToTheirProfiles(t *testing.T) {
	t.Parallel()
	folder := shared(t, "fhir")
	v, err := national()
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"nl-core", "se-base"} {
		files, err := filepath.Glob(filepath.Join(folder, set, "examples", "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatal("no examples", err)
		}
		for _, name := range files {
			t.Run(filepath.Base(name), func(t *testing.T) {
				t.Parallel()
				src, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				r, issues := fhir.Parse(src, fhir.Limits{})
				if r == nil {
					t.Fatal(issues)
				}
				for _, i := range onlyErrors(v.Resource(r)) {
					key := filepath.Base(name) + " " + i.Expression + " " + i.Diagnostics
					if deviations[key] == "" {
						t.Errorf("%s: %s", key, i.Text)
					}
				}
			})
		}
	}
}
