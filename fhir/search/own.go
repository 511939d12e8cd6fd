package search

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// Own is a search parameter that we publish beside those of R4.
type Own struct {
	Base       fhir.Type
	Code       string
	Kind       string // as SearchParameter.type has it
	Expression string
	About      string // one sentence
}

// URL is the canonical of the parameter; its last part is the id.
func (o Own) URL() string {
	return fhir.Canonical + "/SearchParameter/" + string(o.Base) + "-" + o.Code
}

// OwnParams returns the parameters that are ours, by URL.
func OwnParams() []Own {
	return []Own{
		{"CarePlan", "uitvoerder-soort", "token", valueOf("CarePlan", "actie") + ".extension.where(url = 'uitvoerderSoort').value",
			"Who does the action: kind, ouder, professional, organisatie, vrijwilliger or mantelzorger."},
		{"Composition", "overplaatsingsdatum", "date", valueOf("Composition.section", "overplaatsingsdatum") + ".value", "The day of the transfer."},
		{"Condition", "behoefte-niveau", "token", valueOf("Condition", "behoefte-niveau") + ".value", "The level of a need of the scan, 1 to 4."},
		{"ServiceRequest", "leveringsvorm", "token", valueOf("ServiceRequest", "leveringsvorm") + ".value", "How the care is supplied: zin, pgb or combi."},
		{"ServiceRequest", "verantwoordelijke", "token", valueOf("ServiceRequest", "verantwoordelijke") + ".value", "Who decides on the care, or pays for it."},
	}
}

// valueOf is where one of our extensions stands on an element.
func valueOf(element, extension string) string {
	return element + ".extension.where(url = '" + fhir.Canonical + "/StructureDefinition/" + extension + "')"
}

// defined returns the parameters of a type, those of R4 and ours, in alphabetical order.
func defined(resource string) []r4.SearchParam {
	out := slices.Clone(r4.SearchParams(resource))
	for _, o := range OwnParams() {
		if string(o.Base) == resource {
			out = append(out, r4.SearchParam{Code: o.Code, URL: o.URL(), Type: o.Kind, Expression: o.Expression})
		}
	}
	slices.SortFunc(out, func(a, b r4.SearchParam) int { return cmp.Compare(a.Code, b.Code) })
	return out
}

// ID is the id of the SearchParameter resource.
func (o Own) ID() string { return strings.TrimPrefix(o.URL(), fhir.Canonical+"/SearchParameter/") }
