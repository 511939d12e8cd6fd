package validate_test

import (
	"strings"
	"testing"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

// Each type is tried as the value of an extension: good values pass, bad ones have exactly one fault.
func TestPrimitiveFormats(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ       string
		good, bad []string // JSON
	}{
		{"Boolean", []string{`true`, `false`}, []string{`"true"`, `1`, `{"id":"a"}`}},
		{"Integer", []string{`0`, `-0`, `-1`, `2147483647`, `-2147483648`}, []string{`2147483648`, `-2147483649`, `1.0`, `1e3`, `"1"`, `99999999999999999999`}},
		{"PositiveInt", []string{`1`, `2147483647`}, []string{`0`, `-1`, `2147483648`, `1.5`, `"1"`}},
		{"UnsignedInt", []string{`0`, `7`, `2147483647`}, []string{`-1`, `-0`, `2147483648`, `0.0`}},
		{"Decimal", []string{`0`, `-1.50`, `1e3`, `0.0000001`, `12345678901234567890.5`}, []string{`"1.5"`, `true`}},
		{"String", []string{`"a\tb\r\nc"`, `" a "`, `"é 日本 \u00e9"`, `"a\\b\\fb"`}, []string{`1`, `true`, `"a\u0000b"`, `"a\u001fb"`, `"a\bb"`, `"a\\\fb"`, `"a\u000bb"`}},
		{"Markdown", []string{`"# a\n\n* b"`}, []string{`"\u0007"`, `1`}},
		{"Code", []string{`"a"`, `"a b c"`, `"a-b.c"`}, []string{`" a"`, `"a "`, `"a  b"`, `"a \tb"`, `"a\u0001"`, `1`}},
		{"Id", []string{`"a"`, `"A-1.b"`, `"` + strings.Repeat("a", 64) + `"`}, []string{`"a_b"`, `"a b"`, `"é"`, `"` + strings.Repeat("a", 65) + `"`}},
		{"Uri", []string{`"http://e.org/a?b#c"`, `"urn:oid:1.2.3"`, `"a"`, `"http:\/\/e.org"`, `"http://e.org/é"`}, []string{`"a b"`, `" a"`, `"a\nb"`}},
		{"Url", []string{`"https://e.org"`, `"mailto:a@e.org"`}, []string{`"https://e.org/a b"`}},
		{"Canonical", []string{`"http://e.org/a|1.0"`, `"#a"`}, []string{`"http://e.org/a |1"`}},
		{"Oid", []string{`"urn:oid:1.2.3"`, `"urn:oid:2.16.840.1.113883.2.4.6.3"`, `"urn:oid:0.0"`}, []string{`"1.2.3"`, `"urn:oid:3.1"`, `"urn:oid:1"`, `"urn:oid:1."`, `"urn:oid:1.02"`, `"urn:oid:1..2"`, `"urn:oid:1.2a"`}},
		{"Uuid", []string{`"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"`}, []string{`"c757873d-ec9a-4326-a141-556f43239520"`, `"urn:uuid:C757873D-ec9a-4326-a141-556f43239520"`, `"urn:uuid:c757873d-ec9a-4326-a141-556f4323952"`, `"urn:uuid:c757873dxec9a-4326-a141-556f43239520"`, `"urn:uuid:x757873d-ec9a-4326-a141-556f43239520"`}},
		{"Base64Binary", []string{`"YQ=="`, `"YWI="`, `"YWJj"`, `"YWJj YWJj\n"`, `"+\/+\/"`}, []string{`"YQ"`, `"YQ="`, `"Y==="`, `"YQ==YWJj"`, `"YW-j"`, `"YW Jj"`, `"===="`}},
		{"Date", []string{`"2024"`, `"2024-12"`, `"2024-02-29"`, `"2000-02-29"`, `"0001-01-01"`}, []string{`"2024-13-77"`, `"2023-02-29"`, `"1900-02-29"`, `"2024-02-30"`, `"2024-04-31"`, `"2024-00"`, `"2024-01-00"`, `"24-01-01"`, `"0000"`, `"2024-1-1"`, `"2024-01-01T10:00:00Z"`, `"2024-01-01 "`, `20240101`}},
		{"DateTime", []string{`"2024"`, `"2024-01"`, `"2024-01-01"`, `"2024-01-01T10:00:00Z"`, `"2024-01-01T23:59:60.123+14:00"`, `"2024-01-01T00:00:00-13:59"`}, []string{`"2024-01-01T10:00:00"`, `"2024-01-01T10:00Z"`, `"2024-01-01T24:00:00Z"`, `"2024-01-01T10:60:00Z"`, `"2024-01-01T10:00:61Z"`, `"2024-01-01T10:00:00+14:01"`, `"2024-01-01T10:00:00+15:00"`, `"2024-01-01T10:00:00+01"`, `"2024-01-01T10:00:00.Z"`, `"2024-01-01 10:00:00Z"`, `"2023-02-29T10:00:00Z"`, `"2024-01T10:00:00Z"`, `"2024-01-01T"`, `"2024-01-01T10:00:00z"`}},
		{"Instant", []string{`"2024-01-01T10:00:00Z"`, `"2024-01-01T10:00:00.000000001+01:00"`}, []string{`"2024-01-01"`, `"2024-01-01T10:00:00"`, `"2024-06-31T10:00:00Z"`}},
		{"Time", []string{`"10:00:00"`, `"23:59:60"`, `"10:00:00.5"`}, []string{`"10:00"`, `"24:00:00"`, `"10:00:00Z"`, `"10:00:00."`, `"1:00:00"`, `"10-00-00"`}},
	} {
		t.Run(c.typ, func(t *testing.T) {
			t.Parallel()
			for _, value := range c.good {
				if found := faults(t, extended(c.typ, value)); len(found) > 0 {
					t.Errorf("%s is refused: %v", value, found)
				}
			}
			for _, value := range c.bad {
				path := "Basic.extension[0].value" + c.typ
				found := faults(t, extended(c.typ, value))
				if len(found) != 1 || found[0] != path+" FHIR-FORMAT" && found[0] != path+" FHIR-TYPE" {
					t.Errorf("%s: %v", value, found)
				}
			}
		})
	}
}

func extended(typ, value string) string {
	return `{"resourceType":"Basic","code":{"text":"A"},"extension":[{"url":"http://e.org/x","value` + typ + `":` + value + `}]}`
}

func TestAStringHasAtMostAMillionCharacters(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	for _, c := range []struct {
		name, text string
		fits       bool
	}{
		{"as long as allowed", strings.Repeat("a", most), true},
		{"one too long", strings.Repeat("a", most+1), false},
		{"many bytes, fewer characters", strings.Repeat("é", most), true},
		{"escapes count as one", "a" + strings.Repeat(`\n`, most-1), true},
		{"long escapes count as one", strings.Repeat(`\u00e9`, most/2), true},
		{"too many escapes", "a" + strings.Repeat(`\n`, most), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, issues := fhir.Parse([]byte(extended("String", `"`+c.text+`"`)), fhir.Limits{Bytes: 1 << 24})
			if r == nil {
				t.Fatal(issues)
			}
			if found := validate.Resource(r); fhir.HasErrors(found) == c.fits {
				t.Errorf("issues: %v", found)
			}
		})
	}
}
