package mks

// zorgplan is the record type of mks.md 3.5: the plan of care and support, and who does it.
func zorgplan() record {
	return record{
		name: "zorgplan", anchor: "CarePlan", fields: planFields(),
		local: checkPlan, stored: checkStoredPlan, write: writePlan,
	}
}

// planFields is the member table of mks.md 3.5.
func planFields() fields {
	return fields{
		f("vervangtVersie", "0..1", posInt), f("ingangsdatum", "1", date), f("einddatum", "0..1", date),
		f("opgesteldDoor", "1", ref("med")), f("opBasisVan", "0..*", str),
		f("domeinindeling", "1", code("domeinindeling")),
		f("wijziging", "0..1", obj(
			f("soort", "1..*", code("wijziging-soort")), f("via", "1", ref("med")), f("reden", "1", text))),
		f("problemen", "0..*", obj(
			f("id", "1", ident), f("code", "0..1", codering), f("tekst", "1", str),
			f("domein", "1", planDomain), f("behoeften", "0..*", str))),
		f("doelen", "0..*", obj(
			f("id", "1", ident), f("probleem", "0..1", str), f("domein", "0..1", planDomain), f("tekst", "1", str),
			f("statusNaam", "0..1", codering), f("streefdatum", "0..1", date),
			f("opgesteldMet", "0..*", ref("bet", "kind")))),
		f("acties", "1..*", actionType()),
		f("dagprogramma", "0..*", obj(f("van", "1", clock), f("tot", "1", clock), f("tekst", "1", str))),
		f("voedingsschema", "0..1", feedingType()),
		f("noodplan", "0..1", obj(f("signalen", "1", text), f("actie", "1", text), f("telefoon", "1", str))),
		f("evaluatieplan", "0..*", obj(
			f("soort", "1", code("evaluatie-soort")), f("perJaar", "1", integer(1, 12)),
			f("wijze", "0..1", code("afname-wijze")), f("deelnemers", "1..*", code("teamrol")),
			f("volgende", "0..1", date))),
		f("handtekeningen", "0..*", obj(
			f("door", "1", ref("bet", "kind", "med")), f("op", "1", instant), f("versie", "1", posInt),
			f("wijze", "1", code("handtekening-wijze")))),
	}
}

// actionType is one action with those who carry it out.
func actionType() typ {
	return obj(
		f("id", "1", ident), f("doel", "0..1", str), f("probleem", "0..1", str), f("domein", "1", planDomain),
		f("code", "0..1", codering), f("instructie", "1", text), f("tijden", "0..*", clock),
		f("frequentie", "0..1", obj(
			f("aantal", "1", posInt), f("per", "1", posInt), f("eenheid", "1", code("frequentie-eenheid")))),
		f("conditie", "0..1", text), f("vanaf", "0..1", date), f("totEnMet", "0..1", date),
		f("voorbehouden", "0..1", boolean),
		f("uitvoerders", "1..*", obj(
			f("soort", "1", code("uitvoerder-soort")), f("ref", "1", ref("bet", "med", "org", "kind")),
			f("momenten", "0..*", clock),
			f("bekwaam", "0..1", obj(f("op", "1", date), f("door", "1", ref("med")))))).instead("MKS-ZP-03"),
		f("wet", "0..1", code("wettelijk-kader")), f("onderdeel", "0..1", code("zorgonderdeel")),
	)
}

// feedingType is the feeding scheme, also of an overdracht.
func feedingType() typ {
	return obj(
		f("soort", "1", code("voeding-soort")), f("product", "0..1", str), f("mlPerKeer", "0..1", positive),
		f("keerPerDag", "0..1", integer(1, 24)), f("toedieningsweg", "0..1", code("toedieningsweg")),
		f("opmerking", "0..1", text),
	)
}

var (
	// posInt is a whole number from 1 that fits a positiveInt.
	posInt = integer(1, 1<<31-1)
	// planDomain is a domain of one of the two divisions; MKS-ZP-02 says which one the plan uses.
	planDomain = codeOf("mks-domein", "zorgleefplan-domein")
)
