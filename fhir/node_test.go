package fhir_test

import (
	"slices"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

const plan = `{"resourceType":"CarePlan","id":"cp","contained":[{"resourceType":"Goal","id":"g"}],
	"category":[{"coding":[{"code":"a"},{"code":"b"}]},{"coding":[{"code":"c"}]},{"text":"none"}],
	"activity":[{"detail":{"kind":"Task","doNotPerform":false}}],"_status":{"id":"s"},
	"title":"plan \"A\" \u00e9","matrix":[[1,2],[3]],"a/b~c":{"x":1.50},"empty~":null}`

func texts(n []fhir.Node) (out []string) {
	for _, n := range n {
		out = append(out, n.Text())
	}
	return out
}

func TestNodesAreFoundByName(t *testing.T) {
	t.Parallel()
	root := mustDocument(t, plan).Root()
	tests := []struct {
		name string
		got  []string
		want []string
	}{
		{"At takes the first element on the way", []string{root.At("category", "coding", "code").Text()}, []string{"a"}},
		{"At stops at an array at the end", []string{root.At("category").Raw()[:1]}, []string{"["}},
		{"All takes all elements", texts(slices.Collect(root.All("category", "coding", "code"))), []string{"a", "b", "c"}},
		{"All flattens nested arrays", texts(slices.Collect(root.All("matrix"))), []string{"1", "2", "3"}},
		{"All without names yields the elements", texts(slices.Collect(root.Member("matrix").All())), []string{"1", "2", "3"}},
		{"All without names yields a single node", texts(slices.Collect(root.Member("id").All())), []string{"cp"}},
		{"All of what is not there yields nothing", texts(slices.Collect(root.All("category", "code"))), nil},
		{"a decoded string", []string{root.Member("title").Text()}, []string{`plan "A" é`}},
		{"a number as written", []string{root.At("a/b~c", "x").Text()}, []string{"1.50"}},
		{"a boolean", []string{root.At("activity", "detail", "doNotPerform").Text()}, []string{"false"}},
		{"no text in an object or null", []string{root.Text(), root.Member("empty~").Text()}, []string{"", ""}},
		{"the name of an element is that of its array", []string{root.At("category", "coding").Name(),
			first(root.At("category", "coding")).Name(), first(first(root.Member("matrix"))).Name()}, []string{"coding", "coding", "matrix"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for n := range root.All("category", "coding", "code") {
		if n.Text() != "a" {
			t.Error("All goes on after break")
		}
		break
	}
}

func first(n fhir.Node) fhir.Node {
	for c := range n.Children() {
		return c
	}
	return fhir.Node{}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	root := mustDocument(t, plan).Root()
	tests := []struct {
		n             fhir.Node
		path, pointer string
	}{
		{root, "CarePlan", ""},
		{root.Member("id"), "CarePlan.id", "/id"},
		{root.At("contained", "id"), "CarePlan.contained[0].id", "/contained/0/id"},
		{slices.Collect(root.All("category", "coding", "code"))[2], "CarePlan.category[1].coding[0].code", "/category/1/coding/0/code"},
		{root.At("activity", "detail"), "CarePlan.activity[0].detail", "/activity/0/detail"},
		{root.At("_status", "id"), "CarePlan.status.id", "/_status/id"},
		{slices.Collect(root.All("matrix"))[1], "CarePlan.matrix[0][1]", "/matrix/0/1"},
		{root.At("a/b~c", "x"), "CarePlan.children().x", "/a~1b~0c/x"},
		{fhir.Node{}, "", ""},
	}
	for _, tt := range tests {
		if diff := cmp.Diff([]string{tt.path, tt.pointer}, []string{tt.n.Path(), tt.n.Pointer()}); diff != "" {
			t.Error(diff)
		}
	}
}

func TestMissingNodesAnswerNothing(t *testing.T) {
	t.Parallel()
	for _, n := range []fhir.Node{{}, mustDocument(t, plan).Root().Member("nothing"), (*fhir.Resource)(nil).Root()} {
		if n.Exists() || n.Shape() != fhir.Missing || n.Name() != "" || n.Text() != "" || n.Raw() != "" || n.Len() != 0 {
			t.Errorf("a missing node answers: %#v", n)
		}
		if n.Member("x").Exists() || n.At("x", "y").Exists() || n.Parent().Exists() {
			t.Error("a missing node has relatives")
		}
		if slices.Collect(n.All("x")) != nil || slices.Collect(n.Children()) != nil {
			t.Error("a missing node yields nodes")
		}
	}
}

func TestResourceKnowsItsTypeAndID(t *testing.T) {
	t.Parallel()
	r := must(t, `{"id":"x","resourceType":"Patient"}`)
	if diff := cmp.Diff(fhir.Ref{Type: "Patient", ID: "x"}, r.Ref()); diff != "" {
		t.Error(diff)
	}
	if got := must(t, `{"resourceType":"Patient","id":1}`).ID(); got != "" {
		t.Errorf("a number became the id %q", got)
	}
	d := mustDocument(t, `{"id":"x","resourceType":"Patient"}`)
	if diff := cmp.Diff(fhir.Ref{}, d.Ref()); diff != "" {
		t.Error(diff)
	}
	if n := r.Root().Member("id"); n.Resource() != r {
		t.Error("a node does not know its tree")
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	types := fhir.Types()
	if len(types) != 146 || !slices.IsSorted(types) {
		t.Errorf("%d types", len(types))
	}
	for _, name := range []string{"", "patient", "Resource", "DomainResource", "HumanName", "Cat"} {
		if _, ok := fhir.ParseType(name); ok {
			t.Errorf("%q is a resource type", name)
		}
	}
	for _, typ := range types {
		if got, ok := fhir.ParseType(string(typ)); !ok || got != typ {
			t.Errorf("%s is no resource type", typ)
		}
	}
}

func TestSpanIsWhereANodeStandsInItsSource(t *testing.T) {
	t.Parallel()
	src := `{"resourceType":"Patient","name":[{"family":"A"}]}`
	r, issues := fhir.Parse([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatal(issues)
	}
	for want, n := range map[string]fhir.Node{src: r.Root(), `[{"family":"A"}]`: r.Root().Member("name"), `"A"`: r.Root().At("name", "family"), "": r.Root().Member("x")} {
		if start, end := n.Span(); src[start:end] != want {
			t.Errorf("%q, want %q", src[start:end], want)
		}
	}
}
