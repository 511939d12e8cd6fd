package smart

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

func allPhrases() []phrase {
	out := append(phrases(), append(typeWords(), months())...)
	for _, g := range groups() {
		out = append(out, g.name)
	}
	for _, c := range categories() {
		out = append(out, c.name)
	}
	return out
}

func TestEveryPhraseIsThereInThreeLanguages(t *testing.T) {
	t.Parallel()
	place := regexp.MustCompile(`\{[a-z]+\}`)
	for _, p := range allPhrases() {
		for _, lang := range languages() {
			text := p.in(lang)
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s has no %s", p.key, lang)
			}
			for _, name := range place.FindAllString(p.nl, -1) {
				if !strings.Contains(text, name) {
					t.Errorf("%s in %s has no %s", p.key, lang, name)
				}
			}
			if len(place.FindAllString(text, -1)) != len(place.FindAllString(p.nl, -1)) {
				t.Errorf("%s in %s has a place of its own", p.key, lang)
			}
			for _, sentence := range strings.Split(text, ". ") {
				if p.key != "months" && len(strings.Fields(sentence)) > 15 {
					t.Errorf("%s in %s: %d words", p.key, lang, len(strings.Fields(sentence)))
				}
			}
			for _, word := range []string{"FHIR", "scope", "token", "client", "resource", "encounter", "OAuth"} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
					t.Errorf("%s in %s says %s", p.key, lang, word)
				}
			}
		}
	}
}

func TestNoKeyIsGivenTwice(t *testing.T) {
	t.Parallel()
	if got, want := len(indexedPhrases()), len(phrases())+len(typeWords())+len(groups())+len(categories()); got != want {
		t.Errorf("%d keys of %d phrases", got, want)
	}
}

func TestEveryKeyOfATemplateExists(t *testing.T) {
	t.Parallel()
	texts := indexedPhrases()
	used := regexp.MustCompile(`\.T "([^"]+)"`)
	found := 0
	check := func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".html") {
			return err
		}
		src, err := pageFiles.ReadFile(path)
		for _, m := range used.FindAllStringSubmatch(string(src), -1) {
			found++
			if _, known := texts[m[1]]; !known {
				t.Errorf("%s: no phrase %q", path, m[1])
			}
		}
		return err
	}
	if err := fs.WalkDir(pageFiles, "pages", check); err != nil {
		t.Fatal(err)
	}
	if found < 40 {
		t.Errorf("%d keys found only", found)
	}
}

func TestEveryTypeOfAGroupHasAWordAndEveryWordAGroup(t *testing.T) {
	t.Parallel()
	groupOf := map[fhir.Type]string{}
	for _, g := range groups() {
		for _, k := range g.types {
			if _, known := fhir.ParseType(string(k)); !known || groupOf[k] != "" {
				t.Errorf("%s: no type, or in two groups", k)
			}
			groupOf[k] = g.name.key
		}
	}
	words := map[string]bool{}
	for _, w := range typeWords() {
		words[w.key] = true
		if groupOf[fhir.Type(w.key)] == "" {
			t.Errorf("%s is in no group", w.key)
		}
	}
	for k := range groupOf {
		if !words[string(k)] {
			t.Errorf("%s has no word", k)
		}
	}
}

func TestDaysAreWrittenOut(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)
	for lang, want := range map[string]string{"nl": "2 maart 2026", "sv": "2 mars 2026", "en": "2 March 2026"} {
		if got := dayText(lang, at); got != want {
			t.Errorf("%s: %s", lang, got)
		}
	}
}
