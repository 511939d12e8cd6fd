package scan

import (
	"cmp"
	"slices"
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// Steps are the record type hulpbehoeftescan on its way to FHIR.
func Steps() tofhir.Steps { return tofhir.Steps{Stored: checkStored, Write: writeScan} }

// scanWriter maps one hulpbehoeftescan (mks.md 3.4).
type scanWriter struct {
	*tofhir.Mapper
	in       form.Value
	response fhir.Ref
	// labels hide the form from the family, but for the person that a need is about: the form says
	// of it what the need does.
	labels []*dpb.Coding
	named  map[string]bool // whom labels name
}

// scanStatuses are the statuses of the response (mks.md 2.7). Read only.
var scanStatuses = map[string]string{"concept": "in-progress", "definitief": "completed", "ingetrokken": "entered-in-error"}

// writeScan adds the form, and a Condition for each need of level 1 to 4.
func writeScan(m *tofhir.Mapper) error {
	w := &scanWriter{
		Mapper: m, in: m.Content(), response: fhir.Ref{Type: "QuestionnaireResponse", ID: m.Key()}, named: map[string]bool{},
	}
	status := scanStatuses[m.Head.Status]
	if status == "completed" && m.Head.Version > 1 {
		status = "amended"
	}
	on, spoken := w.response.String(), w.in.At("gesprekMet")
	q := &qpb.QuestionnaireResponse{
		Questionnaire: &dpb.Canonical{Value: fhir.Canonical + "/Questionnaire/mks-hulpbehoeftescan|1.0.0"},
		Status:        element.Enum(&qpb.QuestionnaireResponse_StatusCode{}, status),
		Subject:       w.PatientRef(),
		Authored:      element.DateTime(record.LastOf(w.in.At("afgenomenOp")).To(on + ".authored").Day()),
		Author:        w.Ref(w.in.At("afgenomenDoor").To(on + ".author")),
		Source:        w.Ref(spoken.Items()[0].To(on + ".source")),
		Item:          []*qpb.QuestionnaireResponse_Item{w.general(on)},
	}
	for _, p := range inFormOrder(w.in.At("domeinen"), func(v form.Value) int { return record.ScanPlace(v.At("domein").Str()) }) {
		q.Item = append(q.Item, w.domain(p, on))
	}
	w.AddAnchor(q, tofhir.About{
		ID: w.response.ID, Profiles: []string{element.StructureDefinition("mks-hulpbehoeftescan-antwoord")}, Domains: tofhir.ChildDomains, Labels: w.labels,
	})
	for _, d := range w.in.At("domeinen").Items() {
		for _, need := range d.At("behoeften").Items() {
			w.writeNeed(need, d.At("domein").Str())
		}
	}
	return nil
}

// placed is an element of a list of the source on its way into the form.
type placed struct {
	form.Value
	id string // place in the source's list, "" where the form has the same order
}

// inFormOrder sorts a list into the order of the form, which is the order that the items of a response
// have. Where the source has another one, each element remembers its place.
func inFormOrder(list form.Value, place func(form.Value) int) []placed {
	var out []placed
	sorted := true
	for i, v := range list.Items() {
		sorted = sorted && (i == 0 || place(out[i-1].Value) <= place(v))
		out = append(out, placed{Value: v})
	}
	if sorted {
		return out
	}
	for i := range out {
		out[i].id = strconv.Itoa(i + 1)
	}
	slices.SortStableFunc(out, func(a, b placed) int { return cmp.Compare(place(a.Value), place(b.Value)) })
	return out
}

// scanItem is the FHIRPath of the items with a linkId below another element.
func scanItem(on, link string) string { return on + ".item.where(linkId = '" + link + "')" }

// general is the group of what holds for the whole scan.
func (w *scanWriter) general(on string) *qpb.QuestionnaireResponse_Item {
	g := w.group("hbs.alg", on)
	heard, in := w.in.At("kindGehoord"), w.in
	g.code("hbs.alg.soort", "scan-soort", in.At("soort"))
	g.text("hbs.alg.vorige", in.At("vorigeScan"))
	g.add("hbs.alg.datum", in.At("afgenomenOp").Items(), answerDay)
	g.add("hbs.alg.wijze", in.At("wijze").Items(), answerCode("afname-wijze"))
	g.add("hbs.alg.metwie", in.At("gesprekMet").Items(), w.answerRef)
	g.add("hbs.alg.kindgehoord", []form.Value{heard.At("ja")}, tofhir.YesNo)
	if !heard.At("ja").Yes() { // else the form does not ask it, and it is kept beside the form
		g.code("hbs.alg.kindgehoord.reden", "niet-gehoord-reden", heard.At("reden"))
	}
	g.text("hbs.alg.belangrijk", in.At("belangrijkst"))
	return g.item
}

// domain is the group of one child-life domain.
func (w *scanWriter) domain(v placed, on string) *qpb.QuestionnaireResponse_Item {
	group := record.ScanGroups[record.ScanPlace(v.At("domein").Str())]
	g := w.group(group.Link, on)
	v.At("domein").To(g.on)
	if v.id != "" {
		g.item.Id = element.String("domein-" + v.id)
	}
	worries := v.At("zorgenVan")
	g.text(group.Link+".goed", v.At("watGaatGoed"))
	g.text(group.Link+".zorgkind", worries.At("kind"))
	g.text(group.Link+".zorgouder", worries.At("ouder"))
	g.text(group.Link+".zorgprof", worries.At("professional"))
	for _, need := range inFormOrder(v.At("behoeften"), func(v form.Value) int { return group.Place(v.At("item").Str()) }) {
		answers := w.need(need.Value, g.on)
		if need.id != "" {
			answers.Id = element.String(group.Domain + "-" + need.id)
		}
		g.item.Item = append(g.item.Item, answers)
	}
	return g.item
}

// need is the group of one item of the form.
func (w *scanWriter) need(v form.Value, on string) *qpb.QuestionnaireResponse_Item {
	link := v.At("item").Str()
	g := w.group(link, on)
	v.At("item").To(g.on)
	g.text(link+".id", v.At("id"))
	g.code(link+".niveau", "behoefte-niveau", v.At("niveau"))
	if v.At("niveau").Str() != "0" { // else the form does not ask it, and it is kept beside the form
		g.text(link+".toelichting", v.At("toelichting"))
	}
	if first := v.At("prioriteit"); first.Present() {
		g.add(link+".prioriteit", []form.Value{first}, answerNumber)
	}
	if whose := v.At("vanWie"); whose.Present() {
		g.code(link+".vanwie", "perspectief", whose)
	}
	if who := v.At("over"); who.Present() {
		g.add(link+".over", []form.Value{who}, w.answerRef)
		w.label(who)
	}
	w.codes(g, link+".code", v.At("code"))
	return g.item
}

// label hides the form from the family, but for one person.
func (w *scanWriter) label(who form.Value) {
	who.To(w.response.String() + ".meta.security")
	if !w.named[who.Str()] {
		w.named[who.Str()] = true
		w.labels = append(w.labels, tofhir.Seal("about-parent", w.Ref(who)))
	}
}

// codes answers with each coding of a codering, and its text last.
func (w *scanWriter) codes(g *scanAnswers, link string, v form.Value) {
	var out []*qpb.QuestionnaireResponse_Item_Answer
	for _, s := range tofhir.CodingSystems {
		if c := v.At(s.Member); record.PlainCode.MatchString(c.Str()) { // else it becomes a source-member
			told := element.Coding(s.System, c.To(tofhir.ItemValue(g.on, link)).Str(), "")
			out = append(out, &qpb.QuestionnaireResponse_Item_Answer{Value: answerCoding(told)})
		}
	}
	if own := v.At("tekst"); own.Present() {
		out = append(out, &qpb.QuestionnaireResponse_Item_Answer{Value: tofhir.AnswerText(own.To(tofhir.ItemValue(g.on, link)).Str())})
	}
	if len(out) > 0 {
		g.item.Item = append(g.item.Item, &qpb.QuestionnaireResponse_Item{LinkId: element.String(link), Answer: out})
	}
}
