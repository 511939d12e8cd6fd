package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// flowLimit bounds each browser flow (smart.md 7); the scripts end a flow that takes longer.
const flowLimit = 15 * time.Second

// appScope is the most that the apps may ask for.
const appScope = "launch/patient openid fhirUser offline_access patient/Patient.rs patient/CarePlan.rs patient/Goal.rs patient/Observation.rs patient/Condition.rs"

// flows are those that must run, by name; one that disappears from the scripts fails.
var flows = []string{
	"EXT-01 a parent permits an app to read for three months",
	"EXT-02 the app refreshes twice and is stopped",
	"EXT-03 an EHR starts an app at a child",
	"a professional sees what works in their name and stops it",
	"EXT-03 an app opens for nobody but the user of the EHR",
	"EXT-03 an app that is not trusted asks the professional first, in nl",
	"EXT-03 an app that is not trusted asks the professional first, in sv",
	"EXT-03 an app that is not trusted asks the professional first, in en",
	"a professional breaks the glass in nl",
	"a professional breaks the glass in sv",
	"a professional breaks the glass in en",
	"EXT-04 an app asks for one category and gets less than it asked",
	"EXT-05 a parent refuses",
	"EXT-06 fhirclient on a server, with a key of its own",
	"EXT-07 a backend with an ES384 key",
	"EXT-07 a backend with an RS384 key",
	"EXT-08 a confidential app with a secret",
	"EXT-08 a confidential app with private_key_jwt",
	"EXT-09 an app that pushes its request and binds its tokens",
	"EXT-10 @medplum/core as a backend",
	"SMART-721 openid-client registers an app and a backend",
	"the login page with logins elsewhere in nl",
	"the login page with logins elsewhere in sv",
	"the login page with logins elsewhere in en",
	"the pages for developers",
	"a wrong password says so and logs nobody in",
	"an expired page and an expired session",
	"the back button after a refusal",
	"the same page in two tabs: one answer counts",
	"a form that is sent again",
	"a form of another origin, with every field right",
	"the address of a login in another browser",
	"a child that is not theirs",
	"an app that asks wrongly",
	"the keyboard alone",
	"the pages of the login without JavaScript",
	"a parent reads the plan on our own page and stops it",
	"from the page of apps to who looked",
	"SDC @aehrc/sdc-populate prefills as $populate does",
	"every page up to the consent in nl at 320 and 1280 px",
	"every page from the consent on in nl at 320 and 1280 px",
	"every page up to the consent in sv at 320 and 1280 px",
	"every page from the consent on in sv at 320 and 1280 px",
	"every page up to the consent in en at 320 and 1280 px",
	"every page from the consent on in en at 320 and 1280 px",
	"the published pages at 320 and 1280 px",
}

// outcome is what the scripts print for one flow.
type outcome struct {
	Flow   string   `json:"flow"`
	MS     int64    `json:"ms"`
	Error  string   `json:"error"`
	Pages  []string `json:"pages"`
	Looked []string `json:"looked"` // template and language of each page that axe-core judged
}

func TestAppsOfOthersWorkInARealBrowser(t *testing.T) {
	if os.Getenv("DRIELUIK_NO_BROWSER") == "1" {
		t.Skip("DRIELUIK_NO_BROWSER=1: no browser flow ran")
	}
	installed(t)
	d := startDemo(t)
	app := serveApp(t)
	config := map[string]string{
		"limit": strconv.FormatInt(flowLimit.Milliseconds(), 10),
		"base":  d.base, "app": app, "child": d.child, "stranger": d.stranger(t), "shots": os.Getenv("DRIELUIK_SHOTS"),
		"client":  d.addApp(t, "Proef-app", app),
		"trouble": d.addApp(t, "Lastige app", app),
		"binary":  d.binary, "key": d.keyOf("demo-homecare"), "practitioner": d.practitioner, "hidden": d.createHidden(t),
		"viewer": "viewer", "viewerSecret": d.addViewer(t, "viewer", app, "--skip-consent"),
		"acute":  d.addAcute(t, app),
		"asking": "asking", "askingSecret": d.addViewer(t, "asking", app),
	}
	d.addServers(t, config)
	d.startOpen(t, config)
	ran := runFlows(t, config)
	var seen []string
	for _, o := range ran {
		seen = append(seen, o.Looked...)
	}
	if os.Getenv("DRIELUIK_FLOWS") == "" {
		everyPageIsSeen(t, seen)
	}
	for _, name := range flows {
		t.Run(name, func(t *testing.T) {
			o, ok := ran[name]
			switch {
			case !ok && os.Getenv("DRIELUIK_FLOWS") != "":
				t.Skip("DRIELUIK_FLOWS does not name it")
			case !ok:
				t.Fatal("the flow did not run")
			case o.Error != "":
				t.Fatalf("%s\non %s", o.Error, o.Pages)
			}
		})
		delete(ran, name)
	}
	for name := range ran {
		t.Errorf("%q ran but is not in the list", name)
	}
}

// installed fails when a tool is missing: nothing may skip here unseen.
func installed(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"/usr/bin/chromium", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing; run make clients, or set DRIELUIK_NO_BROWSER=1 to leave the browser flows out", tool)
		}
	}
	if _, err := os.Stat("clients/node_modules/.package-lock.json"); err != nil {
		t.Fatal("the clients are not installed; run make clients, or set DRIELUIK_NO_BROWSER=1 to leave the browser flows out")
	}
}

// demo is a running demo of the binary.
type demo struct{ binary, dir, base, child, practitioner string }

var (
	baseLine  = regexp.MustCompile(`FHIR base\s+(http://\S+)/fhir`)
	childLine = regexp.MustCompile(`/fhir/CarePlan\?patient=([0-9a-f-]+)&`)
	lastLine  = regexp.MustCompile(`"user":"(Practitioner/[0-9a-f-]+)"`) // of the launch
)

// startDemo builds the program and waits until its demo has printed all.
func startDemo(t *testing.T) *demo {
	t.Helper()
	dir, err := os.MkdirTemp("", "clients-") // t.TempDir is too long a path for the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	d := &demo{binary: filepath.Join(dir, "drieluik"), dir: filepath.Join(dir, "data")}
	build := exec.Command("go", "build", "-o", d.binary, "./cmd/drieluik")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.Command(d.binary, "demo", "--listen", "127.0.0.1:0", "--data", d.dir)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, cmd, &log) })
	lines := bufio.NewScanner(out)
	for d.practitioner == "" && lines.Scan() {
		if m := lastLine.FindStringSubmatch(lines.Text()); m != nil {
			d.practitioner = m[1]
		}
		if m := baseLine.FindStringSubmatch(lines.Text()); m != nil {
			d.base = m[1]
		}
		if m := childLine.FindStringSubmatch(lines.Text()); m != nil {
			d.child = m[1]
		}
	}
	if d.base == "" || d.child == "" || d.practitioner == "" {
		t.Fatalf("the demo did not start: %v", lines.Err())
	}
	return d
}

// stop ends the demo as Ctrl-C does, and shows its log when a test failed.
func stop(t *testing.T, cmd *exec.Cmd, log *bytes.Buffer) {
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	stopped(t, cmd, log)
}

// stopped waits for the end of a server that was told to stop.
func stopped(t *testing.T, cmd *exec.Cmd, log *bytes.Buffer) {
	if err := cmd.Wait(); err != nil {
		t.Errorf("a server ended badly: %v", err)
	}
	if t.Failed() {
		t.Logf("log of %v:\n%s", cmd.Args[1:2], log)
	}
}

// run runs one command of the program and returns what it printed.
func (d *demo) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(d.binary, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args[:2], " "), err, &errs)
	}
	return strings.TrimSpace(string(out))
}

// addApp registers a public app on another origin.
func (d *demo) addApp(t *testing.T, name, app string) string {
	t.Helper()
	return d.run(t, "client", "add", "--store", "sqlite:"+d.dir, "--name", name, "--type", "public", "--org", "90000001",
		"--redirect-uri", app+"/app.html", "--scope", appScope)
}

// strangerBSN is of a child of the demo none of whose parents has an account.
const strangerBSN = "999930047"

// stranger returns the id of that child.
func (d *demo) stranger(t *testing.T) string {
	t.Helper()
	var found struct {
		Entry []struct{ Resource struct{ ID string } }
	}
	post(t, d.base+"/fhir/Patient/_search", d.token(t, "demo-homecare", "system/*.rs"), url.Values{"identifier": {strangerBSN}}, &found)
	if len(found.Entry) != 1 {
		t.Fatalf("%d children have the number", len(found.Entry))
	}
	return found.Entry[0].Resource.ID
}

func post(t *testing.T, to, token string, form url.Values, into any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), flowLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		t.Fatalf("%s: %s", to, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// serveApp serves the pages of the app on a port of its own, so that CORS is real.
func serveApp(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir("clients/app")))
	mux.HandleFunc("/fhir-client.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "clients/node_modules/fhirclient/build/fhir-client.js")
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

// runFlows runs the scripts and returns the outcome of each flow.
func runFlows(t *testing.T, config map[string]string) map[string]outcome {
	t.Helper()
	in, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(len(flows)+1)*flowLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{"clients/run.mjs"}, strings.FieldsFunc(os.Getenv("DRIELUIK_FLOWS"), func(r rune) bool { return r == ';' })...)...)
	cmd.Stdin = bytes.NewReader(in)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	runErr := cmd.Run()
	ran := map[string]outcome{}
	lines := bufio.NewScanner(&out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o outcome
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Fatalf("not an outcome: %s", lines.Text())
		}
		ran[o.Flow] = o
		t.Logf("%6d ms  %s", o.MS, o.Flow)
	}
	if runErr != nil {
		t.Errorf("node: %v\n%s", runErr, &errs)
	}
	return ran
}
