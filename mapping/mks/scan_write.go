package mks

import (
	"cmp"
	"slices"
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
)

// scanWriter maps one hulpbehoeftescan (mks.md 3.4).
type scanWriter struct {
	*mapper
	in       value
	response fhir.Ref
	// labels hide the form from the family, but for the person that a need is about: the form says
	// of it what the need does.
	labels []*dpb.Coding
	named  map[string]bool // whom labels name
}

// scanStatuses are the statuses of the response (mks.md 2.7). Read only.
var scanStatuses = map[string]string{"concept": "in-progress", "definitief": "completed", "ingetrokken": "entered-in-error"}

// writeScan adds the form, and a Condition for each need of level 1 to 4.
func writeScan(m *mapper) error {
	w := &scanWriter{
		mapper: m, in: m.inhoud(), response: fhir.Ref{Type: "QuestionnaireResponse", ID: m.key()}, named: map[string]bool{},
	}
	status := scanStatuses[m.head.status]
	if status == "completed" && m.head.version > 1 {
		status = "amended"
	}
	on, spoken := w.response.String(), w.in.at("gesprekMet")
	q := &qpb.QuestionnaireResponse{
		Questionnaire: &dpb.Canonical{Value: fhir.Canonical + "/Questionnaire/mks-hulpbehoeftescan|1.0.0"},
		Status:        element.Enum(&qpb.QuestionnaireResponse_StatusCode{}, status),
		Subject:       w.patientRef(),
		Authored:      element.DateTime(lastOf(w.in.at("afgenomenOp")).to(on + ".authored").day()),
		Author:        w.ref(w.in.at("afgenomenDoor").to(on + ".author")),
		Source:        w.ref(spoken.items()[0].to(on + ".source")),
		Item:          []*qpb.QuestionnaireResponse_Item{w.general(on)},
	}
	for _, p := range inFormOrder(w.in.at("domeinen"), func(v value) int { return scanPlace(v.at("domein").str()) }) {
		q.Item = append(q.Item, w.domain(p, on))
	}
	w.addAnchor(q, about{
		id: w.response.ID, profiles: []string{ownProfile("mks-hulpbehoeftescan-antwoord")}, domains: childDomains, labels: w.labels,
	})
	for _, d := range w.in.at("domeinen").items() {
		for _, need := range d.at("behoeften").items() {
			w.writeNeed(need, d.at("domein").str())
		}
	}
	return nil
}

// placed is an element of a list of the source on its way into the form.
type placed struct {
	value
	id string // place in the source's list, "" where the form has the same order
}

// inFormOrder sorts a list into the order of the form, which is the order that the items of a response
// have. Where the source has another one, each element remembers its place.
func inFormOrder(list value, place func(value) int) []placed {
	var out []placed
	sorted := true
	for i, v := range list.items() {
		sorted = sorted && (i == 0 || place(out[i-1].value) <= place(v))
		out = append(out, placed{value: v})
	}
	if sorted {
		return out
	}
	for i := range out {
		out[i].id = strconv.Itoa(i + 1)
	}
	slices.SortStableFunc(out, func(a, b placed) int { return cmp.Compare(place(a.value), place(b.value)) })
	return out
}

// scanItem is the FHIRPath of the items with a linkId below another element.
func scanItem(on, link string) string { return on + ".item.where(linkId = '" + link + "')" }

// general is the group of what holds for the whole scan.
func (w *scanWriter) general(on string) *qpb.QuestionnaireResponse_Item {
	g := w.group("hbs.alg", on)
	heard, in := w.in.at("kindGehoord"), w.in
	g.code("hbs.alg.soort", "scan-soort", in.at("soort"))
	g.text("hbs.alg.vorige", in.at("vorigeScan"))
	g.add("hbs.alg.datum", in.at("afgenomenOp").items(), answerDay)
	g.add("hbs.alg.wijze", in.at("wijze").items(), answerCode("afname-wijze"))
	g.add("hbs.alg.metwie", in.at("gesprekMet").items(), w.answerRef)
	g.add("hbs.alg.kindgehoord", []value{heard.at("ja")}, yesNo)
	if !heard.at("ja").yes() { // else the form does not ask it, and it is kept beside the form
		g.code("hbs.alg.kindgehoord.reden", "niet-gehoord-reden", heard.at("reden"))
	}
	g.text("hbs.alg.belangrijk", in.at("belangrijkst"))
	return g.item
}

// domain is the group of one child-life domain.
func (w *scanWriter) domain(v placed, on string) *qpb.QuestionnaireResponse_Item {
	form := scanGroups[scanPlace(v.at("domein").str())]
	g := w.group(form.link, on)
	v.at("domein").to(g.on)
	if v.id != "" {
		g.item.Id = element.String("domein-" + v.id)
	}
	worries := v.at("zorgenVan")
	g.text(form.link+".goed", v.at("watGaatGoed"))
	g.text(form.link+".zorgkind", worries.at("kind"))
	g.text(form.link+".zorgouder", worries.at("ouder"))
	g.text(form.link+".zorgprof", worries.at("professional"))
	for _, need := range inFormOrder(v.at("behoeften"), func(v value) int { return form.place(v.at("item").str()) }) {
		answers := w.need(need.value, g.on)
		if need.id != "" {
			answers.Id = element.String(form.domain + "-" + need.id)
		}
		g.item.Item = append(g.item.Item, answers)
	}
	return g.item
}

// need is the group of one item of the form.
func (w *scanWriter) need(v value, on string) *qpb.QuestionnaireResponse_Item {
	link := v.at("item").str()
	g := w.group(link, on)
	v.at("item").to(g.on)
	g.text(link+".id", v.at("id"))
	g.code(link+".niveau", "behoefte-niveau", v.at("niveau"))
	if v.at("niveau").str() != "0" { // else the form does not ask it, and it is kept beside the form
		g.text(link+".toelichting", v.at("toelichting"))
	}
	if first := v.at("prioriteit"); first.present() {
		g.add(link+".prioriteit", []value{first}, answerNumber)
	}
	if whose := v.at("vanWie"); whose.present() {
		g.code(link+".vanwie", "perspectief", whose)
	}
	if who := v.at("over"); who.present() {
		g.add(link+".over", []value{who}, w.answerRef)
		w.label(who)
	}
	w.codes(g, link+".code", v.at("code"))
	return g.item
}

// label hides the form from the family, but for one person.
func (w *scanWriter) label(who value) {
	who.to(w.response.String() + ".meta.security")
	if !w.named[who.str()] {
		w.named[who.str()] = true
		w.labels = append(w.labels, seal("about-parent", w.ref(who)))
	}
}

// codes answers with each coding of a codering, and its text last.
func (w *scanWriter) codes(g *scanAnswers, link string, v value) {
	var out []*qpb.QuestionnaireResponse_Item_Answer
	for _, s := range codingSystems {
		if c := v.at(s.member); plainCode.MatchString(c.str()) { // else it becomes a source-member
			told := element.Coding(s.system, c.to(item(g.on, link)).str(), "")
			out = append(out, &qpb.QuestionnaireResponse_Item_Answer{Value: answerCoding(told)})
		}
	}
	if own := v.at("tekst"); own.present() {
		out = append(out, &qpb.QuestionnaireResponse_Item_Answer{Value: answerText(own.to(item(g.on, link)).str())})
	}
	if len(out) > 0 {
		g.item.Item = append(g.item.Item, &qpb.QuestionnaireResponse_Item{LinkId: element.String(link), Answer: out})
	}
}
