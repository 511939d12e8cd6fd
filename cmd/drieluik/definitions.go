package main

import (
	"github.com/drieluik/drieluik/conformance/packages"
	"github.com/drieluik/drieluik/conformance/validate"
)

// newValidator returns what checks resources: R4 itself, and where packages are given the profiles,
// extensions and Questionnaires in them.
func newValidator(paths []string, o validate.Options) (*validate.Validator, error) {
	if len(paths) > 0 {
		var set packages.Set
		if err := set.Load(paths...); err != nil {
			return nil, err
		}
		o.Definition = set.Definition
	}
	return validate.New(o), nil
}
