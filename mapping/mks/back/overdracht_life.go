package back

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// dailyLife are the members of the sections of health, development and family.
func (t *transferReader) dailyLife() []rebuild.Member {
	law, state := t.section("365867006"), t.section("5531000179105")
	return []rebuild.Member{
		rebuild.M("hulpmiddelen", rebuild.Each(t.parts("DeviceUseStatement", "", ""), t.device)),
		rebuild.M("voeding", feeding(t.entry("300893006", "NutritionOrder"))),
		rebuild.M("zelfzorg", t.words("365178001")), rebuild.M("mobiliteit", t.words("364832000")), rebuild.M("uitscheiding", t.words("106019003")),
		rebuild.M("huid", t.words("106076001")), rebuild.M("zintuigen", t.words("106147001")), rebuild.M("mentaal", t.words("36456004")),
		rebuild.M("ontwikkeling", t.development()), rebuild.M("ziektebeleving", t.illness()),
		rebuild.M("gezinssituatie", family(t.entry("365474007", "Observation"))), rebuild.M("woonsituatie", home(t.entry("365512000", "Observation"))),
		rebuild.M("juridisch", rebuild.Object(rebuild.M("gezag", rebuild.Text(rebuild.Ext(law, "gezag-type"))), rebuild.M("ots", rebuild.Flag(rebuild.Ext(law, "ots"))))),
		rebuild.M("bijzonderhedenKind", rebuild.Text(rebuild.Ext(state, "bijzonderheden-kind"))),
		rebuild.M("bijlagen", rebuild.Each(t.entries("5531000179105", "DocumentReference"), attachment)),
	}
}

// device reads a statement of use and the Device that it is about.
func (t *transferReader) device(u fhir.Node) *rebuild.Value {
	d := t.Get(u.Member("device"))
	property := func(name string) fhir.Node {
		for p := range d.All("property") {
			if rebuild.Has(p.Member("type"), "mks-observatie", name) {
				return p
			}
		}
		return fhir.Node{}
	}
	return rebuild.Object(
		rebuild.M("soort", rebuild.Text(d.At("type", "text"))), rebuild.M("code", codering(d.Member("type"), nil)),
		rebuild.M("maat", rebuild.Text(property("maat").At("valueCode", "text"))), rebuild.M("lengteCm", rebuild.Number(property("lengte").At("valueQuantity", "value"))),
		rebuild.M("ingebrachtOp", rebuild.Day(u.At("timingPeriod", "start"))), rebuild.M("vervangenVoor", rebuild.Day(rebuild.Ext(u, "vervangen-voor"))),
		rebuild.M("leverancier", rebuild.Text(rebuild.Ext(d, "leverancier"))), rebuild.M("instelling", rebuild.Text(u.At("note", "text"))))
}

// growths are the SNOMED CT codes of the fields of ontwikkeling. Read only.
var growths = []struct{ member, code string }{{"motoriek", "282716004"}, {"taal", "61909002"}, {"sociaal", "225597007"}}

// development reads the parent Observation and its members.
func (t *transferReader) development() *rebuild.Value {
	parent := rebuild.FirstOf(t.linked(t.growth, "entry"))
	all := t.linked(parent, "hasMember")
	var rows []rebuild.Member
	for _, x := range growths {
		rows = append(rows, rebuild.M(x.member, rebuild.Each(all, func(o fhir.Node) *rebuild.Value {
			if !rebuild.HasCode(o.Member("code"), snomed, x.code) {
				return nil
			}
			return rebuild.Text(rebuild.CodeIn(o.Member("valueCodeableConcept"), snomed))
		})))
	}
	return rebuild.Object(append(rows, rebuild.M("toelichting", rebuild.Text(parent.At("note", "text"))))...)
}

func (t *transferReader) illness() *rebuild.Value {
	said := func(code string) *rebuild.Value {
		for _, o := range t.entries("284465006", "Observation") {
			if rebuild.HasCode(o.Member("code"), snomed, code) {
				return rebuild.Text(o.Member("valueString"))
			}
		}
		return nil
	}
	return rebuild.Object(rebuild.M("kind", said("364667003")), rebuild.M("gezin", said("405199009")))
}

func family(o fhir.Node) *rebuild.Value {
	var siblings fhir.Node
	for c := range o.All("component") {
		if rebuild.Has(c.Member("code"), "mks-observatie", "broers-zussen") {
			siblings = rebuild.ValueOf(c)
		}
	}
	return rebuild.Object(rebuild.M("broersZussen", rebuild.Number(siblings)), rebuild.M("samenstelling", rebuild.Text(o.Member("valueString"))))
}

func home(o fhir.Node) *rebuild.Value {
	return rebuild.Object(rebuild.M("type", rebuild.Text(o.At("valueCodeableConcept", "coding", "code"))), rebuild.M("toelichting", rebuild.Text(o.At("note", "text"))))
}

func attachment(d fhir.Node) *rebuild.Value {
	a := d.At("content", "attachment")
	return rebuild.Object(
		rebuild.M("titel", rebuild.Text(a.Member("title"))), rebuild.M("mime", rebuild.Text(a.Member("contentType"))),
		rebuild.M("sha256", rebuild.Text(rebuild.Ext(d, "sha256"))), rebuild.M("url", rebuild.Text(a.Member("url"))))
}
