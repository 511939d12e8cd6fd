package validate

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// invariant is a constraint of a definition. Most say something about a few members only: where
// none of them is given, its result is known beforehand and the expression is not run.
type invariant struct {
	key, severity, expression string

	test    *path.Expression
	touches uint64     // bits of the members that it asks of; 0: it asks of something else
	holds   bool       // its result where none of them is given
	quick   presence   // the whole of it, when presence decides
	enough  []presence // each of them makes it hold
	human   string     // what a profile says of it
	strict  bool       // see emptyBreaks
}

// byHand are the constraints that have a check of their own, which is faster than their expression
// or says more.
var byHand = map[string]bool{
	"ele-1": true, "ext-1": true, "ref-1": true, "txt-1": true, "txt-2": true,
	"dom-2": true, "dom-3": true, "bdl-7": true, "que-2": true, "que-7": true, "csd-1": true,
	"tim-4": true, "tim-5": true,
}

// elsewhere finds what an expression asks of besides the members of its context.
var elsewhere = regexp.MustCompile(`%(context|resource|rootResource)|\$this|children\(|descendants\(|(^|[^.\w])\w+\(`)

// emptyBreaks are the constraints that say "x = 'y'" of a member that may be absent, and mean that it
// is not 'y' then. For others a result that is neither true nor false comes from values that cannot
// be compared, such as a year and a day of it, and breaks nothing.
var emptyBreaks = map[string]bool{
	"que-13": true, "vsd-9": true, "sdf-5": true, "sdf-21": true, "opd-2": true, "opd-3": true, "ras-1": true,
}

// names finds the names in an expression that are no step behind another one; those in texts are
// taken along, which does no harm.
var names = regexp.MustCompile(`(?:^|[^.\w])([A-Za-z]\w*)`)

// newInvariant compiles a constraint. It returns nil when the expression is none.
func newInvariant(con r4.Constraint) *invariant {
	test, err := path.Compile(con.Expression)
	if err != nil {
		return nil
	}
	return &invariant{key: con.Key, severity: con.Severity, expression: con.Expression, test: test}
}

// coreInvariant compiles a constraint of R4 for a structure, with its short cuts. It returns nil
// when the constraint has a check of its own.
func coreInvariant(con r4.Constraint, typ string, bits map[string]uint64) *invariant {
	if byHand[con.Key] {
		return nil
	}
	v := newInvariant(con)
	if v == nil {
		return nil
	}
	v.strict = emptyBreaks[con.Key]
	v.quick, v.enough = newPresence(con.Expression, bits), sufficient(con.Expression, bits)
	if elsewhere.MatchString(con.Expression) {
		return v
	}
	for _, m := range names.FindAllStringSubmatch(con.Expression, -1) {
		v.touches |= bits[m[1]]
	}
	holds, known, err := v.test.Test(path.World{}, path.TypedAs(fhir.Node{}, fhir.Node{}, typ))
	v.holds = holds || !known && !v.strict
	if err != nil {
		v.touches = 0
	}
	return v
}

// invariantsOf compiles the constraints of a structure and of its base types.
func (p *plan) invariantsOf(s *r4.Structure) []*invariant {
	bits := make(map[string]uint64, len(p.elements))
	for i, name := range p.elements {
		bits[name] = 1 << i
	}
	var all []*invariant
	for ; s != nil; s = r4.Lookup(s.Base) {
		for _, con := range s.Constraints {
			if v := coreInvariant(con, p.name, bits); v != nil {
				all = append(all, v)
			}
		}
	}
	slices.Reverse(all)
	return all
}

// check tests the invariant on an object that has the given members.
func (v *invariant) check(c *checker, n fhir.Node, typ string, seen uint64) {
	holds := v.holds
	switch {
	case v.touches != 0 && seen&v.touches == 0:
	case v.quick != nil:
		holds = v.quick(seen)
	case v.suffices(seen):
		return
	default:
		v.run(c, path.TypedAs(n, fhir.Node{}, typ))
		return
	}
	if !holds {
		c.broken(v, n)
	}
}

// suffices reports whether the presence of members alone makes the invariant hold.
func (v *invariant) suffices(seen uint64) bool {
	for _, p := range v.enough {
		if p(seen) {
			return true
		}
	}
	return false
}

// run evaluates the expression.
func (v *invariant) run(c *checker, it path.Item) {
	holds, known, err := v.test.Test(c.world(), it)
	switch {
	case err != nil:
		c.undecided(v, nodeOf(it))
	case !holds && (known || v.strict):
		c.broken(v, nodeOf(it))
	}
}

// broken reports that a constraint does not hold.
func (c *checker) broken(v *invariant, n fhir.Node) {
	text := cmp.Or(v.human, invariantTexts[v.key])
	if text == "" {
		text = "This must hold here: " + shorten(v.expression) + "."
	}
	c.report(n, atEnd, fhir.Issue{Severity: v.severity, Code: "invariant", Diagnostics: v.key, Text: text})
}

// undecided reports a constraint that could not be evaluated; where the element has other faults
// these are the reason.
func (c *checker) undecided(v *invariant, n fhir.Node) {
	if c.errors > 0 {
		return
	}
	c.report(n, atEnd, fhir.Issue{
		Severity: fhir.SeverityWarning, Code: "incomplete", Diagnostics: v.key,
		Text: "This rule could not be evaluated here, because the resource is too large or of another form than the rule expects; check it by hand.",
	})
}

// shorten keeps the text of an issue readable.
func shorten(expression string) string {
	const most = 300
	expression = strings.Join(strings.Fields(expression), " ")
	if len(expression) <= most {
		return expression
	}
	return strings.ToValidUTF8(expression[:most], "") + " …"
}

// elementRule makes a rule of a constraint that stands with one element.
func elementRule(con r4.Constraint, typ string) rule {
	v := coreInvariant(con, typ, nil)
	if v == nil {
		return nil
	}
	return func(c *checker, n fhir.Node) { v.run(c, path.TypedAs(n, fhir.Node{}, typ)) }
}

// world is what the expressions may ask: entries of the same Bundle, value sets and profiles.
func (c *checker) world() path.World {
	if c.around == nil {
		c.around = &path.World{Resolve: c.resolve, MemberOf: c.memberOf, ConformsTo: c.conformsTo}
		if c.options.Now != nil {
			c.around.Now = c.options.Now()
		}
	}
	return *c.around
}

// resolve finds the entry of the Bundle that a reference points to, else a stub of its type.
func (c *checker) resolve(reference, declared string) (path.Item, bool) {
	if n, ok := c.anyEntry(reference); ok {
		return path.Typed(n), true
	}
	return path.StubOf(reference, declared)
}

// invariantTexts say what to do about the constraints that are met most.
var invariantTexts = map[string]string{
	"dom-4":  "A contained resource has no versionId and lastUpdated of its own; remove them.",
	"dom-5":  "A contained resource has no security labels of its own; put them on the resource that contains it.",
	"dom-6":  "A resource should have a narrative for people to read; add text with status and div.",
	"per-1":  "The period ends before it starts; correct start or end.",
	"qty-3":  "A quantity with a code needs the system of the code; add it.",
	"rng-2":  "The range has a low above its high; correct one of them.",
	"rat-1":  "A ratio needs numerator and denominator, or neither of them and an extension.",
	"att-1":  "An attachment with data needs its contentType; add it.",
	"cpt-2":  "A contact point with a value needs its system, such as phone or email; add it.",
	"org-1":  "An organisation needs an identifier or a name; add one.",
	"pat-1":  "A contact of a patient needs a name, telecom, address or organisation; add one.",
	"obs-6":  "An observation has either a value or a reason why it has none; remove one of them.",
	"obs-7":  "A component repeats the code of an observation that has a value itself; put the value in one place.",
	"cpl-3":  "An activity has either a detail or a reference; keep one of them.",
	"bdl-3":  "The entries of a batch, transaction or history have a request, and others have none; add or remove it.",
	"bdl-4":  "The entries of a response or history have a response, and others have none; add or remove it.",
	"bdl-5":  "An entry needs a resource, a request or a response; add one.",
	"bdl-8":  "A fullUrl names a resource, not a version of it; remove /_history.",
	"bdl-9":  "A document needs an identifier with system and value; add it.",
	"bdl-10": "A document needs a timestamp; add it.",
	"bdl-11": "The first entry of a document is a Composition; put it there.",
	"bdl-12": "The first entry of a message is a MessageHeader; put it there.",
	"cmp-1":  "A section needs a text, entries or sections; add one.",
	"cmp-2":  "A section gives a reason for being empty and has entries; remove one of them.",
	"tim-1":  "A duration needs its unit; add durationUnit.",
	"tim-2":  "A period needs its unit; add periodUnit.",
	"con-4":  "A condition that has abated is resolved, in remission or inactive; correct its clinicalStatus.",
	"con-5":  "A condition entered in error has no clinicalStatus; remove it.",
	"que-1":  "A group has items and a display has none; add or remove them.",
}

// memberOf answers the function of that name.
func (c *checker) memberOf(it path.Item, valueSet string) (member, known bool) {
	a := c.inValueSet(it, valueSet)
	return a == yes, a != unknown
}

// conformsTo answers the function of that name.
func (c *checker) conformsTo(it path.Item, canonical string) (conforms, known bool) {
	a := c.conforms(it, canonical)
	return a == yes, a != unknown
}
