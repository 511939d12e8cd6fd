package validate

import (
	"sync"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Options say what a Validator may ask of the outside, and how far it goes. The zero Options check
// the base definitions of R4 alone.
type Options struct {
	// Definition returns the StructureDefinition or Questionnaire with a canonical URL, which may
	// end in "|" and a version. Nil: none is known, and an unknown modifier extension is let pass.
	Definition func(canonical string) (fhir.Node, bool)
	// Member reports whether a code is in a value set; known is false when that cannot be said.
	// Nil: the value sets of R4's required bindings alone are known.
	Member func(valueSet, system, code string) (member, known bool)
	// Now is the clock of constraints that ask for the time. Nil: time.Now.
	Now func() time.Time
	// MustSupport reports elements that a profile marks as to be supported and that are absent,
	// as information.
	MustSupport bool
	// Follow reports whether a profile that a resource claims is checked. Nil: each is.
	Follow func(profile string) bool
}

// Validator checks resources. What it has compiled of a profile it keeps and shares: validating
// costs nothing for profiles that are loaded and not used. It is safe for concurrent use.

type Validator struct {
	options  Options
	plans    map[string]func() *plan
	profiles sync.Map // fhir.Node of the definition → *profile
}

// New returns a Validator.
func New(o Options) *Validator { return &Validator{options: o, plans: plans()} }

// base is the Validator of Resource.
var base = sync.OnceValue(func() *Validator { return New(Options{}) })

// Resource checks r against the base definitions of R4. A valid resource without warnings gives nil.
func Resource(r *fhir.Resource) []fhir.Issue { return base().Resource(r) }

// Knows reports whether a profile can be validated against: it is loaded, or R4's own.
func (v *Validator) Knows(canonical string) bool {
	_, ok := core(canonical)
	return ok || v.profile(canonical) != nil
}

// Resource returns every fault of r in the order of the document: those against the base
// definitions, against the profiles that r and the resources in it claim in meta.profile, and
// against the given profiles. What a Validator cannot know, such as a profile that is not loaded,
// is an issue of severity information. The rule id of a constraint is its key, such as "dom-6".
func (v *Validator) Resource(r *fhir.Resource, profiles ...string) []fhir.Issue {
	c := &checker{Validator: v, resource: r}
	root := r.Root()
	plan, ok := v.plans[string(r.Type())]
	if !ok {
		c.add(resourceType, root, "resourceType must name a resource type of R4.")
		return c.issues()
	}
	c.inBundle = r.Type() == "Bundle"
	c.scope.container = root
	c.object(root, plan())
	c.profiled(profiles)
	return c.issues()
}
