package auth

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// maxViews bounds the views that one child keeps.
const maxViews = 16

// viewKey is all that a view depends on beside the child and the interval.
type viewKey struct {
	caller
	role      Role
	client    string
	purpose   string
	disclose  bool
	settings  Settings
	directory *Directory
}

// view is the policy of one child compiled for one principal: relation, representation and the
// Consents that concern it. It holds from low up to high.
type view struct {
	key       viewKey
	low, high int64

	now    int64
	zone   *time.Location
	today  day
	policy *policy
	known  bool // jurisdiction and table are known
	mature bool // Flag mognad-atkomst
	sealed bool // Flag osl-12-3

	ground   ground
	standing standing
	rulings  []ruling
	before   *view // by what stood before, of the plans that an organisation took part in; nil: nothing
}

// viewOf returns the view of c for a principal at an instant, compiled or kept. Keeping changes no
// answer: a view is a function of its key, the child and the interval.
func (c *Child) viewOf(p *Principal, f *Facts, disclose bool) *view {
	now := unixNano(f.Now)
	key := viewKey{
		caller: p.caller(), role: p.Role, client: p.Client, purpose: p.Purpose,
		disclose: disclose, settings: f.Settings, directory: f.Directory,
	}
	var kept []*view
	if list := c.views.Load(); list != nil {
		kept = *list
	}
	for _, v := range kept {
		if v.low <= now && now < v.high && v.key == key {
			return v
		}
	}
	v := c.compile(key, now)
	start := max(0, len(kept)-maxViews+1)
	next := append(slices.Clone(kept[start:]), v)
	c.views.Store(&next) // a lost race costs a compilation
	return v
}

// compile makes the view of c for a key at an instant.
func (c *Child) compile(key viewKey, now int64) *view {
	v := &view{key: key, now: now, policy: &noPolicy}
	jurisdiction := c.jurisdiction(key.directory, key.settings)
	v.zone, v.known = zones()[jurisdiction]
	if !v.known {
		v.zone = zones()["nl"]
	}
	v.today = dayOf(now, v.zone)
	if v.known {
		v.policy, v.known = key.settings.policies().on(jurisdiction, v.today)
	}
	w := c.window(now, v.zone, key.settings.policies())
	v.low, v.high = w.low, w.high
	v.mature = c.flagged(v, "mognad-atkomst", false)
	v.sealed = c.flagged(v, "osl-12-3", true)
	v.ground = c.groundOf(v)
	self := c.selfOf(v)
	v.rulings = c.rulingsFor(v)
	v.before = c.beforeOf(v)
	v.standing = c.standingOf(v, self, jurisdiction)
	return v
}

// jurisdiction returns that of the child, access.md 2.2.
func (c *Child) jurisdiction(d *Directory, s Settings) string {
	if j, ok := jurisdictions[d.country(c.managing)]; ok {
		return j
	}
	if c.byIdentifier != "" {
		return c.byIdentifier
	}
	if s.Jurisdiction == "" {
		return "nl"
	}
	return s.Jurisdiction
}

// flagged reports whether an access flag stands; loose takes a broken period for standing.
func (c *Child) flagged(v *view, code string, loose bool) bool {
	return slices.ContainsFunc(c.flags, func(f flag) bool {
		return f.code == code && f.active && f.period.covers(v.now, v.zone, loose)
	})
}

// ground is the relation of an organisation to a child, access.md 3.1.
type ground struct {
	team  []fhir.Ref // CareTeams of which it is a current participant, with versions
	tasks []fhir.Ref // Tasks that give a relation
	offer []fhir.Ref // Tasks offered to it
	lead  bool       // it is a coordinator in a current team

	contact []fhir.Ref // who keeps a network of the child that turns to it

	circle []fhir.Ref // CareTeams of which a person is a current participant: for denies alone
	teams  []fhir.Ref // all CareTeams of the child
}

// refs returns what carries the relation.
func (g *ground) refs() []fhir.Ref {
	if len(g.team) > 0 {
		return g.team[:1:1]
	}
	if len(g.tasks) > 0 {
		return g.tasks[:1:1]
	}
	return nil
}

func (g *ground) related() bool { return len(g.team) > 0 || len(g.tasks) > 0 }

// Statuses in which a Task gives its owner or requester a relation, access.md 3.1.
var (
	ownerStatuses     = []string{"accepted", "in-progress", "on-hold"}
	requesterStatuses = []string{"requested", "received", "accepted", "in-progress", "on-hold"}
	offerStatuses     = []string{"requested", "received"}
)

// groundOf finds the relation of an organisation principal. A stub child has no team before its
// first record.
func (c *Child) groundOf(v *view) ground {
	var g ground
	for i := range c.teams {
		g.teams = append(g.teams, c.teams[i].ref)
		g.addTeam(c, &c.teams[i], v)
	}
	if v.key.organization.IsZero() {
		return g
	}
	d := v.key.directory
	for _, t := range c.tasks {
		owner, requester := d.actsFor(t.owner, v.key.caller), d.actsFor(t.requester, v.key.caller)
		switch {
		case owner && slices.Contains(ownerStatuses, t.status), requester && slices.Contains(requesterStatuses, t.status):
			g.tasks = append(g.tasks, t.ref)
		case owner && slices.Contains(offerStatuses, t.status):
			g.offer = append(g.offer, t.ref)
		}
	}
	return g
}

// addTeam adds what a team says of the principal. Nobody makes itself coordinator: beside the child's
// custodian, only who stands so in the team of another leads.
func (g *ground) addTeam(c *Child, t *team, v *view) {
	if !t.active || !t.period.covers(v.now, v.zone, false) {
		return
	}
	stub, org := c.custodian.IsZero(), v.key.organization
	in, circle := false, false
	for _, m := range t.members {
		if !m.period.covers(v.now, v.zone, false) {
			continue
		}
		circle = circle || v.isUser(m.ref)
		if !stub && !org.IsZero() && m.stands(v.key.directory, v.key.caller) {
			in = true
			g.lead = g.lead || m.coordinator && (org == c.custodian || org != t.custodian)
		}
	}
	if in {
		g.team = append(g.team, t.ref)
		if t.turnsTo(v) {
			g.contact = append(g.contact, t.custodian)
		}
	}
	if circle {
		g.circle = append(g.circle, t.ref)
	}
}

// stands reports whether the participant is the user or the organisation, or acts for it.
func (m member) stands(d *Directory, c caller) bool {
	return d.actsFor(m.ref, c) || d.actsFor(m.onBehalfOf, c)
}

// selfOf returns the RelatedPersons of the child that the user is: active, within their period.
func (c *Child) selfOf(v *view) []*person {
	if !roles[v.key.role].person {
		return nil
	}
	var out []*person
	for i := range c.persons {
		p := &c.persons[i]
		if p.active && p.period.covers(v.now, v.zone, false) && v.isUser(p.ref.Current()) {
			out = append(out, p)
		}
	}
	return out
}

// isUser reports whether ref is the user, or a target of the Person that the user is.
func (v *view) isUser(ref fhir.Ref) bool {
	if ref.IsZero() {
		return false
	}
	if ref == v.key.user {
		return true
	}
	links, _ := v.key.directory.links(v.key.user)
	return slices.Contains(links, ref)
}
