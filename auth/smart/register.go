package smart

import (
	"cmp"
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// appMetadata is what an app says of itself (RFC 7591 2).
type appMetadata struct {
	Client
	responseTypes []string
	bound         bool // dpop_bound_access_tokens
}

// register answers POST /auth/register (SMART-721): whoever holds an initial access token registers
// an app. Nothing gives a dynamic client the rights that only the operator gives.
func (s *Server) register(w http.ResponseWriter, r *http.Request, q request) error {
	ctx := r.Context()
	if r.Method != http.MethodPost {
		return refuse("form.method")
	}
	token, permits, err := s.registrar(ctx, q)
	if err != nil {
		return err
	}
	doc, err := readBody(w, r, "reg")
	if err != nil {
		return err
	}
	m, err := readMetadata(doc)
	if err != nil {
		return err
	}
	added, err := s.admitted(m, permits)
	if err != nil {
		return err
	}
	if err := s.spend(ctx, q, token, permits); err != nil {
		return err
	}
	// Of the organisation the token has made sure.
	record := &registered{Client: added.Client, OrganizationRef: permits.OrganizationRef, OrganizationStored: permits.OrganizationStored}
	by := []slog.Attr{slog.String("token", token.trace()), slog.String("address", q.address), slog.String("request_id", q.id)}
	if err := s.registry.save(ctx, record, "registered itself", by...); err != nil {
		return unavailable("smart.register", err)
	}
	s.writeJSON(w, http.StatusCreated, s.registration(added))
	return nil
}

// admitted is the client that an app becomes, when no rule is against it.
func (s *Server) admitted(m *appMetadata, permits *initialRecord) (Added, error) {
	c, err := s.clientOf(m, permits)
	if err != nil {
		return Added{}, err
	}
	added, err := s.registry.completed(c)
	if err != nil {
		return Added{}, err
	}
	return added, unfitClient(added.Client)
}

// spend takes one use of a token: of all that come at once, no more than it has get through. The use is
// claimed too, since only a claim finds out that the state has lost its memory, and the count with it; the
// tokens of before are over then.
func (s *Server) spend(ctx context.Context, q request, token Secret, permits *initialRecord) error {
	life := permits.Expires.Sub(s.clock())
	used, err := s.state.Count(ctx, bucket("initial", initialKey(token)), life)
	if err != nil {
		return err
	}
	if used > permits.Uses {
		return s.countFailure(ctx, q.address, refuse("reg.token"))
	}
	claim := sha256.Sum256([]byte(initialKey(token) + "/" + strconv.Itoa(used)))
	first, _, err := s.state.Once(ctx, kindAssertion, claim, life)
	if err != nil {
		return err
	}
	if lost := s.lost(); !first || !lost.IsZero() && !permits.Issued.After(lost) {
		return s.countFailure(ctx, q.address, refuse("reg.token"))
	}
	return nil
}

// registrar returns the initial access token of a request and what it permits.
func (s *Server) registrar(ctx context.Context, q request) (Secret, *initialRecord, error) {
	header := q.http.Header.Values("Authorization")
	switch len(header) {
	case 0:
		return "", nil, refuse("token.none")
	case 1:
	default:
		return "", nil, refuse("token.twice")
	}
	token, proof := presented(header[0])
	permits, err := s.registry.initial(ctx, token)
	if err != nil {
		return "", nil, err
	}
	if permits == nil || proof {
		return "", nil, s.countFailure(ctx, q.address, refuse("reg.token"))
	}
	return token, permits, nil
}

// registrable are the members that an app may say of itself; what RFC 7591 knows beside them and what
// it does not know is ignored.
func registrable() []string {
	return []string{
		"client_name", "client_name#nl", "client_name#sv", "client_name#en", "token_endpoint_auth_method", "application_type",
		"grant_types", "redirect_uris", "scope", "jwks", "jwks_uri", "require_pushed_authorization_requests",
	}
}

// refusedMetadata are members that must not be sent: nobody vouches for a statement, and no page shows a
// picture of an app.
func refusedMetadata() []string { return []string{"software_statement", "logo_uri"} }

// readMetadata reads the members that count and holds their JSON shapes.
func readMetadata(doc fhir.Node) (*appMetadata, error) {
	m := &appMetadata{}
	rows := []member{
		listMember("response_types", func(*Client) *[]string { return &m.responseTypes }),
		flagMember("dpop_bound_access_tokens", func(*Client) *bool { return &m.bound }),
	}
	for _, row := range clientMembers() {
		if slices.Contains(registrable(), row.name) {
			rows = append(rows, row)
		}
	}
	for n := range doc.Children() {
		if slices.Contains(refusedMetadata(), n.Name()) {
			return nil, unregistrable(n.Name())
		}
		i := slices.IndexFunc(rows, func(row member) bool { return row.name == n.Name() })
		if i >= 0 && !rows[i].read(&m.Client, n) {
			return nil, unregistrable(n.Name())
		}
	}
	return m, nil
}

// unregistrable names the members that cannot be used.
func unregistrable(members ...string) *fault {
	if slices.Contains(members, "redirect_uris") {
		return refuse("reg.redirect")
	}
	return &fault{rule: "reg.member", name: strings.Join(members, ", ")}
}

// clientOf makes a registration of what an app says of itself, within what the token permits.
func (s *Server) clientOf(m *appMetadata, permits *initialRecord) (Client, error) {
	c := m.Client
	c.AuthMethod = cmp.Or(c.AuthMethod, AuthBasic) // the defaults of RFC 7591 2, not those of a command
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = []string{GrantCode}
	}
	c.Type, c.Status, c.Dynamic = typeOfApp(c), StatusActive, true
	c.Organization = permits.Organization
	if c.Scope == "" {
		c.Scope = permits.Scope
	}
	if m.bound {
		c.DPoP = dpopRequired
	}
	switch {
	case !m.answersFit(c):
		return c, unregistrable("response_types")
	case c.JWKSURI != "" && !strings.HasPrefix(c.JWKSURI, "https://"):
		return c, unregistrable("jwks_uri")
	case m.bound && !s.settings.DPoP:
		return c, unregistrable("dpop_bound_access_tokens")
	case c.RequirePushed && !s.settings.PAR:
		return c, unregistrable("require_pushed_authorization_requests")
	case c.Type == TypeBackend && c.Organization == "":
		return c, unregistrable("grant_types")
	}
	return c, noWider(c.Scope, permits.Scope)
}

// typeOfApp is the type that follows from grants and method.
func typeOfApp(c Client) string {
	switch {
	case slices.Equal(c.GrantTypes, []string{GrantCredentials}):
		return TypeBackend
	case c.AuthMethod == AuthNone:
		return TypePublic
	}
	return TypeConfidential
}

// answersFit holds response_types: code with the code flow, none without.
func (m *appMetadata) answersFit(c Client) bool {
	if len(m.responseTypes) == 0 {
		return true
	}
	return c.Type != TypeBackend && slices.Equal(m.responseTypes, []string{"code"})
}

// noWider holds that scope asks for no more than the token has.
func noWider(scope, most string) error {
	asked, err := auth.ParseScopes(scope)
	if err != nil {
		return unregistrable("scope")
	}
	allowed, err := auth.ParseScopes(most)
	if err != nil {
		return err
	}
	if !asked.SubsetOf(allowed) {
		return refuse("reg.scope")
	}
	return nil
}

// unfitClient names every member that breaks a rule of clients.
func unfitClient(c Client) error {
	var members []string
	for _, i := range checkClient("", c) {
		name, _, _ := strings.Cut(strings.TrimPrefix(i.Expression, "/"), "/")
		if !slices.Contains(members, name) {
			members = append(members, name)
		}
	}
	if len(members) == 0 {
		return nil
	}
	return unregistrable(members...)
}

// registration is the answer of RFC 7591 3.2.1.
func (s *Server) registration(added Added) map[string]any {
	c := added.Client
	m := map[string]any{
		"client_id": c.ID, "client_id_issued_at": s.clock().Unix(), "client_name": c.Name, "scope": c.Scope,
		"token_endpoint_auth_method": c.AuthMethod, "grant_types": c.GrantTypes, "response_types": []string{},
	}
	if slices.Contains(c.GrantTypes, GrantCode) {
		m["response_types"] = []string{"code"}
	}
	if added.Secret != "" {
		m["client_secret"], m["client_secret_expires_at"] = added.Secret.Reveal(), 0
	}
	for name, value := range map[string]string{
		"jwks_uri": c.JWKSURI, "application_type": c.ApplicationType,
		"client_name#nl": c.NameNL, "client_name#sv": c.NameSV, "client_name#en": c.NameEN,
	} {
		if value != "" {
			m[name] = value
		}
	}
	if len(c.RedirectURIs) > 0 {
		m["redirect_uris"] = c.RedirectURIs
	}
	if len(c.JWKS) > 0 {
		m["jwks"] = c.JWKS
	}
	if c.DPoP == dpopRequired {
		m["dpop_bound_access_tokens"] = true
	}
	if c.RequirePushed {
		m["require_pushed_authorization_requests"] = true
	}
	return m
}

// registerEntries are refusals of POST /auth/register.
func registerEntries() []entry {
	const code, ref = "invalid_client_metadata", "SMART-721"
	return []entry{
		{"reg.token", 401, "invalid_token", "The initial access token is unknown, used up or expired.", "The operator makes one with client token.", ref},
		{"reg.type", 415, code, "Send one POST with application/json, not compressed.", "Set Content-Type to application/json, without Content-Encoding.", ref},
		{"reg.size", 413, code, "Send at most 64 KiB.", "Give a large key set by jwks_uri.", ref},
		{"reg.form", 400, code, "Send one JSON object, no member twice.", "The members are those of RFC 7591.", ref},
		{"reg.member", 400, code, "{name} cannot be used.", "The rules are those of every client. software_statement and logo_uri are not taken, jwks_uri is https, response_types is code, and client_credentials needs a token for an organisation.", ref},
		{"reg.redirect", 400, "invalid_redirect_uri", "A redirect URI cannot be used.", "1 to 10, absolute, without fragment, userinfo and *: https, http on a loopback address, or a private-use scheme with a dot for application_type native.", ref},
		{"reg.scope", 400, code, "scope is more than the initial access token permits.", "Ask for less, or leave scope out to have what it permits.", ref},
	}
}
