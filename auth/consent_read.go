package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// maxProvisionDepth bounds nesting below the base provision, access.md 4.3.
const maxProvisionDepth = 4

// maxGivers is how many different givers one child's Consents can name.
const maxGivers = 63

// consentKind is the special kind of a Consent, access.md 4.1.
type consentKind uint8

const (
	plainConsent consentKind = iota
	impliedConsent
	extensionConsent // Swedish: a guardian reads on between 13 and 15
)

// consent is one privacy Consent of the child, active or withdrawn.
type consent struct {
	ref        fhir.Ref // with version
	keeper     fhir.Ref // organisation that recorded it
	kind       consentKind
	dated      bool
	dateTime   moment
	holders    []fhir.Ref // organization
	hasHolder  bool
	foreign    bool // an organization that cannot be resolved
	performers []fhir.Ref
	unknown    bool  // a performer that cannot be resolved
	anonymous  bool  // no performer at all
	opaque     bool  // holds what is not understood
	end        int64 // of one that was withdrawn: when; 0 for another
	provisions []provision
}

// effect is the type of a provision.
type effect uint8

const (
	neutral effect = iota // no type: neither, but its exceptions count
	permit
	deny
)

// provision is one node of Consent.provision with what it inherits (access.md 4.3).
type provision struct {
	effect effect
	up     int  // index of the provision that holds it, -1 for the base
	alone  bool // a deny with its own actor: needs no match of the provision above it
	opaque bool // holds what is not understood: matches in a deny only

	period     span
	hasActor   bool
	actors     []actor
	actions    []Coding
	purposes   []Coding
	classes    []Coding
	categories []string // extension gegevenscategorie
	domains    []string // of code
	codes      []Coding // of code, other than domains
	labels     []Coding
	hasTime    bool
	time       span // dataPeriod
	data       []dataRef
}

// actor is one recipient.
type actor struct {
	ref           fhir.Ref // literal reference
	system, value string   // identifier, when there is no reference
	form          actorForm
}

type actorForm uint8

const (
	actorUnknown  actorForm = iota // matches in a deny only
	actorRef                       // an organisation, team, practitioner or person
	actorCategory                  // a type of organisation
	actorClient                    // an app: inert in a permit
	actorForeign                   // an identifier of another system: matches in a deny only
)

// dataRef is one Provision.data.
type dataRef struct {
	meaning string
	ref     fhir.Ref // zero: cannot be resolved
}

func (c *Child) readConsent(ref fhir.Ref, n fhir.Node, f ResourceFacts) {
	status := n.Member("status").Text()
	if !isPrivacy(n) || status != "active" && status != "inactive" || refAt(n, "patient") != c.Patient {
		return
	}
	out := &consent{ref: ref, keeper: f.Custodian.Current(), kind: kindOf(n), opaque: opaque(n)}
	out.dateTime, out.dated = parseMoment(n.Member("dateTime").Text())
	for org := range n.All("organization") {
		out.hasHolder = true
		out.holders = append(out.holders, readRef(org))
		out.foreign = out.foreign || readRef(org).IsZero()
	}
	out.anonymous = n.Member("performer").Len() == 0
	for who := range n.All("performer") {
		p := readRef(who)
		out.unknown = out.unknown || p.IsZero()
		if !p.IsZero() {
			out.performers = append(out.performers, p)
		}
	}
	if base := n.Member("provision"); base.Exists() {
		out.read(base, -1, 0)
	} else {
		out.provisions = []provision{{up: -1}}
	}
	out.optOut(n)
	if status == "inactive" {
		out.end = unixNano(f.Updated)
		if !out.opensPlan() {
			return
		}
		c.ended = append(c.ended, out)
	} else {
		c.consents = append(c.consents, out)
	}
	c.look(out, status == "active")
}

// look remembers whom a Consent names, for the Directory; its givers when it stands.
func (c *Child) look(cn *consent, stands bool) {
	for _, who := range cn.performers {
		c.need(who)
		if stands {
			c.giver(who)
		}
	}
	for _, p := range cn.provisions {
		for _, a := range p.actors {
			c.need(a.ref)
		}
	}
}

// optOut makes a base without type a deny when the policy rule says so.
func (c *consent) optOut(n fhir.Node) {
	for _, code := range readCodings(n, "policyRule", "coding") {
		if base := &c.provisions[0]; base.effect == neutral && code.System == systemActCode && code.Code == "OPTOUT" {
			base.effect = deny
		}
	}
}

func kindOf(n fhir.Node) consentKind {
	for _, code := range readCodings(n, "category", "coding") {
		switch code {
		case Coding{System: systemConsentKind, Code: "verondersteld"}:
			return impliedConsent
		case Coding{System: systemSwedishConsent, Code: "utokad-vardnadshavare"}:
			return extensionConsent
		}
	}
	return plainConsent
}

// opaque reports whether n carries what may change its meaning and is not understood.
func opaque(n fhir.Node) bool {
	return n.Member("modifierExtension").Exists() || n.Member("implicitRules").Exists()
}

// giver gives a performer its bit in giver sets.
func (c *Child) giver(ref fhir.Ref) {
	if !slices.Contains(c.givers, ref) && len(c.givers) < maxGivers {
		c.givers = append(c.givers, ref)
	}
}

// effects reads Provision.type.
var effects = map[string]effect{"permit": permit, "deny": deny}

// read adds the provision n and those nested in it.
func (c *consent) read(n fhir.Node, up, depth int) {
	if depth > maxProvisionDepth {
		return
	}
	p := provision{effect: effects[n.Member("type").Text()], up: up, opaque: opaque(n)}
	p.readWho(n)
	p.readWhat(n)
	p.checkCoded(n)
	if up >= 0 {
		above := &c.provisions[up]
		p.alone = p.effect == deny && p.hasActor
		p.inherit(above, n, p.alone)
	}
	i := len(c.provisions)
	c.provisions = append(c.provisions, p)
	for child := range n.All("provision") {
		c.read(child, i, depth+1)
	}
}

func (p *provision) readWho(n fhir.Node) {
	p.period = readSpan(n.Member("period"))
	for a := range n.All("actor") {
		p.hasActor = true
		role := readCodings(a, "role", "coding")
		if slices.Contains(role, Coding{System: systemParticipation, Code: "IRCP"}) {
			p.actors = append(p.actors, readActor(a.Member("reference")))
		}
	}
	p.actions = readCodings(n, "action", "coding")
	p.purposes = readCodings(n, "purpose")
}

func (p *provision) readWhat(n fhir.Node) {
	p.classes = readCodings(n, "class")
	for ext := range extensions(n, extCategories) {
		p.categories = append(p.categories, fhir.Interned(ext.Member("valueCode").Text()))
	}
	for code := range n.All("code") {
		found := readCodings(code, "coding")
		p.opaque = p.opaque || len(found) == 0 // text alone cannot be matched
		for _, c := range found {
			if c.System == systemDomain {
				p.domains = append(p.domains, c.Code)
			} else {
				p.codes = append(p.codes, c)
			}
		}
	}
	p.labels = readCodings(n, "securityLabel")
	p.hasTime = n.Member("dataPeriod").Exists()
	p.time = readSpan(n.Member("dataPeriod"))
	for d := range n.All("data") {
		p.data = append(p.data, dataRef{meaning: fhir.Interned(d.Member("meaning").Text()), ref: refAt(d, "reference")})
	}
}

// checkCoded makes p opaque when an element is there without a coding: it cannot be matched.
func (p *provision) checkCoded(n fhir.Node) {
	for name, found := range map[string][]Coding{
		"action": p.actions, "purpose": p.purposes, "class": p.classes, "securityLabel": p.labels,
	} {
		p.opaque = p.opaque || n.Member(name).Exists() && len(found) == 0
	}
}

// inherit takes from the provision above what n does not repeat; of a deny with its own actor, the
// period alone.
func (p *provision) inherit(above *provision, n fhir.Node, periodOnly bool) {
	has := func(name string) bool { return n.Member(name).Exists() }
	if !has("period") {
		p.period = above.period
	}
	if periodOnly {
		return
	}
	p.opaque = p.opaque || above.opaque
	if !p.hasActor {
		p.hasActor, p.actors = above.hasActor, above.actors
	}
	if !has("action") {
		p.actions = above.actions
	}
	if !has("purpose") {
		p.purposes = above.purposes
	}
	if !has("class") && len(p.categories) == 0 {
		p.classes, p.categories = above.classes, above.categories
	}
	if !has("code") {
		p.domains, p.codes = above.domains, above.codes
	}
	if !has("securityLabel") {
		p.labels = above.labels
	}
	if !p.hasTime {
		p.hasTime, p.time = above.hasTime, above.time
	}
	if !has("data") {
		p.data = above.data
	}
}

// readActor reads Provision.actor.reference.
func readActor(n fhir.Node) actor {
	if n.Member("reference").Exists() {
		a := actor{ref: readRef(n)}
		if !a.ref.IsZero() {
			a.form = actorRef
		}
		return a
	}
	a := actor{system: fhir.Interned(n.At("identifier", "system").Text()), value: fhir.Interned(n.At("identifier", "value").Text())}
	if n.Member("identifier").Exists() {
		a.form = actorForeign
	}
	switch a.system {
	case systemDutchOrg, systemOrgCategory:
		a.form = actorCategory
	case systemSmartClient:
		a.form = actorClient
	}
	return a
}
