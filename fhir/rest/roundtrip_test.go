package rest_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// TestNationalExamplesComeBackAsTheyCame posts the Dutch and Swedish examples and reads them back:
// every member but id and meta has the same text, numbers and the order of lists included.
func TestNationalExamplesComeBackAsTheyCame(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	operator := system("operator", g.orgs["home"], "system/*.cruds")
	operator.Role, operator.Purpose = auth.Admin, "HSYSADMIN"
	g.principals["operator"] = operator
	posted := 0
	for _, name := range nationalExamples(t) {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r, issues := fhir.Parse(src, fhir.Limits{})
		if !bytes.Contains(src, []byte(`"resourceType"`)) || fhir.HasErrors(issues) {
			continue // held to be valid by conformance/validate
		}
		as := "home"
		if auth.IsDirectory(r.Type()) {
			as = "operator"
		}
		posted++
		made := g.do(as, http.MethodPost, "/fhir/"+string(r.Type()), string(src), "Prefer", "return=representation")
		if made.status != http.StatusCreated {
			t.Errorf("%s: %d %.400s", filepath.Base(name), made.status, made.body)
			continue
		}
		id := decode[struct{ ID string }](t, made.body).ID
		back := g.get(as, "/fhir/"+string(r.Type())+"/"+id).want(t, http.StatusOK)
		sent, got := content(t, string(src)), content(t, back.body)
		for member, want := range sent {
			if got[member] != want {
				t.Errorf("%s: %s came back as %.300s, was %.300s", filepath.Base(name), member, got[member], want)
			}
		}
		for member := range got {
			if _, was := sent[member]; !was {
				t.Errorf("%s: %s was added", filepath.Base(name), member)
			}
		}
	}
	if posted < 130 {
		t.Errorf("only %d examples were posted", posted)
	}
}

// content returns the members of a resource but for id and meta, as compact JSON with numbers as
// they stand.
func content(t *testing.T, body string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for member, raw := range decode[map[string]json.RawMessage](t, body) {
		if member == "id" || member == "meta" {
			continue
		}
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			t.Fatal(err)
		}
		out[member] = b.String()
	}
	return out
}

func nationalExamples(t *testing.T) []string {
	t.Helper()
	root := cmp.Or(os.Getenv("DRIELUIK_SHARED"), filepath.Join("..", "shared"))
	if !filepath.IsAbs(root) {
		root = filepath.Join("..", "..", root)
	}
	var out []string
	for _, set := range []string{"nl-core", "se-base"} {
		files, err := filepath.Glob(filepath.Join(root, "fhir", set, "examples", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, files...)
	}
	if len(out) == 0 {
		t.Skip("skipped: the examples are absent; DRIELUIK_SHARED names the folder that holds fhir/nl-core")
	}
	return out
}
