package transfer

import (
	"cmp"
	"strings"
	"unicode/utf8"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	comppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/composition_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// section gathers the content of one section of the Composition.
type section struct {
	entries    []*dpb.Reference
	text       string
	extensions []*dpb.Extension
	empty      string // code of list-empty-reason
}

func (s *section) extend(name string, v proto.Message) {
	s.extensions = append(s.extensions, element.Some(element.OwnExtension(name, v))...)
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

// sectionRows are the sections in the order of the message. There is none of medication: it travels by
// its own standard, and nothing here may read as "no medication". Read only.
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
		if s == nil && len(children) == 0 && row.name != "carePlan" {
			continue
		}
		if s == nil {
			s = &section{}
		}
		out = append(out, s.proto(row, children))
	}
	return out
}

// emptyTexts are what a section without content says, by the code of its list-empty-reason. R4 asks
// for text, entries or sub-sections in every section, also beside an emptyReason (cmp-1). Read only.
var emptyTexts = map[string]string{
	"nilknown": "Geen bekend (nagevraagd)", "notasked": "Niet vermeld", "unavailable": "Niet beschikbaar",
}

func (s *section) proto(row sectionRow, children []*comppb.Composition_Section) *comppb.Composition_Section {
	out := &comppb.Composition_Section{
		Extension: s.extensions, Title: element.String(row.title), Code: sectionCodes[row.name], Text: narrative(s.text), Entry: s.entries, Section: children,
	}
	if s.text == "" && len(s.entries) == 0 && len(children) == 0 {
		empty := cmp.Or(s.empty, "notasked")
		out.EmptyReason = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/list-empty-reason", empty, ""))
		out.Text = narrative(emptyTexts[empty])
	}
	return out
}

// narrative returns plain text as the narrative of a section, nil for "". The reader sees its line
// breaks and spaces; the text of the div is the text as it came.
func narrative(text string) *dpb.Narrative {
	if text == "" {
		return nil
	}
	return &dpb.Narrative{
		Status: additional,
		Div: &dpb.Xhtml{Value: `<div xmlns="http://www.w3.org/1999/xhtml" style="white-space: pre-wrap">` +
			xmlText.Replace(text) + `</div>`},
	}
}

// xmlText writes text as XML character data that every parser gives back as it came: a bare carriage
// return would come back as a line feed.
var xmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")

// plainSections are the members that are the text of a section, and no more. Read only.
var plainSections = []struct{ member, section string }{
	{"vrijheidsbeperking", "freedomRestriction"}, {"zorgresultaat", "outcomeOfCare"}, {"zelfzorg", "selfCare"},
	{"mobiliteit", "mobility"}, {"uitscheiding", "excretion"}, {"huid", "skin"}, {"zintuigen", "senses"},
	{"mentaal", "mentalStatus"},
}

// texts fills the sections that are text, and those that say their extensions in words.
func (w *transferWriter) texts() {
	for _, t := range plainSections {
		w.say(w.in.At(t.member), t.section)
	}
	w.sayExtended("wensenKindEnGezin", "carePlan", "wensen")
	w.sayExtended("bijzonderhedenKind", "healthState", "bijzonderheden-kind")
	w.legal()
}

// say makes a text of the source the text of a section. A text with a character that XML cannot hold
// is kept as it came besides.
func (w *transferWriter) say(v form.Value, section string) {
	if !v.Present() {
		return
	}
	w.section(section).text = v.To(w.at(section) + ".text").Str()
	if strings.ContainsFunc(v.Str(), notXML) {
		w.section(section).text = strings.Map(printable, v.Str())
		w.Keep(v)
	}
}

// notXML reports whether XML 1.0 has no way to write a character that a source text may hold.
func notXML(r rune) bool { return r == 0xFFFE || r == 0xFFFF }

func printable(r rune) rune {
	if notXML(r) {
		return utf8.RuneError
	}
	return r
}

// sayExtended puts a text into an extension of a section, and shows it to the reader too.
func (w *transferWriter) sayExtended(member, section, name string) {
	v := w.in.At(member)
	if !v.Present() {
		return
	}
	s := w.section(section)
	s.extend(name, element.String(v.To(tofhir.ExtensionValue(w.at(section), name)).Str()))
	s.text = strings.Map(printable, v.Str())
}

// legal says what the hand-off states of authority. The gezag of the Patient is leading.
func (w *transferWriter) legal() {
	v := w.in.At("juridisch")
	if !v.Present() {
		return
	}
	s, on := w.section("legalSituation"), w.at("legalSituation")
	s.extend("gezag-type", element.CodeValue(v.At("gezag").To(tofhir.ExtensionValue(on, "gezag-type")).Str()))
	s.extend("ots", tofhir.Truth(v.At("ots").To(tofhir.ExtensionValue(on, "ots"))))
	supervision := "nee"
	if v.At("ots").Yes() {
		supervision = "ja"
	}
	custody := v.At("gezag").Str()
	s.text = "Gezag: " + cmp.Or(record.Label("gezag-type", custody), custody) + ". Ondertoezichtstelling: " + supervision + "."
}
