package record

import (
	"github.com/drieluik/drieluik/mapping/form"
)

// toestemming is the record of mks.md 3.9: a consent or an objection, and who gave it.
func toestemming() Type {
	return Type{
		Name: "toestemming", Anchor: "Consent", Fields: consentFields(),
		Local: consentRules,
	}
}

func consentFields() form.Fields {
	receiver := form.Object(form.F("soort", "1", code("ontvanger-soort")), form.F("ref", "0..1", ref("bet", "med", "org")),
		form.F("categorie", "0..1", code("organisatie-soort")))
	return form.Fields{
		form.F("soort", "1", code("toestemming-soort")), form.F("besluit", "1", code("toestemming-besluit")),
		form.F("gegevenDoor", "1..*", form.Object(form.F("ref", "1", ref("bet", "kind", "med")), form.F("op", "1", instant),
			form.F("wijze", "1", code("toestemming-wijze")))),
		form.F("vastgelegdDoor", "1", ref("med")), form.F("houder", "1", form.Object(form.F("organisatie", "1", ref("org")))),
		form.F("ontvangers", "1..*", receiver),
		form.F("gegevens", "1", form.Object(form.F("categorie", "1..*", code("gegevenscategorie")), form.F("domeinen", "0..*", code("mks-domein")),
			form.F("vanaf", "0..1", date))),
		form.F("doel", "1..*", code("doel-van-gebruik")), form.F("overdracht", "0..1", ident),
		form.F("geldigVanaf", "1", date), form.F("geldigTot", "0..1", date),
		form.F("uitzonderingen", "0..*", form.Object(form.F("besluit", "1", code("toestemming-besluit")), form.F("ontvangers", "0..*", receiver),
			form.F("gegevens", "0..1", form.Object(form.F("categorie", "0..*", code("gegevenscategorie")), form.F("domeinen", "0..*", code("mks-domein")))))),
		form.F("ingetrokkenOp", "0..1", instant),
	}
}

// consentRules holds TOE-03, TOE-05 and what TOE-06 says without stored resources.
func consentRules(d *Document) {
	in := d.Content()
	kindRule := map[string]func(*Document, form.Value){"bezwaar": objectionRule, "verondersteld": impliedRule}
	if rule := kindRule[in.At("soort").Str()]; rule != nil {
		rule(d, in)
	}
	base := in.At("besluit")
	for _, x := range in.At("uitzonderingen").Items() {
		same := base.Sound() && x.At("besluit").Str() == base.Str()
		if same || x.At("uitzonderingen").Present() {
			d.Fail("MKS-TOE-05", x)
		}
	}
}

func objectionRule(d *Document, in form.Value) {
	if b := in.At("besluit"); b.Sound() && b.Str() != "weigeren" {
		d.Fail("MKS-TOE-03", b)
	}
}

// impliedRule says what an implied consent is: one organisation gets one transfer, until a day.
func impliedRule(d *Document, in form.Value) {
	if b := in.At("besluit"); b.Sound() && b.Str() != "toestaan" {
		d.Fail("MKS-TOE-03", b)
	}
	receivers := in.At("ontvangers")
	if all := receivers.Items(); receivers.Sound() && (len(all) != 1 || all[0].At("soort").Str() != "organisatie") {
		d.Fail("MKS-TOE-03", receivers)
	}
	categories := in.At("gegevens").At("categorie")
	if all := categories.Strs(); categories.Sound() && (len(all) != 1 || all[0] != "overdracht") {
		d.Fail("MKS-TOE-03", categories)
	}
	for _, name := range []string{"overdracht", "geldigTot"} {
		if v := in.At(name); !v.Present() {
			d.Fail("MKS-TOE-03", v)
		}
	}
}
