package smart

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// group is one row of the consent page (smart.md 5.3): types that a person takes as one thing.
type group struct {
	name  phrase
	types []fhir.Type
}

func typesOf(list string) []fhir.Type {
	var types []fhir.Type
	for name := range strings.FieldsSeq(list) {
		types = append(types, fhir.Type(name))
	}
	return types
}

// groups is the table of smart.md 5.3. A type of typeWords that is in none belongs to the last.
func groups() []group {
	return []group{
		{phrase{"child", "Naam, geboortedatum en contact van het kind", "Barnets namn, födelsedatum och kontaktuppgifter", "The child's name, birth date and contact"}, typesOf("Patient")},
		{phrase{"plan", "Zorgplan en zorg van elke dag", "Vårdplan och den dagliga vården", "Care plan and daily care"}, typesOf("CarePlan Goal CareTeam ServiceRequest Task NutritionOrder DeviceUseStatement Device DeviceRequest SupplyRequest")},
		{phrase{"needs", "Vragenlijsten over hoe het met het kind gaat", "Frågeformulär om hur barnet mår", "Questionnaires about how the child is doing"}, typesOf("Questionnaire QuestionnaireResponse")},
		{phrase{"health", "Gezondheid en metingen", "Hälsa och mätvärden", "Health and measurements"}, typesOf("Condition Observation AllergyIntolerance Immunization Procedure DiagnosticReport RiskAssessment ClinicalImpression Flag DetectedIssue")},
		{phrase{"medicines", "Medicijnen", "Läkemedel", "Medicines"}, typesOf("MedicationRequest MedicationStatement MedicationAdministration MedicationDispense Medication")},
		{phrase{"transfer", "Overdracht en documenten", "Överföring och dokument", "Transfer and documents"}, typesOf("Composition DocumentReference Encounter EpisodeOfCare List")},
		{phrase{"people", "Mensen en organisaties rond het kind", "Personer och organisationer runt barnet", "People and organisations around the child"}, typesOf("RelatedPerson Person Practitioner PractitionerRole Organization Location HealthcareService")},
		{phrase{"meetings", "Afspraken en berichten", "Möten och meddelanden", "Appointments and messages"}, typesOf("Appointment AppointmentResponse Communication CommunicationRequest")},
		{phrase{"control", "Toestemmingen en wie er keek", "Samtycken och vem som har tittat", "Permissions and who looked"}, typesOf("Consent AuditEvent Provenance")},
		{phrase{"other", "Andere gegevens: {types}", "Andra uppgifter: {types}", "Other data: {types}"}, typesOf("BodyStructure Coverage FamilyMemberHistory ImagingStudy Media Specimen VisionPrescription")},
	}
}

// typeWords names every type that a person can permit. Nobody consents to what a page cannot name:
// a type that is not here is not granted.
func typeWords() []phrase { return slices.Concat(careWords(), aroundWords()) }

func careWords() []phrase {
	return []phrase{
		{"Patient", "Naam, geboortedatum en contact", "Namn, födelsedatum och kontaktuppgifter", "Name, birth date and contact"},
		{"CarePlan", "Zorgplannen", "Vårdplaner", "Care plans"},
		{"Goal", "Doelen", "Mål", "Goals"},
		{"CareTeam", "Wie samen zorgen", "Vilka som vårdar tillsammans", "Who cares together"},
		{"ServiceRequest", "Aangevraagde zorg", "Beställd vård", "Requested care"},
		{"Task", "Taken", "Uppgifter att göra", "Tasks"},
		{"NutritionOrder", "Voeding", "Kost", "Nutrition"},
		{"DeviceUseStatement", "Gebruik van hulpmiddelen", "Användning av hjälpmedel", "Use of aids"},
		{"Device", "Hulpmiddelen", "Hjälpmedel", "Aids"},
		{"DeviceRequest", "Aangevraagde hulpmiddelen", "Beställda hjälpmedel", "Requested aids"},
		{"SupplyRequest", "Bestelde materialen", "Beställt material", "Ordered supplies"},
		{"Questionnaire", "Vragenlijsten", "Frågeformulär", "Questionnaires"},
		{"QuestionnaireResponse", "Antwoorden op vragenlijsten", "Svar på frågeformulär", "Answers to questionnaires"},
		{"Condition", "Ziekten en problemen", "Sjukdomar och problem", "Illnesses and problems"},
		{"Observation", "Metingen en uitslagen", "Mätvärden och resultat", "Measurements and results"},
		{"AllergyIntolerance", "Allergieën", "Allergier", "Allergies"},
		{"Immunization", "Inentingen", "Vaccinationer", "Vaccinations"},
		{"Procedure", "Behandelingen", "Behandlingar", "Treatments"},
		{"DiagnosticReport", "Verslagen van onderzoek", "Undersökningssvar", "Reports of tests"},
		{"RiskAssessment", "Risico's", "Risker", "Risks"},
		{"ClinicalImpression", "Beoordelingen", "Bedömningar", "Assessments"},
		{"Flag", "Waarschuwingen", "Varningar", "Warnings"},
		{"DetectedIssue", "Gevonden problemen in de zorg", "Upptäckta problem i vården", "Problems found in the care"},
		{"MedicationRequest", "Voorgeschreven medicijnen", "Ordinerade läkemedel", "Prescribed medicines"},
		{"MedicationStatement", "Gebruikte medicijnen", "Läkemedel som används", "Medicines in use"},
		{"MedicationAdministration", "Gegeven medicijnen", "Givna läkemedel", "Medicines given"},
		{"MedicationDispense", "Geleverde medicijnen", "Utlämnade läkemedel", "Medicines supplied"},
		{"Medication", "Gegevens van medicijnen", "Uppgifter om läkemedel", "Details of medicines"},
	}
}

func aroundWords() []phrase {
	return []phrase{
		{"Composition", "Overdrachten", "Överföringar", "Transfers"},
		{"DocumentReference", "Documenten", "Dokument", "Documents"},
		{"Encounter", "Bezoeken en opnames", "Besök och inskrivningar", "Visits and stays"},
		{"EpisodeOfCare", "Perioden van zorg", "Vårdperioder", "Periods of care"},
		{"List", "Lijsten", "Listor", "Lists"},
		{"RelatedPerson", "Familie en naasten", "Familj och närstående", "Family and close people"},
		{"Person", "Uw eigen gegevens", "Dina egna uppgifter", "Your own details"},
		{"Practitioner", "Zorgverleners", "Vårdpersonal", "Care providers"},
		{"PractitionerRole", "Functies van zorgverleners", "Vårdpersonalens roller", "Roles of care providers"},
		{"Organization", "Organisaties", "Organisationer", "Organisations"},
		{"Location", "Plaatsen", "Platser", "Places"},
		{"HealthcareService", "Soorten zorg", "Sorters vård", "Kinds of care"},
		{"Appointment", "Afspraken", "Möten", "Appointments"},
		{"AppointmentResponse", "Antwoorden op afspraken", "Svar på möten", "Answers to appointments"},
		{"Communication", "Berichten", "Meddelanden", "Messages"},
		{"CommunicationRequest", "Gevraagde berichten", "Begärda meddelanden", "Requested messages"},
		{"Consent", "Toestemmingen", "Samtycken", "Permissions"},
		{"AuditEvent", "Wie er keek", "Vem som har tittat", "Who looked"},
		{"Provenance", "Waar gegevens vandaan komen", "Var uppgifter kommer ifrån", "Where data comes from"},
		{"BodyStructure", "Plaatsen op het lichaam", "Ställen på kroppen", "Places on the body"},
		{"Coverage", "Verzekering", "Försäkring", "Insurance"},
		{"FamilyMemberHistory", "Ziekten in de familie", "Sjukdomar i familjen", "Illnesses in the family"},
		{"ImagingStudy", "Beelden van onderzoek", "Undersökningsbilder", "Images of tests"},
		{"Media", "Foto's en opnames", "Foton och inspelningar", "Photos and recordings"},
		{"Specimen", "Afgenomen materiaal", "Prover", "Samples"},
		{"VisionPrescription", "Brillen en lenzen", "Glasögon och linser", "Glasses and lenses"},
	}
}

// category is a part of Observation or Condition that can be ticked alone (smart.md 4.4).
type category struct {
	name   phrase // its key is the code
	kind   fhir.Type
	system string
}

func categories() []category {
	const observation = "http://terminology.hl7.org/CodeSystem/observation-category"
	const condition = "http://terminology.hl7.org/CodeSystem/condition-category"
	return []category{
		{phrase{"vital-signs", "Hartslag, adem, temperatuur en gewicht", "Puls, andning, temperatur och vikt", "Heart rate, breathing, temperature and weight"}, "Observation", observation},
		{phrase{"laboratory", "Uitslagen van het laboratorium", "Laboratoriesvar", "Laboratory results"}, "Observation", observation},
		{phrase{"survey", "Uitkomsten van vragenlijsten", "Resultat av frågeformulär", "Outcomes of questionnaires"}, "Observation", observation},
		{phrase{"social-history", "Hoe het kind leeft", "Hur barnet lever", "How the child lives"}, "Observation", observation},
		{phrase{"activity", "Bewegen en activiteiten", "Rörelse och aktiviteter", "Movement and activities"}, "Observation", observation},
		{phrase{"problem-list-item", "Problemen die blijven", "Problem som kvarstår", "Problems that last"}, "Condition", condition},
		{phrase{"encounter-diagnosis", "Diagnoses bij een bezoek", "Diagnoser vid ett besök", "Diagnoses of a visit"}, "Condition", condition},
	}
}

// permittable returns the types that a person can permit, of those that are served.
func permittable(served []TypeLetters) []fhir.Type {
	var types []fhir.Type
	for _, g := range groups() {
		for _, t := range g.types {
			if slices.ContainsFunc(served, func(l TypeLetters) bool { return l.Type == t }) {
				types = append(types, t)
			}
		}
	}
	return types
}
