package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
)

// citizenID is an OpenID provider that says of everybody who comes that they have this number.
func citizenID(t *testing.T, number string) (*httptest.Server, *url.Values) {
	t.Helper()
	key, err := jose.GenerateKey(jose.RS384)
	if err != nil {
		t.Fatal(err)
	}
	set, err := jose.PublicSet(key)
	if err != nil {
		t.Fatal(err)
	}
	asked := &url.Values{}
	var base string
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token",
			"jwks_uri": base + "/jwks", "id_token_signing_alg_values_supported": []string{"RS384"}})
	})
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) { answer(w, json.RawMessage(set)) })
	mux.HandleFunc("/token", func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now().Unix()
		token, err := key.Sign(map[string]string{"typ": "JWT"}, fmt.Appendf(nil, `{"iss":%q,"sub":"s","aud":"drieluik","iat":%d,"exp":%d,"nonce":%q,"bsn":%q}`,
			base, now, now+60, asked.Get("nonce"), number))
		if err != nil {
			t.Error(err)
		}
		answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": token})
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	base = srv.URL
	return srv, asked
}

// leave returns where a page of the server sends the browser, without going there.
func (b *browser) leave(path string) *url.URL {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodGet, b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	to, err := res.Location()
	if err != nil {
		b.t.Fatalf("%d: %v", res.StatusCode, err)
	}
	return to
}

// TestAParentLogsInElsewhere: with an account that the operator bound to a provider, found by the number
// that the home-care organisation recorded.
func TestAParentLogsInElsewhere(t *testing.T) {
	t.Parallel()
	idp, asked := citizenID(t, "999912185")
	site := newSite(t)
	file := filepath.Join(site.dir, "upstream.json")
	text := fmt.Sprintf(`[{"id":"burger","name":{"nl":"Burger-id","sv":"Medborgar-id","en":"Citizen id"},"issuer":%q,"clientId":"drieluik",
		"clientSecretFile":"upstream.secret","match":{"claim":"bsn","system":"http://fhir.nl/fhir/NamingSystem/bsn"}}]`, idp.URL)
	for name, content := range map[string]string{file: text, filepath.Join(site.dir, "upstream.secret"): "geheim"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := site.start(t)
	home := first.login(t, "homecare", "")
	if r := home.push(t, sample(t, "boris/01-kind.json")); r.status != http.StatusCreated {
		t.Fatal(r.status)
	}
	_, found := home.get(t, "/fhir/RelatedPerson?identifier="+url.QueryEscape("http://fhir.nl/fhir/NamingSystem/bsn|999912185"))
	if len(list(found, "entry")) != 1 {
		t.Fatalf("%v", found)
	}
	person := fmt.Sprint("RelatedPerson/", within(list(found, "entry")[0], "resource")["id"])
	first.kill()
	for _, args := range [][]string{
		{"user", "add", "--store", site.store(), "--login", "ouder", "--fhir-user", person, "--upstream", "burger"},
		{"client", "add", "--store", site.store(), "--id", "app", "--name", "App", "--type", "public", "--org", "90000001",
			"--redirect-uri", "https://app.example/app/", "--scope", "launch/patient patient/Patient.r"},
	} {
		if out, errs, code := tool(t, args...); code != 0 {
			t.Fatal(out, errs)
		}
	}
	sv := site.start(t, "--upstream", file)
	b := &browser{t: t, base: sv.base, cookies: map[string]string{}}
	_, challenge := newVerifier(t)
	p := b.open(http.MethodGet, "/auth/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {"https://app.example/app/"}, "scope": {"launch/patient patient/Patient.r"},
		"state": {"s"}, "aud": {sv.base + "/fhir"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode(), nil)
	link := regexp.MustCompile(`href="(/auth/upstream/burger\?[^"]*)">Inloggen met Burger-id<`).FindStringSubmatch(p.body)
	if link == nil {
		t.Fatalf("no button: %s", p.body)
	}
	*asked = b.leave(link[1]).Query()
	back, ok := strings.CutPrefix(asked.Get("redirect_uri"), sv.base)
	if !ok {
		t.Fatalf("it is to come back to %s", asked.Get("redirect_uri"))
	}
	p = b.open(http.MethodGet, back+"?"+url.Values{"code": {"c"}, "state": {asked.Get("state")}}.Encode(), nil)
	if !strings.Contains(p.body, "Boris") || !strings.Contains(p.body, `name="child"`) {
		t.Errorf("%d %s", p.status, p.body)
	}
	for _, secret := range []string{"999912185", "geheim", asked.Get("nonce"), asked.Get("state")} {
		if strings.Contains(sv.log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	if out, _, _ := tool(t, "user", "list", "--store", site.store()); !strings.Contains(out, "burger") {
		t.Errorf("listed: %s", out)
	}
}

func TestFaultsOfTheProvidersAreNamedAtStart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "upstream.json")
	for text, fault := range map[string]string{`[{"id":"x"}]`: "upstream[0].issuer", `{}`: "JSON array"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code := tool(t, "serve", "--check", "--upstream", file); code != 2 || !strings.Contains(stderr, fault) {
			t.Errorf("%s: exit %d %q", text, code, stderr)
		}
	}
	if _, stderr, code := tool(t, "serve", "--check", "--upstream", file+"x"); code != 2 || !strings.Contains(stderr, "check the path") {
		t.Errorf("no file: exit %d %q", code, stderr)
	}
}
