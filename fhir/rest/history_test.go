package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// historyOf is a Bundle of type history.
type historyOf struct {
	Type  string
	Total *int
	Link  []struct{ Relation, URL string }
	Entry []struct {
		FullURL  string
		Resource json.RawMessage
		Request  struct{ Method, URL string }
		Response struct{ Status, Etag, LastModified string }
	}
}

func (b historyOf) rows() []string {
	var out []string
	for _, e := range b.Entry {
		out = append(out, fmt.Sprint(e.Request.Method, " ", strings.TrimPrefix(e.FullURL, base+"/"), " ", e.Response.Etag, " ", len(e.Resource) > 0))
	}
	return out
}

func (g *rig) history(as, path string) historyOf {
	g.t.Helper()
	a := g.get(as, path).want(g.t, http.StatusOK).valid(g.t)
	return decode[historyOf](g.t, a.body)
}

// pages follows the next links of a history.
func (g *rig) pages(as, path string) []string {
	g.t.Helper()
	var out []string
	for path != "" {
		b := g.history(as, path)
		out = append(out, b.rows()...)
		path = ""
		for _, l := range b.Link {
			if l.Relation == "next" {
				if path = strings.TrimPrefix(l.URL, "https://fhir.example"); len(b.Entry) == 0 {
					g.t.Error("an empty page has a next one")
				}
			}
		}
	}
	return out
}

func TestAHistoryShowsEveryVersionNewestFirst(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan := g.child("hospital")
	path, body := "/fhir/CarePlan/"+plan, withID(fmt.Sprintf(planBody, patient), plan)
	g.principals["hospital"] = system("hospital", g.orgs["hospital"], "system/CarePlan.cruds system/Patient.s")
	g.advance(time.Hour)
	g.do("hospital", http.MethodPut, path, body).want(t, 200)
	second := g.clock()
	g.advance(time.Hour)
	g.do("hospital", http.MethodDelete, path, "").want(t, 204)
	want := []string{
		"DELETE CarePlan/" + plan + ` W/"3" false`, "PUT CarePlan/" + plan + ` W/"2" true`, "POST CarePlan/" + plan + ` W/"1" true`,
	}
	for name, c := range map[string]struct {
		path string
		want []string
	}{
		"of one resource":      {path + "/_history", want},
		"by pages of one":      {path + "/_history?_count=1", want},
		"of the type":          {"/fhir/CarePlan/_history?_count=2", want},
		"since an instant":     {path + "/_history?_since=" + url.QueryEscape(second.Format(time.RFC3339)), want[:2]},
		"of a year to come":    {"/fhir/_history?_at=2027", []string{want[0], "POST Patient/" + patient + ` W/"1" true`}},
		"at an instant":        {path + "/_history?_at=" + url.QueryEscape(second.Add(time.Minute).Format(time.RFC3339)), want[1:2]},
		"of the whole, by one": {"/fhir/_history?_count=1", append(append([]string{}, want...), "POST Patient/"+patient+` W/"1" true`)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, g.pages("hospital", c.path)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if b := g.history("hospital", path+"/_history?_count=1"); b.Total == nil || *b.Total != 3 || b.Type != "history" {
		t.Errorf("%+v", b)
	}
	first := g.get("hospital", path+"/_history/1").want(t, 200)
	if b := g.history("hospital", path+"/_history"); string(b.Entry[2].Resource) != first.body {
		t.Errorf("the history shows %s, vread %s", b.Entry[2].Resource, first.body)
	}
}

// TestAHistoryShowsWhatAReadOfEachVersionWould: hidden versions are absent and count nowhere.
func TestAHistoryShowsWhatAReadOfEachVersionWould(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan := g.child("hospital")
	path := "/fhir/CarePlan/" + plan
	g.principals["narrow"] = system("hospital", g.orgs["hospital"], "system/CarePlan.rs?status=active")
	draft := withID(strings.Replace(fmt.Sprintf(planBody, patient), `"active"`, `"draft"`, 1), plan)
	g.do("hospital", http.MethodPut, path, draft).want(t, 200)
	g.get("narrow", path+"/_history").want(t, 404)
	g.do("hospital", http.MethodPut, path, withID(fmt.Sprintf(planBody, patient), plan)).want(t, 200)
	want := []string{"PUT CarePlan/" + plan + ` W/"3" true`, "POST CarePlan/" + plan + ` W/"1" true`}
	for _, count := range []string{"1", "2", "9"} {
		for _, of := range []string{path, "/fhir/CarePlan"} {
			if diff := cmp.Diff(want, g.pages("narrow", of+"/_history?_count="+count)); diff != "" {
				t.Errorf("%s by %s: %s", of, count, diff)
			}
		}
	}
	g.get("narrow", path+"/_history/2").want(t, 404)
	if b := g.history("narrow", path+"/_history?_count=1"); *b.Total != 2 {
		t.Errorf("total %d", *b.Total)
	}
	if rows := g.history("other", "/fhir/CarePlan/_history").rows(); len(rows) != 0 {
		t.Errorf("another organisation sees %v", rows)
	}
	g.get("narrow", "/fhir/Patient/_history").want(t, 403).wantIssue(t, "scope-missing", "")
	g.principals["reader"] = system("hospital", g.orgs["hospital"], "system/CarePlan.r")
	g.get("reader", "/fhir/_history").want(t, 403).wantIssue(t, "scope-missing", "")
	g.get("reader", path+"/_history").want(t, 200)
}

func TestAHistoryPageServesItsHolderAlone(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	_, plan := g.child("hospital")
	_ = plan
	g.child("hospital")
	b := g.history("hospital", "/fhir/CarePlan/_history?_count=1")
	link := strings.TrimPrefix(b.Link[1].URL, "https://fhir.example")
	for _, c := range []struct{ as, path string }{
		{"home", link}, {"hospital", strings.Replace(link, "CarePlan", "Patient", 1)}, {"hospital", link[:len(link)-20]},
		{"hospital", strings.Replace(link, "/_history", "", 1)},
	} {
		g.get(c.as, c.path).want(t, 403).wantIssue(t, "link-foreign", "")
	}
	if rows := g.history("hospital", link).rows(); len(rows) != 1 {
		t.Errorf("%v", rows)
	}
}

func TestAReadThatTheClientHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	_, plan := g.child("hospital")
	path := "/fhir/CarePlan/" + plan
	now := g.get("hospital", path)
	modified := now.header.Get("Last-Modified")
	later := g.clock().Add(time.Hour).UTC().Format(http.TimeFormat)
	for name, c := range map[string]struct {
		header []string
		status int
	}{
		"the same ETag":       {[]string{"If-None-Match", `W/"1"`}, 304},
		"one of several":      {[]string{"If-None-Match", `"7", "1"`}, 304},
		"any":                 {[]string{"If-None-Match", `*`}, 304},
		"another ETag":        {[]string{"If-None-Match", `W/"2"`, "If-Modified-Since", later}, 200},
		"not modified since":  {[]string{"If-Modified-Since", modified}, 304},
		"modified since":      {[]string{"If-Modified-Since", g.clock().Add(-time.Hour).UTC().Format(http.TimeFormat)}, 200},
		"a time that is none": {[]string{"If-Modified-Since", "yesterday"}, 200},
	} {
		a := g.get("hospital", path, c.header...)
		if a.status != c.status || (a.body == "") != (c.status == 304) || a.header.Get("ETag") != `W/"1"` {
			t.Errorf("%s: %d %v %q", name, a.status, a.header, a.body)
		}
	}
	g.get("other", path, "If-None-Match", "*").want(t, 404)
	if now.header.Get("Content-Location") != base+"/CarePlan/"+plan+"/_history/1" {
		t.Errorf("Content-Location %q", now.header.Get("Content-Location"))
	}
}

// TestAHistoryIsTheVReadsOfItsVersions holds principals of the vectors to it, for every resource of
// their world and for its types. A Person is found by reading alone.
func TestAHistoryIsTheVReadsOfItsVersions(t *testing.T) {
	t.Parallel()
	file := vectors(t)
	for i, c := range file.Cases {
		if i%8 > 0 || c.Principal.BTG != nil { // the file has many of a kind; an emergency opens no history of a type
			continue
		}
		g := prepare(t, file, c)
		for _, text := range c.With {
			r := decode[struct{ ResourceType, ID string }](t, string(text))
			c.Use = append(c.Use, r.ResourceType+"/"+r.ID)
		}
		slices.Sort(c.Use)
		c.Use = slices.Compact(c.Use)
		shown, closed := map[string][]string{}, map[string]bool{"Person": true}
		for _, ref := range c.Use {
			kind, _, _ := strings.Cut(ref, "/")
			version, history := g.get("case", "/fhir/"+ref+"/_history/1"), g.get("case", "/fhir/"+ref+"/_history")
			if version.status != history.status {
				t.Errorf("%s: %s: vread %d, history %d", c.ID, ref, version.status, history.status)
			}
			closed[kind] = closed[kind] || version.status == http.StatusForbidden
			if version.status != http.StatusOK || history.status != http.StatusOK {
				continue
			}
			b := decode[historyOf](t, history.body)
			if len(b.Entry) != 1 || *b.Total != 1 || string(b.Entry[0].Resource) != version.body {
				t.Errorf("%s: %s: %s is not %s", c.ID, ref, history.body, version.body)
			}
			shown[kind] = append(shown[kind], "POST "+ref+" "+version.header.Get("ETag")+" true")
		}
		for _, ref := range c.Use {
			kind, _, _ := strings.Cut(ref, "/")
			a := g.get("case", "/fhir/"+kind+"/_history")
			if a.status != http.StatusOK || closed[kind] { // the letter s is another one than r
				continue
			}
			got := slices.DeleteFunc(decode[historyOf](t, a.body).rows(), func(row string) bool {
				return !slices.Contains(c.Use, strings.Fields(row)[1]) // the organisations of the rig
			})
			slices.Sort(got)
			slices.Sort(shown[kind])
			if diff := cmp.Diff(shown[kind], got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: %s: %s", c.ID, kind, diff)
			}
			closed[kind] = true
		}
	}
}
