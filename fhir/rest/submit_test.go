package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

const (
	childFile    = "boris/01-kind.json" // of "home"
	transferFile = "boris/11-overdracht-ziekenhuis-naar-huis.json"
)

func TestAPushIsStoredAnnouncedAndAnsweredWithItsLocations(t *testing.T) {
	g := newRig(t)
	a := g.submit("home", record(t, childFile)).want(t, 201)
	b := decode[bundleOf](t, a.body)
	if b.Type != "transaction-response" || len(b.Entry) < 3 || b.Entry[0].Resource.ResourceType != "OperationOutcome" {
		t.Fatalf("answered %.400s", a.body)
	}
	for _, e := range b.Entry[1:] {
		if e.Response.Status != "201 Created" || e.Response.Etag != "" || strings.Contains(e.Response.Location, "_history") {
			t.Errorf("entry %+v tells more than the record's own version", e.Response)
		}
		if !strings.HasPrefix(e.Response.Location, "Provenance/") {
			g.get("home", "/fhir/"+e.Response.Location).want(t, 200)
		}
	}
	notices := 0
	for _, n := range g.position().Notices {
		if n.Ref.Type != "Organization" || n.Compartment != exchange.DirectoryCompartment {
			notices++
		}
	}
	if notices == 0 {
		t.Error("nothing was announced")
	}
	if found := g.search("home", "/fhir/Patient?identifier="+bsnSystem+"|999912148"); len(found.Entry) != 1 {
		t.Errorf("found %v", found.ids())
	}
}

// TestChecksOfAPushComeInTheirOrder sends documents with several faults at once: the first check of
// the contract decides.
func TestChecksOfAPushComeInTheirOrder(t *testing.T) {
	g := newRig(t)
	g.principals["narrow"] = system("narrow", g.orgs["home"], "system/Patient.cruds system/CarePlan.cruds")
	doc := record(t, childFile)
	g.submit("home", strings.Replace(doc, `"versie": 1`, `"versie": 3`, 1)).want(t, 201)
	wrong := strings.Replace(doc, "999912148", "999912149", 1) // fails the check digit
	for _, c := range []struct {
		name, as, body string
		status         int
		rule           string
	}{
		{"no JSON", "other", `{"schema":"x"`, 400, "FHIR-JSON-SYNTAX"},
		{"an array", "other", `[]`, 400, ""},
		{"no schema", "other", `{"bronsysteem":{"ura":"90000001"}}`, 415, "schema-unknown"},
		{"unknown schema of a foreign sender", "other", strings.Replace(doc, "mks-bron/1", "mks-bron/9", 1), 415, "schema-unknown"},
		{"foreign sender with faults", "other", wrong, 403, "push-sender"},
		{"faults in a lower version", "home", wrong, 409, "MKS-ENV-10"},
		{"a lower version that was never stored", "home", strings.Replace(doc, `"versie": 1`, `"versie": 2`, 1), 409, "MKS-ENV-10"},
		{"the same version with another body", "home", strings.Replace(doc, `"versie": 1`, `"versie": 3, "opmerking": "x"`, 1), 409, "MKS-ENV-12"},
		{"faults with scopes missing", "narrow", strings.Replace(wrong, `"versie": 1`, `"versie": 4`, 1), 422, ""},
		{"scopes missing", "narrow", strings.Replace(doc, `"versie": 1`, `"versie": 4`, 1), 403, "scope-missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, events := g.position(), len(g.events())
			a := g.submit(c.as, c.body).want(t, c.status)
			if c.rule != "" {
				a.wantIssue(t, c.rule, "")
			}
			if diff := cmp.Diff(before, g.position()); diff != "" {
				t.Error(diff)
			}
			after := g.events()
			if len(after) != events+1 {
				t.Fatalf("%d AuditEvents, want one", len(after)-events)
			}
			if n := slices.IndexFunc(after, func(e auditEvent) bool { return e.Outcome == "4" && e.Subtype[1].Code == "submit" }); n < 0 {
				t.Error("no AuditEvent of a refused $submit")
			}
		})
	}
}

func TestSMART603_APushWithoutAScopeIsToldEachOneThatIsMissing(t *testing.T) {
	g := newRig(t)
	g.principals["narrow"] = system("narrow", g.orgs["home"], "system/Patient.cruds system/RelatedPerson.c system/Provenance.c system/Organization.cu")
	a := g.submit("narrow", record(t, childFile)).want(t, 403)
	var texts []string
	for _, i := range decode[outcome](t, a.body).Issue {
		texts = append(texts, strings.TrimSuffix(strings.TrimPrefix(i.Details.Text, "The access token needs system/"), "."))
	}
	if !slices.Contains(texts, "RelatedPerson.u") || !slices.Contains(texts, "PractitionerRole.cu") ||
		slices.ContainsFunc(texts, func(s string) bool {
			return strings.HasPrefix(s, "Patient.") || strings.HasPrefix(s, "Provenance.") || strings.HasPrefix(s, "Organization.")
		}) {
		t.Errorf("named %q", texts)
	}
	if !slices.Equal(texts, slices.Compact(slices.Clone(texts))) {
		t.Errorf("named twice: %q", texts)
	}
}

func TestARepeatIsAnsweredAsTheFirstTimeAndWritesNothing(t *testing.T) {
	g := newRig(t)
	doc := record(t, childFile)
	second := strings.Replace(doc, `"versie": 1`, `"versie": 2`, 1)
	first := g.submit("home", doc).want(t, 201)
	g.submit("home", second).want(t, 201)
	before := g.position()
	for _, body := range []string{doc, " " + doc + "\n"} { // the older version, and the same JSON value
		if diff := cmp.Diff(first.body, g.submit("home", body).want(t, 200).body); diff != "" {
			t.Errorf("a repeat answers otherwise: %s", diff)
		}
	}
	if diff := cmp.Diff(before, g.position()); diff != "" {
		t.Error(diff)
	}
	g.submit("other", doc).want(t, 403)
}

func TestAllFaultsOfADocumentComeAtOnce(t *testing.T) {
	g := newRig(t)
	doc := strings.NewReplacer(`"geslacht": "M"`, `"geslacht": "jongen"`, `"meerling": false`, `"meerling": "nee"`,
		"2025-05-04\", \"geslacht", "2025-13-04\", \"geslacht").Replace(record(t, childFile))
	before := g.position()
	a := g.submit("home", doc).want(t, 422)
	places := map[string]bool{}
	for _, i := range decode[outcome](t, a.body).Issue {
		if i.Severity == "error" && (len(i.Expression) != 1 || !strings.HasPrefix(i.Diagnostics, "MKS-")) {
			t.Errorf("an issue without place or rule: %+v", i)
		}
		places[strings.Join(i.Expression, " ")] = true
	}
	for _, want := range []string{"/inhoud/geslacht", "/inhoud/meerling"} {
		if !places[want] {
			t.Errorf("no fault at %s in %v", want, places)
		}
	}
	if strings.Contains(a.body, "jongen") || strings.Contains(g.log.String(), "jongen") {
		t.Error("an input value came back")
	}
	if diff := cmp.Diff(before, g.position()); diff != "" {
		t.Error(diff)
	}
}

// TestParallelPushesAboutANewChildMakeOnePatient lets two organisations push about one child that
// nobody knows.
func TestParallelPushesAboutANewChildMakeOnePatient(t *testing.T) {
	g := newRig(t)
	child, transfer := record(t, childFile), record(t, transferFile)
	for round := range 8 {
		number := bsn(900000000 + round)
		about := func(doc string) string {
			return strings.NewReplacer("999912148", number, `"recordId": "`, fmt.Sprintf(`"recordId": "r%d-`, round),
				`"lokaalId": "`, fmt.Sprintf(`"lokaalId": "r%d-`, round)).Replace(doc)
		}
		var pushes sync.WaitGroup
		answers := make([]answer, 4)
		for i, push := range []struct{ as, doc string }{
			{"home", about(child)}, {"hospital", about(transfer)}, {"home", about(child)}, {"hospital", about(transfer)},
		} {
			pushes.Go(func() { answers[i] = g.submit(push.as, push.doc) })
		}
		pushes.Wait()
		count := map[int]int{}
		for _, a := range answers {
			count[a.status]++
		}
		if diff := cmp.Diff(map[int]int{200: 2, 201: 2}, count); diff != "" {
			t.Fatalf("round %d: %s: %.500s", round, diff, answers[0].body)
		}
		if found := g.search("home", "/fhir/Patient?identifier="+bsnSystem+"|"+number); len(found.Entry) != 1 {
			t.Fatalf("round %d: %v", round, found.ids())
		}
		err := g.store.View(context.Background(), func(v exchange.Snapshot) error {
			all, err := v.Identified("Patient", fhir.Identifier{System: bsnSystem, Value: number})
			if len(all) != 1 {
				t.Errorf("round %d: %d Patients", round, len(all))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// bsn makes a number of nine digits that passes the check of BSNs, from eight digits of n.
func bsn(n int) string {
	for ; ; n++ {
		sum, digits := 0, fmt.Sprintf("%09d", n)
		for i, d := range digits[:8] {
			sum += (9 - i) * int(d-'0')
		}
		if last := int(digits[8] - '0'); sum%11 == last {
			return digits
		}
	}
}

// failing is a store whose commits fail when they should.
type failing struct {
	exchange.Store
	fails func(exchange.Unit) bool
}

var errDisk = errors.New("disk with " + marker)

func (f *failing) Commit(ctx context.Context, u exchange.Unit) ([]exchange.Written, error) {
	if f.fails != nil && f.fails(u) {
		return nil, errDisk
	}
	return f.Store.Commit(ctx, u)
}

func TestWithoutItsAuditEventNothingIsAnsweredOrStored(t *testing.T) {
	broken := &failing{}
	g := newRigWith(t, auth.Settings{Jurisdiction: "nl"}, func(s exchange.Store) exchange.Store {
		broken.Store = s
		return broken
	})
	patient, _ := g.child("hospital")
	before := g.position()
	broken.fails = func(u exchange.Unit) bool { return len(u.Audits) > 0 }
	for name, a := range map[string]answer{
		"a read":             g.get("hospital", "/fhir/Patient/"+patient),
		"a read of nothing":  g.get("hospital", "/fhir/Patient/none"),
		"a search":           g.get("hospital", "/fhir/CarePlan?patient="+patient),
		"a request refused":  g.get("", "/fhir/Patient/"+patient),
		"a body not parsed":  g.do("hospital", http.MethodPost, "/fhir/Patient", `{`),
		"a document refused": g.submit("other", record(t, childFile)),
		"a create":           g.do("hospital", http.MethodPost, "/fhir/Patient", patientBody),
		"a push":             g.submit("home", record(t, childFile)),
	} {
		if a.status != 503 || a.header.Get("Retry-After") == "" || strings.Contains(a.body, "CarePlan") || a.header.Get("ETag") != "" {
			t.Errorf("%s: %d %.300s", name, a.status, a.body)
			continue
		}
		a.wantIssue(t, "audit-unavailable", "")
	}
	broken.fails = nil
	if diff := cmp.Diff(before, g.position()); diff != "" {
		t.Errorf("the store changed: %s", diff)
	}
	broken.fails = func(u exchange.Unit) bool { return len(u.Writes) > 0 }
	events := len(g.events())
	g.do("hospital", http.MethodPost, "/fhir/Patient", patientBody).want(t, 503)
	broken.fails = nil
	after := g.events()
	if len(after) != events+1 || !slices.ContainsFunc(after, func(e auditEvent) bool { return e.Outcome == "8" }) {
		t.Errorf("the failure of a write is not in the log: %d events more", len(after)-events)
	}
}
