package back

import "github.com/drieluik/drieluik/fhir"

// decisions are the provision types of besluit. Read only.
var decisions = map[string]string{"toestaan": "permit", "weigeren": "deny"}

// consent reads the record of mks.md 3.9.
func consent(r *record) *node {
	c := r.anchor
	p := c.Member("provision")
	period := p.Member("period")
	end := day(period.Member("end"))
	if sent := ext(c, "geldig-tot-bron"); sent.Text() == "geen" {
		end = nil
	} else if sent.Exists() {
		end = day(sent)
	}
	return object(
		m("soort", code(c.Member("category"), "toestemming-soort")), m("besluit", inverse(decisions, p.Member("type"))),
		m("gegevenDoor", each(extensions(c, "gegeven-door"), r.giver)), m("vastgelegdDoor", r.ref(ext(c, "vastgelegd-door"))),
		m("houder", object(m("organisatie", r.ref(first(c.Member("organization")))))),
		m("ontvangers", each(nodes(p, "actor"), r.receiver)),
		m("gegevens", shared(p, m("vanaf", day(p.At("dataPeriod", "start"))))),
		m("doel", each(nodes(p, "purpose"), purpose)), m("overdracht", r.transferOf(p.At("data", "reference"))),
		m("geldigVanaf", day(period.Member("start"))), m("geldigTot", end),
		m("uitzonderingen", each(nodes(p, "provision"), r.exception)), m("ingetrokkenOp", text(ext(c, "ingetrokken-op"))),
	)
}

func (r *record) giver(e fhir.Node) *node {
	return object(m("ref", r.ref(part(e, "wie"))), m("op", text(part(e, "op"))), m("wijze", text(part(e, "wijze"))))
}

// receiver reads an actor: a person or organisation, a category of organisations, or the kindteam.
func (r *record) receiver(a fhir.Node) *node {
	kind, to := ext(a, "ontvanger-soort"), a.Member("reference")
	rows := []member{m("soort", text(kind))}
	switch kind.Text() {
	case "kindteam":
	case "categorie":
		rows = append(rows, m("categorie", text(to.At("identifier", "value"))))
	default:
		rows = append(rows, m("ref", r.ref(to)))
	}
	return object(rows...)
}

// shared reads which data a provision is about.
func shared(p fhir.Node, more ...member) *node {
	domains := each(nodes(p, "code", "coding"), func(c fhir.Node) *node {
		if c.Member("system").Text() != codeSystem("mks-domein") {
			return nil
		}
		return text(c.Member("code"))
	})
	return object(append([]member{m("categorie", words(values(p, "gegevenscategorie"))), m("domeinen", domains)}, more...)...)
}

// purpose reads one doel. SUPNWK stands beside FAMRQT, for the helpers of the family.
func purpose(c fhir.Node) *node {
	if c.Member("code").Text() == "SUPNWK" {
		return nil
	}
	return text(c.Member("code"))
}

func (r *record) exception(p fhir.Node) *node {
	return object(
		m("besluit", inverse(decisions, p.Member("type"))), m("ontvangers", each(nodes(p, "actor"), r.receiver)), m("gegevens", shared(p)))
}

// transferOf reads the recordId of the transfer that a consent is about.
func (r *record) transferOf(ref fhir.Node) *node {
	if id := ref.Member("identifier"); id.Member("system").Text() == r.base()+"/overdracht" {
		return text(id.Member("value"))
	}
	if to, ok := fhir.ParseRef(ref.Member("reference").Text()); ok && r.foreign() {
		return str(to.ID)
	}
	return nil
}

// private reports whether a Consent of another origin is about sharing data.
func private(c fhir.Node) bool {
	for x := range c.All("scope", "coding", "code") {
		if x.Text() == "patient-privacy" {
			return true
		}
	}
	return false
}
