package smart

import (
	"context"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// scopeLaunch lets the holder of a token start EHR launches (SMART-201).
const scopeLaunch = "drieluik/launch"

// launchScopes are those under which a launch looks at what it is asked to open: that the caller or
// the user may see it at all is known to them, whatever else their token is for.
const launchScopes = "system/Patient.r system/Encounter.r user/Patient.r user/Encounter.r patient/Patient.r patient/Encounter.r"

// bodyDepth bounds the nesting of a JSON body.
const bodyDepth = 8

const launchSeal = "launch"

// launchRecord is what is kept of a launch handle, sealed under the handle itself.
type launchRecord struct {
	launchContext
	Client  string    `json:"client"`
	User    string    `json:"user"`    // Type/id
	Patient string    `json:"patient"` // Patient/id
	Expires time.Time `json:"expires"`
}

// launch answers POST /auth/launch (SMART-201): an EHR that is open at a patient makes a handle with
// which an app starts there.
func (s *Server) launch(w http.ResponseWriter, r *http.Request, q request) error {
	ctx := r.Context()
	if r.Method != http.MethodPost {
		return refuse("form.method")
	}
	by, c, err := s.launcher(ctx, q)
	if err != nil {
		return err
	}
	if !s.rates.allow(c.ID, s.clock()) {
		return &fault{rule: "client.rate", retry: 1, client: c.party()}
	}
	doc, err := readBody(w, r, "launch")
	if err != nil {
		return ofClient(err, c)
	}
	record, app, err := s.launchOf(ctx, by, doc)
	if err != nil {
		return ofClient(err, c)
	}
	handle, err := s.keepLaunch(ctx, record)
	if err != nil {
		return ofClient(err, c)
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "launch_created", slog.String("outcome", "ok"),
		slog.String("client_id", c.ID), slog.String("organization", c.OrganizationRef), slog.String("app", app.ID),
		slog.String("user", record.User), slog.String("patient", record.Patient), slog.String("launch", handle.trace()),
		slog.String("address", q.address), slog.String("request_id", q.id))
	s.writeJSON(w, http.StatusCreated, map[string]any{
		"launch": handle.Reveal(), "expires_in": int(s.settings.LaunchTTL.Seconds()),
		"launch_url": withQuery(app.LaunchURIs[0], "iss", s.fhirBase, "launch", handle.Reveal()),
	})
	return nil
}

// launcher returns who may start launches, as a reader of patients.
func (s *Server) launcher(ctx context.Context, q request) (Reader, *registered, error) {
	header := q.http.Header.Values("Authorization")
	switch len(header) {
	case 0:
		return Reader{}, nil, refuse("token.none")
	case 1:
	default:
		return Reader{}, nil, refuse("token.twice")
	}
	a, err := s.holder(q.http, header[0])
	if err != nil {
		return Reader{}, nil, s.unheld(ctx, q, err)
	}
	if a.grant != nil {
		return Reader{}, nil, s.countFailure(ctx, q.address, &fault{rule: "token.invalid", bound: a.JKT != ""})
	}
	c, found, err := s.registry.lookup(ctx, a.Client)
	if err != nil || !found {
		return Reader{}, nil, orElse(err, refuse("token.invalid"))
	}
	p, err := principal("smart.launch", a, c)
	if err != nil {
		return Reader{}, nil, err
	}
	if !p.Scopes.Has(scopeLaunch) {
		return Reader{}, nil, &fault{rule: "token.scope", name: scopeLaunch, bound: a.JKT != "", client: c.party()}
	}
	if !c.MayLaunch {
		return Reader{}, nil, &fault{rule: "launch.denied", client: c.party()}
	}
	p.Scopes, err = auth.ParseScopes(launchScopes)
	return Reader{Principal: p, Address: q.address, RequestID: q.id}, c, err
}

// readBody reads a JSON body strictly: one object, no member twice. rules is the prefix of its refusals.
func readBody(w http.ResponseWriter, r *http.Request, rules string) (fhir.Node, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, named := params["charset"]
	if err != nil || media != "application/json" || named && !strings.EqualFold(charset, "utf-8") ||
		len(r.Header.Values("Content-Type")) != 1 || len(r.Header.Values("Content-Encoding")) > 0 {
		return fhir.Node{}, refuse(rules + ".type")
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return fhir.Node{}, refuse("form.query")
	}
	body, err := readAll(w, r, maxForm)
	if err != nil {
		f := asFault(err)
		f.rule = rules + map[bool]string{true: ".size", false: ".form"}[f.rule == "form.size"]
		return fhir.Node{}, f
	}
	doc, issues := fhir.ParseDocument(body, fhir.Limits{Depth: bodyDepth})
	if doc == nil || fhir.HasErrors(issues) || doc.Root().Shape() != fhir.Object {
		return fhir.Node{}, refuse(rules + ".form")
	}
	return doc.Root(), nil
}

// launchMember is one member of a launch request.
type launchMember struct {
	name     string
	required bool
	shape    fhir.Shape
}

func launchMembers() []launchMember {
	return []launchMember{
		{"client_id", true, fhir.String}, {"patient", true, fhir.String}, {"user", true, fhir.String},
		{"encounter", false, fhir.String}, {"fhirContext", false, fhir.Array}, {"intent", false, fhir.String},
		{"need_patient_banner", false, fhir.Bool}, {"style", false, fhir.Object},
	}
}

// checkMembers holds the form of a launch request: its members and their JSON shapes.
func checkMembers(doc fhir.Node) error {
	members := launchMembers()
	for n := range doc.Children() {
		i := slices.IndexFunc(members, func(m launchMember) bool { return m.name == n.Name() })
		if i < 0 || n.Shape() != members[i].shape {
			return refuse("launch.form")
		}
	}
	for _, m := range members {
		if m.required && !doc.Member(m.name).Exists() {
			return &fault{rule: "form.missing", name: m.name}
		}
	}
	return nil
}

// unfit names the member that cannot be used. What is unknown and what the caller may not see get the
// same refusal.
func unfit(member string) error { return &fault{rule: "launch.member", name: member} }

// launchOf judges a launch request member by member.
func (s *Server) launchOf(ctx context.Context, by Reader, doc fhir.Node) (*launchRecord, *registered, error) {
	if err := checkMembers(doc); err != nil {
		return nil, nil, err
	}
	c, found, err := s.registry.lookup(ctx, doc.Member("client_id").Text())
	if err != nil {
		return nil, nil, err
	}
	if !found || !c.launchable() {
		return nil, nil, unfit("client_id")
	}
	user, ok := s.reference(doc.Member("user"))
	if !ok || !isUserType(user.Type) {
		return nil, nil, unfit("user")
	}
	record := &launchRecord{Client: c.ID, User: user.String()}
	if member, ok := record.read(doc); !ok {
		return nil, nil, unfit(member)
	}
	if err := s.readWhere(ctx, by, doc, record); err != nil {
		return nil, nil, err
	}
	if n := doc.Member("style"); n.Exists() {
		style, ok := readStyle(n)
		if !ok {
			return nil, nil, unfit("style")
		}
		if record.Style, err = s.keepStyle(ctx, style); err != nil {
			return nil, nil, err
		}
	}
	return record, c, nil
}

// readWhere takes patient and encounter, which the caller must see.
func (s *Server) readWhere(ctx context.Context, by Reader, doc fhir.Node, record *launchRecord) error {
	patient, ok := s.reference(doc.Member("patient"))
	if !ok || patient.Type != "Patient" {
		return unfit("patient")
	}
	record.Patient = patient.String()
	if seen, err := s.sees(ctx, by, patient, patient); err != nil || !seen {
		return orElse(err, unfit("patient"))
	}
	n := doc.Member("encounter")
	if !n.Exists() {
		return nil
	}
	encounter, ok := s.reference(n)
	if !ok || encounter.Type != "Encounter" {
		return unfit("encounter")
	}
	record.Encounter = encounter.ID
	if seen, err := s.sees(ctx, by, encounter, patient); err != nil || !seen {
		return orElse(err, unfit("encounter"))
	}
	return nil
}

// read takes the members that need no look at records. It names the one that breaks a rule.
func (l *launchRecord) read(doc fhir.Node) (member string, ok bool) {
	l.Banner = doc.Member("need_patient_banner").Text() != "false" // an app that is told nothing must show whose record it is
	if n := doc.Member("intent"); n.Exists() {
		if l.Intent = n.Text(); !isText(n) || len(l.Intent) > maxIntent {
			return "intent", false
		}
	}
	if n := doc.Member("fhirContext"); n.Exists() {
		if l.FHIR, ok = readFHIRContext(n); !ok {
			return "fhirContext", false
		}
	}
	return "", true
}

// orElse returns a failure of the server, else the refusal.
func orElse(failure, refusal error) error {
	if failure != nil {
		return failure
	}
	return refusal
}

// launchable reports whether an EHR can start the client.
func (c *registered) launchable() bool {
	return c.active() && slices.Contains(c.GrantTypes, GrantCode) && len(c.LaunchURIs) > 0 && c.scopes.Has("launch")
}

// reference reads a reference of a launch request: relative, or absolute on this server.
func (s *Server) reference(n fhir.Node) (fhir.Ref, bool) {
	ref, ok := fhir.ParseRef(strings.TrimPrefix(n.Text(), s.fhirBase+"/"))
	return ref, ok && ref.Version == 0
}

// sees reports whether a reader may see a resource that is about the patient.
func (s *Server) sees(ctx context.Context, by Reader, ref, patient fhir.Ref) (bool, error) {
	_, err := s.family.Look(ctx, by, ref, patient)
	if err != nil && fhir.KindOf(err) == fhir.NotFound {
		return false, nil
	}
	return err == nil, unavailable("smart.launch", err)
}

// keepLaunch keeps a launch and returns its handle.
func (s *Server) keepLaunch(ctx context.Context, l *launchRecord) (Secret, error) {
	handle, err := newSecret(s.random, prefixLaunch, secretBytes)
	if err != nil {
		return "", err
	}
	l.Expires = s.clock().Add(s.settings.LaunchTTL).UTC()
	value, err := seal(s.random, handle, launchSeal, l)
	if err != nil {
		return "", err
	}
	return handle, s.state.Put(ctx, kindLaunch, handle.hash(), value, s.settings.LaunchTTL)
}

// takeLaunch ends a handle and returns its launch. Whoever presents a handle first consumes it, also
// when it is not the right client (SMART-203).
func (s *Server) takeLaunch(ctx context.Context, client string, handle Secret) (*launchRecord, error) {
	if !handle.is(prefixLaunch) {
		return nil, refuse("authz.launch")
	}
	value, err := s.state.Take(ctx, kindLaunch, handle.hash())
	if err != nil {
		if fhir.KindOf(err) == fhir.NotFound {
			return nil, refuse("authz.launch")
		}
		return nil, err
	}
	l := &launchRecord{}
	if err := open(handle, launchSeal, value, l); err != nil {
		return nil, err
	}
	if l.Client != client || !s.clock().Before(l.Expires) {
		return nil, refuse("authz.launch")
	}
	return l, nil
}
