package mks

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/back"
)

// Format is mks-bron/1. It has no state.
type Format struct{}

// stepsOf are the record types on their way to FHIR. It is read only.
var stepsOf = map[string]steps{
	"kind": kindSteps(), "verwijsboom": referralSteps(), "hulpbehoeftescan": scanSteps(), "zorgplan": planSteps(),
	"evaluatie": evaluationSteps(), "beslisboom": closingSteps(), "overdracht": transferSteps(), "toestemming": consentSteps(),
}

var (
	_ mapping.Format    = Format{}
	_ mapping.Extractor = Format{}
)

// Schema returns "mks-bron/1".
func (Format) Schema() string { return schemaName }

// Read checks form, lists, identifiers and the rules that need the document alone (mks.md 2.1 to 2.4).
func (Format) Read(doc *fhir.Resource, now time.Time) (mapping.Source, []fhir.Issue) {
	d := readDocument(doc, now)
	if d.known && !d.Large() {
		d.rec.local(d)
	}
	h := d.head
	src := mapping.Source{
		Schema: schemaName, Version: h.version, Doc: doc, Value: d,
		Faulty: d.Refused(),
		Record: h.recordKey(),
		Sender: fhir.Identifier{System: uraSystem, Value: h.ura},
		Child:  []fhir.Identifier{{System: h.base() + "/kind", Value: h.localID}},
	}
	if h.bsn != "" {
		src.Child = append([]fhir.Identifier{{System: bsnSystem, Value: h.bsn}}, src.Child...)
	}
	return src, d.Issues()
}

// Map maps a source that Read gave. Result.Issues holds what Read did not report. A faulty source
// gets its remaining faults and no resources.
func (Format) Map(s mapping.Source, k mapping.Known, now time.Time) (mapping.Result, error) {
	read, ok := s.Value.(*document)
	if !ok {
		return mapping.Result{}, fmt.Errorf("mks.Map: source was read by another format")
	}
	if !read.known || read.Large() {
		return mapping.Result{}, nil
	}
	m, err := newMapper(read.clone(), k, now)
	if err != nil {
		return mapping.Result{}, fmt.Errorf("mks.Map: find child: %w", err)
	}
	of := stepsOf[m.rec.name]
	if err := m.check(of); err != nil {
		return mapping.Result{}, fmt.Errorf("mks.Map: check: %w", err)
	}
	if s.Faulty || m.Refused() {
		return mapping.Result{Issues: m.Issues()}, nil
	}
	if err := of.write(m); err != nil {
		return mapping.Result{}, fmt.Errorf("mks.Map: write: %w", err)
	}
	if err := m.resolveLogical(); err != nil {
		return mapping.Result{}, err
	}
	return m.finish()
}

// Back rebuilds the source document of every record among the resources (mks.md 4): one document, or
// a JSON array in the order of their anchors. A document that lacks a required member, or whose form is
// broken otherwise, is refused with the rule and the pointer of Read.
func (Format) Back(rs []*fhir.Resource, by mapping.Origin) ([]byte, []fhir.Issue, error) {
	docs, issues := back.Documents(rs, by)
	for i, doc := range docs {
		at := ""
		if len(docs) > 1 {
			at = "/" + strconv.Itoa(i)
		}
		faults := formFaults(doc, at)
		if issues = append(issues, faults...); len(faults) > 0 && len(issues) > form.MaxIssues {
			break
		}
	}
	if fhir.HasErrors(issues) {
		return nil, issues, nil
	}
	if len(docs) == 1 {
		return docs[0], issues, nil
	}
	return append(append([]byte("["), bytes.Join(docs, []byte(","))...), ']'), issues, nil
}

// formFaults returns what is wrong with the form of a document that was rebuilt, with pointers below
// at. The rules about its content are for whoever takes it in.
func formFaults(doc []byte, at string) []fhir.Issue {
	tree, issues := fhir.ParseDocument(doc, fhir.Limits{Bytes: math.MaxInt32, Nodes: math.MaxInt32})
	if fhir.HasErrors(issues) {
		return issues
	}
	d := readDocument(tree, distantFuture)
	if in := d.inhoud(); in.Node().Len() == 0 {
		d.Object(in, d.rec.fields) // name what is missing, not that all is
	}
	var out []fhir.Issue
	for _, i := range d.Issues() {
		if i.Severity == fhir.SeverityError {
			i.Expression = at + i.Expression
			out = append(out, i)
		}
	}
	return out
}

// AllSign is Format under the setting signatures=all: a zorgplan comes into force only when every
// holder of authority has signed it (mks.md 7.6). Format itself asks one.
type AllSign struct{ Format }

var _ mapping.Format = AllSign{}

// Read is Format.Read.
func (f AllSign) Read(doc *fhir.Resource, now time.Time) (mapping.Source, []fhir.Issue) {
	s, issues := f.Format.Read(doc, now)
	if d, ok := s.Value.(*document); ok {
		d.allSign = true
	}
	return s, issues
}

// Extract makes resources of an answer to one of our forms, as extract.Response says.
func (Format) Extract(response *fhir.Resource, stored func(fhir.Ref) (*fhir.Resource, error)) ([]mapping.Extracted, bool, error) {
	return extract(response, stored)
}

// Activate brings the draft of a zorgplan into force, as plan.Activate says.
func (Format) Activate(draft *fhir.Resource, signatures []*fhir.Resource, k mapping.Known, now time.Time) (mapping.Result, error) {
	return activate(draft, signatures, k, now)
}
