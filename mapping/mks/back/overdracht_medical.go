package back

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

const loinc = "http://loinc.org"

// medical are the members of the medical and the nursing sections.
func (t *transferReader) medical() []member {
	return []member{
		m("medischeDiagnoses", each(t.entries("52870002", "Condition"), diagnosis)),
		m("voorgeschiedenis", t.orNone("417662000", "Condition", diagnosis)),
		m("allergieen", t.orNone("420134006", "AllergyIntolerance", allergy)),
		m("alerts", t.orNone("308813009", "Flag", alert)),
		m("vrijheidsbeperking", t.words("225317005")),
		m("metingen", t.measurements()), m("pijn", pain(t.entry("11011000146108", "Observation"))),
		m("verpleegkundigeProblemen", t.nursingProblems()),
		m("zorgresultaat", t.words("722091001")), m("wensenKindEnGezin", text(ext(t.section("773130005"), "wensen"))),
		m("afspraken", each(t.entries("308335008", "Encounter"), visit)),
	}
}

func diagnosis(c fhir.Node) *node {
	return object(
		m("code", codering(c.Member("code"), nil)), m("tekst", text(c.At("code", "text"))), m("sinds", day(c.Member("onsetDateTime"))))
}

// severities are the severities of allergie-ernst. Read only.
var severities = map[string]string{"licht": "mild", "matig": "moderate", "ernstig": "severe"}

// unsaid is the manifestation of a reaction that the source does not describe (mks.md 4).
const unsaid = "niet vermeld"

func allergy(a fhir.Node) *node {
	seen := a.At("reaction", "manifestation", "text")
	reaction := text(seen)
	if seen.Text() == unsaid {
		reaction = nil
	}
	return object(
		m("stof", text(a.At("code", "text"))), m("code", codering(a.Member("code"), nil)),
		m("ernst", inverse(severities, a.At("reaction", "severity"))), m("reactie", reaction))
}

func alert(f fhir.Node) *node {
	return object(m("tekst", text(f.At("code", "text"))), m("code", codering(f.Member("code"), nil)))
}

// measures are the LOINC codes of metingen. Read only.
var measures = []struct{ member, code string }{
	{"gewicht", "29463-7"}, {"lengte", "8302-2"}, {"schedelomtrek", "9843-4"}, {"saturatie", "2708-6"},
	{"hartslag", "8867-4"}, {"ademfrequentie", "9279-1"}, {"temperatuur", "8310-5"}, {"zuurstof", "3151-8"},
}

func (t *transferReader) measurements() *node {
	var rows []member
	all := t.entries("363788007", "Observation")
	for _, x := range measures {
		for _, o := range all {
			if hasCode(o.Member("code"), loinc, x.code) {
				rows = append(rows, m(x.member, object(m("waarde", number(o.At("valueQuantity", "value"))), m("op", text(o.Member("effectiveDateTime"))))))
				break
			}
		}
	}
	return object(rows...)
}

func pain(o fhir.Node) *node {
	scale := code(o.Member("code"), "pijnschaal")
	if hasCode(o.Member("code"), snomed, "108291000146105") {
		scale = str("FLACC")
	}
	return object(m("schaal", scale), m("score", number(o.Member("valueInteger"))), m("op", text(o.Member("effectiveDateTime"))))
}

// nursingProblems reads each Condition with the CarePlans that address it.
func (t *transferReader) nursingProblems() *node {
	plans := map[string][]fhir.Node{}
	for _, p := range t.entries("86644006", "CarePlan") {
		problem := p.At("addresses", "reference").Text()
		plans[problem] = append(plans[problem], p)
	}
	return each(t.entries("86644006", "Condition"), func(c fhir.Node) *node {
		problem := c.Resource().Ref().String()
		mine := plans[problem]
		delete(plans, problem)
		return object(
			m("tekst", text(c.At("code", "text"))), m("code", codering(c.Member("code"), nil)),
			m("domein", code(c.Member("category"), "mks-domein")),
			m("interventies", each(mine, func(p fhir.Node) *node { return text(p.At("activity", "detail", "description")) })),
			m("doel", text(ext(firstOf(mine), "doel-tekst"))))
	})
}

func visit(e fhir.Node) *node {
	return object(
		m("bij", text(e.At("serviceProvider", "display"))), m("op", text(e.At("period", "start"))), m("reden", text(e.At("reasonCode", "text"))))
}

// words reads the text of a section; one without content says only that it has none.
func (t *transferReader) words(code string) *node {
	s := t.section(code)
	if s.Member("emptyReason").Exists() {
		return nil
	}
	return str(plain(strings.NewReader(s.At("text", "div").Text())))
}
