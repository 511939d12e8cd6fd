package main_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// typed runs the binary with a line on standard input.
func typed(t *testing.T, line string, args ...string) (stdout, stderr string, failed bool) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(line+"\n"), &out, &errs
	err := cmd.Run()
	return out.String(), errs.String(), err != nil
}

// TestAProfessionalHasAnAccountOfOneOrganisation: the operator names it, and nobody else has one.
func TestAProfessionalHasAnAccountOfOneOrganisation(t *testing.T) {
	t.Parallel()
	store := "sqlite:" + filepath.Join(t.TempDir(), "data")
	add := func(login, who string, more ...string) (string, string, bool) {
		args := append([]string{"user", "add", "--store", store, "--login", login, "--fhir-user", who, "--password-stdin"}, more...)
		return typed(t, "correct horse battery", args...)
	}
	if _, stderr, failed := add("nurse", "Practitioner/p1"); !failed || !strings.Contains(stderr, "organisation") {
		t.Errorf("without --org: %q", stderr)
	}
	if _, stderr, failed := add("ouder", "RelatedPerson/r1", "--org", "90000001"); !failed || !strings.Contains(stderr, "Practitioner") {
		t.Errorf("a parent with --org: %q", stderr)
	}
	if out, stderr, failed := add("nurse", "Practitioner/p1", "--org", "90000001", "--org-name", "Kinderthuiszorg Voorbeeld"); failed || strings.TrimSpace(out) != "nurse" {
		t.Fatalf("%q %q", out, stderr)
	}
	list := func() string {
		out, stderr, code := tool(t, "user", "list", "--store", store)
		if code != 0 {
			t.Fatal(stderr)
		}
		return strings.Join(strings.Fields(out), " ")
	}
	if got := list(); !strings.Contains(got, "nurse active Practitioner/p1 http://fhir.nl/fhir/NamingSystem/ura|90000001") {
		t.Errorf("listed: %s", got)
	}
	if _, stderr, code := tool(t, "user", "bind", "--store", store, "nurse", "--fhir-user", "Practitioner/p1", "--org", "90000002"); code != 0 {
		t.Fatal(stderr)
	}
	if got := list(); !strings.Contains(got, "|90000002") || strings.Contains(got, "|90000001") {
		t.Errorf("after bind: %s", got)
	}
}
