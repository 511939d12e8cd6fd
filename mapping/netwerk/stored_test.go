package netwerk_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/netwerk"
)

// with stores resources.
func with(t *testing.T, k *mapping.Memory, bodies ...string) *mapping.Memory {
	t.Helper()
	var r mapping.Result
	for _, b := range bodies {
		res, issues := fhir.Parse([]byte(b), fhir.Limits{})
		if res == nil {
			t.Fatal(issues)
		}
		r.Resources = append(r.Resources, mapping.Mapped{Resource: res})
	}
	k.Apply(mapping.Source{}, r, receipt)
	return k
}

// stored takes a record, which must be accepted, and stores what it becomes.
func stored(t *testing.T, k *mapping.Memory, text []byte) mapping.Result {
	t.Helper()
	doc, _ := fhir.ParseDocument(text, fhir.Limits{})
	s, found := netwerk.Format{}.Read(doc, receipt)
	r, err := netwerk.Format{}.Map(s, k, receipt)
	if issues := append(found, r.Issues...); err != nil || fhir.HasErrors(issues) {
		t.Fatal(err, issues)
	}
	k.Apply(s, r, receipt)
	return r
}

// changed is a record with other values: pointer and JSON in turn.
func changed(t *testing.T, text []byte, edits ...string) []byte {
	t.Helper()
	doc := plain(t, text)
	for i := 0; i+1 < len(edits); i += 2 {
		var value any
		if err := json.Unmarshal([]byte(edits[i+1]), &value); err != nil {
			t.Fatal(err)
		}
		put(t, doc, strings.Split(edits[i], "/")[1:], value)
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func put(t *testing.T, at any, path []string, value any) {
	t.Helper()
	switch at := at.(type) {
	case map[string]any:
		if len(path) == 1 {
			at[path[0]] = value
			return
		}
		put(t, at[path[0]], path[1:], value)
	case []any:
		var i int
		if err := json.Unmarshal([]byte(path[0]), &i); err != nil || len(path) == 1 {
			t.Fatal(path)
		}
		put(t, at[i], path[1:], value)
	}
}

// find is the resource of a result that the record calls so.
func find(t *testing.T, r mapping.Result, key string) fhir.Node {
	t.Helper()
	for _, x := range resources(r) {
		if strings.HasSuffix(x.Root().At("identifier", "value").Text(), key) {
			return x.Root()
		}
	}
	t.Fatalf("no %s", key)
	return fhir.Node{}
}

const (
	child     = `{"resourceType":"Patient","id":"boris","identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999912148"}],"name":[{"family":"Testkind"}],"birthDate":"2025-05-04"}`
	homeCare  = `{"resourceType":"Organization","id":"home","identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/ura","value":"90000001"}],"name":"Thuiszorg"}`
	childsKin = `{"resourceType":"RelatedPerson","id":"anna","identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999912185"}],"patient":{"reference":"Patient/boris"}}`
)

// TestARecordBesideAFileThatIsStored: child and organisations stay whose they are, the giver is the one of the
// file, and the record comes back all the same.
func TestARecordBesideAFileThatIsStored(t *testing.T) {
	t.Parallel()
	k := with(t, mapping.NewMemory(), child, homeCare, childsKin)
	text := changed(t, file(t, "valid/01-boris.json"), "/leden/3/telefoon", `"000-0000303"`)
	r := stored(t, k, text)
	if r.Patient.ID != "boris" || r.Sender.ID != "home" {
		t.Errorf("%s of %s", r.Patient, r.Sender)
	}
	for _, x := range resources(r) {
		if x.Type() == "Organization" {
			t.Errorf("%s is written beside the one that is stored", x.Ref())
		}
		if x.Type() == "Patient" && x.Root().At("name", "family").Text() != "Testkind" {
			t.Errorf("the child is another now: %s", x.Bytes())
		}
	}
	if got := find(t, r, "#n1-ziet").At("performer", "reference").Text(); got != "RelatedPerson/anna" {
		t.Errorf("the giver is %q", got)
	}
	back, issues, err := netwerk.Format{}.Back(k.All(), mapping.Origin{})
	if err != nil || fhir.HasErrors(issues) {
		t.Fatal(err, issues)
	}
	if diff := cmp.Diff(plain(t, text), plain(t, back)); diff != "" {
		t.Error(diff)
	}
}

// TestALaterVersionEndsWhatItLeavesOut, and moves agreements by their steps alone.
func TestALaterVersionEndsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	text := file(t, "valid/01-boris.json")
	stored(t, k, text)
	doc := plain(t, text).(map[string]any)
	doc["versie"], doc["afspraken"] = 2, doc["afspraken"].([]any)[:2]
	doc["leden"] = slices.Delete(doc["leden"].([]any), 2, 3)
	later, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	r := stored(t, k, later)
	for key, want := range map[string][2]string{
		"#n3": {"active", "false"}, "#n3-ziet": {"status", "inactive"}, "#t3": {"status", "revoked"}, "#taak-t3": {"status", "cancelled"}, "#n2": {"active", "true"},
	} {
		if got := find(t, r, key).Member(want[0]).Text(); got != want[1] {
			t.Errorf("%s is %s, want %s", key, got, want[1])
		}
	}
	_, issues := taken(t, changed(t, later, "/versie", "3", "/afspraken/0/status", `"voorgesteld"`), k)
	if !slices.ContainsFunc(issues, func(i fhir.Issue) bool { return i.Diagnostics == "NW-T01" && i.Expression == "/afspraken/0/status" }) {
		t.Errorf("an agreement went back: %+v", issues)
	}
	stored(t, k, changed(t, later, "/versie", "3", "/afspraken/0/status", `"loopt"`))
}

// TestTheAgeOfAChildIsThatOfItsFile where the record does not say it (NW-R13).
func TestTheAgeOfAChildIsThatOfItsFile(t *testing.T) {
	t.Parallel()
	text := changed(t, file(t, "valid/01-boris.json"), "/client/geboortedatum", "null")
	for born, want := range map[string]string{"2025-05-04": "", "2013-05-04": "NW-R13", "2009-05-04": "NW-R13b"} {
		k := with(t, mapping.NewMemory(), strings.Replace(child, "2025-05-04", born, 1))
		_, issues := taken(t, text, k)
		got := ""
		for _, i := range issues {
			if strings.HasPrefix(i.Diagnostics, "NW-R13") {
				got = i.Diagnostics
			}
		}
		if got != want {
			t.Errorf("born %s: %q, want %q", born, got, want)
		}
	}
	if _, issues := taken(t, text, mapping.NewMemory()); !slices.ContainsFunc(issues, func(i fhir.Issue) bool { return i.Diagnostics == "NW-R13b" }) {
		t.Error("nobody knows the birth date, and nothing is said of it")
	}
}
