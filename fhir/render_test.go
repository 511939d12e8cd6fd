package fhir_test

import (
	"testing"

	"github.com/drieluik/drieluik/fhir"
)

func TestMakeGivesTheResourceThatAValueRendersAs(t *testing.T) {
	t.Parallel()
	type basic struct {
		ResourceType string `json:"resourceType"`
		ID           string `json:"id"`
		Language     string `json:"language,omitempty"`
	}
	r, err := fhir.Make("test", basic{"Basic", "a", "<&>"})
	if err != nil || string(r.Bytes()) != `{"resourceType":"Basic","id":"a","language":"<&>"}` {
		t.Errorf("%s %v", r.Bytes(), err)
	}
	if _, err := fhir.Make("test", basic{ID: "a"}); fhir.KindOf(err) != fhir.Internal {
		t.Errorf("what is no resource: %v", err)
	}
}
