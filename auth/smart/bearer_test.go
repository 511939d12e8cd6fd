package smart_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

func withBearer(token string) *http.Request {
	r := httptest.NewRequest("GET", "/fhir/CarePlan", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func TestSMART601_PrincipalOfABackendToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	got, err := b.server.Authenticate(withBearer(b.bearer("homecare", k)))
	check(t, err)
	if s := got.Scopes.String(); s != "system/CarePlan.rs" {
		t.Errorf("scopes = %q", s)
	}
	got.Scopes = auth.Scopes{}
	want := auth.Principal{
		State: auth.TokenActive, Role: auth.System, Client: "homecare", ClientName: "Kinderthuiszorg Voorbeeld",
		Organization: fhir.Ref{Type: "Organization", ID: "org-90000001"},
		Purpose:      "TREAT", Launch: "none", Issued: b.clock(), Expires: b.clock().Add(300 * time.Second),
	}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b auth.Scopes) bool { return a.String() == b.String() })); d != "" {
		t.Errorf("principal (-want +got):\n%s", d)
	}
}

func TestSMART601_DeadTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	token := b.bearer("homecare", k)
	cases := map[string]struct {
		header string
		want   auth.TokenState
	}{
		"no token":             {"", auth.TokenMissing},
		"right token":          {"Bearer " + token, auth.TokenActive},
		"scheme is case-blind": {"bEaReR " + token, auth.TokenActive},
		"unknown token":        {"Bearer dra_" + strings.Repeat("A", 43), auth.TokenInvalid},
		"one character off":    {"Bearer " + token[:len(token)-1] + "_", auth.TokenInvalid},
		"suffix":               {"Bearer " + token + "x", auth.TokenInvalid},
		"empty":                {"Bearer ", auth.TokenInvalid},
		"scheme alone":         {"Bearer", auth.TokenInvalid},
		"DPoP scheme":          {"DPoP " + token, auth.TokenInvalid},
		"Basic":                {fmtBasic("homecare", token), auth.TokenInvalid},
		"assertion":            {"Bearer " + b.assertion("homecare", k, nil), auth.TokenInvalid},
		"client secret":        {"Bearer drs_" + strings.Repeat("A", 43), auth.TokenInvalid},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/fhir/CarePlan", nil)
			if c.header != "" {
				r.Header.Set("Authorization", c.header)
			}
			p, err := b.server.Authenticate(r)
			if err != nil || p.State != c.want {
				t.Errorf("state = %v, %v, want %v", p.State, err, c.want)
			}
			if c.want != auth.TokenActive && p.Client != "" {
				t.Error("a dead token names a client")
			}
		})
	}
}

func TestSMART602_OnlyTheAuthorizationHeaderCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	token := b.bearer("homecare", k)
	p, err := b.server.Authenticate(httptest.NewRequest("GET", "/fhir/CarePlan?access_token="+token, nil))
	if err != nil || p.State != auth.TokenMissing {
		t.Errorf("token in the query: %v, %v, want missing", p.State, err)
	}
	form := httptest.NewRequest("POST", "/fhir/CarePlan/_search", strings.NewReader("access_token="+token))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if p, err := b.server.Authenticate(form); err != nil || p.State != auth.TokenMissing {
		t.Errorf("token in the form: %v, %v, want missing", p.State, err)
	}
	two := withBearer(token)
	two.Header.Add("Authorization", "DPoP "+token)
	if _, err := b.server.Authenticate(two); fhir.KindOf(err) != fhir.BadRequest {
		t.Errorf("two headers: %v, want BadRequest", err)
	}
}

func TestATT59_TokenDiesOnTheSecond(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	r := withBearer(b.bearer("homecare", k))
	b.advance(300*time.Second - time.Millisecond)
	if p, err := b.server.Authenticate(r); err != nil || p.State != auth.TokenActive {
		t.Errorf("before its end: %v, %v", p.State, err)
	}
	b.advance(time.Millisecond)
	if p, err := b.server.Authenticate(r); err != nil || p.State != auth.TokenInvalid {
		t.Errorf("at its end: %v, %v", p.State, err)
	}
}

func TestDisabledClientIsOutOnTheNextRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	token := b.bearer("homecare", k)
	check(t, b.registry.Disable(t.Context(), "homecare"))
	if p, err := b.server.Authenticate(withBearer(token)); err != nil || p.State != auth.TokenInvalid {
		t.Errorf("disabled: %v, %v, want invalid", p.State, err)
	}
	wantFault(t, b.token("homecare", k), 401, "invalid_client", "client.auth")
	check(t, b.registry.Enable(t.Context(), "homecare"))
	b.bearer("homecare", k)
}

func TestAuthenticateFailsClosed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	r := withBearer(b.bearer("homecare", k))
	b.table.Fail(errors.New("disk"))
	if p, err := b.server.Authenticate(r); fhir.KindOf(err) != fhir.Unavailable || p.State == auth.TokenActive {
		t.Errorf("state down: %v, %v, want Unavailable", p.State, err)
	}
	b.table.Fail(nil)
	b.store.down = errors.New("disk")
	if p, err := b.server.Authenticate(r); fhir.KindOf(err) != fhir.Unavailable || p.State == auth.TokenActive {
		t.Errorf("registry down: %v, %v, want Unavailable", p.State, err)
	}
}

// TestStandingIsThatOfTheRegistrationNow: who acts for a client without a token has no more than the
// registration gives it at that moment.
func TestStandingIsThatOfTheRegistrationNow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	c := backendClient(t)
	c["purposes"] = []string{"COC"}
	_, err := b.registry.Import(ctx, file(c, publicClient()))
	check(t, err)
	p, err := b.registry.Standing(ctx, "c1", "COC")
	check(t, err)
	org := fhir.Ref{Type: "Organization", ID: "org-90000001"}
	if p.State != auth.TokenActive || p.Role != auth.System || p.Organization != org || p.Client != "c1" || p.Purpose != "COC" || p.Scopes.String() != "system/CarePlan.rs" {
		t.Errorf("%+v", p)
	}
	delete(c, "purposes")
	c["scope"] = "system/CarePlan.r"
	_, err = b.registry.Import(ctx, file(c))
	check(t, err)
	if p, err := b.registry.Standing(ctx, "c1", "TREAT"); err != nil || p.State != auth.TokenActive || p.Scopes.String() != "system/CarePlan.r" {
		t.Errorf("with fewer scopes: %+v %v", p, err)
	}
	for _, who := range [][2]string{{"c1", "COC"}, {"app", "TREAT"}, {"nobody", "TREAT"}} {
		if p, err := b.registry.Standing(ctx, who[0], who[1]); err != nil || p.State != auth.TokenInvalid {
			t.Errorf("%v: %+v %v", who, p, err)
		}
	}
	check(t, b.registry.Disable(ctx, "c1"))
	if p, err := b.registry.Standing(ctx, "c1", "TREAT"); err != nil || p.State != auth.TokenInvalid {
		t.Errorf("disabled: %+v %v", p, err)
	}
}
