package mks

import (
	"html"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	comppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/composition_go_proto"
)

// section gathers the content of one section of the Composition.
type section struct {
	entries    []*dpb.Reference
	text       string
	extensions []*dpb.Extension
	empty      string // code of list-empty-reason
}

func (s *section) extend(name string, v *dpb.Extension_ValueX) {
	s.extensions = append(s.extensions, some(extensionOf(name, v))...)
}

// section returns the section of that name, made when it is asked for.
func (w *transferWriter) section(name string) *section {
	s, ok := w.sections[name]
	if !ok {
		s = &section{}
		w.sections[name] = s
	}
	return s
}

// sectionRow is one section of mks.md 3.8: its SNOMED code and where it stands.
type sectionRow struct{ name, parent, code, title string }

// sectionRows are the sections in the order of the message.
var sectionRows = []sectionRow{
	{"administrativeData", "", "405624007", "Administratieve gegevens"},
	{"personalData", "administrativeData", "302147001", "Persoonsgegevens"},
	{"sendingOrganization", "administrativeData", "185362004", "Verzendende organisatie"},
	{"receivingOrganization", "administrativeData", "275645009", "Ontvangende organisatie"},
	{"generalPatientContext", "", "109481000146101", "Algemene context van het kind"},
	{"familySituation", "generalPatientContext", "365474007", "Gezinssituatie"},
	{"legalSituation", "generalPatientContext", "365867006", "Juridische situatie"},
	{"livingSituation", "generalPatientContext", "365512000", "Woonsituatie"},
	{"medicalContext", "", "371524004", "Medische context"},
	{"practitioner", "medicalContext", "405623001", "Behandelaars"},
	{"medicalDiagnosis", "medicalContext", "52870002", "Medische diagnoses"},
	{"medicalHistory", "medicalContext", "417662000", "Voorgeschiedenis"},
	{"allergy", "medicalContext", "420134006", "Allergieën"},
	{"payAttention", "medicalContext", "308813009", "Alerts"},
	{"freedomRestriction", "medicalContext", "225317005", "Vrijheidsbeperking"},
	{"measurements", "medicalContext", "363788007", "Metingen"},
	{"painScore", "medicalContext", "11011000146108", "Pijnscore"},
	{"carePlan", "", "773130005", "Zorgplan"},
	{"currentPatientProblems", "carePlan", "86644006", "Actuele problemen"},
	{"outcomeOfCare", "carePlan", "722091001", "Resultaat van zorg"},
	{"patientAppointments", "carePlan", "308335008", "Afspraken"},
	{"healthState", "", "5531000179105", "Gezondheidstoestand"},
	{"selfCare", "healthState", "365178001", "Zelfzorg"},
	{"mobility", "healthState", "364832000", "Mobiliteit"},
	{"nutritionOrFluid", "healthState", "300893006", "Voeding en vocht"},
	{"excretion", "healthState", "106019003", "Uitscheiding"},
	{"skin", "healthState", "106076001", "Huid"},
	{"senses", "healthState", "106147001", "Zintuigen"},
	{"illnessPerception", "healthState", "284465006", "Ziektebeleving"},
	{"mentalStatus", "healthState", "36456004", "Mentale toestand"},
	{"developmentChild", "healthState", "", "Development child"},
}

// compose builds the sections under parent that have content; carePlan stands also without any.
func (w *transferWriter) compose(parent string) []*comppb.Composition_Section {
	var out []*comppb.Composition_Section
	for _, row := range sectionRows {
		if row.parent != parent {
			continue
		}
		s, children := w.sections[row.name], w.compose(row.name)
		if s == nil && len(children) == 0 {
			if row.name != "carePlan" {
				continue
			}
			s = &section{empty: "notasked"}
		}
		if s == nil {
			s = &section{}
		}
		out = append(out, s.proto(row, children))
	}
	return out
}

// nothingKnown is what a section says when the sender asked and there is none.
const nothingKnown = "Geen bekend (nagevraagd)"

func (s *section) proto(row sectionRow, children []*comppb.Composition_Section) *comppb.Composition_Section {
	out := &comppb.Composition_Section{Title: pstr(row.title), Entry: s.entries, Section: children}
	out.Extension = s.extensions
	if row.code != "" {
		out.Code = concept(coding(snomed, row.code, ""))
	}
	if s.empty == "" && s.text == "" && len(s.entries) == 0 && len(children) == 0 {
		s.empty = "notasked"
	}
	if s.empty != "" {
		out.EmptyReason = concept(coding("http://terminology.hl7.org/CodeSystem/list-empty-reason", s.empty, ""))
	}
	if s.text != "" {
		out.Text = narrative(s.text)
	}
	return out
}

// narrative returns plain text as the narrative of a section.
func narrative(text string) *dpb.Narrative {
	return &dpb.Narrative{
		Status: enum(&dpb.Narrative_StatusCode{}, "additional"),
		Div:    &dpb.Xhtml{Value: `<div xmlns="http://www.w3.org/1999/xhtml">` + html.EscapeString(text) + `</div>`},
	}
}

// texts fills the sections that are text alone.
func (w *transferWriter) texts() {
	for _, t := range []struct{ member, section string }{
		{"vrijheidsbeperking", "freedomRestriction"}, {"zorgresultaat", "outcomeOfCare"}, {"zelfzorg", "selfCare"},
		{"mobiliteit", "mobility"}, {"uitscheiding", "excretion"}, {"huid", "skin"}, {"zintuigen", "senses"},
		{"mentaal", "mentalStatus"},
	} {
		if v := w.in.at(t.member); v.present() {
			w.section(t.section).text = v.to(w.at(t.section) + ".text").str()
		}
	}
	if v := w.in.at("wensenKindEnGezin"); v.present() {
		s := w.section("carePlan")
		s.extend("wensen", vstr(v.to(w.at("carePlan")+".extension").str()))
		s.text = v.str()
	}
	if v := w.in.at("bijzonderhedenKind"); v.present() {
		s := w.section("healthState")
		s.extend("bijzonderheden-kind", vstr(v.to(w.at("healthState")+".extension").str()))
		s.text = v.str()
	}
	if v := w.in.at("juridisch"); v.present() {
		s := w.section("legalSituation")
		s.extend("gezag-type", vcode(v.at("gezag").to(w.at("legalSituation")+".extension").str()))
		s.extend("ots", vbool(v.at("ots").to(w.at("legalSituation")+".extension")))
		supervision := "nee"
		if v.at("ots").yes() {
			supervision = "ja"
		}
		s.text = "Gezag: " + label("gezag-type", v.at("gezag").str()) + ". Ondertoezichtstelling: " + supervision + "."
	}
}
