package fhir_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"pgregory.net/rapid"
)

// must parses a resource that is valid.
func must(t interface {
	Helper()
	Fatalf(string, ...any)
}, src string) *fhir.Resource {
	t.Helper()
	r, issues := fhir.Parse([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatalf("%v in %s", issues, src)
	}
	return r
}

// mustDocument parses a document that is valid.
func mustDocument(t testing.TB, src string) *fhir.Resource {
	t.Helper()
	r, issues := fhir.ParseDocument([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatalf("%v in %s", issues, src)
	}
	return r
}

// space draws white space.
func space(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", "", " ", "\n\t", "\r\n  "}).Draw(t, "space")
}

// value draws the text of a JSON value without null and empty values.
func value(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 4).Draw(t, "kind")
	if depth == 0 {
		kind = kind % 3
	}
	switch kind {
	case 0:
		return rapid.SampledFrom([]string{`"a"`, `"\u00e9\n"`, `"\ud83d\ude00 x"`, `"zorg 😀"`, `"{\"meta\":{"`, `"\\"`}).Draw(t, "string")
	case 1:
		return rapid.SampledFrom([]string{"0", "-0", "1", "1.0", "1.50", "10e-1", "12345678901234567890.123", "1E+2"}).Draw(t, "number")
	case 2:
		return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")
	case 3:
		return object(t, depth-1, rapid.SliceOfNDistinct(rapid.SampledFrom(names()), 1, 4, rapid.ID[string]).Draw(t, "names"))
	}
	var parts []string
	for range rapid.IntRange(1, 3).Draw(t, "length") {
		parts = append(parts, space(t)+value(t, depth-1)+space(t))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func names() []string {
	return []string{"code", "text", "meta", "versionId", "lastUpdated", "value", "ex\\u0074ra", "_id", "tag", "profile"}
}

// object draws an object with the members.
func object(t *rapid.T, depth int, names []string) string {
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf(`%s"%s"%s:%s%s%s`, space(t), name, space(t), space(t), value(t, depth), space(t)))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// resource draws a resource with or without a meta, anywhere, in which the server's members stand
// anywhere or not at all.
func resource(t *rapid.T) string {
	parts := []string{space(t) + `"resourceType"` + space(t) + `:"Basic"`}
	if rapid.Bool().Draw(t, "has id") {
		parts = append(parts, `"id":`+space(t)+`"b-1"`)
	}
	if rapid.Bool().Draw(t, "has meta") {
		members := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
			`"versionId":"7"`, `"lastUpdated" : "2020-01-01T00:00:00Z"`, `"_versionId":{"id":"v"}`,
			`"profile":[ "http://x" ]`, `"tag":[{"code":"a\nb"}]`, `"v\u0065rsionId2":"x"`,
		}), 1, 6, rapid.ID[string]).Draw(t, "meta")
		name := rapid.SampledFrom([]string{`"meta"`, `"m\u0065ta"`}).Draw(t, "meta name")
		parts = append(parts, name+space(t)+":{"+space(t)+strings.Join(members, space(t)+","+space(t))+"}")
	}
	if rapid.Bool().Draw(t, "has more") {
		parts = append(parts, `"extra":`+value(t, 4))
	}
	parts = rapid.Permutation(parts).Draw(t, "order")
	return space(t) + "{" + strings.Join(parts, space(t)+",") + space(t) + "}" + space(t)
}
