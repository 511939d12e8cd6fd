package validate

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// maxIssues bounds what is reported of one resource. A fault behind them is found next time.
const maxIssues = 100

// fault is a class of faults: the stable rule id and the R4 issue type under which it is reported.
type fault struct{ id, code string }

var (
	unknownElement = fault{"FHIR-STRUCT-UNKNOWN", "structure"}   // R4 does not define the member
	twinLength     = fault{"FHIR-STRUCT-TWIN", "structure"}      // given and _given differ in length
	emptyElement   = fault{"FHIR-STRUCT-EMPTY", "structure"}     // ele-1: nothing but an id
	resourceType   = fault{"FHIR-STRUCT-RESOURCE", "structure"}  // an inner resource without known type
	nested         = fault{"FHIR-CONTAINED-NESTED", "structure"} // dom-2: contained in contained
	sameID         = fault{"FHIR-CONTAINED-ID", "duplicate"}     // two contained resources with one id
	tooFew         = fault{"FHIR-CARD-MIN", "required"}          // a required element is missing
	tooMany        = fault{"FHIR-CARD-MAX", "structure"}         // an element occurs too often
	wrongShape     = fault{"FHIR-TYPE", "structure"}             // another JSON shape than the type has
	wrongFormat    = fault{"FHIR-FORMAT", "value"}               // the text of a primitive
	choice         = fault{"FHIR-CHOICE", "structure"}           // two types of one choice
	refTarget      = fault{"FHIR-REF-TARGET", "value"}           // a reference to a type R4 does not allow there
	refFormat      = fault{"FHIR-REF-FORMAT", "value"}           // a relative reference of no known form
	refLocal       = fault{"FHIR-REF-LOCAL", "not-found"}        // ref-1: nothing contained has that id
	codeRequired   = fault{"FHIR-CODE-REQUIRED", "code-invalid"} // outside a required value set
	extensionValue = fault{"FHIR-EXT-VALUE", "structure"}        // ext-1: a value or extensions, not both
	narrative      = fault{"FHIR-XHTML", "value"}                // txt-1, txt-2
	more           = fault{"FHIR-MORE", "incomplete"}            // maxIssues is reached
)

// isFull reports whether the last issue says that there may be more; the walk can end.
func (c *checker) isFull() bool { return len(c.issues) > maxIssues }

// add reports a fault at a node.
func (c *checker) add(f fault, n fhir.Node, text string) { c.addMember(f, n, "", text) }

// addMember reports a fault at a member of n, which need not exist.
func (c *checker) addMember(f fault, n fhir.Node, member, text string) {
	if c.isFull() {
		return
	}
	if len(c.issues) == maxIssues {
		c.issues = append(c.issues, fhir.Issue{
			Severity: fhir.SeverityError, Code: more.code, Expression: string(c.resource.Type()),
			Diagnostics: more.id, Text: "There may be more faults than are reported; correct these and send it again.",
		})
		return
	}
	path := n.Path()
	if member != "" {
		path += "." + member
	}
	c.issues = append(c.issues, fhir.Issue{
		Severity: fhir.SeverityError, Code: f.code, Expression: path, Diagnostics: f.id, Text: text,
	})
}

// list writes words for a text: "a, b, c", or the first ones of very many.
func list(words []string) string {
	const most = 12
	if len(words) > most {
		return strings.Join(words[:most], ", ") + " …"
	}
	return strings.Join(words, ", ")
}
