package auth_test

import (
	"testing"

	"github.com/drieluik/drieluik/auth"
)

// BenchmarkDecide measures a warm decision (performance.md W10: 2 µs, one allocation).
func BenchmarkDecide(b *testing.B) {
	resources := append(family("2020-05-04"),
		consentOf("yes", provisionFor("permit", home, `"purpose":[{"system":"`+reasonSystem+`","code":"TREAT"}],`+domainCode("medisch")), "RelatedPerson/mother"),
		consentOf("no", provisionFor("deny", stranger, ""), "RelatedPerson/mother"),
	)
	w := smallWorld(b, nil, resources...)
	r := w.rows[refOf("CarePlan/plan")]
	for name, p := range map[string]auth.Principal{"organisation": asSystem(b, home), "guardian": asMother(b), "own record": asSystem(b, hospital)} {
		f := w.facts(p, &r)
		a := auth.Action{Interaction: auth.Read, Type: "CarePlan"}
		if d := auth.Decide(p, a, f); !d.Permit {
			b.Fatal(name, d.Reason)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				auth.Decide(p, a, f)
			}
		})
	}
	b.Run("cold", func(b *testing.B) {
		p := asSystem(b, home)
		m := w.material(refOf("Patient/kim"))
		for b.Loop() {
			f := auth.Facts{Now: w.now, Settings: w.settings, Resource: &r, Directory: w.directory, Children: []*auth.Child{auth.NewChild(m)}}
			auth.Decide(p, auth.Action{Interaction: auth.Read, Type: "CarePlan"}, f)
		}
	})
}
