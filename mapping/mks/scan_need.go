package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	condpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
)

// writeNeed adds the Condition of a need, which is what is shared of the scan per domain. No need (0)
// and not discussed (9) stay in the form.
func (w *scanWriter) writeNeed(v value, domain string) {
	level := v.at("niveau").str()
	if level == "0" || level == "9" {
		return
	}
	ref := fhir.Ref{Type: "Condition", ID: w.part(v.at("id").str())}
	on := ref.String()
	c := w.needCondition(v, on)
	c.Category = []*dpb.CodeableConcept{listConcept("mks-categorie", "hulpbehoefte"), listConcept("mks-domein", domain)}
	a := about{id: ref.ID, domains: []string{domain}}
	element.AddExtension(c,
		element.OwnExtension("behoefte-niveau", listCoding("behoefte-niveau", v.at("niveau").to(ext(on, "behoefte-niveau")).str())),
		element.OwnExtension("behoefte-item", element.CodeValue(v.at("item").to(ext(on, "behoefte-item")).str())))
	if first := v.at("prioriteit"); first.present() {
		element.AddExtension(c, element.OwnExtension("prioriteit", element.Positive(first.to(ext(on, "prioriteit")).whole())))
	}
	if who := v.at("over"); who.present() {
		element.AddExtension(c, element.OwnExtension("over", w.ref(who.to(ext(on, "over"), on+".meta.security"))))
		a.labels = []*dpb.Coding{seal("about-parent", w.ref(who))}
	}
	switch {
	case w.head.status == "ingetrokken":
		c.VerificationStatus = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-ver-status", "entered-in-error", ""))
	default:
		c.ClinicalStatus = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", ""))
		if plainCode.MatchString(v.at("code").at("sct").str()) {
			a.profiles = []string{nlCore("Problem")}
		}
	}
	w.add(c, a)
}

// needCondition is what a Condition says of a need, without its status.
func (w *scanWriter) needCondition(v value, on string) *condpb.Condition {
	name := v.at("item").to(on + ".code.coding").str()
	c := &condpb.Condition{
		Identifier: []*dpb.Identifier{element.Identifier(w.head.base()+"/behoefte", w.head.recordID+"#"+v.at("id").to(on+".identifier").str())},
		Code: element.TextConcept(label("hulpbehoefte-item", name),
			append(codings(v.at("code"), on+".code"), listCoding("hulpbehoefte-item", name))...),
		Subject:      w.patientRef(),
		RecordedDate: element.DateTime(lastOf(w.in.at("afgenomenOp")).to(on + ".recordedDate").day()),
		Recorder:     w.ref(w.in.at("afgenomenDoor").to(on + ".recorder")),
		Evidence:     []*condpb.Condition_Evidence{{Detail: []*dpb.Reference{element.Literal(w.response)}}},
	}
	if note := v.at("toelichting"); note.present() {
		c.Note = []*dpb.Annotation{{Text: element.Markdown(note.to(on + ".note.text").str())}}
	}
	return c
}
