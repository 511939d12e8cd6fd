package rest_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/drieluik/drieluik/fhir"
)

// TestNobodyCatchesTheRecordsOfAnother: a push finds its child and its own resources by the identifiers of its
// source system, so that nobody else gives them to something of theirs.
func TestNobodyCatchesTheRecordsOfAnother(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	child := func(ura, base string) string {
		return fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":%q,"value":"k-1"}],"birthDate":"2020-01-01"}`, fhir.Canonical+base+ura)
	}
	for _, base := range []string{"/bron/", "/sid/client/", "/sid/netwerk/"} {
		g.do("other", http.MethodPost, "/fhir/Patient", child("90000001", base)).want(t, http.StatusForbidden).wantIssue(t, "write-role", "")
		g.do("other", http.MethodPost, "/fhir/$submit", `{"resourceType":"Bundle","type":"transaction","identifier":{"system":"urn:x","value":"1"},
			"entry":[{"fullUrl":"urn:uuid:0b4c8d6e-0000-4000-8000-000000000001","request":{"method":"POST","url":"Patient"},"resource":`+child("90000001", base)+`}]}`).want(t, http.StatusForbidden)
		id := g.create("home", "Patient", child("90000001", base))
		g.do("home", http.MethodPut, "/fhir/Patient/"+id, g.get("home", "/fhir/Patient/"+id).body).want(t, http.StatusOK)
	}
}
