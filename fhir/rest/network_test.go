package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// help is a task of help that somebody asks for.
func (n *network) help(by, owner string, more ...string) string {
	return fmt.Sprintf(`{"resourceType":"Task","status":"requested","intent":"proposal","for":{"reference":%q},"requester":{"reference":%q},"owner":{"reference":%q},
		"businessStatus":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/netwerk-afspraak","code":"voorgesteld"}]},
		"code":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/netwerk-taak","code":"hulp"}]}%s}`, n.patient, by, owner, strings.Join(more, ""))
}

const prepared = `,"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/voorbereiding","extension":[{"url":"tekst","valueString":"geoefend"},{"url":"datum","valueDate":"2026-11-20"}]},
	{"url":"https://drieluik.example/fhir/StructureDefinition/beslisser","extension":[{"url":"naam","valueString":"XXX_Anna"},{"url":"rol","valueCode":"ouder"}]}]`

// status is that of a resource, as home care reads it.
func (n *network) status(ref string) string {
	n.t.Helper()
	return decode[struct{ Status string }](n.t, n.get("home", "/fhir/"+ref).want(n.t, http.StatusOK).body).Status
}

// to gives a resource another status, and more members, as somebody.
func (n *network) to(as, ref, status string, more ...string) answer {
	n.t.Helper()
	body := n.get("home", "/fhir/"+ref).want(n.t, http.StatusOK).body
	r, _ := fhir.Parse([]byte(body), fhir.Limits{})
	r, err := r.Edit(fhir.Edit{Path: []string{"status"}, JSON: `"` + status + `"`})
	if err != nil {
		n.t.Fatal(err)
	}
	text := strings.TrimSuffix(string(r.Bytes()), "}") + strings.Join(more, "") + "}"
	return n.do(as, http.MethodPut, "/fhir/"+ref, text)
}

// TestWhoMayBeAskedForHelp (network.md 4): who may be approached, for what they do not refuse, by who keeps the
// network or has authority; who carries much already is told of.
func TestWhoMayBeAskedForHelp(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.cruds")
	mother := n.principals["mother"].FHIRUser.String()
	n.do("mother", http.MethodPost, "/fhir/Task", n.help(mother, n.kin["n5"])).want(t, http.StatusForbidden).wantIssue(t, "NW-R03", "")
	n.do("mother", http.MethodPost, "/fhir/Task", n.help(mother, n.kin["n3"], `,"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-aanbod","valueCode":"gezelschap"}]`)).
		want(t, http.StatusUnprocessableEntity).wantIssue(t, "NW-R07", "")
	n.do("mother", http.MethodPost, "/fhir/Task", n.help(mother, n.kin["n2"], `,"basedOn":[{"reference":"`, n.kin["t1"], `"}]`)).
		want(t, http.StatusUnprocessableEntity).wantIssue(t, "NW-R06", "")
	n.do("other", http.MethodPost, "/fhir/Task", n.help(n.orgs["other"].String(), n.kin["n2"])).want(t, http.StatusForbidden).wantIssue(t, "write-role", "")
	n.do("home", http.MethodPost, "/fhir/Task", n.help(n.orgs["home"].String(), n.kin["n2"])).want(t, http.StatusCreated)
	n.create("home", "Observation", fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/netwerk-meting","code":"belasting"}]},
		"subject":{"reference":%q},"focus":[{"reference":%q}],"effectiveDateTime":"2026-11-01","valueInteger":4}`, n.patient, n.kin["n1"]))
	a := n.do("mother", http.MethodPost, "/fhir/Task", n.help(mother, n.kin["n1"], `,"basedOn":[{"reference":"`, n.kin["t1"], `"}]`), "Prefer", "return=OperationOutcome").want(t, http.StatusCreated)
	a.wantIssue(t, "NW-R04", "Task.owner")
	if !strings.Contains(a.body, n.kin["n2"]) {
		t.Errorf("the reserve is not proposed: %s", a.body)
	}
	for _, words := range []string{"Dit lid draagt al veel. Stel " + n.kin["n2"] + " voor.", "Den här personen bär redan mycket.", "http://hl7.org/fhir/StructureDefinition/translation"} {
		if !strings.Contains(a.body, words) {
			t.Errorf("%q is not in %s", words, a.body)
		}
	}
}

// TestAHelperAnswersAndAnotherIsAsked: nothing is accepted unprepared or undecided, and a refusal asks the reserve once.
func TestAHelperAnswersAndAnotherIsAsked(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.cruds")
	mother := n.principals["mother"].FHIRUser.String()
	first := "Task/" + n.create("mother", "Task", n.help(mother, n.kin["n1"], `,"basedOn":[{"reference":"`, n.kin["t2"], `"}]`))
	a := n.to("grandfather", first, "accepted").want(t, http.StatusUnprocessableEntity)
	a.wantIssue(t, "NW-R01", "Task.extension")
	a.wantIssue(t, "NW-R02", "Task.extension")
	n.to("mother", first, "accepted", prepared).want(t, http.StatusForbidden)
	if a := n.to("grandfather", first, "accepted", prepared).want(t, http.StatusOK); !strings.Contains(a.body, "geaccepteerd") {
		t.Errorf("the agreement does not hold: %s", a.body)
	}
	n.to("mother", first, "on-hold").want(t, http.StatusOK)
	tasks := func() int { return len(n.search("home", "/fhir/Task?owner="+n.kin["n2"]).Entry) }
	before := tasks()
	for range 2 {
		second := "Task/" + n.create("mother", "Task", n.help(mother, n.kin["n1"], `,"basedOn":[{"reference":"`, n.kin["t1"], `"}]`))
		n.to("grandfather", second, "rejected").want(t, http.StatusOK)
	}
	if now := tasks(); now != before+1 {
		t.Errorf("the reserve was asked %d times", now-before)
	}
	n.to("home", n.kin["taak-t3"], "rejected").want(t, http.StatusOK)
	if got := n.status(n.kin["t3"]); got != "revoked" {
		t.Errorf("the plan of what was refused is %s", got)
	}
	n.to("grandfather", n.kin["taak-t1"], "in-progress").want(t, http.StatusOK)
	if body := n.get("home", "/fhir/"+n.kin["t1"]).body; n.status(n.kin["t1"]) != "active" || !strings.Contains(body, `"status":"in-progress"`) {
		t.Errorf("the plan of what goes on: %s", body)
	}
}

// TestAMemberWithdraws: at once nobody asks them, and what they do waits.
func TestAMemberWithdraws(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.to("grandfather", n.kin["n1-ziet"], "inactive").want(t, http.StatusNoContent)
	for _, task := range []string{"taak-t1", "taak-t2"} {
		if got := n.status(n.kin[task]); got != "on-hold" {
			t.Errorf("%s is %s", task, got)
		}
	}
	if got := n.status(n.kin["taak-t3"]); got != "requested" {
		t.Errorf("the task of another is %s", got)
	}
	if body := n.get("home", "/fhir/"+n.kin["n1"]).body; !strings.Contains(body, `"active":false`) {
		t.Errorf("still active: %s", body)
	}
	n.get("grandfather", "/fhir/"+n.kin["taak-t2"]).want(t, http.StatusForbidden)
	again := strings.Replace(networkFile(t, "valid/01-boris.json"), `"versie": 1`, `"versie": 2`, 1)
	n.submit("home", again).want(t, http.StatusCreated)
	n.submit("home", networkFile(t, "valid/01-boris.json")).want(t, http.StatusOK)
	n.submit("home", strings.Replace(again, "XXX_Els", "XXX_Else", 1)).want(t, http.StatusConflict).wantIssue(t, "NW-V01", "/versie")
	n.submit("home", strings.Replace(again, `"versie": 2`, `"versie": 4`, 1)).want(t, http.StatusCreated)
	n.submit("home", strings.Replace(again, `"versie": 2`, `"versie": 3`, 1)).want(t, http.StatusConflict).wantIssue(t, "NW-V02", "/versie")
	if got := n.status(n.kin["n1-ziet"]); got != "inactive" {
		t.Errorf("the next version of the record gives back what was taken: %s", got)
	}
	if got := n.status(n.kin["taak-t1"]); got != "on-hold" {
		t.Errorf("the next version of the record starts what waits: %s", got)
	}
}

// TestReadsShowOfANetworkWhatItsPictureDoes (network.md 5).
func TestReadsShowOfANetworkWhatItsPictureDoes(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.cruds")
	n.share("hospital", n.orgs["hospital"].String())
	n.share("grandfather", n.kin["n1"])
	for _, r := range []struct {
		who, ref   string
		shows, not []string
	}{
		{"mother", n.team, []string{"netwerk-kring", "netwerk-niet", `"zwak"`}, []string{"gespannen", "netwerk-onderling"}},
		{"mother", n.kin["n5"], []string{"XXX_Tante Sara"}, nil},
		{"hospital", n.team, []string{"netwerk-aanbod", `"zwak"`, "netwerk-besluit"}, []string{"gespannen", "netwerk-onderling", "netwerk-kring", "netwerk-niet", "netwerk-grens", "netwerk-relatie"}},
		{"hospital", n.kin["n1"], []string{`"familie"`}, []string{"XXX_Opa", "GRFTH", "000-0000101"}},
		{"hospital", n.kin["n1-belasting"], []string{"belasting"}, []string{"valueInteger"}},
		{"grandfather", n.team, []string{"netwerk-besluit"}, []string{"netwerk-sterkte", "netwerk-aanbod"}},
		{"grandfather", n.kin["n1"], []string{"XXX_Opa Jan"}, nil},
		{"grandfather", n.kin["n2"], []string{`"buur"`}, []string{"XXX_Els"}},
		{"home", n.team, []string{"gespannen", "netwerk-onderling"}, nil},
	} {
		body := n.get(r.who, "/fhir/"+r.ref).want(t, http.StatusOK).body
		for _, want := range r.shows {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not see %s in %s", r.who, want, body)
			}
		}
		for _, hidden := range r.not {
			if strings.Contains(body, hidden) {
				t.Errorf("%s sees %s", r.who, hidden)
			}
		}
	}
	if found := n.search("hospital", "/fhir/RelatedPerson?name=XXX_Opa").Entry; len(found) != 0 {
		t.Error("what is not shown can be searched for")
	}
	drawn := strings.NewReplacer(`"versie": 1`, `"versie": 2`, `"rol": "clientondersteuner"`, `"rol": "ouder"`).Replace(networkFile(t, "valid/01-boris.json"))
	n.submit("home", drawn).want(t, http.StatusCreated)
	if a := n.get("mother", "/fhir/"+n.team+"/$ecomap").want(t, http.StatusOK); !strings.Contains(a.body, "<polyline") {
		t.Error("the mother does not see what parents drew up")
	}
	for _, ref := range []string{"taak-t2", "t2"} {
		n.get("hospital", "/fhir/"+n.kin[ref]).want(t, http.StatusOK)
	}
	n.to("mother", n.kin["taak-t2"], "cancelled").want(t, http.StatusOK)
	n.get("hospital", "/fhir/"+n.kin["taak-t2"]).want(t, http.StatusNotFound)
	n.get("mother", "/fhir/"+n.kin["taak-t2"]).want(t, http.StatusOK)
}

// TestAnAgreementThatIsNotReviewedWaits (network.md 4).
func TestAnAgreementThatIsNotReviewedWaits(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.advance(25 * 24 * time.Hour) // 16 December, reviews were to be on the first
	if _, err := n.exchange.Tick(context.Background(), n.clock()); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"t1": "on-hold", "t2": "on-hold", "t3": "draft"} {
		if got := n.status(n.kin[key]); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	if found := n.search("home", "/fhir/Task?code="+fhir.Canonical+"/CodeSystem/netwerk-taak|evalueren&status=requested").Entry; len(found) != 2 {
		t.Errorf("%d reviews are asked for", len(found))
	}
	if found := n.search("home", "/fhir/Communication?recipient="+n.kin["n1"]).Entry; len(found) != 2 {
		t.Errorf("the helper is told %d times", len(found))
	}
}

// TestTheReserveIsAskedWhereNobodyAnswers (network.md 4): three days after the question, once, whoever ticks; who
// answered, and who has no reserve, is left alone.
func TestTheReserveIsAskedWhereNobodyAnswers(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.cruds")
	mother := n.principals["mother"].FHIRUser.String()
	n.tick()
	question := "Task/" + n.create("mother", "Task", n.help(mother, n.kin["n1"], `,"basedOn":[{"reference":"`, n.kin["t1"], `"}]`))
	asked := func() []string { return n.search("home", "/fhir/Task?status=requested&owner="+n.kin["n2"]).ids() }
	n.advance(3*24*time.Hour - time.Minute)
	n.tick()
	if got := asked(); len(got) != 0 {
		t.Fatalf("asked before three days are over: %v", got)
	}
	n.advance(2 * time.Minute)
	n.tick()
	first := asked()
	if len(first) != 1 {
		t.Fatalf("the reserve was asked %d times", len(first))
	}
	body := n.get("home", "/fhir/"+first[0]).want(t, http.StatusOK).body
	for _, want := range []string{n.kin["t1"], n.patient, `"voorgesteld"`, `"proposal"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
	if found := n.search("home", "/fhir/Provenance?target="+first[0]).Entry; len(found) != 1 {
		t.Errorf("%d tell who asked", len(found))
	}
	n.advance(30 * 24 * time.Hour)
	n.tick()
	n.to("grandfather", question, "rejected").want(t, http.StatusOK)
	if again := asked(); len(again) != 1 || again[0] != first[0] {
		t.Errorf("asked again: %v", again)
	}
}

// tick runs the rules of time, of two processes at once.
func (n *network) tick() {
	n.t.Helper()
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := n.exchange.Tick(context.Background(), n.clock())
			errs <- err
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			n.t.Fatal(err)
		}
	}
}

// TestAChildAsksForHelp of its own network, sees all of it, and may always stop.
func TestAChildAsksForHelp(t *testing.T) {
	t.Parallel()
	n := &network{rig: newRig(t), kin: map[string]string{}}
	n.submit("hospital", networkFile(t, "valid/02-daan.json")).want(t, http.StatusCreated)
	for _, kind := range []string{"CareTeam", "RelatedPerson", "CarePlan"} {
		for _, e := range n.search("hospital", "/fhir/"+kind).Entry {
			r, _ := fhir.Parse([]byte(n.get("hospital", "/fhir/"+kind+"/"+e.Resource.ID).want(t, http.StatusOK).body), fhir.Limits{})
			n.note(r)
		}
	}
	n.patient = n.search("hospital", "/fhir/Patient").ids()[0]
	n.person("child", auth.ChildRole, n.patient, "PATRQT")
	a := n.do("child", http.MethodPost, "/fhir/Task", n.help(n.patient, n.kin["a"], `,"basedOn":[{"reference":"`, n.kin["t1"], `"}]`), "Prefer", "return=OperationOutcome").want(t, http.StatusCreated)
	a.wantIssue(t, "NW-R04", "Task.owner")
	if !strings.Contains(a.body, n.kin["c"]) {
		t.Errorf("the reserve is not proposed: %s", a.body)
	}
	n.do("child", http.MethodPost, "/fhir/Task", n.help(n.patient, n.kin["b"])).want(t, http.StatusForbidden).wantIssue(t, "NW-R03", "")
	made := n.search("child", "/fhir/Task?status=requested&requester="+n.patient).ids()[0]
	n.reads("hospital", made, []string{n.kin["a"]}, nil)
	own := n.get("child", "/fhir/"+made).want(t, http.StatusOK).body
	n.do("child", http.MethodPut, "/fhir/"+made, strings.Replace(own, `"status":"requested"`, `"status":"cancelled"`, 1)).want(t, http.StatusOK)
	n.reads("child", n.team, []string{"XXX_T. Leider", "netwerk-kring"}, []string{"SUBSETTED"})
}

// TestAPushOfOthersAsksNobody: that a reserve is to be asked by now is no matter of who happens to push then.
func TestAPushOfOthersAsksNobody(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.cruds")
	n.create("mother", "Task", n.help(n.principals["mother"].FHIRUser.String(), n.kin["n1"], `,"basedOn":[{"reference":"`, n.kin["t1"], `"}]`))
	n.advance(4 * 24 * time.Hour)
	n.submit("hospital", fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","identifier":{"system":"urn:x","value":"1"},"entry":[
		{"fullUrl":"urn:uuid:00000000-0000-4000-8000-000000000001","request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient",
			"identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999912148"}]}},
		{"fullUrl":"urn:uuid:00000000-0000-4000-8000-000000000002","request":{"method":"POST","url":"CareTeam"},"resource":{"resourceType":"CareTeam","status":"active",
			"subject":{"reference":"urn:uuid:00000000-0000-4000-8000-000000000001"},"participant":[{"member":{"type":"Organization","identifier":{"system":%q,"value":"90000002"}}}]}}]}`, uraSystem),
		"Content-Type", "application/fhir+json").want(t, http.StatusCreated)
	n.tick()
	if asked := n.search("home", "/fhir/Task?status=requested&owner="+n.kin["n2"]).ids(); len(asked) != 1 {
		t.Errorf("the reserve was asked %d times", len(asked))
	}
}
