package fhir_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"pgregory.net/rapid"
)

func TestEqualComparesValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"member order is free", `{"a":1,"b":2}`, `{"b":2,"a":1}`, true},
		{"array order counts", `[1,2]`, `[2,1]`, false},
		{"escapes do not count", `{"a":"\u0041\/"}`, `{"\u0061":"A/"}`, true},
		{"numbers count by value", `[1.50,10e-1,100,-0,0.001]`, `[1.5,1,1e2,0,1E-3]`, true},
		{"numbers are not floats", `12345678901234567890.1`, `12345678901234567890.2`, false},
		{"the sign counts", `1`, `-1`, false},
		{"a number is not its text", `1`, `"1"`, false},
		{"a missing member", `{"a":1,"b":2}`, `{"a":1}`, false},
		{"other names", `{"a":1}`, `{"b":1}`, false},
		{"null is not missing", `{"a":null}`, `{}`, false},
		{"true is not false", `true`, `false`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := mustDocument(t, `{"x":`+tt.a+`}`).Root()
			b := mustDocument(t, `{"x": `+tt.b+`}`).Root()
			if got := fhir.Equal(a, b); got != tt.want {
				t.Errorf("Equal = %v", got)
			}
			if got := fhir.Hash(a) == fhir.Hash(b); got != tt.want {
				t.Errorf("equal hashes = %v", got)
			}
		})
	}
}

func TestNumbersAreEqualAsRationalsAre(t *testing.T) {
	t.Parallel()
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,4})?([eE][+-]?[0-4])?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, okX := new(big.Rat).SetString(a)
		y, okY := new(big.Rat).SetString(b)
		if !okX || !okY {
			t.Fatalf("not numbers: %s %s", a, b)
		}
		m := must(t, `{"resourceType":"Basic","a":`+a+`}`).Root().Member("a")
		n := must(t, `{"resourceType":"Basic","a":`+b+`}`).Root().Member("a")
		if want := x.Cmp(y) == 0; fhir.Equal(m, n) != want {
			t.Fatalf("%s = %s is %v", a, b, want)
		}
	})
}

func TestCompactTextIsEqualAndHashesTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := must(t, resource(t))
		var v any
		d := json.NewDecoder(strings.NewReader(string(r.Bytes())))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v", err)
		}
		text, err := json.Marshal(v) // sorts the members
		if err != nil {
			t.Fatalf("%v", err)
		}
		s := must(t, string(text))
		if !fhir.Equal(r.Root(), s.Root()) || fhir.Hash(r.Root()) != fhir.Hash(s.Root()) {
			t.Fatalf("\n%s\n%s", r.Bytes(), text)
		}
	})
}
