package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gathered reads all pages of an $everything: "mode Type/id".
func (g *rig) gathered(as, path string) (rows []string, total int) {
	g.t.Helper()
	for path != "" {
		a := g.get(as, path).want(g.t, http.StatusOK)
		b := decode[struct {
			Type  string
			Total int
			Link  []struct{ Relation, URL string }
			Entry []struct {
				Resource struct{ ResourceType, ID string }
				Search   struct{ Mode string }
			}
		}](g.t, a.body)
		path, total = "", b.Total
		for _, e := range b.Entry {
			rows = append(rows, e.Search.Mode+" "+e.Resource.ResourceType+"/"+e.Resource.ID)
		}
		for _, l := range b.Link {
			if l.Relation == "next" {
				path = strings.TrimPrefix(l.URL, "https://fhir.example")
			}
		}
		if b.Type != "searchset" {
			g.t.Errorf("a Bundle of type %s", b.Type)
		}
	}
	return rows, total
}

func TestATT55_EverythingIsTheVisibleRecordOfOneChild(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan := g.child("hospital")
	g.child("hospital")
	g.create("other", "CarePlan", fmt.Sprintf(planBody, patient))
	goal := g.create("hospital", "Goal", fmt.Sprintf(`{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"x"},"startDate":"2026-01-01",
		"subject":{"reference":"Patient/%s"},"expressedBy":{"reference":"Patient/%s"}}`, patient, patient))
	team := g.create("hospital", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":"Patient/%s"},
		"managingOrganization":[{"reference":%q}]}`, patient, g.orgs["hospital"]))
	deleted := g.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	g.do("hospital", http.MethodDelete, "/fhir/CarePlan/"+deleted, "").want(t, 204)
	whole := []string{
		"match Patient/" + patient, "match CarePlan/" + plan, "match Goal/" + goal, "match CareTeam/" + team,
		"include " + g.orgs["hospital"].String(),
	}
	path := "/fhir/Patient/" + patient + "/$everything"
	for _, query := range []string{"", "?_count=1", "?_count=2", "?_since=1999-01-01T00:00:00Z"} {
		rows, total := g.gathered("hospital", path+query)
		if diff := cmp.Diff(whole, rows); diff != "" || total != 4 {
			t.Errorf("%s: %d %s", query, total, diff)
		}
	}
	g.principals["plans"] = system("plans", g.orgs["hospital"], "system/Patient.r system/CarePlan.s")
	for query, c := range map[string]struct {
		as   string
		want []string
	}{
		"?_type=Goal,CarePlan": {"hospital", whole[1:3]}, "?_since=2027": {"hospital", nil}, "": {"plans", whole[:2]},
		"?start=2026-01-01&_type=Goal": {"hospital", whole[2:3]},
	} {
		if rows, _ := g.gathered(c.as, path+query); !slices.Equal(rows, c.want) {
			t.Errorf("%s: %v", query, rows)
		}
	}
	hidden, missing := g.get("home", path).want(t, 404), g.get("home", strings.Replace(path, patient, "none", 1)).want(t, 404)
	if diff := cmp.Diff(missing.body, hidden.body); diff != "" {
		t.Error(diff)
	}
	g.principals["narrow"] = system("narrow", g.orgs["hospital"], "system/CarePlan.rs")
	g.get("narrow", path).want(t, 403).wantIssue(t, "scope-missing", "")
	for _, bad := range []string{"?naam=x", "?_type=Kind", "?_count=0", "?_since=gisteren"} {
		g.get("hospital", path+bad).want(t, 400).wantIssue(t, "everything-parameter", "")
	}
	g.get("hospital", "/fhir/CarePlan/"+plan+"/$everything").want(t, 404).wantIssue(t, "path-unknown", "")
	events := g.eventsOf(patient)
	if last := events[len(events)-1]; !slices.ContainsFunc(events, func(e auditEvent) bool {
		return len(e.Subtype) == 2 && e.Subtype[1].Code == "everything" && e.Action == "E"
	}) {
		t.Errorf("the log says %+v", last)
	}
}

// sharing lets another organisation read what home care holds of a child, in some domains.
func sharing(g *rig, child, parent, domains string) {
	g.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[{"member":{"reference":%q}}]}`, child, g.orgs["other"]))
	g.create("home", "Consent", fmt.Sprintf(`{"resourceType":"Consent","status":"active",
		"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":%q},
		"dateTime":"2026-11-01","performer":[{"reference":%q}],"organization":[{"reference":%q}],
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},
		"provision":{"type":"permit",%s"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
		"code":"IRCP"}]},"reference":{"reference":%q}}]}}`, child, parent, g.orgs["home"], domains, g.orgs["other"]))
}

const domainTag = `"meta":{"tag":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-domein","code":%q}]},`

type documentOf struct {
	Type, Timestamp string
	Identifier      struct{ System, Value string }
	Entry           []struct {
		FullURL  string
		Resource json.RawMessage
	}
}

func (d documentOf) refs() []string {
	var out []string
	for _, e := range d.Entry {
		out = append(out, strings.TrimPrefix(e.FullURL, base+"/"))
	}
	return out
}

func (g *rig) document(as, path string) documentOf {
	g.t.Helper()
	a := g.get(as, path).want(g.t, http.StatusOK).valid(g.t)
	return decode[documentOf](g.t, a.body)
}

func TestATT55_ADocumentHoldsWhatItsReaderMaySee(t *testing.T) {
	t.Parallel()
	const onlyMedical = `"code":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-domein","code":"medisch"}]}],`
	for name, c := range map[string]struct {
		as, domains string
		reduced     bool
		want        []string
	}{
		"the custodian":              {"home", "", false, []string{"COMPOSITION", "PATIENT", "HOME", "MEDICAL", "SOCIAL"}},
		"a reader of every domain":   {"other", "", false, []string{"COMPOSITION", "PATIENT", "HOME", "MEDICAL", "SOCIAL"}},
		"a reader of one domain":     {"other", onlyMedical, true, []string{"COMPOSITION", "PATIENT", "HOME", "MEDICAL"}},
		"an organisation of no team": {"hospital", onlyMedical, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t)
			child, parents := family(g, "2020-01-01")
			sharing(g, child, parents[0], c.domains)
			condition := func(domain string) string {
				return g.create("home", "Condition", fmt.Sprintf(`{"resourceType":"Condition",`+domainTag+`"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},"subject":{"reference":%q}}`, domain, child))
			}
			medical, social := condition("medisch"), condition("sociaal")
			text := func(s string) string {
				return `"text":{"status":"additional","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + s + `</div>"}`
			}
			composition := g.create("home", "Composition", fmt.Sprintf(`{"resourceType":"Composition","meta":{"tag":[
				{"system":"https://drieluik.example/fhir/CodeSystem/mks-domein","code":"medisch"},{"system":"https://drieluik.example/fhir/CodeSystem/mks-domein","code":"sociaal"}]},
				%s,"status":"final","type":{"text":"overdracht"},"subject":{"reference":%q},"date":"2026-11-20","author":[{"reference":%q}],"title":"Overdracht",
				"event":[{"detail":[{"reference":"Condition/%s"}],"code":[{"text":"event-tekst"}]}],
				"section":[{"title":"Ziekte",%s,"entry":[{"reference":"Condition/%s"}]},
					{"title":"Context",%s,"section":[{"title":"Gezin",%s,"entry":[{"reference":"Condition/%s"}]},{"title":"Leeg","emptyReason":{"text":"geen"},%s}]},
					{"title":"Verhaal",%s}]}`,
				text("alles"), child, g.orgs["home"], social, text("ziek"), medical, text("context-tekst"), text("gezin-tekst"), social, text("leeg"), text("verhaal-tekst")))
			path := "/fhir/Composition/" + composition + "/$document"
			if c.want == nil {
				hidden, missing := g.get(c.as, path).want(t, 404), g.get(c.as, "/fhir/Composition/none/$document").want(t, 404)
				if diff := cmp.Diff(missing.body, hidden.body); diff != "" {
					t.Error(diff)
				}
				return
			}
			got := g.document(c.as, path)
			want := make([]string, len(c.want))
			for i, w := range c.want {
				want[i] = map[string]string{
					"COMPOSITION": "Composition/" + composition, "PATIENT": child, "HOME": g.orgs["home"].String(),
					"MEDICAL": "Condition/" + medical, "SOCIAL": "Condition/" + social,
				}[w]
			}
			slices.Sort(want[1:])
			refs := got.refs()
			slices.Sort(refs[1:])
			if diff := cmp.Diff(want, refs); diff != "" {
				t.Error(diff)
			}
			if got.Type != "document" || got.Timestamp == "" || got.Identifier.Value == "" || got.Identifier.System == "" {
				t.Errorf("%+v", got)
			}
			first := string(got.Entry[0].Resource)
			for _, told := range []string{"alles", "context-tekst", "gezin-tekst", "verhaal-tekst", "event-tekst", `"sociaal"`, social} {
				if strings.Contains(first, told) == c.reduced {
					t.Errorf("reduced %v, and %q in %s", c.reduced, told, first)
				}
			}
			if !strings.Contains(first, "ziek") || !strings.Contains(first, "Leeg") || strings.Contains(first, "REDACTED") != c.reduced {
				t.Errorf("%s", first)
			}
			g.get(c.as, path+"?persist=true").want(t, 400).wantIssue(t, "document-parameter", "")
			g.get(c.as, path+"?persist=false").want(t, 200)
		})
	}
}
