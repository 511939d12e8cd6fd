package artifacts

import (
	"encoding/json"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// What the package and its ImplementationGuide are called.
const (
	PackageName = "drieluik.mks"
	Version     = "1.0.0"
	title       = "MKS in FHIR"
	about       = "Transfers and care plans of children who are nursed at home, by the Dutch method MKS, in FHIR R4: " +
		"profiles, extensions, questionnaires, code lists and maps. The wording is our own."
	license = "Apache-2.0"
	fhirR4  = "4.0.1"
	issued  = "2026-11-21"
)

type guide struct {
	ResourceType string   `json:"resourceType"`
	ID           string   `json:"id"`
	URL          string   `json:"url"`
	Version      string   `json:"version"`
	Name         string   `json:"name"`
	Title        string   `json:"title"`
	Status       string   `json:"status"`
	Experimental bool     `json:"experimental"`
	Date         string   `json:"date"`
	Publisher    string   `json:"publisher"`
	Description  string   `json:"description"`
	PackageID    string   `json:"packageId"`
	License      string   `json:"license"`
	FHIRVersion  []string `json:"fhirVersion"`
	Definition   struct {
		Resource []guideResource `json:"resource"`
	} `json:"definition"`
}

type guideResource struct {
	Reference struct {
		Reference string `json:"reference"`
	} `json:"reference"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	Example     bool   `json:"exampleBoolean"`
}

// guideOf makes the ImplementationGuide that names all resources.
func guideOf(all []*fhir.Resource) (*fhir.Resource, error) {
	g := guide{
		ResourceType: "ImplementationGuide", ID: "mks", URL: fhir.Canonical + "/ImplementationGuide/mks", Version: Version,
		Name: "MksInFhir", Title: title, Status: "draft", Experimental: true, Date: issued, Publisher: "drieluik",
		Description: about, PackageID: PackageName, License: license, FHIRVersion: []string{fhirR4},
	}
	for _, r := range all {
		root := r.Root()
		row := guideResource{Name: root.Member("title").Text(), Description: root.Member("description").Text(), Example: IsExample(r)}
		row.Reference.Reference = r.Ref().String()
		g.Definition.Resource = append(g.Definition.Resource, row)
	}
	b, err := json.Marshal(g)
	if err != nil {
		return nil, err
	}
	return parse(b)
}

// searchParameter is the resource of a search parameter of ours.
type searchParameter struct {
	ResourceType string      `json:"resourceType"`
	ID           string      `json:"id"`
	URL          string      `json:"url"`
	Version      string      `json:"version"`
	Name         string      `json:"name"`
	Status       string      `json:"status"`
	Experimental bool        `json:"experimental"`
	Date         string      `json:"date"`
	Publisher    string      `json:"publisher"`
	Description  string      `json:"description"`
	Code         string      `json:"code"`
	Base         []fhir.Type `json:"base"`
	Type         string      `json:"type"`
	Expression   string      `json:"expression"`
}

// searchParameters are made of the table that searches by them.
func searchParameters() ([]*fhir.Resource, error) {
	var out []*fhir.Resource
	for _, o := range search.OwnParams() {
		b, err := json.Marshal(searchParameter{
			ResourceType: "SearchParameter", ID: o.ID(), URL: o.URL(), Version: Version, Name: strings.ReplaceAll(o.ID(), "-", ""),
			Status: "draft", Experimental: true, Date: issued, Publisher: "drieluik", Description: o.About, Code: o.Code,
			Base: []fhir.Type{o.Base}, Type: o.Kind, Expression: o.Expression,
		})
		if err != nil {
			return nil, err
		}
		r, err := parse(b)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// IsExample reports whether a published resource shows how others are used, and defines nothing. In R4 a topic of
// Subscriptions is a Basic.
func IsExample(r *fhir.Resource) bool { return r.Type() != "Basic" && !r.Root().Member("url").Exists() }
