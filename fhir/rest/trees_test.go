package rest_test

import (
	"net/http"
	"testing"
)

func TestReferralIsTakenOnceAndReadByItsOwnOrganisation(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.submit("home", record(t, childFile)).want(t, http.StatusCreated)
	g.submit("home", record(t, "invalid/05-verwijsboom-uitkomst.json")).want(t, http.StatusUnprocessableEntity).
		wantIssue(t, "MKS-VB-03", "/inhoud/uitkomsten")
	const file = "boris/03-verwijsboom.json"
	g.submit("home", record(t, file)).want(t, http.StatusCreated)
	g.submit("home", record(t, file)).want(t, http.StatusOK)
	for who, want := range map[string]int{"home": 4, "other": 0} {
		if found := g.search(who, "/fhir/ServiceRequest?category=zvw,wmo"); len(found.Entry) != want {
			t.Errorf("%s finds %v, want %d", who, found.ids(), want)
		}
	}
}
