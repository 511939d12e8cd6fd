package rebuild_test

import (
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

func resource(t *testing.T, text string) *fhir.Resource {
	t.Helper()
	r, issues := fhir.Parse([]byte(text), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	return r
}

// TestADocumentIsBuiltOfWhatIsThere: what is missing or of another shape is left out, numbers keep their
// digits.
func TestADocumentIsBuiltOfWhatIsThere(t *testing.T) {
	t.Parallel()
	n := resource(t, `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"a \"b\""},"valueQuantity":{"value":1.50},"focus":[{"display":"x"},{"reference":"y"}]}`).Root()
	doc := rebuild.Object(
		rebuild.M("text", rebuild.Text(n.At("code", "text"))), rebuild.M("none", rebuild.Text(n.Member("nothing"))),
		rebuild.M("shape", rebuild.Number(n.Member("status"))), rebuild.M("value", rebuild.Number(rebuild.ValueOf(n).Member("value"))),
		rebuild.M("list", rebuild.Each(rebuild.Nodes(n, "focus"), func(f fhir.Node) *rebuild.Value { return rebuild.Text(f.Member("display")) })),
		rebuild.M("empty", rebuild.None()), rebuild.M("object", rebuild.Object(rebuild.M("x", nil))))
	if got, want := string(doc.JSON()), `{"text":"a \"b\"","value":1.50,"list":["x"],"empty":[]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPutFindsItsPlaceOrSaysThatThereIsNone(t *testing.T) {
	t.Parallel()
	for pointer, want := range map[string]string{
		"/a": `{"a":true,"l":[{"b":2}]}`, "/l/0/b": `{"a":1,"l":[{"b":true}]}`, "/l/1": `{"a":1,"l":[{"b":2},true]}`,
		"/n/x~1y/m~0": `{"a":1,"l":[{"b":2}],"n":{"x/y":{"m~":true}}}`,
		"/l/3":        "", "/l/-1": "", "/l/x": "", "/a/b": "", "": "", "a": "",
	} {
		doc := rebuild.Parse(`{"a":1,"l":[{"b":2}]}`)
		put := doc.Put(pointer, rebuild.Bool(true))
		if put != (want != "") || put && string(doc.JSON()) != want {
			t.Errorf("%q gives %t %s", pointer, put, doc.JSON())
		}
	}
	wide := rebuild.Empty()
	for range 2 {
		for i := range 100 {
			wide.Set(strings.Repeat("x", i+1), rebuild.Whole("7"))
		}
	}
	if got := strings.Count(string(wide.JSON()), ":"); got != 100 {
		t.Errorf("%d members after setting each twice", got)
	}
}

// member is a source-member extension.
func member(pointer, value string) string {
	return `{"url":"https://drieluik.example/fhir/StructureDefinition/source-member","extension":[{"url":"pointer","valueString":"` + pointer + `"},{"url":"value","valueString":"` + value + `"}]}`
}

func TestSourceMembersThatLeadNowhereAreToldOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pointer, value, want string }{
		{"/a", `[null]`, `{"a":[null]}`}, {"/b/c", `1`, `{"a":1,"b":{"c":1}}`}, {"/a/b", `1`, ""}, {"/b", `{`, ""}, {"/b", `1,\"c\":2`, ""},
		{strings.Repeat("/x", 100), `1`, ""},
	} {
		r := resource(t, `{"resourceType":"Basic","id":"b","code":{"text":"x"},"extension":[`+member(c.pointer, c.value)+`]}`)
		s, doc := rebuild.NewSet([]*fhir.Resource{r}, rebuild.Rules{Member: "X-06"}), rebuild.Parse(`{"a":1}`)
		s.PutBack(doc, r.Root())
		if s.Failed() != (c.want == "") || !s.Failed() && string(doc.JSON()) != c.want {
			t.Errorf("%s: %s, %v", c.pointer, doc.JSON(), s.Issues())
		}
		for _, i := range s.Issues() {
			if i.Diagnostics != "X-06" || i.Expression == "" {
				t.Errorf("%+v", i)
			}
		}
	}
}

func TestAFewBytesThatNameALargeResourceOverAndOverAreRefused(t *testing.T) {
	t.Parallel()
	large := resource(t, `{"resourceType":"Basic","id":"b","code":{"text":"`+strings.Repeat("x", 1_000_000)+`"}}`)
	ref := resource(t, `{"resourceType":"Flag","id":"f","subject":{"reference":"Basic/b"}}`).Root().Member("subject")
	s := rebuild.NewSet([]*fhir.Resource{large}, rebuild.Rules{Large: "X-07"})
	n := 0
	for s.Get(ref).Exists() && n < 1000 {
		n++
	}
	if n < 10 || n > 40 || !s.Spent() || !s.Failed() || s.Issues()[0].Diagnostics != "X-07" {
		t.Errorf("read %d times, %v", n, s.Issues())
	}
}
