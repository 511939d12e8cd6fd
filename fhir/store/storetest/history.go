package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// past reads all pages of a span and returns "id/version" of each row, a deletion with a minus.
func past(t *testing.T, s exchange.Store, span exchange.Span) []string {
	t.Helper()
	var out []string
	view(t, s, func(sn exchange.Snapshot) error {
		for {
			page, err := sn.History(span)
			if err != nil {
				return err
			}
			for _, st := range page.Matches {
				text := fmt.Sprintf("%s/%d", st.Ref.ID, st.Ref.Version)
				if st.Deleted {
					text = "-" + text
				}
				out = append(out, text)
			}
			if span.Cursor = page.Next; page.Next == "" {
				return nil
			}
			if len(page.Matches) != span.Count {
				t.Errorf("a page of %d, want %d", len(page.Matches), span.Count)
			}
		}
	})
	return out
}

func histories(t *testing.T, open Open) {
	s := open(t)
	gone := write("CarePlan", "a", 3, "boris")
	gone.Body, gone.MetaAt = nil, 0
	gone.Facts.Status = "revoked"
	first := put(t, s, write("CarePlan", "a", 1, "boris"))
	put(t, s, write("CarePlan", "b", 1, "boris"), write("CarePlan", "a", 2, "boris"))
	put(t, s, gone, write("Goal", "a", 1, "boris"))
	for _, count := range []int{1, 2, 9} {
		same(t, "instance", past(t, s, exchange.Span{Ref: ref("CarePlan", "a"), Count: count}), []string{"-a/3", "a/2", "a/1"})
	}
	view(t, s, func(sn exchange.Snapshot) error {
		page, err := sn.History(exchange.Span{Ref: ref("CarePlan", "a"), Count: 9})
		if err != nil || len(page.Matches) != 3 {
			t.Fatalf("%v %v", page, err)
		}
		same(t, "version 1", page.Matches[2], stored(write("CarePlan", "a", 1, "boris"), first[0], first[0].Updated))
		if page.Matches[0].Facts.Status != "revoked" {
			t.Errorf("the deletion has the facts %+v", page.Matches[0].Facts)
		}
		for _, absent := range []fhir.Ref{ref("CarePlan", "c"), ref("Basic", "a")} {
			if _, err := sn.History(exchange.Span{Ref: absent, Count: 9}); fhir.KindOf(err) != fhir.NotFound {
				t.Errorf("history of %s: %v", absent, err)
			}
		}
		deleted, err := sn.Deleted("boris", "CarePlan")
		if len(deleted) != 1 || deleted[0].Ref != gone.Ref || err != nil {
			t.Errorf("deleted %v, %v", deleted, err)
		}
		for _, cursor := range []string{"x", "-1", "0"} {
			if _, err := sn.History(exchange.Span{Ref: ref("CarePlan", "a"), Count: 9, Cursor: cursor}); fhir.KindOf(err) != fhir.BadRequest {
				t.Errorf("cursor %q: %v", cursor, err)
			}
		}
		return nil
	})
}

func filteredHistories(t *testing.T, open Open) {
	s := open(t)
	team := write("CareTeam", "ab", 1, "boris")
	team.Compartments = []string{"boris", "sanne"}
	team.Facts.Patients = append(team.Facts.Patients, ref("Patient", "sanne"))
	foreign := write("CarePlan", "x", 1, "sanne")
	foreign.Facts.Custodian = ref("Organization", "ander")
	one := put(t, s, write("CarePlan", "a", 1, "boris"))
	put(t, s, foreign, team)
	two := put(t, s, write("CarePlan", "a", 2, "boris"))
	put(t, s, write("CarePlan", "b", 1, "boris"))
	own := auth.Filter{Organization: ref("Organization", "zh")}
	listed := auth.Filter{Visible: map[string][]string{"sanne": {"x", "ab"}, "boris": {"ab"}}}
	at := one[0].Updated
	for name, c := range map[string]struct {
		span exchange.Span
		want []string
	}{
		"own records":              {exchange.Span{Filters: map[fhir.Type]auth.Filter{"CarePlan": own}}, []string{"b/1", "a/2", "a/1"}},
		"listed":                   {exchange.Span{Filters: map[fhir.Type]auth.Filter{"CarePlan": listed, "CareTeam": listed}}, []string{"ab/1", "x/1"}},
		"of two types":             {exchange.Span{Filters: map[fhir.Type]auth.Filter{"CarePlan": own, "CareTeam": own}}, []string{"b/1", "a/2", "ab/1", "a/1"}},
		"nothing":                  {exchange.Span{Filters: map[fhir.Type]auth.Filter{"CarePlan": {None: true}, "Basic": own}}, nil},
		"everything":               {exchange.Span{Filters: map[fhir.Type]auth.Filter{"CarePlan": {Directory: true}}}, []string{"b/1", "a/2", "x/1", "a/1"}},
		"one patient's":            {exchange.Span{Filters: map[fhir.Type]auth.Filter{"CareTeam": {Organization: own.Organization, Patient: ref("Patient", "boris")}}}, nil},
		"since an instant":         {exchange.Span{Ref: ref("CarePlan", "a"), Since: two[0].Updated}, []string{"a/2"}},
		"what stood at an instant": {exchange.Span{Ref: ref("CarePlan", "a"), At: [2]time.Time{at, at.Add(time.Millisecond)}}, []string{"a/1"}},
		"before anything":          {exchange.Span{Ref: ref("CarePlan", "a"), At: [2]time.Time{at.Add(-time.Hour), at}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.span.Count = 2
			same(t, name, past(t, s, c.span), c.want)
		})
	}
}

func searchReliance(t *testing.T, open Open) {
	s := open(t)
	plan := search.Plan{Type: "CarePlan", Count: 2, Where: []search.Clause{{
		Param: "identifier", Kind: search.Token, Values: []search.Value{{System: "urn:nieuw", Value: "1"}},
	}}}
	bearer := func(id string, version int) exchange.Write {
		w := write("CarePlan", id, version, "boris")
		w.Rows = append(w.Rows, search.Row{Param: "identifier", Kind: search.Token, System: "urn:nieuw", Value: "1"})
		return w
	}
	own := auth.Filter{Organization: ref("Organization", "zh")}
	rely := func(ids ...string) exchange.Unit {
		return exchange.Unit{Relied: []exchange.Reliance{{Sought: &exchange.Sought{Plan: plan, Filter: own, IDs: ids}}}}
	}
	put(t, s, write("CarePlan", "other", 1, "boris"))
	commit(t, s, rely())
	u := rely()
	u.Writes = []exchange.Write{bearer("a", 1)}
	commit(t, s, u)
	u.Writes = []exchange.Write{bearer("b", 1)}
	_, err := s.Commit(context.Background(), u) // the second of two parallel conditional creates
	moved(t, err)
	commit(t, s, rely("a"))
	hidden := bearer("c", 1)
	hidden.Facts.Custodian = ref("Organization", "ander")
	put(t, s, hidden)
	commit(t, s, rely("a"))
	put(t, s, write("CarePlan", "a", 2, "boris"))
	_, err = s.Commit(context.Background(), rely("a"))
	moved(t, err)
}
