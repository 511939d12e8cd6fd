package mks

// toestemming is the record of mks.md 3.9: a consent or an objection, and who gave it.
func toestemming() record {
	return record{
		name: "toestemming", anchor: "Consent", fields: consentFields(),
		local: consentRules, stored: consentStored, write: writeConsent,
	}
}

func consentFields() fields {
	receiver := obj(f("soort", "1", code("ontvanger-soort")), f("ref", "0..1", ref("bet", "med", "org")),
		f("categorie", "0..1", code("organisatie-soort")))
	return fields{
		f("soort", "1", code("toestemming-soort")), f("besluit", "1", code("toestemming-besluit")),
		f("gegevenDoor", "1..*", obj(f("ref", "1", ref("bet", "kind", "med")), f("op", "1", instant),
			f("wijze", "1", code("toestemming-wijze")))),
		f("vastgelegdDoor", "1", ref("med")), f("houder", "1", obj(f("organisatie", "1", ref("org")))),
		f("ontvangers", "1..*", receiver),
		f("gegevens", "1", obj(f("categorie", "1..*", code("gegevenscategorie")), f("domeinen", "0..*", code("mks-domein")),
			f("vanaf", "0..1", date))),
		f("doel", "1..*", code("doel-van-gebruik")), f("overdracht", "0..1", ident),
		f("geldigVanaf", "1", date), f("geldigTot", "0..1", date),
		f("uitzonderingen", "0..*", obj(f("besluit", "1", code("toestemming-besluit")), f("ontvangers", "0..*", receiver),
			f("gegevens", "0..1", obj(f("categorie", "0..*", code("gegevenscategorie")), f("domeinen", "0..*", code("mks-domein")))))),
		f("ingetrokkenOp", "0..1", instant),
	}
}

// consentRules holds TOE-03, TOE-05 and what TOE-06 says without stored resources.
func consentRules(d *document) {
	in := d.inhoud()
	kindRule := map[string]func(*document, value){"bezwaar": objectionRule, "verondersteld": impliedRule}
	if rule := kindRule[in.at("soort").str()]; rule != nil {
		rule(d, in)
	}
	base := in.at("besluit")
	for _, x := range in.at("uitzonderingen").items() {
		same := base.sound() && x.at("besluit").str() == base.str()
		if same || x.at("uitzonderingen").present() {
			d.fail("MKS-TOE-05", x)
		}
	}
}

func objectionRule(d *document, in value) {
	if b := in.at("besluit"); b.sound() && b.str() != "weigeren" {
		d.fail("MKS-TOE-03", b)
	}
}

// impliedRule says what an implied consent is: one organisation gets one transfer, until a day.
func impliedRule(d *document, in value) {
	if b := in.at("besluit"); b.sound() && b.str() != "toestaan" {
		d.fail("MKS-TOE-03", b)
	}
	receivers := in.at("ontvangers")
	if all := receivers.items(); receivers.sound() && (len(all) != 1 || all[0].at("soort").str() != "organisatie") {
		d.fail("MKS-TOE-03", receivers)
	}
	categories := in.at("gegevens").at("categorie")
	if all := categories.strs(); categories.sound() && (len(all) != 1 || all[0] != "overdracht") {
		d.fail("MKS-TOE-03", categories)
	}
	for _, name := range []string{"overdracht", "geldigTot"} {
		if v := in.at(name); !v.present() {
			d.fail("MKS-TOE-03", v)
		}
	}
}
