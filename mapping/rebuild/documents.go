package rebuild

import (
	"bytes"
	"math"
	"strconv"

	"github.com/drieluik/drieluik/fhir"
)

// Documents returns documents that were rebuilt: the one, or a JSON array of them. read gives what the form of a
// document says of it, as Read of its format does; an error refuses them all, with the pointer in what would
// have been returned. The rules about content are for whoever takes a document in. issues are those so far.
func Documents(docs [][]byte, issues []fhir.Issue, read func(*fhir.Resource) []fhir.Issue) ([]byte, []fhir.Issue) {
	for i, doc := range docs {
		at := ""
		if len(docs) > 1 {
			at = "/" + strconv.Itoa(i)
		}
		found := faults(doc, at, read)
		if issues = append(issues, found...); len(found) > 0 && len(issues) > maxIssues {
			break
		}
	}
	switch {
	case fhir.HasErrors(issues):
		return nil, issues
	case len(docs) == 1:
		return docs[0], issues
	}
	return append(append([]byte("["), bytes.Join(docs, []byte(","))...), ']'), issues
}

// faults are the errors of form of one document, with pointers below at.
func faults(doc []byte, at string, read func(*fhir.Resource) []fhir.Issue) []fhir.Issue {
	tree, issues := fhir.ParseDocument(doc, fhir.Limits{Bytes: math.MaxInt32, Nodes: math.MaxInt32})
	if fhir.HasErrors(issues) {
		return issues
	}
	var out []fhir.Issue
	for _, i := range read(tree) {
		if i.Severity == fhir.SeverityError {
			i.Expression = at + i.Expression
			out = append(out, i)
		}
	}
	return out
}
