package auth_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

func TestScopesAreReadIntoCanonicalForm(t *testing.T) {
	for name, c := range map[string]struct{ list, want string }{
		"v1 letters become v2":                  {"patient/CarePlan.read user/Task.write system/*.*", "patient/CarePlan.rs system/*.cruds user/Task.cud"},
		"letters of one entry merge":            {"patient/Goal.s  patient/Goal.r", "patient/Goal.rs"},
		"wrong order and doubles are dropped":   {"patient/Goal.sr patient/Goal.rr patient/Goal.dus patient/Goal. patient/Goal.r", "patient/Goal.r"},
		"no level, unknown type, word or level": {"Goal.r patient/Goals.r openid team/Goal.r foo", "openid"},
		"an open entry takes the letters":       {"user/Observation.rs user/Observation.rc?category=lab", "user/Observation.rs"},
		"the rest of the letters stays":         {"user/Observation.r user/Observation.rs?category=lab", "user/Observation.r user/Observation.s?category=lab"},
		"conditions and codes are sorted":       {"user/Observation.rs?status=final&code=http://loinc.org|8302-2,a|b", "user/Observation.rs?code=a|b,http://loinc.org|8302-2&status=final"},
		"percent encoding is undone and redone": {"user/Observation.r?code=http%3A%2F%2Floinc.org%7C8302-2%2Cx%26y", "user/Observation.r?code=http://loinc.org|8302-2,x%26y"},
		"a code without system is kept as such": {"user/Goal.r?category=|x", "user/Goal.r?category=|x"},
		"launch contexts":                       {"launch launch/patient launch/Patient launch/task?role=urn:x launch/task?role=", "launch launch/patient launch/task?role=urn:x"},
		"a domain by tag on any type":           {"patient/Condition.rs?_tag=" + domainSystem + "|sociaal", "patient/Condition.rs?_tag=" + domainSystem + "|sociaal"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := auth.ParseScopes(c.list)
			if err != nil {
				t.Fatal(err)
			}
			if s.String() != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

func TestScopesThatCannotBeEnforcedAreRefused(t *testing.T) {
	for name, list := range map[string]string{
		"nothing left":                      "foo patient/Goals.r",
		"empty":                             "",
		"unknown parameter":                 "user/Observation.rs?performer=x",
		"a parameter R4 lacks for the type": "user/Condition.rs?status=x",
		"a token parameter not offered":     "user/Observation.rs?value-concept=x",
		"modifier":                          "user/Observation.rs?code:in=x",
		"chain":                             "user/Observation.rs?subject.name=x",
		"_filter":                           "user/Observation.rs?_filter=x",
		"wildcard with a condition":         "user/*.rs?_tag=x",
		"v1 with a condition":               "user/Observation.read?code=x",
		"empty condition":                   "user/Observation.rs?",
		"empty code":                        "user/Observation.rs?code=",
		"system alone":                      "user/Observation.rs?code=http://loinc.org|",
		"a parameter twice":                 "user/Observation.rs?code=a&code=b",
		"eleven codes":                      "user/Observation.rs?code=1,2,3,4,5,6,7,8,9,10,11",
		"a backslash":                       "user/Observation.rs?code=a%5Cb",
		"a dollar":                          "user/Observation.rs?code=a$b",
		"tab":                               "openid\tlaunch",
		"NUL":                               "openid\x00",
		"not ASCII":                         "openid é",
		"201 tokens":                        strings.Repeat("openid ", 201),
		"more than 16 KiB":                  "openid" + strings.Repeat(" ", 16<<10),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := auth.ParseScopes(list)
			var e *fhir.Error
			if !errors.As(err, &e) || e.Issues[0].Diagnostics != "invalid_scope" {
				t.Errorf("got %v, want invalid_scope", err)
			}
		})
	}
}

func TestIntersectionNarrows(t *testing.T) {
	for name, c := range map[string]struct{ a, b, want string }{
		"a type of the wildcard":  {"system/*.rs", "system/CarePlan.cr system/Goal.s", "system/CarePlan.r system/Goal.s"},
		"levels do not meet":      {"user/Goal.r", "patient/Goal.r", ""},
		"conditions are joined":   {"user/Observation.rs?code=a", "user/Observation.r?category=b", "user/Observation.r?category=b&code=a"},
		"common codes only":       {"user/Observation.r?code=a,b", "user/Observation.r?code=b,c", "user/Observation.r?code=b"},
		"no common code":          {"user/Observation.r?code=a", "user/Observation.r?code=c", ""},
		"any system takes in one": {"user/Observation.r?code=a", "user/Observation.r?code=s|a", "user/Observation.r?code=s|a"},
		"no system is not any":    {"user/Observation.r?code=|a", "user/Observation.r?code=s|a", ""},
		"words":                   {"openid fhirUser launch", "openid launch", "launch openid"},
		"open and conditional":    {"user/Observation.rs", "user/Observation.rs?code=a", "user/Observation.rs?code=a"},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := mustScopes(t, c.a), mustScopes(t, c.b)
			if got := a.Intersect(b).String(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := b.Intersect(a).String(); got != c.want {
				t.Errorf("turned round: got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWildcardsExpandToTypes(t *testing.T) {
	got := mustScopes(t, "patient/*.rs user/*.r").Expand("patient", []fhir.Type{"Goal", "CarePlan"}).String()
	if want := "patient/CarePlan.rs patient/Goal.rs user/*.r"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func mustScopes(t *testing.T, list string) auth.Scopes {
	t.Helper()
	s, err := auth.ParseScopes(list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// scopeLists draws scope lists of a small alphabet, so that they often meet.
func scopeLists() *rapid.Generator[auth.Scopes] {
	token := rapid.Custom(func(t *rapid.T) string {
		level := rapid.SampledFrom([]string{"patient", "user", "system"}).Draw(t, "level")
		kind := rapid.SampledFrom([]string{"*", "Observation", "Goal"}).Draw(t, "type")
		letters := rapid.SampledFrom([]string{"c", "r", "s", "rs", "cruds", "ru"}).Draw(t, "letters")
		query := ""
		if kind == "Observation" {
			query = rapid.SampledFrom([]string{"", "?code=a", "?code=s|a", "?code=a,b", "?category=x", "?category=x&code=|a", "?_tag=s|a,s|b"}).Draw(t, "query")
		}
		return level + "/" + kind + "." + letters + query
	})
	return rapid.Custom(func(t *rapid.T) auth.Scopes {
		words := rapid.SliceOf(rapid.SampledFrom([]string{"openid", "launch/patient"})).Draw(t, "words")
		tokens := rapid.SliceOfN(token, 1, 6).Draw(t, "tokens")
		s, err := auth.ParseScopes(strings.Join(append(words, tokens...), " "))
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestScopeAlgebra(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := scopeLists().Draw(t, "a"), scopeLists().Draw(t, "b")
		again, err := auth.ParseScopes(a.String())
		if err != nil || again.String() != a.String() {
			t.Fatalf("print and parse: %q, %v, want %q", again, err, a)
		}
		both := a.Intersect(b)
		if both.String() != b.Intersect(a).String() {
			t.Fatalf("not commutative: %q and %q", both, b.Intersect(a))
		}
		if !both.SubsetOf(a) || !both.SubsetOf(b) {
			t.Fatalf("%q is not within %q and %q", both, a, b)
		}
		if got := a.Intersect(a).String(); got != a.String() {
			t.Fatalf("not idempotent: %q", got)
		}
		if !a.SubsetOf(a.Union(b)) || !b.SubsetOf(a.Union(b)) {
			t.Fatalf("union %q of %q and %q loses", a.Union(b), a, b)
		}
	})
}

func FuzzParseScopes(f *testing.F) {
	f.Add("patient/*.rs openid launch/patient?role=urn:x", "user/Observation.cruds?code=http://loinc.org|1-8&_tag=%20x")
	f.Add("system/CarePlan.read  patient/Goal.dus", "system/*.* \t")
	f.Fuzz(func(t *testing.T, x, y string) {
		a, err := auth.ParseScopes(x)
		if err != nil {
			return
		}
		again, err := auth.ParseScopes(a.String())
		if err != nil || again.String() != a.String() {
			t.Fatalf("%q prints as %q and reads as %q (%v)", x, a, again, err)
		}
		b, err := auth.ParseScopes(y)
		if err != nil {
			return
		}
		both := a.Intersect(b)
		for _, level := range []string{"patient", "user", "system"} {
			for _, letter := range []byte("cruds") {
				for _, kind := range []fhir.Type{"Observation", "CarePlan", "Goal"} {
					if both.Allows(level, kind, letter) && !(a.Allows(level, kind, letter) && b.Allows(level, kind, letter)) {
						t.Fatalf("%q and %q together grant %s/%s.%c", a, b, level, kind, letter)
					}
				}
			}
		}
	})
}
