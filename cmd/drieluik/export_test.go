package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
)

// exportedIn reads the lines of an export: the number of resources by type.
func exportedIn(t *testing.T, folder string) map[string]int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".ndjson")
		for line := range bytes.Lines(text) {
			r, issues := fhir.Parse(line, fhir.Limits{})
			if fhir.HasErrors(issues) || string(r.Type()) != name {
				t.Fatalf("%s: %v %s", name, issues, line)
			}
			out[name]++
		}
	}
	return out
}

func TestAnExportHoldsEveryResourceAndGoesOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sv := s.start(t)
	c := sv.login(t, "homecare", "")
	if r := c.push(t, sample(t, "boris/01-kind.json")); r.status != 201 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	want := map[string]int{}
	for _, kind := range []string{"Patient", "RelatedPerson", "CareTeam", "Provenance", "Consent", "Practitioner", "PractitionerRole", "Organization"} {
		_, found := c.get(t, "/fhir/"+kind+"?_summary=count")
		if n, _ := found["total"].(float64); n > 0 {
			want[kind] = int(n)
		}
	}
	folder := filepath.Join(s.dir, "out")
	_, stderr, code := tool(t, "export", "--store", s.store(), "--out", folder)
	if code != 0 || !strings.Contains(stderr, "resources of") {
		t.Fatalf("%d %s", code, stderr)
	}
	got := exportedIn(t, folder)
	for kind, n := range want {
		if got[kind] != n {
			t.Errorf("%s: %d, want %d", kind, got[kind], n)
		}
	}
	if want["Patient"] != 1 || want["RelatedPerson"] < 2 {
		t.Errorf("the search found %v", want)
	}
	if _, stderr, code = tool(t, "export", "--store", s.store(), "--out", folder); code != 2 || !strings.Contains(stderr, "another --out") {
		t.Errorf("over an export: %d %s", code, stderr)
	}

	// A stop: one type is done, of the next a part is written that the note does not tell of.
	part := filepath.Join(s.dir, "part")
	if err := os.Mkdir(part, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"Patient.ndjson": "as it was\n", "RelatedPerson.ndjson": `{"resourceType":"Rel`,
		"export.json": `{"Types":["Patient","RelatedPerson"],"Done":["Patient"],"Type":"RelatedPerson","Cursor":"","Size":0,"Lines":0}`,
	} {
		if err := os.WriteFile(filepath.Join(part, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, stderr, code = tool(t, "export", "--store", s.store(), "--out", part, "--type", "Patient"); code != 2 {
		t.Errorf("other types: %d %s", code, stderr)
	}
	if _, stderr, code = tool(t, "export", "--store", s.store(), "--out", part, "--type", "Patient", "--type", "RelatedPerson"); code != 0 {
		t.Fatal(stderr)
	}
	for name, from := range map[string]string{"Patient.ndjson": "", "RelatedPerson.ndjson": filepath.Join(folder, "RelatedPerson.ndjson")} {
		text, err := os.ReadFile(filepath.Join(part, name))
		whole := []byte("as it was\n")
		if from != "" {
			if whole, err = os.ReadFile(from); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(whole), string(text)); diff != "" || err != nil {
			t.Errorf("%s: %s %v", name, diff, err)
		}
	}
	if _, err := os.Stat(filepath.Join(part, "export.json")); err == nil {
		t.Error("the note of an export that ended is left behind")
	}
	if log, _, _ := tool(t, "audit", "export", "--store", s.store()); !strings.Contains(log, `"code":"exported"`) {
		t.Error("the export is not in the log")
	}
}

// TestAnExportGoesOnInsideAType that was cut off between two pages, by a disk that takes no more, with half a line
// behind what stood.
func TestAnExportGoesOnInsideAType(t *testing.T) {
	t.Parallel()
	const page = 500
	s := newSite(t)
	sv := s.start(t)
	c := sv.login(t, "homecare", "")
	child := c.made(t, "/fhir/Patient", []byte(`{"resourceType":"Patient","birthDate":"2020-05-04"}`))
	entry := `{"request":{"method":"POST","url":"Observation"},"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/` + child + `"}}}`
	body := `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Repeat(entry+",", page+19) + entry + `]}`
	if r, err := c.do("POST", "/fhir", "application/fhir+json", []byte(body)); err != nil || r.status != 200 {
		t.Fatalf("%d %v %.300s", r.status, err, r.body)
	}
	export := func(folder string) []string {
		return []string{"export", "--store", s.store(), "--type", "Observation", "--type", "Patient", "--out", filepath.Join(s.dir, folder)}
	}
	if _, stderr, code := tool(t, export("whole")...); code != 0 {
		t.Fatal(stderr)
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	whole, first := read("whole/Observation.ndjson"), 0
	for line := range bytes.Lines(whole) {
		if first += len(line); bytes.Count(whole[:first], []byte("\n")) == page {
			break
		}
	}
	limit := fmt.Sprintf(`ulimit -f %d; exec "$0" "$@"`, first/1024+1)
	if out, err := exec.Command("bash", append([]string{"-c", limit, binary}, export("part")...)...).CombinedOutput(); err == nil {
		t.Fatalf("an export into a disk that is full ends well: %s", out)
	}
	var note struct {
		Type, Cursor string
		Size, Lines  int
		Done         []string
	}
	if err := json.Unmarshal(read("part/export.json"), &note); err != nil || note.Type != "Observation" || note.Cursor == "" || note.Size != first || note.Lines != page || note.Done != nil {
		t.Fatalf("it stopped elsewhere: %+v %v", note, err)
	}
	torn := append(bytes.Clone(whole[:first]), whole[first:first+100]...)
	if err := os.WriteFile(filepath.Join(s.dir, "part/Observation.ndjson"), torn, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := tool(t, export("part")...); code != 0 {
		t.Fatal(stderr)
	}
	if !bytes.Equal(whole, read("part/Observation.ndjson")) || exportedIn(t, filepath.Join(s.dir, "part"))["Patient"] != 1 {
		t.Error("the export that went on is not the whole one")
	}
}
