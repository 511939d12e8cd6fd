package patch_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/patch"
	"github.com/drieluik/drieluik/fhir/r4/r4xml"
)

// suiteFile reads a file of the official patch suites, or skips the test.
func suiteFile(t *testing.T, name string) []byte {
	t.Helper()
	shared := os.Getenv("DRIELUIK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	b, err := os.ReadFile(filepath.Join(shared, "fhir", "suites", "patch", name))
	if err != nil {
		t.Skip("the patch suites are absent: set DRIELUIK_SHARED")
	}
	return b
}

// TestJSONPatchSuite runs the official cases; their documents are no resources.
func TestJSONPatchSuite(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Comment, Error       string
		Doc, Patch, Expected json.RawMessage
	}
	if err := json.Unmarshal(suiteFile(t, "json-patch-tests.json"), &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Comment, func(t *testing.T) {
			t.Parallel()
			doc, issues := fhir.ParseDocument(c.Doc, fhir.Limits{})
			if doc == nil {
				t.Fatal(issues)
			}
			got, issues := run(patch.JSON, c.Patch, doc)
			if c.Error != "" {
				if got != nil {
					t.Errorf("it gave %s, want: %s", got.Bytes(), c.Error)
				}
				return
			}
			if got == nil {
				t.Fatal(issues)
			}
			want, _ := fhir.ParseDocument(c.Expected, fhir.Limits{})
			if !fhir.Equal(want.Root(), got.Root()) {
				t.Errorf("got  %s\nwant %s", got.Bytes(), want.Bytes())
			}
		})
	}
	if len(cases) < 16 {
		t.Errorf("the suite has %d cases, want at least 16", len(cases))
	}
}

type fhirPathCase struct {
	Name   string   `xml:"name,attr"`
	Input  resource `xml:"input"`
	Diff   resource `xml:"diff"`
	Output resource `xml:"output"`
	Error  *struct {
		Message string `xml:"msg,attr"`
	} `xml:"error"`
}

type resource struct {
	XML []byte `xml:",innerxml"`
}

// parse returns the resource in JSON form. Two cases hold resources without any element.
func (r resource) parse(t *testing.T) *fhir.Resource {
	t.Helper()
	src := r4xml.JSON(t, r.XML)
	out, issues := fhir.Parse(src, fhir.Limits{})
	if out == nil {
		t.Fatal(issues)
	}
	return out
}

func TestFHIRPathPatchSuite(t *testing.T) {
	t.Parallel()
	var suite struct {
		Cases []fhirPathCase `xml:"case"`
	}
	if err := xml.Unmarshal(suiteFile(t, "fhir-patch-tests.xml"), &suite); err != nil {
		t.Fatal(err)
	}
	for _, c := range suite.Cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			got, issues := run(patch.FHIRPath, c.Diff.parse(t).Bytes(), c.Input.parse(t))
			if c.Error != nil {
				if got != nil {
					t.Errorf("it gave %s, want: %s", got.Bytes(), c.Error.Message)
				}
				return
			}
			if got == nil {
				t.Fatal(issues)
			}
			want := c.Output.parse(t)
			if text(t, want) != text(t, got) {
				t.Errorf("got  %s\nwant %s", got.Bytes(), want.Bytes())
			}
		})
	}
	if len(suite.Cases) < 32 {
		t.Errorf("the suite has %d cases, want at least 32", len(suite.Cases))
	}
}

// text returns a resource with its members in order of their names, and its narrative with quotes as
// they are: XML may write them otherwise.
func text(t *testing.T, r *fhir.Resource) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(r.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(fmt.Sprint(v), "&quot;", `"`)
}

// run parses and applies a patch.
func run(media string, body []byte, r *fhir.Resource) (*fhir.Resource, []fhir.Issue) {
	p, issues := patch.Parse(media, body)
	if fhir.HasErrors(issues) {
		return nil, issues
	}
	return p.Apply(r)
}
