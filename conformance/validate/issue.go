package validate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// maxIssues bounds the issues of each severity that are reported of one resource. A fault behind them
// is found next time.
const maxIssues = 100

// fault is a class of faults: the stable rule id and the R4 issue type under which it is reported.
type fault struct{ id, code string }

var (
	unknownElement = fault{"FHIR-STRUCT-UNKNOWN", "structure"}   // R4 does not define the member
	twinLength     = fault{"FHIR-STRUCT-TWIN", "structure"}      // given and _given differ in length
	emptyElement   = fault{"ele-1", "invariant"}                 // nothing but an id
	resourceType   = fault{"FHIR-STRUCT-RESOURCE", "structure"}  // an inner resource without known type
	nested         = fault{"dom-2", "invariant"}                 // contained in contained
	sameID         = fault{"FHIR-CONTAINED-ID", "duplicate"}     // two contained resources with one id
	tooFew         = fault{"FHIR-CARD-MIN", "required"}          // a required element is missing
	tooMany        = fault{"FHIR-CARD-MAX", "structure"}         // an element occurs too often
	wrongShape     = fault{"FHIR-TYPE", "structure"}             // another JSON shape than the type has
	wrongFormat    = fault{"FHIR-FORMAT", "value"}               // the text of a primitive
	choice         = fault{"FHIR-CHOICE", "structure"}           // two types of one choice
	refTarget      = fault{"FHIR-REF-TARGET", "value"}           // a reference to a type R4 does not allow there
	refFormat      = fault{"FHIR-REF-FORMAT", "value"}           // a relative reference of no known form
	refLocal       = fault{"ref-1", "not-found"}                 // nothing contained has that id
	codeRequired   = fault{"FHIR-CODE-REQUIRED", "code-invalid"} // outside a required value set
	extensionValue = fault{"ext-1", "invariant"}                 // a value or extensions, not both
	narrative      = fault{"txt-1", "invariant"}                 // a narrative that is not the XHTML of R4
	emptyNarrative = fault{"txt-2", "invariant"}                 // a narrative without content
	unreferenced   = fault{"dom-3", "invariant"}                 // nothing refers to a contained resource
	profileUnknown = fault{"FHIR-PROFILE-UNKNOWN", "not-found"}  // a profile that is not loaded
	profileType    = fault{"FHIR-PROFILE-TYPE", "value"}         // another type than the profile allows
	profileMin     = fault{"FHIR-PROFILE-MIN", "required"}       // fewer values than the profile demands
	profileMax     = fault{"FHIR-PROFILE-MAX", "structure"}      // more values than the profile allows
	profileFixed   = fault{"FHIR-PROFILE-FIXED", "value"}        // another value than the profile fixes
	profilePattern = fault{"FHIR-PROFILE-PATTERN", "value"}      // a value outside the pattern of the profile
	profileRange   = fault{"FHIR-PROFILE-RANGE", "value"}        // outside minValue, maxValue or maxLength
	profileSlice   = fault{"FHIR-PROFILE-SLICE", "structure"}    // a value of no slice, or out of order
	profileCode    = fault{"FHIR-PROFILE-CODE", "code-invalid"}  // a code outside the value set of the profile
	profileTarget  = fault{"FHIR-PROFILE-TARGET", "value"}       // a reference to what the profile does not allow
	codeUnknown    = fault{"FHIR-CODE-UNKNOWN", "incomplete"}    // a value set that is not known
	mustSupport    = fault{"FHIR-MUST-SUPPORT", "informational"} // an element to be supported is absent
	extUnknown     = fault{"FHIR-EXT-MODIFIER", "extension"}     // a modifier extension that nobody defines
	extContext     = fault{"FHIR-EXT-CONTEXT", "extension"}      // an extension where its definition has no place for it
	more           = fault{"FHIR-MORE", "incomplete"}            // maxIssues is reached
)

// Where an issue stands among those of the document.
const (
	atStart = false // of its node
	atEnd   = true  // behind everything in its node
)

// finding is an issue with the place at which it is told.
type finding struct {
	issue fhir.Issue
	place int // offset in the source
}

// isFull reports whether there are more errors than are told; the walk can end.
func (c *checker) isFull() bool { return c.errors > maxIssues }

// add reports a fault at a node.
func (c *checker) add(f fault, n fhir.Node, text string) {
	c.report(n, atStart, fhir.Issue{Severity: fhir.SeverityError, Code: f.code, Diagnostics: f.id, Text: text})
}

// warn reports a fault that does not refuse the resource.
func (c *checker) warn(f fault, n fhir.Node, text string) {
	c.report(n, atStart, fhir.Issue{Severity: fhir.SeverityWarning, Code: f.code, Diagnostics: f.id, Text: text})
}

// inform tells what could not be checked, or is worth knowing.
func (c *checker) inform(f fault, n fhir.Node, text string) {
	c.report(n, atStart, fhir.Issue{Severity: fhir.SeverityInformation, Code: f.code, Diagnostics: f.id, Text: text})
}

// addMember reports a fault at a member that n lacks.
func (c *checker) addMember(f fault, n fhir.Node, member, text string) {
	c.report(n, atEnd, fhir.Issue{
		Severity: fhir.SeverityError, Code: f.code, Expression: "." + member, Diagnostics: f.id, Text: text,
	})
}

// report takes an issue in. Its expression, if any, is what follows the path of n. Each severity is
// bounded apart, so that many warnings hide no error.
func (c *checker) report(n fhir.Node, end bool, i fhir.Issue) {
	count := &c.hints
	switch i.Severity {
	case fhir.SeverityError:
		count = &c.errors
	case fhir.SeverityWarning:
		count = &c.warnings
	}
	*count++
	if *count > maxIssues {
		return
	}
	start, stop := n.Span()
	if end {
		start = stop
	}
	i.Expression = n.Path() + i.Expression
	c.found = append(c.found, finding{i, start})
}

// issues returns what was found, each once, in the order of the document.
func (c *checker) issues() []fhir.Issue {
	if len(c.found) == 0 {
		return nil
	}
	slices.SortStableFunc(c.found, func(a, b finding) int { return cmp.Compare(a.place, b.place) })
	out := make([]fhir.Issue, 0, len(c.found)+1)
	for _, f := range c.found {
		if !slices.Contains(out, f.issue) {
			out = append(out, f.issue)
		}
	}
	if c.errors > maxIssues {
		out = append(out, c.incomplete(fhir.SeverityError, "There may be more faults than are reported; correct these and send it again."))
	} else if c.warnings > maxIssues || c.hints > maxIssues {
		out = append(out, c.incomplete(fhir.SeverityInformation, "There are more warnings or hints than are reported."))
	}
	return out
}

func (c *checker) incomplete(severity, text string) fhir.Issue {
	return fhir.Issue{
		Severity: severity, Code: more.code, Expression: string(c.resource.Type()), Diagnostics: more.id, Text: text,
	}
}

// list writes words for a text: "a, b, c", or the first ones of very many.
func list(words []string) string {
	const most = 12
	if len(words) > most {
		return strings.Join(words[:most], ", ") + " …"
	}
	return strings.Join(words, ", ")
}
