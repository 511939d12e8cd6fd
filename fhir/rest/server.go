// Package rest is the HTTP face of the FHIR endpoint: routes, negotiation, errors as
// OperationOutcome. It takes no decisions: each handler parses, calls one use case of exchange and
// renders.
package rest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Config of New. Every member is required, but Trace.
type Config struct {
	Exchange     *exchange.Service
	Authenticate func(*http.Request) (auth.Principal, error) // who asks; an error when that cannot be told
	Base         string                                      // FHIR base URL, such as "https://host/fhir"
	MaxBody      int64                                       // bytes of a request body
	PageKey      [32]byte                                    // seals the links to further pages
	Metadata     func() ([]byte, error)                      // CapabilityStatement, made when it is first asked for
	Terms        *terminology.Terms                          // published and loaded terminology
	NewID        func() string                               // request ids
	Log          *slog.Logger
	Trace        exchange.Trace // of the steps of a request
}

// Server serves the FHIR endpoint.
type Server struct {
	Config
	pages    pageSealer
	compress func(http.Handler) http.Handler
}

// New returns a Server. It fails when the page key cannot be used.
func New(c Config) (*Server, error) {
	pages, err := newPageSealer(c.PageKey)
	if err != nil {
		return nil, fhir.Wrap("rest.New", err)
	}
	compress, err := compressor()
	if err != nil {
		return nil, fhir.Wrap("rest.New", err)
	}
	return &Server{Config: c, pages: pages, compress: compress}, nil
}

// handler answers one request; an error becomes an OperationOutcome in one place.
type handler func(w http.ResponseWriter, r *http.Request) error

// typePath and idPath leave "metadata", "$submit" and "_search" to their own routes, so that a wrong
// method there is 405.
const (
	typePath   = "/{type:[A-Z][^/]*}"
	idPath     = typePath + "/{id:[^_$/][^/]*}"
	memberPath = idPath + "/{member:[*A-Z][^/]*}"
)

// Routes adds the FHIR endpoint under /fhir.
func (s *Server) Routes(r chi.Router) {
	r.Route("/fhir", func(r chi.Router) {
		r.Use(s.compress, middleware.GetHead)
		r.NotFound(s.handle(s.unknownPath))
		r.MethodNotAllowed(s.handle(s.wrongMethod(r)))
		r.Get("/metadata", s.handle(s.metadata))
		r.Post("/", s.handle(s.bundle(r)))
		r.Get("/_history", s.handle(s.history))
		r.Get("/", s.handle(s.searchSystem))
		r.Post("/_search", s.handle(s.searchSystem))
		r.Post("/$submit", s.handle(s.submit))
		r.Post("/$import", s.handle(s.importing(r)))
		r.Post("/$convert", s.handle(s.convert))
		r.Post(typePath+"/$validate", s.handle(s.validate))
		r.Post(idPath+"/$validate", s.handle(s.validate))
		r.Post("/Questionnaire/$populate", s.handle(s.populate))
		r.Post("/{type:Questionnaire}/{id:[^_$/][^/]*}/$populate", s.handle(s.populate))
		r.Post("/QuestionnaireResponse/$extract", s.handle(s.extract))
		r.Post("/{type:QuestionnaireResponse}/{id:[^_$/][^/]*}/$extract", s.handle(s.extract))
		s.subscriptionRoutes(r)
		s.terminologyRoutes(r)
		s.exportRoutes(r)
		r.Get(typePath, s.handle(s.search))
		r.Post(typePath+"/_search", s.handle(s.search))
		r.Post(typePath, s.handle(s.create))
		r.Put(typePath, s.handle(s.update))
		r.Patch(typePath, s.handle(s.patch))
		r.Delete(typePath, s.handle(s.remove))
		r.Get(typePath+"/_history", s.handle(s.history))
		r.Get(idPath, s.handle(s.read))
		r.Put(idPath, s.handle(s.update))
		r.Patch(idPath, s.handle(s.patch))
		r.Delete(idPath, s.handle(s.remove))
		s.readingRoutes(r)
		r.Get(idPath+"/_history", s.handle(s.history))
		r.Get(idPath+"/_history/{version}", s.handle(s.read))
		r.Get(memberPath, s.handle(s.searchCompartment))
		r.Post(memberPath+"/_search", s.handle(s.searchCompartment))
		r.Post(idPath+"/_search", s.handle(s.searchCompartment))
	})
}

// readingRoutes adds the operations that read one resource and what belongs to it.
func (s *Server) readingRoutes(r chi.Router) {
	r.Get(idPath+"/$everything", s.handle(s.everything))
	r.Get(idPath+"/$document", s.handle(s.document))
	r.Get(idPath+"/$ecomap", s.handle(s.ecomap))
	for name, h := range map[string]handler{
		"explain-access": s.explain, "discharge-check": s.dischargeCheck, "completeness": s.completeness, "actions": s.actions, "load": s.load,
	} {
		r.Get(idPath+"/$"+name, s.handle(h))
		r.Post(idPath+"/$"+name, s.handle(h))
	}
}

// Interactions are what Routes serves for a resource type, and SystemInteractions for the whole, for the
// CapabilityStatement.
var (
	Interactions = [...]string{
		"read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
	}
	SystemInteractions = [...]string{"transaction", "batch", "history-system", "search-system"}
)

// handle wraps a handler: request id, negotiation, errors, one log line without content.
func (s *Server) handle(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := s.NewID()
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		who := &asker{}
		ctx, told := s.watch(r.Context())
		r = r.WithContext(withAsker(ctx, id, who))
		r.Body = http.MaxBytesReader(w, r.Body, s.MaxBody)
		if r.ContentLength > s.MaxBody { // nobody waits for what will not be read
			w.Header().Set("Connection", "close")
			r.Body = unread{s.MaxBody}
		}
		out := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		err := s.answer(h, out, r)
		if err != nil {
			s.fail(out, who, placed(r, err))
		}
		told(stepOf(r, out.Status(), err))
		s.Log.Info("fhir", "method", r.Method, "route", chi.RouteContext(r.Context()).RoutePattern(),
			"status", out.Status(), "reason", reasonOf(err), "ms", time.Since(start).Milliseconds(), "request", id)
	}
}

// unread is a body that was announced as larger than the limit in bytes.
type unread struct{ limit int64 }

// Read says that it is too large.
func (u unread) Read([]byte) (int, error) { return 0, &http.MaxBytesError{Limit: u.limit} }

// Close has nothing to close: the connection ends with the answer.
func (unread) Close() error { return nil }

// placed names the entry in the refusal of a transaction's read: what it says of the request is about
// the url of that entry.
func placed(r *http.Request, err error) error {
	by, _ := senderOf(r.Context())
	var known *fhir.Error
	if by.trial == "" || !errors.As(err, &known) {
		return err
	}
	for i := range known.Issues {
		known.Issues[i].Expression = by.trial + ".request.url"
	}
	return err
}

// answer runs a handler. A panic becomes an error that names its type alone: its value may hold
// what nobody may read.
func (s *Server) answer(h handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			s.Log.Error("panic", "request", requestID(r.Context()), "stack", string(debug.Stack()))
			err = &fhir.Error{Kind: fhir.Internal, Op: "rest.answer", Err: fmt.Errorf("panic with a %T", p)}
		} else if p != nil {
			panic(p)
		}
	}()
	if err := negotiate(r); err != nil {
		return err
	}
	return h(w, r)
}

// caller says who asks, and refuses a request without a live token. The entries of a Bundle are asked
// by who sent the Bundle.
func (s *Server) caller(r *http.Request, i auth.Interaction, t fhir.Type) (exchange.Call, error) {
	by, ok := senderOf(r.Context())
	if !ok {
		var err error
		if by.principal, err = s.Authenticate(r); err != nil {
			return exchange.Call{}, s.unproven(r, i, t, err)
		}
	}
	askerOf(r.Context()).bound = by.principal.Bound
	c := exchange.Call{Principal: by.principal, Address: address(r), RequestID: requestID(r.Context()), Trial: by.trial != ""}
	c.Acks, c.Several = r.Header.Values(ackHeader), ok
	return c, s.Exchange.Admit(r.Context(), c, i, t)
}

// unproven audits a token that came with a proof that fails; what else keeps a caller from being known
// is no access.
func (s *Server) unproven(r *http.Request, i auth.Interaction, t fhir.Type, err error) error {
	if fhir.KindOf(err) != fhir.Unauthenticated {
		return err
	}
	c := exchange.Call{Principal: auth.Principal{State: auth.TokenInvalid}, Address: address(r), RequestID: requestID(r.Context())}
	return s.Exchange.Reject(r.Context(), c, i, t, err)
}

// typeOf reads the resource type of the path.
func typeOf(r *http.Request) (fhir.Type, error) {
	t, ok := fhir.ParseType(chi.URLParam(r, "type"))
	if !ok {
		return "", fhir.Errorf(fhir.NotFound, "rest.typeOf", "not-supported", "type-unknown",
			"The path names no R4 resource type or operation of this server; /metadata lists them.")
	}
	return t, nil
}

// refOf reads type, id and version of the path.
func refOf(r *http.Request) (fhir.Ref, error) {
	t, err := typeOf(r)
	if err != nil {
		return fhir.Ref{}, err
	}
	text := string(t) + "/" + chi.URLParam(r, "id")
	if v := chi.URLParam(r, "version"); v != "" {
		text += "/_history/" + v
	}
	ref, ok := fhir.ParseRef(text)
	if !ok {
		return fhir.Ref{}, fhir.Errorf(fhir.NotFound, "rest.refOf", "not-found", "not-found",
			"There is no such resource, or it is not visible to you.")
	}
	return ref, nil
}

func (s *Server) unknownPath(http.ResponseWriter, *http.Request) error {
	return fhir.Errorf(fhir.NotFound, "rest.route", "not-supported", "path-unknown",
		"This server has nothing at this path; /fhir/metadata lists what it serves.")
}

// wrongMethod answers 405 with the methods that the path takes.
func (s *Server) wrongMethod(routes chi.Routes) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		path := "/" + strings.Trim(strings.TrimPrefix(r.URL.Path, "/fhir"), "/")
		var allowed []string
		for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if routes.Match(chi.NewRouteContext(), m, path) {
				allowed = append(allowed, m)
			}
			if m == http.MethodGet && len(allowed) > 0 {
				allowed = append(allowed, http.MethodHead)
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return fhir.Errorf(fhir.MethodNotAllowed, "rest.route", "not-supported", "method",
			"This path does not take this method; the Allow header lists those that it takes.")
	}
}

func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	statement, err := s.Metadata()
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	return writeJSON(w, http.StatusOK, statement)
}
