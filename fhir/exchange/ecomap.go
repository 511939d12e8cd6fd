package exchange

import (
	"context"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/ecomap"
)

// Ecomap returns the network of a CareTeam as the principal sees it (network.md 5, 6), and the version it
// was read from. It answers NotFound when the principal may not know the CareTeam, and Unprocessable for
// one that is no network. With loads it says what each member carries, as far as the principal may read that.
// It is recorded as a read of the CareTeam, and of what tells of loads, before it returns.
func (s *Service) Ecomap(ctx context.Context, c Call, ref fhir.Ref, loads bool) (ecomap.Network, fhir.Ref, error) {
	const op = "exchange.Ecomap"
	c.Operation = "ecomap"
	var out ecomap.Network
	var version fhir.Ref
	err := s.look(ctx, op, c, ref, nil, func(o *outlook) (refused, err error) {
		if _, refused, err = o.open(ref); refused != nil || err != nil {
			return refused, err
		}
		st, err := o.v.Read(ref.Current())
		if err != nil {
			return nil, unavailable(op, "policy-unavailable", err)
		}
		version = st.Ref
		out, err = o.network(st, loads)
		if fhir.KindOf(err) == fhir.Unprocessable {
			return err, nil
		}
		return nil, err
	})
	return out, version, err
}

// network reads the network of a stored CareTeam as the principal sees it.
func (o *outlook) network(st Stored, loads bool) (ecomap.Network, error) {
	team, err := tree(st)
	if err != nil {
		return ecomap.Network{}, err
	}
	n, err := ecomap.Read(team, o.member)
	if err != nil {
		return ecomap.Network{}, err
	}
	if loads {
		if err := o.loads(st, n.Members); err != nil {
			return ecomap.Network{}, err
		}
	}
	view := o.sight(st)
	if view.Sight == ecomap.Parent {
		if n.ByParent, err = o.byParent(st); err != nil {
			return ecomap.Network{}, err
		}
	}
	return n.For(view), nil
}

// member finds what a network refers to. A person of whom the kind alone is shown has no name.
func (o *outlook) member(ref fhir.Ref) (ecomap.Found, error) {
	const op = "exchange.member"
	if ref.IsZero() {
		return ecomap.Found{}, nil
	}
	st, err := o.v.Read(ref)
	if missing(err) {
		return ecomap.Found{}, nil
	}
	if err != nil {
		return ecomap.Found{}, unavailable(op, "policy-unavailable", err)
	}
	out := ecomap.Found{}
	if out.Stored, err = tree(st); err != nil {
		return out, err
	}
	d, err := o.w.decide(o.e.call.Principal, auth.Action{Interaction: auth.Read, Type: ref.Type}, &st.Facts)
	if err != nil || !d.Permit || slices.Contains(d.Obligations, auth.NetworkView) {
		return out, err
	}
	o.e.saw(st, d)
	served, err := o.w.serve(o.e.call.Principal, st, d)
	if err == nil {
		out.Shown, err = served.tree()
	}
	return out, err
}

// sight is how the principal sees the network of a child. Who keeps the record has sent it, and knows it
// whole; so does the supporter, who works there.
func (o *outlook) sight(team Stored) ecomap.View {
	p := o.e.call.Principal
	switch {
	case p.Role == auth.ChildRole, !p.Organization.IsZero() && (team.Facts.Custodian == p.Organization || team.Facts.Author == p.Organization):
		return ecomap.View{Sight: ecomap.Whole}
	case p.Role == auth.Guardian:
		return ecomap.View{Sight: ecomap.Parent}
	case p.Role == auth.Helper:
		return ecomap.View{Sight: ecomap.Self, Self: p.FHIRUser.Current()}
	}
	return ecomap.View{Sight: ecomap.Outside}
}

// byParent reports whether a parent drew the network up, as the newest Provenance of its record says.
func (o *outlook) byParent(team Stored) (bool, error) {
	var newest *auth.ResourceFacts
	for _, patient := range team.Facts.Patients {
		heads, err := o.v.Heads(patient.ID, "Provenance")
		if err != nil {
			return false, unavailable("exchange.byParent", "policy-unavailable", err)
		}
		for i, f := range heads {
			if slices.Contains(f.Refs, team.Ref.Current()) && f.Custodian == team.Facts.Custodian && (newest == nil || f.FiledAt.After(newest.FiledAt)) {
				newest = &heads[i]
			}
		}
	}
	if newest == nil {
		return false, nil
	}
	st, err := o.v.Read(newest.Ref.Current())
	if err != nil {
		return false, unavailable("exchange.byParent", "policy-unavailable", err)
	}
	r, err := tree(st)
	return err == nil && ecomap.DrawnUpBy(r, "ouder"), err
}

// burden is the code of what a member carries (network.md 3).
var burden = auth.Coding{System: fhir.Canonical + "/CodeSystem/netwerk-meting", Code: "belasting"}

// loads gives the members what they carry, as who keeps the network measured it last.
func (o *outlook) loads(team Stored, members []ecomap.Member) error {
	const op = "exchange.loads"
	for _, patient := range team.Facts.Patients {
		heads, err := o.v.Heads(patient.ID, "Observation")
		if err != nil {
			return unavailable(op, "policy-unavailable", err)
		}
		newest := map[fhir.Ref]*auth.ResourceFacts{}
		for i, f := range heads {
			if f.Custodian != team.Facts.Custodian || !slices.Contains(f.Codings, burden) {
				continue
			}
			for _, about := range f.Up {
				if last := newest[about]; last == nil || f.When.After(last.When) || f.When.Equal(last.When) && f.Updated.After(last.Updated) {
					newest[about] = &heads[i]
				}
			}
		}
		for i := range members {
			if f := newest[members[i].Ref]; f != nil {
				if members[i].Load, err = o.load(*f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// load reads what a member carries; 0 for who may not know it.
func (o *outlook) load(facts auth.ResourceFacts) (int, error) {
	found, err := o.member(facts.Ref.Current())
	if err != nil || found.Shown == nil {
		return 0, err
	}
	return ecomap.LoadIn(found.Shown), nil
}
