package guide_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/rest/guide"
)

var site = sync.OnceValues(guide.New)

// get asks the site; header holds names and values in turn.
func get(t *testing.T, address string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	g, err := site()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, address, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

var (
	links  = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	labels = regexp.MustCompile(`aria-labelledby="([^"]*)"`)
)

// TestEveryLinkWorks walks the site in each language from its front page: every address answers, every
// artefact is reached, and a page says in which language it is.
func TestEveryLinkWorks(t *testing.T) {
	t.Parallel()
	all, err := artifacts.All()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{"/ig/": true, "/ig/?lang=sv": true, "/ig/?lang=en": true}
	kinds := map[string]bool{} // folder and language that were visited: in another language one page of a type will do
	queue := []string{"/ig/", "/ig/?lang=sv", "/ig/?lang=en"}
	for len(queue) > 0 {
		address := queue[0]
		queue = queue[1:]
		w := get(t, address)
		body := w.Body.String()
		if w.Code != http.StatusOK || len(body) == 0 {
			t.Errorf("%s: %d", address, w.Code)
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			continue
		}
		soundPage(t, address, body)
		for _, m := range links.FindAllStringSubmatch(body, -1) {
			to := html.UnescapeString(m[1])
			if strings.HasPrefix(to, "#") {
				continue
			}
			if !strings.HasPrefix(to, "/ig/") {
				t.Errorf("%s leads away, to %s", address, to)
			}
			kind := path.Dir(to) + to[strings.LastIndex(to, "?")+1:]
			if again := strings.Contains(to, "?lang=") && kinds[kind]; !seen[to] && !again {
				queue = append(queue, to)
			}
			seen[to], kinds[kind] = true, true
		}
	}
	for _, r := range all {
		page := "/ig/" + r.Ref().String()
		if !seen[page] || !seen[page+".json"] || !seen[page+"?lang=sv"] {
			t.Errorf("no link leads to %s", page)
		}
	}
}

// soundPage holds that a page is in the language of its address, with one heading, no script, and labels
// that are there.
func soundPage(t *testing.T, address, body string) {
	t.Helper()
	_, lang, asked := strings.Cut(address, "?lang=")
	if !asked {
		lang = "nl"
	}
	if !strings.Contains(body, `<html lang="`+lang+`">`) || strings.Count(body, "<h1") != 1 || strings.Contains(body, "<script") {
		t.Errorf("%s: language, heading or script", address)
	}
	for _, m := range labels.FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, `id="`+m[1]+`"`) {
			t.Errorf("%s: nothing has the id %s", address, m[1])
		}
	}
}

// TestAnArtefactIsServedAsItIs: as JSON by its address, or by what a program accepts; the schema and the
// package too. A copy that is still right is not sent again.
func TestAnArtefactIsServedAsItIs(t *testing.T) {
	t.Parallel()
	const page = "/ig/StructureDefinition/mks-zorgplan"
	for _, w := range []*httptest.ResponseRecorder{get(t, page+".json"), get(t, page, "Accept", "application/fhir+json")} {
		r, issues := fhir.Parse(w.Body.Bytes(), fhir.Limits{})
		if fhir.HasErrors(issues) || r.Root().Member("url").Text() != fhir.Canonical+"/StructureDefinition/mks-zorgplan" {
			t.Errorf("%d %s", w.Code, w.Header().Get("Content-Type"))
		}
	}
	for _, accept := range []string{"application/fhir+json", "text/html"} { // a cache between must not give a browser what a program asked for
		if vary := get(t, page, "Accept", accept).Header().Get("Vary"); !strings.Contains(vary, "Accept,") {
			t.Errorf("%s: Vary %q", accept, vary)
		}
	}
	if w := get(t, "/ig/mks-bron-1.schema.json"); !json.Valid(w.Body.Bytes()) || w.Header().Get("Content-Type") != "application/schema+json" {
		t.Errorf("the schema: %d %s", w.Code, w.Header().Get("Content-Type"))
	}
	w := get(t, "/ig/package.tgz")
	if again := get(t, "/ig/package.tgz", "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("the package again: %d", again.Code)
	}
}

func TestPagesSpeakTheLanguageOfTheReader(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "nl", "sv-SE,sv;q=0.9,en;q=0.8": "sv", "de, en;q=0.5, nl;q=0.4": "en", "fr": "nl", "en;q=0, sv;q=x": "nl", ";;,,": "nl",
	} {
		if body := get(t, "/ig/", "Accept-Language", header).Body.String(); !strings.Contains(body, `<html lang="`+want+`">`) {
			t.Errorf("%q is not answered in %s", header, want)
		}
	}
	body := get(t, "/ig/Questionnaire/mks-verwijsboom?lang=en").Body.String()
	for _, want := range []string{"Referral tree (phase 1)", `lang="sv">Behövs anpassade transporter?`, `lang="nl">Is aangepast vervoer nodig?`, "required"} {
		if !strings.Contains(body, want) {
			t.Errorf("the questionnaire does not say %q", want)
		}
	}
	for lang, want := range map[string]string{
		"nl": `lang="nl">Dossier afgeschermd van deze persoon`, "sv": `lang="sv">Journalen är spärrad för denna person`, "en": `lang="en">File sealed from this person`,
	} {
		for _, page := range []string{"/ig/", "/ig/StructureDefinition/afscherming"} {
			if body := get(t, page+"?lang="+lang).Body.String(); !strings.Contains(body, want) {
				t.Errorf("%s does not say %q", page, want)
			}
		}
	}
}

func TestPagesShowWhatTheArtefactsSay(t *testing.T) {
	t.Parallel()
	for page, want := range map[string][]string{
		"StructureDefinition/mks-zorgplan":            {"<code>category</code>", "2..", `<code>CarePlan</code>`},
		"StructureDefinition/bron-record":             {"<code>extension:recordType.value[x]</code>", "Composition"},
		"CodeSystem/behoefte-niveau":                  {"Volledige overname", "Wholly taken over"},
		"ValueSet/behoefte-niveau":                    {`href="/ig/CodeSystem/behoefte-niveau"`, "alle codes"},
		"ConceptMap/mks-naar-zorgleefplan":            {"Alleen spel, opvang en onderwijs.", "inexact", "wonen-leven"},
		"OperationDefinition/submit":                  {"mapping report", "return"},
		"ImplementationGuide/mks":                     {`href="/ig/Questionnaire/mks-hulpbehoeftescan"`},
		"Consent/c1-ouder-lt12":                       {"&#34;patient-privacy&#34;"},
		"StructureDefinition/mks-beslisboom-antwoord": {`href="/ig/Questionnaire/mks-beslisboom"`},
		"pull":           {"Pull, and be told of changes", "mkfifo told", `<h2>3. Be told of changes</h2>`},
		"coordinate":     {"Coordinate the care of a child", "X-Coordination-Ack", `<h2>6. Talk, and go on</h2>`},
		"first-transfer": {"Send your first transfer", "drieluik client assertion", `<h2>1. Start a server</h2>`},
	} {
		body := get(t, "/ig/"+page).Body.String()
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s does not say %q", page, text)
			}
		}
	}
}

// TestCanonicalsOpenInABrowser: the address that an artefact carries leads people to its page, and nobody
// else anywhere.
func TestCanonicalsOpenInABrowser(t *testing.T) {
	t.Parallel()
	h := guide.NewSite().Canonicals(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	const browser = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, c := range []struct {
		method, path, accept, token string
		status                      int
	}{
		{"GET", "/fhir/StructureDefinition/gezag", browser, "", http.StatusSeeOther},
		{"GET", "/fhir/StructureDefinition/gezag", "application/fhir+json", "", http.StatusTeapot},
		{"GET", "/fhir/StructureDefinition/gezag", browser, "Bearer x", http.StatusTeapot},
		{"GET", "/fhir/StructureDefinition/other", browser, "", http.StatusTeapot},
		{"PUT", "/fhir/StructureDefinition/gezag", browser, "", http.StatusTeapot},
		{"GET", "/fhir/Patient/x", browser, "", http.StatusTeapot},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("Accept", c.accept)
		if c.token != "" {
			r.Header.Set("Authorization", c.token)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

func TestOddRequestsAreAnsweredPlainly(t *testing.T) {
	t.Parallel()
	for path, status := range map[string]int{
		"/ig": http.StatusPermanentRedirect, "/ig/none": 404, "/ig/StructureDefinition/../../etc": 404, "/ig/?lang=%3Cscript%3E": 200,
		"/ig/StructureDefinition/%22%3E": 404, "/ig/" + strings.Repeat("a", 5000): 404,
	} {
		w := get(t, path)
		if w.Code != status || strings.Contains(w.Body.String(), "<script") || strings.Contains(w.Body.String(), "aaaa") {
			t.Errorf("%.60s: %d", path, w.Code)
		}
		if status != http.StatusPermanentRedirect && !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%.60s has no policy", path)
		}
	}
	g, err := site()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ig/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d", w.Code)
	}
}
