package guide

import "slices"

// phrase is one text of the pages.
type phrase struct{ key, nl, sv, en string }

// word returns a phrase in a language, "" for an unknown key.
func word(key, lang string) string {
	i := slices.IndexFunc(words, func(p phrase) bool { return p.key == key })
	if i < 0 {
		return ""
	}
	switch lang {
	case "sv":
		return words[i].sv
	case "en":
		return words[i].en
	}
	return words[i].nl
}

var words = []phrase{
	{"title", "MKS in FHIR", "MKS i FHIR", "MKS in FHIR"},
	{"intro", "Wat ziekenhuis, kinderthuiszorg en gezin met elkaar delen, in FHIR R4: profielen, vragenlijsten, codelijsten en vertaaltabellen. De bewoording is van onszelf; de methode MKS is van anderen.", "Det som sjukhus, hemsjukvård för barn och familj delar med varandra, i FHIR R4: profiler, frågeformulär, kodlistor och översättningstabeller. Formuleringarna är våra egna; metoden MKS är andras.", "What hospital, home care and family share, in FHIR R4: profiles, questionnaires, code lists and maps. The wording is our own; the method MKS is that of others."},
	{"skip", "Naar de inhoud", "Till innehållet", "Skip to content"},
	{"language", "Taal", "Språk", "Language"},
	{"home", "Alle onderdelen", "Alla delar", "All artefacts"},
	{"begin", "Beginnen", "Börja", "Begin"},
	{"first", "Verstuur uw eerste overdracht (in het Engels)", "Skicka din första överlämning (på engelska)", "Send your first transfer"},
	{"pull", "Haal op, en hoor van veranderingen (in het Engels)", "Hämta, och få veta om ändringar (på engelska)", "Pull, and be told of changes"},
	{"coordinate", "Stem de zorg voor een kind op elkaar af (in het Engels)", "Samordna ett barns vård (på engelska)", "Coordinate the care of a child"},
	{"package", "FHIR-pakket (package.tgz)", "FHIR-paket (package.tgz)", "FHIR package (package.tgz)"},
	{"schema", "JSON Schema van het bronformaat", "JSON Schema för källformatet", "JSON Schema of the source format"},
	{"json", "Dit onderdeel als JSON", "Denna del som JSON", "This artefact as JSON"},
	{"missing", "Deze pagina is er niet", "Sidan finns inte", "There is no such page"},
	{"missing.text", "Kies hieronder een onderdeel.", "Välj en del nedan.", "Choose an artefact below."},
	{"ImplementationGuide", "Implementatiegids", "Implementationsguide", "Implementation guide"},
	{"StructureDefinition", "Profielen", "Profiler", "Profiles"},
	{"extensions", "Extensies", "Tillägg", "Extensions"},
	{"Questionnaire", "Vragenlijsten", "Frågeformulär", "Questionnaires"},
	{"CodeSystem", "Codelijsten", "Kodsystem", "Code systems"},
	{"ValueSet", "Waardelijsten", "Värdemängder", "Value sets"},
	{"ConceptMap", "Vertaaltabellen", "Översättningstabeller", "Concept maps"},
	{"SearchParameter", "Zoekparameters", "Sökparametrar", "Search parameters"},
	{"OperationDefinition", "Operaties", "Operationer", "Operations"},
	{"Basic", "Onderwerpen van meldingen", "Ämnen för aviseringar", "Topics of Subscriptions"},
	{"examples", "Voorbeelden", "Exempel", "Examples"},
	{"canonical", "Canonieke URL", "Kanonisk URL", "Canonical URL"},
	{"version", "Versie", "Version", "Version"},
	{"status", "Status", "Status", "Status"},
	{"base", "Gebaseerd op", "Bygger på", "Based on"},
	{"context", "Gebruikt op", "Används på", "Used on"},
	{"copyright", "Rechten", "Rättigheter", "Copyright"},
	{"elements", "Elementen", "Element", "Elements"},
	{"element", "Element", "Element", "Element"},
	{"card", "Aantal", "Antal", "Card."},
	{"kind", "Type", "Typ", "Type"},
	{"about", "Omschrijving", "Beskrivning", "Description"},
	{"value", "Waarde", "Värde", "Value"},
	{"questions", "Vragen", "Frågor", "Questions"},
	{"question", "Vraag", "Fråga", "Question"},
	{"link", "linkId", "linkId", "linkId"},
	{"answers", "Antwoorden", "Svar", "Answers"},
	{"required", "verplicht", "obligatorisk", "required"},
	{"repeats", "herhaalbaar", "kan upprepas", "repeats"},
	{"codes", "Codes", "Koder", "Codes"},
	{"code", "Code", "Kod", "Code"},
	{"display", "Naam", "Namn", "Name"},
	{"definition", "Betekenis", "Betydelse", "Meaning"},
	{"made", "Samenstelling", "Sammansättning", "Made of"},
	{"system", "Codesysteem", "Kodsystem", "Code system"},
	{"every", "alle codes", "alla koder", "all codes"},
	{"without", "zonder", "utan", "without"},
	{"map", "Vertaling", "Översättning", "Map"},
	{"from", "Van", "Från", "From"},
	{"relation", "Verhouding", "Förhållande", "Relation"},
	{"to", "Naar", "Till", "To"},
	{"comment", "Toelichting", "Kommentar", "Comment"},
	{"none", "geen", "ingen", "none"},
	{"parameters", "Parameters", "Parametrar", "Parameters"},
	{"name", "Naam", "Namn", "Name"},
	{"use", "Richting", "Riktning", "Use"},
	{"base.of", "Op", "På", "On"},
	{"expression", "Uitdrukking", "Uttryck", "Expression"},
	{"contents", "Inhoud", "Innehåll", "Contents"},
	{"source", "Voorbeeld", "Exempel", "Example"},
}
