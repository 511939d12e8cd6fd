package mapping

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// hsaSystems are the OIDs of the Swedish catalogue of organisations and staff (HSA). They mean the same on reading;
// written is always the first. Read only.
var hsaSystems = []string{"urn:oid:1.2.752.29.4.19", "urn:oid:1.2.752.129.2.1.4.1", "urn:oid:1.2.752.29.6.2.1"}

// Aliases returns an identifier under each system that means the same, the one that is written first; of any other
// system itself alone.
func Aliases(id fhir.Identifier) []fhir.Identifier {
	if !slices.Contains(hsaSystems, id.System) {
		return []fhir.Identifier{id}
	}
	out := make([]fhir.Identifier, len(hsaSystems))
	for i, system := range hsaSystems {
		out[i] = fhir.Identifier{System: system, Value: id.Value}
	}
	return out
}
