package check_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/conformance/check"
)

// newKey is a private key as a client would have it.
func newKey(t *testing.T) []byte {
	t.Helper()
	k, err := jose.GenerateKey(jose.ES384)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := k.Secret()
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// metadata is a CapabilityStatement of one type that declares everything.
const metadata = `{"resourceType":"CapabilityStatement","status":"active","kind":"instance","fhirVersion":"4.0.1","format":["json"],
"rest":[{"mode":"server","interaction":[{"code":"transaction"},{"code":"batch"},{"code":"search-system"},{"code":"history-system"}],
"operation":[{"name":"submit"}],"resource":[{"type":"Basic","conditionalCreate":true,"conditionalUpdate":true,"conditionalRead":"full-support",
"conditionalDelete":"single","updateCreate":true,"searchInclude":["Basic:subject"],"searchRevInclude":["Provenance:target"],
"interaction":[{"code":"read"},{"code":"vread"},{"code":"update"},{"code":"patch"},{"code":"delete"},{"code":"history-instance"},{"code":"history-type"},{"code":"create"},{"code":"search-type"}],
"searchParam":[{"name":"_id","type":"token"},{"name":"subject","type":"reference"},{"name":"pair","type":"composite"},{"name":"near","type":"special"}],
"operation":[{"name":"validate"}]}]}]}`

// strangers answer every request alike, as something that is no drieluik may.
var strangers = map[string]http.HandlerFunc{
	"a website": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Welcome</html>") },
	"yes to all": func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/metadata"):
			fmt.Fprint(w, metadata)
		case strings.HasSuffix(r.URL.Path, "/token"):
			fmt.Fprint(w, `{"access_token":"t","token_type":"Bearer","expires_in":60,"scope":"system/*.cruds"}`)
		default:
			fmt.Fprint(w, `{"resourceType":"Bundle","type":"searchset","entry":[{"fullUrl":"x","search":{"mode":"match"},"resource":{"id":"1"}}],"link":[{"relation":"next","url":"x"}]}`)
		}
	},
	"no to all": func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/metadata") {
			fmt.Fprint(w, metadata)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	},
	"elsewhere": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.example", http.StatusFound)
	},
	"null": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `null`) },
	"empty statement": func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"resourceType":"CapabilityStatement","rest":[]}`)
	},
}

// TestAStrangerFailsAndHarmsNobody: whatever answers, the run ends with failed rules and a report.
func TestAStrangerFailsAndHarmsNobody(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	for name, handler := range strangers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(handler)
			defer s.Close()
			report, err := check.Run(t.Context(), check.Options{URL: s.URL, ClientID: "c", Key: key, Write: true})
			if err != nil || report.Failures() == 0 {
				t.Fatalf("%d failures, %v", report.Failures(), err)
			}
			var text bytes.Buffer
			if err := report.Print(&text); err != nil || !strings.Contains(text.String(), "To do: ") {
				t.Errorf("%v\n%s", err, &text)
			}
		})
	}
}

// TestNothingIsWrittenUnasked: without Write no request could be stored, whatever is declared.
func TestNothingIsWrittenUnasked(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		path, text := r.URL.Path, body.String()
		form := strings.HasPrefix(path, "/auth/") || strings.HasSuffix(path, "/_search")
		harmless := text == "{" || form || text == `{"resourceType":"Bundle","type":"transaction"}` || text == `{"resourceType":"Bundle","type":"batch"}`
		switch r.Method {
		case http.MethodPost, http.MethodPut, http.MethodPatch:
			if !harmless {
				t.Errorf("%s %s sent %s", r.Method, r.URL, text)
			}
		case http.MethodDelete:
			if !strings.Contains(path, "/drieluik-check-") && path != "/fhir/metadata" || r.URL.RawQuery != "" {
				t.Errorf("DELETE %s", r.URL)
			}
		}
		strangers["yes to all"](w, r)
	}))
	defer s.Close()
	if _, err := check.Run(t.Context(), check.Options{URL: s.URL, ClientID: "c", Key: newKey(t)}); err != nil {
		t.Fatal(err)
	}
}

func TestARunHasBounds(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(strangers["yes to all"])
	defer s.Close()
	report, err := check.Run(t.Context(), check.Options{URL: s.URL, ClientID: "c", Key: newKey(t), Requests: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range report.Rules {
		if o.ID == "all-asked" && o.Status != check.Failed {
			t.Errorf("a run that was cut short says %s", o.Status)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	if _, err := check.Run(ctx, check.Options{URL: slow.URL}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a run that was stopped: %v", err)
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"", "localhost", "ftp://h", "https://", "https://h/?a=b", "https://h/#x", ":"} {
		if _, err := check.Run(t.Context(), check.Options{URL: u}); !errors.Is(err, check.ErrURL) {
			t.Errorf("%q: %v", u, err)
		}
	}
	if _, err := check.Run(t.Context(), check.Options{URL: "https://h.example", ClientID: "c", Key: []byte("{}")}); !errors.Is(err, check.ErrKey) {
		t.Error(err)
	}
}
