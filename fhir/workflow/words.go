package workflow

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Words are what is said, in the languages of those who read it.
type Words struct{ EN, NL, SV string }

// dutch is what is said of the method: it is Dutch, and so are those who work by it.
func dutch(en, nl string) Words { return Words{EN: en, NL: nl} }

// In returns the translations of the English words.
func (w Words) In() fhir.Translations { return fhir.Translations{NL: w.NL, SV: w.SV} }

// with puts others in the places that are marked %s, one after another.
func (w Words) with(others ...Words) Words {
	for _, o := range others {
		w.EN, w.NL, w.SV = strings.Replace(w.EN, "%s", o.EN, 1), strings.Replace(w.NL, "%s", o.NL, 1), strings.Replace(w.SV, "%s", o.SV, 1)
	}
	return w
}

// fault is an error by a rule.
func fault(rule, at string, said Words) []fhir.Issue {
	return []fhir.Issue{{
		Severity: fhir.SeverityError, Code: "business-rule", Expression: at, Diagnostics: rule, Text: said.EN, In: said.In(),
	}}
}
