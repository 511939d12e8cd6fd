package smart_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
)

const (
	appRedirect = "https://app.example/back"
	appScope    = "launch/patient openid fhirUser offline_access online_access patient/Patient.r patient/CarePlan.rs patient/Observation.rs patient/Task.cruds"
	verifier    = "verifier-verifier-verifier-verifier-verifier"
	parentLogin = "ouder1"
	parentPass  = "geheim-van-ouder-1"
)

var secretFile = []byte("0123456789abcdef0123456789abcdef")

// family is the FHIR side in memory.
type family struct {
	mu       sync.Mutex
	children map[fhir.Ref][]smart.ChildChoice // by fhirUser
	role     auth.Role
	barred   bool
	down     error
	granted  []smart.ConsentGrant
	inactive map[string]bool
	clock    func() time.Time
	hidden   map[string]bool // "role Type/id"
	looked   []smart.Reader
}

func (f *family) ports() *smart.Family {
	return &smart.Family{
		Children: func(_ context.Context, u smart.User) ([]smart.ChildChoice, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return slices.Clone(f.children[u.FHIRUser]), f.down
		},
		Standing: func(context.Context, smart.User, fhir.Ref) (smart.Standing, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return smart.Standing{Role: f.role, Allowed: !f.barred}, f.down
		},
		GrantConsent: func(_ context.Context, g smart.ConsentGrant) (fhir.Ref, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.down != nil {
				return fhir.Ref{}, f.down
			}
			f.granted = append(f.granted, g)
			return fhir.Ref{Type: "Consent", ID: "c" + strconv.Itoa(len(f.granted)), Version: 1}, nil
		},
		ConsentLive: func(_ context.Context, ref fhir.Ref) (bool, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return !f.inactive[ref.ID], f.down
		},
		WithdrawConsent: f.withdraw,
		Consents:        f.consents,
		Look:            f.look,
	}
}

// look shows the patients of hidden to nobody, and encounters of "other" as about another patient.
func (f *family) look(_ context.Context, by smart.Reader, ref, patient fhir.Ref) (smart.Glimpse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looked = append(f.looked, by)
	switch {
	case f.down != nil:
		return smart.Glimpse{}, f.down
	case f.hidden[string(by.Principal.Role)+" "+ref.String()], ref.Type == "Patient" && ref != patient:
		return smart.Glimpse{}, &fhir.Error{Kind: fhir.NotFound, Op: "test"}
	}
	return smart.Glimpse{GivenName: "Boris <b>", BirthYear: 2020}, nil
}

func (f *family) withdraw(_ context.Context, ref fhir.Ref, u smart.User) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, err := strconv.Atoi(strings.TrimPrefix(ref.ID, "c"))
	if err != nil || i < 1 || i > len(f.granted) || f.granted[i-1].User != u {
		return &fhir.Error{Kind: fhir.NotFound, Op: "test"}
	}
	f.inactive[ref.ID] = true
	return f.down
}

func (f *family) consents(_ context.Context, u smart.User) ([]smart.GivenConsent, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []smart.GivenConsent
	for i, g := range f.granted {
		id := "c" + strconv.Itoa(i+1)
		if g.User == u && !f.inactive[id] {
			out = append(out, smart.GivenConsent{
				Consent: fhir.Ref{Type: "Consent", ID: id}, Patient: g.Patient, GivenName: "Boris", ClientID: g.ClientID,
				Scopes: g.Scopes, Since: g.From, Until: g.Until,
			})
		}
	}
	return out, f.down
}

// set changes the facts under the lock.
func (f *family) set(change func(*family)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// world is a bench with the code flow.
type world struct {
	*bench
	family   *family
	users    *smart.Users
	keys     *smart.Keys
	accounts *settings
}

// registerOrganization stores nothing: the id follows from the identifier.
func registerOrganization(_ context.Context, o smart.Organization) (smart.OrganizationRecord, error) {
	return smart.OrganizationRecord{Ref: fhir.Ref{Type: "Organization", ID: "org-" + o.Identifier.Value, Version: 1}}, nil
}

// nurse is a professional of the organisation org-90000001.
const nurse = "nurse"

var nurseRef = fhir.Ref{Type: "Practitioner", ID: "pr1"}

var parentRef = fhir.Ref{Type: "RelatedPerson", ID: "rp1"}

// prepared makes accounts and signing keys once: keys are slow to make.
var prepared = sync.OnceValues(func() (map[string][]byte, error) {
	store := &settings{rows: map[string][]byte{}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	clock := func() time.Time { return time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC) }
	users, err := smart.NewUsers(smart.UsersConfig{Store: store, Clock: clock, Random: rand.Reader, Log: log, RegisterOrganization: registerOrganization})
	if err != nil {
		return nil, err
	}
	users.Cheap()
	for login, b := range map[string]smart.Binding{
		parentLogin: {FHIRUser: parentRef}, "ouder2": {FHIRUser: fhir.Ref{Type: "RelatedPerson", ID: "rp2"}},
		"sanne": {FHIRUser: fhir.Ref{Type: "Patient", ID: "sanne"}},
		nurse:   {FHIRUser: nurseRef, Organization: "urn:ura|90000001"}, "nurse2": {FHIRUser: fhir.Ref{Type: "Practitioner", ID: "pr2"}, Organization: "urn:ura|90000001"},
	} {
		if _, err := users.Add(context.Background(), smart.NewAccount{Login: login, Password: parentPass, Binding: b}); err != nil {
			return nil, err
		}
	}
	keys, err := smart.NewKeys(smart.KeysConfig{Store: store, Secret: secretFile, Clock: clock, Random: rand.Reader, Log: log})
	if err != nil {
		return nil, err
	}
	return store.rows, keys.Prepare(context.Background())
})

func newWorld(t testing.TB, change ...func(*smart.Config)) *world {
	t.Helper()
	rows := map[string][]byte{}
	if _, fuzzing := t.(*testing.F); !fuzzing { // a fuzz target comes no further than the login page
		made, err := prepared()
		check(t, err)
		rows = maps.Clone(made)
	}
	var err error
	w := &world{
		accounts: &settings{rows: rows},
		family: &family{role: auth.Guardian, inactive: map[string]bool{}, hidden: map[string]bool{}, children: map[fhir.Ref][]smart.ChildChoice{
			parentRef: {
				{Patient: fhir.Ref{Type: "Patient", ID: "boris"}, Performer: parentRef, GivenName: "Boris", BirthYear: 2020, Organization: "Kinderthuiszorg Voorbeeld"},
				{Patient: fhir.Ref{Type: "Patient", ID: "anna"}, Performer: parentRef, GivenName: "Anna <b>", BirthYear: 2013, DecidesToo: true},
			},
			{Type: "Patient", ID: "sanne"}: {{Patient: fhir.Ref{Type: "Patient", ID: "sanne"}, Performer: fhir.Ref{Type: "Patient", ID: "sanne"}, GivenName: "Sanne"}},
		}},
	}
	flow := func(c *smart.Config) {
		w.users, err = smart.NewUsers(smart.UsersConfig{Store: w.accounts, Clock: c.Clock, Random: rand.Reader, Log: c.Log, RegisterOrganization: registerOrganization})
		check(t, err)
		w.users.Cheap()
		w.keys, err = smart.NewKeys(smart.KeysConfig{Store: w.accounts, Secret: secretFile, Clock: c.Clock, Random: rand.Reader, Log: c.Log})
		check(t, err)
		w.family.clock = c.Clock
		c.Family, c.Users, c.Keys = w.family.ports(), w.users, w.keys
		c.Served = func() []smart.TypeLetters {
			return []smart.TypeLetters{{Type: "Patient", Letters: "rus"}, {Type: "CarePlan", Letters: "cruds"}, {Type: "Observation", Letters: "rs"}, {Type: "Task", Letters: "cruds"}, {Type: "ActivityDefinition", Letters: "rs"}}
		}
	}
	w.bench = newBench(t, append([]func(*smart.Config){flow}, change...)...)
	w.app("app")
	return w
}

func (w *world) app(id string, change ...func(*smart.Client)) smart.Added {
	c := smart.Client{
		ID: id, Name: "Ouder-app", Type: smart.TypePublic, Scope: appScope, RedirectURIs: []string{appRedirect},
		Organization: "urn:x|1", OrganizationName: "Zorg & Co",
	}
	for _, f := range change {
		f(&c)
	}
	return w.add(c)
}

func challengeOf(v string) string {
	sum := sha256.Sum256([]byte(v))
	return b64(sum[:])
}

// asking is a right authorisation request; pairs change it, "" removes.
func asking(pairs ...string) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {appRedirect}, "state": {"st"}, "aud": {base + "/fhir"},
		"scope": {appScope}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(pairs); i += 2 {
		q.Del(pairs[i])
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// browser keeps cookies and fills forms, as a person without JavaScript would.
type browser struct {
	w    *world
	jar  map[string]string
	page answer
	at   string // path and query of the page
}

func (w *world) browser() *browser { return &browser{w: w, jar: map[string]string{}} }

func (u *browser) send(method, target string, body url.Values, headers ...string) {
	u.w.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", base)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Del(headers[i])
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	for name, value := range u.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	u.page, u.at = u.w.do(r), target
	for _, c := range (&http.Response{Header: u.page.header}).Cookies() {
		u.jar[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(u.jar, c.Name)
		}
	}
	if to := u.page.header.Get("Location"); u.page.status == http.StatusSeeOther && strings.HasPrefix(to, "/") {
		u.send(http.MethodGet, to, nil)
	}
}

func (u *browser) get(target string) { u.w.t.Helper(); u.send(http.MethodGet, target, nil) }

func (u *browser) authorize(pairs ...string) {
	u.w.t.Helper()
	u.get("/auth/authorize?" + asking(pairs...).Encode())
}

var (
	hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	formAction  = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	anchor      = regexp.MustCompile(`<a class="button" href="([^"]*)">`)
)

// fields are the hidden fields of the page's form and the pairs.
func (u *browser) fields(pairs ...string) url.Values {
	f := url.Values{}
	for _, m := range hiddenInput.FindAllStringSubmatch(u.page.body, -1) {
		f.Set(m[1], html.UnescapeString(m[2]))
	}
	for i := 0; i < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return f
}

// submit sends the form of the page.
func (u *browser) submit(pairs ...string) {
	u.w.t.Helper()
	action := formAction.FindStringSubmatch(u.page.body)
	if action == nil {
		u.w.t.Fatalf("no form on %s: %d %s", u.at, u.page.status, u.page.body)
	}
	u.send(http.MethodPost, action[1], u.fields(pairs...))
}

func (u *browser) login(login string) {
	u.w.t.Helper()
	u.submit("login", login, "password", parentPass)
}

// back is the query with which the page, or the redirect, leads to the app.
func (u *browser) back() url.Values {
	u.w.t.Helper()
	to := u.page.header.Get("Location")
	if to == "" {
		m := anchor.FindStringSubmatch(u.page.body)
		if m == nil {
			u.w.t.Fatalf("nothing leads back: %d %s", u.page.status, u.page.body)
		}
		to = html.UnescapeString(m[1])
	}
	parsed, err := url.Parse(to)
	check(u.w.t, err)
	return parsed.Query()
}

// permit goes the whole way and returns the code.
func (u *browser) permit(pairs ...string) string {
	u.w.t.Helper()
	u.authorize(pairs...)
	if strings.HasPrefix(u.at, "/auth/login") {
		u.login(parentLogin)
	}
	u.submit("child", "Patient/boris")
	u.submit("decision", "allow", "group", "child", "group", "plan", "group", "health", "duration", "3m")
	code := u.back().Get("code")
	if code == "" {
		u.w.t.Fatalf("no code: %d %s", u.page.status, u.page.body)
	}
	return code
}

// redeemForm is a right token request of the public app.
func redeemForm(code string, pairs ...string) url.Values {
	f := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {appRedirect},
		"client_id": {"app"}, "code_verifier": {verifier},
	}
	for i := 0; i < len(pairs); i += 2 {
		f.Del(pairs[i])
		if pairs[i+1] != "" {
			f.Set(pairs[i], pairs[i+1])
		}
	}
	return f
}

// tokens are those of a grant for the parent's first child.
func (w *world) tokens(pairs ...string) answer {
	w.t.Helper()
	a := w.post("/auth/token", redeemForm(w.browser().permit(pairs...)))
	if a.status != http.StatusOK {
		w.t.Fatalf("token: %d %s", a.status, a.body)
	}
	return a
}

func (w *world) refresh(token string, pairs ...string) answer {
	f := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return w.post("/auth/token", f)
}

// principal asks what the FHIR endpoint would see.
func (w *world) principal(token string) auth.Principal {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/fhir/Patient", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	p, err := w.server.Authenticate(r)
	check(w.t, err)
	return p
}

func (w *world) wantDead(name, token string) {
	w.t.Helper()
	if p := w.principal(token); p.State != auth.TokenInvalid {
		w.t.Errorf("%s: the token lives", name)
	}
}
