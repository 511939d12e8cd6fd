package smart_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

// faults returns "pointer rule" of every issue of err.
func faults(err error) []string {
	var e *fhir.Error
	if !errors.As(err, &e) {
		return nil
	}
	out := []string{}
	for _, i := range e.Issues {
		out = append(out, i.Expression+" "+i.Diagnostics)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func backendClient(t *testing.T) map[string]any {
	t.Helper()
	return map[string]any{
		"client_id": "c1", "client_name": "Kinderthuiszorg", "type": "backend", "token_endpoint_auth_method": "private_key_jwt",
		"grant_types": []string{"client_credentials"}, "scope": "system/CarePlan.rs", "jwks": jwks(ecKey(t, "k")),
		"organization": "http://fhir.nl/fhir/NamingSystem/ura|90000001", "status": "active",
	}
}

func publicClient() map[string]any {
	return map[string]any{
		"client_id": "app", "client_name": "App", "type": "public", "token_endpoint_auth_method": "none",
		"grant_types": []string{"authorization_code", "refresh_token"}, "scope": "patient/CarePlan.rs openid launch/patient",
		"redirect_uris": []string{"https://app.example/cb"}, "organization": "urn:x|1", "status": "active",
	}
}

func file(clients ...map[string]any) []byte {
	list := []any{}
	for _, c := range clients {
		list = append(list, c)
	}
	return toJSON(map[string]any{"clients": list})
}

func TestImportRegistersEveryMember(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	confidential := map[string]any{
		"client_id": "viewer", "client_name": "Viewer", "client_name#nl": "Kijker", "client_name#sv": "Visare", "client_name#en": "Viewer",
		"type": "confidential", "token_endpoint_auth_method": "client_secret_basic", "application_type": "web",
		"grant_types": []string{"authorization_code"}, "redirect_uris": []string{"https://v.example/cb", "http://127.0.0.1/cb"},
		"launch_uris": []string{"https://v.example/launch"}, "origins": []string{"https://v.example"},
		"scope": "user/Patient.r", "required_scope": "user/Patient.r", "client_secret_sha256": []string{strings.Repeat("ab", 32)},
		"organization": "urn:x|2", "organization_name": "Ziekenhuis", "organization_type": []string{"hsl", "ziekenhuis", "urn:t|x"},
		"purposes": []string{"BTG", "ETREAT"}, "may_launch": true, "may_introspect": true, "skip_consent": true,
		"dpop": "optional", "require_pushed_authorization_requests": true, "status": "disabled",
	}
	n, err := b.registry.Import(t.Context(), file(backendClient(t), publicClient(), confidential))
	check(t, err)
	if n != 3 {
		t.Errorf("imported %d, want 3", n)
	}
	got, err := b.registry.Show(t.Context(), "viewer")
	check(t, err)
	var back map[string]any
	check(t, json.Unmarshal(toJSON(got), &back))
	var want map[string]any
	check(t, json.Unmarshal(toJSON(confidential), &want))
	if d := cmp.Diff(want, back); d != "" {
		t.Errorf("client (-want +got):\n%s", d)
	}
	wantOrg := smart.Organization{
		Identifier: fhir.Identifier{System: "urn:x", Value: "2"}, Name: "Ziekenhuis", NameIfNew: "Viewer",
		Types: []fhir.Identifier{
			{System: fhir.Canonical + "/CodeSystem/se-verksamhet", Value: "hsl"},
			{System: fhir.Canonical + "/CodeSystem/organisatie-soort", Value: "ziekenhuis"},
			{System: "urn:t", Value: "x"},
		},
	}
	if d := cmp.Diff(wantOrg, b.orgs[2]); d != "" {
		t.Errorf("organisation (-want +got):\n%s", d)
	}
	clients, err := b.registry.List(t.Context())
	check(t, err)
	if len(clients) != 3 || clients[0].ID != "app" || clients[2].ID != "viewer" {
		t.Errorf("list = %v", clients)
	}
}

func TestImportNamesTheMember(t *testing.T) {
	t.Parallel()
	with := func(c map[string]any, pairs ...any) map[string]any {
		changes := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			changes[pairs[i].(string)] = pairs[i+1]
		}
		return merge(c, changes)
	}
	be := func(pairs ...any) map[string]any { return with(backendClient(t), pairs...) }
	pub := func(pairs ...any) map[string]any { return with(publicClient(), pairs...) }
	cases := map[string]struct {
		client map[string]any
		want   string // "" = accepted
	}{
		"straight":                 {be(), ""},
		"straight public":          {pub(), ""},
		"no client_id":             {be("client_id", nil), "client_id"},
		"client_id with a blank":   {be("client_id", "a b"), "client_id"},
		"client_id begins wrong":   {be("client_id", "-a"), "client_id"},
		"client_id of 129":         {be("client_id", strings.Repeat("a", 129)), "client_id"},
		"client_id as URL":         {be("client_id", "https:x/y~z"), ""},
		"no name":                  {be("client_name", nil), "client_name"},
		"name of 81":               {be("client_name", strings.Repeat("é", 81)), "client_name"},
		"name of 80":               {be("client_name", strings.Repeat("é", 80)), ""},
		"name turns direction":     {be("client_name", "Bank\u202egro"), "client_name"},
		"name with a control":      {be("client_name", "Bank\u0007"), "client_name"},
		"translated name":          {be("client_name#sv", "a\nb"), "client_name#sv"},
		"unknown type":             {be("type", "super"), "type"},
		"none for backend":         {be("token_endpoint_auth_method", "none"), "token_endpoint_auth_method"},
		"secret for backend":       {be("token_endpoint_auth_method", "client_secret_basic"), "token_endpoint_auth_method"},
		"jwt for public":           {pub("token_endpoint_auth_method", "private_key_jwt"), "token_endpoint_auth_method"},
		"unknown grant":            {pub("grant_types", []string{"password"}), "grant_types"},
		"credentials for public":   {pub("grant_types", []string{"authorization_code", "client_credentials"}), "grant_types"},
		"code for backend":         {be("grant_types", []string{"authorization_code", "client_credentials"}), "grant_types"},
		"grant twice":              {pub("grant_types", []string{"authorization_code", "authorization_code"}), "grant_types"},
		"no redirect":              {pub("redirect_uris", nil), "redirect_uris"},
		"redirect on http":         {pub("redirect_uris", []string{"http://app.example/cb"}), "redirect_uris"},
		"redirect with fragment":   {pub("redirect_uris", []string{"https://app.example/cb#x"}), "redirect_uris"},
		"redirect with userinfo":   {pub("redirect_uris", []string{"https://u@app.example/cb"}), "redirect_uris"},
		"redirect with wildcard":   {pub("redirect_uris", []string{"https://*.app.example/cb"}), "redirect_uris"},
		"redirect is relative":     {pub("redirect_uris", []string{"/cb"}), "redirect_uris"},
		"redirect to javascript":   {pub("redirect_uris", []string{"javascript:alert(1)"}), "redirect_uris"},
		"redirect to loopback":     {pub("redirect_uris", []string{"http://[::1]/cb"}), ""},
		"private scheme, web":      {pub("redirect_uris", []string{"com.example.app:/cb"}), "redirect_uris"},
		"private scheme, native":   {pub("redirect_uris", []string{"com.example.app:/cb"}, "application_type", "native"), ""},
		"scheme without dot":       {pub("redirect_uris", []string{"myapp:/cb"}, "application_type", "native"), "redirect_uris"},
		"eleven redirects":         {pub("redirect_uris", slices.Repeat([]string{"https://app.example/cb"}, 11)), "redirect_uris"},
		"launch on http":           {pub("launch_uris", []string{"http://app.example/l"}), "launch_uris"},
		"origin null":              {pub("origins", []string{"null"}), "origins"},
		"origin wildcard":          {pub("origins", []string{"*"}), "origins"},
		"origin with path":         {pub("origins", []string{"https://app.example/"}), "origins"},
		"origin with port":         {pub("origins", []string{"https://app.example:8443"}), ""},
		"no scope":                 {be("scope", nil), "scope"},
		"scope with a typo":        {be("scope", "system/CarePlan.rs system/CarePlam.rs"), "scope"},
		"scope out of order":       {be("scope", "system/CarePlan.sr"), "scope"},
		"wildcard under patient":   {pub("scope", "patient/*.rs"), "scope"},
		"wildcard under system":    {be("scope", "system/*.cruds"), ""},
		"scope with a tab":         {be("scope", "system/CarePlan.rs\tsystem/Goal.rs"), "scope"},
		"default scope, public":    {pub("default_scope", "patient/CarePlan.rs"), "default_scope"},
		"default scope":            {be("default_scope", "system/CarePlan.r"), ""},
		"no keys":                  {be("jwks", nil), "jwks"},
		"both kinds of keys":       {be("jwks_uri", "https://x.example/jwks"), "jwks"},
		"keys by URL":              {be("jwks", nil, "jwks_uri", "https://x.example/jwks"), ""},
		"keys by plain http":       {be("jwks", nil, "jwks_uri", "http://x.example/jwks"), "jwks_uri"},
		"keys of a public client":  {pub("jwks_uri", "https://x.example/jwks"), "jwks"},
		"private keys":             {be("jwks", map[string]any{"keys": []any{map[string]any{"kty": "oct", "kid": "a", "k": "AA"}}}), "jwks"},
		"keys are an array":        {be("jwks", []any{}), "jwks"},
		"plain secret":             {be("client_secret", "hunter2"), "client_secret"},
		"secret hash for keys":     {be("client_secret_sha256", []string{strings.Repeat("ab", 32)}), "client_secret_sha256"},
		"unknown algorithm":        {be("assertion_algs", []string{"HS256"}), "assertion_algs"},
		"pinned algorithm":         {be("assertion_algs", []string{"PS384"}), ""},
		"no organisation":          {be("organization", nil), "organization"},
		"organisation, bare value": {be("organization", "90000001"), "organization"},
		"organisation type":        {be("organization_type", []string{"hospital"}), "organization_type"},
		"unknown purpose":          {be("purposes", []string{"TREAT"}), "purposes"},
		"skip_consent of an app":   {pub("skip_consent", true), "skip_consent"},
		"may_launch of an app":     {pub("may_launch", true), "may_launch"},
		"a flag as text":           {be("admin", "true"), "admin"},
		"dpop":                     {be("dpop", "always"), "dpop"},
		"status":                   {be("status", "retired"), "status"},
		"null is no string":        {be("client_name", json.RawMessage("null")), "client_name"},
		"unknown member":           {be("client_nmae", "x"), "member"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			_, err := b.registry.Import(t.Context(), file(c.client))
			if c.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if fhir.KindOf(err) != fhir.Unprocessable {
				t.Fatalf("err = %v, want Unprocessable", err)
			}
			if !slices.ContainsFunc(faults(err), func(f string) bool { return strings.HasSuffix(f, " client."+c.want) }) {
				t.Errorf("faults = %v, want client.%s", faults(err), c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error repeats a secret")
			}
		})
	}
}

func TestImportReportsEveryFaultAndWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	bad := merge(backendClient(t), map[string]any{"client_id": "c 2", "scope": "", "status": "x", "purposes": []string{"COC", "X", "Y"}})
	_, err := b.registry.Import(t.Context(), file(backendClient(t), bad, backendClient(t)))
	want := []string{
		"/clients/1/client_id client.client_id", "/clients/1/purposes/1 client.purposes", "/clients/1/purposes/2 client.purposes",
		"/clients/1/scope client.scope", "/clients/1/status client.status", "/clients/2/client_id client.client_id",
	}
	if d := cmp.Diff(want, faults(err)); d != "" {
		t.Errorf("faults (-want +got):\n%s", d)
	}
	if len(b.store.rows) != 0 || len(b.orgs) != 0 {
		t.Errorf("something was written: %d clients, %d organisations", len(b.store.rows), len(b.orgs))
	}
	for _, src := range []string{"", "[]", "{}", `{"clients":{}}`, `{"clients":[1]}`, `{"clients":[],"x":1}`, `{"clients":[{"client_id":"a","client_id":"b"}]}`} {
		if _, err := b.registry.Import(t.Context(), []byte(src)); fhir.KindOf(err) != fhir.Unprocessable {
			t.Errorf("%q: %v, want Unprocessable", src, err)
		}
	}
}

func TestAClientWithoutItsOrganizationIsNotWritten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.orgDown = fhir.Errorf(fhir.Unavailable, "exchange.RegisterOrganization", "transient", "busy", "Try again.")
	_, err := b.registry.Import(t.Context(), file(backendClient(t)))
	if fhir.KindOf(err) != fhir.Unavailable || len(b.store.rows) != 0 {
		t.Errorf("import: %v with %d clients written, want Unavailable and none", err, len(b.store.rows))
	}
	_, err = b.registry.Add(t.Context(), smart.Client{Name: "B", Type: smart.TypeBackend, Scope: scope, JWKS: jwks(ecKey(t, "k")), Organization: "urn:x|1"})
	if fhir.KindOf(err) != fhir.Unavailable || len(b.store.rows) != 0 {
		t.Errorf("add: %v with %d clients written, want Unavailable and none", err, len(b.store.rows))
	}
}

func TestAddFillsWhatFollows(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	added := b.add(smart.Client{Name: "Backend", Type: smart.TypeBackend, Scope: scope, JWKS: jwks(k), Organization: "urn:x|1"})
	c := added.Client
	if len(c.ID) != 24 || !strings.HasPrefix(c.ID, "c_") || c.AuthMethod != smart.AuthJWT || c.Status != smart.StatusActive ||
		!slices.Equal(c.GrantTypes, []string{smart.GrantCredentials}) || added.Secret != "" {
		t.Errorf("client = %+v", c)
	}
	b.bearer(c.ID, k)
	if _, err := b.registry.Add(t.Context(), c); fhir.KindOf(err) != fhir.Conflict {
		t.Errorf("the same id again: %v, want Conflict", err)
	}
	if _, err := b.registry.Add(t.Context(), smart.Client{Type: "x"}); len(faults(err)) < 5 {
		t.Errorf("faults = %v, want all of them", faults(err))
	}
	for _, f := range []func() error{
		func() error { _, err := b.registry.Show(t.Context(), "nobody"); return err },
		func() error { return b.registry.Disable(t.Context(), "nobody") },
		func() error { _, err := b.registry.Rotate(t.Context(), "no body", smart.Rotation{}); return err },
	} {
		if err := f(); fhir.KindOf(err) != fhir.NotFound {
			t.Errorf("unknown client: %v, want NotFound", err)
		}
	}
}

func TestSecretPrintsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	secret := b.confidential("viewer", smart.AuthBasic)
	if !strings.HasPrefix(secret.Reveal(), "drs_") || len(secret.Reveal()) != 47 {
		t.Errorf("secret has another form")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, secret); got != "***" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if got := string(toJSON(smart.Added{Secret: secret})); strings.Contains(got, "drs_") {
		t.Errorf("JSON prints %s", got)
	}
}

func TestRotateKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old, fresh := ecKey(t, "old"), ecKey(t, "fresh")
	b.backend("homecare", old)
	_, err := b.registry.Rotate(t.Context(), "homecare", smart.Rotation{JWKS: jwks(fresh)})
	check(t, err)
	wantFault(t, b.token("homecare", old), 401, "invalid_client", "jwt.kid")
	b.bearer("homecare", fresh)
	if _, err := b.registry.Rotate(t.Context(), "homecare", smart.Rotation{}); fhir.KindOf(err) != fhir.Unprocessable {
		t.Errorf("without keys: %v, want Unprocessable", err)
	}
	if _, err := b.registry.Rotate(t.Context(), "homecare", smart.Rotation{JWKS: []byte(`{"keys":[]}`)}); fhir.KindOf(err) != fhir.Unprocessable {
		t.Errorf("with an empty set: %v, want Unprocessable", err)
	}
}

func TestRotateSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	works := func(s smart.Secret) bool {
		a := b.post("/auth/introspect", url.Values{"token": {"x"}}, "Authorization", fmtBasic("viewer", s.Reveal()))
		return a.status == http.StatusOK
	}
	first := b.confidential("viewer", smart.AuthBasic)
	second, err := b.registry.Rotate(t.Context(), "viewer", smart.Rotation{})
	check(t, err)
	if !works(first) || !works(second) {
		t.Error("both secrets must live for 24 hours")
	}
	b.advance(24 * time.Hour)
	if works(first) || !works(second) {
		t.Error("after 24 hours only the new secret may live")
	}
	third, err := b.registry.Rotate(t.Context(), "viewer", smart.Rotation{Now: true})
	check(t, err)
	if works(first) || works(second) || !works(third) {
		t.Error("with Now only the new secret may live")
	}
}

func TestNarrowedRegistrationBindsLiveTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	token := b.bearer("homecare", k, "scope", "system/CarePlan.rs system/Patient.r")
	c, err := b.registry.Show(t.Context(), "homecare")
	check(t, err)
	c.Scope = "system/Patient.r"
	_, err = b.registry.Import(t.Context(), toJSON(map[string]any{"clients": []any{c}}))
	check(t, err)
	p, err := b.server.Authenticate(withBearer(token))
	if err != nil || p.State != auth.TokenActive || p.Scopes.String() != "system/Patient.r" {
		t.Errorf("principal = %v %q, %v", p.State, p.Scopes.String(), err)
	}
}
