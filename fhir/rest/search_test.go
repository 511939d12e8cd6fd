package rest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

func TestASearchIsTheSameByGetAndByForm(t *testing.T) {
	g := newRig(t)
	patient, plan := g.child("hospital")
	g.child("hospital")
	want := []string{"CarePlan/" + plan}
	query := "patient=" + patient + "&status=active"
	if got := g.search("hospital", "/fhir/CarePlan?"+query).ids(); !slices.Equal(got, want) {
		t.Errorf("GET found %v", got)
	}
	for path, form := range map[string]string{"/fhir/CarePlan/_search": query, "/fhir/CarePlan/_search?status=active": "patient=" + patient} {
		a := g.do("hospital", http.MethodPost, path, form, "Content-Type", "application/x-www-form-urlencoded").want(t, 200)
		b := decode[bundleOf](t, a.body)
		if got := b.ids(); !slices.Equal(got, want) {
			t.Errorf("%s found %v", path, got)
		}
		self, err := url.Parse(b.link("self"))
		if err != nil || self.Query().Get("patient") != patient || strings.Contains(a.body, `\u0026`) {
			t.Errorf("self link %q", b.link("self"))
		}
	}
}

func TestPagesTogetherAreTheWholeAndStayWhileOthersWrite(t *testing.T) {
	g := newRig(t)
	patient, first := g.child("hospital")
	want := []string{"CarePlan/" + first}
	for range 10 {
		want = append(want, "CarePlan/"+g.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient)))
	}
	var got []string
	next := "/fhir/CarePlan?_count=3&status=active&patient=" + patient
	pages := 0
	for ; next != "" && pages < 20; pages++ {
		b := g.search("hospital", next)
		if len(b.Entry) > 3 {
			t.Errorf("%d entries on one page", len(b.Entry))
		}
		got = append(got, b.ids()...)
		if next = b.link("next"); strings.Contains(next, patient) || strings.Contains(next, "status") {
			t.Errorf("the link tells what it holds: %s", next)
		}
		body := strings.Replace(fmt.Sprintf(planBody, patient), "{", `{"id":"`+first+`",`, 1)
		g.do("hospital", http.MethodPut, "/fhir/CarePlan/"+first, body).want(t, 200)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" || pages < 4 {
		t.Errorf("%d pages: %s", pages, diff)
	}
	count := g.search("hospital", "/fhir/CarePlan?_count=0&patient="+patient)
	if count.Total == nil || *count.Total != 11 || len(count.Entry) != 0 || count.link("next") != "" {
		t.Errorf("_count=0 answered %+v", count)
	}
}

func TestATT52_APageLinkServesItsHolderAlone(t *testing.T) {
	g := newRig(t)
	patient, _ := g.child("hospital")
	g.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	grant := g.principals["hospital"]
	grant.Grant = "g1"
	g.principals["grant"] = grant
	link := g.search("hospital", "/fhir/CarePlan?_count=1&patient="+patient).link("next")
	token := strings.TrimPrefix(link, "/fhir/CarePlan?_page=")
	swapped := []byte(token)
	swapped[len(swapped)/2] ^= 1
	for name, c := range map[string]struct{ as, path string }{
		"another client":          {"home", link},
		"a grant of that client":  {"grant", link},
		"another type":            {"hospital", strings.Replace(link, "CarePlan", "Patient", 1)},
		"a link that was changed": {"hospital", "/fhir/CarePlan?_page=" + string(swapped)},
		"a link that was cut":     {"hospital", link[:len(link)-30]},
		"a link too short":        {"hospital", "/fhir/CarePlan?_page=AAAA"},
	} {
		a := g.get(c.as, c.path)
		if a.status != 403 {
			t.Errorf("%s: %d", name, a.status)
			continue
		}
		a.wantIssue(t, "link-foreign", "")
	}
	if b := g.search("hospital", link); len(b.Entry) != 1 {
		t.Errorf("the holder gets %v", b.ids())
	}
}

func TestHiddenIsAnsweredAsMissing(t *testing.T) {
	g := newRig(t)
	patient, plan := g.child("hospital")
	body := func(id, about string) string {
		return strings.Replace(fmt.Sprintf(planBody, about), "{", `{"id":"`+id+`",`, 1)
	}
	g.principals["updater"] = system("updater", g.orgs["other"], "system/*.rud") // who may create too is told of a free id
	narrow := g.principals["updater"]
	narrow.Patient = fhir.Ref{Type: "Patient", ID: "elsewhere"}
	g.principals["context"] = narrow
	for _, c := range []struct{ name, as, method, path, body string }{
		{"read", "other", "GET", "/fhir/CarePlan/%s", ""},
		{"version", "other", "GET", "/fhir/CarePlan/%s/_history/1", ""},
		{"update", "updater", "PUT", "/fhir/CarePlan/%s", "x"},
		{"update that says nothing valid", "updater", "PUT", "/fhir/CarePlan/%s", "invalid"},
		{"update from a version", "updater", "PUT", "/fhir/CarePlan/%s", "x"},
		{"update about another patient", "context", "PUT", "/fhir/CarePlan/%s", "x"},
		{"deletion", "updater", "DELETE", "/fhir/CarePlan/%s", ""},
		{"deletion by who may create", "other", "DELETE", "/fhir/CarePlan/%s", ""},
		{"history", "other", "GET", "/fhir/CarePlan/%s/_history", ""},
		{"conditional update", "updater", "PUT", "/fhir/CarePlan?_id=%s", "x"},
		{"conditional deletion", "updater", "DELETE", "/fhir/CarePlan?_id=%s", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ask := func(id string) answer {
				text := ""
				switch c.body {
				case "x":
					text = body(id, patient)
				case "invalid":
					text = strings.Replace(body(id, patient), `"active"`, `"actief"`, 1)
				}
				a := g.do(c.as, c.method, fmt.Sprintf(c.path, id), text)
				a.header.Del("X-Request-Id")
				return a
			}
			before := g.position()
			defer func() {
				if diff := cmp.Diff(before, g.position()); diff != "" {
					t.Error(diff)
				}
			}()
			hidden, missing := ask(plan), ask(strings.Repeat("n", len(plan)))
			if diff := cmp.Diff(missing, hidden, cmp.AllowUnexported(answer{})); diff != "" {
				t.Errorf("hidden differs from missing: %s", diff)
			}
			if !strings.HasPrefix(c.name, "conditional") && hidden.status != 404 {
				t.Errorf("status %d", hidden.status)
			}
		})
	}
	t.Run("the log knows better", func(t *testing.T) {
		for _, e := range g.eventsOf(patient) {
			if e.Outcome == "4" && e.OutcomeDesc == "relation-none" {
				return
			}
		}
		t.Error("no AuditEvent of the child says why it was refused")
	})
}

func TestASearchOfAHiddenPatientIsOneOfAnUnknown(t *testing.T) {
	g := newRig(t)
	patient, _ := g.child("hospital")
	hidden := g.get("other", "/fhir/CarePlan?patient="+patient).want(t, 200)
	missing := g.get("other", "/fhir/CarePlan?patient="+strings.Repeat("n", len(patient))).want(t, 200)
	same := strings.ReplaceAll(missing.body, strings.Repeat("n", len(patient)), patient)
	if diff := cmp.Diff(same, hidden.body); diff != "" || len(decode[bundleOf](t, hidden.body).Entry) != 0 {
		t.Errorf("hidden differs from unknown: %s", diff)
	}
}

// TestAnOrganisationFindsTheChildrenOfItsStaff: home care is in the team through one of its nurses
// alone.
func TestAnOrganisationFindsTheChildrenOfItsStaff(t *testing.T) {
	g := newRig(t)
	admin := system("admin", g.orgs["hospital"], "system/*.cruds")
	admin.Role, admin.Purpose = auth.Admin, "HSYSADMIN"
	g.principals["admin"] = admin
	patient, _ := g.child("hospital")
	g.child("hospital")
	role := g.create("admin", "PractitionerRole", fmt.Sprintf(`{"resourceType":"PractitionerRole","organization":{"reference":"%s"}}`, g.orgs["home"]))
	team := g.create("hospital", "CareTeam", fmt.Sprintf(
		`{"resourceType":"CareTeam","status":"active","subject":{"reference":"Patient/%s"},"participant":[{"member":{"reference":"PractitionerRole/%s"}}]}`, patient, role))
	for path, want := range map[string]string{
		"/fhir/CareTeam":                    "CareTeam/" + team,
		"/fhir/CareTeam?patient=" + patient: "CareTeam/" + team,
		"/fhir/Patient":                     "Patient/" + patient,
		"/fhir/Patient?_id=" + patient:      "Patient/" + patient,
		"/fhir/Patient?birthdate=2020":      "Patient/" + patient,
	} {
		if got := g.search("home", path).ids(); !slices.Equal(got, []string{want}) {
			t.Errorf("%s finds %v, want %s", path, got, want)
		}
		if got := g.search("other", path).ids(); len(got) != 0 {
			t.Errorf("%s: a stranger finds %v", path, got)
		}
	}
}

// TestASearchFindsExactlyWhatAReadPermits runs every read vector as a search too, with and without
// naming the patient.
func TestASearchFindsExactlyWhatAReadPermits(t *testing.T) {
	file := vectors(t)
	found, absent := 0, 0
	for _, c := range file.Cases {
		ref := refOf(c.Action.Ref)
		if c.Action.Interaction != auth.Read || auth.IsDirectory(ref.Type) || c.Principal.Token != "" || c.Expected.Reason == "scope-missing" {
			continue
		}
		t.Run(c.ID+" "+c.Title, func(t *testing.T) {
			g := prepare(t, file, c)
			permitted := g.get("case", "/fhir/"+c.Action.Ref).status == http.StatusOK
			for _, query := range []string{"", "?_id=" + ref.ID, "?patient=kind-1001,kind-1002,kind-1003,kind-1004,kind-1005,barn-2001,barn-2002,barn-2003"} {
				if strings.HasPrefix(query, "?patient") && ref.Type == "Patient" || query != "?patient" && c.Principal.BTG != nil {
					continue
				}
				a := g.get("case", "/fhir/"+string(ref.Type)+query)
				if a.status == http.StatusForbidden && !permitted {
					continue
				}
				if a.status == http.StatusForbidden && strings.Contains(a.body, "scope-missing") {
					continue // a scope to read is none to search
				}
				got := slices.Contains(decode[bundleOf](t, a.want(t, 200).body).ids(), c.Action.Ref)
				if got != permitted {
					t.Errorf("%q: found is %v, read permits is %v", query, got, permitted)
				}
				if got {
					found++
				} else {
					absent++
				}
			}
		})
	}
	if found < 20 || absent < 20 {
		t.Errorf("%d found and %d absent: the vectors show too little", found, absent)
	}
}

func TestAReducedAnswerIsNoVersionToChange(t *testing.T) {
	g := newRig(t)
	patient, _ := g.child("hospital")
	g.create("hospital", "CareTeam", fmt.Sprintf(
		`{"resourceType":"CareTeam","status":"active","subject":{"reference":"Patient/%s"},"participant":[{"member":{"reference":"%s"}}]}`, patient, g.orgs["home"]))
	path := "/fhir/Patient/" + patient
	a := g.get("home", path).want(t, 200)
	if a.header.Get("ETag") != `W/"1-r"` || strings.Contains(a.body, "2020-05") || !strings.Contains(a.body, "SUBSETTED") ||
		!strings.Contains(a.body, `"versionId":"1-r"`) {
		t.Errorf("the team sees %q %s", a.header.Get("ETag"), a.body)
	}
	if whole := g.get("hospital", path); whole.header.Get("ETag") != `W/"1"` || !strings.Contains(whole.body, "2020-05") {
		t.Errorf("the custodian sees %q %s", whole.header.Get("ETag"), whole.body)
	}
	g.do("hospital", http.MethodPut, path, a.body, "If-Match", a.header.Get("ETag")).want(t, 412)
	g.do("hospital", http.MethodPut, path, a.body).want(t, 422).wantIssue(t, "reduced-body", "Patient.meta.tag")
}

// TestTheCareDirectoryIsOpenAsFarAsTheRecordRefersToIt: a guardian reads, and finds, the
// organisations and staff that a readable resource of the child names, and no others.
func TestTheCareDirectoryIsOpenAsFarAsTheRecordRefersToIt(t *testing.T) {
	file := vectors(t)
	i := slices.IndexFunc(file.Cases, func(c accessCase) bool {
		return c.Expected.Reason == "permit-custody" && strings.Contains(c.Principal.Scopes, "patient/*")
	})
	if i < 0 {
		t.Skip("the file has no guardian with all patient scopes")
	}
	g := prepare(t, file, file.Cases[i])
	open, closed := 0, 0
	for _, ref := range file.Cases[i].Use {
		kind, id, _ := strings.Cut(ref, "/")
		if !auth.CareDirectory(fhir.Type(kind)) {
			continue
		}
		readable := g.get("case", "/fhir/"+ref).status == http.StatusOK
		if found := slices.Contains(g.search("case", "/fhir/"+kind).ids(), ref); found != readable {
			t.Errorf("%s: found is %v, readable is %v", ref, found, readable)
		}
		if got := g.search("case", "/fhir/"+kind+"?_id="+id).ids(); slices.Contains(got, ref) != readable {
			t.Errorf("%s by id: %v, readable is %v", ref, got, readable)
		}
		if readable {
			open++
		} else {
			closed++
		}
	}
	if open == 0 || closed == 0 {
		t.Errorf("%d open and %d closed: the vector shows nothing", open, closed)
	}
}
