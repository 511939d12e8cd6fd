package main

import (
	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/conformance/packages"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

// definitions are what resources are checked against and codes are looked up in: R4 itself, our own
// published artefacts, and the packages that are given.
type definitions struct {
	validator *validate.Validator
	terms     *terminology.Terms
	find      func(canonical string) (fhir.Node, bool)
	maps      []*fhir.Resource
}

// loadDefinitions reads the packages. What o leaves open is filled from them.
func loadDefinitions(paths []string, o validate.Options) (definitions, error) {
	var set packages.Set
	own, err := artifacts.All()
	if err != nil {
		return definitions{}, err
	}
	for _, r := range own {
		set.Add(r)
	}
	if err := set.Load(paths...); err != nil {
		return definitions{}, err
	}
	terms := terminology.New(set.Resources("CodeSystem", "ValueSet", "ConceptMap"))
	o.Definition, o.Member = set.Definition, terms.Member
	return definitions{validator: validate.New(o), terms: terms, find: set.Definition, maps: set.Resources("ConceptMap")}, nil
}
