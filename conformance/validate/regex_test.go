package validate_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

const (
	year  = `([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)`
	month = `(0[1-9]|1[0-2])`
	day   = `(0[1-9]|[1-2][0-9]|3[0-1])`
	clock = `([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?`
	zone  = `(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00))`
)

// The regular expressions that R4 gives for its primitives are an independent statement of the
// formats: what they match and the calendar knows is valid, and nothing else is.
func TestFormatsAgreeWithTheExpressionsOfR4(t *testing.T) {
	t.Parallel()
	for typ, pattern := range map[string]string{
		"Date":     year + `(-` + month + `(-` + day + `)?)?`,
		"DateTime": year + `(-` + month + `(-` + day + `(T` + clock + zone + `)?)?)?`,
		"Instant":  year + `-` + month + `-` + day + `T` + clock + zone,
		"Time":     clock,
		"Id":       `[A-Za-z0-9\-\.]{1,64}`,
		"Oid":      `urn:oid:[0-2](\.(0|[1-9][0-9]*))+`,
		"Uuid":     `urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`,
		"Code":     `[!-~é]+([ \t\n\r][!-~é]+)*`,
	} {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			whole := regexp.MustCompile(`^(?:` + pattern + `)$`)
			rapid.Check(t, func(t *rapid.T) {
				text := rapid.StringMatching(pattern).Draw(t, "text")
				if rapid.Bool().Draw(t, "change") { // one character less, another, or twice
					at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
					with := rapid.SampledFrom([]string{"", "0", "9", "-", ":", ".", "T", "Z", " ", "a", "é", text[at:at+1] + text[at:at+1]}).Draw(t, "with")
					text = strings.ToValidUTF8(text[:at]+with+text[at+1:], "")
				}
				if strings.TrimSpace(text) == "" {
					return // no JSON string of R4
				}
				want := whole.MatchString(text) && inCalendar(text)
				if got := accepted(t, typ, text); got != want {
					t.Errorf("%s %q: accepted %v, want %v", typ, text, got, want)
				}
			})
		})
	}
}

// inCalendar reports false for a text that begins like a day which does not exist.
func inCalendar(text string) bool {
	const form = "2006-01-02"
	if !regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(T|$)`).MatchString(text) {
		return true
	}
	_, err := time.Parse(form, text[:len(form)])
	return err == nil
}

func accepted(t *rapid.T, typ, text string) bool {
	value, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	r, issues := fhir.Parse([]byte(extended(typ, string(value))), fhir.Limits{})
	if r == nil {
		t.Fatal(issues)
	}
	return !fhir.HasErrors(validate.Resource(r))
}
