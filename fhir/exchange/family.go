package exchange

import (
	"context"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// ChildView is what a login page shows of a child, and no more.
type ChildView struct {
	Patient      fhir.Ref
	Performer    fhir.Ref // RelatedPerson of the user for this child; the Patient itself for a Patient user
	GivenName    string
	BirthYear    int       // 0: unknown
	Organization string    // name of the custodian; "": unknown
	DecidesToo   bool      // the child is at an age at which its own permission counts
	Until        time.Time // next birthday at which the representation of the child changes; zero: none
}

// kin is one tie of a user to a child.
type kin struct{ patient, performer fhir.Ref }

// shown is the decision under which the pages of the login name a child: relation alone, and no more
// than a minimal view.
var shown = auth.Decision{Permit: true, Reason: "permit-relation", Obligations: []string{"minimal-patient"}}

// Children returns the children for whom a user (RelatedPerson, Person or Patient) may act now.
// A child without authority is absent. Each child that is shown is in the log before it returns.
func (s *Service) Children(ctx context.Context, user fhir.Ref) ([]ChildView, error) {
	const op = "exchange.Children"
	e := s.event(Call{Principal: auth.Principal{FHIRUser: user}, Operation: "children"}, auth.Read, "Patient")
	var out []ChildView
	err := s.store.View(ctx, func(v Snapshot) error {
		w := s.world(v)
		ties, err := w.ties(user)
		if err != nil {
			return err
		}
		for _, tie := range ties {
			role, d, err := w.standing(user, tie.patient)
			if err != nil {
				return err
			}
			if !d.Permit && !waitsForChild[d.Reason] || role == auth.Helper {
				continue
			}
			e.call.Principal.Role = role
			view, patient, err := w.childView(tie)
			if err != nil {
				return err
			}
			e.saw(patient, shown)
			out = append(out, view)
		}
		return nil
	})
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	if err := s.record(ctx, op, e.audits(s)); err != nil {
		return nil, err
	}
	return out, nil
}

// waitsForChild are refusals that the child can lift: the guardian has authority all the same.
var waitsForChild = map[string]bool{"rep-child-permit-missing": true, "rep-extension-missing": true}

// Standing tells what a user is to a child, and whether relation and representation permit reading
// now (access.md 3.1, 3.2).
func (s *Service) Standing(ctx context.Context, user, patient fhir.Ref) (auth.Role, bool, error) {
	var role auth.Role
	allowed := false
	err := s.store.View(ctx, func(v Snapshot) error {
		r, d, err := s.world(v).standing(user, patient)
		role, allowed = r, d.Permit
		return err
	})
	return role, allowed, fhir.Wrap("exchange.Standing", err)
}

// ties finds the children of a user: those of its RelatedPersons, or itself.
func (w *world) ties(user fhir.Ref) ([]kin, error) {
	user = user.Current()
	related := []fhir.Ref{user}
	switch user.Type {
	case "Patient":
		return []kin{{patient: user, performer: user}}, nil
	case "Person":
		st, err := w.v.Read(user)
		if err != nil && !missing(err) {
			return nil, err
		}
		related = st.Facts.Refs
	}
	var out []kin
	for _, ref := range related {
		if ref.Type != "RelatedPerson" {
			continue
		}
		st, err := w.v.Read(ref)
		if err != nil && !missing(err) {
			return nil, err
		}
		for _, patient := range st.Facts.Patients {
			out = append(out, kin{patient: patient.Current(), performer: ref.Current()})
		}
	}
	return out, nil
}

// standing judges a user for a child as phase A would judge its token.
func (w *world) standing(user, patient fhir.Ref) (auth.Role, auth.Decision, error) {
	role, err := w.roleOf(user, patient)
	if err != nil {
		return role, auth.Decision{}, err
	}
	scopes, err := auth.ParseScopes("patient/CarePlan.rs")
	if err != nil {
		return role, auth.Decision{}, err
	}
	p := auth.Principal{
		State: auth.TokenActive, Role: role, Client: "login", FHIRUser: user.Current(), Patient: patient.Current(),
		Scopes: scopes, Purpose: auth.Purposes(role)[0],
	}
	d, err := w.decide(p, auth.Action{Interaction: auth.SearchType, Type: "CarePlan"}, nil)
	return role, d, err
}

// roleOf tells child, guardian and helper apart. A RelatedPerson that ever had custody stays a
// guardian (access.md 1): where the current version has none, the earlier ones are read.
func (w *world) roleOf(user, patient fhir.Ref) (auth.Role, error) {
	if user.Type == "Patient" {
		return auth.ChildRole, nil
	}
	c, err := w.child(patient.ID)
	if err != nil {
		return "", err
	}
	dir, err := w.directory(append(c.DirectoryNeeds(), user.Current()))
	if err != nil {
		return "", err
	}
	if role := auth.RoleOf(user.Current(), c, dir, false); role == auth.Guardian {
		return role, nil
	}
	former, err := w.hadCustody(user, patient)
	return auth.RoleOf(user.Current(), c, dir, former), err
}

// hadCustody looks for a custody fact in earlier versions of the user's RelatedPerson for a child.
func (w *world) hadCustody(user, patient fhir.Ref) (bool, error) {
	ties, err := w.ties(user)
	if err != nil {
		return false, err
	}
	for _, tie := range ties {
		if tie.patient != patient.Current() {
			continue
		}
		st, err := w.v.Read(tie.performer)
		for err == nil && st.Ref.Version > 1 && !st.Facts.Rights {
			st, err = w.v.Read(fhir.Ref{Type: st.Ref.Type, ID: st.Ref.ID, Version: st.Ref.Version - 1})
		}
		if err != nil && !missing(err) {
			return false, err
		}
		if err == nil && st.Facts.Rights {
			return true, nil
		}
	}
	return false, nil
}

// childView reads what a page shows of a child, and the version it is read from.
func (w *world) childView(tie kin) (ChildView, Stored, error) {
	out := ChildView{Patient: tie.patient, Performer: tie.performer}
	c, err := w.child(tie.patient.ID)
	if err != nil {
		return out, Stored{}, err
	}
	st, err := w.v.Read(tie.patient)
	if err != nil {
		return out, st, err
	}
	r, err := tree(st)
	if err != nil {
		return out, st, err
	}
	out.GivenName, out.BirthYear = givenName(r.Root()), birthYear(r.Root())
	dir, err := w.directory(append(c.DirectoryNeeds(), c.Custodian()))
	if err != nil {
		return out, st, err
	}
	if org := w.people.resources[c.Custodian()]; org != nil {
		out.Organization = org.Root().Member("name").Text()
	}
	out.DecidesToo = c.DecidesToo(w.now, w.s.settings, dir)
	out.Until = c.BandEnds(w.now, w.s.settings, dir)
	return out, st, nil
}

// givenName is the name a child is called by: the usual one, else the first given name.
func givenName(patient fhir.Node) string {
	first := ""
	for name := range patient.All("name") {
		given := name.At("given")
		if given.Shape() == fhir.Array {
			for g := range given.Children() {
				given = g
				break
			}
		}
		if name.Member("use").Text() == "usual" && given.Text() != "" {
			return given.Text()
		}
		if first == "" {
			first = given.Text()
		}
	}
	return first
}
