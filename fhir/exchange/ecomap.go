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
// one that is no network. It is recorded as a read of the CareTeam before it returns.
func (s *Service) Ecomap(ctx context.Context, c Call, ref fhir.Ref) (ecomap.Network, fhir.Ref, error) {
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
		out, err = o.network(st)
		if fhir.KindOf(err) == fhir.Unprocessable {
			return err, nil
		}
		return nil, err
	})
	return out, version, err
}

// network reads the network of a stored CareTeam as the principal sees it.
func (o *outlook) network(st Stored) (ecomap.Network, error) {
	team, err := tree(st)
	if err != nil {
		return ecomap.Network{}, err
	}
	n, err := ecomap.Read(team, o.member)
	if err != nil {
		return ecomap.Network{}, err
	}
	view, err := o.sight(st)
	if err != nil {
		return ecomap.Network{}, err
	}
	if view.Sight == ecomap.Parent {
		if n.ByParent, err = o.byParent(st); err != nil {
			return ecomap.Network{}, err
		}
	}
	return n.For(view), nil
}

// member finds what a network refers to, and shows as much of it as the principal may see.
func (o *outlook) member(ref fhir.Ref) (ecomap.Found, error) {
	if ref.IsZero() {
		return ecomap.Found{}, nil
	}
	st, err := o.v.Read(ref)
	if missing(err) {
		return ecomap.Found{}, nil
	}
	if err != nil {
		return ecomap.Found{}, unavailable("exchange.member", "policy-unavailable", err)
	}
	stored, err := tree(st)
	if err != nil {
		return ecomap.Found{}, err
	}
	seen, err := o.seen(st)
	if err != nil || seen == nil {
		return ecomap.Found{Stored: stored}, err
	}
	return ecomap.Found{Stored: stored, Shown: seen.Resource}, nil
}

// sight is how the principal sees the network of a child. Who keeps the record has sent it, and knows it
// whole; so does the supporter, who works there.
func (o *outlook) sight(team Stored) (ecomap.View, error) {
	p := o.e.call.Principal
	org := p.Organization
	switch {
	case p.Role == auth.ChildRole:
		return ecomap.View{Sight: ecomap.Whole}, nil
	case p.Role == auth.Guardian:
		return ecomap.View{Sight: ecomap.Parent}, nil
	case p.Role == auth.Helper:
		return ecomap.View{Sight: ecomap.Self, Self: p.FHIRUser.Current()}, nil
	case org.IsZero():
		return ecomap.View{}, nil
	case team.Facts.Custodian == org || team.Facts.Author == org:
		return ecomap.View{Sight: ecomap.Whole}, nil
	}
	named, err := o.named(team)
	return ecomap.View{Sight: ecomap.Outside, Named: named}, err
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

// named are the persons whose name the organisation of the principal sees: those who own a live task of the
// network in which it takes part.
func (o *outlook) named(team Stored) (map[fhir.Ref]bool, error) {
	sides, err := o.sides(team)
	if err != nil {
		return nil, err
	}
	out := map[fhir.Ref]bool{}
	for _, patient := range team.Facts.Patients {
		tasks, _, err := o.v.Compartment(patient.ID, "Task")
		if err != nil {
			return nil, unavailable("exchange.named", "policy-unavailable", err)
		}
		for _, st := range tasks {
			if !slices.ContainsFunc(slices.Concat(st.Facts.Parties, st.Facts.Refs), func(ref fhir.Ref) bool { return sides[ref] }) {
				continue
			}
			r, err := tree(st)
			if err != nil {
				return nil, err
			}
			if ecomap.Live(r) {
				out[st.Facts.Owner] = true
			}
		}
	}
	return out, nil
}

// sides are the Organizations that stand for the one of the principal: itself, and members of the network
// with its number.
func (o *outlook) sides(team Stored) (map[fhir.Ref]bool, error) {
	org := o.e.call.Principal.Organization
	out := map[fhir.Ref]bool{org: true}
	own, err := o.v.Read(org)
	if err != nil {
		if missing(err) {
			err = nil
		}
		return out, err
	}
	number, err := uraOf(own)
	if err != nil || number == "" {
		return out, err
	}
	for _, ref := range team.Facts.Parties {
		if ref.Type != "Organization" {
			continue
		}
		st, err := o.v.Read(ref)
		if missing(err) {
			continue
		}
		if err != nil {
			return nil, unavailable("exchange.sides", "policy-unavailable", err)
		}
		if other, err := uraOf(st); err != nil || other == number {
			out[ref] = err == nil
		}
	}
	return out, nil
}

// uraOf is the URA of an Organization, "" for none.
func uraOf(st Stored) (string, error) {
	r, err := tree(st)
	if err != nil {
		return "", err
	}
	for id := range r.Root().All("identifier") {
		if id.Member("system").Text() == uraSystem {
			return id.Member("value").Text(), nil
		}
	}
	return "", nil
}
