package fhir_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/go-json-experiment/json/jsontext"
)

// seeds are valid and invalid inputs of every kind of rule.
func seeds() []string {
	return []string{
		`{"resourceType":"Patient","id":"x","meta":{"versionId":"1","lastUpdated":"2020-01-01T00:00:00Z"},"active":true}`,
		"{\n \"resourceType\" : \"Patient\",\r\n\t\"name\":[{\"given\":[\"a\",null],\"_given\":[null,{\"id\":\"x\"}]}]}\n",
		`{"resourceType":"Basic","a":[-0.10e+3,0,1E5,true,false,{"b":"\ud83d\ude00\u00e9\/\n"}],"m\u0065ta":{"tag":[{"code":"x"}]}}`,
		`{"resourceType":"Patient","a":1,"\u0061":2}`, `{"a":null,"b":{},"c":[],"d":""}`, `{"a":"\ud800"}`,
		`{"a":1e999999}`, `{"a":01}`, `{"a":+1}`, `{"a":.5}`, `{"a":1.}`, `[]`, `null`, `{"a":1}{}`, "\ufeff{}", "{\"a\":\"\xff\"}",
		`{"a":"` + "\x01" + `"}`, `{"a":tru}`, `{"a":[1,]}`, `{,}`, `{"a"}`, `{"a":}`, `[[[[[[[[`, `{"a":{"a":{"a":{`, `"`, `{"`, `{"a":"\u12`, ``,
		`{"":1,"~/":[{"":2}]}`, `{"resourceType":null}`, `{"resourceType":{"x":1}}`, `{"resourceType":"`,
	}
}

// accepts reports whether jsontext, which is as strict by default, accepts src as one object.
func accepts(src []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(src))
	if d.PeekKind() != '{' {
		return false
	}
	for {
		_, err := d.ReadToken()
		if err == io.EOF {
			return true
		}
		if err != nil {
			return false
		}
		if d.StackDepth() == 0 {
			_, err := d.ReadToken()
			return err == io.EOF
		}
	}
}

// sameAgain checks that the text of a tree gives an Equal tree.
func sameAgain(t *testing.T, r *fhir.Resource, parse func([]byte, fhir.Limits) (*fhir.Resource, []fhir.Issue)) {
	t.Helper()
	again, issues := parse(r.Bytes(), fhir.Limits{})
	if again == nil {
		t.Fatalf("it is refused the second time: %v", issues)
	}
	if !fhir.Equal(r.Root(), again.Root()) || fhir.Hash(r.Root()) != fhir.Hash(again.Root()) {
		t.Fatal("it is another the second time")
	}
}

// visit calls every method on every node.
func visit(n fhir.Node, f func(fhir.Node)) {
	f(n)
	for c := range n.Children() {
		visit(c, f)
	}
}

func FuzzParseDocument(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		r, issues := fhir.ParseDocument(src, fhir.Limits{})
		if (r == nil) != fhir.HasErrors(issues) {
			t.Fatalf("a tree and errors: %v", issues)
		}
		if r == nil {
			for _, i := range issues {
				if i.Diagnostics == "FHIR-JSON-NUMBER" || i.Diagnostics == "FHIR-JSON-SIZE" {
					return
				}
			}
		}
		if want := accepts(src); (r != nil) != want {
			t.Fatalf("jsontext says %v, issues %v", want, issues)
		}
		if r == nil {
			return
		}
		sameAgain(t, r, fhir.ParseDocument)
		visit(r.Root(), func(n fhir.Node) {
			if n.Raw() == "" || n.Shape() == fhir.Missing || (n.Parent().Exists() == (n == r.Root())) {
				t.Fatalf("a node that is none: %s", n.Pointer())
			}
			_, _ = n.Path(), n.Text()
		})
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		r, issues := fhir.Parse(src, fhir.Limits{})
		if (r == nil) != fhir.HasErrors(issues) {
			t.Fatalf("a tree and errors: %v", issues)
		}
		if r == nil {
			return
		}
		sameAgain(t, r, fhir.Parse)
		body, at, err := r.Body()
		if err != nil {
			return // meta is not an object
		}
		served, issues := fhir.Parse(fhir.Serve(body, at, 2, time.Unix(0, 0)), fhir.Limits{Bytes: len(body) + 200})
		if served == nil {
			t.Fatalf("what is served is refused: %v", issues)
		}
		again, at2, err := served.Body()
		if err != nil || at2 != at || !bytes.Equal(body, again) {
			t.Fatalf("stored again it changes: %v\n%s\n%s", err, body, again)
		}
	})
}
