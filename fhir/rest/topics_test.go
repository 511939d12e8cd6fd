package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
)

// TestAConsentIsToldToWhomItNames: given and withdrawn. A consent to look alone tells nobody of what changes.
func TestAConsentIsToldToWhomItNames(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	patient, plan, consent := h.shared()
	h.withdraw(consent)
	h.subscribed("other", "consent", filtered("Consent?patient="+patient)...)
	given := h.share(patient)
	wantTold(t, "given", h.told(), event(1, given))
	h.withdraw(given)
	wantTold(t, "withdrawn", h.told(), event(2, given))

	h.subscribed("other", "care-plan")
	look := `,"action":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentaction","code":"access"}]}]`
	h.consent("mother", "mother", "permit", fhir.Ref{Type: "Patient", ID: patient}, h.orgs["other"], look)
	h.told()
	h.retitle(plan, "A")
	if got := h.told(); got != nil {
		t.Errorf("told by a consent to look: %+v", got)
	}
	h.get("other", "/fhir/CarePlan/"+plan).want(t, http.StatusOK)
}

// TestANewVersionOfATransferIsToldOnceItIsOpen: the document is the receiver's from the acceptance on.
func TestANewVersionOfATransferIsToldOnceItIsOpen(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.submit("home", record(t, "boris/01-kind.json")).want(t, http.StatusCreated)
	h.submit("hospital", record(t, "boris/02-kind-ziekenhuis.json")).want(t, http.StatusCreated)
	h.subscribed("home", "transfer-document")
	doc := record(t, "boris/11-overdracht-ziekenhuis-naar-huis.json")
	s := h.sent(doc)
	if got := h.told(); got != nil {
		t.Fatalf("before the acceptance: %+v", got)
	}
	s.move("home", "accepted").want(t, http.StatusOK)
	h.submit("hospital", strings.Replace(doc, `"versie": 1`, `"versie": 2`, 1)).want(t, http.StatusCreated)
	composition, _, _ := strings.Cut(s.composition, "/_history")
	wantTold(t, "a new version", h.told(), event(1, composition))
}
