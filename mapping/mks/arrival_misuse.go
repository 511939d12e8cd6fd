package mks

import (
	"math"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/back"
)

// misuses are, by meta.source, the local ids that a record which waited uses for what they are not.
type misuses map[string]map[string]bool

// findMisuses holds MKS-REF-03 for the records that waited. FHIR does not tell what the source may name at
// a place, its own table does: each record is read back and walked like a new one.
func (m *mapper) findMisuses(waited []*mapping.Found) misuses {
	records := map[string][]*fhir.Resource{}
	open := map[string]bool{}
	for _, hit := range waited {
		source := found(hit).At("meta", "source").Text()
		records[source] = append(records[source], hit.Resource)
		open[source] = open[source] || strings.Contains(found(hit).Raw(), m.unknownSystem())
	}
	out := misuses{}
	for source, rs := range records {
		if open[source] {
			out[source] = m.misusedIn(append(rs, m.child.found.Resource))
		}
	}
	return out
}

// unknownSystem is that of local ids whose kind is not known yet (mks.md 2.5).
func (m *mapper) unknownSystem() string { return m.head.base() + "/onbekend" }

// misusedIn returns the ids of this child record's lists that a stored record uses for what they are not.
func (m *mapper) misusedIn(rs []*fhir.Resource) map[string]bool {
	docs, _ := back.Documents(rs, mapping.Origin{})
	out := map[string]bool{}
	for _, doc := range docs {
		tree, issues := fhir.ParseDocument(doc, fhir.Limits{Bytes: math.MaxInt32, Nodes: math.MaxInt32})
		if fhir.HasErrors(issues) {
			continue
		}
		d := readDocument(tree, distantFuture)
		d.Root().Walk(d.rec.whole, func(v form.Value, t form.Type) {
			if own, known := m.own[v.Node().Text()]; known && t.Kinds() != nil && !slices.Contains(t.Kinds(), own.kind) {
				out[v.Node().Text()] = true
			}
		})
	}
	return out
}
