package mks

import (
	"fmt"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
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
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// Format is mks-bron/1.
type Format struct {
	// Holds reports whether a code system has a code, and whether it is loaded at all; nil: none is (ENV-17).
	Holds func(system, code string) (held, loaded bool)
}

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
func (f Format) Read(doc *fhir.Resource, now time.Time) (mapping.Source, []fhir.Issue) {
	d := record.Read(doc, now)
	d.Holds = f.Holds
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
	text, issues := rebuild.Documents(docs, issues, func(tree *fhir.Resource) []fhir.Issue {
		d := record.Read(tree, record.DistantFuture)
		if in := d.Content(); in.Node().Len() == 0 {
			d.Object(in, d.Type.Fields) // name what is missing, not that all is
		}
		return d.Issues()
	})
	return text, issues, nil
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
