package validate_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

// mutant is one change to a valid resource, which must be found where it was made.
type mutant struct {
	path string    // expression of the changed value
	set  func(any) // puts a value in its place
	was  any       // the value to put back
	name string    // member name
	in   map[string]any
}

// mutants lists the values of a resource with their paths, in a stable order.
func mutants(path string, object map[string]any) []mutant {
	var all []mutant
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if name == "resourceType" || strings.HasPrefix(name, "_") {
			continue
		}
		at := path + "." + name
		all = append(all, mutant{at, func(v any) { object[name] = v }, object[name], name, object})
		switch v := object[name].(type) {
		case map[string]any:
			all = append(all, mutants(at, v)...)
		case []any:
			for i, item := range v {
				if part, ok := item.(map[string]any); ok {
					all = append(all, mutants(fmt.Sprintf("%s[%d]", at, i), part)...)
				}
			}
		}
	}
	return all
}

// wrong returns a value of another JSON shape than v.
func wrong(v any) any {
	switch v.(type) {
	case string:
		return true
	case []any:
		return map[string]any{"a": []any{"b"}}
	}
	return "x"
}

// found validates the tree and reports whether an issue stands at path.
func found(t *testing.T, tree map[string]any, path string) bool {
	t.Helper()
	src, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	r, issues := fhir.Parse(src, fhir.Limits{})
	if r != nil {
		issues = validate.Resource(r)
	}
	for _, i := range issues {
		if i.Expression == path || strings.HasPrefix(i.Expression, path+".") || strings.HasPrefix(i.Expression, path+"[") {
			return true
		}
	}
	return false
}

// Every value of every national example is once given another shape, put into an array of arrays,
// and joined by a member that does not exist: each must be found at its path.
func TestEveryMutationOfAnExampleIsFound(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(shared(t, "fhir", "nl-core", "examples"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range files {
		if i%5 != 0 {
			continue // a fifth tells enough
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var tree map[string]any
			if err := json.Unmarshal(src, &tree); err != nil {
				t.Fatal(err)
			}
			typ, _ := tree["resourceType"].(string)
			for _, m := range mutants(typ, tree) {
				m.set(wrong(m.was))
				if !found(t, tree, m.path) {
					t.Errorf("%s of another shape passes", m.path)
				}
				m.set([]any{[]any{m.was}})
				if !found(t, tree, m.path) {
					t.Errorf("%s in two arrays passes", m.path)
				}
				m.set(m.was)
				m.in[m.name+"X"] = "x"
				if !found(t, tree, m.path+"X") {
					t.Errorf("%sX passes", m.path)
				}
				delete(m.in, m.name+"X")
			}
		})
	}
}
