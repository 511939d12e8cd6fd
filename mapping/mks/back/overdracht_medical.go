package back

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

const loinc = "http://loinc.org"

// medical are the members of the medical and the nursing sections.
func (t *transferReader) medical() []rebuild.Member {
	return []rebuild.Member{
		rebuild.M("medischeDiagnoses", rebuild.Each(t.entries("52870002", "Condition"), diagnosis)),
		rebuild.M("voorgeschiedenis", t.orNone("417662000", "Condition", diagnosis)),
		rebuild.M("allergieen", t.orNone("420134006", "AllergyIntolerance", allergy)),
		rebuild.M("alerts", t.orNone("308813009", "Flag", alert)),
		rebuild.M("vrijheidsbeperking", t.words("225317005")),
		rebuild.M("metingen", t.measurements()), rebuild.M("pijn", pain(t.entry("11011000146108", "Observation"))),
		rebuild.M("verpleegkundigeProblemen", t.nursingProblems()),
		rebuild.M("zorgresultaat", t.words("722091001")), rebuild.M("wensenKindEnGezin", rebuild.Text(rebuild.Ext(t.section("773130005"), "wensen"))),
		rebuild.M("afspraken", rebuild.Each(t.entries("308335008", "Encounter"), visit)),
	}
}

func diagnosis(c fhir.Node) *rebuild.Value {
	return rebuild.Object(
		rebuild.M("code", codering(c.Member("code"), nil)), rebuild.M("tekst", rebuild.Text(c.At("code", "text"))), rebuild.M("sinds", rebuild.Day(c.Member("onsetDateTime"))))
}

// severities are the severities of allergie-ernst. Read only.
var severities = map[string]string{"licht": "mild", "matig": "moderate", "ernstig": "severe"}

// unsaid is the manifestation of a reaction that the source does not describe (mks.md 4).
const unsaid = "niet vermeld"

func allergy(a fhir.Node) *rebuild.Value {
	seen := a.At("reaction", "manifestation", "text")
	reaction := rebuild.Text(seen)
	if seen.Text() == unsaid {
		reaction = nil
	}
	return rebuild.Object(
		rebuild.M("stof", rebuild.Text(a.At("code", "text"))), rebuild.M("code", codering(a.Member("code"), nil)),
		rebuild.M("ernst", rebuild.Inverse(severities, a.At("reaction", "severity"))), rebuild.M("reactie", reaction))
}

func alert(f fhir.Node) *rebuild.Value {
	return rebuild.Object(rebuild.M("tekst", rebuild.Text(f.At("code", "text"))), rebuild.M("code", codering(f.Member("code"), nil)))
}

// measures are the LOINC codes of metingen. Read only.
var measures = []struct{ member, code string }{
	{"gewicht", "29463-7"}, {"lengte", "8302-2"}, {"schedelomtrek", "9843-4"}, {"saturatie", "2708-6"},
	{"hartslag", "8867-4"}, {"ademfrequentie", "9279-1"}, {"temperatuur", "8310-5"}, {"zuurstof", "3151-8"},
}

func (t *transferReader) measurements() *rebuild.Value {
	var rows []rebuild.Member
	all := t.entries("363788007", "Observation")
	for _, x := range measures {
		for _, o := range all {
			if rebuild.HasCode(o.Member("code"), loinc, x.code) {
				rows = append(rows, rebuild.M(x.member, rebuild.Object(rebuild.M("waarde", rebuild.Number(o.At("valueQuantity", "value"))), rebuild.M("op", rebuild.Text(o.Member("effectiveDateTime"))))))
				break
			}
		}
	}
	return rebuild.Object(rows...)
}

func pain(o fhir.Node) *rebuild.Value {
	scale := rebuild.Code(o.Member("code"), "pijnschaal")
	if rebuild.HasCode(o.Member("code"), snomed, "108291000146105") {
		scale = rebuild.String("FLACC")
	}
	return rebuild.Object(rebuild.M("schaal", scale), rebuild.M("score", rebuild.Number(o.Member("valueInteger"))), rebuild.M("op", rebuild.Text(o.Member("effectiveDateTime"))))
}

// nursingProblems reads each Condition with the CarePlans that address it.
func (t *transferReader) nursingProblems() *rebuild.Value {
	plans := map[string][]fhir.Node{}
	for _, p := range t.entries("86644006", "CarePlan") {
		problem := p.At("addresses", "reference").Text()
		plans[problem] = append(plans[problem], p)
	}
	return rebuild.Each(t.entries("86644006", "Condition"), func(c fhir.Node) *rebuild.Value {
		problem := c.Resource().Ref().String()
		mine := plans[problem]
		delete(plans, problem)
		return rebuild.Object(
			rebuild.M("tekst", rebuild.Text(c.At("code", "text"))), rebuild.M("code", codering(c.Member("code"), nil)),
			rebuild.M("domein", rebuild.Code(c.Member("category"), "mks-domein")),
			rebuild.M("interventies", rebuild.Each(mine, func(p fhir.Node) *rebuild.Value { return rebuild.Text(p.At("activity", "detail", "description")) })),
			rebuild.M("doel", rebuild.Text(rebuild.Ext(rebuild.FirstOf(mine), "doel-tekst"))))
	})
}

func visit(e fhir.Node) *rebuild.Value {
	return rebuild.Object(
		rebuild.M("bij", rebuild.Text(e.At("serviceProvider", "display"))), rebuild.M("op", rebuild.Text(e.At("period", "start"))), rebuild.M("reden", rebuild.Text(e.At("reasonCode", "text"))))
}

// words reads the text of a section; one without content says only that it has none.
func (t *transferReader) words(code string) *rebuild.Value {
	s := t.section(code)
	if s.Member("emptyReason").Exists() {
		return nil
	}
	return rebuild.String(plain(strings.NewReader(s.At("text", "div").Text())))
}
