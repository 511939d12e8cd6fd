package back

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// decisions are the provision types of besluit. Read only.
var decisions = map[string]string{"toestaan": "permit", "weigeren": "deny"}

// consent reads the record of mks.md 3.9.
func consent(r *record) *rebuild.Value {
	c := r.anchor
	p := c.Member("provision")
	period := p.Member("period")
	end := rebuild.Day(period.Member("end"))
	if sent := rebuild.Ext(c, "geldig-tot-bron"); sent.Text() == "geen" {
		end = nil
	} else if sent.Exists() {
		end = rebuild.Day(sent)
	}
	return rebuild.Object(
		rebuild.M("soort", rebuild.Code(c.Member("category"), "toestemming-soort")), rebuild.M("besluit", rebuild.Inverse(decisions, p.Member("type"))),
		rebuild.M("gegevenDoor", rebuild.Each(rebuild.Extensions(c, "gegeven-door"), r.giver)), rebuild.M("vastgelegdDoor", r.ref(rebuild.Ext(c, "vastgelegd-door"))),
		rebuild.M("houder", rebuild.Object(rebuild.M("organisatie", r.ref(rebuild.First(c.Member("organization")))))),
		rebuild.M("ontvangers", rebuild.Each(rebuild.Nodes(p, "actor"), r.receiver)),
		rebuild.M("gegevens", shared(p, rebuild.M("vanaf", rebuild.Day(p.At("dataPeriod", "start"))))),
		rebuild.M("doel", rebuild.Each(rebuild.Nodes(p, "purpose"), purpose)), rebuild.M("overdracht", r.transferOf(p.At("data", "reference"))),
		rebuild.M("geldigVanaf", rebuild.Day(period.Member("start"))), rebuild.M("geldigTot", end),
		rebuild.M("uitzonderingen", rebuild.Each(rebuild.Nodes(p, "provision"), r.exception)), rebuild.M("ingetrokkenOp", rebuild.Text(rebuild.Ext(c, "ingetrokken-op"))),
	)
}

func (r *record) giver(e fhir.Node) *rebuild.Value {
	return rebuild.Object(rebuild.M("ref", r.ref(rebuild.Part(e, "wie"))), rebuild.M("op", rebuild.Text(rebuild.Part(e, "op"))), rebuild.M("wijze", rebuild.Text(rebuild.Part(e, "wijze"))))
}

// receiver reads an actor: a person or organisation, a category of organisations, or the kindteam.
func (r *record) receiver(a fhir.Node) *rebuild.Value {
	kind, to := rebuild.Ext(a, "ontvanger-soort"), a.Member("reference")
	rows := []rebuild.Member{rebuild.M("soort", rebuild.Text(kind))}
	switch kind.Text() {
	case "kindteam":
	case "categorie":
		rows = append(rows, rebuild.M("categorie", rebuild.Text(to.At("identifier", "value"))))
	default:
		rows = append(rows, rebuild.M("ref", r.ref(to)))
	}
	return rebuild.Object(rows...)
}

// shared reads which data a provision is about.
func shared(p fhir.Node, more ...rebuild.Member) *rebuild.Value {
	domains := rebuild.Each(rebuild.Nodes(p, "code", "coding"), func(c fhir.Node) *rebuild.Value {
		if c.Member("system").Text() != rebuild.CodeSystem("mks-domein") {
			return nil
		}
		return rebuild.Text(c.Member("code"))
	})
	return rebuild.Object(append([]rebuild.Member{rebuild.M("categorie", rebuild.Words(rebuild.Exts(p, "gegevenscategorie"))), rebuild.M("domeinen", domains)}, more...)...)
}

// purpose reads one doel. SUPNWK stands beside FAMRQT, for the helpers of the family.
func purpose(c fhir.Node) *rebuild.Value {
	if c.Member("code").Text() == "SUPNWK" {
		return nil
	}
	return rebuild.Text(c.Member("code"))
}

func (r *record) exception(p fhir.Node) *rebuild.Value {
	return rebuild.Object(
		rebuild.M("besluit", rebuild.Inverse(decisions, p.Member("type"))), rebuild.M("ontvangers", rebuild.Each(rebuild.Nodes(p, "actor"), r.receiver)), rebuild.M("gegevens", shared(p)))
}

// transferOf reads the recordId of the transfer that a consent is about.
func (r *record) transferOf(ref fhir.Node) *rebuild.Value {
	if id := ref.Member("identifier"); id.Member("system").Text() == r.base()+"/overdracht" {
		return rebuild.Text(id.Member("value"))
	}
	if to, ok := fhir.ParseRef(ref.Member("reference").Text()); ok && r.foreign() {
		return rebuild.String(to.ID)
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
