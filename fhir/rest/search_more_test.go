package rest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// household is a child of the hospital with a plan that has a goal, and what refers to them.
type household struct{ patient, plan, goal, flag string }

// families makes two, each named.
func (g *rig) families() (a, b household) {
	for i, f := range []*household{&a, &b} {
		name := []string{"Aalders", "Bakker"}[i]
		f.patient = g.create("hospital", "Patient", strings.Replace(patientBody, "Testkind", name, 1))
		f.goal = g.create("hospital", "Goal", fmt.Sprintf(
			`{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"Doel"},"subject":{"reference":"Patient/%s"}}`, f.patient))
		f.plan = g.create("hospital", "CarePlan", fmt.Sprintf(
			`{"resourceType":"CarePlan","status":"active","intent":"plan","title":"%s","subject":{"reference":"Patient/%s"},"goal":[{"reference":"Goal/%s"}],"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">plan</div>"}}`,
			name, f.patient, f.goal))
		f.flag = g.create("hospital", "Flag", fmt.Sprintf(
			`{"resourceType":"Flag","status":"active","code":{"text":"Let op"},"subject":{"reference":"Patient/%s"},"author":{"reference":"%s"}}`, f.patient, g.orgs["hospital"]))
	}
	return a, b
}

// entries returns the references of a page's entries by mode.
func (g *rig) entries(as, path string) map[string][]string {
	g.t.Helper()
	b := decode[searchset](g.t, g.get(as, path).want(g.t, http.StatusOK).body)
	out := map[string][]string{}
	for _, e := range b.Entry {
		ref := e.Resource.ResourceType + "/" + e.Resource.ID
		out[e.Search.Mode] = append(out[e.Search.Mode], ref)
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

func sorted(refs ...string) []string {
	slices.Sort(refs)
	return refs
}

func TestIncludesBringWhatIsReferredToOnce(t *testing.T) {
	g := newRig(t)
	a, b := g.families()
	plan, goal, patient, flag := "CarePlan/"+a.plan, "Goal/"+a.goal, "Patient/"+a.patient, "Flag/"+a.flag
	one := "/fhir/CarePlan?_id=" + a.plan
	for query, want := range map[string][]string{
		one + "&_include=CarePlan:subject":                                                                               {patient},
		one + "&_include=CarePlan:subject&_include=CarePlan:patient":                                                     {patient},
		one + "&_include=CarePlan:subject:Group":                                                                         nil,
		one + "&_include=*":                                                                                              sorted(patient, goal),
		one + "&_include=CarePlan:*":                                                                                     sorted(patient, goal),
		one + "&_include=Goal:subject":                                                                                   nil,
		one + "&_include=CarePlan:goal&_include=Goal:subject":                                                            {goal},
		one + "&_include=CarePlan:goal&_include:iterate=Goal:subject":                                                    sorted(goal, patient),
		one + "&_include=CarePlan:subject&_revinclude:iterate=Flag:subject":                                              sorted(patient, flag),
		one + "&_include=CarePlan:subject&_revinclude:iterate=Flag:patient&_include:iterate=Flag:author":                 sorted(patient, flag, g.orgs["hospital"].String()),
		"/fhir/Goal?_id=" + a.goal + "&_revinclude=CarePlan:goal":                                                        {plan},
		"/fhir/Goal?_id=" + a.goal + "&_revinclude=CarePlan:*":                                                           {plan},
		"/fhir/Patient?_id=" + a.patient + "&_revinclude=Goal:subject&_revinclude=CarePlan:patient&_revinclude=Goal:*":   sorted(goal, plan),
		"/fhir/CarePlan?_id=" + a.plan + "," + b.plan + "&_include=CarePlan:subject&_count=1":                            {patient},
		"/fhir/Patient?_id=" + a.patient + "," + b.patient + "&_revinclude=CarePlan:subject&_include:iterate=CarePlan:*": sorted(plan, goal, "CarePlan/"+b.plan, "Goal/"+b.goal),
	} {
		got := g.entries("hospital", query)
		if diff := cmp.Diff(want, got["include"]); diff != "" || got["outcome"] != nil {
			t.Errorf("%s: %v %s", query, got["outcome"], diff)
		}
	}
	withTotal := g.search("hospital", one+"&_include=*&_total=accurate")
	if *withTotal.Total != 1 || len(withTotal.Entry) != 3 {
		t.Errorf("total %d of %d entries: includes are not counted", *withTotal.Total, len(withTotal.Entry))
	}
}

func TestATT54_AnIncludeNeedsItsOwnScopeAndVisibility(t *testing.T) {
	g := newRig(t)
	a, _ := g.families()
	g.principals["plans"] = system("plans", g.orgs["hospital"], "system/CarePlan.rs system/Goal.s system/Patient.r")
	for query, want := range map[string][]string{
		"/fhir/CarePlan?_id=" + a.plan + "&_include=*":                {"Patient/" + a.patient}, // a Goal needs the letter r
		"/fhir/CarePlan?_id=" + a.plan + "&_revinclude=Flag:subject":  nil,
		"/fhir/Goal?_id=" + a.goal + "&_revinclude=CarePlan:goal":     {"CarePlan/" + a.plan},
		"/fhir/CarePlan?_id=" + a.plan + "&_include=CarePlan:subject": {"Patient/" + a.patient},
	} {
		if diff := cmp.Diff(want, g.entries("plans", query)["include"]); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	// Home care keeps a plan of its own that points to the hospital's goal, which it may not see.
	own := g.create("home", "Patient", patientBody)
	plan := g.create("home", "CarePlan", fmt.Sprintf(
		`{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/%s"},"goal":[{"reference":"Goal/%s"}]}`, own, a.goal))
	if got := g.entries("home", "/fhir/CarePlan?_id="+plan+"&_include=*"); len(got["include"]) != 1 || got["outcome"] != nil {
		t.Errorf("home includes %v", got)
	}
	if got := g.entries("hospital", "/fhir/Goal?_id="+a.goal+"&_revinclude=CarePlan:goal"); len(got["include"]) != 1 {
		t.Errorf("the plan of another is included: %v", got)
	}
	for _, query := range []string{"/fhir/Goal?_has:CarePlan:goal:_id=" + plan, "/fhir/Goal?_id=" + a.goal + "&_has:CarePlan:goal:subject=" + own} {
		if got := g.search("hospital", query).ids(); len(got) > 0 {
			t.Errorf("%s: a hidden plan is passed through: %v", query, got)
		}
	}
	if got := g.search("home", "/fhir/CarePlan?goal.lifecycle-status=active").ids(); len(got) > 0 {
		t.Errorf("a hidden goal is passed through: %v", got)
	}
}

func TestIncludedChildrenAreInTheirOwnLog(t *testing.T) {
	g := newRig(t)
	a, b := g.families()
	before := len(g.eventsOf(b.patient))
	g.search("hospital", "/fhir/Patient?_id="+a.patient+","+b.patient+"&_count=1&_revinclude=CarePlan:subject")
	if got := len(g.eventsOf(b.patient)); got != before {
		t.Error("the other child, which is on the next page, has an event")
	}
	before = len(g.eventsOf(a.patient))
	g.search("hospital", "/fhir/Organization?_revinclude=Flag:author")
	events := g.eventsOf(a.patient)
	if len(events) != before+1 || !slices.ContainsFunc(events[before].Entity, func(e struct {
		What  struct{ Reference string }
		Query string
	}) bool {
		return strings.HasPrefix(e.What.Reference, "Flag/"+a.flag)
	}) {
		t.Errorf("%d events of the child, want one more than %d that names the Flag", len(events), before)
	}
}

func TestALongChainOfIncludesIsCutAloud(t *testing.T) {
	g := newRig(t)
	patient, last := g.child("hospital")
	for range 8 {
		last = g.create("hospital", "CarePlan", fmt.Sprintf(
			`{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/%s"},"partOf":[{"reference":"CarePlan/%s"}]}`, patient, last))
	}
	a := g.get("hospital", "/fhir/CarePlan?_id="+last+"&_include:iterate=CarePlan:part-of").want(t, 200)
	b := decode[bundleOf](t, a.body)
	if len(b.Entry) != 1+5+1 || !strings.Contains(a.body, "SEARCH-INCLUDE-CUT") || !strings.Contains(a.body, `"mode":"outcome"`) {
		t.Errorf("%d entries: %v", len(b.Entry), b.ids())
	}
	circle := g.entries("hospital", "/fhir/Patient?_id="+patient+"&_revinclude=CarePlan:subject&_include:iterate=CarePlan:subject")
	if len(circle["include"]) != 9 || circle["outcome"] != nil {
		t.Errorf("a circle: %v", circle)
	}
}

func TestATT53_AChainNeedsTheScopeToSearchEveryTypeOfIt(t *testing.T) {
	g := newRig(t)
	a, b := g.families()
	found := func(query string) []string { return g.search("hospital", query).ids() }
	for query, want := range map[string][]string{
		"/fhir/CarePlan?subject:Patient.family=aalders":                        {"CarePlan/" + a.plan},
		"/fhir/CarePlan?subject.family=aalders":                                {"CarePlan/" + a.plan},
		"/fhir/CarePlan?goal.subject:Patient.family=bakker":                    {"CarePlan/" + b.plan},
		"/fhir/CarePlan?patient._has:Flag:subject:_id=" + b.flag:               {"CarePlan/" + b.plan},
		"/fhir/Patient?_has:CarePlan:subject:goal.lifecycle-status=active":     sorted("Patient/"+a.patient, "Patient/"+b.patient),
		"/fhir/Patient?_has:Goal:subject:_has:CarePlan:goal:_id=" + a.plan:     {"Patient/" + a.patient},
		"/fhir/Organization?_has:Flag:author:_id=" + a.flag:                    {g.orgs["hospital"].String()},
		"/fhir/Patient?_has:CarePlan:subject:status=draft":                     {},
		"/fhir/CarePlan?subject:Patient.family=aalders&subject=Patient/" + "x": {},
	} {
		got := found(query)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
		if got := g.search("other", query).ids(); len(got) > 0 {
			t.Errorf("%s: a stranger finds %v", query, got)
		}
	}
	g.principals["plans"] = system("plans", g.orgs["hospital"], "system/CarePlan.rs system/Goal.r system/Patient.s")
	for query, want := range map[string]int{
		"/fhir/CarePlan?subject:Patient.family=aalders":                            200,
		"/fhir/CarePlan?goal.lifecycle-status=active":                              403,
		"/fhir/CarePlan?goal.subject:Patient.family=aalders":                       403,
		"/fhir/Patient?_has:CarePlan:subject:status=active":                        200,
		"/fhir/Patient?_has:Flag:subject:date=2020":                                403,
		"/fhir/Patient?_has:CarePlan:subject:_has:Provenance:target:recorded=2020": 403,
		"/fhir/Patient/" + a.patient + "/CarePlan":                                 200,
		"/fhir/CarePlan?subject:identifier=urn:s|1":                                200,
		"/fhir/CarePlan?care-team:identifier=urn:s|1":                              403,
		"/fhir/CarePlan?subject:Patient.general-practitioner:identifier=urn:s|1":   403,
		"/fhir/Patient/" + a.patient + "/Goal":                                     403,
		"/fhir?_type=CarePlan,Goal":                                                403,
	} {
		if a := g.get("plans", query).want(t, want); want == 403 {
			a.wantIssue(t, "scope-missing", "")
		}
	}
	g.principals["no owner"] = system("no owner", g.orgs["hospital"], "system/CarePlan.rs")
	for _, members := range []string{"CarePlan", "*", "*?_type=CarePlan"} {
		g.get("no owner", "/fhir/Patient/"+a.patient+"/"+members).want(t, 403).wantIssue(t, "scope-missing", "")
	}
}

func TestCompartmentsAndSystemSearchesCoverSeveralTypes(t *testing.T) {
	g := newRig(t)
	a, b := g.families()
	all := sorted("CarePlan/"+a.plan, "Goal/"+a.goal, "Flag/"+a.flag)
	find := func(as, path string) []string {
		var got []string
		for next := path; next != ""; {
			p := g.search(as, next)
			if len(p.Entry) > 2 {
				t.Errorf("%s: %d entries on one page", path, len(p.Entry))
			}
			got = append(got, p.ids()...)
			next = p.link("next")
		}
		slices.Sort(got)
		return got
	}
	for path, want := range map[string][]string{
		"/fhir/Patient/" + a.patient + "/CarePlan":                                       {"CarePlan/" + a.plan},
		"/fhir/Patient/" + a.patient + "/CarePlan?status=draft":                          nil,
		"/fhir/Patient/" + a.patient + "/Patient":                                        {"Patient/" + a.patient},
		"/fhir/Patient/" + a.patient + "/*?_type=CarePlan,Goal,Flag&_count=2":            all,
		"/fhir/Patient/" + a.patient + "/*?_type=CarePlan,Goal&_sort=-_lastUpdated":      all[:2:2],
		"/fhir?_type=Goal,Flag,CarePlan&_count=2":                                        sorted(append(slices.Clone(all), "CarePlan/"+b.plan, "Goal/"+b.goal, "Flag/"+b.flag)...),
		"/fhir?_type=Goal,CarePlan&subject=Patient/" + b.patient + "&_sort=_id&_count=1": sorted("CarePlan/"+b.plan, "Goal/"+b.goal),
		"/fhir/Patient/missing/CarePlan":                                                 nil,
	} {
		if path == "/fhir/Patient/"+a.patient+"/*?_type=CarePlan,Goal&_sort=-_lastUpdated" {
			want = sorted("CarePlan/"+a.plan, "Goal/"+a.goal)
		}
		if diff := cmp.Diff(want, find("hospital", path)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		if got := find("other", path); len(got) > 0 {
			t.Errorf("%s: a stranger finds %v", path, got)
		}
	}
	if self := g.search("hospital", "/fhir/Patient/"+a.patient+"/*?_count=9999").link("self"); !strings.HasSuffix(self, "_count=500") {
		t.Errorf("the link says what was wished: %s", self)
	}
	whole := g.search("hospital", "/fhir/Patient/"+a.patient+"/*?_count=100&_total=accurate")
	if *whole.Total != len(whole.Entry) || cmp.Diff(sorted(append(slices.Clone(all), "Patient/"+a.patient)...), sorted(whole.ids()...)) != "" {
		t.Errorf("the whole compartment has %d of %v", *whole.Total, whole.ids())
	}
	form := func(path, body string) []string {
		r := g.do("hospital", http.MethodPost, path, body, "Content-Type", "application/x-www-form-urlencoded").want(t, 200)
		return sorted(decode[bundleOf](t, r.body).ids()...)
	}
	for path, body := range map[string]string{
		"/fhir/_search": "_type=CarePlan,Goal,Flag&subject=Patient/" + a.patient,
		"/fhir/Patient/" + a.patient + "/_search":   "_type=CarePlan,Goal,Flag",
		"/fhir/Patient/" + a.patient + "/*/_search": "_type=CarePlan,Goal,Flag",
	} {
		if diff := cmp.Diff(all, form(path, body)); diff != "" {
			t.Errorf("POST %s: %s", path, diff)
		}
	}
	g.get("hospital", "/fhir").want(t, 400).wantIssue(t, "SEARCH-TYPE-REQUIRED", "http._type")
	g.get("hospital", "/fhir?_type=Geheim").want(t, 400).wantIssue(t, "SEARCH-TYPE-UNKNOWN", "http._type")
	g.get("hospital", "/fhir?_type=CarePlan,Goal&intent=plan").want(t, 400).wantIssue(t, "SEARCH-PARAM-UNKNOWN", "http.intent")
	g.get("hospital", "/fhir/Patient/"+a.patient+"/Organization").want(t, 404).wantIssue(t, "path-unknown", "")
	g.get("hospital", "/fhir/Goal/"+a.goal+"/CarePlan").want(t, 404).wantIssue(t, "path-unknown", "")
	link := g.search("hospital", "/fhir?_type=Goal,Flag&_count=1").link("next")
	g.get("hospital", strings.Replace(link, "/fhir?", "/fhir/Goal?", 1)).want(t, 403).wantIssue(t, "link-foreign", "")
}

// TestAWholeCompartmentShowsWhatIsGranted: types without a scope are absent, and only those.
func TestAWholeCompartmentShowsWhatIsGranted(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	scopes, err := auth.ParseScopes("patient/Patient.rs patient/CarePlan.rs")
	if err != nil {
		t.Fatal(err)
	}
	mother := g.principals["mother"]
	mother.Scopes = scopes
	g.principals["mother"] = mother
	kinds := map[string]bool{}
	for _, ref := range g.search("mother", "/fhir/Patient/"+patient.ID+"/*?_count=100").ids() {
		kind, _, _ := strings.Cut(ref, "/")
		kinds[kind] = true
	}
	if diff := cmp.Diff(map[string]bool{"Patient": true, "CarePlan": true}, kinds); diff != "" {
		t.Error(diff)
	}
	g.get("mother", "/fhir/Patient/"+patient.ID+"/*?_type=CarePlan,Goal").want(t, 403).wantIssue(t, "scope-missing", "")
}

func TestSummariesShowPartsAndSayWhich(t *testing.T) {
	g := newRig(t)
	a, _ := g.families()
	members := func(query string) []string {
		t.Helper()
		b := decode[struct {
			Entry []struct{ Resource map[string]any }
		}](t, g.get("hospital", "/fhir/CarePlan?_id="+a.plan+query).want(t, 200).body)
		var names []string
		for name := range b.Entry[0].Resource {
			names = append(names, name)
		}
		marked := strings.Contains(fmt.Sprint(b.Entry[0].Resource["meta"]), "SUBSETTED")
		if reduced := query != "" && query != "&_summary=false"; marked != reduced {
			t.Errorf("%q: marked %v", query, marked)
		}
		return sorted(names...)
	}
	whole := sorted("resourceType", "id", "meta", "text", "status", "intent", "title", "subject", "goal")
	without := func(left ...string) []string {
		return slices.DeleteFunc(slices.Clone(whole), func(s string) bool { return slices.Contains(left, s) })
	}
	for query, want := range map[string][]string{
		"":                         whole,
		"&_summary=false":          whole,
		"&_summary=true":           without("text", "goal"),
		"&_summary=data":           without("text"),
		"&_summary=text":           without("title", "goal"),
		"&_elements=title":         without("text", "goal"),
		"&_elements=goal,text,id":  without("title"),
		"&_elements=CarePlan.goal": without("title", "text"),
	} {
		if diff := cmp.Diff(want, members(query)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	whole1 := g.get("hospital", "/fhir/CarePlan/"+a.plan).want(t, 200)
	for _, path := range []string{"/fhir/CarePlan/" + a.plan, "/fhir/CarePlan/" + a.plan + "/_history/1"} {
		part := g.get("hospital", path+"?_summary=true").want(t, 200)
		if part.header.Get("ETag") != `W/"1-r"` || strings.Contains(part.body, `"goal"`) || !strings.Contains(whole1.body, `"goal"`) {
			t.Errorf("%s: %q %s", path, part.header.Get("ETag"), part.body)
		}
		g.get("hospital", path+"?_elements=geheim").want(t, 400).wantIssue(t, "SEARCH-ELEMENTS-UNKNOWN", "http._elements")
	}
	count := g.search("hospital", "/fhir/CarePlan?_summary=count")
	if count.Total == nil || *count.Total != 2 || len(count.Entry) > 0 {
		t.Errorf("_summary=count: %+v", count)
	}
}

func TestALenientSearchNamesWhatItLeftOut(t *testing.T) {
	g := newRig(t)
	a, _ := g.families()
	path := "/fhir/CarePlan?_id=" + a.plan + "&geheim=1&_filter=x"
	g.get("hospital", path).want(t, 400).wantIssue(t, "SEARCH-PARAM-UNKNOWN", "http.geheim")
	g.get("hospital", path, "Prefer", "handling=strict").want(t, 400)
	b := decode[struct {
		bundleOf
		Entry []struct {
			Resource outcome
			Search   struct{ Mode string }
		}
	}](t, g.get("hospital", path, "Prefer", "respond-async; handling=lenient").want(t, 200).body)
	if len(b.Entry) != 2 || b.Entry[1].Search.Mode != "outcome" || len(b.Entry[1].Resource.Issue) != 2 || b.Entry[1].Resource.Issue[0].Severity != "warning" {
		t.Errorf("%+v", b.Entry)
	}
	if self, err := url.Parse(b.link("self")); err != nil || self.Query().Has("geheim") || self.Query().Has("_filter") || self.Query().Get("_id") != a.plan {
		t.Errorf("self link %v", self)
	}
}

// TestPagesInAnyOrderHoldWhileOthersWrite inserts, changes and deletes between the pages: what did
// not change comes once.
func TestPagesInAnyOrderHoldWhileOthersWrite(t *testing.T) {
	for _, order := range []string{"", "&_sort=-_lastUpdated", "&_sort=instantiates-uri,-date,_id"} {
		t.Run(order, func(t *testing.T) {
			g := newRig(t)
			patient := g.create("hospital", "Patient", patientBody)
			body := func(n int) string {
				return fmt.Sprintf(`{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/%s"},"instantiatesUri":["urn:x:%d"],"period":{"start":"20%02d"}}`, patient, n%3, 10+n%5)
			}
			want := map[string]int{}
			for n := range 12 {
				want["CarePlan/"+g.create("hospital", "CarePlan", body(n))] = 1
				g.advance(time.Second)
			}
			got := map[string]int{}
			pages := 0
			first := "/fhir/CarePlan?_count=5&subject=Patient/" + patient + order
			for next := first; next != ""; pages++ {
				b := g.search("hospital", next)
				for _, ref := range b.ids() {
					if want[ref] > 0 {
						got[ref]++
					}
				}
				if first := b.link("first"); pages > 0 && (!strings.Contains(first, "_count=5") || strings.Contains(first, "_page")) {
					t.Errorf("first is %q", first)
				}
				next = b.link("next")
				g.advance(time.Second)
				for n := range 3 {
					g.create("hospital", "CarePlan", body(n))
				}
				if pages > 20 {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASearchBehindABrokenGlassFollowsChains(t *testing.T) {
	file := vectors(t)
	i := slices.IndexFunc(file.Cases, func(c accessCase) bool { return c.Principal.BTG != nil && c.Expected.HTTP == 200 })
	if i < 0 {
		t.Skip("the file has no break-glass permit")
	}
	c := file.Cases[i]
	g := prepare(t, file, c)
	ref := refOf(c.Action.Ref)
	child := strings.Split(g.get("case", "/fhir/"+c.Action.Ref).want(t, 200).body, `"Patient/`)
	if len(child) < 2 {
		t.Skip("the vector reads no resource of a child")
	}
	patient, _, _ := strings.Cut(child[1], `"`)
	query := "/fhir/" + string(ref.Type) + "?subject:Patient._id=" + patient
	if got := g.search("case", query).ids(); !slices.Contains(got, fhir.Ref{Type: ref.Type, ID: ref.ID}.String()) {
		t.Errorf("%s finds %v", query, got)
	}
}

// TestWhatIsWithheldCannotBeProbed: home care is in the team and sees of the child what tells it apart
// alone. A search by more, or in an order by it, tells no more.
func TestWhatIsWithheldCannotBeProbed(t *testing.T) {
	g := newRig(t)
	admin := system("admin", g.orgs["hospital"], "system/*.cruds")
	admin.Role, admin.Purpose = auth.Admin, "HSYSADMIN"
	g.principals["admin"] = admin
	var children []string
	for _, year := range []string{"2021", "2019"} {
		doctor := g.create("admin", "Practitioner", `{"resourceType":"Practitioner"}`)
		patient := g.create("hospital", "Patient", fmt.Sprintf(`{"resourceType":"Patient","birthDate":"%s-05-04","gender":"male","name":[{"family":"Testkind","given":["Jan","Geheim"]}],
			"identifier":[{"system":"%s","value":"999912148"},{"system":"urn:local","value":"7"}],"address":[{"city":"Geheimstad"}],"generalPractitioner":[{"reference":"Practitioner/%s"}]}`, year, bsnSystem, doctor))
		g.create("hospital", "CareTeam", fmt.Sprintf(
			`{"resourceType":"CareTeam","status":"active","subject":{"reference":"Patient/%s"},"participant":[{"member":{"reference":"%s"}}]}`, patient, g.orgs["home"]))
		children = append(children, "Patient/"+patient)
		for query, found := range map[string]bool{
			"birthdate=" + year + "-05-04": false, "birthdate=" + year: true, "birthdate=lt" + year + "-06": true, "birthdate=sa" + year + "-01": false,
			"given=geheim": false, "given=jan": true, "name=testkind": true, "address-city=geheimstad": false,
			"address-city:missing=true": true, "address-city:missing=false": false, "identifier=" + bsnSystem + "|999912148": true,
			"identifier=urn:local|7": false, "gender=male": true, "gender:not=male": false,
			"general-practitioner=Practitioner/" + doctor: false, "general-practitioner.active:missing=true": false,
			"_has:CareTeam:subject:status=active": true,
		} {
			path := "/fhir/Patient?_id=" + patient + "&" + query
			if b := g.search("home", path+"&_total=accurate"); (len(b.Entry) == 1) != found || (*b.Total == 1) != found {
				t.Errorf("home: %s finds %v of %d", query, b.ids(), *b.Total)
			}
			if strings.HasPrefix(query, "given=geheim") || strings.HasPrefix(query, "birthdate="+year+"-05") {
				if b := g.search("hospital", path); len(b.Entry) != 1 {
					t.Errorf("hospital: %s finds %v", query, b.ids())
				}
			}
		}
		chain := "/fhir/CareTeam?subject:Patient._id=" + patient + "&subject:Patient.address-city=geheimstad"
		if got := g.search("home", chain).ids(); len(got) > 0 {
			t.Errorf("a chain tells of what is withheld: %v", got)
		}
		if got := g.search("hospital", chain).ids(); len(got) != 1 {
			t.Errorf("the custodian finds %v", got)
		}
		if got := g.entries("home", "/fhir/Practitioner?_id="+doctor+"&_revinclude=Patient:general-practitioner"); got["include"] != nil {
			t.Errorf("a withheld reference brings %v", got)
		}
		if got := g.entries("home", "/fhir/Patient?_id="+patient+"&_include=*"); got["include"] != nil {
			t.Errorf("a withheld reference leads to %v", got)
		}
	}
	if got := g.search("home", "/fhir/Patient?_sort=birthdate").ids(); !slices.Equal(got, children) {
		t.Errorf("the order by birth date is %v", got)
	}
	slices.Reverse(children)
	if got := g.search("hospital", "/fhir/Patient?_sort=birthdate").ids(); !slices.Equal(got, children) {
		t.Errorf("the custodian's order is %v", got)
	}
}

func TestCodesAreFoundBySetAndBranch(t *testing.T) {
	g := newRig(t)
	a, _ := g.families()
	one := "/fhir/CarePlan?_id=" + a.plan + "&"
	domains := fhir.Canonical + "/CodeSystem/mks-domein|medisch"
	for query, want := range map[string]int{
		one + "status:in=http://hl7.org/fhir/ValueSet/request-status":                           1,
		one + "status:not-in=http://hl7.org/fhir/ValueSet/request-status":                       0,
		one + "status:in=http://hl7.org/fhir/ValueSet/observation-status":                       0,
		one + "subject:Patient.gender:in=http://hl7.org/fhir/ValueSet/administrative-gender":    1,
		one + "_tag:below=" + url.QueryEscape(domains):                                          1,
		one + "_tag:not-in=http://hl7.org/fhir/ValueSet/request-status":                         1,
		"/fhir/Flag?_id=" + a.flag + "&author:missing=false":                                    1,
		"/fhir/Flag?_id=" + a.flag + "&_security:missing=true&_source:missing=true":             1,
		"/fhir/Goal?_id=" + a.goal + "&lifecycle-status=http://hl7.org/fhir/goal-status|active": 1,
	} {
		if got := g.search("hospital", query).ids(); len(got) != want {
			t.Errorf("%s finds %v", query, got)
		}
	}
	g.get("hospital", one+"status:in=urn:none").want(t, 400).wantIssue(t, "SEARCH-VALUESET-UNKNOWN", "http.status")
	g.get("hospital", one+"status:below=active").want(t, 400).wantIssue(t, "SEARCH-CODE-UNKNOWN", "http.status")
}

func TestASearchThatWouldRunLongIsRefused(t *testing.T) {
	g := newRig(t)
	a, _ := g.families()
	values := strings.Repeat("a,", 900) + "active"
	chain := "_has:CarePlan:subject:_has:CarePlan:part-of:_has:CarePlan:based-on:_has:CarePlan:part-of:status"
	conditions := ""
	for i := range 33 {
		conditions += fmt.Sprintf("status:not=x%d&", i)
	}
	for path, body := range map[string]string{
		"/fhir/Patient/_search":  chain + "=" + values,
		"/fhir/CarePlan/_search": conditions,
	} {
		r := g.do("hospital", http.MethodPost, path, body, "Content-Type", "application/x-www-form-urlencoded").want(t, 400)
		if issues := decode[outcome](t, r.body).Issue; len(issues) != 1 || issues[0].Code != "too-costly" {
			t.Errorf("%s: %s", path, r.body)
		}
	}
	if got := g.search("hospital", "/fhir/Patient?"+chain+"=active"); len(got.Entry) > 0 {
		t.Errorf("found %v", got.ids())
	}
	r := g.do("hospital", http.MethodPost, "/fhir/CarePlan/_search", "status="+values, "Content-Type", "application/x-www-form-urlencoded").want(t, 200)
	if !strings.Contains(r.body, a.plan) {
		t.Error("many values alone are no fault")
	}
}
