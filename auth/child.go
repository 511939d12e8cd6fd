package auth

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/drieluik/drieluik/fhir"
)

// FactTypes are the resource types that Material holds.
var FactTypes = [...]fhir.Type{"CareTeam", "Consent", "Flag", "Patient", "RelatedPerson", "Task"}

// Child is the compiled policy of one compartment. It is immutable and safe for concurrent use.
type Child struct {
	Patient fhir.Ref
	Epoch   int64

	known        bool // the Patient is in the material
	custodian    fhir.Ref
	managing     fhir.Ref
	byIdentifier string // jurisdiction that the identifiers tell
	birth        birth
	labels       []Label // of the Patient: they hold for the whole compartment
	guardianship []guardianship
	persons      []person
	teams        []team
	tasks        []task
	flags        []flag
	consents     []*consent
	ended        []*consent // withdrawn, of which something is kept: see beforeOf
	givers       []fhir.Ref // bit i of a giver set stands for givers[i]
	needs        []fhir.Ref

	views atomic.Pointer[[]*view] // recently compiled; see viewOf
}

// person is a RelatedPerson of the child.
type person struct {
	ref     fhir.Ref // with version
	keeper  fhir.Ref // organisation that says so
	active  bool
	period  span
	custody []custody // NL
	swedish bool      // vardnadshavare
}

// custody is one gezag extension.
type custody struct {
	kind    string
	period  span
	checked moment
}

// guardianship is a gezag extension of the Patient that an institution holds.
type guardianship struct {
	holders []fhir.Ref
	period  span
}

type team struct {
	ref       fhir.Ref
	custodian fhir.Ref
	active    bool
	period    span
	members   []member
	contact   string // of a family's network: how it calls the organisation that it turns to
}

type member struct {
	ref, onBehalfOf fhir.Ref
	period          span
	coordinator     bool
	name            string // by which the team calls it, "" for none
}

type task struct {
	ref              fhir.Ref
	status           string
	owner, requester fhir.Ref
	help             bool       // of a family's network
	guides           []fhir.Ref // who prepares or instructs the helper
}

type flag struct {
	code   string
	active bool
	period span
}

// NewChild compiles the material of one compartment. What it does not understand permits nothing
// and denies everything.
func NewChild(m Material) *Child {
	c := &Child{Patient: fhir.Ref{Type: "Patient", ID: m.Compartment}, Epoch: m.Epoch}
	for _, s := range m.Resources {
		if s.Resource == nil {
			continue
		}
		ref := s.Facts.Ref
		if ref.IsZero() {
			ref = s.Resource.Ref()
		}
		if read, ok := factReaders[s.Resource.Type()]; ok {
			s.Facts.Custodian.ID = fhir.Interned(s.Facts.Custodian.ID)
			ref.ID = fhir.Interned(ref.ID)
			read(c, ref, s.Resource.Root(), s.Facts)
		}
	}
	c.sort()
	c.fit()
	return c
}

// fit leaves the lists no room for more: a child is kept.
func (c *Child) fit() {
	c.persons, c.teams, c.tasks, c.flags = slices.Clone(c.persons), slices.Clone(c.teams), slices.Clone(c.tasks), slices.Clone(c.flags)
	c.consents, c.ended, c.givers, c.needs = slices.Clone(c.consents), slices.Clone(c.ended), slices.Clone(c.givers), slices.Clone(c.needs)
	for i := range c.persons {
		c.persons[i].custody = slices.Clone(c.persons[i].custody)
	}
	for i := range c.teams {
		c.teams[i].members = slices.Clone(c.teams[i].members)
	}
	for _, cn := range append(slices.Clip(c.consents), c.ended...) {
		cn.provisions = slices.Clone(cn.provisions)
	}
}

// factReaders take one resource into the child.
var factReaders = map[fhir.Type]func(*Child, fhir.Ref, fhir.Node, ResourceFacts){
	"Patient":       (*Child).readPatient,
	"RelatedPerson": (*Child).readPerson,
	"CareTeam":      (*Child).readTeam,
	"Task":          (*Child).readTask,
	"Flag":          (*Child).readFlag,
	"Consent":       (*Child).readConsent,
}

func (c *Child) readPatient(ref fhir.Ref, n fhir.Node, f ResourceFacts) {
	if ref.ID != c.Patient.ID {
		return
	}
	c.known = true
	c.custodian = f.Custodian.Current()
	c.managing = refAt(n, "managingOrganization")
	c.birth = readBirth(n.Member("birthDate"))
	for _, l := range labels(n) {
		if l.System == systemAccessLabel || l.System == systemSwedishLabel {
			c.labels = append(c.labels, l)
		}
	}
	for id := range n.All("identifier") {
		for _, row := range identifierJurisdictions {
			if c.byIdentifier == "" && strings.Contains(id.Member("system").Text(), row.part) {
				c.byIdentifier = row.jurisdiction
			}
		}
	}
	for ext := range extensions(n, extCustody) {
		if g := readGuardianship(ext); len(g.holders) > 0 {
			c.guardianship = append(c.guardianship, g)
		}
	}
	c.need(c.managing)
	for _, l := range c.labels {
		for _, b := range l.Barred {
			c.need(b)
		}
	}
}

func readGuardianship(ext fhir.Node) guardianship {
	var g guardianship
	voogdij := false
	for part := range ext.All("extension") {
		switch part.Member("url").Text() {
		case "type":
			voogdij = part.Member("valueCode").Text() == "Voogdij"
		case "period":
			g.period = readSpan(part.Member("valuePeriod"))
		case "houder":
			if ref := refAt(part, "valueReference"); ref.Type == "Organization" {
				g.holders = append(g.holders, ref)
			}
		}
	}
	if !voogdij {
		return guardianship{}
	}
	return g
}

func (c *Child) readPerson(ref fhir.Ref, n fhir.Node, f ResourceFacts) {
	if refAt(n, "patient") != c.Patient {
		return
	}
	p := person{ref: ref, keeper: f.Custodian.Current(), active: n.Member("active").Text() == "true", period: readSpan(n.Member("period"))}
	for ext := range extensions(n, extCustody) {
		p.custody = append(p.custody, readCustody(ext))
	}
	p.swedish = slices.Contains(readCodings(n, "relationship", "coding"), Coding{System: systemRepresentative, Code: "vardnadshavare"})
	c.persons = append(c.persons, p)
}

func readCustody(ext fhir.Node) custody {
	var out custody
	for part := range ext.All("extension") {
		switch part.Member("url").Text() {
		case "type":
			out.kind = fhir.Interned(part.Member("valueCode").Text())
		case "period":
			out.period = readSpan(part.Member("valuePeriod"))
		case "gecontroleerdOp":
			if m, ok := parseMoment(part.Member("valueDate").Text()); ok {
				out.checked = m
			}
		}
	}
	return out
}

func (c *Child) readTeam(ref fhir.Ref, n fhir.Node, f ResourceFacts) {
	if refAt(n, "subject") != c.Patient {
		return
	}
	t := team{
		ref: ref, custodian: f.Custodian.Current(),
		active: n.Member("status").Text() == "active", period: readSpan(n.Member("period")), contact: contactIn(n),
	}
	for part := range n.All("participant") {
		m := member{ref: refAt(part, "member"), onBehalfOf: refAt(part, "onBehalfOf"), period: readSpan(part.Member("period"))}
		m.name = fhir.Interned(part.At("member", "display").Text())
		for _, role := range readCodings(part, "role", "coding") {
			if slices.Contains(coordinatorRoles, role.Code) {
				m.coordinator = true
			}
		}
		t.members = append(t.members, m)
		c.need(m.ref)
		c.need(m.onBehalfOf)
	}
	c.teams = append(c.teams, t)
}

// coordinatorRoles may update the plans of a child, access.md 5.
var coordinatorRoles = []string{"zorgcoordinator", "samordnare", "samverkansansvarig"}

func (c *Child) readTask(ref fhir.Ref, n fhir.Node, _ ResourceFacts) {
	if refAt(n, "for") != c.Patient {
		return
	}
	status := fhir.Interned(n.Member("status").Text())
	if !slices.Contains(liveTasks, status) {
		return // it gives nobody a relation any more
	}
	t := task{ref: ref, status: status, owner: refAt(n, "owner"), requester: refAt(n, "requester")}
	t.help = slices.Contains(readCodings(n, "code", "coding"), Coding{System: systemNetworkTask, Code: "hulp"})
	for ext := range n.All("extension") {
		t.guides = append(append(t.guides, refsAt(ext, "valueReference")...), refsAt(ext, "extension", "valueReference")...)
	}
	c.need(t.owner)
	c.need(t.requester)
	c.tasks = append(c.tasks, t)
}

func (c *Child) readFlag(_ fhir.Ref, n fhir.Node, _ ResourceFacts) {
	if refAt(n, "subject") != c.Patient {
		return
	}
	for _, code := range readCodings(n, "code", "coding") {
		if code.System == systemAccessFlag {
			c.flags = append(c.flags, flag{
				code: code.Code, active: n.Member("status").Text() == "active", period: readSpan(n.Member("period")),
			})
		}
	}
}

// DirectoryNeeds returns the Organizations, PractitionerRoles and Persons that a Directory should
// hold to judge this child. What is missing permits nothing and denies everything.
func (c *Child) DirectoryNeeds() []fhir.Ref { return slices.Clone(c.needs) }

// Known reports whether the store holds the child's Patient.
func (c *Child) Known() bool { return c.known }

// Custodian returns the organisation that keeps the child's Patient; zero for a stub.
func (c *Child) Custodian() fhir.Ref { return c.custodian }

// need remembers a reference that the Directory can resolve.
func (c *Child) need(ref fhir.Ref) {
	if ref.Type == "Organization" || ref.Type == "PractitionerRole" || ref.Type == "Person" {
		if !slices.Contains(c.needs, ref) {
			c.needs = append(c.needs, ref)
		}
	}
}

// sort orders what was read by id, so that the order in the material means nothing.
func (c *Child) sort() {
	slices.SortFunc(c.persons, func(a, b person) int { return compareRefs(a.ref, b.ref) })
	slices.SortFunc(c.teams, func(a, b team) int { return compareRefs(a.ref, b.ref) })
	slices.SortFunc(c.tasks, func(a, b task) int { return compareRefs(a.ref, b.ref) })
	slices.SortFunc(c.consents, func(a, b *consent) int { return compareRefs(a.ref, b.ref) })
	slices.SortFunc(c.ended, func(a, b *consent) int { return compareRefs(a.ref, b.ref) })
	slices.SortFunc(c.needs, compareRefs)
}

// extensions yields the extensions of n with the url.
func extensions(n fhir.Node, url string) func(yield func(fhir.Node) bool) {
	return func(yield func(fhir.Node) bool) {
		for ext := range n.All("extension") {
			if ext.Member("url").Text() == url && !yield(ext) {
				return
			}
		}
	}
}
