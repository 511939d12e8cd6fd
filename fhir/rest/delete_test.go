package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func withID(body, id string) string { return strings.Replace(body, "{", `{"id":"`+id+`",`, 1) }

func TestADeletedResourceIsGoneForWhoSawItAndComesBack(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan := g.child("hospital")
	path, body := "/fhir/CarePlan/"+plan, withID(fmt.Sprintf(planBody, patient), plan)
	g.do("hospital", http.MethodDelete, path, "", "If-Match", `W/"2"`).want(t, 412).wantIssue(t, "version-moved", "")
	a := g.do("hospital", http.MethodDelete, path, "", "If-Match", `W/"1"`).want(t, 204)
	if a.body != "" || a.header.Get("ETag") != `W/"2"` {
		t.Errorf("deletion answered %q, ETag %q", a.body, a.header.Get("ETag"))
	}
	g.get("hospital", path).want(t, 410).wantIssue(t, "deleted", "")
	g.get("hospital", path+"/_history/2").want(t, 410)
	g.get("hospital", path+"/_history/1").want(t, 200)
	g.get("other", path).want(t, 404)
	g.get("other", path+"/_history/2").want(t, 404)
	if found := g.search("hospital", "/fhir/CarePlan?patient="+patient); len(found.Entry) != 0 {
		t.Errorf("found %v", found.ids())
	}
	before := g.position()
	g.do("hospital", http.MethodDelete, path, "").want(t, 204)
	g.do("other", http.MethodDelete, path, "").want(t, 404)
	g.principals["updater"] = system("updater", g.orgs["hospital"], "system/*.rud")
	g.do("updater", http.MethodPut, path, body).want(t, 404)
	g.do("other", http.MethodPut, path, body).want(t, 404)
	if diff := cmp.Diff(before, g.position()); diff != "" {
		t.Error(diff)
	}
	back := g.do("hospital", http.MethodPut, path, body).want(t, 201)
	if back.header.Get("ETag") != `W/"3"` || !strings.HasSuffix(back.header.Get("Location"), "/_history/3") {
		t.Errorf("came back with %v", back.header)
	}
	g.get("hospital", path).want(t, 200)
	g.do("hospital", http.MethodDelete, path, "", "Prefer", "return=OperationOutcome").want(t, 200)
	last := g.events()[len(g.events())-1]
	for _, e := range g.eventsOf(patient) {
		if e.Action == "D" && e.Outcome == "0" {
			last = e
		}
	}
	if last.Subtype[0].Code != "delete" {
		t.Errorf("the log says %+v", last)
	}
}

func TestWhatOthersReferToIsNotDeletedAlone(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _ := g.child("hospital")
	goal := g.create("hospital", "Goal", fmt.Sprintf(`{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"x"},"subject":{"reference":"Patient/%s"}}`, patient))
	plan := g.create("hospital", "CarePlan", strings.Replace(fmt.Sprintf(planBody, patient), `"title"`, `"goal":[{"reference":"Goal/`+goal+`"}],"title"`, 1))
	before := g.position()
	g.do("hospital", http.MethodDelete, "/fhir/Goal/"+goal, "").want(t, 409).wantIssue(t, "still-referenced", "")
	if diff := cmp.Diff(before, g.position()); diff != "" {
		t.Error(diff)
	}
	both := transaction(
		`{"request":{"method":"DELETE","url":"Goal/`+goal+`"}}`, `{"request":{"method":"DELETE","url":"CarePlan/`+plan+`"}}`)
	g.do("hospital", http.MethodPost, "/fhir", both).want(t, 200)
	g.get("hospital", "/fhir/Goal/"+goal).want(t, 410)

	t.Run("a hidden referrer says nothing", func(t *testing.T) {
		goal := g.create("hospital", "Goal", fmt.Sprintf(`{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"x"},"subject":{"reference":"Patient/%s"}}`, patient))
		g.create("other", "CarePlan", strings.Replace(fmt.Sprintf(planBody, patient), `"title"`, `"goal":[{"reference":"Goal/`+goal+`"}],"title"`, 1))
		g.do("hospital", http.MethodDelete, "/fhir/Goal/"+goal, "").want(t, 204)
	})
}

func TestAClientOfAnOrganisationMayChooseAnID(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, hidden := g.child("hospital")
	body := func(id string) string { return withID(fmt.Sprintf(planBody, patient), id) }
	a := g.do("hospital", http.MethodPut, "/fhir/CarePlan/own-id", body("own-id")).want(t, 201)
	if a.header.Get("Location") != base+"/CarePlan/own-id/_history/1" || a.header.Get("ETag") != `W/"1"` {
		t.Errorf("answered %v", a.header)
	}
	g.do("hospital", http.MethodPut, "/fhir/CarePlan/own-id", body("own-id")).want(t, 200)
	before := g.position()
	g.do("other", http.MethodPut, "/fhir/CarePlan/"+hidden, body(hidden)).want(t, 404)
	g.principals["updater"] = system("updater", g.orgs["hospital"], "system/*.rud")
	g.do("updater", http.MethodPut, "/fhir/CarePlan/free", body("free")).want(t, 404)
	g.do("hospital", http.MethodPut, "/fhir/CarePlan/free", body("free"), "If-Match", `W/"1"`).want(t, 412)
	g.do("hospital", http.MethodPut, "/fhir/CarePlan/free", strings.Replace(body("free"), "active", "actief", 1)).want(t, 422)
	if diff := cmp.Diff(before, g.position()); diff != "" {
		t.Error(diff)
	}
}

// TestIDsCannotBeGuessedForever: a client that may choose ids is told of twenty that are taken in an hour.
func TestIDsCannotBeGuessedForever(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, hidden := g.child("hospital")
	mine := g.create("other", "CarePlan", fmt.Sprintf(planBody, patient))
	put := func(id string) answer {
		return g.do("other", http.MethodPut, "/fhir/CarePlan/"+id, withID(fmt.Sprintf(planBody, patient), id))
	}
	for range 20 {
		put(hidden).want(t, 404)
	}
	before := g.position()
	taken, free := put(hidden).want(t, 429), put("free").want(t, 429)
	if taken.body != free.body || taken.header.Get("Retry-After") == "" {
		t.Errorf("taken: %s; free: %s", taken.body, free.body)
	}
	put(mine).want(t, 200)
	g.do("hospital", http.MethodPut, "/fhir/CarePlan/by-hospital", withID(fmt.Sprintf(planBody, patient), "by-hospital")).want(t, 201)
	if len(g.position().Notices) != len(before.Notices)+2 {
		t.Error("a refused update was stored")
	}
	g.advance(time.Hour)
	put("free").want(t, 201)
	put(hidden).want(t, 404)
}
