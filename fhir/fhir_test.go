package fhir_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

func TestParseRef(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want fhir.Ref
		ok   bool
	}{
		{"Patient/x", fhir.Ref{Type: "Patient", ID: "x"}, true},
		{"Patient/x/_history/12", fhir.Ref{Type: "Patient", ID: "x", Version: 12}, true},
		{"Patient/" + strings.Repeat("x", 64), fhir.Ref{Type: "Patient", ID: strings.Repeat("x", 64)}, true},
		{"Patient/" + strings.Repeat("x", 65), fhir.Ref{}, false},
		{"Patient/x/_history/0", fhir.Ref{}, false},
		{"Patient/x/_history/+1", fhir.Ref{}, false},
		{"Patient/x/_history/01", fhir.Ref{}, false},
		{"Patient/x/_history", fhir.Ref{}, false},
		{"Patient/x/history/1", fhir.Ref{}, false},
		{"Patient/", fhir.Ref{}, false},
		{"Patient/a_b", fhir.Ref{}, false},
		{"Cat/x", fhir.Ref{}, false},
		{"http://x/Patient/x", fhir.Ref{}, false},
		{"#x", fhir.Ref{}, false},
		{"", fhir.Ref{}, false},
	}
	for _, tt := range tests {
		got, ok := fhir.ParseRef(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
			t.Errorf("%s: %v %s", tt.text, ok, diff)
		}
		if ok && got.String() != tt.text {
			t.Errorf("%s is printed as %s", tt.text, got)
		}
	}
}

func TestWrapKeepsKindAndIssues(t *testing.T) {
	t.Parallel()
	inner := fhir.Errorf(fhir.Gone, "store.Read", "deleted", "X-1", "The %s is gone.", "resource")
	err := fhir.Wrap("exchange.Read", fmt.Errorf("reading: %w", inner))
	var e *fhir.Error
	if !errors.As(err, &e) || e.Op != "exchange.Read" || fhir.KindOf(err) != fhir.Gone || len(e.Issues) != 1 {
		t.Errorf("%#v", err)
	}
	if !errors.Is(err, inner) {
		t.Error("the cause is lost")
	}
	foreign := fhir.Wrap("exchange.Read", io.ErrUnexpectedEOF)
	if fhir.KindOf(foreign) != fhir.Internal || !errors.Is(foreign, io.ErrUnexpectedEOF) {
		t.Errorf("%#v", foreign)
	}
	if fhir.Wrap("x", nil) != nil {
		t.Error("an error came from nothing")
	}
}

func TestIssuesHoldNoContent(t *testing.T) {
	t.Parallel()
	const secret = "Geheim"
	for _, src := range []string{
		`{"resourceType":"` + secret + `"}`,
		`{"resourceType":"Patient","` + secret + ` x":null,"a":"` + secret + `"`,
		`{"resourceType":"Patient","a":"` + secret + `" "` + secret + `"}`,
		`{"resourceType":"Patient","a":"` + secret + `\x"}`,
		`{"resourceType":"Patient","a":` + secret + `}`,
	} {
		_, issues := fhir.Parse([]byte(src), fhir.Limits{})
		if len(issues) == 0 {
			t.Errorf("accepted: %s", src)
		}
		if text := fmt.Sprintf("%+v", issues); strings.Contains(text, secret) {
			t.Errorf("%s", text)
		}
	}
}
