package mks_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// TestWhatAllResourcesShareStaysAsItIs: no mapping writes into a concept of our lists, which every record of the
// process refers to.
func TestWhatAllResourcesShareStaysAsItIs(t *testing.T) {
	t.Parallel()
	for _, child := range []string{"boris", "sanne", "daan"} {
		dossier(t, child)
	}
	for name, list := range record.Lists() {
		for code := range list.Labels {
			if shared := tofhir.ListConcept(name, code); !proto.Equal(shared, element.Concept(tofhir.ListCoding(name, code))) {
				t.Errorf("%s %s became %v", name, code, shared)
			}
		}
	}
}
