package netwerk_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/netwerk"
)

// receipt is when the records come in.
var receipt = time.Date(2026, 11, 21, 20, 0, 0, 0, time.FixedZone("CET", 3600))

// records are ours.
const records = "../../testdata/netwerk"

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(records, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// taken reads and maps a document.
func taken(t testing.TB, text []byte, k mapping.Known) (mapping.Result, []fhir.Issue) {
	t.Helper()
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	s, found := netwerk.Format{}.Read(doc, receipt)
	r, err := netwerk.Format{}.Map(s, k, receipt)
	if err != nil {
		t.Fatal(err)
	}
	return r, append(found, r.Issues...)
}

// resources of a result.
func resources(r mapping.Result) []*fhir.Resource {
	var out []*fhir.Resource
	for _, m := range r.Resources {
		out = append(out, m.Resource)
	}
	return out
}

// plain is a JSON text as Go holds it.
func plain(t testing.TB, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
