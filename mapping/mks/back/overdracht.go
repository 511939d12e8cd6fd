package back

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// transfer reads the record of mks.md 3.8.
func transfer(r *record) *rebuild.Value {
	t := newTransferReader(r)
	c := r.anchor
	sending := t.section("185362004")
	rows := []rebuild.Member{
		rebuild.M("richting", rebuild.Text(rebuild.Ext(c, "richting"))), rebuild.M("leeftijdsvariant", rebuild.Text(rebuild.Ext(c, "leeftijdsvariant"))),
		rebuild.M("overplaatsingsdatum", rebuild.Day(rebuild.Ext(t.section("405624007"), "overplaatsingsdatum"))),
		rebuild.M("opname", stay(r.Get(c.Member("encounter")))),
		rebuild.M("verzender", rebuild.Object(
			rebuild.M("organisatie", r.ref(c.Member("custodian"))), rebuild.M("verpleegkundige", r.ref(rebuild.First(c.Member("author")))),
			rebuild.M("telefoon", rebuild.Text(rebuild.Ext(sending, "verzender-telefoon"))))),
		rebuild.M("ontvanger", rebuild.Object(rebuild.M("organisatie", r.ref(rebuild.First(t.section("275645009").Member("entry")))))),
		rebuild.M("drieluikGesprek", talk(r.part("Encounter", "mks-categorie", "drieluikgesprek"))),
		rebuild.M("ontslaggereedheid", r.readiness()),
		rebuild.M("behandelaars", r.refs(t.staff())),
	}
	return rebuild.Object(append(append(rows, t.medical()...), t.dailyLife()...)...)
}

// transferReader reads one Composition by its sections.
type transferReader struct {
	*record
	sections map[string]fhir.Node // by SNOMED CT code
	growth   fhir.Node            // the section of development, which has no code
}

func newTransferReader(r *record) *transferReader {
	t := &transferReader{record: r, sections: map[string]fhir.Node{}}
	for _, s := range append(rebuild.Nodes(r.anchor, "section"), rebuild.Nodes(r.anchor, "section", "section")...) {
		code := rebuild.CodeIn(s.Member("code"), snomed).Text()
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
	return rebuild.FirstOf(t.entries(code, of))
}

// orNone reads a list whose section, without entries, may say that there is none.
func (t *transferReader) orNone(code string, of fhir.Type, read func(fhir.Node) *rebuild.Value) *rebuild.Value {
	for c := range t.section(code).All("emptyReason", "coding", "code") {
		if c.Text() == "nilknown" {
			return rebuild.None()
		}
	}
	return rebuild.Each(t.entries(code, of), read)
}

// staff returns the references of the section of practitioners: each is a role, and before it the
// person where that is known.
func (t *transferReader) staff() []fhir.Node {
	return slices.DeleteFunc(rebuild.Nodes(t.section("405623001"), "entry"), func(n fhir.Node) bool {
		ref, ok := fhir.ParseRef(n.Member("reference").Text())
		return ok && ref.Type == "Practitioner" && !t.foreign()
	})
}

func stay(e fhir.Node) *rebuild.Value {
	return rebuild.Object(
		rebuild.M("van", rebuild.Text(e.At("period", "start"))), rebuild.M("tot", rebuild.Text(e.At("period", "end"))), rebuild.M("afdeling", rebuild.Text(e.At("serviceType", "text"))),
		rebuild.M("bestemming", rebuild.Code(e.At("hospitalization", "dischargeDisposition"), "bestemming")))
}

// talk reads the talk of family, hospital and home care. Of a withdrawn record the status does not say
// whether it was held.
func talk(e fhir.Node) *rebuild.Value {
	var held *rebuild.Value
	switch e.Member("status").Text() {
	case "finished":
		held = rebuild.Bool(true)
	case "cancelled":
		held = rebuild.Bool(false)
	}
	return rebuild.Object(
		rebuild.M("gehouden", held), rebuild.M("datum", rebuild.Day(e.At("period", "start"))),
		rebuild.M("aanwezig", rebuild.Words(rebuild.Exts(e, "aanwezig-rol"))), rebuild.M("samenvatting", rebuild.Text(rebuild.Ext(e, "samenvatting"))))
}

func (r *record) readiness() *rebuild.Value {
	for _, q := range r.parts("QuestionnaireResponse", "", "") {
		if answering("mks-ontslaggereedheid")(q) {
			return rebuild.Object(
				rebuild.M("zorgThuisGeregeld", rebuild.Flag(rebuild.Answer(q, "og.zorg"))), rebuild.M("materialenGeleverd", rebuild.Flag(rebuild.Answer(q, "og.materialen"))),
				rebuild.M("aanspreekpunt24u", rebuild.Text(rebuild.Answer(q, "og.telefoon"))), rebuild.M("oudersGetraind", rebuild.Each(rebuild.Items(q, "og.training"), r.training)))
		}
	}
	return nil
}

func (r *record) training(g fhir.Node) *rebuild.Value {
	return rebuild.Object(
		rebuild.M("handeling", rebuild.Text(rebuild.Answer(g, "og.training.handeling"))), rebuild.M("wie", r.ref(rebuild.Answer(g, "og.training.wie"))),
		rebuild.M("bekwaam", rebuild.Flag(rebuild.Answer(g, "og.training.bekwaam"))), rebuild.M("datum", rebuild.Day(rebuild.Answer(g, "og.training.datum"))))
}
