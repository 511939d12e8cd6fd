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
	"github.com/drieluik/drieluik/mapping/mks/arrive"
	"github.com/drieluik/drieluik/mapping/mks/back"
	"github.com/drieluik/drieluik/mapping/mks/child"
	"github.com/drieluik/drieluik/mapping/mks/consent"
	"github.com/drieluik/drieluik/mapping/mks/extract"
	"github.com/drieluik/drieluik/mapping/mks/plan"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/scan"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
	"github.com/drieluik/drieluik/mapping/mks/transfer"
	"github.com/drieluik/drieluik/mapping/mks/tree"
)

// Format is mks-bron/1. It has no state.
type Format struct{}

// stepsOf are the record types on their way to FHIR. It is read only.
var stepsOf = map[string]tofhir.Steps{
	"kind": child.Steps(), "verwijsboom": tree.ReferralSteps(), "hulpbehoeftescan": scan.Steps(), "zorgplan": plan.Steps(),
	"evaluatie": plan.EvaluationSteps(), "beslisboom": tree.ClosingSteps(), "overdracht": transfer.Steps(), "toestemming": consent.Steps(),
}

var (
	_ mapping.Format    = Format{}
	_ mapping.Extractor = Format{}
)

// Schema returns "mks-bron/1".
func (Format) Schema() string { return record.Version }

// Read checks form, lists, identifiers and the rules that need the document alone (mks.md 2.1 to 2.4).
func (Format) Read(doc *fhir.Resource, now time.Time) (mapping.Source, []fhir.Issue) {
	d := record.Read(doc, now)
	if d.Known && !d.Large() {
		d.Type.Local(d)
	}
	h := d.Head
	src := mapping.Source{
		Schema: record.Version, Version: h.Version, Doc: doc, Value: d,
		Faulty: d.Refused(),
		Record: h.RecordKey(),
		Sender: fhir.Identifier{System: record.URASystem, Value: h.URA},
		Child:  []fhir.Identifier{{System: h.Base() + "/kind", Value: h.LocalID}},
	}
	if h.BSN != "" {
		src.Child = append([]fhir.Identifier{{System: record.BSNSystem, Value: h.BSN}}, src.Child...)
	}
	return src, d.Issues()
}

// Map maps a source that Read gave. Result.Issues holds what Read did not report. A faulty source
// gets its remaining faults and no resources.
func (Format) Map(s mapping.Source, k mapping.Known, now time.Time) (mapping.Result, error) {
	read, ok := s.Value.(*record.Document)
	if !ok {
		return mapping.Result{}, fmt.Errorf("mks.Map: source was read by another format")
	}
	if !read.Known || read.Large() {
		return mapping.Result{}, nil
	}
	m, err := tofhir.New(read.Clone(), k, now)
	if err != nil {
		return mapping.Result{}, fmt.Errorf("mks.Map: find child: %w", err)
	}
	of := stepsOf[m.Type.Name]
	if err := m.Check(of); err != nil {
		return mapping.Result{}, fmt.Errorf("mks.Map: check: %w", err)
	}
	if s.Faulty || m.Refused() {
		return mapping.Result{Issues: m.Issues()}, nil
	}
	if err := of.Write(m); err != nil {
		return mapping.Result{}, fmt.Errorf("mks.Map: write: %w", err)
	}
	if err := arrive.Resolve(m); err != nil {
		return mapping.Result{}, err
	}
	return m.Finish()
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
	d := record.Read(tree, record.DistantFuture)
	if in := d.Content(); in.Node().Len() == 0 {
		d.Object(in, d.Type.Fields) // name what is missing, not that all is
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
	if d, ok := s.Value.(*record.Document); ok {
		d.AllSign = true
	}
	return s, issues
}

// Extract makes resources of an answer to one of our forms, as extract.Response says.
func (Format) Extract(response *fhir.Resource, stored func(fhir.Ref) (*fhir.Resource, error)) ([]mapping.Extracted, bool, error) {
	return extract.Response(response, stored)
}

// Activate brings the draft of a zorgplan into force, as plan.Activate says.
func (Format) Activate(draft *fhir.Resource, signatures []*fhir.Resource, k mapping.Known, now time.Time) (mapping.Result, error) {
	return plan.Activate(draft, signatures, k, now)
}
