package samordningsplan

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// short names for the rows of the tables.
var (
	m    = rebuild.M
	str  = rebuild.Text
	num  = rebuild.Number
	flag = rebuild.Flag
	day  = rebuild.Day
)

// members are those of the document, in the order of its table.
func (r *reader) members() []rebuild.Member {
	p, filled, child := r.plan, r.part("QuestionnaireResponse", "form"), r.part("QuestionnaireResponse", "barnplan")
	return []rebuild.Member{
		m("schema", rebuild.String(Schema)), m("dokumentId", rebuild.String(r.dokument)), m("version", num(rebuild.Ext(p, "source-version"))),
		m("kallsystemHsaId", rebuild.String(r.source)), m("planTyp", str(planTypeOf(p))), m("status", r.status()), m("titel", str(p.Member("title"))),
		m("andrad", str(r.provenance.Member("recorded"))), m("godkandForPatient", r.approved()), m("ansvar", r.responsible()),
		m("person", r.person()), m("initiativ", initiative(filled)), m("behovsbedomning", need(filled)),
		m("foretradare", rebuild.Each(r.listed("RelatedPerson", nil), r.guardian)), m("samtycke", rebuild.Each(r.listed("Consent", nil), r.consent)),
		m("aktorer", rebuild.Each(rebuild.Extensions(p, "plan-actor"), r.actor)), m("kallelse", rebuild.Each(r.listed("Appointment", nil), r.meeting)),
		m("samordnare", r.lead("samordnare")), m("huvudansvarigHuvudman", str(rebuild.Ext(p, "responsible-principal"))),
		m("vadArViktigt", str(p.Member("description"))), m("befintligaPlaner", rebuild.Each(existingPlans(p), r.existing)),
		m("mal", rebuild.Each(r.goals(), r.goal)), m("insatser", rebuild.Each(rebuild.Nodes(p, "activity"), r.activity)),
		m("giltighet", rebuild.Object(m("start", day(p.At("period", "start"))), m("utvardering", str(rebuild.Ext(p, "plan-evaluation-date"))),
			m("slut", day(p.At("period", "end"))))),
		m("uppfoljningar", rebuild.Each(r.listed("Task", isFollowUp), r.followUp)), m("avslut", ending(filled)),
		m("delgiven", rebuild.Each(rebuild.Extensions(p, "copy-given"), r.copyGiven)),
		m("ansvarig", rebuild.Each(r.listed("Task", coded("overlamning")), r.inCharge)), m("samverkansansvarig", r.lead("samverkansansvarig")),
		m("signaler", rebuild.Each(r.listed("Task", coded("signal")), r.signal)), m("kartlaggning", rebuild.Each(rebuild.Items(child, "segment"), segment)),
		m("barnetsRost", voice(child)), m("viktigastNu", r.mostImportant()), m("avvakta", r.waiting()),
	}
}

func (r *reader) status() *rebuild.Value {
	if r.own {
		return str(rebuild.Ext(r.plan, "plan-state"))
	}
	return rebuild.String(foreignStatus[r.plan.Member("status").Text()])
}

// approved is not invented for a plan of another maker that does not say so.
func (r *reader) approved() *rebuild.Value {
	for c := range r.plan.All("meta", "security") {
		if c.Member("system").Text() == rebuild.CodeSystem("access-label") && c.Member("code").Text() == "not-for-patient" {
			return rebuild.Bool(false)
		}
	}
	if !r.own {
		return nil
	}
	return rebuild.Bool(true)
}

// responsible reads the agents of the Provenance.
func (r *reader) responsible() *rebuild.Value {
	who := map[string]fhir.Node{}
	for a := range r.provenance.All("agent") {
		who[rebuild.CodeIn(a.Member("type"), agentTypes).Text()] = a.Member("who")
	}
	return rebuild.Object(m("vardgivareHsaId", str(hsaOf(who["custodian"]))), m("vardenhetHsaId", str(hsaOf(who["author"]))),
		m("undertecknadAv", str(who["legal"].Member("display"))))
}

// hsaOf is the HSA-id among the identifiers of n, under any of its systems.
func hsaOf(n fhir.Node) fhir.Node {
	for _, id := range mapping.Aliases(fhir.Identifier{System: hsaSystem}) {
		if id := rebuild.Identified(n, id.System); id.Exists() {
			return id
		}
	}
	return fhir.Node{}
}

func (r *reader) person() *rebuild.Value {
	p := r.patient
	var kind, number *rebuild.Value
	for id := range p.All("identifier") {
		if kind = rebuild.Inverse(personSystems, id.Member("system")); kind != nil {
			number = str(id.Member("value"))
			break
		}
	}
	var protected []*rebuild.Value
	for c := range p.All("meta", "security") {
		if c.Member("system").Text() == securityLabels {
			protected = append(protected, str(c.Member("code")))
		}
	}
	official := rebuild.First(p.Member("name"))
	for n := range p.All("name") {
		if n.Member("use").Text() == "official" {
			official = n
			break
		}
	}
	return rebuild.Object(
		m("idTyp", kind), m("id", number), m("fornamn", str(rebuild.First(official.Member("given")))),
		m("mellannamn", str(rebuild.ValueOf(rebuild.FirstOf(rebuild.WithURL(official, seBase+"SEBaseMiddleNameExtension"))))),
		m("efternamn", str(official.Member("family"))), m("fodelsedatum", str(p.Member("birthDate"))),
		m("kon", rebuild.Inverse(genders, p.Member("gender"))), m("skydd", rebuild.List(protected...)),
		m("tolkbehov", str(spokenWithHelp(p))), m("telefon", phone(p)),
		m("adress", homeOf(rebuild.First(p.Member("address")))), m("deltar", flag(rebuild.Ext(r.plan, "person-attends"))))
}

// spokenWithHelp is the language of somebody who needs an interpreter.
func spokenWithHelp(p fhir.Node) fhir.Node {
	if rebuild.ValueOf(rebuild.FirstOf(rebuild.WithURL(p, interpreter))).Text() != "true" {
		return fhir.Node{}
	}
	for c := range p.All("communication") {
		return rebuild.CodeIn(c.Member("language"), languages)
	}
	return fhir.Node{}
}

func homeOf(a fhir.Node) *rebuild.Value {
	return rebuild.Object(m("rader", rebuild.Words(rebuild.Nodes(a, "line"))), m("postnummer", str(a.Member("postalCode"))), m("postort", str(a.Member("city"))))
}

// phone is the first telephone number of n.
func phone(n fhir.Node) *rebuild.Value {
	for t := range n.All("telecom") {
		if t.Member("system").Text() == "phone" {
			return str(t.Member("value"))
		}
	}
	return nil
}

// choiceOf is the code of an answer.
func choiceOf(group fhir.Node, link string) *rebuild.Value {
	return str(rebuild.Answer(group, link).Member("code"))
}

func group(filled fhir.Node, link string) fhir.Node {
	return rebuild.FirstOf(rebuild.Items(filled, link))
}

func initiative(filled fhir.Node) *rebuild.Value {
	g := group(filled, "initiativ")
	return rebuild.Object(m("tagare", choiceOf(g, "initiativ.tagare")), m("aktor", str(rebuild.Answer(g, "initiativ.aktor"))),
		m("namn", str(rebuild.Answer(g, "initiativ.namn"))), m("datum", str(rebuild.Answer(g, "initiativ.datum"))))
}

func need(filled fhir.Node) *rebuild.Value {
	g := group(filled, "behovsbedomning")
	of := func(name string) fhir.Node { return rebuild.Answer(g, "behovsbedomning."+name) }
	return rebuild.Object(m("datum", str(of("datum"))), m("gjordAv", str(of("gjord-av"))), m("omfattande", flag(of("omfattande"))),
		m("langvarig", flag(of("langvarig"))), m("fleraProcesser", flag(of("flera-processer"))), m("mervarde", str(of("mervarde"))))
}

func ending(filled fhir.Node) *rebuild.Value {
	g := group(filled, "avslut")
	return rebuild.Object(m("datum", str(rebuild.Answer(g, "avslut.datum"))), m("orsak", choiceOf(g, "avslut.orsak")),
		m("slututvardering", str(rebuild.Answer(g, "avslut.slututvardering"))))
}

func segment(g fhir.Node) *rebuild.Value {
	return rebuild.Object(m("segment", choiceOf(g, "segment.kod")), m("fungerar", str(rebuild.Answer(g, "segment.fungerar"))),
		m("utmaning", str(rebuild.Answer(g, "segment.utmaning"))))
}

func voice(filled fhir.Node) *rebuild.Value {
	g := group(filled, "barnets-rost")
	return rebuild.Object(m("form", choiceOf(g, "barnets-rost.form")), m("datum", str(rebuild.Answer(g, "barnets-rost.datum"))),
		m("text", str(rebuild.Answer(g, "barnets-rost.text"))))
}

// participantOf is the participant of the team that is a resource, a missing node without one.
func (r *reader) participantOf(n fhir.Node) fhir.Node {
	for p := range r.team.All("participant") {
		if p.At("member", "reference").Text() == n.Resource().Ref().String() {
			return p
		}
	}
	return fhir.Node{}
}

func (r *reader) guardian(n fhir.Node) *rebuild.Value {
	key := r.keyOf(n)
	met := r.part("QuestionnaireResponse", key+"-formote")
	role := rebuild.Inverse(kin, rebuild.CodeIn(n.Member("relationship"), roleCodes))
	if role == nil {
		role = rebuild.Code(n.Member("relationship"), "se-familjeroll")
	}
	return rebuild.Object(
		m("id", rebuild.String(key)), m("typ", rebuild.Code(n.Member("relationship"), "se-foretradare")), m("roll", role),
		m("namn", str(rebuild.First(n.Member("name")).Member("text"))), m("personnummer", str(rebuild.Identified(n, personSystems["personnummer"]))),
		m("telefon", phone(n)), m("deltar", flag(rebuild.Ext(r.participantOf(n), "attends"))),
		m("samtyckeSaknas", str(rebuild.Ext(n, "consent-missing-reason"))),
		m("formote", rebuild.Object(m("datum", day(met.Member("authored"))), m("behovOnskemal", str(rebuild.Answer(met, "behov-onskemal"))))))
}

func (r *reader) actor(e fhir.Node) *rebuild.Value {
	of, contact := r.Get(rebuild.Part(e, "actor")), rebuild.Part(e, "contact")
	return rebuild.Object(
		m("id", str(rebuild.Part(e, "id"))), m("huvudman", rebuild.Code(of.Member("type"), "se-huvudman")), m("verksamhet", str(of.Member("name"))),
		m("verksamhetsTyp", rebuild.Code(of.Member("type"), "se-verksamhet")), m("hsaId", str(hsaOf(of))), m("orgnr", str(rebuild.Identified(of, orgSystem))),
		m("myndighet", flag(rebuild.Part(e, "authority"))), m("kontakt", str(contact.Member("name"))), m("telefon", phone(contact)))
}

func (r *reader) copyGiven(e fhir.Node) *rebuild.Value {
	return rebuild.Object(m("till", r.name(rebuild.Part(e, "to"))), m("datum", str(rebuild.Part(e, "date"))))
}
