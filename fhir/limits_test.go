package fhir_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string {
		return `{"resourceType":"Basic","a":` + strings.Repeat("[", depth-1) + "1" + strings.Repeat("]", depth-1) + "}"
	}
	tests := []struct {
		name, src string
		limits    fhir.Limits
		want      []finding
	}{
		{"as deep as allowed", nested(64), fhir.Limits{}, nil},
		{"one deeper", nested(65), fhir.Limits{}, []finding{{"FHIR-JSON-SIZE", "too-long", "Basic.a" + strings.Repeat("[0]", 62)}}},
		{"as many bytes as allowed", nested(2), fhir.Limits{Bytes: len(nested(2))}, nil},
		{"one byte more", nested(2), fhir.Limits{Bytes: len(nested(2)) - 1}, []finding{{"FHIR-JSON-SIZE", "too-long", ""}}},
		{"as many values as allowed", nested(2), fhir.Limits{Nodes: 4}, nil},
		{"one value more", nested(2), fhir.Limits{Nodes: 3}, []finding{{"FHIR-JSON-SIZE", "too-long", "Basic.a"}}},
		{"more members than any element", manyMembers(256), fhir.Limits{}, []finding{{"FHIR-JSON-SIZE", "too-long", "Basic"}}},
		{"an exponent as large as allowed", `{"resourceType":"Basic","a":1e-0999}`, fhir.Limits{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, issues := fhir.Parse([]byte(tt.src), tt.limits)
			if diff := cmp.Diff(tt.want, findings(issues)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// manyMembers returns a resource with n members beside its type.
func manyMembers(n int) string {
	var b strings.Builder
	b.WriteString(`{"resourceType":"Basic"`)
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":1`, i)
	}
	return b.String() + "}"
}

func TestManyDuplicatesAreFoundOnce(t *testing.T) {
	t.Parallel()
	src := strings.Replace(manyMembers(100), "{", `{"m3":1,"m50":1,`, 1)
	_, issues := fhir.Parse([]byte(src), fhir.Limits{})
	want := []finding{{"FHIR-JSON-DUPLICATE", "invalid", "Basic.m3"}, {"FHIR-JSON-DUPLICATE", "invalid", "Basic.m50"}}
	if diff := cmp.Diff(want, findings(issues)); diff != "" {
		t.Error(diff)
	}
}

func TestFaultsAreCapped(t *testing.T) {
	t.Parallel()
	src := `{"resourceType":"Basic","a":[` + strings.Repeat("null,", 10_000) + "null]}"
	if _, issues := fhir.Parse([]byte(src), fhir.Limits{}); len(issues) != 100 {
		t.Errorf("%d issues", len(issues))
	}
	long := `{"` + strings.Repeat("x", 1_000_000) + `":{"` + strings.Repeat("é/", 1000) + `":1,"` + strings.Repeat("é/", 1000) + `":1}}`
	_, issues := fhir.ParseDocument([]byte(long), fhir.Limits{})
	if len(issues) != 1 || len(issues[0].Expression) > 1000 {
		t.Errorf("%d issues with long paths", len(issues))
	}
}

// allocated returns the bytes that f allocates, freed ones too.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestMemoryStaysInProportion(t *testing.T) {
	entry := `{"resource":{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-1"}]},"valueInteger":1}}`
	bundle := `{"resourceType":"Bundle","type":"collection","entry":[` + entry + strings.Repeat(","+entry, 5_000_000/(len(entry)+1)-1) + `]}`
	tests := []struct{ name, src string }{
		{"a bundle", bundle},
		{"text full of commas", `{"resourceType":"Basic","a":"` + strings.Repeat(",[{", 1_600_000) + `"}`},
		{"white space", `{"resourceType":"Basic",` + strings.Repeat(" ", 4_900_000) + `"a":1}`},
		{"escapes", `{"resourceType":"Basic","a":"` + strings.Repeat(`\u00e9`, 800_000) + `"}`},
	}
	for _, tt := range tests {
		src := []byte(tt.src)
		used := allocated(func() {
			if r, issues := fhir.Parse(src, fhir.Limits{}); r == nil {
				t.Errorf("%s: %v", tt.name, issues)
			}
		})
		if used > 10*uint64(len(src)) {
			t.Errorf("%s: %d bytes for %d", tt.name, used, len(src))
		}
	}
}

func TestHostileInputStaysInProportion(t *testing.T) {
	tests := []struct{ name, src string }{
		{"open brackets", strings.Repeat("[", 5_000_000)},
		{"one byte values", `{"resourceType":"Basic","a":[` + strings.Repeat("1,", 900_000) + "1]}"},
		{"one byte values past the limit", `{"resourceType":"Basic","a":[` + strings.Repeat("1,", 2_400_000) + "1]}"},
		{"equal names", "{" + strings.Repeat(`"a":1,`, 800_000) + `"a":1}`},
	}
	for _, tt := range tests {
		src := []byte(tt.src)
		used := allocated(func() { fhir.Parse(src, fhir.Limits{}) })
		if used > 80_000_000 {
			t.Errorf("%s: %d bytes for %d", tt.name, used, len(src))
		}
	}
}
