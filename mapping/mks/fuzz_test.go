package mks_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// FuzzDocument holds that no document makes the format panic, that what it accepts becomes valid
// resources, and that every member of it is traced.
func FuzzDocument(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(records, "*", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, issues := fhir.ParseDocument(text, fhir.Limits{})
		if fhir.HasErrors(issues) {
			return
		}
		s, _ := mks.Format{}.Read(doc, receipt)
		r, err := mks.Format{}.Map(s, mapping.NewMemory(), receipt)
		if err != nil {
			t.Fatal(err)
		}
		if s.Faulty && len(r.Resources) > 0 {
			t.Fatal("a faulty document became resources")
		}
		for _, m := range r.Resources {
			for _, i := range faultsOf(m.Resource) {
				t.Errorf("%s: %s %s", m.Resource.Ref(), i.Expression, i.Text)
			}
		}
		if len(r.Resources) == 0 {
			return
		}
		traced := map[string]bool{}
		for _, x := range r.Trace {
			traced[x.Pointer] = true
		}
		for _, p := range leaves(doc.Root()) {
			if !covered(traced, p) {
				t.Errorf("%s has no trace", p)
			}
		}
	})
}

func BenchmarkSubmitChildRecord(b *testing.B) {
	text, err := os.ReadFile(filepath.Join(records, "boris/01-kind.json"))
	if err != nil {
		b.Fatal(err)
	}
	k := mapping.NewMemory()
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		doc, _ := fhir.ParseDocument(text, fhir.Limits{})
		s, _ := mks.Format{}.Read(doc, receipt)
		if _, err := (mks.Format{}).Map(s, k, receipt); err != nil {
			b.Fatal(err)
		}
	}
}
