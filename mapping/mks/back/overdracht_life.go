package back

import "github.com/drieluik/drieluik/fhir"

// dailyLife are the members of the sections of health, development and family.
func (t *transferReader) dailyLife() []member {
	law, state := t.section("365867006"), t.section("5531000179105")
	return []member{
		m("hulpmiddelen", each(t.parts("DeviceUseStatement", "", ""), t.device)),
		m("voeding", feeding(t.entry("300893006", "NutritionOrder"))),
		m("zelfzorg", t.words("365178001")), m("mobiliteit", t.words("364832000")), m("uitscheiding", t.words("106019003")),
		m("huid", t.words("106076001")), m("zintuigen", t.words("106147001")), m("mentaal", t.words("36456004")),
		m("ontwikkeling", t.development()), m("ziektebeleving", t.illness()),
		m("gezinssituatie", family(t.entry("365474007", "Observation"))), m("woonsituatie", home(t.entry("365512000", "Observation"))),
		m("juridisch", object(m("gezag", text(ext(law, "gezag-type"))), m("ots", flag(ext(law, "ots"))))),
		m("bijzonderhedenKind", text(ext(state, "bijzonderheden-kind"))),
		m("bijlagen", each(t.entries("5531000179105", "DocumentReference"), attachment)),
	}
}

// device reads a statement of use and the Device that it is about.
func (t *transferReader) device(u fhir.Node) *node {
	d := t.get(u.Member("device"))
	property := func(name string) fhir.Node {
		for p := range d.All("property") {
			if has(p.Member("type"), "mks-observatie", name) {
				return p
			}
		}
		return fhir.Node{}
	}
	return object(
		m("soort", text(d.At("type", "text"))), m("code", codering(d.Member("type"), nil)),
		m("maat", text(property("maat").At("valueCode", "text"))), m("lengteCm", number(property("lengte").At("valueQuantity", "value"))),
		m("ingebrachtOp", day(u.At("timingPeriod", "start"))), m("vervangenVoor", day(ext(u, "vervangen-voor"))),
		m("leverancier", text(ext(d, "leverancier"))), m("instelling", text(u.At("note", "text"))))
}

// growths are the SNOMED CT codes of the fields of ontwikkeling. Read only.
var growths = []struct{ member, code string }{{"motoriek", "282716004"}, {"taal", "61909002"}, {"sociaal", "225597007"}}

// development reads the parent Observation and its members.
func (t *transferReader) development() *node {
	parent := firstOf(t.linked(t.growth, "entry"))
	all := t.linked(parent, "hasMember")
	var rows []member
	for _, x := range growths {
		rows = append(rows, m(x.member, each(all, func(o fhir.Node) *node {
			if !hasCode(o.Member("code"), snomed, x.code) {
				return nil
			}
			return text(codeNode(o.Member("valueCodeableConcept"), snomed))
		})))
	}
	return object(append(rows, m("toelichting", text(parent.At("note", "text"))))...)
}

func (t *transferReader) illness() *node {
	said := func(code string) *node {
		for _, o := range t.entries("284465006", "Observation") {
			if hasCode(o.Member("code"), snomed, code) {
				return text(o.Member("valueString"))
			}
		}
		return nil
	}
	return object(m("kind", said("364667003")), m("gezin", said("405199009")))
}

func family(o fhir.Node) *node {
	var siblings fhir.Node
	for c := range o.All("component") {
		if has(c.Member("code"), "mks-observatie", "broers-zussen") {
			siblings = valueOf(c)
		}
	}
	return object(m("broersZussen", number(siblings)), m("samenstelling", text(o.Member("valueString"))))
}

func home(o fhir.Node) *node {
	return object(m("type", text(o.At("valueCodeableConcept", "coding", "code"))), m("toelichting", text(o.At("note", "text"))))
}

func attachment(d fhir.Node) *node {
	a := d.At("content", "attachment")
	return object(
		m("titel", text(a.Member("title"))), m("mime", text(a.Member("contentType"))),
		m("sha256", text(ext(d, "sha256"))), m("url", text(a.Member("url"))))
}
