package smart

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// grantRecord is what a user delegated to a client (smart.md 3.1). It holds ids alone, and nothing of
// it changes after it was written: to end a grant is to remove it.
type grantRecord struct {
	ID       string    `json:"id"`
	Client   string    `json:"client"`
	Subject  string    `json:"subject"`
	FHIRUser string    `json:"fhir_user"`
	Patient  string    `json:"patient,omitempty"` // Patient/id; of staff without a launch empty
	Scopes   string    `json:"scopes"`            // as answered
	Consent  string    `json:"consent,omitempty"` // Consent/id; of staff empty
	Session  string    `json:"session,omitempty"`
	AuthTime time.Time `json:"auth_time"`
	ACR      string    `json:"acr"`
	Created  time.Time `json:"created"`
	End      time.Time `json:"end"`

	Organization string         `json:"organization,omitempty"` // Organization/id of staff
	Purpose      string         `json:"purpose,omitempty"`      // of staff; of a family the role's default at each request
	Launch       string         `json:"launch,omitempty"`       // ehr, or empty: standalone
	Context      *launchContext `json:"context,omitempty"`      // of an EHR launch
	BTG          *glassRecord   `json:"btg,omitempty"`          // of an emergency

	reason string // of an emergency, on its way to the code and to the token
}

// codeRecord is what is kept of a code, sealed under the code itself: a day, so that a replay is
// seen, of which CodeTTL is its life.
type codeRecord struct {
	Grant     string    `json:"grant"`
	Client    string    `json:"client"`
	Redirect  string    `json:"redirect"`
	Challenge string    `json:"challenge"`
	Nonce     string    `json:"nonce,omitempty"`
	Reason    string    `json:"reason,omitempty"` // of an emergency
	Expires   time.Time `json:"expires"`
	JKT       string    `json:"jkt,omitempty"` // thumbprint of the key that must redeem it
}

const (
	codeSeal   = "code"
	codeMemory = day
)

func grantKey(id string) [32]byte { return sha256.Sum256([]byte("grant\x00" + id)) }

// usedKey is where the last use of a grant is noted, apart from the grant, so that a note can never
// bring back a grant that was ended meanwhile.
func usedKey(grant string) [32]byte { return sha256.Sum256([]byte("used\x00" + grant)) }

// consentKey leads from a Consent to its grant.
func consentKey(consent string) [32]byte { return sha256.Sum256([]byte("consent\x00" + consent)) }

// makeGrant writes the FHIR Consent, then the grant, then the code.
func (s *Server) makeGrant(v *visit, f *flow, o *offer, chosen *ChildChoice, t ticks, permitted auth.Scopes) (Secret, error) {
	ctx, user := v.ctx(), f.session.who.user()
	standing, err := s.family.Standing(ctx, user, chosen.Patient)
	if err != nil {
		return "", err
	}
	id, err := newSecret(s.random, prefixGrant, 16)
	if err != nil {
		return "", err
	}
	now := s.clock().UTC()
	given := consentOf(v, f, o, chosen, t, permitted)
	given.From, given.Until = now, s.endOf(f.session, chosen, t, now)
	if purposes := auth.Purposes(standing.Role); len(purposes) > 0 {
		given.Purpose = purposes[0]
	}
	g := &grantRecord{
		ID: id.Reveal(), Client: f.client.ID, Subject: user.Subject, FHIRUser: user.FHIRUser.String(),
		Patient: given.Patient.String(), Scopes: strings.Join(o.granted(permitted, t.duration), " "),
		AuthTime: f.session.At, ACR: f.session.ACR, Created: now, End: given.Until,
	}
	if t.duration == durationOnce {
		g.Session = f.session.id()
	}
	if f.Launch != nil {
		if err := s.launched(ctx, g, f.Launch, familyReader(v, f, standing, given)); err != nil {
			return "", err
		}
	}
	consent, err := s.family.GrantConsent(ctx, given)
	if err != nil {
		return "", err
	}
	g.Consent = consent.Current().String()
	if err := s.saveGrant(ctx, g); err != nil {
		return "", err
	}
	s.logVisit(v, slog.LevelInfo, "consent_given", slog.String("outcome", "ok"), slog.String("client_id", g.Client),
		slog.String("user", g.FHIRUser), slog.String("patient", g.Patient), slog.String("grant", g.ID),
		slog.String("consent", g.Consent), slog.Int("text_version", textVersion), slog.String("scopes", g.Scopes))
	return s.issueCode(ctx, g, f.interaction, now)
}

// consentOf says what the user permits, without purpose and time.
func consentOf(v *visit, f *flow, o *offer, chosen *ChildChoice, t ticks, permitted auth.Scopes) ConsentGrant {
	given := ConsentGrant{
		User: f.session.who.user(), Patient: chosen.Patient.Current(), Performer: chosen.Performer.Current(),
		ClientID: f.client.ID, ClientName: f.client.Name, Organization: f.client.org, Scopes: strings.Fields(permitted.String()),
		Text: consentText(v, f, chosen, permitted, t), Language: v.lang, TextVersion: textVersion,
	}
	for _, k := range o.types {
		if reads(permitted, k) || changes(permitted, k) {
			given.Types, given.Write = append(given.Types, k), given.Write || changes(permitted, k)
		}
	}
	return given
}

// familyReader is the user as the log names who looked at what a launch hands over.
func familyReader(v *visit, f *flow, standing Standing, given ConsentGrant) Reader {
	return Reader{Address: v.address, RequestID: v.id, Principal: auth.Principal{
		State: auth.TokenActive, Role: standing.Role, Client: f.client.ID, ClientName: f.client.Name, Subject: given.User.Subject,
		FHIRUser: given.User.FHIRUser, Patient: given.Patient, Scopes: f.client.scopes, Purpose: given.Purpose, Launch: launchEHR,
	}}
}

// endOf is the end of a grant: the user's choice, but not past a birthday at which this user's
// representation changes.
func (s *Server) endOf(current *session, chosen *ChildChoice, t ticks, now time.Time) time.Time {
	end := current.End
	switch t.duration {
	case durationKept:
		end = t.until
	case durationMonth:
		end = now.Add(min(90*day, s.settings.RefreshMax))
	case durationYear:
		end = now.Add(min(365*day, s.settings.RefreshMax))
	}
	if !chosen.Until.IsZero() && chosen.Until.Before(end) {
		end = chosen.Until
	}
	return end.UTC()
}

func (s *Server) saveGrant(ctx context.Context, g *grantRecord) error {
	value, err := json.Marshal(g)
	if err != nil {
		return err
	}
	life := max(g.End.Sub(s.clock()), time.Second)
	if g.isStaff() { // listed first: what is listed opens nothing
		if err := s.users.listGrant(ctx, g); err != nil {
			return err
		}
	}
	if err := s.state.Put(ctx, kindGrant, grantKey(g.ID), value, life); err != nil {
		return err
	}
	if g.isStaff() {
		return nil
	}
	return s.state.Put(ctx, kindGrant, consentKey(g.Consent), []byte(g.ID), life)
}

func (s *Server) issueCode(ctx context.Context, g *grantRecord, ixn *interaction, now time.Time) (Secret, error) {
	code, err := newSecret(s.random, prefixCode, secretBytes)
	if err != nil {
		return "", err
	}
	value, err := seal(s.random, code, codeSeal, codeRecord{
		Grant: g.ID, Client: g.Client, Redirect: ixn.Redirect, Challenge: ixn.Challenge, Nonce: ixn.Nonce, JKT: ixn.JKT,
		Reason: g.reason, Expires: now.Add(s.settings.CodeTTL),
	})
	if err != nil {
		return "", err
	}
	return code, s.state.Put(ctx, kindCode, code.hash(), value, codeMemory)
}

// grantOf returns a grant that stands, nil when it was ended or is over.
func (s *Server) grantOf(ctx context.Context, id string) (*grantRecord, error) {
	value, err := s.state.Get(ctx, kindGrant, grantKey(id))
	if err != nil {
		return nil, absent(err)
	}
	g := &grantRecord{}
	if err := json.Unmarshal(value, g); err != nil {
		return nil, err
	}
	return g, nil
}

// standing returns a grant, and whether it is alive now.
func (s *Server) standing(ctx context.Context, id string) (*grantRecord, bool, error) {
	g, err := s.grantOf(ctx, id)
	if err != nil {
		return nil, false, err
	}
	live, err := s.alive(ctx, g)
	return g, live, err
}

// alive is the per-request check of smart.md 3.1 from the grant to the Consent, in that order: the
// grant, its session, the user, the Consent, or in an emergency the organisation. Custody and age are
// auth.Decide's.
func (s *Server) alive(ctx context.Context, g *grantRecord) (bool, error) {
	if g == nil || !s.clock().Before(g.End) {
		return false, nil
	}
	if g.Session != "" {
		hash, ok := sessionHash(g.Session)
		if !ok {
			return false, nil
		}
		current, err := s.sessionOf(ctx, hash)
		if err != nil || current == nil || current.Subject != g.Subject {
			return false, err
		}
	}
	who, err := s.users.bySubject(ctx, g.Subject)
	if err != nil || who == nil || !who.active() || who.FHIRUser != g.FHIRUser || who.OrganizationRef != g.Organization {
		return false, err
	}
	if g.isStaff() {
		if g.BTG == nil {
			return true, nil
		}
		return s.registry.permitsEmergency(ctx, who.org)
	}
	live, err := s.family.ConsentLive(ctx, refOf(g.Consent))
	return live && err == nil, unavailable("smart.alive", err)
}

// endGrant kills every token of a grant with the next request.
func (s *Server) endGrant(ctx context.Context, id string) error {
	value, err := s.state.Take(ctx, kindGrant, grantKey(id))
	if err != nil {
		return absent(err)
	}
	g := &grantRecord{}
	if err := json.Unmarshal(value, g); err != nil {
		return err
	}
	s.ended(ctx, g)
	return nil
}

// redeem gives the tokens of a code (SMART-108, 109, 308). Whoever presents a code first consumes it;
// whoever comes later kills its grant.
func (s *Server) redeem(ctx context.Context, c *registered, q request) (tokenAnswer, error) {
	code := Secret(q.form["code"])
	if code == "" {
		return tokenAnswer{}, &fault{rule: "form.missing", name: "code"}
	}
	record, err := s.codeOf(ctx, code)
	if err != nil {
		return tokenAnswer{}, err
	}
	if err := s.useProof(ctx, q); err != nil {
		return tokenAnswer{}, err
	}
	g, err := s.grantOf(ctx, record.Grant) // before the claim: losers end the grant after it
	if err != nil {
		return tokenAnswer{}, err
	}
	first, _, err := s.state.Once(ctx, kindCodeUsed, code.hash(), codeMemory)
	if err != nil {
		return tokenAnswer{}, err
	}
	if !first {
		return tokenAnswer{}, s.codeReplayed(ctx, q, c, record.Grant)
	}
	if err := s.checkCode(record, c, q); err != nil {
		if ended := s.endGrant(ctx, record.Grant); ended != nil { // nobody can use it any more
			return tokenAnswer{}, ended
		}
		return tokenAnswer{}, err
	}
	live, err := s.alive(ctx, g)
	if err != nil {
		return tokenAnswer{}, err
	}
	if !live {
		return tokenAnswer{}, refuse("refresh.withdrawn")
	}
	g.reason = record.Reason
	return s.issueUser(ctx, issuance{client: c, grant: g, scopes: g.Scopes, nonce: record.Nonce, jkt: q.jkt()})
}

// codeOf returns what is kept of a code. It claims nothing.
func (s *Server) codeOf(ctx context.Context, code Secret) (*codeRecord, error) {
	if s.family == nil || !code.is(prefixCode) {
		return nil, refuse("code.unknown")
	}
	value, err := s.state.Get(ctx, kindCode, code.hash())
	if err != nil {
		if fhir.KindOf(err) == fhir.NotFound {
			return nil, refuse("code.unknown")
		}
		return nil, err
	}
	record := &codeRecord{}
	return record, open(code, codeSeal, value, record)
}

func (s *Server) codeReplayed(ctx context.Context, q request, c *registered, grant string) error {
	if err := s.endGrant(ctx, grant); err != nil {
		return err
	}
	s.log.LogAttrs(ctx, slog.LevelWarn, "code_replay", slog.String("outcome", "refused"), slog.String("client_id", c.ID),
		slog.String("grant", grant), slog.String("address", q.address), slog.String("request_id", q.id))
	return refuse("code.used")
}

// checkCode judges a code that was just consumed.
func (s *Server) checkCode(record *codeRecord, c *registered, q request) error {
	switch {
	case record.Client != c.ID:
		return refuse("code.client")
	case !s.clock().Before(record.Expires):
		return refuse("code.expired")
	case record.Redirect != q.form["redirect_uri"]:
		return refuse("code.redirect")
	case !verifies(q.form["code_verifier"], record.Challenge):
		return refuse("code.pkce")
	case record.JKT != "" && record.JKT != q.jkt():
		return refuse("dpop.jkt")
	}
	return nil
}

// verifies holds RFC 7636 with S256.
func verifies(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 || strings.ContainsFunc(verifier, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
	}) {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// issuance is what tokens are issued for.
type issuance struct {
	client *registered
	grant  *grantRecord
	scopes string // of the access token: the grant's, or less
	nonce  string // of the id_token; empty: none
	jkt    string // thumbprint of the key that the access token is bound to; empty: none
}

// issueUser issues the tokens of a grant.
func (s *Server) issueUser(ctx context.Context, i issuance) (tokenAnswer, error) {
	now, g := s.clock().UTC(), i.grant
	expires := now.Add(s.settings.AccessTokenTTL)
	if g.End.Before(expires) {
		expires = g.End
	}
	answer, err := s.issue(ctx, accessRecord{
		Client: g.Client, Scopes: i.scopes, Grant: g.ID, Issued: now, Expires: expires, JKT: i.jkt, reason: g.reason,
	})
	if err != nil {
		return tokenAnswer{}, err
	}
	answer.Context, answer.grant = s.context(g), g
	if answer.Refresh, err = s.issueRefresh(ctx, i, now); err != nil {
		return tokenAnswer{}, err
	}
	if hasScope(i.scopes, "openid") {
		if answer.IDToken, err = s.idToken(ctx, g, i.nonce, hasScope(i.scopes, "fhirUser")); err != nil {
			return tokenAnswer{}, err
		}
	}
	stamp, err := now.MarshalText()
	if err != nil {
		return tokenAnswer{}, err
	}
	return answer, s.state.Put(ctx, kindGrant, usedKey(g.ID), stamp, max(g.End.Sub(now), time.Second))
}
