package upstream_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/auth/upstream"
)

const good = `{"id":"burger","name":{"nl":"Burger-id","sv":"Medborgar-id","en":"Citizen id"},"issuer":"https://id.example",
	"clientId":"drieluik","clientSecretFile":"secret","scopes":["profile"],"acrMin":["high"],"match":{"claim":"bsn","system":"urn:bsn"},"orgClaim":"ura"}`

func TestParseNamesEveryFault(t *testing.T) {
	t.Parallel()
	list, err := upstream.Parse([]byte("[" + good + "]"))
	if err != nil || len(list) != 1 || list[0].Match.System != "urn:bsn" || list[0].Name.In("sv") != "Medborgar-id" {
		t.Fatalf("%+v %v", list, err)
	}
	for _, row := range []struct{ old, by, fault string }{
		{`"burger"`, `"Bur ger"`, "[0].id "}, {`"burger"`, `"../x"`, "[0].id "}, {`"sv":"Medborgar-id",`, ``, "[0].name "},
		{`https://id.example`, `http://id.example`, "[0].issuer "}, {`https://id.example`, `https://u@id.example`, "[0].issuer "},
		{`https://id.example`, `https://id.example?x`, "[0].issuer "}, {`"clientId":"drieluik",`, ``, "[0].clientId "},
		{`"clientSecretFile":"secret",`, ``, "[0].clientSecretFile "}, {`"clientSecretFile"`, `"privateKeyFile":"k","clientSecretFile"`, "[0].clientSecretFile "},
		{`"profile"`, `"a b"`, "[0].scopes "}, {`"high"`, `""`, "[0].acrMin "}, {`"claim":"bsn",`, ``, "[0].match "},
	} {
		if _, err := upstream.Parse([]byte("[" + strings.Replace(good, row.old, row.by, 1) + "]")); err == nil || !strings.Contains(err.Error(), row.fault) {
			t.Errorf("%s for %s: %v", row.by, row.old, err)
		}
	}
	for name, text := range map[string]string{
		"twice": "[" + good + "," + good + "]", "no list": good, "an unknown member": `[{"naam":1}]`, "a tail": "[" + good + "][]", "nothing": "",
	} {
		if _, err := upstream.Parse([]byte(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	two := strings.NewReplacer(`"burger"`, `""`, `"high"`, `""`).Replace(good)
	if _, err := upstream.Parse([]byte("[" + two + "]")); err == nil || !strings.Contains(err.Error(), "id ") || !strings.Contains(err.Error(), "acrMin") {
		t.Errorf("not every fault at once: %v", err)
	}
}

// provider is one on loopback that answers discovery as it is told.
func provider(t *testing.T, keyFile string, files map[string][]byte, handle http.HandlerFunc) (*upstream.Provider, *httptest.Server) {
	t.Helper()
	srv := httptest.NewServer(handle)
	t.Cleanup(srv.Close)
	c := upstream.Config{ID: "x", Name: upstream.Name{NL: "x", SV: "x", EN: "x"}, Issuer: srv.URL, ClientID: "drieluik", SecretFile: "secret"}
	if keyFile != "" {
		c.SecretFile, c.KeyFile = "", keyFile
	}
	p, err := upstream.New(c, time.Now, func(name string) ([]byte, error) {
		if b, ok := files[name]; ok {
			return b, nil
		}
		return nil, errors.New("no such file")
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, srv
}

func document(base string, more string) string {
	return fmt.Sprintf(`{"issuer":%q,"authorization_endpoint":"%s/a","token_endpoint":"%s/t","jwks_uri":"%s/k"%s}`, base, base, base, base, more)
}

func TestWhatAProviderSaysOfItselfIsBoundedAndSafe(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(base string, w http.ResponseWriter, r *http.Request){
		"another issuer": func(base string, w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Replace(document(base, ""), base, "https://evil.example", 1))
		},
		"an endpoint without TLS": func(base string, w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Replace(document(base, ""), base+"/t", "http://id.example/t", 1))
		},
		"a flood": func(_ string, w http.ResponseWriter, _ *http.Request) {
			for range 4096 {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		},
		"a redirect": func(base string, w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/.well-known") {
				http.Redirect(w, r, "/moved", http.StatusFound)
				return
			}
			fmt.Fprint(w, document(base, ""))
		},
		"no JSON": func(_ string, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var base string
			p, srv := provider(t, "", map[string][]byte{"secret": []byte("s")}, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				answer(base, w, r)
			})
			base = srv.URL
			if to, err := p.Address(t.Context(), "https://as.example/cb", p.NewAttempt("i", false)); upstream.RuleOf(err) != "down" || to != "" {
				t.Errorf("%q %v", to, err)
			}
		})
	}
}

// TestAnOutageOfAProviderHoldsNobody: what is known serves for a day while a provider does not answer; where
// nothing is known, a login waits a moment and says so.
func TestAnOutageOfAProviderHoldsNobody(t *testing.T) {
	t.Parallel()
	out, asked := make(chan struct{}), make(chan struct{}, 100)
	var hangs atomic.Bool
	var base string
	p, srv := provider(t, "", map[string][]byte{"secret": []byte("s")}, func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		if hangs.Load() {
			<-out
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, document(base, ""))
	})
	base = srv.URL
	var now atomic.Int64
	now.Store(time.Now().Unix())
	clocked, err := upstream.New(p.Config, func() time.Time { return time.Unix(now.Load(), 0) }, func(string) ([]byte, error) { return []byte("s"), nil })
	if err != nil {
		t.Fatal(err)
	}
	address := func(p *upstream.Provider, limit time.Duration) error {
		begun := time.Now()
		_, err := p.Address(t.Context(), "https://as.example/cb", p.NewAttempt("i", false))
		if took := time.Since(begun); took > limit {
			t.Errorf("a login was held for %v", took)
		}
		return err
	}
	clocked.Prepare()
	if err := address(clocked, 3*time.Second); err != nil {
		t.Fatal(err)
	}
	hangs.Store(true)
	t.Cleanup(func() { close(out) })
	for range len(asked) {
		<-asked
	}
	for range 3 {
		now.Add(7 * 3600)
		if err := address(clocked, time.Second); err != nil {
			t.Errorf("an outage of hours: %v", err)
		}
	}
	<-asked // it was asked again meanwhile
	now.Add(4 * 3600)
	both := make(chan error, 2)
	for _, p := range []*upstream.Provider{clocked, p} {
		go func() { both <- address(p, 4*time.Second) }()
	}
	for range 2 {
		if err := <-both; upstream.RuleOf(err) != "down" {
			t.Errorf("an outage of a day, or from the beginning: %v", err)
		}
	}
}

// TestAServerWithAKeyProvesItselfByAssertion: private_key_jwt, for the token endpoint, once.
func TestAServerWithAKeyProvesItselfByAssertion(t *testing.T) {
	t.Parallel()
	key, err := jose.GenerateKey(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := key.Secret()
	if err != nil {
		t.Fatal(err)
	}
	public, err := jose.PublicSet(key)
	if err != nil {
		t.Fatal(err)
	}
	set, err := jose.ParseKeySet(public)
	if err != nil {
		t.Fatal(err)
	}
	var base string
	seen := map[string]bool{}
	p, srv := provider(t, "key", map[string][]byte{"key": secret}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/t" {
			fmt.Fprint(w, document(base, ""))
			return
		}
		a, err := jose.ParseAssertion(r.FormValue("client_assertion"))
		if err == nil {
			err = a.Verify(set, []string{jose.ES256})
		}
		if err != nil || a.Claims.Issuer != "drieluik" || a.Claims.Subject != "drieluik" || a.Claims.Audience != base+"/t" || seen[a.Claims.ID] ||
			r.FormValue("client_assertion_type") != jose.AssertionType || r.FormValue("client_secret") != "" || r.Header.Get("Authorization") != "" {
			t.Errorf("authenticated with %v, %v", r.Form, err)
		}
		seen[a.Claims.ID] = true
		if err := json.NewEncoder(w).Encode(map[string]string{"access_token": "x", "token_type": "Bearer"}); err != nil {
			t.Error(err)
		}
	})
	base = srv.URL
	for range 2 {
		if _, err := p.Redeem(t.Context(), "https://as.example/cb", "c", p.NewAttempt("i", false)); upstream.RuleOf(err) != "id_token" {
			t.Errorf("%v", err)
		}
	}
	if len(seen) != 2 {
		t.Errorf("%d assertions", len(seen))
	}
}

func TestAnAttemptIsOfOneProviderAndOneState(t *testing.T) {
	t.Parallel()
	p, _ := provider(t, "", map[string][]byte{"secret": []byte("s")}, func(http.ResponseWriter, *http.Request) {})
	a, b := p.NewAttempt("i_1", false), p.NewAttempt("i_1", false)
	other := *a
	other.Provider = "y"
	if !a.Is(p, a.State) || a.Is(p, b.State) || a.Is(p, "") || other.Is(p, a.State) || (*upstream.Attempt)(nil).Is(p, "") {
		t.Error("another state or provider fits")
	}
	if !strings.HasPrefix(a.State, "i_1.") || a.Nonce == b.Nonce || a.Verifier == b.Verifier || len(a.Verifier) < 43 {
		t.Errorf("%+v", a)
	}
}
