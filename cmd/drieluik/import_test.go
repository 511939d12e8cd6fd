package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a file below a folder.
func write(t *testing.T, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// compact is a record on one line.
func compact(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// TestImportTakesFoldersAndGoesOnWhereItStopped: folders of children beside one another and lines of a
// file, in the store itself; what is refused is in a file with place and rule; once that is mended the
// same command takes it, and leaves what is there. A second system of the same children goes through a
// running server, and a client reads what was imported.
func TestImportTakesFoldersAndGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := t.TempDir()
	boris := sample(t, "boris/01-kind.json")
	write(t, dir, "boris/01-kind.json", boris)
	plan := write(t, dir, "boris/02-zorgplan.json", bytes.Replace(sample(t, "boris/07-zorgplan-v3.json"), []byte(`"ingangsdatum": "`), []byte(`"ingangsdatum": "x`), 1))
	write(t, dir, "sanne/01-kind.json", sample(t, "sanne/01-kind.json"))
	write(t, dir, ".hidden/x.json", []byte("{"))
	write(t, dir, "notes.txt", []byte("not a record"))
	lines := write(t, dir, "daan.ndjson", append(compact(t, sample(t, "daan/01-kind.json")), "\n{\"schema\":\n"...))
	report := filepath.Join(s.dir, "refused.ndjson")
	args := []string{"import", "--store", s.store(), "--errors", report, "--workers", "3", dir}

	stdout, stderr, code := tool(t, args...)
	if code != 1 || stdout != "" || !strings.Contains(stderr, "3 stored, 0 known already, 2 refused") || strings.Contains(stderr, "\r") {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	refused := refusedIn(t, report)
	if len(refused) != 2 || refused[plan] != "0 MKS-ENV-02 /inhoud/ingangsdatum" || !strings.HasPrefix(refused[lines], "3 ") {
		t.Errorf("%v", refused)
	}

	write(t, dir, "boris/02-zorgplan.json", sample(t, "boris/07-zorgplan-v3.json"))
	write(t, dir, "daan.ndjson", compact(t, sample(t, "daan/01-kind.json")))
	if _, stderr, code = tool(t, args...); code != 0 || !strings.Contains(stderr, "1 stored, 3 known already, 0 refused") {
		t.Fatalf("again: exit %d, %q", code, stderr)
	}
	if _, err := os.Stat(report); !os.IsNotExist(err) {
		t.Error("the file of an earlier import is still there", err)
	}

	sv := s.start(t)
	one := write(t, dir, "hospital.json", sample(t, "boris/02-kind-ziekenhuis.json"))
	if _, stderr, code = tool(t, "import", "--store", s.store(), "--errors", report, one, dir); code != 0 || !strings.Contains(stderr, "1 stored, 5 known already") {
		t.Fatalf("through the server: exit %d, %q", code, stderr)
	}
	r, plans := sv.login(t, "homecare", "").get(t, "/fhir/CarePlan?_summary=count&status=active&uitvoerder-soort=ouder")
	if total, _ := plans["total"].(float64); r.status != http.StatusOK || total == 0 {
		t.Errorf("what parents do by the plan: %d %v", r.status, plans)
	}
}

// refusedIn reads an error file: line, rule and place of the first issue, by file.
func refusedIn(t *testing.T, report string) map[string]string {
	t.Helper()
	out := map[string]string{}
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		var r struct {
			File   string
			Line   int
			Issues []struct{ Rule, Expression, Text string }
		}
		if err := json.Unmarshal(line, &r); err != nil || len(r.Issues) == 0 || r.Issues[0].Text == "" {
			t.Fatal(err, string(line))
		}
		out[r.File] = fmt.Sprintf("%d %s %s", r.Line, r.Issues[0].Rule, r.Issues[0].Expression)
	}
	return out
}

// TestImportOfBundlesNeedsTheirSender, and takes them when it is named.
func TestImportOfBundlesNeedsTheirSender(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := t.TempDir()
	file := write(t, dir, "bundle.json", []byte(`[{"resourceType":"Bundle","type":"transaction","identifier":{"system":"urn:test","value":"1"},"entry":[`+
		`{"fullUrl":"urn:uuid:7b2f4cc4-51a4-4a5c-9c63-1f5f0a3f7a10","resource":{"resourceType":"Patient","name":[{"family":"XXX_Import"}]},"request":{"method":"POST","url":"Patient"}}]}]`))
	report := filepath.Join(dir, "refused.ndjson")
	if _, stderr, code := tool(t, "import", "--store", s.store(), "--errors", report, file); code != 1 || !strings.Contains(stderr, "1 refused") {
		t.Errorf("without: exit %d, %s", code, stderr)
	}
	if b, err := os.ReadFile(report); err != nil || !bytes.Contains(b, []byte("import-org")) {
		t.Errorf("%s %v", b, err)
	}
	for _, want := range []string{"1 stored", "1 known already"} {
		if _, stderr, code := tool(t, "import", "--store", s.store(), "--errors", report, "--org", "90000002", file); code != 0 || !strings.Contains(stderr, want) {
			t.Errorf("exit %d, %s", code, stderr)
		}
	}
	for _, args := range [][]string{{}, {t.TempDir()}, {filepath.Join(dir, "none")}, {"--workers", "65", file}} {
		if _, stderr, code := tool(t, append([]string{"import", "--store", s.store()}, args...)...); code != 2 || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, %q", args, code, stderr)
		}
	}
}

// TestImportGathersTheResourcesOfABulkExport: lines of several files become one record for each child, with the
// organisations and staff that they name; what belongs to no child is refused, and a mended line taken.
func TestImportGathersTheResourcesOfABulkExport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := t.TempDir()
	const base = "https://ehr.example/r4"
	patients := `{"resourceType":"Patient","id":"1","name":[{"family":"XXX_Een"}],"generalPractitioner":[{"reference":"Organization/gp"}]}
{"resourceType":"Patient","id":"2","name":[{"family":"XXX_Twee"}]}
`
	conditions := func(second string) []byte {
		return []byte(`{"resourceType":"Condition","id":"a","subject":{"reference":"Patient/1"},"code":{"text":"Astma"},"asserter":{"reference":"` + base + `/Practitioner/p"}}
{"resourceType":"Condition","id":"b","subject":{"reference":"Patient/` + second + `"},"code":{"text":"Eczeem"}}
`)
	}
	file := write(t, dir, "Condition.ndjson", conditions("9"))
	write(t, dir, "Organization.ndjson", []byte(`{"resourceType":"Organization","id":"gp","name":"Huisartspraktijk Test"}`))
	write(t, dir, "Patient.ndjson", []byte(patients))
	write(t, dir, "Practitioner.ndjson", []byte(`{"resourceType":"Practitioner","id":"p","name":[{"family":"XXX_Arts"}]}`))
	write(t, dir, "Provenance.ndjson", []byte(`{"resourceType":"Provenance","id":"v","target":[{"reference":"Condition/a"}],"recorded":"2026-11-01T10:00:00Z","agent":[{"who":{"reference":"Practitioner/p"}}]}`))
	log := write(t, dir, "AuditEvent.ndjson", []byte(`{"resourceType":"AuditEvent","id":"x"}`))
	report := filepath.Join(s.dir, "refused.ndjson")
	args := []string{"import", "--store", s.store(), "--errors", report, "--org", "90000002", "--base", base + "/", dir}
	if _, stderr, code := tool(t, args...); code != 1 || !strings.Contains(stderr, "2 stored, 0 known already, 2 refused") {
		t.Fatalf("exit %d, %q", code, stderr)
	}
	if refused := refusedIn(t, report); refused[file] != "2 import-child " || refused[log] != "1 import-resource " {
		t.Errorf("%v", refused)
	}
	write(t, dir, "Condition.ndjson", conditions("2"))
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 stored, 1 known already, 0 refused", "0 stored, 2 known already, 0 refused"} {
		if _, stderr, code := tool(t, args...); code != 0 || !strings.Contains(stderr, want) {
			t.Fatalf("exit %d, %q, want %s", code, stderr, want)
		}
	}
	hospital := s.start(t).login(t, "hospital", "")
	for search, want := range map[string]float64{
		"Condition?patient.family=XXX_Een&asserter.family=XXX_Arts": 1, "Condition?patient.family=XXX_Twee": 1, "Patient?family=XXX_": 2,
		"Patient?general-practitioner.name=Huisartspraktijk": 1, "Provenance?target:Condition.code:text=Astma&recorded=2026-11-01": 1,
	} {
		r, found := hospital.get(t, "/fhir/"+search+"&_summary=count")
		if got, _ := found["total"].(float64); r.status != http.StatusOK || got != want {
			t.Errorf("%s: %d %v", search, r.status, found)
		}
	}
}

// TestImportKeepsTheOrderOfOneChild: two systems send about the same child, and the first is its custodian however
// many work beside one another.
func TestImportKeepsTheOrderOfOneChild(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := t.TempDir()
	for _, name := range []string{"01-kind.json", "02-kind-ziekenhuis.json", "06-zorgplan-v2.json", "07-zorgplan-v3.json"} {
		write(t, dir, "boris-"+name, sample(t, "boris/"+name))
	}
	write(t, dir, "sanne-01-kind.json", sample(t, "sanne/01-kind.json"))
	write(t, dir, "sanne-02-zorgplan.json", sample(t, "sanne/04-zorgplan.json"))
	if _, stderr, code := tool(t, "import", "--store", s.store(), "--errors", filepath.Join(s.dir, "refused"), "--workers", "8", dir); code != 0 || !strings.Contains(stderr, "6 stored") {
		t.Fatalf("exit %d, %q", code, stderr)
	}
	r, plans := s.start(t).login(t, "homecare", "").get(t, "/fhir/CarePlan?_summary=count&status=active&category=zorgplan")
	if total, _ := plans["total"].(float64); r.status != http.StatusOK || total != 2 {
		t.Errorf("plans in force: %d %v", r.status, plans)
	}
}

// TestImportTakesPlansAsTheyStand: a plan may come in at any step of its life, from the unit that answers for
// it.
func TestImportTakesPlansAsTheyStand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	report := filepath.Join(s.dir, "refused.ndjson")
	folder := "../../testdata/samordningsplan/valid"
	for _, want := range []string{"3 stored, 0 known already, 0 refused", "0 stored, 3 known already, 0 refused"} {
		if _, stderr, code := tool(t, "import", "--store", s.store(), "--errors", report, folder); code != 0 || !strings.Contains(stderr, want) {
			t.Errorf("exit %d, %q", code, stderr)
		}
	}
	bad := write(t, t.TempDir(), "plan.json", []byte(`{"schema":"samordningsplan/1","ansvar":{"vardenhetHsaId":"SE1"}}`))
	if _, _, code := tool(t, "import", "--store", s.store(), "--errors", report, bad); code != 1 {
		t.Errorf("exit %d", code)
	}
	if refused := refusedIn(t, report); refused[bad] != "0 SP-S07 /ansvar/vardenhetHsaId" {
		t.Errorf("%v", refused)
	}
}
