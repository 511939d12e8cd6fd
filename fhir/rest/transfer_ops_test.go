package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// mother is the login of boris' mother.
func (s *transfer) mother(scopes string) {
	s.t.Helper()
	for _, e := range s.search("home", "/fhir/RelatedPerson?patient="+s.patient).Entry {
		if strings.Contains(s.get("home", "/fhir/RelatedPerson/"+e.Resource.ID).body, `"code":"MTH"`) {
			s.principals["mother"] = guardian(s.t, s.patient, "RelatedPerson/"+e.Resource.ID, scopes)
		}
	}
	if _, ok := s.principals["mother"]; !ok {
		s.t.Fatal("no mother")
	}
}

// TestTheGateIsToldAsFarAsItsRecordsAreShared: to the sender, to the receiver once it accepted, to the
// family; a stranger is told what a missing Task is told.
func TestTheGateIsToldAsFarAsItsRecordsAreShared(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.mother("patient/*.rs")
	path := "/fhir/" + s.task + "/$discharge-check"
	all := map[string]string{"open": "false", "G1": "false", "G2": "true", "G3": "true", "G4": "true", "G5": "true", "G6": "true", "G7": "true"}
	for _, who := range []string{"hospital", "mother"} {
		if diff := cmp.Diff(all, checksIn(t, s.get(who, path).want(t, http.StatusOK).valid(t))); diff != "" {
			t.Errorf("%s: %s", who, diff)
		}
	}
	if diff := cmp.Diff(map[string]string{"open": "false", "G1": "false"}, checksIn(t, s.get("home", path).want(t, http.StatusOK))); diff != "" {
		t.Errorf("the receiver before: %s", diff)
	}
	s.move("home", "accepted").want(t, http.StatusOK)
	all["open"], all["G1"] = "true", "true"
	if diff := cmp.Diff(all, checksIn(t, s.do("home", http.MethodPost, path, "").want(t, http.StatusOK))); diff != "" {
		t.Errorf("the receiver after: %s", diff)
	}
	hidden, missing := s.get("other", path), s.get("other", "/fhir/Task/none/$discharge-check")
	if hidden.status != http.StatusNotFound || hidden.body != missing.body {
		t.Errorf("a stranger is told %d %s, of a missing one %s", hidden.status, hidden.body, missing.body)
	}
	s.permit(s.orgs["other"])
	s.get("other", "/fhir/"+s.task).want(t, http.StatusOK)
	if hidden = s.get("other", path); hidden.status != http.StatusNotFound || hidden.body != missing.body {
		t.Errorf("who reads the Task under a consent, and takes no part, is told %d %s", hidden.status, hidden.body)
	}
	s.get("hospital", path+"?flag=open").want(t, http.StatusBadRequest).wantIssue(t, "operation-parameter", "")
	s.get("hospital", "/fhir/"+s.patient+"/$discharge-check").want(t, http.StatusNotFound)
	plain := s.create("hospital", "Task", fmt.Sprintf(`{"resourceType":"Task","status":"requested","intent":"order","for":{"reference":%q},
		"requester":{"reference":%q}}`, s.patient, s.orgs["hospital"]))
	s.get("hospital", "/fhir/Task/"+plain+"/$discharge-check").want(t, http.StatusUnprocessableEntity).wantIssue(t, "transfer-task", "")
}

// permit stores the consent of boris' mother to share what the hospital keeps with an organisation.
func (s *transfer) permit(organization fhir.Ref) {
	s.t.Helper()
	s.create("hospital", "Consent", fmt.Sprintf(`{"resourceType":"Consent","status":"active","scope":{"coding":[{"system":
		"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],
		"patient":{"reference":%q},"dateTime":"2026-11-20","performer":[{"reference":%q}],"organization":[{"reference":%q}],
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},
		"provision":{"type":"permit","actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},
		"reference":{"reference":%q}}]}}`, s.patient, s.principals["mother"].FHIRUser, s.orgs["hospital"], organization))
}

// TestWhatIsMissingIsSaidInDutchToo: a nurse reads in her own language what a transfer waits for, what a file
// lacks, and why a step is refused.
func TestWhatIsMissingIsSaidInDutchToo(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	for _, path := range []string{"/fhir/" + s.task + "/$discharge-check", "/fhir/" + s.patient + "/$completeness"} {
		said := 0
		var walk func([]spoken)
		walk = func(all []spoken) {
			for _, p := range all {
				walk(p.Part)
				if p.ValueString == "" {
					continue
				}
				said++
				if e := p.In.Extension; len(e) != 1 || e[0].Extension[0].ValueCode != "nl" || e[0].Extension[1].ValueString == "" {
					t.Errorf("%s: %q is said in %+v", path, p.ValueString, e)
				}
			}
		}
		walk(decode[struct{ Parameter []spoken }](t, s.get("hospital", path).want(t, http.StatusOK).valid(t).body).Parameter)
		if said < 9 {
			t.Errorf("%s says %d things", path, said)
		}
	}
	refused := s.move("hospital", "completed").want(t, http.StatusUnprocessableEntity)
	if !strings.Contains(refused.body, "Vanuit deze status gaat de overdracht verder wanneer") {
		t.Errorf("a step that is refused says %s", refused.body)
	}
}

// spoken is a parameter with words and their translations.
type spoken struct {
	ValueString string
	In          struct {
		Extension []struct {
			Extension []struct{ ValueCode, ValueString string }
		}
	} `json:"_valueString"`
	Part []spoken
}

// report is one answer of $completeness: domain → what is present, missing with who, and the hidden count.
func report(t *testing.T, a answer) map[string][]string {
	t.Helper()
	type part struct {
		Name, ValueCode, ValueString string
		ValueInteger                 int
		Part                         []struct{ ValueString string }
	}
	out := map[string][]string{}
	for _, p := range decode[struct{ Parameter []struct{ Part []part } }](t, a.body).Parameter {
		code := ""
		for _, x := range p.Part {
			switch x.Name {
			case "domein":
				code = x.ValueCode
				out[code] = nil
			case "present":
				out[code] = append(out[code], "+ "+x.ValueString)
			case "missing":
				out[code] = append(out[code], "- "+x.Part[0].ValueString+": "+x.Part[1].ValueString)
			case "hidden":
				out[code] = append(out[code], fmt.Sprint("? ", x.ValueInteger))
			}
		}
	}
	return out
}

// TestCompletenessNamesWhatTheReaderMaySee: home care and the family see the whole file; the hospital
// sees what it sent, and of what is not shared with it a number that says nothing.
func TestCompletenessNamesWhatTheReaderMaySee(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.mother("patient/*.rs")
	path := "/fhir/" + s.patient + "/$completeness"
	family := report(t, s.get("mother", path).want(t, http.StatusOK).valid(t))
	want := map[string][]string{
		"medisch": {"+ diagnoses", "+ allergies, or that none are known", "+ alerts, or that none are known", "+ feeding", "+ devices",
			"- measurements of the last 7 days: sending nurse", "- active care plan: zorgcoordinator"},
		"veiligheid": {"+ trained parents", "+ living situation (woonsituatie)", "+ custody (gezag) checked in the last 180 days",
			"- emergency plan (noodplan): zorgcoordinator"},
		"sociaal": {"+ family situation (gezinssituatie)", "+ first contact person (role 01)",
			"- scan item draagkracht discussed: zorgcoordinator", "- scan item respijt discussed: zorgcoordinator"},
		"ontwikkeling": {"+ day care or school (opvang)", "+ development",
			"- scan item spel discussed: zorgcoordinator", "- scan item onderwijs discussed: zorgcoordinator"},
	}
	if diff := cmp.Diff(want, family); diff != "" {
		t.Error(diff)
	}
	sender := report(t, s.get("hospital", path+"?task="+s.task).want(t, http.StatusOK))
	want = map[string][]string{
		"medisch": {"+ diagnoses", "+ allergies, or that none are known", "+ alerts, or that none are known", "+ feeding", "+ devices",
			"- measurements of the last 7 days: sending nurse", "? 1"},
		"veiligheid":   {"+ trained parents", "+ living situation (woonsituatie)", "? 2"},
		"sociaal":      {"+ family situation (gezinssituatie)", "? 3"},
		"ontwikkeling": {"+ development", "? 3"},
	}
	if diff := cmp.Diff(want, sender); diff != "" {
		t.Error(diff)
	}
	s.principals["stranger"] = system("stranger", fhir.Ref{Type: "Organization", ID: "stranger"}, "system/*.cruds")
	hidden, missing := s.get("stranger", path), s.get("stranger", "/fhir/Patient/none/$completeness")
	if hidden.status != http.StatusNotFound || hidden.body != missing.body {
		t.Errorf("a stranger is told %d %s", hidden.status, hidden.body)
	}
	s.get("mother", path+"?task=Task/none").want(t, http.StatusNotFound)
	s.get("mother", path+"?task=Patient/x").want(t, http.StatusBadRequest).wantIssue(t, "operation-parameter", "")
	s.do("mother", http.MethodPost, path, `{"resourceType":"Parameters","parameter":[{"name":"task","valueReference":{"reference":"`+s.task+`"}}]}`).want(t, http.StatusOK)
	for _, file := range []string{"05-hulpbehoeftescan-herhaling", "07-zorgplan-v3"} {
		s.submit("home", record(t, "boris/"+file+".json")).want(t, http.StatusCreated)
	}
	for code, domain := range report(t, s.get("mother", path).want(t, http.StatusOK)) {
		for _, line := range domain {
			if line[0] != '+' && line != "- measurements of the last 7 days: sending nurse" {
				t.Errorf("after scan and plan %s still says %q", code, line)
			}
		}
	}
	other, _ := s.child("hospital")
	s.get("hospital", "/fhir/Patient/"+other+"/$completeness?task="+s.task).want(t, http.StatusUnprocessableEntity).wantIssue(t, "completeness-task", "")
}

const backBody = `{"resourceType":"Communication","status":"completed","subject":{"reference":%q},"category":[{"coding":[{"system":
	"https://drieluik.example/fhir/CodeSystem/mks-categorie","code":"terugvraag"}]}],%s"payload":[{"contentString":"Welke maat sonde?"}]}`

// TestAQuestionBackReachesTheNurseAndItsAnswerTheReceiver (mks.md 7.13).
func TestAQuestionBackReachesTheNurseAndItsAnswerTheReceiver(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.move("home", "accepted").want(t, http.StatusOK)
	s.do("home", http.MethodPost, "/fhir/Communication", fmt.Sprintf(backBody, s.patient, "")).
		want(t, http.StatusUnprocessableEntity).wantIssue(t, "terugvraag-about", "Communication.about")
	about := `"about":[{"reference":"` + s.composition + `"}],`
	s.create("other", "Communication", fmt.Sprintf(backBody, s.patient, about)) // not the receiver: no Task, and no other answer
	asked := s.create("home", "Communication", fmt.Sprintf(backBody, s.patient, about))
	tasks := s.search("hospital", "/fhir/Task?code=terugvraag&patient="+s.patient)
	if len(tasks.Entry) != 1 {
		t.Fatalf("%d questions", len(tasks.Entry))
	}
	path := "/fhir/Task/" + tasks.Entry[0].Resource.ID
	type view struct {
		Status      string
		Owner       struct{ Reference string }
		Restriction struct{ Period struct{ End string } }
		Input       []struct{ ValueString string }
		Output      []struct{ ValueString string }
	}
	v := decode[view](t, s.get("hospital", path).want(t, http.StatusOK).valid(t).body)
	if v.Status != "requested" || !strings.HasPrefix(v.Owner.Reference, "PractitionerRole/") || v.Restriction.Period.End != "2026-11-22T19:00:00Z" || v.Input[0].ValueString != "Welke maat sonde?" {
		t.Errorf("%+v", v)
	}
	s.get("other", path).want(t, http.StatusNotFound)
	s.create("hospital", "Communication", fmt.Sprintf(`{"resourceType":"Communication","status":"completed","subject":{"reference":%q},
		"inResponseTo":[{"reference":"Communication/%s"}],"payload":[{"contentString":"CH8"}]}`, s.patient, asked))
	v = decode[view](t, s.get("home", path).want(t, http.StatusOK).valid(t).body)
	if v.Status != "completed" || len(v.Output) != 1 || v.Output[0].ValueString != "CH8" {
		t.Errorf("%+v", v)
	}
}

// drafted writes a transfer in FHIR: a document of the sender and its Task to the receiver.
func (g *rig) drafted(from, to, direction string) *transfer {
	g.t.Helper()
	s := &transfer{rig: g}
	patient, _ := g.child(from)
	s.patient = "Patient/" + patient
	s.composition = "Composition/" + g.create(from, "Composition", fmt.Sprintf(`{"resourceType":"Composition","status":"preliminary","type":{"coding":[{"system":
		"http://snomed.info/sct","code":"11171000146100"}]},"category":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/richting","code":%q}]}],
		"subject":{"reference":%q},"date":"2026-11-21","author":[{"reference":%q}],"title":"Overdracht"}`, direction, s.patient, g.orgs[from]))
	s.task = "Task/" + g.create(from, "Task", fmt.Sprintf(taskBody, s.composition, s.patient, g.orgs[from], g.orgs[to]))
	return s
}

const taskBody = `{"resourceType":"Task","status":"draft","intent":"order","code":{"coding":[{"system":"http://snomed.info/sct","code":"308292007"}]},
	"focus":{"reference":%q},"for":{"reference":%q},"requester":{"reference":%q},"owner":{"reference":%q}}`

// TestATransferGoesInFourDirections, written in FHIR without a source record: what its gate asks depends on
// the direction.
func TestATransferGoesInFourDirections(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for _, c := range []struct {
		from, to, direction string
		missing             []string
	}{
		{"hospital", "home", "ziekenhuis-naar-huis", []string{"G2", "G3", "G4", "G6"}},
		{"home", "hospital", "huis-naar-ziekenhuis", nil},
		{"home", "other", "aanbieder-naar-aanbieder", []string{"G8"}},
		{"home", "hospital", "naar-volwassenenzorg", []string{"G8"}},
	} {
		s := g.drafted(c.from, c.to, c.direction)
		s.move(c.from, "requested").want(t, http.StatusOK)
		s.get(c.to, "/fhir/"+s.composition).want(t, http.StatusNotFound)
		s.move(c.to, "accepted").want(t, http.StatusOK)
		s.get(c.to, "/fhir/"+s.composition).want(t, http.StatusOK)
		s.move(c.to, "in-progress").want(t, http.StatusOK)
		if c.missing != nil {
			if got := rulesIn(t, s.move(c.to, "completed").want(t, http.StatusUnprocessableEntity)); !slices.Equal(got, c.missing) {
				t.Errorf("%s: %v, want %v", c.direction, got, c.missing)
			}
		}
		if slices.Contains(c.missing, "G2") {
			continue
		}
		g.create(c.from, "Encounter", fmt.Sprintf(`{"resourceType":"Encounter","status":"finished","class":{"code":"VR"},"type":[{"coding":[{"system":
			"https://drieluik.example/fhir/CodeSystem/evaluatie-soort","code":"afsluitend"}]}],"subject":{"reference":%q},"period":{"start":"2026-11-20"}}`, s.patient))
		s.move(c.to, "completed").want(t, http.StatusOK)
	}
}

// TestNobodySharesByATransferWhatAnotherKeeps: a Task that names another organisation as sender, or its
// document, opens nothing, and one that was sent changes hands no more.
func TestNobodySharesByATransferWhatAnotherKeeps(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	own := fmt.Sprintf(taskBody, s.composition, s.patient, s.orgs["other"], s.orgs["other"])
	s.principals["accomplice"] = system("accomplice", s.orgs["other"], "system/*.cruds")
	for _, requester := range []string{"other", "hospital"} {
		task := "Task/" + s.create("other", "Task", own)
		s.moveTask(task, "other", "requested", "requester", fmt.Sprintf(`{"reference":%q}`, s.orgs[requester]))
		s.moveTask(task, "accomplice", "accepted").want(t, http.StatusOK)
		s.get("other", "/fhir/"+s.composition).want(t, http.StatusNotFound)
	}
	s.move("hospital", "requested", "owner", fmt.Sprintf(`{"reference":%q}`, s.orgs["other"])).
		want(t, http.StatusUnprocessableEntity).wantIssue(t, "transfer-parties", "Task.owner")
	s.do("hospital", http.MethodPost, "/fhir/Task", strings.Replace(fmt.Sprintf(taskBody, s.composition, s.patient, s.orgs["hospital"], s.orgs["other"]), "draft", "accepted", 1)).
		want(t, http.StatusUnprocessableEntity).wantIssue(t, "task-transition", "Task.status")
	if got := s.implied(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestRulesWriteWithinTheScopesOfNobody: a client that may write Tasks alone accepts all the same.
func TestRulesWriteWithinTheScopesOfNobody(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.principals["inbox"] = system("inbox", s.orgs["home"], "system/Task.ru")
	s.move("inbox", "accepted").want(t, http.StatusOK)
	if got := s.implied(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	s.get("inbox", "/fhir/Consent/"+s.implied()[0].ID).want(t, http.StatusForbidden)
	s.get("inbox", "/fhir/"+s.task+"/$discharge-check").want(t, http.StatusOK)
	s.get("inbox", "/fhir/"+s.patient+"/$completeness").want(t, http.StatusForbidden)
	s.principals["gone"] = auth.Principal{State: auth.TokenInvalid}
	s.get("gone", "/fhir/"+s.task+"/$discharge-check").want(t, http.StatusUnauthorized)
	js, err := json.Marshal(s.implied())
	if err != nil || strings.Contains(string(js), "inbox") {
		t.Errorf("%s %v", js, err)
	}
}

// TestDaanMovesToAdultCareAfterHisClosingEvaluation: his records alone carry him there.
func TestDaanMovesToAdultCareAfterHisClosingEvaluation(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for _, file := range []string{"01-kind", "04-zorgplan"} {
		g.submit("home", record(t, "daan/"+file+".json")).want(t, http.StatusCreated)
	}
	s := &transfer{rig: g}
	s.locate(g.submit("home", record(t, "daan/07-overdracht-naar-volwassenenzorg.json")).want(t, http.StatusCreated))
	owner := decode[struct{ Owner struct{ Reference string } }](t, g.get("home", "/fhir/"+s.task).body).Owner.Reference
	g.principals["adult"] = system("adult", refOf(owner), "system/*.cruds")
	s.move("adult", "accepted").want(t, http.StatusOK)
	if got := rulesIn(t, s.move("adult", "completed").want(t, http.StatusUnprocessableEntity)); !slices.Equal(got, []string{"G8"}) {
		t.Errorf("%v", got)
	}
	g.submit("home", record(t, "daan/06-evaluatie-afsluitend.json")).want(t, http.StatusCreated)
	s.move("adult", "completed").want(t, http.StatusOK)
}
