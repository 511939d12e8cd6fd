package rest_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// nenRow is an AuditEvent with what NEN 7513 asks.
type nenRow struct {
	ID, Recorded, Action, Outcome, OutcomeDesc string
	Type                                       struct{ System, Code string }
	Agent                                      []struct {
		Requestor bool
		Name      string
		Type      struct{ Coding []struct{ Code string } }
		Role      []struct{ Coding []struct{ Code string } }
		Policy    []string
		Who       struct {
			Reference, Display string
			Identifier         struct{ System, Value string }
		}
	}
	Source struct {
		Site     string
		Observer struct{ Display string }
		Type     []struct{ Code string }
	}
	Entity []struct {
		What struct {
			Reference, Type string
			Identifier      struct{ System, Value string }
		}
		Role   struct{ Code string }
		Detail []struct{ Type, ValueString string }
	}
}

func (n nenRow) details(kind string) (out []string) {
	for _, e := range n.Entity {
		for _, d := range e.Detail {
			if d.Type == kind {
				out = append(out, d.ValueString)
			}
		}
	}
	return out
}

// officerOf gives the privacy officer of an organisation a principal.
func (g *rig) officerOf(org string) string {
	g.t.Helper()
	p := system("officer", g.orgs[org], "system/*.rs")
	p.Role, p.Purpose = auth.Admin, "HCOMPL"
	g.principals["officer of "+org] = p
	return "officer of " + org
}

// TestTheOfficersLogHasWhatNEN7513Asks: every row of its own organisation, with numbers beside
// references; the stored row has none of them.
func TestTheOfficersLogHasWhatNEN7513Asks(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan, _ := g.family()
	doctor := refOf(g.search("home", "/fhir/Practitioner").ids()[0])
	p := system("ehr", g.orgs["home"], "user/*.rs")
	p.Role, p.FHIRUser, p.Subject = auth.Professional, doctor, "sub-doctor"
	g.principals["doctor"] = p
	g.get("doctor", plan).want(t, 200)
	narrow := system("narrow", g.orgs["home"], "system/Patient.r")
	narrow.Patient = patient
	g.principals["narrow"] = narrow
	g.get("narrow", plan).want(t, http.StatusForbidden)
	rows := g.logOf(g.officerOf("home"), "/fhir/AuditEvent?patient="+patient.ID)
	if len(rows) < 5 {
		t.Fatalf("%d rows", len(rows))
	}
	refusals, staff := 0, 0
	for _, raw := range rows {
		row := decode[nenRow](t, raw.raw)
		asker, resp := row.Agent[0], row.Agent[len(row.Agent)-1]
		child := row.Entity[0]
		if row.Type.Code != "110110" || row.Action == "" || !strings.HasSuffix(row.Recorded, "Z") || !asker.Requestor ||
			asker.Who.Identifier.Value == "" || asker.Role[0].Coding[0].Code == "" || asker.Policy[0] != fhir.Canonical+"/policy/access|" ||
			resp.Role[0].Coding[0].Code != "RESP" || resp.Who.Identifier.Value != "90000001" || row.Source.Observer.Display == "" ||
			row.Source.Site != "90000001" || row.Source.Type[0].Code != "4" ||
			child.Role.Code != "1" || child.What.Identifier.System != bsnSystem || child.What.Identifier.Value == "" {
			t.Errorf("incomplete: %s", raw.raw)
		}
		if row.Outcome == "4" {
			refusals++
			if row.OutcomeDesc != "scope-missing" || !slices.Equal(row.details("step"), []string{"scope"}) || !slices.Equal(row.details("reason"), []string{"scope-missing"}) {
				t.Errorf("the refusal says %s", raw.raw)
			}
		}
		if asker.Who.Reference == doctor.String() {
			staff++
			if len(row.Agent) != 3 || row.Agent[1].Type.Coding[0].Code != "110153" || asker.Name == "" || isLocal(asker.Who.Identifier.System) ||
				len(asker.Role) < 3 || asker.Role[0].Coding[0].Code != "professional" { // and as what it works, and its part in the team
				t.Errorf("a member of staff: %s", raw.raw)
			}
		}
	}
	if refusals != 1 || staff != 1 {
		t.Errorf("%d refusals, %d looks of staff", refusals, staff)
	}
	if got := g.logOf(g.officerOf("hospital"), "/fhir/AuditEvent?patient="+patient.ID); len(got) != 0 {
		t.Errorf("the officer of another organisation reads %d rows", len(got))
	}
	for _, body := range g.bodies(patient.ID) {
		if strings.Contains(body, rowsBSN(t, rows[0].raw)) {
			t.Errorf("a national identifier stands in the chain: %s", body)
		}
	}
}

// bodies are the rows of a chain as they stand there.
func (g *rig) bodies(compartment string) (out []string) {
	g.t.Helper()
	err := g.store.View(context.Background(), func(v exchange.Snapshot) error {
		rows, err := v.Audit(compartment, 1, 1_000_000)
		for _, row := range rows {
			out = append(out, string(row.Body))
		}
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return out
}

func isLocal(system string) bool { return strings.HasPrefix(system, fhir.Canonical) }

func rowsBSN(t *testing.T, raw string) string {
	t.Helper()
	return decode[nenRow](t, raw).Entity[0].What.Identifier.Value
}

// TestTheFamilySeesDomainsAndNoChecks: which domains were looked at, on what ground, and nothing of
// how that was judged.
func TestTheFamilySeesDomainsAndNoChecks(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan, _ := g.family()
	g.advance(time.Hour)
	g.get("father", plan).want(t, 200)
	g.get("home", plan).want(t, 200)
	rows := g.logOf("mother", "/fhir/AuditEvent?patient="+patient.ID+"&date=gt"+g.clock().Add(-time.Minute).UTC().Format("2006-01-02T15:04:05Z"))
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, raw := range rows {
		row := decode[nenRow](t, raw.raw)
		if len(row.details("domain")) == 0 || strings.Contains(raw.raw, "controle") || strings.Contains(raw.raw, "obligation") {
			t.Errorf("the family reads %s", raw.raw)
		}
	}
	told := decode[nenRow](t, g.bodies(patient.ID)[len(g.bodies(patient.ID))-3]) // the father's look
	if checks := told.details("controle"); len(checks) != 1 || !strings.HasPrefix(checks[0], "custody 20") {
		t.Errorf("the father's custody is checked as %v", checks)
	}
}
