package record

import (
	"github.com/drieluik/drieluik/mapping/form"
)

// Zorgplan is the record type of mks.md 3.5: the plan of care and support, and who does it.
func Zorgplan() Type {
	return Type{
		Name: "zorgplan", Anchor: "CarePlan", Fields: planFields(),
		Local: checkPlan,
	}
}

// planFields is the member table of mks.md 3.5.
func planFields() form.Fields {
	return form.Fields{
		form.F("vervangtVersie", "0..1", posInt), form.F("ingangsdatum", "1", date), form.F("einddatum", "0..1", date),
		form.F("opgesteldDoor", "1", ref("med")), form.F("opBasisVan", "0..*", Str),
		form.F("domeinindeling", "1", code("domeinindeling")),
		form.F("wijziging", "0..1", form.Object(
			form.F("soort", "1..*", code("wijziging-soort")), form.F("via", "1", ref("med")), form.F("reden", "1", text))),
		form.F("problemen", "0..*", form.Object(
			form.F("id", "1", ident), form.F("code", "0..1", codering), form.F("tekst", "1", Str),
			form.F("domein", "1", planDomain), form.F("behoeften", "0..*", Str))),
		form.F("doelen", "0..*", form.Object(
			form.F("id", "1", ident), form.F("probleem", "0..1", Str), form.F("domein", "0..1", planDomain), form.F("tekst", "1", Str),
			form.F("statusNaam", "0..1", codering), form.F("streefdatum", "0..1", date),
			form.F("opgesteldMet", "0..*", ref("bet", "kind")))),
		form.F("acties", "1..*", actionType()),
		form.F("dagprogramma", "0..*", form.Object(form.F("van", "1", clock), form.F("tot", "1", clock), form.F("tekst", "1", Str))),
		form.F("voedingsschema", "0..1", feedingType()),
		form.F("noodplan", "0..1", form.Object(form.F("signalen", "1", text), form.F("actie", "1", text), form.F("telefoon", "1", Str))),
		form.F("evaluatieplan", "0..*", form.Object(
			form.F("soort", "1", code("evaluatie-soort")), form.F("perJaar", "1", integer(1, 12)),
			form.F("wijze", "0..1", code("afname-wijze")), form.F("deelnemers", "1..*", code("teamrol")),
			form.F("volgende", "0..1", date))),
		form.F("handtekeningen", "0..*", form.Object(
			form.F("door", "1", ref("bet", "kind", "med")), form.F("op", "1", instant), form.F("versie", "1", posInt),
			form.F("wijze", "1", code("handtekening-wijze")))),
	}
}

// actionType is one action with those who carry it out.
func actionType() form.Type {
	return form.Object(
		form.F("id", "1", ident), form.F("doel", "0..1", Str), form.F("probleem", "0..1", Str), form.F("domein", "1", planDomain),
		form.F("code", "0..1", codering), form.F("instructie", "1", text), form.F("tijden", "0..*", clock),
		form.F("frequentie", "0..1", form.Object(
			form.F("aantal", "1", posInt), form.F("per", "1", posInt), form.F("eenheid", "1", code("frequentie-eenheid")))),
		form.F("conditie", "0..1", text), form.F("vanaf", "0..1", date), form.F("totEnMet", "0..1", date),
		form.F("voorbehouden", "0..1", boolean),
		form.F("uitvoerders", "1..*", form.Object(
			form.F("soort", "1", code("uitvoerder-soort")), form.F("ref", "1", ref("bet", "med", "org", "kind")),
			form.F("momenten", "0..*", clock),
			form.F("bekwaam", "0..1", form.Object(form.F("op", "1", date), form.F("door", "1", ref("med")))))).Instead("MKS-ZP-03"),
		form.F("wet", "0..1", code("wettelijk-kader")), form.F("onderdeel", "0..1", code("zorgonderdeel")),
	)
}

// feedingType is the feeding scheme, also of an overdracht.
func feedingType() form.Type {
	return form.Object(
		form.F("soort", "1", code("voeding-soort")), form.F("product", "0..1", Str), form.F("mlPerKeer", "0..1", positive),
		form.F("keerPerDag", "0..1", integer(1, 24)), form.F("toedieningsweg", "0..1", code("toedieningsweg")),
		form.F("opmerking", "0..1", text),
	)
}

var (
	// posInt is a whole number from 1 that fits a positiveInt.
	posInt = integer(1, 1<<31-1)
	// planDomain is a domain of one of the two divisions; MKS-ZP-02 says which one the plan uses.
	planDomain = code("mks-domein", "zorgleefplan-domein")
)
