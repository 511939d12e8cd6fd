package smart

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"

	"github.com/drieluik/drieluik/fhir"
)

type childView struct {
	Ixn, CSRF, App string
	Problem        string
	Back           template.URL
	Cards          []childCard
}

// childCard is one radio. It shows no identifier and no address.
type childCard struct {
	Value, Name, Born, Organization, Notice string
	Checked                                 bool
}

// child lets the user choose a child.
func (s *Server) child(v *visit) error {
	f, err := s.flow(v)
	if err != nil {
		return err
	}
	if f.client == nil {
		return late()
	}
	if f.session == nil {
		return f.toLogin(v)
	}
	if f.Staff || f.Launch != nil { // nothing to choose
		return v.seeOther(f.next(f.id))
	}
	children, err := s.children(v, f)
	if err != nil {
		return err
	}
	if v.r.Method != http.MethodPost {
		return s.showChildren(v, f, children, "")
	}
	if !v.sameForm(f.session.secret, f.id.Reveal(), "child") {
		return forged()
	}
	chosen := findChild(children, refOf(v.value("child")))
	if chosen == nil {
		return s.showChildren(v, f, children, "child.none")
	}
	f.Child = chosen.Patient.Current().String()
	return s.advance(v, f)
}

// children asks for the user's children. Without any there is nothing to go on with.
func (s *Server) children(v *visit, f *flow) ([]ChildChoice, error) {
	children, err := s.family.Children(v.ctx(), f.session.who.user())
	if err != nil {
		return nil, unavailable("smart.children", err)
	}
	if len(children) == 0 {
		return nil, &pageFault{status: http.StatusForbidden, text: "nochild", back: s.denied(f.interaction), app: f.client.appName(v.lang)}
	}
	return children, nil
}

func findChild(children []ChildChoice, patient fhir.Ref) *ChildChoice {
	i := slices.IndexFunc(children, func(c ChildChoice) bool {
		return !patient.IsZero() && c.Patient.Current() == patient.Current()
	})
	if i < 0 {
		return nil
	}
	return &children[i]
}

func (s *Server) showChildren(v *visit, f *flow, children []ChildChoice, problem string) error {
	view := childView{
		Ixn: f.id.Reveal(), CSRF: csrfField(f.session.secret, f.id.Reveal(), "child"), App: f.client.appName(v.lang),
		Problem: problem, Back: appURL(s.denied(f.interaction)),
	}
	for _, c := range children {
		card := childCard{Value: c.Patient.Current().String(), Name: c.GivenName, Organization: c.Organization, Checked: len(children) == 1}
		if c.BirthYear > 0 {
			card.Born = v.t("child.born", "year", strconv.Itoa(c.BirthYear))
		}
		if c.DecidesToo {
			card.Notice = v.t("age12", "child", c.GivenName)
		}
		view.Cards = append(view.Cards, card)
	}
	return s.show(v, http.StatusOK, screen{Page: "child", Title: "child.title", App: view.App, Login: f.session.who.Login, Switch: true, Body: view})
}
