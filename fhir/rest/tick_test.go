package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// tick runs the rules of time now.
func (g *rig) tick() exchange.Ticked {
	g.t.Helper()
	did, err := g.exchange.Tick(context.Background(), g.clock())
	if err != nil || did.Failed > 0 {
		g.t.Fatalf("tick: %+v %v", did, err)
	}
	return did
}

func TestAnOverdueEvaluationIsATaskForThoseWhoMaySeeIt(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	g.may(familyScopes, "mother", "father")
	if did := g.tick(); did != (exchange.Ticked{}) {
		t.Fatalf("a tick after the push: %+v", did)
	}
	g.advance(300 * 24 * time.Hour)
	g.childRecord(2, custody("TweehoofdigOuderlijkGezag", g.clock(), "bet-01", "bet-02")) // a check of authority that is not stale; the push runs the rules too
	want := g.tasks("home", patient.ID, "evaluatie-verlopen")
	if len(want) == 0 || !strings.HasPrefix(want[0], "PractitionerRole/") {
		t.Fatalf("tasks of the home-care organisation: %v", want)
	}
	seen := g.tasks("mother", patient.ID, "evaluatie-verlopen")
	if len(seen) != 1 || len(want) != 2 { // not that of the team's own meeting
		t.Errorf("the mother sees %v of %v", seen, want)
	}
	if got := g.tasks("other", patient.ID, "evaluatie-verlopen"); len(got) > 0 {
		t.Errorf("a stranger sees %v", got)
	}
	before := g.position()
	g.tick()
	if d := gocmp.Diff(before, g.position()); d != "" {
		t.Errorf("a second run wrote: %s", d)
	}
	for _, id := range g.search("home", "/fhir/Task?patient="+patient.ID+"&code=evaluatie-verlopen").ids() {
		made := g.search("home", "/fhir/Provenance?target="+id).ids()
		if len(made) != 1 {
			t.Errorf("%s has the Provenances %v", id, made)
		}
	}
}

// TestOneOfTwoProcessesTicks: both look, one works, and the other takes over when the first one dies.
func TestOneOfTwoProcessesTicks(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	oneTicks(g, g.store) // a second process, or the first one after a restart
}

// TestOneOfTwoProcessesOnPostgresTicks: the same where processes share no memory.
func TestOneOfTwoProcessesOnPostgresTicks(t *testing.T) {
	t.Parallel()
	at := storetest.StartPostgres(t).NewStore(t)
	g := newRigAt(t, at, auth.Settings{Jurisdiction: "nl"}, nil)
	oneTicks(g, g.open(at))
}

func oneTicks(g *rig, second *store.Store) {
	t := g.t
	patient, _, _, _ := g.parents()
	first := g.exchange
	g.wire(second)
	g.advance(300 * 24 * time.Hour)
	ctx := context.Background()
	if got, err := g.store.Lease(ctx, "tick", "a process that died", 10*time.Second); !got || err != nil {
		t.Fatal(got, err)
	}
	if did := g.tick(); did.Children > 0 {
		t.Fatalf("ticked beside another process: %+v", did)
	}
	g.advance(11 * time.Second)
	var both [2]exchange.Ticked
	var wait sync.WaitGroup
	for i, s := range []*exchange.Service{first, g.exchange} {
		wait.Go(func() {
			var err error
			if both[i], err = s.Tick(ctx, g.clock()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if both[0].Writes+both[1].Writes == 0 {
		t.Error("nobody ticked")
	}
	if got := g.tasks("home", patient.ID, "evaluatie-verlopen"); len(got) != 2 {
		t.Errorf("tasks: %v", got)
	}
	if did := g.tick(); did.Children > 0 {
		t.Errorf("something is due still: %+v", did)
	}
}

func TestABirthdayIsAnnouncedToTheFamily(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	g.may(familyScopes, "mother", "father")
	g.submit("home", record(t, "boris/12-toestemming.json")).want(t, http.StatusCreated)
	g.childRecord(2, func(content map[string]any) { content["geboortedatum"] = "2015-01-21" }) // 12 in 61 days
	messages := func(as string) []string {
		return g.search(as, "/fhir/Communication?patient="+patient.ID+"&category=leeftijdsmelding").ids()
	}
	if got := messages("mother"); len(got) > 0 {
		t.Fatalf("too early: %v", got)
	}
	g.advance(9*time.Hour + 59*time.Minute) // 05:59 of the next day
	if did := g.tick(); did.Children > 0 {
		t.Fatalf("before six: %+v", did)
	}
	g.advance(time.Minute)
	if did := g.tick(); did.Children != 1 || did.Writes != 4 {
		t.Fatalf("at six: %+v", did)
	}
	for as, want := range map[string]int{"mother": 1, "father": 1, "home": 1, "other": 0} {
		got := messages(as)
		if len(got) != want {
			t.Errorf("%s sees %v", as, got)
		}
		for _, id := range got {
			g.get(as, "/fhir/"+id).want(t, http.StatusOK).valid(t)
		}
	}
	rows := g.get("home", "/fhir/Task?patient="+patient.ID+"&code=leeftijdsmelding").want(t, http.StatusOK)
	letter := g.get("mother", "/fhir/"+messages("mother")[0]).body
	for _, word := range []string{"12 jaar", "fyller 12", "turns 12"} {
		if !strings.Contains(rows.body, word) {
			t.Errorf("no %q in %s", word, rows.body)
		}
	}
	for _, word := range []string{"vervallen: 2026-10-30 (Ziekenhuis Voorbeeld, ", "upphör: 2026-10-30", "These consents lapse", `"Consent/`} {
		if !strings.Contains(letter, word) {
			t.Errorf("no %q in %s", word, letter)
		}
	}
}

func TestAnEmergencyIsReviewedAndTheFamilyIsTold(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan, _, _ := g.parents()
	g.may(familyScopes, "mother", "father")
	p := system("ehr", g.orgs["other"], "user/*.rs")
	p.Role, p.Purpose, p.FHIRUser = auth.Professional, "BTG", fhir.Ref{Type: "Practitioner", ID: "spoedarts"}
	p.BTG = &auth.BreakGlass{Reason: "Bewusteloos binnengebracht", At: g.clock().Add(-time.Minute), Exp: g.clock().Add(time.Hour)}
	g.principals["doctor"] = p
	g.get("doctor", plan).want(t, http.StatusOK)
	g.get("doctor", plan).want(t, http.StatusOK) // the same emergency: the same review
	g.search("doctor", "/fhir/CarePlan?patient="+patient.ID)
	reviews := func(as string) []string { return g.tasks(as, patient.ID, "btg-review") }
	if d := gocmp.Diff([]string{g.orgs["home"].String() + " routine"}, reviews("home")); d != "" {
		t.Error(d)
	}
	for _, as := range []string{"mother", "other", "doctor"} {
		if got := reviews(as); len(got) > 0 {
			t.Errorf("%s sees the review: %v", as, got)
		}
	}
	told := func() int {
		return len(g.search("mother", "/fhir/Communication?patient="+patient.ID+"&category=notification&status=completed").ids())
	}
	g.advance(23 * time.Hour)
	if g.tick(); told() > 0 {
		t.Error("the family was told within a day")
	}
	id := g.search("home", "/fhir/Task?patient="+patient.ID+"&code=btg-review").ids()[0]
	hold := func(status string) {
		task := decode[map[string]any](t, g.get("home", "/fhir/"+id).body)
		task["status"] = status
		g.do("home", http.MethodPut, "/fhir/"+id, encode(t, task)).want(t, http.StatusOK)
	}
	hold("on-hold")
	g.advance(2 * time.Hour)
	if g.tick(); told() > 0 {
		t.Error("the family was told though the custodian holds it back")
	}
	hold("in-progress")
	if g.tick(); told() != 1 {
		t.Errorf("the family was told %d times", told())
	}
}

func TestThoseOutsideTheTeamAreToldOfANewPlan(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	g.may(familyScopes, "mother", "father")
	path := "/fhir/Communication?patient=" + patient.ID + "&category=notification&status="
	first := g.search("mother", path+"preparation").ids()
	if len(first) != 2 || len(g.search("other", path+"preparation").ids()) > 0 { // the family doctor and youth health care
		t.Fatalf("the mother sees %v", first)
	}
	if body := g.get("mother", "/fhir/"+first[0]).want(t, http.StatusOK).valid(t).body; !strings.Contains(body, "Noodplan: ") || !strings.Contains(body, "Probleem: ") {
		t.Errorf("the letter is %s", body)
	}
	g.finalDraft()
	if d := gocmp.Diff(first, g.search("mother", path+"preparation").ids()); d != "" {
		t.Errorf("a draft changed the letters: %s", d)
	}
}

// TestALetterIsDoneWhenItsKeeperSaysThatItWasDelivered: the organisation delivers it by its own means, and nothing
// sends it a second time.
func TestALetterIsDoneWhenItsKeeperSaysThatItWasDelivered(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	g.may(familyScopes+" patient/Communication.u", "mother")
	waiting := func() []string {
		return g.search("home", "/fhir/Communication?patient="+patient.ID+"&category=notification&status=preparation").ids()
	}
	letters := waiting()
	deliver := func(as, id string) answer {
		body := decode[map[string]any](t, g.get("home", "/fhir/"+id).want(t, http.StatusOK).body)
		body["status"], body["sent"] = "completed", g.clock().Format(time.RFC3339)
		return g.do(as, http.MethodPut, "/fhir/"+id, encode(t, body))
	}
	if a := deliver("mother", letters[0]); a.status < 400 {
		t.Errorf("the mother says that it was delivered: %d", a.status)
	}
	deliver("home", letters[0]).want(t, http.StatusOK)
	g.childRecord(2, func(map[string]any) {}) // the rules run again
	if d := gocmp.Diff(letters[1:], waiting()); d != "" {
		t.Errorf("waiting (-want +got):\n%s", d)
	}
	done := decode[struct{ Status, Sent string }](t, g.get("home", "/fhir/"+letters[0]).want(t, http.StatusOK).body)
	if done.Status != "completed" || done.Sent == "" {
		t.Errorf("the letter is %+v", done)
	}
}

// TestTenThousandPlansAreNotTenThousandTasks: what one organisation stores too much of costs a bounded look and
// bounded Tasks, and its plan in force is looked at all the same.
func TestTenThousandPlansAreNotTenThousandTasks(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	var entries []string
	for i := range 150 {
		entries = append(entries, entry("PUT", fmt.Sprintf("CarePlan/0-plan-%d", i), "", fmt.Sprintf(`{"resourceType":"CarePlan","id":"0-plan-%d","status":"draft","intent":"plan",
			"subject":{"reference":%q},"category":[{"coding":[{"system":"%[3]s/CodeSystem/mks-categorie","code":"zorgplan"}]}],
			"extension":[{"url":"%[3]s/StructureDefinition/bron-record","extension":[{"url":"recordId","valueString":"x%[1]d"},{"url":"versie","valuePositiveInt":1},{"url":"status","valueCode":"definitief"}]}]}`,
			i, patient, fhir.Canonical)))
	}
	g.do("home", http.MethodPost, "/fhir", transaction(entries...)).want(t, http.StatusOK)
	g.advance(300 * 24 * time.Hour)
	g.tick()
	asked := g.search("home", "/fhir/Task?patient="+patient.ID+"&code=approve&_summary=count")
	if asked.Total == nil || *asked.Total == 0 || *asked.Total > 300 { // two who sign, and who coordinates, of 100 plans
		t.Errorf("%d Tasks", *asked.Total)
	}
	if got := g.tasks("home", patient.ID, "evaluatie-verlopen"); len(got) == 0 {
		t.Error("the plan in force was not looked at")
	}
	a := g.submit("home", record(t, "boris/03-verwijsboom.json")).want(t, http.StatusCreated)
	if !strings.Contains(a.body, "MKS-WF-00") {
		t.Error("its keeper is not told")
	}
}
