package validate_test

import (
	"fmt"
	"github.com/drieluik/drieluik/fhir"
	"os"
	"path/filepath"
	"testing"
)

func TestDbg(t *testing.T) {
	v, err := national()
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(sharedFolder(), "fhir", "*", "examples", "*.json"))
	for _, f := range files {
		src, _ := os.ReadFile(f)
		r, _ := fhir.Parse(src, fhir.Limits{})
		for _, i := range v.Resource(r) {
			if i.Diagnostics != "dom-6" {
				fmt.Println(filepath.Base(f), i.Severity, i.Diagnostics, i.Expression, i.Text)
			}
		}
	}
}
