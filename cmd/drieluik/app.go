package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/auth/upstream"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/rest"
	"github.com/drieluik/drieluik/fhir/rest/guide"
	"github.com/drieluik/drieluik/fhir/store"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/bundle"
	"github.com/drieluik/drieluik/mapping/mks"
	"github.com/drieluik/drieluik/mapping/netwerk"
	"github.com/drieluik/drieluik/mapping/samordningsplan"
)

// sources are the source formats that this release converts. signatures is one or all (mks.md 7.6); terms are the
// codes that are loaded, nil: none.
func sources(signatures string, terms *terminology.Terms) []mapping.Format {
	var of mks.Format
	if terms != nil {
		of.Holds = terms.Holds
	}
	records := mapping.Format(of)
	if signatures == "all" {
		records = mks.AllSign{Format: of}
	}
	return []mapping.Format{records, samordningsplan.Format{}, netwerk.Format{}}
}

// formats are what can be pushed: source documents, and FHIR itself.
func formats(signatures string, terms *terminology.Terms) []mapping.Format {
	return append(sources(signatures, terms), bundle.Format{})
}

// app is an opened store with the use cases on top; server makes it answer.
type app struct {
	settings  settings
	base      string // public URL
	log       *slog.Logger
	audited   *slog.Logger // its events are in the audit log too
	store     *store.Store
	exchange  *exchange.Service
	deliverer *exchange.Deliverer
	clients   *smart.Registry
	users     *smart.Users
	keys      *smart.Keys
	state     shortState
	meters    *meters
	traces    *traces
	terms     *terminology.Terms

	providers []*upstream.Provider // logins elsewhere
	// parentApp is the client id of the page at /app/; the operator registers it as a public client
	// with the redirect URI {base}/app/.
	parentApp string
	// viewer is the app that the demo's home-care system starts; nil outside the demo.
	viewer http.Handler
}

// instance tells this process from others that write the same log.
func instance() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// openApp opens the store and wires what stands on it. base is the public URL.
func openApp(ctx context.Context, s settings, base string, log *slog.Logger) (*app, error) {
	defs, err := loadDefinitions(s.Package, validate.Options{Now: time.Now, Follow: s.follows})
	if err != nil {
		return nil, err
	}
	overlap, err := s.coordination(defs.maps)
	if err != nil {
		return nil, err
	}
	watched := newMeters()
	traced, err := newTraces(s.OTLPEndpoint, log, watched.traced)
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, s.Store, store.Options{Committed: func(units int, took time.Duration) {
		watched.committed(units, took)
		traced.committed(units, took)
	}})
	if err != nil {
		return nil, err
	}
	secret, err := s.secret()
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	watched.watch(st)
	a := &app{meters: watched, traces: traced, settings: s, base: base, log: log, store: st, terms: defs.terms, parentApp: "parent-app"}
	a.exchange = exchange.New(exchange.Config{
		Coordination: overlap,
		Store:        st, Jobs: st, Base: base + "/fhir", Formats: formats(s.Signatures, defs.terms),
		Settings: auth.Settings{Jurisdiction: s.Jurisdiction, ParentRead1215: s.ParentRead1215},
		Release:  release, Instance: instance(),
		Now: time.Now, NewID: newID, Log: log, Validator: defs.validator,
		Meters: watched.exchange(), Trace: traced.exchange(),
		AllSign: s.Signatures == "all", CacheSize: s.CacheSize,
		Definition: defs.find, Terms: defs.terms, Outlet: a.outlet(secret),
	})
	a.deliverer = a.exchange.Deliverer()
	watched.deliver(a.deliverer)
	if err = a.sameSecret(ctx); err == nil {
		err = a.openAuth(ctx, secret)
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return a, nil
}

// openAuth opens what the authorisation server stands on: registries, short-lived state, providers, keys.
func (a *app) openAuth(ctx context.Context, secret []byte) (err error) {
	st := a.store
	a.audited = smart.Audited(a.log, a.note)
	a.clients, err = smart.NewRegistry(smart.RegistryConfig{
		Store: st, Clock: time.Now, Random: rand.Reader, Log: a.audited, RegisterOrganization: a.registerOrganization,
	})
	if err == nil {
		a.users, err = smart.NewUsers(smart.UsersConfig{
			Store: st, Clock: time.Now, Random: rand.Reader, Log: a.audited, RegisterOrganization: a.registerOrganization,
		})
	}
	if err == nil {
		a.state, err = openState(ctx, a.settings, st, a.log)
	}
	if err == nil {
		a.providers, err = a.settings.providers()
	}
	if err == nil {
		a.keys, err = a.signingKeys(secret)
	}
	return err
}

func (a *app) registerOrganization(ctx context.Context, o smart.Organization) (smart.OrganizationRecord, error) {
	ref, err := a.exchange.RegisterOrganization(ctx, exchange.Registration{
		Identifier: o.Identifier, Name: o.Name, NameIfNew: o.NameIfNew, Types: o.Types,
	})
	if err != nil {
		return smart.OrganizationRecord{}, err
	}
	name, err := a.exchange.OrganizationName(ctx, ref)
	return smart.OrganizationRecord{Ref: ref, Name: name}, err
}

// Close ends state and store; what was acknowledged is durable already.
func (a *app) Close() error {
	defer a.traces.close()
	return errors.Join(a.state.close(), a.store.Close())
}

// server makes the HTTP handler of the whole public listener.
func (a *app) server(ctx context.Context) (http.Handler, error) {
	authServer, err := smart.New(smart.Config{
		Base: a.base, Clock: time.Now, Random: rand.Reader, State: a.state, Lost: a.state.lost, Registry: a.clients,
		Served: served, Log: a.audited, Settings: a.settings.auth(),
		Family: a.family(), Users: a.users, Keys: a.keys,
		LogPage: "/app/#wie-keek", LogClient: a.parentApp,
		Upstream: smart.Upstream{Providers: a.providers, Identified: a.exchange.Bearers},
	})
	if err != nil {
		return nil, err
	}
	go a.prepare(ctx)
	for _, p := range a.providers {
		p.Prepare()
	}
	fhirServer, err := a.fhirServer(ctx, authServer)
	if err != nil {
		return nil, err
	}
	pages := guide.NewSite()
	r := chi.NewRouter()
	r.Use(a.meters.measure, a.traces.watch, fhirServer.KnownMethods(r))
	authServer.Routes(r)
	fhirServer.Routes(r)
	parents := rest.App(a.parentApp)
	r.Handle("/app", parents)
	r.Handle("/app/*", parents)
	r.Handle("/ig", pages)
	r.Handle(guide.Root+"*", pages)
	if a.viewer != nil {
		r.Handle(viewerPath+"*", a.viewer)
	}
	r.Get("/", a.front)
	r.Get("/favicon.ico", noIcon)
	r.Get("/healthz", a.healthy)
	r.Get("/readyz", a.ready)
	return pages.Canonicals(crossOrigin(r, authServer)), nil
}

// fhirServer makes the FHIR endpoint, whose callers authServer knows.
func (a *app) fhirServer(ctx context.Context, authServer *smart.Server) (*rest.Server, error) {
	key, err := a.pageKey(ctx)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	metadata := sync.OnceValues(func() ([]byte, error) { return a.metadata(started) })
	maxBody, err := bytesOf(a.settings.MaxBody)
	if err != nil {
		return nil, err
	}
	return rest.New(rest.Config{
		Exchange: a.exchange, Authenticate: authServer.Authenticate, Base: a.base + "/fhir", MaxBody: maxBody,
		PageKey: key, Metadata: metadata, Terms: a.terms, NewID: newID, Log: a.log, Trace: a.traces.exchange(),
	})
}

// crossOrigin lets browser apps of registered clients call the FHIR endpoint. What needs no token
// says itself that everybody may read it.
func crossOrigin(h http.Handler, s *smart.Server) http.Handler {
	guarded := s.CrossOrigin(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		open := path == "/fhir/metadata" || strings.HasPrefix(path, "/fhir/.well-known/")
		if (path == "/fhir" || strings.HasPrefix(path, "/fhir/")) && !open {
			guarded.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// signingKeys opens the keys of the id_token, which are sealed under the secret of the settings.
func (a *app) signingKeys(secret []byte) (*smart.Keys, error) {
	return smart.NewKeys(smart.KeysConfig{Store: a.store, Secret: secret, Clock: time.Now, Random: rand.Reader, Log: a.audited})
}

// prepare makes the signing keys that are due, beside the first requests. Of several processes one does.
func (a *app) prepare(ctx context.Context) {
	if err := a.store.Exclusive(ctx, "signing-keys", a.keys.Prepare); err != nil && ctx.Err() == nil {
		a.log.Error("signing keys are not ready", "error", err.Error())
	}
}

// pageKey returns the key that seals page links, made at the first start of the first process.
func (a *app) pageKey(ctx context.Context) (key [32]byte, err error) {
	err = a.store.Exclusive(ctx, "page-key", func(ctx context.Context) error {
		key, err = a.keptPageKey(ctx)
		return err
	})
	return key, err
}

func (a *app) keptPageKey(ctx context.Context) ([32]byte, error) {
	const name = "rest/page-key"
	var key [32]byte
	stored, ok, err := a.store.Setting(ctx, name)
	if err != nil {
		return key, err
	}
	if ok && len(stored) == len(key) {
		return [32]byte(stored), nil
	}
	if _, err := rand.Read(key[:]); err != nil {
		return key, err
	}
	return key, a.store.SaveSetting(ctx, name, key[:])
}

// serve answers on l, and orders of the operator, until ctx ends, then lets running requests finish. It
// calls ready when both will be answered.
func (a *app) serve(ctx context.Context, l net.Listener, ready func()) error {
	h, err := a.server(ctx)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	sweeping, stop := context.WithCancel(ctx)
	defer stop()
	go a.sweep(sweeping)
	if orders := a.controlSocket(); orders != nil {
		go a.control(sweeping, orders)
	}
	go a.keepLog(sweeping)
	var working sync.WaitGroup
	working.Go(func() { a.schedule(sweeping) })
	working.Go(func() { a.deliverer.Run(sweeping) })
	defer func() {
		stop()
		working.Wait() // what they commit is committed before the store closes
	}()
	if err := a.started(ctx); skewed(err) {
		go a.late(sweeping)
	} else if err != nil {
		return err
	}
	debug.FreeOSMemory() // what the start needed, and serving does not
	ready()
	failed := make(chan error, 1)
	go func() {
		if a.settings.TLSCert != "" {
			failed <- srv.ServeTLS(l, a.settings.TLSCert, a.settings.TLSKey)
			return
		}
		failed <- srv.Serve(l)
	}()
	var moved error
	select {
	case err := <-failed:
		return err
	case <-a.store.Elsewhere():
		moved = store.ErrElsewhere
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(moved, srv.Shutdown(grace))
}

// sweep removes state that is over, once a minute.
func (a *app) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, err := a.state.sweep(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("sweep failed", "error", err.Error())
			}
		}
	}
}

// newID returns 128 random bits as a UUID (version 4).
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // crypto/rand.Read never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// commandLog is the log of short commands: warnings alone, as text.
func commandLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// listen opens the address and returns the public URL that goes with it.
func listen(s settings) (net.Listener, string, error) {
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return nil, "", fmt.Errorf("cannot listen on %s; is another server there? Choose another --listen", s.Listen)
	}
	if s.BaseURL != "" {
		return l, s.BaseURL, nil
	}
	scheme := "http"
	if s.TLSCert != "" {
		scheme = "https"
	}
	return l, scheme + "://" + l.Addr().String(), nil
}

// dataFolder returns the folder of an embedded store, made when it is not there.
func dataFolder(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "drieluik-demo-")
	}
	return dir, os.MkdirAll(dir, 0o700)
}
