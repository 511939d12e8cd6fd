package validate_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// What the server emits passes its own validator, with the profiles and extensions that it claims.
func TestMappedRecordsConformToWhatTheyClaim(t *testing.T) {
	t.Parallel()
	shared(t, "fhir", "nl-core")
	v, err := national()
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2026, 11, 21, 20, 0, 0, 0, time.FixedZone("", 3600)) }
	service := exchange.New(exchange.Config{Formats: []mapping.Format{mks.Format{}}, Now: now})
	for _, child := range []string{"boris", "sanne", "daan"} {
		t.Run(child, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "mks", child, "*.json"))
			if err != nil || len(files) == 0 {
				t.Fatal("no records", err)
			}
			var docs [][]byte
			for _, name := range files {
				doc, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				docs = append(docs, doc)
			}
			out, err := service.Convert(docs, fhir.Limits{})
			if err != nil || fhir.HasErrors(out.Issues) {
				t.Fatal(err, out.Issues)
			}
			r := parsed(t, string(out.Bundle))
			claims := 0
			for inner := range r.Root().All("entry", "resource") {
				claims += inner.At("meta").Member("profile").Len()
			}
			if claims < 20 {
				t.Errorf("only %d profiles are claimed", claims)
			}
			for _, i := range onlyErrors(v.Resource(r)) {
				t.Errorf("%s %s: %s", i.Expression, i.Diagnostics, i.Text)
			}
		})
	}
}
