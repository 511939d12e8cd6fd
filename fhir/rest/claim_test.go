package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
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

// TestARegisteredOrganisationIsItsOwn: whoever named it before, in a record or a plan, changes neither its name
// nor its number nor its kind from then on: by its number it pushes, by its kind it reads.
func TestARegisteredOrganisationIsItsOwn(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	register := func(system, value string) string {
		ref, err := g.exchange.RegisterOrganization(context.Background(), exchange.Registration{
			Identifier: fhir.Identifier{System: system, Value: value}, Name: "Registered",
		})
		if err != nil {
			t.Fatal(err)
		}
		return "/fhir/" + ref.String()
	}
	const ura = "http://fhir.nl/fhir/NamingSystem/ura"
	net := func(version int, number string) answer {
		doc := strings.Replace(networkFile(t, "valid/02-daan.json"), `"versie": 2`, fmt.Sprintf(`"versie": %d`, version), 1)
		return g.submit("hospital", strings.Replace(doc, `"soort": "organisatie",`, `"soort": "organisatie", "ura": "`+number+`",`, 1))
	}
	net(2, "90000099").want(t, http.StatusCreated)
	member := register(ura, "90000099")
	net(3, "90000098").want(t, http.StatusCreated)
	if a := g.get("home", member).want(t, http.StatusOK); !strings.Contains(a.body, "Registered") || !strings.Contains(a.body, "90000099") {
		t.Errorf("a network made of it %s", a.body)
	}

	g.swedish("school", "SE4000000069-ELEV1")
	push := func(version int, kind string) answer {
		doc := coordinated(t, "valid/03-barnplan-olle.json", map[string]any{"version": version})
		at := strings.Index(doc, "SE4000000077-BUP1")
		head, rest := doc[:at], doc[at:]
		return g.submit("school", head+strings.Replace(rest, `"verksamhetsTyp":"hsl"`, `"verksamhetsTyp":"`+kind+`"`, 1))
	}
	push(1, "skola").want(t, http.StatusCreated)
	clinic := register(hsaSystem, "SE4000000077-BUP1")
	push(2, "hsl").want(t, http.StatusCreated)
	if a := g.get("home", clinic).want(t, http.StatusOK); !strings.Contains(a.body, "Registered") || strings.Contains(a.body, `"hsl"`) {
		t.Errorf("a plan made of it %s", a.body)
	}
}

// TestNobodyPromotesItself: consents name kinds of organisations, and which kind one is, says the operator.
func TestNobodyPromotesItself(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	kind := fhir.Identifier{System: fhir.Canonical + "/CodeSystem/organisatie-soort", Value: "thuiszorg"}
	ref, err := g.exchange.RegisterOrganization(context.Background(), exchange.Registration{
		Identifier: fhir.Identifier{System: "http://fhir.nl/fhir/NamingSystem/ura", Value: "90000001"}, Types: []fhir.Identifier{kind},
	})
	if err != nil {
		t.Fatal(err)
	}
	doc := strings.NewReplacer(`"soort": "thuiszorg"`, `"soort": "ziekenhuis"`, `"type": "T2"`, `"type": "V6"`).Replace(record(t, "boris/01-kind.json"))
	g.submit("home", doc).want(t, http.StatusCreated)
	if a := g.get("home", "/fhir/"+ref.String()).want(t, http.StatusOK); !strings.Contains(a.body, "thuiszorg") || strings.Contains(a.body, "ziekenhuis") || strings.Contains(a.body, "V6") {
		t.Errorf("home care made of itself %s", a.body)
	}

	doc = strings.Replace(doc, `"versie": 1`, `"versie": 2`, 1)
	lists := strings.Index(doc, `"organisaties"`)
	doc = doc[:lists] + strings.Replace(doc[lists:], `"ura": "90000001"`, `"ura": "90000077"`, 1)
	if !strings.Contains(doc, "90000077") {
		t.Fatal("the record does not tell the number of its sender")
	}
	a := g.submit("home", doc)
	if now := g.get("home", "/fhir/"+ref.String()).want(t, http.StatusOK); !strings.Contains(now.body, "90000001") || strings.Contains(now.body, "90000077") {
		t.Errorf("%d: home care has the number of another: %s", a.status, now.body)
	}
}
