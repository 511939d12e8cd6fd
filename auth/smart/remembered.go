package smart

import (
	"net/http"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// confirmView is the short page of a request that the user permitted before.
type confirmView struct {
	Ixn, CSRF, App, Org, Child, Until string
	What                              []string
}

// remembered returns a live grant that covers all that is asked now: same app, user and child. nil
// when there is none.
func (s *Server) remembered(v *visit, f *flow, chosen *ChildChoice, o *offer) (*grantRecord, error) {
	if f.Again || v.value("choose") != "" {
		return nil, nil
	}
	list, err := s.given(v, f.session)
	if err != nil {
		return nil, err
	}
	for _, given := range list {
		if given.ClientID != f.Client || given.Patient.Current() != chosen.Patient.Current() {
			continue
		}
		before, err := auth.ParseScopes(strings.Join(given.Scopes, " "))
		if err != nil {
			return nil, err
		}
		if o.all.SubsetOf(before) && o.wordsWithin(given.grant) {
			return given.grant, nil
		}
	}
	return nil, nil
}

// wordsWithin reports whether a grant has every word that is asked. Who has offline use needs no
// online use.
func (o *offer) wordsWithin(g *grantRecord) bool {
	return !slices.ContainsFunc(o.items, func(i offerItem) bool {
		spared := i.token == "online_access" && o.has("offline_access")
		return i.word && !spared && !hasScope(g.Scopes, i.token)
	})
}

// again is the choice of an earlier grant, to be made once more.
func again(g *grantRecord) ticks {
	t := ticks{duration: durationKept, until: g.End}
	if g.Session != "" {
		t.duration = durationOnce
	}
	return t
}

// confirm shows the short page, never nothing: a parent is always asked (SMART-113).
func (s *Server) confirm(v *visit, f *flow, o *offer, chosen *ChildChoice, g *grantRecord) error {
	view := confirmView{
		Ixn: f.id.Reveal(), CSRF: csrfField(f.session.secret, f.id.Reveal(), "confirm"), App: f.client.appName(v.lang),
		Org: f.client.organizationText(), Child: chosen.GivenName, Until: dayText(v.lang, g.End),
	}
	for _, row := range groups() {
		if kinds := within(row, func(k fhir.Type) bool { return reads(o.all, k) }); len(kinds) > 0 {
			view.What = append(view.What, groupLabel(v, row, kinds))
		}
		if kinds := within(row, func(k fhir.Type) bool { return changes(o.all, k) }); len(kinds) > 0 {
			view.What = append(view.What, v.t("write")+" "+typeList(v, kinds))
		}
	}
	return s.show(v, http.StatusOK, screen{Page: "confirm", Title: "consent.title", App: view.App, Login: f.session.who.Login, Switch: true, Body: view})
}
