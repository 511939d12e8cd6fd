package validate_test

import (
	"testing"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// A constraint that does not compile would be passed over in silence.
func TestEveryConstraintOfR4Compiles(t *testing.T) {
	t.Parallel()
	seen := 0
	check := func(where string, all []r4.Constraint) {
		for _, con := range all {
			seen++
			e, err := path.Compile(con.Expression)
			if err != nil {
				t.Errorf("%s %s: %v", where, con.Key, err)
				continue
			}
			if _, _, err := e.Test(path.World{}, path.TypedAs(fhir.Node{}, fhir.Node{}, where)); err != nil {
				t.Errorf("%s %s on nothing: %v", where, con.Key, err)
			}
		}
	}
	for name, s := range r4.All() {
		check(name, s.Constraints)
		for _, e := range s.Elements {
			if e.Path[:min(len(name), len(e.Path))] == name {
				check(e.Types[0].Code, e.Constraints)
			}
		}
	}
	if seen < 230 {
		t.Errorf("%d constraints only", seen)
	}
}

var _ = validate.Resource
