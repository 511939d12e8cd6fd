package exchange

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// staffRoles returns as what a member of staff works, and in which part it stands in the teams of the child
// (access.md 8, agent.role); nothing for others.
func (l *logReader) staffRoles(who fhir.Ref) ([]auditConcept, error) {
	if who.Type != "Practitioner" && who.Type != "PractitionerRole" {
		return nil, nil
	}
	if l.staff == nil {
		if err := l.readTeams(); err != nil {
			return nil, err
		}
	}
	return l.staff[who.Current()], nil
}

// readTeams gathers the roles of all who stand in a team of the child.
func (l *logReader) readTeams() error {
	const op = "exchange.log"
	teams, _, err := l.w.v.Compartment(l.child, "CareTeam")
	if err != nil {
		return unavailable(op, "policy-unavailable", err)
	}
	l.staff = map[fhir.Ref][]auditConcept{}
	for _, team := range teams {
		r, err := tree(team)
		if err != nil {
			return err
		}
		for part := range r.Root().All("participant") {
			if err := l.addStaff(part); err != nil {
				return err
			}
		}
	}
	return nil
}

// addStaff notes one participant, by the PractitionerRole and by the Practitioner that it is.
func (l *logReader) addStaff(part fhir.Node) error {
	ref, ok := fhir.ParseRef(part.At("member", "reference").Text())
	if !ok {
		return nil
	}
	ref = ref.Current()
	roles, names := conceptsIn(part, "role"), []fhir.Ref{ref}
	if ref.Type == "PractitionerRole" {
		st, err := l.w.v.Read(ref)
		if err != nil && !missing(err) {
			return unavailable("exchange.log", "policy-unavailable", err)
		}
		if err == nil {
			r, err := tree(st)
			if err != nil {
				return err
			}
			roles = append(conceptsIn(r.Root(), "code"), roles...)
			names = append(names, st.Facts.Refs...)
		}
	}
	for _, name := range names {
		for _, role := range roles {
			same := func(c auditConcept) bool { return c.Coding[0] == role.Coding[0] }
			if !slices.ContainsFunc(l.staff[name], same) {
				l.staff[name] = append(l.staff[name], role)
			}
		}
	}
	return nil
}

// conceptsIn are the codings of a member, each as a concept.
func conceptsIn(n fhir.Node, name string) []auditConcept {
	var out []auditConcept
	for c := range n.All(name, "coding") {
		if system, code := c.Member("system").Text(), c.Member("code").Text(); system != "" && code != "" {
			out = append(out, concept(system, code))
		}
	}
	return out
}
