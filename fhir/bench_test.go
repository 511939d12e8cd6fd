package fhir_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/proto"
)

// carePlan returns a CarePlan of about 3 kB.
func carePlan(t testing.TB) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(shared(t), "fhir/nl-core/examples/nl-core-HelpFromOthers-02.json"))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func BenchmarkParse(b *testing.B) {
	src := carePlan(b)
	b.Run("tree", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			if r, issues := fhir.Parse(src, fhir.Limits{}); r == nil {
				b.Fatal(issues)
			}
		}
	})
	b.Run("bare jsontext tokens", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		b.ReportAllocs()
		for b.Loop() {
			d := jsontext.NewDecoder(bytes.NewReader(src))
			for {
				if _, err := d.ReadToken(); err != nil {
					break
				}
			}
		}
	})
}

func BenchmarkFromProto(b *testing.B) {
	src := carePlan(b)
	o := newOracle(b)
	m, err := o.in.UnmarshalR4(src)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("tree", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := fhir.FromProto(m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("jsonformat", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := o.out.Marshal(proto.Clone(m)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkServe(b *testing.B) {
	body, at, err := must(b, string(carePlan(b))).Body()
	if err != nil {
		b.Fatal(err)
	}
	at0 := time.Unix(1, 0)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		fhir.Serve(body, at, 3, at0)
	}
}
