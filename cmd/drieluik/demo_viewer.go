package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
)

// viewerClient is the client id of the app that the demo's home-care system starts at a child.
const viewerClient = "demo-viewer"

// Addresses of the viewer, and what it asks for.
const (
	viewerPath   = "/demo/viewer/"
	viewerStart  = viewerPath + "launch"
	viewerCookie = "drieluik_demo_viewer"
	viewerScope  = "launch openid fhirUser patient/Patient.r patient/CarePlan.rs"
	viewerMax    = 100 // launches in progress
	viewerWait   = 10 * time.Minute
)

// viewer is a confidential SMART app on a server, as small as one can be: started by an EHR, it shows
// the care plans of the child that the EHR stands at. It knows nothing of the server it runs in.
type viewer struct {
	base   string
	secret string
	http   *demoCaller

	mu      sync.Mutex
	pending map[string]pendingLaunch // by state
}

type pendingLaunch struct {
	verifier string
	until    time.Time
}

// viewerRegistration is the client record of the viewer. Its secret is kept beside the keys, so that
// --data can be used again.
func (d *demo) viewerRegistration() (smart.Client, error) {
	secret, err := os.ReadFile(d.secretFile())
	if errors.Is(err, os.ErrNotExist) {
		secret = []byte("drs_" + randomText())
		err = os.WriteFile(d.secretFile(), secret, 0o600)
	}
	if err != nil {
		return smart.Client{}, err
	}
	d.app.viewer = &viewer{base: d.base, secret: string(secret), http: d.http, pending: map[string]pendingLaunch{}}
	sum := sha256.Sum256(secret)
	return smart.Client{
		ID: viewerClient, Name: "Inkijk-app (demo)", Type: smart.TypeConfidential, AuthMethod: smart.AuthBasic,
		GrantTypes: []string{smart.GrantCode, smart.GrantRefresh}, RedirectURIs: []string{d.base + viewerPath},
		LaunchURIs: []string{d.base + viewerStart}, SkipConsent: true, SecretHashes: []string{hex.EncodeToString(sum[:])},
		Scope:        viewerScope + " online_access patient/Goal.rs patient/Observation.rs user/Patient.rs user/CarePlan.rs",
		Organization: organizationIdentifier("90000001"), OrganizationName: "Kinderthuiszorg Voorbeeld", Status: smart.StatusActive,
	}, nil
}

func (d *demo) secretFile() string { return filepath.Join(d.dir, viewerClient+".secret") }

// randomText returns 256 random bits as base64url.
func randomText() string {
	var b [32]byte
	rand.Read(b[:]) // crypto/rand.Read never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ServeHTTP answers the two addresses of the viewer.
func (v *viewer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
	switch {
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case r.URL.Path == viewerStart:
		v.start(w, r)
	case r.URL.Path == viewerPath:
		v.arrive(w, r)
	default:
		http.NotFound(w, r)
	}
}

// start is where an EHR sends the browser: on to the login, with the handle of the launch.
func (v *viewer) start(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("iss") != v.base+"/fhir" || q.Get("launch") == "" {
		v.show(w, viewerPage{Problem: "Start this app from the EHR: POST /auth/launch gives the address."})
		return
	}
	state, verifier := randomText(), randomText()
	if !v.keep(state, verifier) {
		v.show(w, viewerPage{Problem: "Too many launches at once. Try again in some minutes."})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: viewerCookie, Value: state, Path: viewerPath, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	challenge := sha256.Sum256([]byte(verifier))
	http.Redirect(w, r, v.base+"/auth/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {viewerClient}, "redirect_uri": {v.base + viewerPath}, "scope": {viewerScope},
		"state": {state}, "aud": {v.base + "/fhir"}, "launch": {q.Get("launch")},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode(), http.StatusFound)
}

// keep notes a launch in progress; false when there are too many.
func (v *viewer) keep(state, verifier string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for s, p := range v.pending {
		if time.Now().After(p.until) {
			delete(v.pending, s)
		}
	}
	if len(v.pending) >= viewerMax {
		return false
	}
	v.pending[state] = pendingLaunch{verifier, time.Now().Add(viewerWait)}
	return true
}

// take ends a launch that this browser began and returns its verifier.
func (v *viewer) take(r *http.Request) (string, bool) {
	state := r.URL.Query().Get("state")
	c, err := r.Cookie(viewerCookie)
	if err != nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(state)) != 1 {
		return "", false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	p, found := v.pending[state]
	delete(v.pending, state)
	return p.verifier, found && time.Now().Before(p.until)
}

// arrive is where the login sends the browser back to.
func (v *viewer) arrive(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	verifier, ours := v.take(r)
	switch {
	case !ours:
		v.show(w, viewerPage{Problem: "This launch was not begun here, or is over. Start the app again."})
	case q.Get("error") != "":
		v.show(w, viewerPage{Problem: "The server said no: " + q.Get("error") + "."})
	default:
		page, err := v.read(r.Context(), q.Get("code"), verifier)
		if err != nil {
			page = viewerPage{Problem: "The data cannot be read now. Start the app again."}
		}
		v.show(w, page)
	}
}

// read redeems the code and reads what the page shows.
func (v *viewer) read(ctx context.Context, code, verifier string) (viewerPage, error) {
	var token struct {
		AccessToken string `json:"access_token"`
		Patient     string `json:"patient"`
		Banner      bool   `json:"need_patient_banner"`
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {v.base + viewerPath}, "code_verifier": {verifier},
	}
	err := v.http.send(ctx, demoRequest{
		method: http.MethodPost, path: "/auth/token", media: "application/x-www-form-urlencoded",
		authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(viewerClient+":"+v.secret)), body: strings.NewReader(form.Encode()),
	}, &token)
	if err != nil {
		return viewerPage{}, err
	}
	get := func(path string, into any) error {
		return v.http.send(ctx, demoRequest{method: http.MethodGet, path: path, authorization: "Bearer " + token.AccessToken}, into)
	}
	var patient struct {
		BirthDate string
		Name      []struct{ Given []string }
	}
	var plans struct {
		Entry []struct {
			Resource struct{ Title, Status string }
		}
	}
	if err := errors.Join(get("/fhir/Patient/"+token.Patient, &patient), get("/fhir/CarePlan?status=active&patient="+token.Patient, &plans)); err != nil {
		return viewerPage{}, err
	}
	page := viewerPage{Banner: token.Banner, Born: patient.BirthDate}
	for _, n := range patient.Name {
		if page.Name == "" && len(n.Given) > 0 {
			page.Name = n.Given[0]
		}
	}
	for _, e := range plans.Entry {
		page.Plans = append(page.Plans, fmt.Sprintf("%s (%s)", e.Resource.Title, e.Resource.Status))
	}
	return page, nil
}

// viewerPage is what the viewer shows.
type viewerPage struct {
	Problem    string
	Banner     bool
	Name, Born string
	Plans      []string
}

var viewerTemplate = template.Must(template.New("viewer").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Viewer (demo)</title>
<main>
<h1>Viewer (demo)</h1>
{{with .Problem}}<p>{{.}}</p>
{{else}}{{if .Banner}}<p><strong>{{.Name}}</strong>, born {{.Born}}</p>
{{end}}<h2>Active care plans</h2>
<ul>
{{range .Plans}}<li>{{.}}</li>
{{else}}<li>none that you may see</li>
{{end}}</ul>
{{end}}</main>
</html>
`))

func (v *viewer) show(w http.ResponseWriter, page viewerPage) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := viewerTemplate.Execute(w, page); err != nil {
		return // the browser has gone
	}
}
