package mks

import (
	"fmt"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Format is mks-bron/1. It has no state.
type Format struct{}

var _ mapping.Format = Format{}

// Schema returns "mks-bron/1".
func (Format) Schema() string { return "mks-bron/1" }

// Read checks form, lists, identifiers and the rules that need the document alone (mks.md 2.1 to 2.4).
func (Format) Read(doc *fhir.Resource, now time.Time) (mapping.Source, []fhir.Issue) {
	d := readDocument(doc, now)
	if d.known && d.rec.write == nil {
		d.fail(notSupported, d.root.at("recordType"))
	}
	if d.known && d.rec.local != nil {
		d.rec.local(d)
	}
	h := d.head
	src := mapping.Source{
		Schema: "mks-bron/1", Version: h.version, Doc: doc, Value: d,
		Faulty: fhir.HasErrors(d.issues),
		Record: h.recordKey(),
		Sender: fhir.Identifier{System: uraSystem, Value: h.ura},
		Child:  []fhir.Identifier{{System: h.base() + "/kind", Value: h.localID}},
	}
	if h.bsn != "" {
		src.Child = append([]fhir.Identifier{{System: bsnSystem, Value: h.bsn}}, src.Child...)
	}
	return src, d.issues
}

// Map maps a source that Read gave. Result.Issues holds what Read did not report. A faulty source
// gets its remaining faults and no resources.
func (Format) Map(s mapping.Source, k mapping.Known, now time.Time) (mapping.Result, error) {
	read, ok := s.Value.(*document)
	if !ok {
		return mapping.Result{}, fmt.Errorf("mks.Map: source was read by another format")
	}
	if !read.known || read.rec.write == nil {
		return mapping.Result{}, nil
	}
	m, err := newMapper(read.clone(), k, now)
	if err != nil {
		return mapping.Result{}, fmt.Errorf("mks.Map: find child: %w", err)
	}
	if err := m.check(); err != nil {
		return mapping.Result{}, fmt.Errorf("mks.Map: check: %w", err)
	}
	if s.Faulty || fhir.HasErrors(m.issues) {
		return mapping.Result{Issues: m.issues}, nil
	}
	if err := m.rec.write(m); err != nil {
		return mapping.Result{}, fmt.Errorf("mks.Map: write: %w", err)
	}
	return m.finish()
}

// Back will rebuild source documents (mks.md 4).
func (Format) Back([]*fhir.Resource) ([]byte, []fhir.Issue, error) {
	return nil, []fhir.Issue{{
		Severity: fhir.SeverityError, Code: "not-supported", Diagnostics: "MKS-BACK",
		Text: "The way back to mks-bron/1 is not supported yet.",
	}}, nil
}
