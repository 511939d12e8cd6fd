package smart

import (
	"net/url"
	"strings"
	"testing"
)

// What parseForm accepts, the standard library reads the same way, each name once.
func FuzzParseForm(f *testing.F) {
	f.Add("grant_type=client_credentials&scope=system%2FPatient.r+openid")
	f.Add("a=1&a=2")
	f.Add("%zz=&=&&%00")
	f.Fuzz(func(t *testing.T, body string) {
		got, err := parseForm(body)
		if err != nil || strings.Contains(body, ";") { // the library refuses a bare semicolon
			return
		}
		want, err := url.ParseQuery(body)
		if err != nil {
			t.Fatalf("accepted what is no form: %v", err)
		}
		for name, values := range want {
			if len(values) != 1 && name != "" {
				t.Errorf("a name with %d values was accepted", len(values))
			}
			if name != "" && got[name] != values[0] {
				t.Errorf("value = %q, want %q", got[name], values[0])
			}
		}
		for name, value := range got {
			if value == "" || want.Get(name) != value {
				t.Errorf("%q = %q is not in the form", name, value)
			}
		}
	})
}
