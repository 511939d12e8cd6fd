package terminology

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// wording are the texts of one concept: of its system, and of the set that lists it.
type wording struct {
	language     string // of the system
	inSet, known fhir.Node
}

// display returns the text in a language, else the one of the set, else that of the system.
func (w wording) display(language string) string {
	if language != "" {
		if matches(w.language, language) && w.known.Member("display").Exists() {
			return w.known.Member("display").Text()
		}
		for d := range w.designations {
			if matches(d.Member("language").Text(), language) {
				return d.Member("value").Text()
			}
		}
	}
	if text := w.inSet.Member("display").Text(); text != "" {
		return text
	}
	return w.known.Member("display").Text()
}

// designations yields those of the set, then those of the system.
func (w wording) designations(yield func(fhir.Node) bool) {
	for _, n := range []fhir.Node{w.inSet, w.known} {
		for d := range n.All("designation") {
			if !yield(d) {
				return
			}
		}
	}
}

// says reports whether a text is one of the concept's, but for capitals, accents and spaces.
func (w wording) says(text string) bool {
	text = search.Normalize(text)
	for _, n := range []fhir.Node{w.inSet, w.known} {
		if n.Member("display").Exists() && search.Normalize(n.Member("display").Text()) == text {
			return true
		}
	}
	for d := range w.designations {
		if search.Normalize(d.Member("value").Text()) == text {
			return true
		}
	}
	return false
}

// contains reports whether all words, normalised, are in one of the concept's texts or its code.
func (w wording) contains(code string, words []string) bool {
	all := []string{search.Normalize(code)}
	for _, n := range []fhir.Node{w.inSet, w.known} {
		all = append(all, search.Normalize(n.Member("display").Text()))
	}
	for d := range w.designations {
		all = append(all, search.Normalize(d.Member("value").Text()))
	}
	return slices.ContainsFunc(all, func(text string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
	})
}

// matches compares language tags: "nl" finds "nl-NL", and "nl-NL" finds "nl".
func matches(have, want string) bool {
	if have == "" || want == "" {
		return false
	}
	have, _, _ = strings.Cut(have, "-")
	want, _, _ = strings.Cut(want, "-")
	return strings.EqualFold(have, want)
}

// language is the one that a request asks for.
func (r Request) language(f *form) string {
	if f.has("displayLanguage") {
		return f.text("displayLanguage")
	}
	return r.Language
}

// designation is ValueSet.expansion.contains.designation.
type designation struct {
	Language string          `json:"language,omitempty"`
	Use      json.RawMessage `json:"use,omitempty"`
	Value    string          `json:"value"`
}

// chosen returns the designations of the languages or uses (system|code) that are wanted, all when
// none is.
func (w wording) chosen(wanted []string) (out []designation) {
	for d := range w.designations {
		language, use := d.Member("language").Text(), d.Member("use")
		token := use.Member("system").Text() + "|" + use.Member("code").Text()
		if len(wanted) > 0 && !slices.ContainsFunc(wanted, func(x string) bool { return x == token || matches(language, x) }) {
			continue
		}
		one := designation{Language: language, Value: d.Member("value").Text()}
		if use.Exists() {
			one.Use = json.RawMessage(use.Raw())
		}
		out = append(out, one)
	}
	return out
}
