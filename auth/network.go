package auth

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// networkMust is what of a family's network is withheld from a reader who does not keep its record
// (network.md 5): from who has authority what is tense, from others the family's own judgements, and the names
// of persons that no consent of theirs and no shared task opens; of what others do, a member sees when.
func (q *inquiry) networkMust(c *Child, t *target) obligations {
	if q.p.Role == Helper && t.helpOfOthers() {
		return networkView
	}
	if q.p.Role == ChildRole || !t.ofNetwork() {
		return 0
	}
	self, person := t.Ref.Current(), t.v.standing.person.Current()
	contact := t.isContact()
	switch {
	case contact && t.Ref.Type == "CareTeam":
		return networkContact
	case contact && t.Ref.Type == "RelatedPerson" && c.proposes(self):
		return 0
	case q.p.Role == Guardian && t.Ref.Type == "CareTeam":
		return networkCalm
	case q.p.Role == Guardian:
		return 0
	case q.p.Role == Helper && t.Ref.Type == "RelatedPerson" && (self == person || c.shows(self, person)),
		q.p.Role == Helper && t.Ref.Type == "Observation" && slices.Contains(t.Refs, person),
		!q.role.person && t.Ref.Type == "RelatedPerson" && c.helpsWith(self, q.acts):
		return 0
	}
	return networkView
}

// ofNetwork reports whether the resource tells of a family's network (network.md 3): the network, a person of
// it, or what a person carries.
func (t *target) ofNetwork() bool {
	switch t.Ref.Type {
	case "CareTeam":
		return t.has(systemTeamKind, "netwerk")
	case "Observation":
		return t.has(systemNetworkMeasure, "belasting")
	case "RelatedPerson":
		recorded := slices.ContainsFunc(t.Codings, func(c Coding) bool { return c.System == systemRecord })
		return !recorded && slices.Contains(t.Domains, "sociaal")
	}
	return false
}

// shows reports whether a member of the network lets another one see it.
func (c *Child) shows(member, other fhir.Ref) bool {
	return slices.ContainsFunc(c.consents, func(cn *consent) bool {
		base := &cn.provisions[0]
		return slices.Contains(cn.performers, member) && base.effect == permit &&
			slices.ContainsFunc(base.data, func(d dataRef) bool { return d.meaning == "instance" && d.ref == member }) &&
			slices.ContainsFunc(base.actors, func(a actor) bool { return a.ref == other })
	})
}

// liveTasks are the statuses of a Task that is proposed or holds: no other gives anybody a relation.
var liveTasks = []string{"requested", "received", "accepted", "in-progress", "on-hold"}

// helpPlan is the category of a plan by which somebody of a network helps.
var helpPlan = Coding{System: "http://snomed.info/sct", Code: "243114000"}

// helpIsOver reports whether an agreement of a network was refused or has stopped: organisations see those that
// are live.
func (t *target) helpIsOver() bool {
	switch {
	case isHelp(t.ResourceFacts):
		return !slices.Contains(liveTasks, t.Status)
	case t.isHelpPlan():
		return t.Status != "draft" && t.Status != "active"
	}
	return false
}

// isHelpPlan reports whether the resource is the plan of an agreement of a network.
func (t *target) isHelpPlan() bool {
	return t.Ref.Type == "CarePlan" && slices.Contains(t.Codings, helpPlan) &&
		slices.ContainsFunc(t.Refs, func(r fhir.Ref) bool { return r.Type == "CareTeam" })
}

// helpOfOthers reports whether the resource is an agreement of a network, or its task, in which the user does
// not help.
func (t *target) helpOfOthers() bool {
	return t.isHelpPlan() && !slices.ContainsFunc(t.Doers, t.v.isUser) || isHelp(t.ResourceFacts) && !t.v.isUser(t.Owner)
}

// contactIn is how a network calls the organisation that the family turns to, "" for none.
func contactIn(team fhir.Node) string {
	if !slices.Contains(readCodings(team, "category", "coding"), Coding{System: systemTeamKind, Code: "netwerk"}) {
		return ""
	}
	for ext := range extensions(team, extNetwork+"besluit") {
		for part := range extensions(ext, "organisatie") {
			return plainName(part.Member("valueString").Text())
		}
	}
	return ""
}

// plainName is a name without differences that nobody hears.
func plainName(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// turnsTo reports whether a network turns to the organisation of the principal: it is a member now, and the record
// calls it by the name of the one that the family decided on. What an organisation calls itself proves nothing.
func (t *team) turnsTo(v *view) bool {
	return t.contact != "" && slices.ContainsFunc(t.members, func(m member) bool {
		return m.ref == v.key.organization && m.period.covers(v.now, v.zone, false) && plainName(m.name) == t.contact
	})
}

// isContact reports whether the reader is whom the network turns to in which the resource is kept.
func (t *target) isContact() bool {
	return t.v != nil && !t.Custodian.IsZero() && slices.Contains(t.v.ground.contact, t.Custodian)
}

// IsContact reports whether the organisation of p is whom the family turns to in a network of the child that
// keeper keeps (network.md 5). f holds the child.
func IsContact(p Principal, f Facts, patient, keeper fhir.Ref) bool {
	q := inquiry{p: &p, f: &f}
	c := q.child(patient)
	return c != nil && !keeper.IsZero() && slices.Contains(c.viewOf(&p, &f, false).ground.contact, keeper)
}

// proposes reports whether somebody is proposed to help a person, and has not answered.
func (c *Child) proposes(person fhir.Ref) bool {
	return slices.ContainsFunc(c.tasks, func(k task) bool { return k.help && k.owner == person && slices.Contains(offerStatuses, k.status) })
}

// helpsWith reports whether a person owns a live task of help that somebody takes part in.
func (c *Child) helpsWith(person fhir.Ref, acts func(fhir.Ref) bool) bool {
	return slices.ContainsFunc(c.tasks, func(k task) bool {
		return k.help && k.owner == person && slices.Contains(liveTasks, k.status) && (acts(k.requester) || slices.ContainsFunc(k.guides, acts))
	})
}

// Guided returns the persons of a child's network with whom the organisation of p shares a live task of help: it
// asked for that, or prepares or instructs them. f holds the child.
func Guided(p Principal, f Facts, patient fhir.Ref) []fhir.Ref {
	q := inquiry{p: &p, f: &f}
	c := q.child(patient)
	if c == nil || roles[p.Role].person || p.Organization.IsZero() {
		return nil
	}
	var out []fhir.Ref
	for _, k := range c.tasks {
		if !slices.Contains(out, k.owner) && c.helpsWith(k.owner, q.acts) {
			out = append(out, k.owner)
		}
	}
	return out
}
