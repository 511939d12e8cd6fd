package netwerk

import (
	"fmt"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
)

// Format is netwerk/1. It has no state.
type Format struct{}

var _ mapping.Format = Format{}

// Schema returns "netwerk/1".
func (Format) Schema() string { return Schema }

// Read checks form, lists, identifiers and the rules that need the document alone (network.md 1, 2).
func (Format) Read(doc *fhir.Resource, _ time.Time) (mapping.Source, []fhir.Issue) {
	d := newDocument(form.Read(doc, &dialect, table))
	if !d.Large() {
		d.formRules()
		d.rules()
	}
	h := d.head()
	src := mapping.Source{
		Schema: Schema, Version: h.version, Doc: doc, Value: d, Faulty: d.Refused(),
		Sender:   fhir.Identifier{System: uraSystem, Value: h.ura},
		Versions: mapping.Versions{Pointer: "/versie", Changed: "NW-V01", Lower: "NW-V02"},
	}
	if h.ura != "" && h.record != "" {
		src.Record = Schema + "|" + h.ura + "|" + h.record
	}
	for _, id := range h.client {
		if id.Value != "" {
			src.Child = append(src.Child, id)
		}
	}
	return src, d.Issues()
}

// head is what names the record; its members are zero when they are faulty.
type head struct {
	ura, record string
	version     int
	client      []fhir.Identifier // BSN and local id, the values may be ""
}

func (d *document) head() head {
	h := head{
		ura: d.at("bronsysteem").At("ura").Str(), record: d.at("recordId").Str(), version: int(d.at("versie").Whole()),
	}
	h.client = []fhir.Identifier{
		{System: bsnSystem, Value: d.at("client").At("bsn").Str()},
		{System: systemOfClient + h.ura, Value: d.at("client").At("lokaalId").Str()},
	}
	return h
}

// Map maps a source that Read gave. Result.Issues holds what Read did not report. A faulty source gets
// its remaining faults and no resources.
func (Format) Map(s mapping.Source, k mapping.Known, _ time.Time) (mapping.Result, error) {
	const op = "netwerk.Map"
	read, ok := s.Value.(*document)
	if !ok {
		return mapping.Result{}, fmt.Errorf("%s: source was read by another format", op)
	}
	if read.Large() {
		return mapping.Result{}, nil
	}
	m, err := newMapper(newDocument(read.Clone()), k)
	if err != nil {
		return mapping.Result{}, fmt.Errorf("%s: look up: %w", op, err)
	}
	if err := m.check(); err != nil {
		return mapping.Result{}, fmt.Errorf("%s: check: %w", op, err)
	}
	if s.Faulty || m.Refused() {
		return mapping.Result{Issues: m.Issues()}, nil
	}
	if err := m.write(); err != nil {
		return mapping.Result{}, fmt.Errorf("%s: write: %w", op, err)
	}
	return mapping.Result{
		Resources: m.out, Anchor: m.team, Patient: m.patient, Sender: m.sender, Trace: m.traces(), Issues: m.Issues(),
	}, nil
}
