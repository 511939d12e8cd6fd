package exchange

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Conversion is the outcome of Convert or ConvertBack. Of the first two members one is given, and
// neither when one of the issues is an error.
type Conversion struct {
	Bundle    []byte       // Bundle of type collection: what all documents made, taken one after the other
	Documents []byte       // one source document, or a JSON array of several
	Issues    []fhir.Issue // mapping report
	Trace     []mapping.Trace
}

// Report is the whole mapping report: the issues, then per member of the source the elements that it
// went to.
func (c Conversion) Report() []fhir.Issue {
	out := c.Issues
	for _, t := range c.Trace {
		text := "This member is implied by what it became."
		if len(t.Elements) > 0 {
			text = "This member went to " + strings.Join(t.Elements, ", ") + "."
		}
		out = append(out, fhir.Issue{
			Severity: fhir.SeverityInformation, Code: "informational", Expression: t.Pointer, Diagnostics: "mapping-trace", Text: text,
		})
	}
	return out
}

type collection struct {
	ResourceType string            `json:"resourceType"`
	Type         string            `json:"type"`
	Entry        []collectionEntry `json:"entry,omitempty"`
}

type collectionEntry struct {
	FullURL  string          `json:"fullUrl"`
	Resource json.RawMessage `json:"resource"`
}

// ConvertFor is $convert over HTTP: to is a schema for the way back, "" or "fhir" for the way to FHIR.
// Any live token may ask, and nothing of a patient is looked up (access.md 6.1): a document is mapped
// as one of a child not known before. Faults of the content are Unprocessable.
func (s *Service) ConvertFor(ctx context.Context, c Call, to string, body []byte, limits fhir.Limits, query url.Values) (Conversion, error) {
	const op = "exchange.ConvertFor"
	c.Operation = "convert"
	var out Conversion
	var err error
	s.trace.run(ctx, StepMap, func() Step {
		out, err = s.converted(ctx, c, to, body, limits)
		return judgedStep("", out.Issues)
	})
	if err == nil && fhir.HasErrors(out.Issues) {
		err = &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: out.Issues}
	}
	if err != nil {
		return Conversion{}, s.Reject(ctx, c, auth.Read, "", err)
	}
	return out, s.Answered(ctx, c, auth.Read, "", query)
}

func (s *Service) converted(ctx context.Context, c Call, to string, body []byte, limits fhir.Limits) (Conversion, error) {
	if to == "" || to == "fhir" {
		return s.convert([][]byte{body}, c.Principal.Organization, limits)
	}
	by, err := s.origin(ctx, c.Principal)
	if err != nil {
		return Conversion{}, err
	}
	return s.ConvertBack([][]byte{body}, to, by, limits)
}

// Convert maps source documents to FHIR without a store, as Submit would take them one after the
// other. Documents that are no JSON or of an unknown schema are errors; faults of their content are
// issues.
func (s *Service) Convert(docs [][]byte, limits fhir.Limits) (Conversion, error) {
	return s.convert(docs, fhir.Ref{}, limits)
}

func (s *Service) convert(docs [][]byte, holder fhir.Ref, limits fhir.Limits) (Conversion, error) {
	const op = "exchange.Convert"
	run := conversion{s: s, memory: mapping.NewMemory(), holder: holder, hashes: map[string][32]byte{}}
	for _, b := range docs {
		if err := run.take(b, limits); err != nil {
			return Conversion{}, fhir.Wrap(op, err)
		}
	}
	if fhir.HasErrors(run.out.Issues) {
		return run.out, nil
	}
	c := collection{ResourceType: "Bundle", Type: "collection"}
	for _, r := range run.memory.All() {
		c.Entry = append(c.Entry, collectionEntry{FullURL: fhir.Canonical + "/" + r.Ref().String(), Resource: r.Bytes()})
	}
	var err error
	run.out.Bundle, err = JSON(c)
	return run.out, fhir.Wrap(op, err)
}

// conversion is one run over documents, with what came of those before.
type conversion struct {
	s      *Service
	memory *mapping.Memory
	holder fhir.Ref
	hashes map[string][32]byte // of what was taken, by record and version
	out    Conversion
}

// take maps one document on top of those before.
func (run *conversion) take(b []byte, limits fhir.Limits) error {
	doc, err := readSource("exchange.Convert", b, limits)
	if err != nil {
		return err
	}
	format, err := run.s.format(doc)
	if err != nil {
		return err
	}
	now := run.s.now()
	source, issues := format.Read(doc, now)
	source.Holder = run.holder
	if again, known := run.version(source, doc); known {
		run.out.Issues = append(run.out.Issues, again...)
		return nil
	}
	result, err := format.Map(source, run.memory, now)
	if err != nil {
		return err
	}
	issues = append(issues, result.Issues...)
	if source.Foreign {
		issues = append(issues, validate.Resource(doc)...)
	}
	run.out.Issues, run.out.Trace = append(run.out.Issues, issues...), append(run.out.Trace, result.Trace...)
	if fhir.HasErrors(issues) {
		return nil
	}
	run.memory.Apply(source, result, now)
	run.hashes[versionOf(source)] = fhir.Hash(doc.Root())
	return nil
}

func versionOf(s mapping.Source) string { return fmt.Sprintf("%s/%d", s.Record, s.Version) }

// version answers what Submit would say of a version that was taken before, or of one below the
// highest. known is false for one that is to be taken now.
func (run *conversion) version(source mapping.Source, doc *fhir.Resource) (issues []fhir.Issue, known bool) {
	if source.Record == "" || source.Version < 1 {
		return nil, false
	}
	rules := versionRules(source)
	if hash, taken := run.hashes[versionOf(source)]; taken {
		if hash == fhir.Hash(doc.Root()) {
			return nil, true
		}
		return []fhir.Issue{versionFault(rules, rules.Changed, "This record and version came before with another content; send a higher version.")}, true
	}
	versions, err := run.memory.Stored(source.Record)
	if n := len(versions); err == nil && n > 0 && source.Version < versions[n-1] {
		return []fhir.Issue{versionFault(rules, rules.Lower, "A higher version of this record came before; send them in the order of their versions.")}, true
	}
	return nil, false
}

func versionFault(of mapping.Versions, rule, text string) fhir.Issue {
	return fhir.Issue{Severity: fhir.SeverityError, Code: "business-rule", Expression: of.Pointer, Diagnostics: rule, Text: text}
}

// readSource parses a source document: any JSON object, or FHIR with its type.
func readSource(op string, b []byte, limits fhir.Limits) (*fhir.Resource, error) {
	doc, issues := fhir.ParseDocument(b, limits)
	if !fhir.HasErrors(issues) && doc.Root().Member("resourceType").Exists() {
		doc, issues = fhir.Parse(b, limits)
	}
	if fhir.HasErrors(issues) {
		return nil, &fhir.Error{Kind: fhir.Malformed, Op: op, Issues: issues}
	}
	return doc, nil
}
