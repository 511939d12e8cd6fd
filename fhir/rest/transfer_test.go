package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
)

// transfer is a child on its way from the hospital to home care.
type transfer struct {
	*rig
	patient, task, composition string // Type/id
}

// leaving pushes what home care and hospital know of boris, and his transfer.
func leaving(t *testing.T) *transfer {
	t.Helper()
	g := newRig(t)
	g.submit("home", record(t, "boris/01-kind.json")).want(t, http.StatusCreated)
	g.submit("hospital", record(t, "boris/02-kind-ziekenhuis.json")).want(t, http.StatusCreated)
	return g.sent(record(t, "boris/11-overdracht-ziekenhuis-naar-huis.json"))
}

// sent pushes a transfer of the hospital.
func (g *rig) sent(doc string) *transfer {
	g.t.Helper()
	s := &transfer{rig: g}
	s.locate(g.submit("hospital", doc).want(g.t, http.StatusCreated))
	return s
}

func (s *transfer) locate(a answer) {
	s.t.Helper()
	for _, e := range decode[bundleOf](s.t, a.body).Entry {
		switch kind, _, _ := strings.Cut(e.Response.Location, "/"); kind {
		case "Patient":
			s.patient = e.Response.Location
		case "Task":
			s.task = e.Response.Location
		case "Composition":
			s.composition = e.Response.Location
		}
	}
	if s.patient == "" {
		s.patient = decode[struct{ For struct{ Reference string } }](s.t, s.get("hospital", "/fhir/"+s.task).body).For.Reference
	}
}

// move writes the Task with another status, and other members as JSON, as it is read.
func (s *transfer) move(as, status string, members ...string) answer {
	s.t.Helper()
	return s.moveTask(s.task, as, status, members...)
}

func (g *rig) moveTask(task, as, status string, members ...string) answer {
	g.t.Helper()
	r, issues := fhir.Parse([]byte(g.get(as, "/fhir/"+task).want(g.t, http.StatusOK).body), fhir.Limits{})
	if fhir.HasErrors(issues) {
		g.t.Fatal(issues)
	}
	edits := []fhir.Edit{{Path: []string{"status"}, JSON: `"` + status + `"`}}
	for i := 0; i+1 < len(members); i += 2 {
		edits = append(edits, fhir.Edit{Path: strings.Split(members[i], "."), JSON: members[i+1]})
	}
	r, err := r.Edit(edits...)
	if err != nil {
		g.t.Fatal(err)
	}
	return g.do(as, http.MethodPut, "/fhir/"+task, string(r.Bytes()))
}

// status is the status of a Task and the code that is its reason.
func (s *transfer) status() (status, reason string) {
	s.t.Helper()
	v := decode[struct {
		Status       string
		StatusReason struct{ Coding []struct{ Code string } }
	}](s.t, s.get("hospital", "/fhir/"+s.task).want(s.t, http.StatusOK).body)
	if len(v.StatusReason.Coding) > 0 {
		reason = v.StatusReason.Coding[0].Code
	}
	return v.Status, reason
}

type consentView struct {
	ID, Status, DateTime string
	Provision            struct {
		Period struct{ Start, End string }
		Actor  []struct{ Reference struct{ Reference string } }
	}
}

// implied returns the implied consents of the child, as the sender sees them.
func (s *transfer) implied() []consentView {
	s.t.Helper()
	b := decode[struct {
		Entry []struct{ Resource consentView }
	}](s.t,
		s.get("hospital", "/fhir/Consent?category=verondersteld&patient="+s.patient).want(s.t, http.StatusOK).body)
	out := []consentView{}
	for _, e := range b.Entry {
		out = append(out, e.Resource)
	}
	return out
}

// rulesIn are the rule ids of a refusal.
func rulesIn(t *testing.T, a answer) []string {
	t.Helper()
	var out []string
	for _, i := range decode[outcome](t, a.body).Issue {
		if i.Details.Text == "" {
			t.Errorf("issue %s says nothing", i.Diagnostics)
		}
		out = append(out, i.Diagnostics)
	}
	return out
}

// TestAnAcceptanceOpensTheTransferToItsReceiver follows boris from hospital to home care: until the
// receiver accepts, the transfer is closed to it and cannot complete; 30 days after it, it closes.
func TestAnAcceptanceOpensTheTransferToItsReceiver(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.get("home", "/fhir/"+s.composition).want(t, http.StatusNotFound)
	if got := rulesIn(t, s.move("home", "completed").want(t, http.StatusUnprocessableEntity)); !slices.Equal(got, []string{"task-transition", "G1"}) {
		t.Errorf("completed before it was accepted: %v", got)
	}
	s.move("hospital", "accepted").want(t, http.StatusUnprocessableEntity).wantIssue(t, "task-transition", "Task.status")
	s.move("home", "accepted").want(t, http.StatusOK)
	for who, status := range map[string]int{"home": http.StatusOK, "other": http.StatusNotFound} {
		s.get(who, "/fhir/"+s.composition).want(t, status)
	}
	if got := len(s.search("home", "/fhir/AllergyIntolerance?patient="+s.patient).Entry); got != 1 {
		t.Errorf("the receiver sees %d allergies of the transfer", got)
	}
	consents := s.implied()
	if len(consents) != 1 || consents[0].Status != "active" || consents[0].Provision.Period.End != "2026-12-03" {
		t.Fatalf("%+v", consents)
	}
	s.get("home", "/fhir/Consent/"+consents[0].ID).want(t, http.StatusOK).valid(t)
	if got := len(s.search("hospital", "/fhir/Provenance?target=Consent/"+consents[0].ID).Entry); got != 1 {
		t.Errorf("%d Provenances tell of the consent", got)
	}
	s.move("home", "completed").want(t, http.StatusOK)
	if consents = s.implied(); len(consents) != 1 || consents[0].Provision.Period.End != "2026-12-21" {
		t.Fatalf("%+v", consents)
	}
	s.advance(30 * 24 * time.Hour)
	s.get("home", "/fhir/"+s.composition).want(t, http.StatusOK)
	s.advance(24 * time.Hour)
	s.get("home", "/fhir/"+s.composition).want(t, http.StatusNotFound)
}

// TestAnAcceptanceIsOneAccessInTheLog: the consent is told of in the event of the acceptance.
func TestAnAcceptanceIsOneAccessInTheLog(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	before := len(s.events())
	s.move("home", "accepted").want(t, http.StatusOK)
	events := s.events()[before:]
	last := events[len(events)-1]
	var kinds []string
	for _, e := range last.Entity {
		kind, _, _ := strings.Cut(e.What.Reference, "/")
		kinds = append(kinds, kind)
	}
	if want := []string{"Patient", "Task", "Consent", "Provenance"}; len(events) != 2 || !slices.Equal(kinds, want) {
		t.Errorf("%d events, the last about %v, want a read and one about %v", len(events), kinds, want)
	}
}

// TestAClosedGateSaysWhatIsMissing: a new form of readiness with a note opens it, and no flag does.
func TestAClosedGateSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.submit("home", record(t, "boris/01-kind.json")).want(t, http.StatusCreated)
	doc := strings.Replace(record(t, "boris/11-overdracht-ziekenhuis-naar-huis.json"), `"materialenGeleverd": true`, `"materialenGeleverd": false`, 1)
	s := g.sent(strings.Replace(doc, `"bekwaam": true`, `"bekwaam": false`, 1))
	s.move("home", "accepted").want(t, http.StatusOK)
	refused := s.move("home", "completed").want(t, http.StatusUnprocessableEntity).valid(t)
	if got := rulesIn(t, refused); !slices.Equal(got, []string{"G3", "G4"}) {
		t.Errorf("%v", got)
	}
	if status, _ := s.status(); status != "accepted" {
		t.Errorf("a refused Task is %s", status)
	}
	check := s.get("home", "/fhir/"+s.task+"/$discharge-check").want(t, http.StatusOK).valid(t)
	if got := checksIn(t, check); got["open"] != "false" || got["G1"] != "true" || got["G3"] != "false" || got["G4"] != "false" || got["G6"] != "true" {
		t.Errorf("%v", got)
	}
	form := g.create("home", "QuestionnaireResponse", fmt.Sprintf(`{"resourceType":"QuestionnaireResponse","status":"completed","subject":{"reference":%q},
		"questionnaire":"https://drieluik.example/fhir/Questionnaire/mks-ontslaggereedheid|1.0.0","item":[
		{"linkId":"og.zorg","answer":[{"valueBoolean":true}]},{"linkId":"og.materialen","answer":[{"valueBoolean":true}]},
		{"linkId":"og.telefoon","answer":[{"valueString":"0880000199"}]},{"linkId":"og.training","item":[
			{"linkId":"og.training.bekwaam","answer":[{"valueBoolean":true}]}]}]}`, s.patient))
	task := decode[struct{ Input []json.RawMessage }](t, g.get("home", "/fhir/"+s.task).body)
	inputs, err := json.Marshal(append(task.Input, json.RawMessage(`{"type":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-categorie",
		"code":"ontslaggereedheid"}]},"valueReference":{"reference":"QuestionnaireResponse/`+form+`"}}`)))
	if err != nil {
		t.Fatal(err)
	}
	s.move("home", "completed", "input", string(inputs)).want(t, http.StatusUnprocessableEntity).wantIssue(t, "transfer-readiness", "Task.input")
	s.move("home", "completed", "input", string(inputs), "note", `[{"text":"De materialen kwamen vanmorgen."}]`).want(t, http.StatusOK)
}

// checksIn are the answers of $discharge-check by their id: true, false, or "" for what is not told.
func checksIn(t *testing.T, a answer) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, p := range decode[paramsOf](t, a.body).Parameter {
		if p.Name == "open" {
			out["open"] = fmt.Sprint(*p.ValueBoolean)
			continue
		}
		id, ok := "", ""
		for _, part := range p.Part {
			id += part.ValueCode
			if part.ValueBoolean != nil {
				ok = fmt.Sprint(*part.ValueBoolean)
			}
		}
		out[id] = ok
	}
	return out
}

type paramsOf struct {
	Parameter []struct {
		Name         string
		ValueBoolean *bool
		Part         []struct {
			Name, ValueCode, ValueString string
			ValueBoolean                 *bool
			ValueInteger                 int
		}
	}
}

func TestATransferThatEndsOtherwiseEndsItsConsent(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.move("home", "received").want(t, http.StatusOK)
	s.move("home", "accepted").want(t, http.StatusOK)
	s.move("home", "on-hold").want(t, http.StatusOK)
	s.move("hospital", "in-progress").want(t, http.StatusOK)
	s.get("home", "/fhir/"+s.composition).want(t, http.StatusOK)
	s.move("hospital", "cancelled").want(t, http.StatusOK)
	if got := s.implied(); len(got) != 1 || got[0].Status != "inactive" {
		t.Errorf("%+v", got)
	}
	s.get("home", "/fhir/"+s.composition).want(t, http.StatusNotFound)
	s.move("home", "accepted").want(t, http.StatusUnprocessableEntity).wantIssue(t, "task-transition", "Task.status")
}

// TestASecondVersionForAnotherReceiverEndsTheConsentOfTheFirst: the record begins its transfer anew.
func TestASecondVersionForAnotherReceiverEndsTheConsentOfTheFirst(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.move("home", "accepted").want(t, http.StatusOK)
	doc := record(t, "boris/11-overdracht-ziekenhuis-naar-huis.json")
	second := strings.NewReplacer(`"versie": 1`, `"versie": 2`, `"overplaatsingsdatum": "2026-11-03"`, `"overplaatsingsdatum": "2026-11-10"`).Replace(doc)
	s.submit("hospital", second).want(t, http.StatusCreated)
	if got := s.implied(); len(got) != 1 || got[0].Provision.Period.End != "2026-12-10" {
		t.Fatalf("after another day: %+v", got)
	}
	third := strings.NewReplacer(`"versie": 1`, `"versie": 3`, "ura:90000001", "ura:90000003").Replace(doc)
	s.submit("hospital", third).want(t, http.StatusCreated)
	if got := s.implied(); len(got) != 1 || got[0].Status != "inactive" {
		t.Errorf("after another receiver: %+v", got)
	}
	s.get("home", "/fhir/"+s.composition).want(t, http.StatusNotFound)
	s.move("other", "accepted").want(t, http.StatusOK)
	if got := s.implied(); len(got) != 1 || got[0].Status != "active" || got[0].Provision.Actor[0].Reference.Reference != s.orgs["other"].String() {
		t.Errorf("after its acceptance: %+v", got)
	}
}

// deny stores an objection of the sender's family to sharing with an organisation.
func (s *transfer) deny(organization fhir.Ref, rest string) string {
	s.t.Helper()
	return s.create("hospital", "Consent", s.denial(organization, rest, "hospital"))
}

// denial is an objection to sharing what some organisations keep.
func (s *transfer) denial(organization fhir.Ref, rest string, holders ...string) string {
	var kept []string
	for _, name := range holders {
		kept = append(kept, fmt.Sprintf(`{"reference":%q}`, s.orgs[name]))
	}
	return fmt.Sprintf(`{"resourceType":"Consent","status":"active","scope":{"coding":[{"system":
		"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],
		"patient":{"reference":%q},"dateTime":"2026-11-20","organization":[%s],"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},
		"provision":{"type":"deny","actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},
		"reference":{"reference":%q}}]%s}}`, s.patient, strings.Join(kept, ","), organization, rest)
}

// TestNobodyStopsTheTransfersOfAnother: an objection that an organisation records is about what it keeps itself.
func TestNobodyStopsTheTransfersOfAnother(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.do("other", http.MethodPost, "/fhir/Consent", s.denial(s.orgs["home"], "", "other", "hospital")).want(t, http.StatusForbidden).
		wantIssue(t, "write-not-custodian", "")
	s.do("other", http.MethodPost, "/fhir/Consent", s.denial(s.orgs["home"], "", "other")).want(t, http.StatusCreated)
	s.move("home", "accepted").want(t, http.StatusOK)
}

// TestAnObjectionStopsTheAcceptanceUntilItIsWithdrawn: the Task says so in a commit of its own, once.
func TestAnObjectionStopsTheAcceptanceUntilItIsWithdrawn(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	objection := s.deny(s.orgs["home"], "")
	for range 2 {
		refused := s.move("home", "accepted").want(t, http.StatusUnprocessableEntity).valid(t)
		if got := rulesIn(t, refused); !slices.Equal(got, []string{"G9"}) {
			t.Errorf("%v", got)
		}
	}
	if status, reason := s.status(); status != "requested" || reason != "bezwaar" {
		t.Errorf("the Task is %s for %s", status, reason)
	}
	if got := s.search("hospital", "/fhir/"+s.task+"/_history").Total; got == nil || *got != 2 {
		t.Errorf("%v versions of the Task, want the one of the push and the one with the reason", got)
	}
	events := s.eventsOf(strings.TrimPrefix(s.patient, "Patient/"))
	refusals := 0
	for _, e := range events {
		if e.OutcomeDesc == "G9" && e.Outcome == "4" {
			refusals++
		}
	}
	if got := s.implied(); len(got) != 0 || refusals != 2 {
		t.Errorf("consents %+v, %d refusals in the log", got, refusals)
	}
	body := strings.Replace(s.get("hospital", "/fhir/Consent/"+objection).body, `"status":"active"`, `"status":"inactive"`, 1)
	s.do("hospital", http.MethodPut, "/fhir/Consent/"+objection, body).want(t, http.StatusOK)
	if status, reason := s.status(); status != "requested" || reason != "" {
		t.Errorf("after the withdrawal the Task is %s for %s", status, reason)
	}
	s.move("home", "accepted").want(t, http.StatusOK)
	s.get("home", "/fhir/"+s.composition).want(t, http.StatusOK)
}

// TestAnObjectionToADomainWinsForThatDomain: it does not stop the acceptance.
func TestAnObjectionToADomainWinsForThatDomain(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.deny(s.orgs["other"], "")
	s.deny(s.orgs["home"], `,"code":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-domein","code":"sociaal"}]}]`)
	s.move("home", "accepted").want(t, http.StatusOK)
	if status, reason := s.status(); status != "accepted" || reason != "" {
		t.Errorf("the Task is %s for %s", status, reason)
	}
	open, closed := 0, 0
	for _, e := range s.search("hospital", "/fhir/Observation?patient="+s.patient).Entry {
		if s.get("home", "/fhir/Observation/"+e.Resource.ID).status == http.StatusOK {
			open++
		} else {
			closed++
		}
	}
	if open != 9 || closed != 2 { // gezin, zb-gezin
		t.Errorf("the receiver sees %d observations and not %d", open, closed)
	}
}

// TestTwoAcceptancesAtOnceMakeOneConsent: they race, and write it once. It ends with its Task.
func TestTwoAcceptancesAtOnceMakeOneConsent(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	body := strings.Replace(s.get("home", "/fhir/"+s.task).body, `"status":"requested"`, `"status":"accepted"`, 1)
	var race sync.WaitGroup
	for range 4 {
		race.Go(func() {
			if a := s.do("home", http.MethodPut, "/fhir/"+s.task, body); a.status != http.StatusOK {
				t.Errorf("%d %.300s", a.status, a.body)
			}
		})
	}
	race.Wait()
	got := s.implied()
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	if total := s.search("hospital", "/fhir/Consent/"+got[0].ID+"/_history").Total; total == nil || *total != 1 {
		t.Errorf("the consent has %v versions", total)
	}
	s.do("hospital", http.MethodDelete, "/fhir/"+s.task, "").want(t, http.StatusNoContent)
	if got := s.implied(); len(got) != 1 || got[0].Status != "inactive" {
		t.Errorf("after the Task was deleted: %+v", got)
	}
}

// TestATransactionIsRefusedWhereItsTransferIs: the rules name the entry, and nothing of it is stored.
func TestATransactionIsRefusedWhereItsTransferIs(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	entries := func(status string) string {
		task := strings.Replace(s.get("home", "/fhir/"+s.task).body, `"status":"requested"`, `"status":"`+status+`"`, 1)
		return fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[
			{"resource":{"resourceType":"Flag","status":"active","code":{"text":"x"},"subject":{"reference":%q}},"request":{"method":"POST","url":"Flag"}},
			{"resource":%s,"request":{"method":"PUT","url":%q}}]}`, s.patient, task, s.task)
	}
	before := s.position()
	refused := s.do("home", http.MethodPost, "/fhir", entries("ready")).want(t, http.StatusUnprocessableEntity)
	refused.wantIssue(t, "task-transition", "Bundle.entry[1].resource.status")
	if diff := cmp.Diff(before, s.position()); diff != "" {
		t.Error(diff)
	}
	s.do("home", http.MethodPost, "/fhir", entries("accepted")).want(t, http.StatusOK)
	if got := s.implied(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	s.do("home", http.MethodPatch, "/fhir/"+s.task, `[{"op":"replace","path":"/status","value":"completed"}]`, "Content-Type", "application/json-patch+json").want(t, http.StatusOK)
	if got := s.implied(); got[0].Provision.Period.End != "2026-12-21" {
		t.Errorf("%+v", got)
	}
}
