package rest_test

import (
	"net/http"
	"testing"
)

const boris = "857f7414-61fd-5f7b-8cc1-57f7dccedb87"

func TestX(t *testing.T) {
	g := newRig(t)
	g.submit("home", record(t, "boris/01-kind.json")).want(t, 201)
	g.submit("hospital", record(t, "boris/02-kind-ziekenhuis.json")).want(t, 201)
	g.submit("hospital", record(t, "boris/11-overdracht-ziekenhuis-naar-huis.json")).want(t, 201)
	for _, q := range []string{"mks-verwijsboom", "mks-hulpbehoeftescan", "mks-beslisboom"} {
		a := g.do("hospital", http.MethodPost, "/fhir/Questionnaire/"+q+"/$populate",
			`{"resourceType":"Parameters","parameter":[{"name":"subject","valueReference":{"reference":"Patient/`+boris+`"}}]}`)
		t.Log(a.status, a.body)
		a.want(t, 200)
	}
}
