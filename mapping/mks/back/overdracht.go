package back

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// transfer reads the record of mks.md 3.8.
func transfer(r *record) *node {
	t := newTransferReader(r)
	c := r.anchor
	sending := t.section("185362004")
	rows := []member{
		m("richting", text(ext(c, "richting"))), m("leeftijdsvariant", text(ext(c, "leeftijdsvariant"))),
		m("overplaatsingsdatum", day(ext(t.section("405624007"), "overplaatsingsdatum"))),
		m("opname", stay(r.get(c.Member("encounter")))),
		m("verzender", object(
			m("organisatie", r.ref(c.Member("custodian"))), m("verpleegkundige", r.ref(first(c.Member("author")))),
			m("telefoon", text(ext(sending, "verzender-telefoon"))))),
		m("ontvanger", object(m("organisatie", r.ref(first(t.section("275645009").Member("entry")))))),
		m("drieluikGesprek", talk(r.part("Encounter", "mks-categorie", "drieluikgesprek"))),
		m("ontslaggereedheid", r.readiness()),
		m("behandelaars", r.refs(t.staff())),
	}
	return object(append(append(rows, t.medical()...), t.dailyLife()...)...)
}

// transferReader reads one Composition by its sections.
type transferReader struct {
	*record
	sections map[string]fhir.Node // by SNOMED CT code
	growth   fhir.Node            // the section of development, which has no code
}

func newTransferReader(r *record) *transferReader {
	t := &transferReader{record: r, sections: map[string]fhir.Node{}}
	for _, s := range append(nodes(r.anchor, "section"), nodes(r.anchor, "section", "section")...) {
		code := codeNode(s.Member("code"), snomed).Text()
		if _, twice := t.sections[code]; code != "" && !twice {
			t.sections[code] = s
		}
		if code == "" && s.Member("title").Text() == "Development child" {
			t.growth = s
		}
	}
	return t
}

func (t *transferReader) section(code string) fhir.Node { return t.sections[code] }

// entries returns the resources of a section that are of a type.
func (t *transferReader) entries(code string, of fhir.Type) []fhir.Node {
	return slices.DeleteFunc(t.linked(t.section(code), "entry"), func(n fhir.Node) bool { return n.Resource().Type() != of })
}

// entry returns the first of entries.
func (t *transferReader) entry(code string, of fhir.Type) fhir.Node {
	return firstOf(t.entries(code, of))
}

// orNone reads a list whose section, without entries, may say that there is none.
func (t *transferReader) orNone(code string, of fhir.Type, read func(fhir.Node) *node) *node {
	for c := range t.section(code).All("emptyReason", "coding", "code") {
		if c.Text() == "nilknown" {
			return none()
		}
	}
	return each(t.entries(code, of), read)
}

// staff returns the references of the section of practitioners: each is a role, and before it the
// person where that is known.
func (t *transferReader) staff() []fhir.Node {
	return slices.DeleteFunc(nodes(t.section("405623001"), "entry"), func(n fhir.Node) bool {
		ref, ok := fhir.ParseRef(n.Member("reference").Text())
		return ok && ref.Type == "Practitioner" && !t.foreign()
	})
}

func stay(e fhir.Node) *node {
	return object(
		m("van", text(e.At("period", "start"))), m("tot", text(e.At("period", "end"))), m("afdeling", text(e.At("serviceType", "text"))),
		m("bestemming", code(e.At("hospitalization", "dischargeDisposition"), "bestemming")))
}

// talk reads the talk of family, hospital and home care. Of a withdrawn record the status does not say
// whether it was held.
func talk(e fhir.Node) *node {
	var held *node
	switch e.Member("status").Text() {
	case "finished":
		held = truth(true)
	case "cancelled":
		held = truth(false)
	}
	return object(
		m("gehouden", held), m("datum", day(e.At("period", "start"))),
		m("aanwezig", words(values(e, "aanwezig-rol"))), m("samenvatting", text(ext(e, "samenvatting"))))
}

func (r *record) readiness() *node {
	for _, q := range r.parts("QuestionnaireResponse", "", "") {
		if answering("mks-ontslaggereedheid")(q) {
			return object(
				m("zorgThuisGeregeld", flag(answer(q, "og.zorg"))), m("materialenGeleverd", flag(answer(q, "og.materialen"))),
				m("aanspreekpunt24u", text(answer(q, "og.telefoon"))), m("oudersGetraind", each(items(q, "og.training"), r.training)))
		}
	}
	return nil
}

func (r *record) training(g fhir.Node) *node {
	return object(
		m("handeling", text(answer(g, "og.training.handeling"))), m("wie", r.ref(answer(g, "og.training.wie"))),
		m("bekwaam", flag(answer(g, "og.training.bekwaam"))), m("datum", day(answer(g, "og.training.datum"))))
}
