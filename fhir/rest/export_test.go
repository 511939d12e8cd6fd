package rest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

var async = []string{"Prefer", "respond-async"}

// exported is a manifest.
type exported struct {
	TransactionTime, Request string
	RequiresAccessToken      bool
	Output                   []struct {
		Type, URL string
		Count     int
	}
	Error []any
}

func local(url string) string { return strings.TrimPrefix(url, "https://fhir.example") }

// begin asks for an export and returns the path of its status.
func (g *rig) begin(as, path string) string {
	g.t.Helper()
	at := g.get(as, path, async...).want(g.t, http.StatusAccepted).header.Get("Content-Location")
	if !strings.HasPrefix(at, base+"/bulk/") {
		g.t.Fatalf("Content-Location %q", at)
	}
	return local(at)
}

// planned waits for the manifest.
func (g *rig) planned(as, status string) exported {
	g.t.Helper()
	for range 50 {
		a := g.get(as, status)
		if a.status == http.StatusAccepted {
			if a.header.Get("Retry-After") == "" || a.header.Get("X-Progress") == "" {
				g.t.Errorf("202 with %v", a.header)
			}
			continue
		}
		return decode[exported](g.t, a.want(g.t, http.StatusOK).body)
	}
	g.t.Fatal("an export without an end")
	return exported{}
}

// lines downloads all files of a manifest: "Type/id", in their order.
func (g *rig) lines(as string, m exported) (refs []string) {
	g.t.Helper()
	for _, f := range m.Output {
		a := g.get(as, local(f.URL), "Accept", "application/fhir+ndjson").want(g.t, http.StatusOK)
		if ct := a.header.Get("Content-Type"); ct != "application/fhir+ndjson" {
			g.t.Errorf("%s is %s", f.URL, ct)
		}
		for line := range strings.Lines(a.body) {
			r, issues := fhir.Parse([]byte(line), fhir.Limits{})
			if fhir.HasErrors(issues) || string(r.Type()) != f.Type {
				g.t.Fatalf("a line of %s: %v %s", f.Type, issues, line)
			}
			refs = append(refs, r.Ref().String())
		}
	}
	return refs
}

func (g *rig) exports(as, path string) []string {
	g.t.Helper()
	return g.lines(as, g.planned(as, g.begin(as, path)))
}

// exchanged is a family at home care of which "other" sees what a Consent says.
func exchanged(g *rig) (child fhir.Ref, plan string) {
	id := g.create("home", "Patient", patientBody)
	child = fhir.Ref{Type: "Patient", ID: id}
	parent := g.create("home", "RelatedPerson", fmt.Sprintf(`{"resourceType":"RelatedPerson","active":true,"patient":{"reference":%q},
		"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[{"url":"type","valueCode":"EenhoofdigOuderlijkGezag"},
		{"url":"bron","valueCode":"brp"},{"url":"gecontroleerdOp","valueDate":"2026-11-01"}]}]}`, child))
	plan = g.create("home", "CarePlan", fmt.Sprintf(planBody, id))
	sharing(g, child.String(), "RelatedPerson/"+parent, "")
	return child, plan
}

func TestAnExportIsWhatTheSystemMaySee(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	p1, c1 := g.child("hospital")
	p2, c2 := g.child("hospital")
	own := g.create("other", "CarePlan", fmt.Sprintf(planBody, p1)) // of a child that it does not see
	shared, plan := exchanged(g)
	broken := strings.Replace(fmt.Sprintf(planBody, p2), `"intent"`, "\r\n\t\"intent\"", 1)
	c3 := g.create("hospital", "CarePlan", broken)
	plans := slices.Sorted(slices.Values([]string{"CarePlan/" + c1, "CarePlan/" + c2, "CarePlan/" + c3}))
	all := slices.Sorted(slices.Values(append([]string{"Patient/" + p1, "Patient/" + p2}, plans...)))
	for path, want := range map[string][]string{
		"/fhir/Patient/$export": all,
		"/fhir/Patient/$export?_type=CarePlan&_outputFormat=ndjson":           plans,
		"/fhir/Patient/$export?_type=CarePlan,Patient":                        all,
		"/fhir/Patient/$export?_since=" + "2027-01-01T00:00:00Z":              nil,
		"/fhir/Patient/$export?_since=2000-01-01T00:00:00%2B01:00":            all,
		"/fhir/Patient/$export?_type=Observation&_since=2000-01-01T00:00:00Z": nil,
	} {
		got := g.exports("hospital", path)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	got := slices.Sorted(slices.Values(g.exports("other", "/fhir/Patient/$export?_type=CarePlan,Patient")))
	want := slices.Sorted(slices.Values([]string{shared.String(), "CarePlan/" + plan, "CarePlan/" + own}))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	status := g.do("hospital", http.MethodPost, "/fhir/Patient/$export", fmt.Sprintf(`{"resourceType":"Parameters","parameter":[
		{"name":"_type","valueString":"CarePlan"},{"name":"patient","valueReference":{"reference":"Patient/%s"}},
		{"name":"patient","valueReference":{"reference":%q}}]}`, p1, shared), async...).want(t, http.StatusAccepted).header.Get("Content-Location")
	if diff := cmp.Diff([]string{"CarePlan/" + c1}, g.lines("hospital", g.planned("hospital", local(status)))); diff != "" {
		t.Error(diff)
	}
}

func TestAnExportOfAGroupIsThatOfItsMembers(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	p1, c1 := g.child("hospital")
	p2, _ := g.child("hospital")
	g.child("hospital")
	hidden, _ := g.child("other")
	group := g.create("hospital", "Group", fmt.Sprintf(`{"resourceType":"Group","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/%s"}},
		{"entity":{"reference":"Patient/%s"},"inactive":true},{"entity":{"reference":"Patient/%s"}}]}`, p1, p2, hidden))
	if diff := cmp.Diff([]string{"CarePlan/" + c1}, g.exports("hospital", "/fhir/Group/"+group+"/$export?_type=CarePlan")); diff != "" {
		t.Error(diff)
	}
	g.get("hospital", "/fhir/Group/none/$export", async...).want(t, 404).wantIssue(t, "not-found", "")
	g.get("home", "/fhir/Group/"+group+"/$export", async...).want(t, 404).wantIssue(t, "not-found", "")
}

func TestWhatIsWithdrawnIsNoMoreInAFileThatWasPlanned(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	child, plan := exchanged(g)
	m := g.planned("other", g.begin("other", "/fhir/Patient/$export?_type=CarePlan"))
	if got := g.lines("other", m); !slices.Equal(got, []string{"CarePlan/" + plan}) || m.Output[0].Count != 1 {
		t.Fatalf("%v %+v", got, m)
	}
	consent := g.search("home", "/fhir/Consent?patient="+child.ID).Entry[0].Resource.ID
	g.do("home", http.MethodPatch, "/fhir/Consent/"+consent, `[{"op":"replace","path":"/status","value":"inactive"}]`, "Content-Type", jsonPatch).want(t, 200)
	if got := g.lines("other", m); got != nil {
		t.Errorf("after the withdrawal: %v", got)
	}
}

func TestEachChildHasARowOfTheLogOfItsExport(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	p1, _ := g.child("hospital")
	p2, _ := g.child("hospital")
	m := g.planned("hospital", g.begin("hospital", "/fhir/Patient/$export?_type=CarePlan"))
	for _, p := range []string{p1, p2} {
		before := len(g.eventsOf(p))
		g.lines("hospital", m)
		rows := g.eventsOf(p)
		last := rows[len(rows)-1]
		if len(rows) != before+1 || last.Action != "E" || last.Subtype[1].Code != "export" {
			t.Errorf("%d rows more: %+v", len(rows)-before, last)
		}
	}
	var life []string
	for _, b := range g.bodies(p1) {
		if strings.Contains(b, `OperationDefinition","code":"export"`) {
			life = append(life, b)
		}
	}
	if len(life) != 2 || !strings.Contains(life[0], `dicom-audit-lifecycle","code":"10"`) {
		t.Errorf("%v", life)
	}
}

func TestAnExportIsForOneSystemAndForADay(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _ := g.child("hospital")
	const path = "/fhir/Patient/$export"
	g.get("hospital", path).want(t, 400).wantIssue(t, "export-async", "")
	for _, bad := range []string{"?_type=Organization", "?_type=AuditEvent", "?_type=Kind", "?_since=gisteren", "?_outputFormat=csv", "?naam=x", "?_typeFilter=x"} {
		g.get("hospital", path+bad, async...).want(t, 400).wantIssue(t, "export-parameter", "")
	}
	g.do("hospital", http.MethodPost, path, `{"resourceType":"Patient"}`, async...).want(t, 400).wantIssue(t, "export-body", "")
	g.principals["parent"] = guardian(t, patient, "p", "patient/*.rs")
	g.get("parent", path, async...).want(t, 403).wantIssue(t, "scope-missing", "")
	g.principals["narrow"] = system("narrow", g.orgs["hospital"], "system/CarePlan.rs")
	g.get("narrow", path+"?_type=Goal", async...).want(t, 403).wantIssue(t, "scope-missing", "")
	g.get("", path, async...).want(t, 401)

	status := g.begin("hospital", path)
	m := g.planned("hospital", status)
	file := local(m.Output[0].URL)
	for _, other := range []string{"home", "narrow"} {
		for _, at := range []string{status, file, "/fhir/bulk/none", "/fhir/bulk/none/0.ndjson"} {
			g.get(other, at).want(t, 404).wantIssue(t, "not-found", "")
		}
		g.do(other, http.MethodDelete, status, "").want(t, 404)
	}
	g.get("hospital", strings.Replace(file, "/0.", "/99.", 1)).want(t, 404)
	less := g.principals["hospital"]
	less.Scopes = g.scopes("system/Patient.rs")
	g.principals["less"] = less
	g.get("less", status).want(t, 403).wantIssue(t, "scope-missing", "")
	g.get("less", file).want(t, 403).wantIssue(t, "scope-missing", "")
	before := len(g.eventsOf("_system"))
	g.do("hospital", http.MethodDelete, status, "").want(t, http.StatusAccepted)
	if rows := g.eventsOf("_system")[before:]; len(rows) != 1 || rows[0].Subtype[0].Code != "delete" || rows[0].Subtype[1].Code != "export" || rows[0].Outcome != "0" {
		t.Errorf("the log of an export that is dropped: %+v", rows)
	}
	g.get("hospital", status).want(t, 404)
	g.get("hospital", file).want(t, 404)

	for range 19 {
		g.begin("hospital", path)
	}
	last := g.begin("hospital", path)
	g.get("hospital", path, async...).want(t, http.StatusTooManyRequests).wantIssue(t, "export-many", "")
	g.advance(24 * time.Hour)
	g.get("hospital", last).want(t, 404)
	g.begin("hospital", path)
}

// TestAnExportTakesAsManyLooksWhetherSomebodyIsHiddenOrNobodyIsThere: how far an export is tells of nobody who
// is hidden.
func TestAnExportTakesAsManyLooksWhetherSomebodyIsHiddenOrNobodyIsThere(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	looks := func() (out []string) {
		status := g.begin("other", "/fhir/Patient/$export")
		for range 3 {
			a := g.get("other", status)
			out = append(out, fmt.Sprint(a.status, " ", a.header.Get("X-Progress")))
		}
		return out
	}
	nobody := looks()
	child, _ := exchanged(g)
	consent := g.search("home", "/fhir/Consent?patient="+child.ID).Entry[0].Resource.ID
	g.do("home", http.MethodPatch, "/fhir/Consent/"+consent, `[{"op":"replace","path":"/status","value":"inactive"}]`, "Content-Type", jsonPatch).want(t, 200)
	if diff := cmp.Diff(nobody, looks()); diff != "" || !strings.HasPrefix(nobody[0], "202 0 resources") || !strings.HasPrefix(nobody[1], "200") {
		t.Errorf("%v, with somebody hidden: %s", nobody, diff)
	}
}

// TestAnExportOfAStoreThatFailsGivesNothing makes each look of its planning and its files fail in turn.
func TestAnExportOfAStoreThatFailsGivesNothing(t *testing.T) {
	t.Parallel()
	b := &brittle{}
	g := newRigWith(t, auth.Settings{Jurisdiction: "nl"}, func(s exchange.Store) exchange.Store {
		b.Store = s
		return b
	})
	g.child("hospital")
	m := g.planned("hospital", g.begin("hospital", "/fhir/Patient/$export"))
	for name, path := range map[string]string{"plan": g.begin("hospital", "/fhir/Patient/$export"), "file": local(m.Output[0].URL)} {
		ask := func() answer {
			a := g.get("hospital", path)
			if a.status == http.StatusAccepted {
				a = g.get("hospital", path)
			}
			return a
		}
		for at, failed := int64(1), true; failed; at++ {
			b.looks.Store(0)
			b.failAt.Store(at)
			a := ask()
			failed = b.looks.Load() >= at
			b.failAt.Store(0)
			if failed {
				a.wantClosed(t, fmt.Sprint(name, " at look ", at), "policy-unavailable")
			} else {
				a.want(t, http.StatusOK)
			}
		}
		if name == "file" { // who cannot be told of keeps the export
			b.commits.Store(true)
			g.do("hospital", http.MethodDelete, strings.TrimSuffix(path, "/0.ndjson"), "").wantClosed(t, "an end without a log", "audit-unavailable")
			b.commits.Store(false)
			ask().want(t, http.StatusOK)
		}
		b.commits.Store(true)
		ask().wantClosed(t, name+" without a log", "audit-unavailable")
		b.commits.Store(false)
	}
}

// TestNothingOfAnotherFamilyIsInAnExport compares the exports of a town of one family with those of a town
// of two, for systems that have nothing to do with the other.
func TestNothingOfAnotherFamilyIsInAnExport(t *testing.T) {
	t.Parallel()
	settings := auth.Settings{Jurisdiction: "nl"}
	alone, both := newTown(t, settings, false, nil), newTown(t, settings, true, nil)
	for _, as := range []string{"home", "hospital"} {
		want, got := alone.planned(as, alone.begin(as, "/fhir/Patient/$export")), both.planned(as, both.begin(as, "/fhir/Patient/$export"))
		if len(want.Output) < 5 {
			t.Fatalf("%s exports %+v", as, want)
		}
		if diff := cmp.Diff(alone.lines(as, want), both.lines(as, got)); diff != "" {
			t.Errorf("%s: %s", as, diff)
		}
		if len(want.Output) != len(got.Output) {
			t.Errorf("%s: %+v, with another family %+v", as, want, got)
		}
	}
}
