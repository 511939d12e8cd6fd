package arrive

import (
	"math"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/back"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// misuses are, by meta.source, the local ids that a record which waited uses for what they are not.
type misuses map[string]map[string]bool

// findMisuses holds MKS-REF-03 for the records that waited. FHIR does not tell what the source may name at
// a place, its own table does: each record is read back and walked like a new one.
func findMisuses(m *tofhir.Mapper, waited []*mapping.Found) misuses {
	records := map[string][]*fhir.Resource{}
	open := map[string]bool{}
	for _, hit := range waited {
		source := tofhir.Found(hit).At("meta", "source").Text()
		records[source] = append(records[source], hit.Resource)
		open[source] = open[source] || strings.Contains(tofhir.Found(hit).Raw(), unknownSystem(m))
	}
	out := misuses{}
	for source, rs := range records {
		if open[source] {
			out[source] = misusedIn(m, append(rs, m.Child.Found.Resource))
		}
	}
	return out
}

// unknownSystem is that of local ids whose kind is not known yet (mks.md 2.5).
func unknownSystem(m *tofhir.Mapper) string { return m.Head.Base() + "/onbekend" }

// misusedIn returns the ids of this child record's lists that a stored record uses for what they are not.
func misusedIn(m *tofhir.Mapper, rs []*fhir.Resource) map[string]bool {
	docs, _ := back.Documents(rs, mapping.Origin{})
	out := map[string]bool{}
	for _, doc := range docs {
		tree, issues := fhir.ParseDocument(doc, fhir.Limits{Bytes: math.MaxInt32, Nodes: math.MaxInt32})
		if fhir.HasErrors(issues) {
			continue
		}
		d := record.Read(tree, record.DistantFuture)
		d.Root().Walk(d.Type.Whole, func(v form.Value, t form.Type) {
			if own, known := m.Own[v.Node().Text()]; known && t.Kinds() != nil && !slices.Contains(t.Kinds(), own.Kind) {
				out[v.Node().Text()] = true
			}
		})
	}
	return out
}
