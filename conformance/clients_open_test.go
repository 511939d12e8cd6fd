package conformance_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// elsewhere are providers at which nobody answers.
const elsewhere = `[{"id":"burger","name":{"nl":"Burger-id","sv":"Medborgar-id","en":"Citizen id"},"issuer":"http://127.0.0.1:1",
	"clientId":"drieluik","clientSecretFile":"secret"},
	{"id":"werk","name":{"nl":"Werk-pas","sv":"Tjänste-id","en":"Staff pass"},"issuer":"http://127.0.0.1:1/werk","clientId":"drieluik","clientSecretFile":"secret"}]`

var readyLine = regexp.MustCompile(`"base":"(http://[^"]+)/fhir"`)

// startOpen starts a second server on a store of its own, where apps register themselves and people log in
// elsewhere, and adds what the flows need of it.
func (d *demo) startOpen(t *testing.T, config map[string]string) {
	t.Helper()
	store := "sqlite:" + filepath.Join(filepath.Dir(d.dir), "open")
	file := filepath.Join(filepath.Dir(d.dir), "upstream.json")
	for name, content := range map[string]string{file: elsewhere, filepath.Join(filepath.Dir(file), "secret"): "geheim"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config["initial"] = d.run(t, "client", "token", "--store", store, "--scope", "launch/patient patient/Patient.r system/Patient.r",
		"--uses", "20", "--ttl", "1h", "--org", "90000001")
	cmd := exec.Command(d.binary, "serve", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--store", store, "--register", "--upstream", file)
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	lines, read := bufio.NewScanner(errs), make(chan struct{})
	for config["openBase"] == "" && lines.Scan() {
		log.WriteString(lines.Text() + "\n")
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			config["openBase"] = m[1]
		}
	}
	go func() {
		defer close(read)
		for lines.Scan() {
			log.WriteString(lines.Text() + "\n")
		}
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		<-read
		stopped(t, cmd, &log)
	})
	if config["openBase"] == "" {
		t.Fatalf("the second server did not start: %s", &log)
	}
}

// everyPageIsSeen: axe-core judges each template of the pages in each language. It is part of the run of
// the flows, which tells what was seen.
func everyPageIsSeen(t *testing.T, seen []string) {
	t.Helper()
	files, err := filepath.Glob("../auth/smart/pages/*.html")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d templates, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".html")
		for _, lang := range []string{"nl", "sv", "en"} {
			if name != "layout" && !slices.Contains(seen, name+" "+lang) {
				t.Errorf("no flow lets axe-core judge the page %s in %s; see look in clients/flows/screens.mjs", name, lang)
			}
		}
	}
}
