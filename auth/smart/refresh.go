package smart

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
)

// refreshRecord is what is kept of a refresh token. It stays after its use until its time is over, so
// that a second use is seen.
type refreshRecord struct {
	Grant   string    `json:"grant"`
	Client  string    `json:"client"`
	Expires time.Time `json:"expires"`
	JKT     string    `json:"jkt,omitempty"` // thumbprint of the key that a public client must show
}

func hasScope(list, scope string) bool { return slices.Contains(strings.Fields(list), scope) }

// issueRefresh issues a refresh token when the grant has one: for offline use it lives until it was
// idle too long, for online use as long as a page of ours would (SMART-421). That of a public client
// is bound to the key of the access token; another must authenticate anyhow (SMART-712).
func (s *Server) issueRefresh(ctx context.Context, i issuance, now time.Time) (Secret, error) {
	idle, g := s.settings.RefreshIdle, i.grant
	switch {
	case hasScope(g.Scopes, "offline_access"):
	case hasScope(g.Scopes, "online_access"):
		idle = s.settings.SessionIdle
	default:
		return "", nil
	}
	life := min(idle, g.End.Sub(now))
	if life <= 0 {
		return "", nil
	}
	token, err := newSecret(s.random, prefixRefresh, secretBytes)
	if err != nil {
		return "", err
	}
	record := refreshRecord{Grant: g.ID, Client: g.Client, Expires: now.Add(life)}
	if i.client.Type == TypePublic {
		record.JKT = i.jkt
	}
	value, err := json.Marshal(record)
	if err != nil {
		return "", err
	}
	return token, s.state.Put(ctx, kindRefresh, token.hash(), value, life)
}

// refreshOf returns the record of a refresh token, nil when there is none.
func (s *Server) refreshOf(ctx context.Context, token Secret) (*refreshRecord, error) {
	if s.family == nil || !token.is(prefixRefresh) {
		return nil, nil
	}
	value, err := s.state.Get(ctx, kindRefresh, token.hash())
	if err != nil {
		return nil, absent(err)
	}
	r := &refreshRecord{}
	if err := json.Unmarshal(value, r); err != nil {
		return nil, err
	}
	if !s.clock().Before(r.Expires) {
		return nil, nil
	}
	return r, nil
}

// liveRefresh returns a refresh token that could be used now and its grant; nil otherwise. It claims
// nothing.
func (s *Server) liveRefresh(ctx context.Context, token Secret) (*refreshRecord, *grantRecord, error) {
	r, err := s.refreshOf(ctx, token)
	if err != nil || r == nil {
		return nil, nil, err
	}
	g, err := s.grantOf(ctx, r.Grant)
	if err != nil {
		return nil, nil, err
	}
	live, err := s.alive(ctx, g)
	if err != nil || !live {
		return nil, nil, err
	}
	return r, g, nil
}

// byRefresh names the public client of a refresh request without client_id (SMART-422).
func (s *Server) byRefresh(ctx context.Context, q request) (*registered, error) {
	record, err := s.refreshOf(ctx, Secret(q.form["refresh_token"]))
	if err != nil {
		return nil, err
	}
	if record == nil {
		return nil, refuse("refresh.unknown")
	}
	return s.byName(ctx, record.Client)
}

// refresh rotates a refresh token (SMART-422 to 425, smart.md 3.3). What does not consume it is judged
// first.
func (s *Server) refresh(ctx context.Context, c *registered, q request) (tokenAnswer, error) {
	token := Secret(q.form["refresh_token"])
	if token == "" {
		return tokenAnswer{}, &fault{rule: "form.missing", name: "refresh_token"}
	}
	record, err := s.refreshOf(ctx, token)
	if err != nil {
		return tokenAnswer{}, err
	}
	if record == nil {
		return tokenAnswer{}, refuse("refresh.unknown")
	}
	if record.Client != c.ID {
		return tokenAnswer{}, refuse("refresh.client")
	}
	if record.JKT != "" && record.JKT != q.jkt() {
		return tokenAnswer{}, refuse("dpop.jkt")
	}
	if err := s.useProof(ctx, q); err != nil {
		return tokenAnswer{}, err
	}
	g, err := s.refreshable(ctx, record.Grant)
	if err != nil {
		return tokenAnswer{}, err
	}
	scopes, err := narrowed(g.Scopes, q.form["scope"])
	if err != nil {
		return tokenAnswer{}, err
	}
	first, at, err := s.state.Once(ctx, kindRefreshUsed, token.hash(), max(record.Expires.Sub(s.clock()), time.Minute))
	if err != nil {
		return tokenAnswer{}, err
	}
	if !first {
		return tokenAnswer{}, s.reused(ctx, c, q, g, s.clock().Sub(at))
	}
	return s.issueUser(ctx, issuance{client: c, grant: g, scopes: scopes, jkt: q.jkt()})
}

// refreshable returns a grant that may be refreshed now: alive, and allowed by custody and age.
func (s *Server) refreshable(ctx context.Context, id string) (*grantRecord, error) {
	g, live, err := s.standing(ctx, id)
	if err != nil {
		return nil, err
	}
	if !live {
		return nil, refuse("refresh.withdrawn")
	}
	if g.isStaff() { // what the organisation may see is decided at each request
		return g, nil
	}
	standing, err := s.family.Standing(ctx, g.user(), refOf(g.Patient))
	if err != nil {
		return nil, unavailable("smart.refresh", err)
	}
	if !standing.Allowed {
		return nil, refuse("refresh.withdrawn")
	}
	return g, nil
}

func (g *grantRecord) user() User { return User{Subject: g.Subject, FHIRUser: refOf(g.FHIRUser)} }

// reused answers the second use of a refresh token: the grant dies, but for two workers of one
// authenticated client that came within the grace.
func (s *Server) reused(ctx context.Context, c *registered, q request, g *grantRecord, after time.Duration) error {
	grace := s.settings.RefreshGraceConfidential
	if c.Type == TypePublic {
		grace = s.settings.RefreshGracePublic
	}
	outcome := "spared"
	if grace == 0 || after > grace {
		if err := s.endGrant(ctx, g.ID); err != nil {
			return err
		}
		outcome = "revoked"
	}
	s.log.LogAttrs(ctx, slog.LevelWarn, "refresh_reuse", slog.String("outcome", outcome), slog.String("client_id", c.ID),
		slog.String("grant", g.ID), slog.String("user", g.FHIRUser), slog.String("patient", g.Patient),
		slog.String("address", q.address), slog.String("request_id", q.id))
	return refuse("refresh.used")
}

// narrowed returns the scopes of a refreshed access token: the grant's, or the part that was asked
// (SMART-423).
func narrowed(granted, asked string) (string, error) {
	if asked == "" {
		return granted, nil
	}
	if !isScopeList(asked) {
		return "", refuse("scope.form")
	}
	whole, err := auth.ParseScopes(granted)
	if err != nil {
		return "", err
	}
	var out []string
	for token := range strings.FieldsSeq(asked) {
		part, known, err := parseScope(token)
		if err != nil {
			return "", err
		}
		if !known {
			continue
		}
		if !part.SubsetOf(whole) {
			return "", refuse("scope.wider")
		}
		if !slices.Contains(out, token) {
			out = append(out, token)
		}
	}
	if len(out) == 0 {
		return "", refuse("scope.none")
	}
	return strings.Join(out, " "), nil
}
