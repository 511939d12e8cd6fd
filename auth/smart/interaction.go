package smart

import (
	"cmp"
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/upstream"
	"github.com/drieluik/drieluik/fhir"
)

// Times of an interaction (smart.md 3.1) and the bound of its record (ATT-30).
const (
	interactionStep = 15 * time.Minute
	interactionMax  = time.Hour
	maxInteraction  = 8 << 10
	interactionSeal = "interaction"
)

// interaction is a login and consent in progress. It is kept sealed under the cookie of the browser
// that began it: no other browser can even read it.
type interaction struct {
	Client    string    `json:"client,omitempty"` // empty: the user came for the page of apps
	Redirect  string    `json:"redirect,omitempty"`
	State     []byte    `json:"state,omitempty"`
	Scope     string    `json:"scope,omitempty"` // as asked
	Challenge string    `json:"challenge,omitempty"`
	Nonce     string    `json:"nonce,omitempty"`
	JKT       string    `json:"jkt,omitempty"` // dpop_jkt
	Hint      string    `json:"hint,omitempty"`
	Session   string    `json:"session,omitempty"` // after login
	Child     string    `json:"child,omitempty"`   // after the choice
	Staff     bool      `json:"staff,omitempty"`   // a Practitioner has logged in
	Purpose   string    `json:"purpose,omitempty"` // as asked
	Again     bool      `json:"again,omitempty"`   // prompt=consent
	Created   time.Time `json:"created"`

	Launch *launchRecord `json:"launch,omitempty"` // of an EHR launch

	Fresh   bool              `json:"fresh,omitempty"`   // an older login does not count
	Attempt *upstream.Attempt `json:"attempt,omitempty"` // a login elsewhere that has begun
}

// attach notes a login. Of a launch, and of a child that acts for itself, the child is known.
func (i *interaction) attach(s *session) {
	i.Session, i.Child, i.Staff, i.Attempt = s.id(), "", s.who.staff(), nil
	switch {
	case i.Launch != nil:
		i.Child = i.Launch.Patient
	case s.who.ref.Type == "Patient":
		i.Child = s.who.ref.String()
	}
}

// isFor reports whether a person may go on with an interaction: a launch is for one user.
func (i *interaction) isFor(who *account) bool {
	return i.Launch == nil || i.Launch.User == who.FHIRUser
}

// next is the page that an interaction needs next.
func (i *interaction) next(id Secret) string {
	path := "/auth/consent"
	switch {
	case i.Session == "":
		path = "/auth/login"
	case i.Client == "":
		return "/auth/apps"
	case i.Child == "" && !i.Staff:
		path = "/auth/child"
	}
	return path + "?ixn=" + url.QueryEscape(id.Reveal())
}

// begin keeps a new interaction and returns its id.
func (s *Server) begin(ctx context.Context, browser Secret, i *interaction) (Secret, error) {
	id, err := newSecret(s.random, prefixInteraction, secretBytes)
	if err != nil {
		return "", err
	}
	return id, s.keep(ctx, id, browser, i)
}

func (s *Server) keep(ctx context.Context, id, browser Secret, i *interaction) error {
	left := min(interactionStep, i.Created.Add(interactionMax).Sub(s.clock()))
	if left <= 0 {
		return late()
	}
	value, err := seal(s.random, browser, interactionSeal, i)
	if err != nil {
		return err
	}
	if len(value) > maxInteraction {
		return refuse("scope.form")
	}
	return s.state.Put(ctx, kindInteraction, id.hash(), value, left)
}

// flow is an interaction on the page of its browser.
type flow struct {
	*interaction
	id      Secret
	browser Secret
	client  *registered      // nil: the page of apps
	session *session         // nil: not logged in yet, or no more
	glass   *auth.BreakGlass // of an emergency, once a reason was given
}

// flow finds the interaction of a page.
func (s *Server) flow(v *visit) (*flow, error) { return s.flowOf(v, Secret(v.value("ixn"))) }

// flowOf finds an interaction by its id.
func (s *Server) flowOf(v *visit, id Secret) (*flow, error) {
	f := &flow{interaction: &interaction{}, id: id, browser: cookie(v.r, cookieBrowser, prefixBrowser)}
	if !f.id.is(prefixInteraction) {
		return nil, late()
	}
	value, err := s.state.Get(v.ctx(), kindInteraction, f.id.hash())
	if err != nil {
		if fhir.KindOf(err) == fhir.NotFound {
			return nil, late()
		}
		return nil, err
	}
	if open(f.browser, interactionSeal, value, f.interaction) != nil {
		return nil, foreign()
	}
	v.flow = id
	if err := s.loadClient(v.ctx(), f); err != nil {
		return nil, err
	}
	current, err := s.session(v.ctx(), v.r)
	if err != nil {
		return nil, err
	}
	if current != nil && current.id() == f.Session && current.who.staff() == f.Staff && f.isFor(current.who) {
		f.session = current // else the operator has bound the account to somebody else meanwhile
	}
	return f, nil
}

func (s *Server) loadClient(ctx context.Context, f *flow) error {
	if f.Client == "" {
		return nil
	}
	c, found, err := s.registry.lookup(ctx, f.Client)
	if err != nil {
		return err
	}
	if !found || !c.active() {
		return &pageFault{status: http.StatusBadRequest, text: "broken", rule: "authz.client"}
	}
	f.client = c
	if c.nobodys() {
		own := *c
		own.leadsTo = hostOf(f.Redirect)
		f.client = &own
	}
	return nil
}

// take ends the interaction: exactly one form of all tabs gets through.
func (s *Server) take(ctx context.Context, f *flow) error {
	_, err := s.state.Take(ctx, kindInteraction, f.id.hash())
	if err != nil && fhir.KindOf(err) == fhir.NotFound {
		return late()
	}
	return err
}

// advance keeps what a form changed, for another quarter of an hour, and goes to the next page.
func (s *Server) advance(v *visit, f *flow) error {
	if err := s.take(v.ctx(), f); err != nil {
		return err
	}
	if err := s.keep(v.ctx(), f.id, f.browser, f.interaction); err != nil {
		return err
	}
	return v.seeOther(f.next(f.id))
}

// toLogin sends a browser without its login to the login page.
func (f *flow) toLogin(v *visit) error {
	return v.seeOther("/auth/login?ixn=" + url.QueryEscape(f.id.Reveal()))
}

// appName is the name of the client in the language of the page, exactly as registered.
func (c *registered) appName(lang string) string {
	if name := map[string]string{"nl": c.NameNL, "sv": c.NameSV, "en": c.NameEN}[lang]; name != "" {
		return name
	}
	return c.Name
}

// organizationText is the name of the client's organisation as registered, else as it was stored then. An
// app that registered itself for no organisation cannot name one: the host to which the page leads back
// stands for it, empty where there is none.
func (c *registered) organizationText() string {
	if c.nobodys() {
		return c.leadsTo
	}
	return cmp.Or(c.OrganizationName, c.OrganizationStored, c.Name)
}

// sessionHash reads the id of a session that a grant or interaction names.
func sessionHash(id string) ([32]byte, bool) {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != 32 {
		return [32]byte{}, false
	}
	return [32]byte(b), true
}
