package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	condpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// writeNeed adds the Condition of a need, which is what is shared of the scan per domain. No need (0)
// and not discussed (9) stay in the form.
func (w *scanWriter) writeNeed(v form.Value, domain string) {
	level := v.At("niveau").Str()
	if level == "0" || level == "9" {
		return
	}
	ref := fhir.Ref{Type: "Condition", ID: w.part(v.At("id").Str())}
	on := ref.String()
	c := w.needCondition(v, on)
	c.Category = []*dpb.CodeableConcept{listConcept("mks-categorie", "hulpbehoefte"), listConcept("mks-domein", domain)}
	a := about{id: ref.ID, domains: []string{domain}}
	element.AddExtension(c,
		element.OwnExtension("behoefte-niveau", listCoding("behoefte-niveau", v.At("niveau").To(ext(on, "behoefte-niveau")).Str())),
		element.OwnExtension("behoefte-item", element.CodeValue(v.At("item").To(ext(on, "behoefte-item")).Str())))
	if first := v.At("prioriteit"); first.Present() {
		element.AddExtension(c, element.OwnExtension("prioriteit", element.Positive(first.To(ext(on, "prioriteit")).Whole())))
	}
	if who := v.At("over"); who.Present() {
		element.AddExtension(c, element.OwnExtension("over", w.ref(who.To(ext(on, "over"), on+".meta.security"))))
		a.labels = []*dpb.Coding{seal("about-parent", w.ref(who))}
	}
	switch {
	case w.head.status == "ingetrokken":
		c.VerificationStatus = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-ver-status", "entered-in-error", ""))
	default:
		c.ClinicalStatus = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", ""))
		if plainCode.MatchString(v.At("code").At("sct").Str()) {
			a.profiles = []string{nlCore("Problem")}
		}
	}
	w.add(c, a)
}

// needCondition is what a Condition says of a need, without its status.
func (w *scanWriter) needCondition(v form.Value, on string) *condpb.Condition {
	name := v.At("item").To(on + ".code.coding").Str()
	c := &condpb.Condition{
		Identifier: []*dpb.Identifier{element.Identifier(w.head.base()+"/behoefte", w.head.recordID+"#"+v.At("id").To(on+".identifier").Str())},
		Code: element.TextConcept(label("hulpbehoefte-item", name),
			append(codings(v.At("code"), on+".code"), listCoding("hulpbehoefte-item", name))...),
		Subject:      w.patientRef(),
		RecordedDate: element.DateTime(lastOf(w.in.At("afgenomenOp")).To(on + ".recordedDate").Day()),
		Recorder:     w.ref(w.in.At("afgenomenDoor").To(on + ".recorder")),
		Evidence:     []*condpb.Condition_Evidence{{Detail: []*dpb.Reference{element.Literal(w.response)}}},
	}
	if note := v.At("toelichting"); note.Present() {
		c.Note = []*dpb.Annotation{{Text: element.Markdown(note.To(on + ".note.text").Str())}}
	}
	return c
}
