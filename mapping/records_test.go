package mapping_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// assertionFile says per child which records are taken, in name order without files, and what FHIRPath
// finds on the Bundle of all that they made.
type assertionFile struct {
	Children map[string]struct {
		Files      []string
		Assertions []assertion
	}
}

type assertion struct {
	ID, Expression, Why string
	Expected            []any
}

// TestRecords maps folders of source records and asks FHIRPath of the outcome. DRIELUIK_RECORDS and
// DRIELUIK_ASSERTIONS name other folders and questions.
func TestRecords(t *testing.T) {
	t.Parallel()
	folder := cmp.Or(os.Getenv("DRIELUIK_RECORDS"), "../testdata/mks")
	text, err := os.ReadFile(cmp.Or(os.Getenv("DRIELUIK_ASSERTIONS"), "testdata/assertions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file assertionFile
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Children) == 0 {
		t.Fatal("no children")
	}
	for name, child := range file.Children {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bundle := taken(t, filepath.Join(folder, name), child.Files)
			for _, a := range child.Assertions {
				t.Run(a.ID, func(t *testing.T) {
					got, err := asked(bundle, a.Expression)
					if err != nil {
						t.Fatalf("%s: %v", a.Expression, err)
					}
					if d := gocmp.Diff(a.Expected, got, cmpopts.EquateEmpty()); d != "" {
						t.Errorf("%s: %s (-expected +got):\n%s", a.Why, a.Expression, d)
					}
				})
			}
		})
	}
}

// taken maps the records of a folder one after the other and returns the Bundle of what they made.
func taken(t *testing.T, folder string, files []string) *fhir.Resource {
	t.Helper()
	if len(files) == 0 {
		found, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no records in %s: %v", folder, err)
		}
		files = found
	}
	k, now := mapping.NewMemory(), time.Date(2026, 11, 21, 20, 0, 0, 0, time.FixedZone("", 3600))
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(folder, filepath.Base(f)))
		if err != nil {
			t.Fatal(err)
		}
		take(t, k, text, now)
	}
	var entries []string
	for _, r := range k.All() {
		entries = append(entries, fmt.Sprintf(`{"fullUrl":"%s/%s","resource":%s}`, fhir.Canonical, r.Ref(), r.Bytes()))
	}
	bundle, issues := fhir.Parse([]byte(`{"resourceType":"Bundle","type":"collection","entry":[`+strings.Join(entries, ",")+`]}`), fhir.Limits{Bytes: 1 << 28})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	return bundle
}

func take(t *testing.T, k *mapping.Memory, text []byte, now time.Time) {
	t.Helper()
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	s, issues := mks.Format{}.Read(doc, now)
	r, err := mks.Format{}.Map(s, k, now)
	if err != nil || fhir.HasErrors(append(slices.Clone(issues), r.Issues...)) {
		t.Fatalf("a record is refused: %v %v %v", err, issues, r.Issues)
	}
	k.Apply(s, r, now)
}

// asked returns what an expression selects, as JSON values.
func asked(bundle *fhir.Resource, expression string) ([]any, error) {
	e, err := path.Compile(expression)
	if err != nil {
		return nil, err
	}
	items, err := e.Eval(path.World{Resolve: resolver(bundle)}, bundle.Root())
	if err != nil {
		return nil, err
	}
	var out []any
	for _, i := range items {
		v, err := jsonOf(i)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// resolver finds the entry that a reference names.
func resolver(bundle *fhir.Resource) func(string, string) (path.Item, bool) {
	places := map[string]fhir.Node{}
	for e := range bundle.Root().All("entry") {
		places[strings.TrimPrefix(e.Member("fullUrl").Text(), fhir.Canonical+"/")] = e.Member("resource")
	}
	return func(reference, _ string) (path.Item, bool) {
		n, ok := places[strings.TrimPrefix(reference, fhir.Canonical+"/")]
		return path.Typed(n), ok
	}
}

// jsonOf returns the JSON value of an item: of a node as it stands, of a computed one by its kind.
func jsonOf(i path.Item) (any, error) {
	text := i.Node().Raw()
	if !i.Node().Exists() {
		switch i.Kind() {
		case path.Boolean, path.Integer, path.Decimals:
			text = i.Text()
		default:
			return i.Text(), nil
		}
	}
	var v any
	err := json.Unmarshal([]byte(text), &v)
	return v, err
}
