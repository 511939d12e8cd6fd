package mks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// planSource begins the keys of the home-care source of the samples.
const planSource = "90000001/ecd/"

// hold stores resources as the outcome of a record version.
func (c planCase) hold(record string, version int, resources ...string) {
	c.t.Helper()
	var r mapping.Result
	for _, text := range resources {
		tree, issues := fhir.Parse([]byte(text), fhir.Limits{})
		if tree == nil {
			c.t.Fatalf("not a resource: %v", issues)
		}
		r.Resources = append(r.Resources, mapping.Mapped{Resource: tree})
	}
	c.stored.Apply(mapping.Source{Record: planSource + record, Version: version}, r, receipt)
}

const borisPatient = "Patient/857f7414-61fd-5f7b-8cc1-57f7dccedb87"

// scan stores a scan with needs as "med.voeding b1": the domain part and item of the linkId, the id.
// A need with a ! has niveau 0 and so no Condition.
func (c planCase) scan(record string, needs ...string) {
	path := "QuestionnaireResponse/" + planSource + "hulpbehoeftescan/" + record
	var groups, out []string
	for _, n := range needs {
		item, id, _ := strings.Cut(strings.TrimSuffix(n, "!"), " ")
		groups = append(groups, fmt.Sprintf(`{"linkId":"hbs.%s","item":[{"linkId":"hbs.%s","item":[{"linkId":"hbs.%s.id","answer":[{"valueString":%q}]}]}]}`,
			item[:3], item, item, id))
		if !strings.HasSuffix(n, "!") {
			out = append(out, fmt.Sprintf(`{"resourceType":"Condition","id":%q,"subject":{"reference":%q}}`, mapping.ID(path+"/"+id), borisPatient))
		}
	}
	response := fmt.Sprintf(`{"resourceType":"QuestionnaireResponse","id":%q,"status":"completed","subject":{"reference":%q},"item":[%s]}`,
		mapping.ID(path), borisPatient, strings.Join(groups, ","))
	c.hold("hulpbehoeftescan/"+record, 1, append([]string{response}, out...)...)
}

func (c planCase) outcome(law, part string) {
	c.hold("verwijsboom/vb-1001", 2,
		fmt.Sprintf(`{"resourceType":"QuestionnaireResponse","id":%q,"status":"completed","subject":{"reference":%q}}`,
			mapping.ID("QuestionnaireResponse/"+planSource+"verwijsboom/vb-1001"), borisPatient),
		fmt.Sprintf(`{"resourceType":"ServiceRequest","id":"outcome","status":"active","subject":{"reference":%q},"identifier":[{"system":"%s/bron/%suitkomst","value":"vb-1001#%s/%s"}]}`,
			borisPatient, planSystem, planSource, law, part))
}

func TestPlanRestsOnWhatIsStored(t *testing.T) {
	c := planBoris(t)
	c.scan("hbs-1002", "med.voeding b1", "med.ademhaling b2", "vei.noodsituatie b3!", "soc.draagkracht b4")
	c.outcome("zvw", "verpleging")
	_, r, issues := c.try(sample(t, boris3))
	if got := planFindings(issues, ""); len(got) != 0 {
		t.Errorf("issues %v, want none: all is stored", got)
	}
	plan := planResource(t, r, "CarePlan", "Zorgplan kind en gezin", "title")
	want := []string{
		"QuestionnaireResponse/" + mapping.ID("QuestionnaireResponse/"+planSource+"hulpbehoeftescan/hbs-1002"),
		"QuestionnaireResponse/" + mapping.ID("QuestionnaireResponse/"+planSource+"verwijsboom/vb-1001"),
		planRefs(r, "NutritionOrder")[0],
	}
	if diff := cmp.Diff(want, planTexts(plan, "supportingInfo", "reference")); diff != "" {
		t.Errorf("supportingInfo (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"hbs-1002/1", "vb-1001/2"}, planTexts(plan, "supportingInfo", "identifier", "value")); diff != "" {
		t.Errorf("supportingInfo identifiers (-want +got):\n%s", diff)
	}
	p2 := planResource(t, r, "Condition", "zp-1001#p2", "identifier", "value")
	if diff := cmp.Diff([]string{"hbs-1002#b2", "hbs-1002#b3"}, planTexts(p2, "evidence", "detail", "identifier", "value")); diff != "" {
		t.Errorf("needs of p2 (-want +got):\n%s", diff)
	}
	if got := planTexts(p2, "evidence", "detail", "reference"); len(got) != 1 || !strings.HasPrefix(got[0], "Condition/") {
		t.Errorf("p2 refers to %v, want the one need with a Condition", got)
	}
	for id, want := range map[string][]string{
		"p1": {"medisch"}, "p2": {"medisch", "veiligheid"}, "p3": {"sociaal"}, "d2": {"sociaal"}, "a2/1": {"medisch", "veiligheid"},
		"a4/1": {"sociaal"}, "a3/1": {"sociaal", "ontwikkeling"},
	} {
		for _, m := range r.Resources {
			if !slices.Contains(planTexts(m.Resource.Root(), "identifier", "value"), "zp-1001#"+id) {
				continue
			}
			if diff := cmp.Diff(want, planTags(m.Resource.Root())); diff != "" {
				t.Errorf("tags of %s (-want +got):\n%s", id, diff)
			}
		}
	}
	a1 := planResource(t, r, "CarePlan", "zp-1001#a1/1", "identifier", "value")
	if !slices.Contains(planTexts(a1, "extension", "extension", "valueReference", "reference"), "ServiceRequest/outcome") {
		t.Error("a1 does not refer to its outcome")
	}
}

func TestPlanDoesNotRestOnTheRecordsOfAnotherChild(t *testing.T) {
	c := planBoris(t)
	c.store(sample(t, "daan/01-kind.json"))
	c.scan("hbs-1004", "soc.draagkracht b1") // of Boris; the plan of Daan names it
	_, r, issues := c.try(sample(t, daan6))
	if !slices.Contains(planFindings(issues, fhir.SeverityWarning), planFinding{fhir.SeverityWarning, "MKS-REF-04", "/inhoud/opBasisVan/0"}) {
		t.Error("the scan of another child counts as stored")
	}
	for _, m := range r.Resources {
		if strings.Contains(string(m.Resource.Bytes()), mapping.ID("QuestionnaireResponse/"+planSource+"hulpbehoeftescan/hbs-1004")) {
			t.Errorf("%s refers to the scan of another child", m.Resource.Ref())
		}
	}
}

func TestPlanNamesANeedThatTheScanDoesNotHave(t *testing.T) {
	c := planBoris(t)
	c.scan("hbs-1002", "med.voeding b1", "med.ademhaling b2", "soc.draagkracht b4")
	c.outcome("zvw", "verpleging")
	_, _, issues := c.try(sample(t, boris3))
	want := []planFinding{{fhir.SeverityError, "MKS-REF-05", "/inhoud/problemen/1/behoeften/1"}}
	if diff := cmp.Diff(want, planFindings(issues, "")); diff != "" {
		t.Errorf("issues (-want +got):\n%s", diff)
	}
}

func TestPlanBeforeItsChildIsHeldAsDraft(t *testing.T) {
	c := planOf(t)
	r := c.store(sample(t, boris3))
	if got := r.Anchor.String(); got != planDraft {
		t.Errorf("anchor %s, want the draft: nobody knows who may sign", got)
	}
	plan := c.current(planDraft)
	if got := plan.At("subject", "reference").Text(); got != borisPatient {
		t.Errorf("subject %s", got)
	}
	if c.current(borisPatient).Member("meta").At("profile").Exists() {
		t.Error("the stub claims a profile")
	}
	if got := plan.At("author").Raw(); !strings.Contains(got, `"med-01"`) || strings.Contains(got, `"reference"`) {
		t.Errorf("author %s, want a logical reference", got)
	}
}

func TestNewPlanVersionKeepsWhatEvaluationsSaidOfAGoal(t *testing.T) {
	c := planBoris(t, boris2)
	goal := planResource(t, c.store(sample(t, boris2)), "Goal", "zp-1001#d1", "identifier", "value")
	tree, err := goal.Resource().Edit(
		fhir.Edit{Path: []string{"lifecycleStatus"}, JSON: `"completed"`},
		fhir.Edit{Path: []string{"achievementStatus"}, JSON: `{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/goal-achievement","code":"achieved"}]}`},
		fhir.Edit{Path: []string{"statusDate"}, JSON: `"2026-09-01"`},
		fhir.Edit{Path: []string{"outcomeReference"}, JSON: `[{"reference":"Observation/x"}]`})
	if err != nil {
		t.Fatal(err)
	}
	c.hold("evaluatie/ev", 1, string(tree.Bytes()))
	after := planResource(t, c.store(sample(t, boris3)), "Goal", "zp-1001#d1", "identifier", "value")
	for _, name := range []string{"lifecycleStatus", "achievementStatus", "statusDate", "outcomeReference"} {
		if got, want := after.Member(name).Raw(), tree.Root().Member(name).Raw(); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	other := planResource(t, c.store(sample(t, boris3)), "Goal", "zp-1001#d2", "identifier", "value")
	if got := other.Member("lifecycleStatus").Text(); got != "active" {
		t.Errorf("d2 is %s", got)
	}
}

func TestWithdrawnPlanIsEnteredInError(t *testing.T) {
	for name, row := range map[string]struct {
		before []string
		anchor string
	}{
		"in force":     {[]string{boris2, boris3, boris4}, planInForce},
		"only a draft": {[]string{boris4}, planDraft},
		"not stored":   {nil, planInForce},
	} {
		c := planBoris(t, row.before...)
		r := c.store(planEdited(t, boris3, func(doc, in map[string]any) { // as it was, with its old signature
			doc["versie"], doc["status"], doc["intrekReden"] = 5, "ingetrokken", "verkeerd kind"
			delete(in, "wijziging")
		}))
		if got := r.Anchor.String(); got != row.anchor {
			t.Errorf("%s: anchor %s, want %s", name, got, row.anchor)
		}
		for _, m := range r.Resources {
			n := m.Resource.Root()
			status := planStatusOf(n) + strings.Join(planTexts(n, "verificationStatus", "coding", "code"), "")
			if n.At("meta", "source").Text() == c.current(row.anchor).At("meta", "source").Text() &&
				m.Resource.Type() != "Provenance" && status != "entered-in-error" {
				t.Errorf("%s: %s has status %q", name, m.Resource.Ref(), status)
			}
		}
		for _, res := range c.stored.All() {
			if s := planStatusOf(res.Root()); strings.Contains(res.Root().At("meta", "source").Text(), "#zorgplan/") &&
				(s == "active" || s == "draft" || s == "proposed") {
				t.Errorf("%s: %s is still %s", name, res.Ref(), s)
			}
		}
	}
}

func TestEveryMemberOfAPlanLandsOrIsKept(t *testing.T) {
	text := planEdited(t, boris3, func(_, in map[string]any) {
		planList(in, "problemen")[0]["code"] = map[string]any{"sct": "78164000", "tekst": "eigen woorden"}
		planList(in, "acties")[1]["kleur"] = "blauw"
		in["dagprogramma"] = []any{map[string]any{"van": "21:00", "tot": "07:00", "tekst": "nacht"}}
		in["voedingsschema"] = map[string]any{"soort": "dieet", "product": "pap", "mlPerKeer": 12.50, "keerPerDag": 3, "toedieningsweg": "oraal"}
		in["noodplan"] = nil
	})
	s, r, _ := planBoris(t).try(text)
	anchor := planResource(t, r, "CarePlan", "Zorgplan kind en gezin", "title")
	kept := map[string]string{}
	for e := range anchor.All("extension") {
		if parts := planTexts(e, "extension", "valueString"); strings.HasSuffix(e.Member("url").Text(), "/source-member") {
			kept[parts[0]] = parts[1]
		}
	}
	want := map[string]string{
		"/inhoud/problemen/0/code/tekst": `"eigen woorden"`, "/inhoud/acties/1/kleur": `"blauw"`, "/inhoud/noodplan": "null",
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("source members (-want +got):\n%s", diff)
	}
	traced := map[string]bool{}
	for _, x := range r.Trace {
		traced[x.Pointer] = true
	}
	var walk func(fhir.Node)
	walk = func(n fhir.Node) {
		if n.Len() > 0 && !traced[n.Pointer()] {
			for child := range n.Children() {
				walk(child)
			}
		} else if n.Len() == 0 && !traced[n.Pointer()] {
			t.Errorf("%s went nowhere", n.Pointer())
		}
	}
	walk(s.Doc.Root())
	night := planResource(t, r, "CarePlan", "nacht", "activity", "detail", "description")
	if got := night.At("activity", "detail", "scheduledTiming", "repeat", "duration").Text(); got != "600" {
		t.Errorf("the night lasts %s minutes", got)
	}
	order := planResource(t, r, "NutritionOrder", "Dieet", "oralDiet", "type", "text")
	if got := strings.Join(planTexts(order, "extension", "valueQuantity", "value"), ""); got != "12.5" {
		t.Errorf("ml per feed %s", got)
	}
}

func TestPlanResourcesAreValidR4(t *testing.T) {
	valid := func(r mapping.Result) {
		for _, m := range r.Resources {
			for _, i := range faultsOf(m.Resource) {
				if i.Severity != fhir.SeverityInformation {
					t.Errorf("%s: %s %s at %s: %s", m.Resource.Ref(), i.Severity, i.Diagnostics, i.Expression, i.Text)
				}
			}
		}
	}
	c := planBoris(t)
	for _, file := range []string{boris2, boris3, boris4} {
		valid(c.store(sample(t, file)))
	}
	valid(planOf(t, "sanne/01-kind.json").store(sample(t, sanne2)))
	valid(planOf(t, "daan/01-kind.json").store(sample(t, daan6)))
	valid(planOf(t).store(sample(t, daan6)))
	valid(planBoris(t, boris2).store(planEdited(t, boris3, func(doc, in map[string]any) {
		doc["status"], doc["intrekReden"] = "ingetrokken", "verkeerd kind"
		in["voedingsschema"] = map[string]any{"soort": "dieet"}
		in["acties"] = in["acties"].([]any)[:1]
	})))
}

func TestPlanSignaturesThatTimeDoesNotOrderAreKeptAsTheyCame(t *testing.T) {
	swap := func(_, in map[string]any) { slices.Reverse(in["handtekeningen"].([]any)) }
	for name, row := range map[string]struct {
		text []byte
		want int
	}{"in order": {sample(t, sanne2), 0}, "out of order": {planEdited(t, sanne2, swap), 1}} {
		_, r, _ := planOf(t, "sanne/01-kind.json").try(row.text)
		got := 0
		for _, m := range r.Resources {
			for _, pointer := range planTexts(m.Resource.Root(), "extension", "extension", "valueString") {
				if pointer == "/inhoud/handtekeningen" {
					got++
				}
			}
		}
		if got != row.want {
			t.Errorf("%s: kept %d times, want %d", name, got, row.want)
		}
	}
}

func TestPlanIsSignedForTheInstitutionThatIsGuardian(t *testing.T) {
	guardianship := planEdited(t, "boris/01-kind.json", func(_, in map[string]any) {
		in["gezag"] = map[string]any{"type": "Voogdij", "houders": []any{"org-03"}, "bron": "uitspraak", "gecontroleerdOp": "2026-10-30"}
		protector := planList(in, "medewerkers")[6]
		protector["functie"], protector["organisatie"] = "jeugdbeschermer", "org-03"
	})
	for who, status := range map[string]string{"med-07": "active", "med-02": "draft", "bet-01": "draft"} {
		c := planOf(t)
		c.store(guardianship)
		r := c.store(planEdited(t, boris3, func(_, in map[string]any) { planList(in, "handtekeningen")[0]["door"] = who }))
		if got := planResource(t, r, "CarePlan", "Zorgplan kind en gezin", "title").Member("status").Text(); got != status {
			t.Errorf("signed by %s: %s, want %s", who, got, status)
		}
	}
}

func TestNewPlanVersionKeepsABookedAppointmentOfTheSameDay(t *testing.T) {
	for name, row := range map[string]struct{ next, status string }{
		"same day": {"2026-08-01", "booked"}, "another day": {"2027-02-01", "proposed"},
	} {
		c := planBoris(t)
		old := planResource(t, c.store(sample(t, boris2)), "Appointment", "evaluatie-ouders", "serviceType", "coding", "code")
		booked, err := old.Resource().Edit(
			fhir.Edit{Path: []string{"status"}, JSON: `"booked"`},
			fhir.Edit{Path: []string{"start"}, JSON: `"2026-08-01T10:00:00+02:00"`},
			fhir.Edit{Path: []string{"end"}, JSON: `"2026-08-01T10:30:00+02:00"`})
		if err != nil {
			t.Fatal(err)
		}
		c.hold("rest", 1, string(booked.Bytes()))
		r := c.store(planEdited(t, boris3, func(_, in map[string]any) { planList(in, "evaluatieplan")[1]["volgende"] = row.next }))
		after := planResource(t, r, "Appointment", "evaluatie-ouders", "serviceType", "coding", "code")
		if got := after.Member("status").Text(); got != row.status || after.Member("start").Exists() != (row.status == "booked") {
			t.Errorf("%s: %s", name, after.Raw())
		}
		if got := after.At("meta", "source").Text(); !strings.HasSuffix(got, "#zorgplan/zp-1001/3") {
			t.Errorf("%s: source %s", name, got)
		}
	}
}

func TestPlanNeedsEveryHolderUnderTheSettingAll(t *testing.T) {
	for name, row := range map[string]struct {
		kind, plan string
		by         []any
		status     string
	}{
		"one of two holders":           {"boris/01-kind.json", boris3, []any{"bet-01"}, "draft"},
		"the same holder twice":        {"boris/01-kind.json", boris3, []any{"bet-01", "bet-01"}, "draft"},
		"both holders":                 {"boris/01-kind.json", boris3, []any{"bet-01", "bet-02"}, "active"},
		"child of 13 and one holder":   {"sanne/01-kind.json", sanne2, []any{"kind", "bet-11"}, "draft"},
		"child of 13 and both":         {"sanne/01-kind.json", sanne2, []any{"bet-12", "kind", "bet-11"}, "active"},
		"youth of 17 without a holder": {"daan/01-kind.json", daan6, []any{"kind"}, "active"},
	} {
		c := planOf(t, row.kind)
		text := planEdited(t, row.plan, func(doc, in map[string]any) {
			var signed []any
			for _, who := range row.by {
				signed = append(signed, map[string]any{"door": who, "op": "2026-07-01T10:00:00Z", "versie": doc["versie"], "wijze": "papier"})
			}
			in["handtekeningen"] = signed
		})
		s, issues := mks.AllSign{}.Read(document(t, text), receipt)
		r, err := mks.AllSign{}.Map(s, c.stored, receipt)
		if err != nil || fhir.HasErrors(issues) || fhir.HasErrors(r.Issues) {
			t.Fatal(err, issues, r.Issues)
		}
		if got := planResource(t, r, "CarePlan", "Zorgplan kind en gezin", "title").Member("status").Text(); got != row.status {
			t.Errorf("%s: %s, want %s", name, got, row.status)
		}
	}
}
