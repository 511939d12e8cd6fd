package fhir

import (
	"errors"
	"fmt"
)

// Severities of an Issue, as in OperationOutcome.issue.severity.
const (
	SeverityError       = "error"
	SeverityWarning     = "warning"
	SeverityInformation = "information"
)

// Issue is one finding about data: an OperationOutcome.issue. It never holds an input value.
type Issue struct {
	Severity    string // error, warning, information
	Code        string // R4 issue-type code, such as "invalid" or "business-rule"
	Expression  string // FHIRPath of the element, or a JSON pointer in a source document
	Diagnostics string // stable rule id, such as "MKS-ENV-02"
	Text        string // one sentence: what is wrong and what to do
	In          Translations
}

// Translations are the Text of an Issue, which is English, in the other languages of those who read it; "" where
// there is none.
type Translations struct{ NL, SV string }

// HasErrors reports whether one of the issues is an error.
func HasErrors(issues []Issue) bool {
	for _, i := range issues {
		if i.Severity == SeverityError {
			return true
		}
	}
	return false
}

// Kind classifies an Error. fhir/rest maps each kind to one HTTP status and issue code.
type Kind uint8

// Kinds of Error.
const (
	Internal         Kind = iota // a fault of the server
	Malformed                    // not parsable: 400
	BadRequest                   // parsable, but not a valid request: 400
	Unauthenticated              // no usable token: 401
	Forbidden                    // refused before any look-up: 403
	NotFound                     // missing, or hidden: 404
	MethodNotAllowed             // 405
	NotAcceptable                // 406
	Conflict                     // moved in between, or version conflict: 409
	Gone                         // deleted: 410
	Precondition                 // If-Match failed: 412
	TooLarge                     // 413
	Unsupported                  // media type or schema: 415
	Unprocessable                // valid form, against the rules: 422
	TooMany                      // 429
	Unavailable                  // 503, try again
)

// Error is a failure of an operation. Its text is for the log; a client sees Issues only.
type Error struct {
	Kind   Kind
	Op     string  // operation that failed, such as "exchange.Read"
	Reason string  // reason code of access.md, when a decision refused
	Issues []Issue // what the client is told
	Err    error   // cause, never shown to a client
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Op
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	for _, i := range e.Issues {
		s += fmt.Sprintf(": %s %s", i.Code, i.Diagnostics)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Wrap adds op to err and keeps its kind and issues; a foreign error becomes Internal.
// It returns nil for nil.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return &Error{Kind: e.Kind, Op: op, Reason: e.Reason, Issues: e.Issues, Err: err}
	}
	return &Error{Kind: Internal, Op: op, Err: err}
}

// KindOf returns the kind of err: Internal for a foreign error.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Errorf returns an Error of one issue: code and rule as in Issue, text for the client.
func Errorf(kind Kind, op, code, rule, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Issues: []Issue{{
		Severity: SeverityError, Code: code, Diagnostics: rule, Text: fmt.Sprintf(format, args...),
	}}}
}
