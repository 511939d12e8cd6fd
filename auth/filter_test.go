package auth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// compile compiles the search of a type over all children of the world.
func (w *world) compile(t *testing.T, p auth.Principal, kind fhir.Type) (auth.Filter, auth.Decision) {
	t.Helper()
	a := auth.Action{Interaction: auth.SearchType, Type: kind}
	f := w.facts(p, nil)
	f.Children = w.children(w.patients())
	filter, d, err := auth.Compile(p, a, f, func(c *auth.Child) ([]auth.ResourceFacts, error) {
		return w.heads(c, kind, auth.NeedsAll(p, a)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return filter, d
}

func TestFiltersSayWhatPasses(t *testing.T) {
	kim := map[string][]string{"kim": {"plan"}}
	tag := search.Clause{Param: "_tag", Kind: search.Token, Values: []search.Value{{System: domainSystem, Value: "medisch"}}}
	state := search.Clause{Param: "status", Kind: search.Token, Values: []search.Value{{AnySystem: true, Value: "active"}}}
	patientOf := func(p auth.Principal) auth.Principal {
		p.Patient = refOf("Patient/kim")
		return p
	}
	for name, c := range map[string]struct {
		who  auth.Principal
		kind fhir.Type
		want auth.Filter
		http int
	}{
		"own records and what is shared": {asSystem(t, home), "CarePlan", auth.Filter{Organization: refOf(home), Visible: kim}, 200},
		"no relation, own records alone": {asSystem(t, stranger), "CarePlan", auth.Filter{Organization: refOf(stranger), Visible: map[string][]string{}}, 200},
		"the token's patient alone": {with(t, patientOf(asDoctor(t, home)), "patient/*.rs"), "CarePlan",
			auth.Filter{Organization: refOf(home), Patient: refOf("Patient/kim"), Visible: kim}, 200},
		"granular scopes": {with(t, asSystem(t, home), "system/CarePlan.s?_tag="+domainSystem+"|medisch system/CarePlan.s?status=active"), "CarePlan",
			auth.Filter{Organization: refOf(home), Visible: kim, Scopes: [][]search.Clause{{tag}, {state}}}, 200},
		"conditions on both levels leave other own records out": {with(t, patientOf(asDoctor(t, home)), "patient/*.rs user/CarePlan.rs?status=active"), "CarePlan",
			auth.Filter{Visible: kim}, 200},
		"an open scope of the wider level makes patient/ void": {with(t, patientOf(asDoctor(t, home)), "patient/*.rs user/CarePlan.rs"), "CarePlan",
			auth.Filter{Organization: refOf(home), Visible: kim}, 200},
		"a person":             {asMother(t), "CarePlan", auth.Filter{Patient: refOf("Patient/kim"), Visible: kim}, 200},
		"the directory":        {asSystem(t, home), "Organization", auth.Filter{Directory: true, Visible: map[string][]string{}}, 200},
		"definitions":          {asMother(t), "Questionnaire", auth.Filter{Directory: true, Visible: map[string][]string{}}, 200},
		"nothing in phase A":   {with(t, asSystem(t, home), "system/Goal.s"), "CarePlan", auth.Filter{None: true}, 403},
		"no letter for search": {with(t, asSystem(t, home), "system/CarePlan.r"), "CarePlan", auth.Filter{None: true}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			zoe := strings.NewReplacer(`"id":"plan"`, `"id":"zoes"`, "Patient/kim", "Patient/zoe").Replace(plan("plan", "medisch"))
			w := smallWorld(t, nil, append(family("2020-05-04"), yes(""), strings.Replace(childBorn("2020-05-04"), "kim", "zoe", 1), zoe)...)
			got, d := w.compile(t, c.who, c.kind)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if d.HTTP != c.http {
				t.Errorf("http %d, want %d", d.HTTP, c.http)
			}
		})
	}
}

func TestTheCareDirectoryOfAParentIsWhatTheRecordNames(t *testing.T) {
	w := smallWorld(t, nil, family("2020-05-04")...)
	got, _ := w.compile(t, asMother(t), "Organization")
	want := auth.Filter{Visible: map[string][]string{"_directory": {"home"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFailingStoreGivesNoFilter(t *testing.T) {
	w := smallWorld(t, nil, family("2020-05-04")...)
	p := asSystem(t, home)
	f := w.facts(p, nil)
	f.Children = w.children(w.patients())
	broken := errors.New("disk")
	got, _, err := auth.Compile(p, auth.Action{Interaction: auth.SearchType, Type: "CarePlan"}, f, func(*auth.Child) ([]auth.ResourceFacts, error) {
		return nil, broken
	})
	if !errors.Is(err, broken) || !got.None {
		t.Errorf("filter %+v, error %v", got, err)
	}
}
