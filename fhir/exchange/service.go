package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
	"github.com/drieluik/drieluik/mapping"
)

// Service holds the use cases. It is safe for concurrent use.
type Service struct {
	store    Store
	base     string // FHIR base URL
	settings auth.Settings
	formats  []mapping.Format
	now      func() time.Time
	newID    func() string
	log      *slog.Logger
	memory   *memory
	checks   *validate.Validator
	repeats  sync.Mutex // after a conflict
	turns    turns
	guesses  *guesses
	protocol string // policy that AuditEvents name
	allSign  bool
	holder   func() string // of leases: this process
	source   auditSource
	pulse    pulse
	tables   tables
	outlet   *Outlet
	stirred  chan struct{} // something was written that may be told of
	writable writable
	meters   Meters
	trace    Trace

	coordination *coordination.Rules
	afreshed     atomic.Bool // every child was looked at by these rules

	jobs       Jobs
	definition func(canonical string) (fhir.Node, bool)
	terms      *terminology.Terms
}

// Config of New. Every member is required, but Jobs, Meters, Trace, Release, Instance, Coordination, AllSign, Outlet and CacheSize.
type Config struct {
	Store    Store
	Jobs     Jobs   // what was asked for and takes longer than a request; Export alone asks for it
	Base     string // FHIR base URL, such as "https://host/fhir"
	Settings auth.Settings
	Formats  []mapping.Format // the source formats that Submit and Convert know
	Now      func() time.Time
	NewID    func() string // an unguessable id of a new resource
	Log      *slog.Logger
	// Validator checks every resource that is written; Convert alone does without.
	Validator *validate.Validator
	// Definition finds what is published or loaded by canonical URL, and Terms its codes: Populate and
	// Extract alone ask for them.
	Definition func(canonical string) (fhir.Node, bool)
	Terms      *terminology.Terms
	Release    string // of this server: with it AuditEvents name the policy by which access was decided
	// Coordination are the rules by which overlap between organisations is found; nil: nobody looks for it.
	Coordination *coordination.Rules
	// AllSign: a care plan waits for the signature of every holder of authority, not of one (mks.md 7.6).
	AllSign  bool
	Meters   Meters
	Trace    Trace
	Instance string  // of this process, among those that write one log: AuditEvents name it as their source
	Outlet   *Outlet // nil: no Subscription is taken
	// CacheSize is how many children keep their compiled policy between requests (access.md 6.3); 0: 10,000.
	CacheSize int
}

const cacheSize = 10_000

// New returns a Service.
func New(c Config) *Service {
	if c.Trace.Begin != nil {
		c.Store = watched{c.Store, c.Trace}
	}
	return &Service{
		trace: c.Trace,
		store: c.Store, base: c.Base, settings: c.Settings, formats: c.Formats,
		now: c.Now, newID: c.NewID, log: c.Log, memory: newMemory(cmp.Or(c.CacheSize, cacheSize)), checks: c.Validator,
		guesses: &guesses{at: map[string][]time.Time{}}, protocol: accessPolicy + c.Release,
		allSign: c.AllSign, holder: sync.OnceValue(c.NewID),
		coordination: c.Coordination, tables: tables{all: map[string]keptTable{}},
		source: ourSource(c.Instance), meters: c.Meters.whole(),
		jobs: c.Jobs, definition: c.Definition, terms: c.Terms,
		outlet: c.Outlet, stirred: make(chan struct{}, 1),
	}
}

// Call is who asks and from where; it goes into every AuditEvent.
type Call struct {
	Principal auth.Principal
	Operation string // what the request is when it is no single interaction: submit, transaction
	Address   string // network address of the client
	RequestID string
	// Acks are the acknowledgements of issues that came with the request, as sent (X-Coordination-Ack).
	Acks []string
	// Several: the Acks came for several requests, as the entries of a batch; those of issues that hold another
	// one are passed over.
	Several bool
	// Trial: the caller drops what is permitted, and asks again later for the answer. Only a refusal is
	// an access, and is recorded.
	Trial bool
	// Import: the operator takes in what was kept elsewhere, so that a record may begin anywhere.
	Import bool
}

// Served is one version of a resource as it leaves the server.
type Served struct {
	Ref     fhir.Ref // with version
	Updated time.Time
	Body    []byte // complete JSON
	Reduced bool   // an obligation took elements out: the version is not one to update from
}

// serve renders a stored version under the obligations of the decision that let it out.
func serve(s Stored, d auth.Decision) (Served, error) {
	const op = "exchange.serve"
	body := fhir.Serve(s.Body, s.MetaAt, s.Ref.Version, s.Updated)
	out := Served{Ref: s.Ref, Updated: s.Updated, Body: body}
	if !auth.Redacts(d.Obligations) {
		return out, nil
	}
	r, err := out.tree()
	if err != nil {
		return Served{}, err
	}
	r, err = auth.Redact(r, d.Obligations)
	if err == nil { // the version is another than that of the whole resource (access.md 3.4)
		r, err = r.Edit(fhir.Edit{Path: []string{"meta", "versionId"}, JSON: fmt.Sprintf(`"%d-r"`, s.Ref.Version)})
	}
	if err != nil {
		return Served{}, fhir.Wrap(op, err)
	}
	out.Body, out.Reduced = r.Bytes(), true
	return out, nil
}

// refusal turns a denying decision into the error that the client may see (access.md 3): the one
// fixed outcome for 404, the reason code otherwise.
func refusal(op string, d auth.Decision) error {
	e := &fhir.Error{Op: op, Reason: d.Reason}
	switch d.HTTP {
	case 401:
		e.Kind = fhir.Unauthenticated
	case 403:
		e.Kind = fhir.Forbidden
	case 405:
		e.Kind = fhir.MethodNotAllowed
	case 422:
		e.Kind = fhir.Unprocessable
	default:
		return notFound(op, d.Reason)
	}
	text := refusalText(d.Reason)
	if d.Needs != "" {
		text = "The access token needs " + d.Needs + "."
	}
	e.Issues = []fhir.Issue{{
		Severity: fhir.SeverityError, Code: refusalCode[d.HTTP], Diagnostics: d.Reason, Text: text,
	}}
	return e
}

var refusalCode = map[int]string{401: "login", 403: "forbidden", 405: "not-supported", 422: "business-rule"}

// notFound is the one answer for a missing and for a hidden resource.
func notFound(op, reason string) error {
	return &fhir.Error{Kind: fhir.NotFound, Op: op, Reason: reason, Issues: []fhir.Issue{{
		Severity: fhir.SeverityError, Code: "not-found", Diagnostics: "not-found",
		Text: "There is no such resource, or it is not visible to you.",
	}}}
}

// refusalText says in one sentence what to do about a refusal that may name its reason.
func refusalText(reason string) string {
	if t, ok := refusalTexts[reason]; ok {
		return t
	}
	return "This is not allowed; the reason code says why."
}

var refusalTexts = map[string]string{
	"token-missing":          "Send an access token in the Authorization header.",
	"token-invalid":          "The access token is unknown, expired or withdrawn; ask for a new one.",
	"scope-missing":          "The access token has no scope for this; ask for one that names this type and interaction.",
	"scope-granular":         "The content lies outside the granular scope of the access token.",
	"purpose-not-allowed":    "The purpose of use is not registered for this client or role.",
	"context-required":       "The access token has patient/ scopes and no patient in context.",
	"context-other-patient":  "The content is about another patient than the one of the access token.",
	"immutable":              "This type is a record of what happened and cannot be changed.",
	"delete-refused":         "This type cannot be deleted; withdraw or inactivate it.",
	"write-role":             "Your role may not write this type, or its sender is not you. Organisations and staff come with a push, or from the operator.",
	"write-not-custodian":    "Only the organisation that holds this resource, or its author, may change it.",
	"write-issue":            "Who coordinates the child's care closes an issue; where nobody does, say in mitigation what was done about it.",
	"write-coordinator":      "Who coordinates the child's care says what is most important now; ask the coordinator.",
	"write-label":            "Only the custodian may take away a security label or change domain tags.",
	"write-patient-change":   "The patients of a resource cannot change, and a new one has one patient.",
	"consent-withdrawn":      "This consent was withdrawn. Given again, it has a later dateTime.",
	"consent-self-grant":     "A consent cannot permit its own writer.",
	"consent-actor-required": "A permitting consent must name who is permitted, in provision.actor.",
	"sign-authority":         "A plan is signed by who holds authority over the child now, or by the child at the age at which it signs; each for itself.",
	"task-transition":        "The task cannot go to this status from the one it has.",
	"push-sender":            "The sender of the document is not the organisation of the access token.",
	"subscription-client":    "A Subscription is written by the system of an organisation, with a token of its own; others of the organisation may set it to off.",
	"admin-no-clinical":      "This role reads no records of children.",
	"audit-role":             "This role does not read the log.",
}

// unavailable is the closed answer when facts or the audit row cannot be had (access.md 9).
func unavailable(op, reason string, err error) error {
	return &fhir.Error{Kind: fhir.Unavailable, Op: op, Reason: reason, Err: err, Issues: []fhir.Issue{{
		Severity: fhir.SeverityError, Code: "transient", Diagnostics: reason,
		Text: "The server cannot answer safely right now; try again.",
	}}}
}

// Admit refuses a call without a live token before its body is read. The refusal is audited.
func (s *Service) Admit(ctx context.Context, c Call, i auth.Interaction, t fhir.Type) error {
	const op = "exchange.Admit"
	if c.Principal.State == auth.TokenActive {
		return nil
	}
	d := auth.Decide(c.Principal, auth.Action{Interaction: i, Type: t}, auth.Facts{Now: s.now(), Settings: s.settings})
	e := s.event(c, i, t)
	e.denied(d, fhir.Ref{})
	if err := s.record(ctx, op, e.audits(s)); err != nil {
		return err
	}
	return refusal(op, d)
}

// AdmitWrite judges what needs no body: token, type, scope, and the token's own patient (phase A of
// access.md 3). The refusal is audited.
func (s *Service) AdmitWrite(ctx context.Context, c Call, i auth.Interaction, t fhir.Type) error {
	const op = "exchange.AdmitWrite"
	var d auth.Decision
	err := s.store.View(ctx, func(v Snapshot) error {
		var err error
		d, err = s.world(v).decide(c.Principal, auth.Action{Interaction: i, Type: t}, nil)
		return err
	})
	e := s.event(c, i, t)
	if err != nil {
		return s.broke(ctx, op, e, unavailable(op, "policy-unavailable", err))
	}
	if d.Permit {
		return nil
	}
	e.denied(d, c.Principal.Patient)
	if err := s.record(ctx, op, e.audits(s)); err != nil {
		return err
	}
	return refusal(op, d)
}

// Reject audits a request that was refused by its form alone, such as a body that does not parse,
// and returns the refusal.
func (s *Service) Reject(ctx context.Context, c Call, i auth.Interaction, t fhir.Type, refused error) error {
	e := s.event(c, i, t)
	e.denied(auth.Decision{HTTP: 400, Reason: ruleOf(refused)}, fhir.Ref{})
	ctx = context.WithoutCancel(ctx) // of a client that was too slow, or has gone, too
	if err := s.record(ctx, "exchange.Reject", e.audits(s)); err != nil {
		return err
	}
	return refused
}

// ruleOf is the reason of a refusal, or the id of the first rule that was broken.
func ruleOf(err error) string {
	var e *fhir.Error
	switch {
	case !errors.As(err, &e):
		return "failed"
	case e.Reason != "":
		return e.Reason
	case len(e.Issues) > 0:
		return e.Issues[0].Diagnostics
	}
	return "failed"
}

// broke audits a request that the server could not serve, as far as that still goes, and passes the
// failure on. A store that cannot be read is an answer of its own (access.md 9).
func (s *Service) broke(ctx context.Context, op string, e event, err error) error {
	var known *fhir.Error
	if errors.As(err, &known) && known.Kind == fhir.Unavailable && known.Reason == "" {
		err = unavailable(op, "policy-unavailable", err)
	}
	e.failed(err)
	if audit := s.record(context.WithoutCancel(ctx), op, e.audits(s)); audit != nil {
		s.log.Error("a failure is not in the audit log", "request", e.call.RequestID, "error", audit.Error())
	}
	return fhir.Wrap(op, err)
}

// commit stores a unit with its audit rows. What moved meanwhile is the caller's to repeat.
func (s *Service) commit(ctx context.Context, op string, e event, u Unit) ([]Written, error) {
	if err := s.steady(ctx, op); err != nil {
		return nil, err
	}
	u.Audits = e.audits(s)
	written, err := s.store.Commit(ctx, u)
	if err != nil && !moved(err) {
		return nil, s.broke(ctx, op, e, unavailable(op, "audit-unavailable", err))
	}
	if err == nil && len(u.Notices) > 0 {
		s.stir()
	}
	return written, err
}

// stir wakes who delivers in this process.
func (s *Service) stir() {
	select {
	case s.stirred <- struct{}{}:
	default: // it will look anyway
	}
}

// record commits the audit rows of an access; without them nothing may be answered.
func (s *Service) record(ctx context.Context, op string, audits []Audit) error {
	if len(audits) == 0 { // a trial
		return nil
	}
	if err := s.steady(ctx, op); err != nil {
		return err
	}
	if _, err := s.store.Commit(ctx, Unit{Audits: audits}); err != nil {
		return unavailable(op, "audit-unavailable", err)
	}
	return nil
}

// attempts is how often a use case runs again when something it relied on has moved.
const attempts = 10

// again runs f until it does not answer that something moved in between.
func again[T any](s *Service, f func() (T, error)) (T, error) {
	out, err := f()
	if err == nil || !moved(err) {
		return out, err
	}
	s.repeats.Lock() // they take turns: the losers of a race do not run the next one against each other
	defer s.repeats.Unlock()
	for range attempts {
		if out, err = f(); err == nil || !moved(err) {
			break
		}
	}
	return out, err
}

// moved reports whether a commit failed because something it relied on had changed in between.
func moved(err error) bool {
	var e *fhir.Error
	return errors.As(err, &e) && e.Kind == fhir.Conflict && (e.Reason == "moved" || e.Reason == "record-exists")
}

// errMoved says that something was written in between.
func errMoved(op string) error { return &fhir.Error{Kind: fhir.Conflict, Op: op, Reason: "moved"} }

// contended is the answer when a use case lost every attempt to others.
func contended(op string, err error) error { return unavailable(op, "contended", err) }
