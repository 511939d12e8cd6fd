package mks_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

const (
	planInForce = "CarePlan/8c0b0cd2-d110-52f4-95df-b7854d1e51bf"
	planDraft   = "CarePlan/0d119d1f-a323-5ab3-927c-f715c79f2867"
	planSystem  = "https://drieluik.example/fhir"
)

// planCase is a child with what is stored of it.
type planCase struct {
	t      *testing.T
	stored *mapping.Memory
}

// planOf stores the named sample records in order.
func planOf(t *testing.T, files ...string) planCase {
	t.Helper()
	c := planCase{t, mapping.NewMemory()}
	for _, name := range files {
		c.store(sample(t, name))
	}
	return c
}

// try reads and maps a document and returns everything that was found.
func (c planCase) try(text []byte) (mapping.Source, mapping.Result, []fhir.Issue) {
	c.t.Helper()
	return submit(c.t, c.stored, text)
}

// store maps a document and stores what came of it.
func (c planCase) store(text []byte) mapping.Result {
	c.t.Helper()
	s, r, issues := c.try(text)
	for _, i := range issues {
		if i.Severity == fhir.SeverityError {
			c.t.Fatalf("%s: %s at %s", s.Record, i.Diagnostics, i.Expression)
		}
	}
	if len(r.Resources) > 0 {
		c.stored.Apply(s, r, receipt)
	}
	return r
}

// planEdited returns a sample record after a change of its JSON value.
func planEdited(t *testing.T, name string, change func(doc, in map[string]any)) []byte {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(sample(t, name), &doc); err != nil {
		t.Fatal(err)
	}
	change(doc, doc["inhoud"].(map[string]any))
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// planList returns the objects of a list.
func planList(in map[string]any, name string) []map[string]any {
	var out []map[string]any
	for _, x := range in[name].([]any) {
		out = append(out, x.(map[string]any))
	}
	return out
}

func planRefs(r mapping.Result, t fhir.Type) []string {
	var out []string
	for _, m := range r.Resources {
		if m.Resource.Type() == t {
			out = append(out, m.Resource.Ref().String())
		}
	}
	return out
}

// planResource returns the resource of a type whose element at path has the value.
func planResource(t *testing.T, r mapping.Result, typ fhir.Type, value string, path ...string) fhir.Node {
	t.Helper()
	for _, m := range r.Resources {
		for n := range m.Resource.Root().All(path...) {
			if m.Resource.Type() == typ && n.Text() == value {
				return m.Resource.Root()
			}
		}
	}
	t.Fatalf("no %s with %s = %s", typ, strings.Join(path, "."), value)
	return fhir.Node{}
}

func planTexts(n fhir.Node, path ...string) []string {
	var out []string
	for x := range n.All(path...) {
		out = append(out, x.Text())
	}
	return out
}

// planTags returns the child-life domains that protect a resource.
func planTags(n fhir.Node) []string {
	var out []string
	for x := range n.All("meta", "tag") {
		if x.Member("system").Text() == planSystem+"/CodeSystem/mks-domein" {
			out = append(out, x.Member("code").Text())
		}
	}
	return out
}

func (c planCase) current(ref string) fhir.Node {
	c.t.Helper()
	r, _ := fhir.ParseRef(ref)
	hit, err := c.stored.Read(r)
	if err != nil || hit == nil {
		c.t.Fatalf("%s is not stored: %v", ref, err)
	}
	return hit.Resource.Root()
}

func planBoris(t *testing.T, plans ...string) planCase {
	t.Helper()
	return planOf(t, append([]string{"boris/01-kind.json", "boris/02-kind-ziekenhuis.json"}, plans...)...)
}

const (
	boris2 = "boris/06-zorgplan-v2.json"
	boris3 = "boris/07-zorgplan-v3.json"
	boris4 = "boris/08-zorgplan-v4-concept.json"
	sanne2 = "sanne/04-zorgplan.json"
	daan6  = "daan/04-zorgplan.json"
)

func TestPlanVersionsOfBorisYieldTheResourcesOfTheSpecification(t *testing.T) {
	c := planBoris(t)
	inForce := map[string]int{"Condition": 3, "Goal": 2, "CarePlan": 11, "NutritionOrder": 1, "Appointment": 2, "Flag": 1, "Provenance": 2}
	draft := map[string]int{"Condition": 3, "Goal": 2, "CarePlan": 11, "NutritionOrder": 1, "Flag": 1, "Provenance": 1}
	for _, step := range []struct {
		file, anchor, status string
		counts               map[string]int
	}{
		{boris2, planInForce, "active", inForce},
		{boris3, planInForce, "active", inForce},
		{boris4, planDraft, "draft", draft},
	} {
		r := c.store(sample(t, step.file))
		if diff := cmp.Diff(step.counts, counts(r)); diff != "" {
			t.Errorf("%s: resources (-want +got):\n%s", step.file, diff)
		}
		if got := r.Anchor.String(); got != step.anchor {
			t.Errorf("%s: anchor %s, want %s", step.file, got, step.anchor)
		}
		if got := c.current(step.anchor).Member("status").Text(); got != step.status {
			t.Errorf("%s: status %s, want %s", step.file, got, step.status)
		}
	}
}

func TestPlanVersionsKeepTheIDsOfTheirParts(t *testing.T) {
	c := planBoris(t)
	second, third := c.store(sample(t, boris2)), c.store(sample(t, boris3))
	for _, typ := range []fhir.Type{"CarePlan", "Condition", "Goal", "NutritionOrder", "Flag", "Appointment"} {
		if diff := cmp.Diff(planRefs(second, typ), planRefs(third, typ)); diff != "" {
			t.Errorf("%s (-version 2 +version 3):\n%s", typ, diff)
		}
	}
	if slices.Equal(planRefs(second, "Provenance"), planRefs(third, "Provenance")) {
		t.Error("version 3 overwrote the Provenance of version 2")
	}
}

func TestPlanDraftStaysBesideThePlanInForce(t *testing.T) {
	c := planBoris(t, boris2, boris3)
	before := c.current(planInForce).Raw()
	draft := c.store(sample(t, boris4))
	if after := c.current(planInForce).Raw(); after != before {
		t.Error("the draft changed the plan in force")
	}
	for _, m := range draft.Resources {
		n := m.Resource.Root()
		switch m.Resource.Type() {
		case "CarePlan", "NutritionOrder":
			if n.Member("status").Text() != "draft" {
				t.Errorf("%s has status %s", m.Resource.Ref(), n.Member("status").Text())
			}
		case "Goal":
			if n.Member("lifecycleStatus").Text() != "proposed" {
				t.Errorf("%s has lifecycleStatus %s", m.Resource.Ref(), n.Member("lifecycleStatus").Text())
			}
		case "Flag":
			if n.Member("status").Text() != "inactive" {
				t.Errorf("%s has status %s", m.Resource.Ref(), n.Member("status").Text())
			}
		}
	}
}

func TestPlansOfSanneAndDaanComeIntoForce(t *testing.T) {
	for file, kind := range map[string]string{sanne2: "sanne/01-kind.json", daan6: "daan/01-kind.json"} {
		r := planOf(t, kind).store(sample(t, file))
		if got := planResource(t, r, "CarePlan", "Zorgplan kind en gezin", "title").Member("status").Text(); got != "active" {
			t.Errorf("%s: status %s", file, got)
		}
	}
}

func TestPlanOfTheSameRecordTwiceIsTheSame(t *testing.T) {
	for _, file := range []string{boris2, boris4} {
		c := planBoris(t)
		_, first, _ := c.try(sample(t, file))
		c.store(sample(t, file))
		_, second, _ := c.try(sample(t, file))
		if diff := cmp.Diff(planBodies(first), planBodies(second)); diff != "" {
			t.Errorf("%s (-first +second):\n%s", file, diff)
		}
	}
}

func planBodies(r mapping.Result) []string {
	var out []string
	for _, m := range r.Resources {
		out = append(out, string(m.Resource.Bytes()))
	}
	return out
}

func TestPlanActionIsOnePlanPerExecutor(t *testing.T) {
	r := planBoris(t).store(sample(t, boris3))
	type share struct {
		Profile, Category, Performer string
		Times                        []string
	}
	var got []share
	for _, n := range []string{"1", "2", "3"} {
		p := planResource(t, r, "CarePlan", "zp-1001#a1/"+n, "identifier", "value")
		if of := p.At("partOf", "reference").Text(); of != planInForce {
			t.Errorf("a1/%s is part of %q", n, of)
		}
		d := p.At("activity", "detail")
		if kind, status := d.Member("kind").Text(), d.Member("status").Text(); kind != "ServiceRequest" || status != "scheduled" {
			t.Errorf("a1/%s: kind %q, status %q", n, kind, status)
		}
		got = append(got, share{
			strings.Join(planTexts(p, "meta", "profile"), " "), p.At("category", "coding", "code").Text(),
			d.At("performer", "identifier", "value").Text(), planTexts(d, "scheduledTiming", "repeat", "timeOfDay"),
		})
	}
	nursing := "http://nictiz.nl/fhir/StructureDefinition/nl-core-NursingIntervention"
	want := []share{
		{nursing, "9632001", "med-02", []string{"07:00:00", "10:00:00"}},
		{nursing, "9632001", "bet-01", []string{"13:00:00", "16:00:00", "19:00:00"}},
		{nursing, "9632001", "bet-02", []string{"22:00:00"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a1 (-want +got):\n%s", diff)
	}
}

func TestPlanExecutorDecidesProfileAndCode(t *testing.T) {
	const core = "http://nictiz.nl/fhir/StructureDefinition/nl-core-"
	sct := map[string]any{"sct": "229912004"}
	omaha := map[string]any{"omaha": "36"}
	for _, row := range []struct {
		kind, ref               string
		code                    map[string]any
		profile, category, want string // want: codes of the activity
	}{
		{"professional", "med-02", sct, core + "NursingIntervention", "9632001", "229912004"},
		{"professional", "med-02", nil, "", "9632001", ""},
		{"ouder", "bet-01", sct, core + "NursingIntervention", "9632001", "229912004"},
		{"ouder", "bet-01", omaha, core + "HelpFromOthers", "243114000", "386229000 36"},
		{"mantelzorger", "bet-04", nil, core + "HelpFromOthers", "243114000", "386229000"},
		{"vrijwilliger", "bet-03", nil, core + "HelpFromOthers", "243114000", "386229000"},
		{"kind", "kind", nil, "", "9632001", ""},
		{"organisatie", "org-01", nil, core + "HelpFromOthers", "243114000", "60689008"},
		{"organisatie", "ura:90000001", sct, "", "9632001", "229912004"},
	} {
		t.Run(row.kind+" "+strings.Join(slices.Collect(maps.Keys(row.code)), ""), func(t *testing.T) {
			r := planBoris(t).store(planEdited(t, boris3, func(_, in map[string]any) {
				a := planList(in, "acties")[2]
				a["uitvoerders"] = []any{map[string]any{"soort": row.kind, "ref": row.ref}}
				if row.code != nil {
					a["code"] = row.code
				}
			}))
			p := planResource(t, r, "CarePlan", "zp-1001#a3/1", "identifier", "value")
			d := p.At("activity", "detail")
			got := []string{
				strings.Join(planTexts(p, "meta", "profile"), " "), p.At("category", "coding", "code").Text(),
				strings.Join(planTexts(d, "code", "coding", "code"), " "),
			}
			if diff := cmp.Diff([]string{row.profile, row.category, row.want}, got); diff != "" {
				t.Errorf("profile, category, codes (-want +got):\n%s", diff)
			}
			if d.Member("performer").Len() != 1 || p.Member("activity").Len() != 1 {
				t.Error("want one activity with one performer")
			}
		})
	}
}

func TestPlanTiming(t *testing.T) {
	r := planBoris(t).store(sample(t, boris3))
	action := func(id string) fhir.Node {
		return planResource(t, r, "CarePlan", "zp-1001#"+id, "identifier", "value")
	}
	a1 := action("a1/2")
	bounds := `{"start":"2026-11-03","end":"2027-05-01"}`
	if got := a1.Member("period").Raw(); got != bounds {
		t.Errorf("period %s", got)
	}
	if got := a1.At("activity", "detail", "scheduledTiming", "repeat", "boundsPeriod").Raw(); got != bounds {
		t.Errorf("boundsPeriod %s", got)
	}
	if got := action("a3/1").At("activity", "detail", "scheduledTiming", "repeat").Raw(); got != `{"frequency":1,"period":1,"periodUnit":"wk"}` {
		t.Errorf("frequency %s", got)
	}
	if got := action("a4/1").At("activity", "detail", "scheduledString").Text(); got != "Zo nodig: kind ziek" {
		t.Errorf("condition %q", got)
	}
	day := planResource(t, r, "CarePlan", "slapen", "activity", "detail", "description")
	if got := day.At("activity", "detail", "scheduledTiming", "repeat").Raw(); got != `{"duration":120,"durationUnit":"min","timeOfDay":["09:00:00"]}` {
		t.Errorf("day programme %s", got)
	}
}

func TestPlanTagsFollowTheDomains(t *testing.T) {
	r := planBoris(t).store(sample(t, boris3))
	got := map[string][]string{}
	for _, id := range []string{"p1", "p3", "d2", "a1/1", "a3/1", "a4/1"} {
		for _, m := range r.Resources {
			if slices.Contains(planTexts(m.Resource.Root(), "identifier", "value"), "zp-1001#"+id) {
				got[id] = planTags(m.Resource.Root())
			}
		}
	}
	want := map[string][]string{ // the scan is not stored: all targets of the ConceptMap
		"p1": {"medisch"}, "p3": {"sociaal", "ontwikkeling"}, "d2": {"sociaal", "ontwikkeling"},
		"a1/1": {"medisch"}, "a3/1": {"sociaal", "ontwikkeling"}, "a4/1": {"sociaal", "ontwikkeling"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestPlanTagsOfTheMKSDivision(t *testing.T) {
	r := planOf(t, "sanne/01-kind.json").store(planEdited(t, sanne2, func(_, in map[string]any) {
		planList(in, "acties")[0]["domein"] = "veiligheid" // of a problem in medisch
		delete(planList(in, "doelen")[1], "probleem")
	}))
	for id, want := range map[string][]string{
		"p2": {"veiligheid"}, "d1": {"medisch"}, "a1/1": {"medisch", "veiligheid"}, "a5/1": {"ontwikkeling"},
		"d2": {"medisch", "veiligheid", "sociaal", "ontwikkeling"}, // nothing says which
	} {
		for _, m := range r.Resources {
			if n := m.Resource.Root(); slices.Contains(planTexts(n, "identifier", "value"), "zp-1002#"+id) {
				if diff := cmp.Diff(want, planTags(n)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", id, diff)
				}
			}
		}
	}
}
