package rest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// raised is a child with a mother, in the care of both clinics, of which all is found that two plans and two visits
// can bring: O2 to O6 and O8. Its family are "mother" and "kid" before its name. More members are those of one plan.
func raised(g *rig, name, country, born, more string) *clinics {
	g.t.Helper()
	identifier := fmt.Sprintf(`{"system":"http://electronichealth.se/identifier/personnummer","value":"prov-%s"}`, name)
	custody := `"relationship":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/se-foretradare","code":"vardnadshavare"}]}]`
	if country == "nl" {
		identifier = fmt.Sprintf(`{"system":%q,"value":"proef-%s"}`, bsnSystem, name)
		custody = `"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[{"url":"type","valueCode":"TweehoofdigOuderlijkGezag"},
			{"url":"bron","valueCode":"brp"},{"url":"gecontroleerdOp","valueDate":"2026-11-01"}]}]`
	}
	id := g.create("home", "Patient", fmt.Sprintf(`{"resourceType":"Patient","identifier":[%s],"name":[{"family":"XXX_%s"}]%s}`, identifier, name, born))
	c := &clinics{rig: g, patient: fhir.Ref{Type: "Patient", ID: id}}
	mother := g.create("home", "RelatedPerson", fmt.Sprintf(`{"resourceType":"RelatedPerson","active":true,"patient":{"reference":%q},%s}`, c.patient, custody))
	g.principals["mother "+name] = guardian(g.t, c.patient.String(), "RelatedPerson/"+mother, "patient/*.rs")
	kid := guardian(g.t, c.patient.String(), c.patient.String(), "patient/*.cruds")
	kid.Role, kid.Purpose = auth.ChildRole, "PATRQT"
	g.principals["kid "+name] = kid
	for org, code := range map[string]string{"home": "viktprogram", "hospital": "naringstillagg"} {
		body := weekly(c.plan(name+"-"+org, org, "scheduled", "2026-11-26", "fetma"), 200)
		body = strings.Replace(body, `"code":{"coding":[`, fmt.Sprintf(`"code":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/insats","code":%q},`, code), 1)
		if org == "hospital" {
			body = strings.Replace(body, `"status"`, more+`"status"`, 1)
		}
		c.put(org, "/fhir/CarePlan/"+name+"-"+org, body).want(g.t, http.StatusCreated)
		c.visit(org, "2026-11-25T09:00:00+01:00", "2026-11-25T10:00:00+01:00")
	}
	return c
}

// plainWords are how what somebody is told of O5, O4, O6 and O2 begins, by who it is and the child's country.
var plainWords = map[string][]string{
	"mother nl": {"Er begint veel tegelijk voor uw", "Twee adviezen voor uw kind", "Twee afspraken van uw kind", "Twee zorgverleners werken tegelijk met uw kind"},
	"mother se": {"Mycket startar samtidigt för er", "Två besök för ditt barn", "Två råd för ditt barn", "Två verksamheter arbetar samtidigt med ditt barn"},
	"kid nl":    {"Er begint veel tegelijk voor jou", "Twee adviezen voor jou", "Twee afspraken van jou", "Twee zorgverleners werken tegelijk met jou"},
	"kid se":    {"Mycket startar samtidigt för dig", "Två av dina besök", "Två råd till dig", "Två verksamheter arbetar samtidigt med dig"},
}

// toldAs are the sentences of the issues that somebody finds, nil for who may not look.
func (c *clinics) toldAs(who string) []string {
	c.t.Helper()
	a := c.get(who, "/fhir/DetectedIssue?_count=100&patient="+c.patient.ID)
	if a.status == http.StatusForbidden {
		return nil
	}
	out := []string{}
	for _, e := range decode[struct {
		Entry []struct{ Resource struct{ ID, Detail string } }
	}](c.t, a.want(c.t, http.StatusOK).body).Entry {
		out = append(out, e.Resource.Detail)
		c.get(who, "/fhir/DetectedIssue/"+e.Resource.ID).want(c.t, http.StatusOK).valid(c.t)
	}
	slices.Sort(out)
	return out
}

// familyAges say who of a family reads its record at which age, on 21 November 2026.
var familyAges = []struct {
	name, country, born string
	allow               string // what is recorded besides: the child's consent, its maturity
	mother, kid         bool
}{
	{"nl-11", "nl", "2015-11-22", "", true, false},
	{"nl-12", "nl", "2014-11-21", "", false, true},
	{"nl-12-agreed", "nl", "2014-11-21", "consent", true, true},
	{"nl-15", "nl", "2010-11-22", "", false, true},
	{"nl-16", "nl", "2010-11-21", "", false, true},
	{"nl-16-agreed", "nl", "2010-11-21", "consent", true, true},
	{"nl-18", "nl", "2008-11-21", "", false, true},
	{"nl-unknown", "nl", "", "", false, false},
	{"se-12", "se", "2013-11-22", "", true, false},
	{"se-13", "se", "2013-11-21", "", false, false},
	{"se-13-mature", "se", "2013-11-21", "maturity", false, true},
	{"se-15-mature", "se", "2010-11-22", "maturity", false, true},
	{"se-16", "se", "2010-11-21", "", false, true},
	{"se-17-agreed", "se", "2008-11-22", "consent", false, true},
	{"se-18", "se", "2008-11-21", "", false, true},
	{"se-18-agreed", "se", "2008-11-21", "consent", true, true},
}

// TestWhatTheFamilyLearnsOfOverlapByAge: of what concerns it, one sentence each in the language of the child's country
// and no rule, and only who may read the record at that age.
func TestWhatTheFamilyLearnsOfOverlapByAge(t *testing.T) {
	t.Parallel()
	g := looking(t)
	for _, row := range familyAges {
		born := ""
		if row.born != "" {
			born = fmt.Sprintf(`,"birthDate":%q`, row.born)
		}
		c := raised(g, row.name, row.country, born, "")
		switch row.allow {
		case "consent":
			c.consent("kid "+row.name, "kid "+row.name, "permit", c.patient, g.principals["mother "+row.name].FHIRUser, "")
			kid := g.principals["kid "+row.name]
			kid.Scopes = g.scopes("patient/*.rs")
			g.principals["kid "+row.name] = kid
		case "maturity":
			c.create("home", "Flag", fmt.Sprintf(`{"resourceType":"Flag","status":"active","subject":{"reference":%q},"code":{"coding":[
				{"system":"https://drieluik.example/fhir/CodeSystem/access-flag","code":"mognad-atkomst"}]}}`, c.patient))
		}
		c.tick()
		for who, may := range map[string]bool{"mother ": row.mother, "kid ": row.kid} {
			got := c.toldAs(who + row.name)
			if (got != nil) != may {
				t.Errorf("%s%s: reads %t, want %t", who, row.name, got != nil, may)
				continue
			}
			if !may {
				continue
			}
			want := plainWords[who+row.country]
			if !slices.EqualFunc(got, want, strings.HasPrefix) {
				t.Errorf("%s%s is told %q, want %q", who, row.name, got, want)
			}
			c.namesNoRule(who + row.name)
		}
	}
}

// namesNoRule holds that nothing that somebody reads of the child names a rule, and no search finds by one.
func (c *clinics) namesNoRule(who string) {
	c.t.Helper()
	for _, path := range []string{"DetectedIssue?", "DetectedIssue/_history?", "Task?", "Flag?", "Provenance?", "Observation?", "Patient/" + c.patient.ID + "/$everything?"} {
		if path != "DetectedIssue/_history?" && !strings.Contains(path, "everything") {
			path += "patient=" + c.patient.ID + "&"
		}
		a := c.get(who, "/fhir/"+path+"_count=200").want(c.t, http.StatusOK)
		for _, secret := range []string{"overlap-rule", "coordination#O", "sid/overlap", "DUPTHPY", "psykisk-halsa"} {
			if at := strings.Index(a.body, secret); at >= 0 {
				c.t.Errorf("%s reads by %s: %.400s", who, path, a.body[max(0, at-200):])
			}
		}
	}
	for _, query := range []string{"code=O2", "code=O8", "identifier=" + fhir.Canonical + "/sid/overlap|", "_source=" + fhir.Canonical + "/coordination%23O2"} {
		if found := c.search(who, "/fhir/DetectedIssue?patient="+c.patient.ID+"&"+query); len(found.Entry) > 0 || found.Total != nil && *found.Total > 0 {
			c.t.Errorf("%s finds by %s: %v", who, query, found.ids())
		}
	}
}

// TestTheFamilyLearnsNothingOfWhatIsKeptFromIt: an issue about a plan that somebody of it may not see is none to them.
func TestTheFamilyLearnsNothingOfWhatIsKeptFromIt(t *testing.T) {
	t.Parallel()
	g := looking(t)
	for i, row := range []struct {
		label, born, who string
		all              bool
	}{
		{"not-for-patient", "2020-05-04", "mother ", false}, {"seal-guardians", "2020-05-04", "mother ", false}, {"seal-child", "2020-05-04", "mother ", true},
		{"not-for-patient", "2010-05-04", "kid ", false}, {"seal-child", "2010-05-04", "kid ", false}, {"seal-guardians", "2010-05-04", "kid ", true},
	} {
		name := fmt.Sprint("kept-", i)
		c := raised(g, name, "se", fmt.Sprintf(`,"birthDate":%q`, row.born), fmt.Sprintf(`"meta":{"security":[{"system":"https://drieluik.example/fhir/CodeSystem/access-label","code":%q}]},`, row.label))
		want := plainWords[row.who+"se"]
		if !row.all {
			want = want[1:2] // of the visits
		}
		if got := c.toldAs(row.who + name); !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("%s: %sis told %q, want %q", row.label, row.who, got, want)
		}
		c.namesNoRule(row.who + name)
	}
}
