package rest_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/conformance/packages"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/rest"
	"github.com/drieluik/drieluik/fhir/store"
	"github.com/drieluik/drieluik/fhir/store/storetest"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/bundle"
	"github.com/drieluik/drieluik/mapping/mks"
	"github.com/drieluik/drieluik/mapping/netwerk"
	"github.com/drieluik/drieluik/mapping/samordningsplan"
)

const (
	base      = "https://fhir.example/fhir"
	uraSystem = "http://fhir.nl/fhir/NamingSystem/ura"
	bsnSystem = "http://fhir.nl/fhir/NamingSystem/bsn"
	maxBody   = 1 << 20
	fhirJSON  = "application/fhir+json"
	instance  = "machine-1"
)

// rig is the FHIR endpoint over a real store. The bearer token of a request is the name of its
// principal.
type rig struct {
	t          testing.TB
	store      *store.Store
	exchange   *exchange.Service
	handler    http.Handler
	log        *logBuffer
	now        atomic.Pointer[time.Time]
	principals map[string]auth.Principal
	ids        atomic.Int64
	orgs       map[string]fhir.Ref // by URA
	settings   auth.Settings
	limit      int64 // of a body; 0: maxBody
	overlap    *coordination.Rules
	outlet     *exchange.Outlet
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newRig opens a store with three organisations and a principal for each: "home", "hospital" and
// "other", all with every system scope.
func newRig(t testing.TB) *rig { return newRigWith(t, auth.Settings{Jurisdiction: "nl"}, nil) }

// clusterVariable names a PostgreSQL (postgres://…, whose role may make schemas) on which all rigs then stand.
const clusterVariable = "DRIELUIK_TEST_POSTGRES"

// address is where the store of a rig is.
func address(t testing.TB) string {
	if cluster := os.Getenv(clusterVariable); cluster != "" {
		return storetest.SchemaIn(t, cluster)
	}
	return t.TempDir()
}

// newRigWith may put something between the use cases and the store.
func newRigWith(t testing.TB, settings auth.Settings, between func(exchange.Store) exchange.Store) *rig {
	t.Helper()
	return newRigAt(t, address(t), settings, between)
}

// newRigAt has its store at an address.
func newRigAt(t testing.TB, at string, settings auth.Settings, between func(exchange.Store) exchange.Store) *rig {
	t.Helper()
	g := &rig{t: t, log: &logBuffer{}, principals: map[string]auth.Principal{}, orgs: map[string]fhir.Ref{}, settings: settings}
	g.start(at, between)
	return g
}

// start gives a rig its store, at an address, and organisations.
func (g *rig) start(at string, between func(exchange.Store) exchange.Store) {
	t := g.t
	t.Helper()
	early := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // the clock of a server never goes back
	g.now.Store(&early)
	g.store = g.open(at)
	var st exchange.Store = g.store
	if between != nil {
		st = between(st)
	}
	g.wire(st)
	for i, name := range []string{"home", "hospital", "other"} {
		ura := fmt.Sprintf("9000000%d", i+1)
		ref, err := g.exchange.RegisterOrganization(context.Background(), exchange.Registration{
			Identifier: fhir.Identifier{System: uraSystem, Value: ura}, NameIfNew: "Organisatie " + ura,
		})
		if err != nil {
			t.Fatal(err)
		}
		g.orgs[name] = ref
		g.principals[name] = system(name, ref, "system/*.cruds")
	}
	g.now.Store(new(time.Date(2026, 11, 21, 20, 0, 0, 0, time.FixedZone("CET", 3600))))
}

// open opens a store, as one more process does.
func (g *rig) open(at string) *store.Store {
	g.t.Helper()
	s, err := store.Open(context.Background(), at, store.Options{Now: g.clock})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			g.t.Error(err)
		}
	})
	return s
}

func (g *rig) wire(st exchange.Store) {
	g.t.Helper()
	log := slog.New(slog.NewJSONHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	newID := func() string { return fmt.Sprintf("id-%d", g.ids.Add(1)) }
	terms, find, err := published()
	if err != nil {
		g.t.Fatal(err)
	}
	g.exchange = exchange.New(exchange.Config{
		Definition: find, Terms: terms,
		Store: st, Jobs: g.store, Base: base, Formats: []mapping.Format{mks.Format{}, samordningsplan.Format{}, netwerk.Format{}, bundle.Format{}}, Settings: g.settings,
		Now: g.clock, NewID: newID, Log: log, Validator: validate.New(validate.Options{}), Instance: instance,
		Coordination: g.overlap, Outlet: g.outlet,
	})
	server, err := rest.New(rest.Config{
		Exchange: g.exchange, Authenticate: g.authenticate, Base: base, MaxBody: cmp.Or(g.limit, maxBody), PageKey: [32]byte{1},
		Metadata: func() ([]byte, error) { return []byte(`{"resourceType":"CapabilityStatement"}`), nil }, NewID: newID, Log: log,
		Terms: terms,
	})
	if err != nil {
		g.t.Fatal(err)
	}
	r := chi.NewRouter()
	server.Routes(r)
	g.handler = r
}

// published are the artefacts that all rigs share.
func published() (*terminology.Terms, func(string) (fhir.Node, bool), error) {
	p, err := artefacts()
	return p.terms, p.set.Definition, err
}

type publication struct {
	terms *terminology.Terms
	set   packages.Set
}

var artefacts = sync.OnceValues(func() (*publication, error) {
	p := &publication{}
	all, err := artifacts.All()
	for _, r := range all {
		p.set.Add(r)
	}
	p.terms = terminology.New(all)
	return p, err
})

func (g *rig) clock() time.Time { return *g.now.Load() }

func (g *rig) advance(d time.Duration) {
	now := g.clock().Add(d)
	g.now.Store(&now)
}

func (g *rig) authenticate(r *http.Request) (auth.Principal, error) {
	name, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return auth.Principal{State: auth.TokenMissing}, nil
	}
	if name == "unproven" { // a token whose DPoP proof fails
		return auth.Principal{State: auth.TokenInvalid}, &fhir.Error{Kind: fhir.Unauthenticated, Reason: "proof-invalid", Issues: []fhir.Issue{{
			Severity: fhir.SeverityError, Code: "login", Diagnostics: "dpop.htu", Text: "The DPoP proof fails at htu.",
		}}}
	}
	p, ok := g.principals[name]
	if !ok {
		return auth.Principal{State: auth.TokenInvalid}, nil
	}
	return p, nil
}

// system is the principal of a backend client.
func system(client string, org fhir.Ref, scopes string) auth.Principal {
	s, err := auth.ParseScopes(scopes)
	if err != nil {
		panic(err)
	}
	return auth.Principal{
		State: auth.TokenActive, Role: auth.System, Client: client, ClientName: client, Organization: org,
		Scopes: s, Purpose: "TREAT",
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request as a principal ("" for none). header holds names and values in turn.
func (g *rig) do(as, method, path, body string, header ...string) answer {
	return through(g.handler, as, method, path, body, header...)
}

// through sends a request to one of several processes.
func through(h http.Handler, as, method, path, body string, header ...string) answer {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if as != "" {
		r.Header.Set("Authorization", "Bearer "+as)
	}
	if body != "" {
		r.Header.Set("Content-Type", fhirJSON)
	}
	given := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		given.Add(header[i], header[i+1])
	}
	maps.Copy(r.Header, given)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{status: w.Code, header: w.Result().Header, body: w.Body.String()}
}

func (g *rig) get(as, path string, header ...string) answer {
	return g.do(as, http.MethodGet, path, "", header...)
}

// submit pushes a source document.
func (g *rig) submit(as, doc string, header ...string) answer {
	return g.do(as, http.MethodPost, "/fhir/$submit", doc, append([]string{"Content-Type", "application/json"}, header...)...)
}

// want fails the test unless the answer has the status.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %.600s", a.status, status, a.body)
	}
	return a
}

// valid holds the answer to R4.
func (a answer) valid(t testing.TB) answer {
	t.Helper()
	r, issues := fhir.Parse([]byte(a.body), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	if issues := validate.Resource(r); fhir.HasErrors(issues) {
		t.Errorf("%+v in %s", issues, a.body)
	}
	return a
}

// outcome is the part of an OperationOutcome that tests look at.
type outcome struct {
	ResourceType string
	Issue        []struct {
		Severity, Code, Diagnostics string
		Details                     struct{ Text string }
		Expression                  []string
	}
}

// wantIssue fails the test unless the answer is an OperationOutcome with an issue of the rule and,
// where it is given, at the place.
func (a answer) wantIssue(t testing.TB, rule, expression string) {
	t.Helper()
	o := decode[outcome](t, a.body)
	for _, i := range o.Issue {
		if i.Diagnostics == rule && i.Details.Text != "" && (expression == "" || len(i.Expression) == 1 && i.Expression[0] == expression) {
			return
		}
	}
	t.Errorf("no issue %s at %q with a text in %.800s", rule, expression, a.body)
}

func decode[T any](t testing.TB, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return v
}

type bundleOf struct {
	ResourceType, Type string
	Total              *int
	Link               []struct{ Relation, URL string }
	Entry              []struct {
		FullURL  string
		Resource struct {
			ResourceType, ID string
			Title            string
		}
		Response struct{ Status, Location, Etag string }
	}
}

func (b bundleOf) ids() []string {
	out := []string{}
	for _, e := range b.Entry {
		out = append(out, e.Resource.ResourceType+"/"+e.Resource.ID)
	}
	return out
}

func (b bundleOf) link(relation string) string {
	for _, l := range b.Link {
		if l.Relation == relation {
			return strings.TrimPrefix(l.URL, "https://fhir.example")
		}
	}
	return ""
}

// search returns the Bundle of a search that must succeed.
func (g *rig) search(as, path string) bundleOf {
	g.t.Helper()
	return decode[bundleOf](g.t, g.get(as, path).want(g.t, http.StatusOK).body)
}

// position is everything that a refused request must leave alone.
type position struct {
	Notices []exchange.Notice
	States  map[string]exchange.State
}

func (g *rig) position() position {
	g.t.Helper()
	p := position{States: map[string]exchange.State{}}
	err := g.store.View(context.Background(), func(v exchange.Snapshot) error {
		var err error
		if p.Notices, err = v.Changes(0, 1_000_000); err != nil {
			return err
		}
		for _, n := range p.Notices {
			if _, p.States[n.Compartment], err = v.Compartment(n.Compartment, "Patient"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return p
}

// auditEvent is the part of an AuditEvent that tests look at.
type auditEvent struct {
	Compartment string `json:"-"`
	Action      string
	Outcome     string
	OutcomeDesc string
	Subtype     []struct{ Code string }
	Agent       []struct {
		Requestor bool
		Policy    []string
		Who       struct{ Reference string }
	}
	Entity []struct {
		What  struct{ Reference string }
		Query string
	}
}

// events returns the AuditEvents of the compartments of all children and of none, in the order of
// their chains.
func (g *rig) events() []auditEvent {
	g.t.Helper()
	comps := []string{exchange.SystemCompartment}
	for c := range g.position().States {
		if !strings.HasPrefix(c, "_") {
			comps = append(comps, c)
		}
	}
	return g.eventsOf(comps...)
}

func (g *rig) eventsOf(compartments ...string) []auditEvent {
	g.t.Helper()
	var out []auditEvent
	err := g.store.View(context.Background(), func(v exchange.Snapshot) error {
		for _, c := range compartments {
			rows, err := v.Audit(c, 1, 1_000_000)
			if err != nil {
				return err
			}
			for _, row := range rows {
				e := decode[auditEvent](g.t, string(row.Body))
				e.Compartment = c
				out = append(out, e)
			}
		}
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return out
}

// record reads a source record of the test data.
func record(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../testdata/mks/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// patient and plan are resources that the hospital keeps in several tests.
const (
	patientBody = `{"resourceType":"Patient","birthDate":"2020-05-04","gender":"male","name":[{"family":"Testkind"}]}`
	planBody    = `{"resourceType":"CarePlan","status":"active","intent":"plan","title":"Plan","subject":{"reference":"Patient/%s"}}`
)

// create posts a resource and returns its id.
func (g *rig) create(as, kind, body string) string {
	g.t.Helper()
	a := g.do(as, http.MethodPost, "/fhir/"+kind, body).want(g.t, http.StatusCreated)
	return decode[struct{ ID string }](g.t, a.body).ID
}

// child creates a Patient and a CarePlan of it, and returns their ids.
func (g *rig) child(as string) (patient, plan string) {
	g.t.Helper()
	patient = g.create(as, "Patient", patientBody)
	return patient, g.create(as, "CarePlan", fmt.Sprintf(planBody, patient))
}

// read reads all of r.
func read(t testing.TB, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// guardian is a parent of a child with that child in context.
func guardian(t testing.TB, child, parent, scopes string) auth.Principal {
	t.Helper()
	s, err := auth.ParseScopes(scopes)
	if err != nil {
		t.Fatal(err)
	}
	return auth.Principal{
		State: auth.TokenActive, Role: auth.Guardian, Client: "app", FHIRUser: refOf(parent), Patient: refOf(child),
		Scopes: s, Purpose: "FAMRQT",
	}
}
