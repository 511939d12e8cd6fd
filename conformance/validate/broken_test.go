package validate_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/packages"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

// brokenFolder holds resources with one fault each, whole ones, and the package that they follow.
var brokenFolder = filepath.Join("..", "..", "testdata", "broken")

// colours is the one value set that the examples know.
func colours(valueSet, system, code string) (member, known bool) {
	if valueSet != "https://voorbeeld.example/fhir/ValueSet/kleur" {
		return false, false
	}
	own := system == "" || system == "https://voorbeeld.example/fhir/CodeSystem/kleur"
	return own && (code == "rood" || code == "blauw"), true
}

// fictional is a Validator with our fictional package.
var fictional = sync.OnceValues(func() (*validate.Validator, error) {
	var set packages.Set
	err := set.Load(filepath.Join(brokenFolder, "package"))
	return validate.New(validate.Options{Definition: set.Definition, Member: colours}), err
})

// brokenCase is one resource with the errors that it must have, as "expression rule".
type brokenCase struct {
	Name     string
	Profile  []string
	Resource json.RawMessage
	Want     []string
}

func brokenCases(t testing.TB, name string) []brokenCase {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(brokenFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	var cases []brokenCase
	if err := json.Unmarshal(src, &cases); err != nil {
		t.Fatal(name, err)
	}
	return cases
}

func (c brokenCase) errors(t testing.TB) []string {
	t.Helper()
	v, err := fictional()
	if err != nil {
		t.Fatal(err)
	}
	r, issues := fhir.Parse(c.Resource, fhir.Limits{})
	if r == nil {
		t.Fatal(issues)
	}
	var found []string
	for _, i := range onlyErrors(v.Resource(r, c.Profile...)) {
		found = append(found, i.Expression+" "+i.Diagnostics)
	}
	return found
}

func TestBrokenResourcesAreRefusedByTheRuleTheyBreak(t *testing.T) {
	t.Parallel()
	total := 0
	for _, file := range []string{"structure.json", "constraints.json", "bundle.json", "questionnaire.json", "response.json", "profile.json"} {
		cases := brokenCases(t, file)
		total += len(cases)
		for _, c := range cases {
			t.Run(file+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				if len(c.Want) == 0 {
					t.Error("the case says no rule")
				}
				if diff := cmp.Diff(c.Want, c.errors(t)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
	if total < 150 {
		t.Errorf("%d broken resources, want at least 150", total)
	}
}

func TestWholeResourcesOfTheSamePackageAreAccepted(t *testing.T) {
	t.Parallel()
	for _, c := range brokenCases(t, "whole.json") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if found := c.errors(t); len(found) > 0 {
				t.Error(found)
			}
		})
	}
}
