package netwerk

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// Rules of the way back.
const (
	ruleNoRecord = "NW-BACK-01" // nothing here is a network of this format
	ruleMember   = "NW-BACK-02" // a source-member leads nowhere
	ruleMany     = "NW-BACK-03" // more than is read at once
)

// maxRecords bounds the networks that one call reads.
const maxRecords = 100

// Back rebuilds the source document of every network among the resources: one document, or a JSON array
// in the order of their CareTeams. A document whose form is broken is refused with the rule and the pointer
// of Read. A CareTeam that no record of this format made is none.
func (Format) Back(rs []*fhir.Resource, _ mapping.Origin) ([]byte, []fhir.Issue, error) {
	s := rebuild.NewSet(rs, rebuild.Rules{Large: ruleMany, Member: ruleMember})
	var docs [][]byte
	for _, team := range s.All("CareTeam") {
		r, ok := newReturn(s, team)
		if !ok {
			continue
		}
		if len(docs) == maxRecords {
			s.Fail("too-costly", ruleMany, team, "There are more networks than are read at once; send fewer.")
			break
		}
		if docs = append(docs, r.document()); s.Spent() {
			break
		}
	}
	if len(docs) == 0 && !s.Failed() {
		s.Fail("not-found", ruleNoRecord, fhir.Node{}, "There is no network of a record among these resources; send its CareTeam with what belongs to it.")
	}
	text, issues := rebuild.Documents(docs, s.Issues(), func(tree *fhir.Resource) []fhir.Issue {
		d := newDocument(form.Read(tree, &dialect, table))
		if !d.Large() {
			d.formRules()
		}
		return d.Issues()
	})
	return text, issues, nil
}

// way is one network on its way back.
type way struct {
	*rebuild.Set
	team, patient, provenance fhir.Node
	ura, record               string
	named                     map[string]fhir.Node // parts of the record, by key
	keys                      map[string]string    // ids of members by reference
	tasks                     []fhir.Node          // in the order of the record
}

// newReturn gathers what belongs to a network; false for a CareTeam that no record made.
func newReturn(s *rebuild.Set, team fhir.Node) (*way, bool) {
	w := &way{Set: s, team: team, named: map[string]fhir.Node{}, keys: map[string]string{}}
	for id := range team.All("identifier") {
		if ura, ok := strings.CutPrefix(id.Member("system").Text(), systemOfSource); ok && w.record == "" {
			w.ura, w.record = ura, id.Member("value").Text()
		}
	}
	if w.record == "" || !rebuild.Has(team.Member("category"), "careteam-soort", "netwerk") {
		return nil, false
	}
	for _, t := range []fhir.Type{"RelatedPerson", "Organization", "Consent", "Observation", "CarePlan", "Task"} {
		for _, n := range s.All(t) {
			w.name(n)
		}
	}
	slices.SortStableFunc(w.tasks, func(a, b fhir.Node) int { return cmp.Compare(index(a), index(b)) })
	for p := range team.All("participant") {
		w.nameMember(p.Member("member"))
	}
	w.patient = s.Get(team.Member("subject"))
	w.provenance = w.told()
	return w, s.Spend(team)
}

// name takes in a resource under what the record calls it.
func (w *way) name(n fhir.Node) {
	for id := range n.All("identifier") {
		key, ok := strings.CutPrefix(id.Member("value").Text(), w.record+"#")
		if !ok || id.Member("system").Text() != systemOfSource+w.ura {
			continue
		}
		if _, twice := w.named[key]; twice || !w.Spend(n) {
			return
		}
		w.named[key] = n
		w.keys[n.Resource().Ref().String()] = key
		if strings.HasPrefix(key, "taak-") && n.Resource().Type() == "Task" {
			w.tasks = append(w.tasks, n)
		}
	}
}

// nameMember takes in an organisation that others keep, under what the reference to it says.
func (w *way) nameMember(ref fhir.Node) {
	key, ok := strings.CutPrefix(ref.At("identifier", "value").Text(), w.record+"#")
	if !ok || ref.At("identifier", "system").Text() != systemOfSource+w.ura {
		return
	}
	w.keys[ref.Member("reference").Text()] = key
	if _, known := w.named[key]; !known {
		w.named[key] = w.Get(ref)
	}
}

// told is the Provenance of this version of the record, else the first one of the record.
func (w *way) told() fhir.Node {
	id := mapping.UUID("netwerk/" + w.ura + "/" + w.record + "/Provenance/" + rebuild.Ext(w.team, "source-version").Text())
	if n := w.Read(fhir.Ref{Type: "Provenance", ID: id}); n.Exists() {
		return n
	}
	for _, n := range w.All("Provenance") {
		what := n.At("entity", "what", "identifier")
		if what.Member("system").Text() == systemOfSource+w.ura && what.Member("value").Text() == w.record {
			return n
		}
	}
	return fhir.Node{}
}

// index is the place of an agreement in its record.
func index(task fhir.Node) int {
	n, err := strconv.Atoi(rebuild.Ext(task, "source-index").Text())
	if err != nil {
		return math.MaxInt
	}
	return n
}

// key is what the record calls what a reference names.
func (w *way) key(ref fhir.Node) *rebuild.Value {
	return rebuild.String(w.keys[ref.Member("reference").Text()])
}

// document is the whole record.
func (w *way) document() []byte {
	t, m := w.team, rebuild.M
	decision := rebuild.Extension(t, "netwerk-besluit")
	part := func(name string) *rebuild.Value { return rebuild.Text(rebuild.Part(decision, name)) }
	author, custodian := w.agent("author"), w.agent("custodian")
	doc := rebuild.Object(
		m("schema", rebuild.String(Schema)), m("recordId", rebuild.String(w.record)),
		m("versie", rebuild.Number(rebuild.Ext(t, "source-version"))),
		m("vastgelegdOp", rebuild.Text(w.provenance.Member("recorded"))),
		m("bronsysteem", rebuild.Object(
			m("ura", rebuild.String(w.ura)), m("naam", rebuild.Text(custodian.At("who", "display"))),
			m("applicatie", rebuild.Text(rebuild.Ext(custodian, "source-application"))))),
		m("client", w.client()),
		m("opgesteldDoor", rebuild.Object(
			m("rol", rebuild.Code(author.Member("role"), "netwerk-rol")), m("naam", rebuild.Text(author.At("who", "display"))))),
		m("datum", rebuild.Text(t.At("period", "start"))), m("geldigTot", rebuild.Text(t.At("period", "end"))),
		m("besluit", rebuild.Object(m("wie", part("wie")), m("aanspreekpuntOrganisatie", rebuild.Object(
			m("naam", part("naam")), m("organisatie", part("organisatie")), m("mandaat", part("mandaat")))))),
		m("leden", rebuild.Each(rebuild.Nodes(t, "participant"), w.member)),
		m("onderling", rebuild.Each(rebuild.Extensions(t, "netwerk-onderling"), func(e fhir.Node) *rebuild.Value {
			return rebuild.Object(m("a", w.key(rebuild.Part(e, "a"))), m("b", w.key(rebuild.Part(e, "b"))), m("sterkte", rebuild.Text(rebuild.Part(e, "sterkte"))))
		})),
		m("afspraken", rebuild.Each(w.tasks, w.agreement)),
	)
	w.PutBack(doc, t)
	return doc.JSON()
}

// agent is who the Provenance names in a role.
func (w *way) agent(role string) fhir.Node {
	for a := range w.provenance.All("agent") {
		if rebuild.HasCode(a.Member("type"), agentType, role) {
			return a
		}
	}
	return fhir.Node{}
}

// client is the child as its file says, but for what the record keeps.
func (w *way) client() *rebuild.Value {
	p := w.patient
	return rebuild.Object(
		rebuild.M("bsn", rebuild.Text(rebuild.Identified(p, bsnSystem))),
		rebuild.M("lokaalId", rebuild.Text(rebuild.Identified(p, systemOfClient+w.ura))),
		rebuild.M("naam", rebuild.Text(p.At("name", "text"))), rebuild.M("geboortedatum", rebuild.Text(p.Member("birthDate"))))
}

// member is one of leden.
func (w *way) member(p fhir.Node) *rebuild.Value {
	ref, m := p.Member("member"), rebuild.M
	key := w.keys[ref.Member("reference").Text()]
	n := w.named[key]
	name := rebuild.Text(n.Member("name"))
	switch {
	case ref.Member("display").Exists():
		name = rebuild.Text(ref.Member("display"))
	case n.Resource().Type() == "RelatedPerson":
		name = rebuild.Text(n.At("name", "text"))
	}
	phone := rebuild.Text(n.At("telecom", "value"))
	if ref.Member("identifier").Exists() { // what others keep says nothing of this record but its number
		phone = nil
	}
	return rebuild.Object(
		m("id", rebuild.String(key)), m("naam", name), m("soort", rebuild.Code(p.Member("role"), "netwerk-soort")),
		m("relatie", rebuild.Text(rebuild.Ext(p, "netwerk-relatie"))), m("relatieCode", rebuild.Text(rebuild.CodeIn(n.Member("relationship"), roleCodes))),
		m("kring", rebuild.Number(rebuild.Ext(p, "netwerk-kring"))), m("sterkte", rebuild.Text(rebuild.Ext(p, "netwerk-sterkte"))),
		m("richting", rebuild.Text(rebuild.Ext(p, "netwerk-richting"))),
		m("aanbod", rebuild.Words(rebuild.Exts(p, "netwerk-aanbod"))), m("niet", rebuild.Words(rebuild.Exts(p, "netwerk-niet"))),
		m("grenzen", rebuild.Words(rebuild.Exts(p, "netwerk-grens"))),
		m("beschikbaarheid", rebuild.Each(rebuild.Extensions(p, "netwerk-beschikbaar"), func(e fhir.Node) *rebuild.Value {
			return rebuild.Object(m("dagen", rebuild.Words(rebuild.Parts(e, "dag"))), m("van", rebuild.Clock(rebuild.Part(e, "van"))), m("tot", rebuild.Clock(rebuild.Part(e, "tot"))))
		})),
		m("belasting", rebuild.Number(w.named[key+"-belasting"].Member("valueInteger"))), m("telefoon", phone),
		m("ura", rebuild.Text(rebuild.Identified(n, uraSystem))),
		m("toestemming", w.consent(w.named[key+"-ziet"])),
		m("zichtbaarVoor", rebuild.Each(rebuild.Nodes(w.named[key+"-zichtbaar"], "provision", "actor", "reference"), w.key)),
	)
}

// consent is what a member may see, and who decided on it. One that was withdrawn here, not in the record,
// ends on that day.
func (w *way) consent(c fhir.Node) *rebuild.Value {
	m := rebuild.M
	if !c.Exists() {
		return nil
	}
	end := rebuild.Text(c.At("provision", "period", "end"))
	if status := c.Member("status").Text(); end == nil && status == "inactive" {
		end = rebuild.Day(c.At("meta", "lastUpdated"))
	}
	return rebuild.Object(
		m("benaderen", rebuild.Bool(c.Member("status").Text() != "rejected")),
		m("ziet", rebuild.Each(rebuild.Nodes(c, "provision", "code"), func(code fhir.Node) *rebuild.Value {
			if rebuild.Has(code, "netwerk-inzage", "geen") {
				return nil
			}
			return rebuild.Code(code, "netwerk-inzage")
		})),
		m("datum", rebuild.Text(c.Member("dateTime"))),
		m("gegevenDoor", rebuild.Each(rebuild.Nodes(c, "performer"), func(g fhir.Node) *rebuild.Value {
			role := "gezag"
			if g.Member("type").Text() == "Patient" {
				role = "kind"
			}
			return rebuild.Object(m("rol", rebuild.String(role)), m("naam", rebuild.Text(g.Member("display"))), m("bsn", rebuild.Text(g.At("identifier", "value"))))
		})),
		m("ingetrokken", end))
}

// agreement is one of afspraken, from its task and plan.
func (w *way) agreement(task fhir.Node) *rebuild.Value {
	m := rebuild.M
	key := strings.TrimPrefix(w.keys[task.Resource().Ref().String()], "taak-")
	plan := w.named[key]
	d := plan.At("activity", "detail")
	f, p, b := rebuild.Extension(d, "netwerk-frequentie"), rebuild.Extension(task, "voorbereiding"), rebuild.Extension(task, "beslisser")
	return rebuild.Object(
		m("id", rebuild.String(key)), m("wat", rebuild.Text(task.Member("description"))),
		m("soort", rebuild.Text(rebuild.Ext(d, "netwerk-aanbod"))), m("wie", w.key(task.Member("owner"))),
		m("reserve", w.key(rebuild.Ext(d, "netwerk-reserve"))), m("doel", rebuild.Text(task.At("reasonCode", "text"))),
		m("frequentie", rebuild.Object(m("dagen", rebuild.Words(rebuild.Parts(f, "dag"))), m("tijd", rebuild.Clock(rebuild.Part(f, "tijd"))), m("per", rebuild.Text(rebuild.Part(f, "per"))))),
		m("start", rebuild.Text(plan.At("period", "start"))), m("evaluatie", rebuild.Text(plan.At("period", "end"))),
		m("status", rebuild.String(stateOf(task))),
		m("voorbereiding", rebuild.Object(m("tekst", rebuild.Text(rebuild.Part(p, "tekst"))), m("datum", rebuild.Text(rebuild.Part(p, "datum"))), m("door", w.key(rebuild.Part(p, "door"))))),
		m("beslisser", rebuild.Object(m("naam", rebuild.Text(rebuild.Part(b, "naam"))), m("rol", rebuild.Text(rebuild.Part(b, "rol"))), m("organisatie", rebuild.Text(rebuild.Part(b, "organisatie"))))),
		m("instructieDoor", w.key(rebuild.Ext(task, "instructie-door"))), m("reden", rebuild.Text(task.At("statusReason", "text"))),
	)
}
