package store_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
	"github.com/drieluik/drieluik/fhir/store"
)

func drawFacts(t *rapid.T) auth.ResourceFacts {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "active", "Patient", "http://snomed.info/sct", "herhaald"}), rapid.String())
	ref := rapid.Custom(func(t *rapid.T) fhir.Ref {
		return fhir.Ref{Type: fhir.Type(text.Draw(t, "type")), ID: text.Draw(t, "id"), Version: rapid.IntRange(0, 1000).Draw(t, "version")}
	})
	refs := rapid.Map(rapid.SliceOfN(ref, 0, 4), nilWhenEmpty[fhir.Ref])
	coding := rapid.Custom(func(t *rapid.T) auth.Coding {
		return auth.Coding{System: text.Draw(t, "system"), Code: text.Draw(t, "code")}
	})
	label := rapid.Custom(func(t *rapid.T) auth.Label {
		return auth.Label{Coding: coding.Draw(t, "label"), Barred: refs.Draw(t, "barred")}
	})
	row := rapid.Custom(func(t *rapid.T) search.Row {
		return search.Row{Param: text.Draw(t, "param"), Kind: search.Kind(rapid.IntRange(0, 9).Draw(t, "kind")), System: text.Draw(t, "system"),
			Value: text.Draw(t, "value"), Text: text.Draw(t, "text"), Group: rapid.Int32().Draw(t, "group"),
			Low: rapid.Float64().Draw(t, "low"), High: rapid.SampledFrom([]float64{0, 1.5, -7}).Draw(t, "high")}
	})
	var when time.Time
	if rapid.Bool().Draw(t, "has when") {
		when = time.Unix(rapid.Int64Range(-1e10, 1e10).Draw(t, "when"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
	}
	return auth.ResourceFacts{
		Patients: refs.Draw(t, "patients"), Custodian: ref.Draw(t, "custodian"), Author: ref.Draw(t, "author"), When: when,
		Status: text.Draw(t, "status"), Domains: nilWhenEmpty(rapid.SliceOfN(text, 0, 4).Draw(t, "domains")),
		Labels: nilWhenEmpty(rapid.SliceOfN(label, 0, 3).Draw(t, "labels")), Source: text.Draw(t, "source"),
		Codings: nilWhenEmpty(rapid.SliceOfN(coding, 0, 5).Draw(t, "codings")), Refs: refs.Draw(t, "refs"), Parties: refs.Draw(t, "parties"),
		Granular: nilWhenEmpty(rapid.SliceOfN(row, 0, 5).Draw(t, "granular")),
	}
}

func nilWhenEmpty[T any](v []T) []T {
	if len(v) == 0 {
		return nil
	}
	return v
}

func TestFactsAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawFacts(t)
		got, err := store.DecodeFacts(store.EncodeFacts(want))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

func FuzzDecodeFacts(f *testing.F) {
	f.Add(store.EncodeFacts(auth.ResourceFacts{Status: "active", Domains: []string{"medisch", "x", "x"}, Codings: []auth.Coding{{Code: "c"}}}))
	f.Add([]byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		facts, err := store.DecodeFacts(b)
		if err != nil {
			return
		}
		again, err := store.DecodeFacts(store.EncodeFacts(facts))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(facts, again); d != "" {
			t.Errorf("(-first +again):\n%s", d)
		}
	})
}

// testdata/bodies.ndjson holds bodies of a child whose records are not in the dictionary.
func TestBodiesUnpackToWhatTheyWereAndGetSmall(t *testing.T) {
	text, err := os.ReadFile("testdata/bodies.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	raw, packed := 0, 0
	for i, body := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		p, dict, err := store.Pack(body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := store.Unpack(p, dict)
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("body %d comes back with %d of %d bytes, %v", i, len(got), len(body), err)
		}
		raw, packed = raw+len(body), packed+len(p)
	}
	if 10*packed > 3*raw {
		t.Errorf("%d bytes became %d, more than 0.30 of them", raw, packed)
	}
	t.Logf("%d bytes became %d: %.2f", raw, packed, float64(packed)/float64(raw))
	if _, err := store.Unpack([]byte("geen S2"), 1); err == nil {
		t.Error("a damaged body unpacks")
	}
	if _, err := store.Unpack(nil, 99); err == nil {
		t.Error("an unknown dictionary unpacks")
	}
}
