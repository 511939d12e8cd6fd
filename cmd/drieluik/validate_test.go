package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const proefPackage = "../../testdata/broken/package"

// resourceFile writes a file for a command and returns its name.
func resourceFile(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// wholeText is a narrative, so that nothing is to be said of a resource.
const wholeText = `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">A</div>"}`

func TestValidatePrintsALinePerIssue(t *testing.T) {
	t.Parallel()
	faulty := resourceFile(t, "p.json", `{"resourceType":"Patient","gender":"jongen","name":[{"given":"A"}]}`)
	whole := resourceFile(t, "w.json", `{"resourceType":"Patient",`+wholeText+`}`)
	out, stderr, code := tool(t, "validate", faulty, whole)
	want := []string{
		faulty + ":Patient.gender: error: Use a code that R4 allows here: female, male, other, unknown. [FHIR-CODE-REQUIRED]",
		faulty + ":Patient.name[0].given: error: This element repeats; give an array, also for a single value. [FHIR-TYPE]",
		faulty + ":Patient: warning: A resource should have a narrative for people to read; add text with status and div. [dom-6]",
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(out), "\n")); code != 1 || diff != "" || !strings.Contains(stderr, "1 of 2 have errors") {
		t.Errorf("exit %d, stderr %q: %s", code, stderr, diff)
	}
	if out, stderr, code = tool(t, "validate", whole); code != 0 || out != "" || stderr != "" {
		t.Errorf("a whole resource: exit %d, %q %q", code, out, stderr)
	}
}

func TestValidateKnowsPackagesProfilesAndQuestionnaires(t *testing.T) {
	t.Parallel()
	child := resourceFile(t, "p.json", `{"resourceType":"Patient",`+wholeText+`,"name":[{"use":"official","family":"A"}],"identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999990019"}]}`)
	answers := resourceFile(t, "q.json", `{"resourceType":"QuestionnaireResponse",`+wholeText+`,"questionnaire":"https://voorbeeld.example/fhir/Questionnaire/vragen","status":"in-progress","item":[{"linkId":"nee"}]}`)
	const profile = "https://voorbeeld.example/fhir/StructureDefinition/kind"
	out, _, code := tool(t, "validate", "--package", proefPackage, "--profile", profile, child)
	if code != 1 || out != child+":Patient.birthDate: error: The profile kind needs birthDate; add it. [FHIR-PROFILE-MIN]\n" {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, _, code = tool(t, "validate", "--package", proefPackage, "--must-support", child); code != 0 || out != "" {
		t.Errorf("without the profile: exit %d: %s", code, out)
	}
	if out, _, code = tool(t, "validate", "--package", proefPackage, answers); code != 1 || !strings.Contains(out, "FHIR-QR-LINK") {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestValidateReadsLinesAndGivesOutcomes(t *testing.T) {
	t.Parallel()
	lines := resourceFile(t, "all.ndjson", `{"resourceType":"Patient",`+wholeText+`}`+"\n\n"+`{"resourceType":"Patient",`+wholeText+`,"active":"ja"}`+"\n")
	out, _, code := tool(t, "validate", lines)
	if code != 1 || !strings.HasPrefix(out, lines+":3:Patient.active: error: ") || strings.Count(out, "\n") != 1 {
		t.Errorf("exit %d: %s", code, out)
	}
	out, _, code = tool(t, "validate", "--output", "json", lines)
	var severities []string
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var o struct {
			ResourceType string
			Issue        []struct{ Severity string }
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil || o.ResourceType != "OperationOutcome" || len(o.Issue) != 1 {
			t.Fatalf("%v: %s", err, line)
		}
		severities = append(severities, o.Issue[0].Severity)
	}
	if diff := cmp.Diff([]string{"information", "error"}, severities); code != 1 || diff != "" {
		t.Errorf("exit %d: %s", code, diff)
	}
}

func TestValidateTakesSourceDocumentsInTheirOrder(t *testing.T) {
	t.Parallel()
	child, plan := "../../testdata/mks/boris/01-kind.json", "../../testdata/mks/boris/06-zorgplan-v2.json"
	out, stderr, code := tool(t, "validate", "--package", "../../conformance/artifacts", child, plan)
	if code != 0 || strings.Contains(out, "MKS-REF-01") {
		t.Errorf("exit %d: %s%s", code, out, stderr)
	}
	if out, _, _ = tool(t, "validate", plan); !strings.Contains(out, plan+":/vastgelegdDoor: warning: ") {
		t.Errorf("a plan of no child: %s", out)
	}
	broken := "../../testdata/mks/invalid/01-bsn-elfproef.json"
	if out, _, code = tool(t, "validate", broken); code != 1 || !strings.Contains(out, broken+":/kind/bsn: error: ") {
		t.Errorf("exit %d: %s", code, out)
	}
}

// TestValidateTellsOfCodesThatALoadedSystemLacks: with the package of a code system, of a source document too.
func TestValidateTellsOfCodesThatALoadedSystemLacks(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	system := `{"resourceType":"CodeSystem","id":"icf","url":"http://hl7.org/fhir/sid/icf-nl","status":"active","content":"complete","concept":[{"code":"b140"}]}`
	if err := os.WriteFile(filepath.Join(folder, "CodeSystem-icf.json"), []byte(system), 0o600); err != nil {
		t.Fatal(err)
	}
	child, plan := "../../testdata/mks/boris/01-kind.json", "../../testdata/mks/boris/07-zorgplan-v3.json"
	want := ":/inhoud/doelen/0/statusNaam/icf: warning: "
	out, stderr, code := tool(t, "validate", "--package", "../../conformance/artifacts", "--package", folder, child, plan)
	if code != 0 || !strings.Contains(out, want) {
		t.Errorf("exit %d: %s%s", code, out, stderr)
	}
	if out, _, _ = tool(t, "validate", "--package", "../../conformance/artifacts", child, plan); strings.Contains(out, want) {
		t.Errorf("a system that is not loaded: %s", out)
	}
}

func TestValidateSaysWhatIsWrongWithTheCall(t *testing.T) {
	t.Parallel()
	whole := resourceFile(t, "w.json", `{"resourceType":"Patient",`+wholeText+`}`)
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no file", nil, 2, "expected"},
		{"another output", []string{"--output", "xml", whole}, 2, "--output"},
		{"a profile that is not loaded", []string{"--profile", "http://e.org/p", whole}, 2, "--package"},
		{"a package that is not there", []string{"--package", "nope", whole}, 1, "package nope: cannot be read"},
		{"a file that is not there", []string{"nope.json"}, 1, "cannot read nope.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, stderr, code := tool(t, append([]string{"validate"}, c.args...)...)
			if code != c.code || out != "" || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit %d, stdout %q, stderr %q", code, out, stderr)
			}
		})
	}
	if out, _, code := tool(t, "validate", "--help"); code != 0 || !strings.Contains(out, "Examples:") {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestServeHoldsWritesAgainstTheProfilesOfItsPackages(t *testing.T) {
	t.Parallel()
	config := resourceFile(t, "drieluik.yaml", "package:\n- "+proefPackage+"\n")
	c := newSite(t).start(t, "--config", config).login(t, "homecare", "")
	child := `{"resourceType":"Patient","name":[{"use":"official","family":"XXX_Proef"}],"meta":{"profile":["https://voorbeeld.example/fhir/StructureDefinition/kind"]}}`
	r, err := c.do("POST", "/fhir/Patient", "application/fhir+json", []byte(child))
	if err != nil || r.status != 422 || strings.Count(string(r.body), "FHIR-PROFILE-MIN") != 3 {
		t.Errorf("%v %d %s", err, r.status, r.body)
	}
	c = newSite(t).start(t, "--config", config, "--validate", "base,own").login(t, "homecare", "")
	if r, err = c.do("POST", "/fhir/Patient", "application/fhir+json", []byte(child)); err != nil || r.status != 201 {
		t.Errorf("without the claimed profiles: %v %d %s", err, r.status, r.body)
	}
	_, stderr, code := tool(t, "serve", "--check", "--validate", "claimed")
	if code != 2 || !strings.Contains(stderr, "base is always checked") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	out, _, code := tool(t, "serve", "--check", "--config", config)
	if code != 0 || !strings.Contains(out, filepath.Base(proefPackage)) {
		t.Errorf("exit %d: %s", code, out)
	}
	_, stderr, code = tool(t, "serve", "--listen", "127.0.0.1:0", "--package", "nope")
	if code != 1 || !strings.Contains(stderr, "package nope: cannot be read") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
