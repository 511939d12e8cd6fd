package fhir_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var servedAt = time.Date(2026, 11, 21, 20, 0, 0, 123_999_999, time.FixedZone("", 3600))

func TestServePutsBackWhatBodyTookOut(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, body, served string }{
		{"no meta",
			`{ "resourceType": "Patient", "active": true }`,
			`{"resourceType":"Patient","meta":{},"active":true}`,
			`{"resourceType":"Patient","meta":{"versionId":"12","lastUpdated":"2026-11-21T19:00:00.123Z"},"active":true}`},
		{"no meta, but an id",
			`{"id":"x","resourceType":"Patient"}`,
			`{"id":"x","meta":{},"resourceType":"Patient"}`,
			`{"id":"x","meta":{"versionId":"12","lastUpdated":"2026-11-21T19:00:00.123Z"},"resourceType":"Patient"}`},
		{"meta with only the server's members",
			`{"resourceType":"Patient","meta":{"lastUpdated":"2020-01-01T00:00:00Z","versionId":"1"},"id":"x"}`,
			`{"resourceType":"Patient","meta":{},"id":"x"}`,
			`{"resourceType":"Patient","meta":{"versionId":"12","lastUpdated":"2026-11-21T19:00:00.123Z"},"id":"x"}`},
		{"meta in the first place, with more",
			`{"meta":{"versionId":"1","tag":[{"code":"a"}],"lastUpdated":"x"},"resourceType":"Patient"}`,
			`{"meta":{"tag":[{"code":"a"}]},"resourceType":"Patient"}`,
			`{"meta":{"versionId":"12","lastUpdated":"2026-11-21T19:00:00.123Z","tag":[{"code":"a"}]},"resourceType":"Patient"}`},
		{"text that looks like meta",
			`{"resourceType":"Patient","id":"\"meta\":{","contained":[{"meta":{"versionId":"3"}}]}`,
			`{"resourceType":"Patient","id":"\"meta\":{","meta":{},"contained":[{"meta":{"versionId":"3"}}]}`,
			`{"resourceType":"Patient","id":"\"meta\":{","meta":{"versionId":"12","lastUpdated":"2026-11-21T19:00:00.123Z"},"contained":[{"meta":{"versionId":"3"}}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body, at, err := must(t, tt.src).Body()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.body, string(body)); diff != "" {
				t.Error(diff)
			}
			if !strings.HasSuffix(string(body[:at]), `"meta":{`) {
				t.Errorf("the offset is behind %q", body[:at])
			}
			if diff := cmp.Diff(tt.served, string(fhir.Serve(body, at, 12, servedAt))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestServedBodyIsTheResourceWithTheServersVersion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := must(t, resource(t))
		body, at, err := r.Body()
		if err != nil {
			t.Fatal(err)
		}
		served := must(t, string(fhir.Serve(body, at, 12, servedAt)))
		want, err := r.Edit(
			fhir.Edit{Path: []string{"meta", "versionId"}, JSON: `"12"`},
			fhir.Edit{Path: []string{"meta", "lastUpdated"}, JSON: `"2026-11-21T19:00:00.123Z"`},
			fhir.Edit{Path: []string{"meta", "_versionId"}},
		)
		if err != nil {
			t.Fatal(err)
		}
		if !fhir.Equal(want.Root(), served.Root()) {
			t.Fatalf("source %s\nserved %s", r.Bytes(), served.Bytes())
		}
		again, at2, err := served.Body()
		if err != nil {
			t.Fatal(err)
		}
		if at2 != at || string(again) != string(body) {
			t.Fatalf("stored again it changes:\n%s\n%s", body, again)
		}
	})
}

func TestServeAllocatesOnce(t *testing.T) {
	body, at, err := must(t, `{"resourceType":"Patient","id":"x"}`).Body()
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(100, func() { fhir.Serve(body, at, 1<<62, servedAt) })
	if n != 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestBodyRefusesWhatHasNoMetaObject(t *testing.T) {
	t.Parallel()
	if _, _, err := must(t, `{"resourceType":"Patient","meta":"x"}`).Body(); fhir.KindOf(err) != fhir.Unprocessable {
		t.Errorf("meta as text: %v", err)
	}
	if _, _, err := mustDocument(t, `{"resourceType":"Patient"}`).Body(); err == nil {
		t.Error("a document has no body")
	}
}
