package mks_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// requests returns status and intent of the stored ServiceRequests of Boris by law and part of care; a
// draft has its own.
func (c planCase) requests() map[string]string {
	out := map[string]string{}
	for _, r := range c.stored.All() {
		n := r.Root()
		if r.Type() != "ServiceRequest" {
			continue
		}
		name := strings.Join(texts(n, "category", "coding", "code"), "/")
		if form := n.At("supportingInfo", "reference").Text(); form != referralForm {
			name += " draft"
		}
		out[name] = n.Member("status").Text() + " " + n.Member("intent").Text()
	}
	return out
}

func TestPlanLeadsToTheOutcomesOfTheReferral(t *testing.T) {
	t.Parallel()
	c := planBoris(t)
	r := c.store(sample(t, referral))
	_, plan, issues := c.try(sample(t, boris3))
	if got := append(reported(issues, "MKS-ZP-17"), reported(issues, "MKS-REF-04")...); !slices.Equal(got, list("w MKS-REF-04 /inhoud/opBasisVan/0")) {
		t.Errorf("issues %v, want the scan alone to be missing", got)
	}
	master := planResource(t, plan, "CarePlan", "Zorgplan kind en gezin", "title")
	if got := planTexts(master, "supportingInfo", "reference"); !slices.Contains(got, referralForm) {
		t.Errorf("the plan rests on %v", got)
	}
	a1 := planResource(t, plan, "CarePlan", "zp-1001#a1/1", "identifier", "value")
	nursing := planResource(t, r, "ServiceRequest", "vb-1001#zvw/verpleging", "identifier", "value").Resource().Ref()
	if got := planTexts(a1, "extension", "extension", "valueReference", "reference"); !slices.Contains(got, nursing.String()) {
		t.Errorf("a1 leads to %v, want %s", got, nursing)
	}
}

func TestReferralVersionsEndWhatTheyNoLongerYield(t *testing.T) {
	t.Parallel()
	c := planBoris(t)
	c.store(sample(t, referral))
	nursing := outcomes("zvw/verpleging", "zvw/verzorging")
	c.store(tree(t, referral, edition(3, "concept"), answer("vb.vkdv", false, "vb.hulpmiddelWoning", false), nursing))
	want := map[string]string{
		"zvw/verpleging": "active order", "zvw/verzorging": "active order", "zvw/vkdv": "active order", "wmo/hulpmiddel": "active order",
		"zvw/verpleging draft": "draft order", "zvw/verzorging draft": "draft order",
	}
	check := func(step string) {
		t.Helper()
		if d := cmp.Diff(want, c.requests()); d != "" {
			t.Errorf("%s (-want +got):\n%s", step, d)
		}
	}
	check("a draft leaves what is in force")
	c.store(tree(t, referral, edition(4, "definitief"), answer("vb.vkdv", false, "vb.hulpmiddelWoning", false), nursing))
	maps.Copy(want, map[string]string{
		"zvw/vkdv": "revoked order", "wmo/hulpmiddel": "revoked order", "zvw/verpleging draft": "revoked order", "zvw/verzorging draft": "revoked order",
	})
	check("the next version ends the draft and two outcomes")
	if got := c.current(referralForm).Member("status").Text(); got != "amended" {
		t.Errorf("the answers are %s", got)
	}
	r := c.store(tree(t, referral, edition(5, "ingetrokken"), answer("vb.vkdv", false, "vb.hulpmiddelWoning", false), nursing))
	for name, status := range want {
		_, intent, _ := strings.Cut(status, " ")
		want[name] = "entered-in-error " + intent
	}
	check("a withdrawal")
	if got := anchorOf(t, r).Member("status").Text(); got != "entered-in-error" {
		t.Errorf("the withdrawn answers are %s", got)
	}
}

func TestAdviceOfTheWlzIsAProposal(t *testing.T) {
	t.Parallel()
	six := []treeEdit{put("datum", "2031-07-06"), yes(6, "handelingen", "blijvend24u", "verstandelijk"), outcomes("wlz/alle", "zvw/verpleging")}
	granted := append(slices.Clone(six), answer("vb.wlzIndicatie", true), outcomes("wlz/alle"))
	named := []treeEdit{yes(1, "handelingen"), outcomes("wlz/alle", "zvw/verpleging"), outcomeAt(0, "regels", list("V2")), put("afwijkingReden", "CIZ loopt")}
	for name, row := range map[string]struct {
		changes []treeEdit
		want    string
	}{"from 5 years": {six, "proposal"}, "granted": {granted, "order"}, "named by the nurse": {named, "proposal"}} {
		_, r, issues := planBoris(t).try(tree(t, referral, row.changes...))
		if fhir.HasErrors(issues) {
			t.Fatalf("%s: %v", name, rules(issues, fhir.SeverityError))
		}
		for _, m := range r.Resources {
			n := m.Resource.Root()
			want := "order"
			if strings.HasSuffix(n.At("identifier", "value").Text(), "#wlz/alle") {
				want = row.want
			}
			if got := n.Member("intent").Text(); m.Resource.Type() == "ServiceRequest" && got != want {
				t.Errorf("%s: %s is a %s, want %s", name, n.At("identifier", "value").Text(), got, want)
			}
		}
	}
}

// asked returns the rules of the questions to the sender.
func (c planCase) asked() []string {
	var out []string
	for _, r := range c.stored.All() {
		if r.Type() == "Task" {
			out = append(out, texts(r.Root(), "input", "valueString")...)
		}
	}
	slices.Sort(out)
	return out
}

func TestReferralBeforeItsChildWaitsForIt(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		text []byte
		want []string
	}{
		"as it is": {sample(t, referral), nil},
		"another age, a nurse without BIG": {tree(t, referral, answer("vb.leeftijd", 4), outcomeAt(0, "indicatiesteller", "med-07")),
			list("MKS-VB-05", "MKS-VB-06")},
		"withdrawn":              {tree(t, referral, edition(1, "ingetrokken"), answer("vb.leeftijd", 4)), nil},
		"a nurse of somewhere":   {tree(t, referral, outcomeAt(0, "indicatiesteller", "med-99")), list("MKS-REF-02")},
		"a parent who indicates": {tree(t, referral, outcomeAt(0, "indicatiesteller", "bet-01")), list("MKS-REF-03")},
	} {
		c := planOf(t)
		_, _, issues := c.try(row.text)
		if got := reported(issues, "MKS-REF-01"); len(got) != 8 {
			t.Errorf("%s: REF-01 at %v", name, got)
		}
		r := c.store(row.text)
		request := planResource(t, r, "ServiceRequest", "vb-1001#zvw/vkdv", "identifier", "value")
		if n := request.Member("requester"); n.Member("reference").Exists() || n.At("identifier", "value").Text() != "med-01" {
			t.Errorf("%s: requester %s, want a logical reference", name, n.Raw())
		}
		fits(t, name, r)
		c.store(sample(t, "boris/01-kind.json"))
		after := c.current(request.Resource().Ref().String())
		if !strings.HasPrefix(after.At("requester", "reference").Text(), "PractitionerRole/") {
			t.Errorf("%s: requester %s after the child record", name, after.Member("requester").Raw())
		}
		if d := cmp.Diff(row.want, c.asked()); d != "" {
			t.Errorf("%s: questions (-want +got):\n%s", name, d)
		}
	}
}

// A child record edits what waited for it, and must not end that as its own with its next version.
func TestNextChildRecordLeavesTheRecordsThatWaited(t *testing.T) {
	t.Parallel()
	c := planOf(t)
	c.store(sample(t, referral))
	c.store(sample(t, "boris/12-toestemming.json"))
	c.store(sample(t, "boris/01-kind.json"))
	before := c.requests()
	consent := "Consent/" + mapping.ID("Consent/"+planSource+"toestemming/toe-1001")
	if got := c.current(consent).Member("status").Text(); got != "active" {
		t.Fatalf("the consent is %s", got)
	}
	var version int
	s, _, _ := c.try(sample(t, "boris/01-kind.json"))
	version = s.Version + 1
	c.store(edit(t, sample(t, "boris/01-kind.json"), fmt.Sprint(version), "versie"))
	if d := cmp.Diff(before, c.requests()); d != "" {
		t.Errorf("requests (-before +after):\n%s", d)
	}
	if got := c.current(consent).Member("status").Text(); got != "active" {
		t.Errorf("the consent is %s after the next child record", got)
	}
}

func TestReferralIsNotJudgedByWhatOthersKnow(t *testing.T) {
	t.Parallel()
	stranger := func(doc, _, _ map[string]any) { doc["bronsysteem"].(map[string]any)["ura"] = "90000077" }
	aged := func(years int) []byte { return tree(t, referral, stranger, answer("vb.leeftijd", years)) }
	c := planOf(t, "boris/01-kind.json")
	if _, _, issues := c.try(aged(9)); len(reported(issues, "MKS-VB")) != 0 {
		t.Errorf("a stranger without a child record is told %v", reported(issues, "MKS-VB"))
	}
	c.store(planEdited(t, "boris/01-kind.json", func(doc, in map[string]any) {
		stranger(doc, nil, nil)
		in["geboortedatum"] = "2020-05-04"
	}))
	if _, _, issues := c.try(aged(6)); len(reported(issues, "MKS-VB")) != 0 {
		t.Errorf("its own birth date gives %v", reported(issues, "MKS-VB"))
	}
	if _, _, issues := c.try(aged(1)); len(reported(issues, "MKS-VB-05")) != 1 {
		t.Error("the age by the birth date of another organisation is taken")
	}
}
