package rest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// changed is a record after a change of its content.
func changed(t *testing.T, name string, change func(content map[string]any)) string {
	t.Helper()
	doc := decode[map[string]any](t, record(t, name))
	change(doc["inhoud"].(map[string]any))
	return encode(t, doc)
}

func items(content map[string]any, list string) []any { return content[list].([]any) }

// TestAPartyReadsWhatItIsAskedForWhenItAcceptedAndTheFamilyPermits: school, municipality and carrier see the
// Task; the request behind it, the actions and the plan for emergencies are for an accepted Task and a Consent
// that names them to open, and for a withdrawal to close.
func TestAPartyReadsWhatItIsAskedForWhenItAcceptedAndTheFamilyPermits(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	party, err := g.exchange.RegisterOrganization(context.Background(), exchange.Registration{
		Identifier: fhir.Identifier{System: uraSystem, Value: "90000005"}, NameIfNew: "Vervoer Test",
	})
	if err != nil {
		t.Fatal(err)
	}
	g.principals["party"] = system("party", party, "system/*.cruds")
	push := func(doc string) { g.submit("home", doc).want(t, http.StatusCreated) }
	push(changed(t, "boris/01-kind.json", func(in map[string]any) {
		in["organisaties"] = append(items(in, "organisaties"), map[string]any{"id": "org-08", "naam": "Vervoer Test", "soort": "vervoerder", "ura": "90000005"})
	}))
	push(changed(t, "boris/03-verwijsboom.json", func(in map[string]any) { items(in, "uitkomsten")[3].(map[string]any)["uitvoerder"] = "org-08" }))
	push(changed(t, "boris/07-zorgplan-v3.json", func(in map[string]any) {
		ride := items(in, "acties")[3].(map[string]any)
		ride["wet"], ride["onderdeel"], ride["uitvoerders"] = "wmo", "vervoer", []any{map[string]any{"soort": "organisatie", "ref": "org-08"}}
	}))
	one := func(search string) string {
		t.Helper()
		found := g.search("home", "/fhir/"+search).ids()
		if len(found) != 1 {
			t.Fatalf("%s: %v", search, found)
		}
		return found[0]
	}
	request := one("ServiceRequest?performer=" + party.String())
	action := one("CarePlan?performer=" + party.String())
	emergency := one("CarePlan?status=active&category=" + fhir.Canonical + "/CodeSystem/plan-soort|noodplan")
	sees := func(step string, want bool) {
		t.Helper()
		for _, ref := range []string{request, action, emergency} {
			if got := g.get("party", "/fhir/"+ref).status == http.StatusOK; got != want {
				t.Errorf("%s: sees %s %v", step, ref, got)
			}
		}
	}
	offered := g.search("party", "/fhir/Task?owner="+party.String()+"&status=requested").ids()
	if len(offered) != 2 || !strings.Contains(g.get("party", "/fhir/"+offered[0]).body+g.get("party", "/fhir/"+offered[1]).body, `"`+emergency+`"`) {
		t.Fatalf("asked: %v", offered)
	}
	sees("before it accepts", false)
	for _, id := range offered {
		task := decode[map[string]any](t, g.get("party", "/fhir/"+id).body)
		task["status"] = "accepted"
		g.do("party", http.MethodPut, "/fhir/"+id, encode(t, task)).want(t, http.StatusOK)
	}
	sees("without a Consent", false)
	consent := func(version int, change func(in map[string]any)) {
		doc := decode[map[string]any](t, changed(t, "boris/12-toestemming.json", func(in map[string]any) {
			in["ontvangers"] = []any{map[string]any{"soort": "organisatie", "ref": "org-08"}}
			in["gegevens"] = map[string]any{"categorie": []any{"verwijsboom", "zorgplan", "noodplan"}}
			delete(in, "uitzonderingen")
			change(in)
		}))
		doc["versie"] = version
		push(encode(t, doc))
	}
	consent(1, func(map[string]any) {})
	sees("with one", true)
	consent(2, func(in map[string]any) { in["ingetrokkenOp"] = "2026-11-20T09:00:00+01:00" })
	sees("after its withdrawal", false)
}
