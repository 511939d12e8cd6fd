package netwerk

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
)

// Schema is the value of the member "schema".
const Schema = "netwerk/1"

// Systems of codes and identifiers.
const (
	uraSystem      = "http://fhir.nl/fhir/NamingSystem/ura"
	bsnSystem      = "http://fhir.nl/fhir/NamingSystem/bsn"
	roleCodes      = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
	relationRoles  = "urn:oid:2.16.840.1.113883.2.4.3.11.22.472"
	consentScope   = "http://terminology.hl7.org/CodeSystem/consentscope"
	participation  = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	obsCategory    = "http://terminology.hl7.org/CodeSystem/observation-category"
	agentType      = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
	snomed         = "http://snomed.info/sct"
	loinc          = "http://loinc.org"
	nlCore         = "http://nictiz.nl/fhir/StructureDefinition/nl-core-"
	systemOfSource = fhir.Canonical + "/sid/netwerk/"
	systemOfClient = fhir.Canonical + "/sid/client/"
)

// Closed lists. Those without a CodeSystem of ours stand on their own.
var (
	kinds       = own("soort", "netwerk-soort", "familie", "vriend", "buur", "vrijwilliger", "lotgenoot", "professional", "organisatie")
	strengths   = own("sterkte", "netwerk-sterkte", "sterk", "matig", "zwak", "gespannen", "verbroken")
	directions  = own("richting", "netwerk-richting", "naar-client", "van-client", "wederzijds")
	authors     = own("rol", "netwerk-rol", "client", "ouder", "clientondersteuner", "kantelcoach", "gezinscoordinator", "eigen-kracht-coordinator")
	insights    = own("ziet", "netwerk-inzage", "agenda", "eigen-taken", "doelen", "medisch-kort")
	states      = own("status", "netwerk-afspraak", "voorgesteld", "geaccepteerd", "geweigerd", "loopt", "gestopt")
	offers      = own("aanbod", "netwerk-aanbod", "vervoer", "oppas", "boodschappen", "koken", "administratie", "gezelschap", "praktisch-thuis", "zorg-onder-instructie", "meedenken", "pleegzorg-weekend", "professionele-zorg")
	deciders    = form.Codes("beslisserRol", "", "client", "ouder", "organisatie")
	givers      = form.Codes("geverRol", "", "gezag", "kind")
	days        = form.Codes("dag", "http://hl7.org/fhir/days-of-week", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
	repeats     = form.Codes("per", "", "week", "twee-weken", "maand")
	relatedness = form.Codes("relatieCode", roleCodes, "ADOPTF", "ADOPTM", "AUNT", "BRO", "BROINLAW", "COUSN", "FTH", "FTHFOST", "GGRFTH", "GGRMTH", "GRFTH", "GRMTH", "MTH", "MTHFOST", "NEPHEW", "NIECE", "OTH", "SIS", "SISINLAW", "STPFTH", "STPMTH", "UNCLE")
)

func own(name, system string, codes ...string) form.List {
	return form.Codes(name, fhir.Canonical+"/CodeSystem/"+system, codes...)
}

// Types of network.md 1.
var (
	text      = form.Trimmed(4000, "NW-S09").Named("s")
	date      = form.Date("NW-S06").Named("date")
	instant   = form.Instant("NW-S06").Named("instant")
	id        = form.Pattern(`[A-Za-z][A-Za-z0-9-]{0,15}`, "NW-S09").Named("id")
	document1 = form.Pattern(`[A-Za-z0-9.-]{1,64}`, "NW-S09").Named("dok")
	ura       = form.Pattern(`[0-9]{8}`, "NW-S09").Named("ura")
	clock     = form.Pattern(`([01][0-9]|2[0-3]):[0-5][0-9]`, "NW-S09").Named("tijd")
	bsn       = form.BSN("NW-S07").Named("bsn")
	member    = form.Checked(func(string) bool { return true }, "NW-S05", form.Schema{}).Refs("The id of a member of leden.", "lid").Named("ref")
)

func code(l form.List) form.Type { return form.Code("NW-S03", l) }

// person is the table of a consent's giver, consent that of toestemming, lid and agreement those of the lists.
var (
	person  = form.Object(form.F("rol", "1", code(givers)), form.F("naam", "1", text), form.F("bsn", "0..1", bsn))
	consent = form.Object(
		form.F("benaderen", "1", form.Bool()), form.F("ziet", "0..*", code(insights)), form.F("datum", "1", date),
		form.F("gegevenDoor", "1..*", person), form.F("ingetrokken", "0..1", date))
	lid = form.Object(
		form.F("id", "1", id), form.F("naam", "1", text), form.F("soort", "1", code(kinds)),
		form.F("relatie", "0..1", text), form.F("relatieCode", "0..1", code(relatedness)),
		form.F("kring", "1", form.Integer(1, 4, "NW-S09")), form.F("sterkte", "1", code(strengths)), form.F("richting", "1", code(directions)),
		form.F("aanbod", "0..*", code(offers)), form.F("niet", "0..*", code(offers)), form.F("grenzen", "0..*", text),
		form.F("beschikbaarheid", "0..*", form.Object(
			form.F("dagen", "1..*", code(days)), form.F("van", "0..1", clock), form.F("tot", "0..1", clock))),
		form.F("belasting", "0..1", form.Integer(0, 4, "NW-S09")), form.F("telefoon", "0..1", text), form.F("ura", "0..1", ura),
		form.F("toestemming", "0..1", consent), form.F("zichtbaarVoor", "0..*", member))
	agreement = form.Object(
		form.F("id", "1", id), form.F("wat", "1", text), form.F("soort", "1", code(offers)),
		form.F("wie", "1", member), form.F("reserve", "0..1", member), form.F("doel", "0..1", text),
		form.F("frequentie", "1", form.Object(
			form.F("dagen", "1..*", code(days)), form.F("tijd", "0..1", clock), form.F("per", "0..1", code(repeats)))),
		form.F("start", "1", date), form.F("evaluatie", "0..1", date), form.F("status", "1", code(states)),
		form.F("voorbereiding", "0..1", form.Object(form.F("tekst", "1", text), form.F("datum", "1", date), form.F("door", "0..1", member))),
		form.F("beslisser", "0..1", form.Object(form.F("naam", "1", text), form.F("rol", "1", code(deciders)), form.F("organisatie", "0..1", text))),
		form.F("instructieDoor", "0..1", member), form.F("reden", "0..1", text))
)

// table is the whole document.
var table = form.Fields{
	form.F("schema", "1", code(form.Codes("schema", "", Schema))),
	form.F("recordId", "1", document1), form.F("versie", "1", form.Integer(1, 1_000_000, "NW-S09")),
	form.F("vastgelegdOp", "1", instant),
	form.F("bronsysteem", "1", form.Object(form.F("ura", "1", ura), form.F("naam", "1", text), form.F("applicatie", "0..1", text))),
	form.F("client", "1", form.Object(
		form.F("bsn", "0..1", bsn), form.F("lokaalId", "1", document1), form.F("naam", "1", text), form.F("geboortedatum", "0..1", date))),
	form.F("opgesteldDoor", "1", form.Object(form.F("rol", "1", code(authors)), form.F("naam", "1", text))),
	form.F("datum", "1", date), form.F("geldigTot", "1", date),
	form.F("besluit", "1", form.Object(form.F("wie", "1", text), form.F("aanspreekpuntOrganisatie", "1", form.Object(
		form.F("naam", "1", text), form.F("organisatie", "1", text), form.F("mandaat", "1", text))))),
	form.F("leden", "1..*", lid),
	form.F("onderling", "0..*", form.Object(form.F("a", "1", member), form.F("b", "1", member), form.F("sterkte", "1", code(strengths)))),
	form.F("afspraken", "0..*", agreement),
}
