package rest_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/rest"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
	"github.com/drieluik/drieluik/testdata"
)

func askApp(method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	rest.App("some-app").ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

func TestParentsPageRunsNothingButItsOwnFiles(t *testing.T) {
	index := askApp("GET", "/app/")
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := index.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	policy := strings.Split(index.Header().Get("Content-Security-Policy"), "; ")
	want := []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"}
	if diff := cmp.Diff(want, policy); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

// appReference finds what a file of the page loads.
var appReference = regexp.MustCompile(`(?:from |import |src=|href=|url\()["']([^"'#]+)["']`)

func TestEveryFileOfTheParentsPageIsThereAndKeptForLong(t *testing.T) {
	seen := map[string]bool{}
	todo := []string{"/app/"}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if seen[name] || strings.HasPrefix(name, "/auth/") || strings.HasPrefix(name, "tel:") {
			continue
		}
		seen[name] = true
		w := askApp("GET", name)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", name, w.Code)
		}
		if cache := w.Header().Get("Cache-Control"); name != "/app/" && !strings.Contains(cache, "immutable") {
			t.Errorf("%s: Cache-Control %q", name, cache)
		}
		for _, m := range appReference.FindAllStringSubmatch(w.Body.String(), -1) {
			if strings.Contains(m[1], ":") || strings.HasPrefix(m[1], "/") {
				todo = append(todo, m[1])
				continue
			}
			todo = append(todo, path.Join(path.Dir(name+"x"), m[1]))
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d files were found: %v", len(seen), seen)
	}
}

func TestParentsPageHasNothingInlineAndNothingFromElsewhere(t *testing.T) {
	index, err := os.ReadFile("app/index.html")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+=|javascript:|<script[^>]*>[^<]`).Find(index); m != nil {
		t.Errorf("index.html has %q", m)
	}
	files, err := filepath.Glob("app/*")
	if err != nil {
		t.Fatal(err)
	}
	outside := regexp.MustCompile(`(?:https?:)?//[a-z0-9-]+\.[a-z0-9.-]+|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage`)
	allowed := map[string]bool{"https://drieluik.example": true, "http://www.w3.org": true} // names, never fetched
	for _, f := range files {
		if strings.HasSuffix(f, ".test.mjs") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range outside.FindAllString(string(b), -1) {
			if !allowed[m] {
				t.Errorf("%s has %q", f, m)
			}
		}
	}
}

func TestParentsPageIsToldItsClientAndTheFHIRBase(t *testing.T) {
	w := askApp("GET", "/app/config.json")
	var got map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"client_id": "some-app", "fhir": "../fhir"}, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("config.json may be kept")
	}
}

func TestParentsPageAnswersNothingElse(t *testing.T) {
	for _, c := range []struct {
		name, method, target string
		status               int
		header, value        string
	}{
		{"without the slash", "GET", "/app", 308, "Location", "/app/"},
		{"an answer of a login sent to the address without the slash", "GET", "/app?code=secret", 308, "Location", "/app/"},
		{"a method that writes", "POST", "/app/", 405, "Allow", "GET, HEAD"},
		{"an unknown file", "GET", "/app/x.js", 404, "", ""},
		{"the template itself", "GET", "/app/index.html", 404, "", ""},
		{"a way out of the folder", "GET", "/app/../fhir/metadata", 404, "", ""},
		{"a test", "GET", "/app/plan.test.mjs", 404, "", ""},
		{"HEAD", "HEAD", "/app/", 200, "Content-Type", "text/html; charset=utf-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := askApp(c.method, c.target)
			if w.Code != c.status || c.header != "" && w.Header().Get(c.header) != c.value {
				t.Errorf("%d with %v, want %d with %s %q", w.Code, w.Header(), c.status, c.header, c.value)
			}
		})
	}
}

// TestPlanInWords runs the tests of the page's modules on the sample child as the mapping makes him.
func TestPlanInWords(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node 20 or later is needed to test the parents' page; put it on PATH")
	}
	sample := filepath.Join(t.TempDir(), "sample.json")
	if err := os.WriteFile(sample, sampleChild(t), 0o600); err != nil {
		t.Fatal(err)
	}
	// The modules have no package.json of their own: a copy beside one says that they are modules.
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("app")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"type":"module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.Command(node, "--test", "plan.test.mjs", "fhir.test.mjs", "log.test.mjs")
	run.Dir, run.Env = dir, append(os.Environ(), "DRIELUIK_APP_SAMPLE="+sample, "TZ=Europe/Amsterdam")
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// sampleChild returns the resources of boris' record, plan, draft and transfer as a JSON array.
func sampleChild(t *testing.T) []byte {
	t.Helper()
	var docs [][]byte
	for _, name := range []string{"01-kind", "02-kind-ziekenhuis", "07-zorgplan-v3", "08-zorgplan-v4-concept", "11-overdracht-ziekenhuis-naar-huis"} {
		b, err := testdata.Records.ReadFile("mks/boris/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, b)
	}
	now := func() time.Time { return time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC) }
	service := exchange.New(exchange.Config{Formats: []mapping.Format{mks.Format{}}, Now: now, Log: slog.New(slog.DiscardHandler)})
	out, err := service.Convert(docs, fhir.Limits{Bytes: maxBody})
	if err != nil {
		t.Fatal(err)
	}
	var bundle struct {
		Entry []struct{ Resource json.RawMessage }
	}
	if err := json.Unmarshal(out.Bundle, &bundle); err != nil {
		t.Fatal(err)
	}
	var resources []json.RawMessage
	for _, e := range bundle.Entry {
		resources = append(resources, e.Resource)
	}
	b, err := json.Marshal(resources)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
