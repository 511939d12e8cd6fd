package samordningsplan

import (
	"fmt"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Format is samordningsplan/1. It has no state.
type Format struct{}

var (
	_ mapping.Format   = Format{}
	_ mapping.Admitter = Format{}
)

// Schema returns "samordningsplan/1".
func (Format) Schema() string { return Schema }

// Read checks form, lists, identifiers and the rules that need the document alone.
func (Format) Read(doc *fhir.Resource, _ time.Time) (mapping.Source, []fhir.Issue) {
	p := readPlan(doc)
	by := p.root.At("ansvar")
	src := mapping.Source{
		Schema: Schema, Version: int(p.root.At("version").Whole()), Doc: doc, Value: p, Faulty: p.Refused(),
		Sender:   fhir.Identifier{System: hsaSystem, Value: by.At("vardenhetHsaId").Str()},
		Versions: mapping.Versions{Pointer: "/version", Changed: "SP-V01", Lower: "SP-V02"},
	}
	for _, name := range []string{"vardenhetHsaId", "vardgivareHsaId"} {
		if of := by.At(name).Str(); of != "" {
			src.Senders = append(src.Senders, mapping.Aliases(fhir.Identifier{System: hsaSystem, Value: of})...)
		}
	}
	// Without a sender nothing is asked of what is stored.
	if source := p.root.At("kallsystemHsaId").Str(); source != "" && p.document() != "" && by.SoundAll("vardgivareHsaId", "vardenhetHsaId") {
		src.Record = strings.Join([]string{"samordningsplan", source, p.document()}, "/")
	}
	if id := p.personIdentifier(); id.System != "" && id.Value != "" {
		src.Child = []fhir.Identifier{id}
	}
	return src, p.Issues()
}

// Map maps a source that Read gave. Result.Issues holds what Read did not report. A faulty source gets its
// remaining faults and no resources.
func (Format) Map(s mapping.Source, k mapping.Known, _ time.Time) (mapping.Result, error) {
	const op = "samordningsplan.Map"
	read, ok := s.Value.(*plan)
	if !ok {
		return mapping.Result{}, fmt.Errorf("%s: source was read by another format", op)
	}
	if read.Large() || s.Record == "" || len(s.Child) == 0 {
		return mapping.Result{}, nil
	}
	m, err := newMapper(read.clone(), s, k)
	if err != nil {
		return mapping.Result{}, fhir.Wrap(op, err)
	}
	m.step()
	if err := m.rivals(); err != nil {
		return mapping.Result{}, fhir.Wrap(op, err)
	}
	if s.Faulty || m.Refused() {
		return mapping.Result{Issues: m.Issues()}, nil
	}
	if err := m.write(); err != nil {
		return mapping.Result{}, fhir.Wrap(op, err)
	}
	return m.finish()
}
