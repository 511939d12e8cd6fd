package scan

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	condpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// writeNeed adds the Condition of a need, which is what is shared of the scan per domain. No need (0)
// and not discussed (9) stay in the form.
func (w *scanWriter) writeNeed(v form.Value, domain string) {
	level := v.At("niveau").Str()
	if level == "0" || level == "9" {
		return
	}
	ref := fhir.Ref{Type: "Condition", ID: w.Part(v.At("id").Str())}
	on := ref.String()
	c := w.needCondition(v, on)
	c.Category = []*dpb.CodeableConcept{tofhir.ListConcept("mks-categorie", "hulpbehoefte"), tofhir.ListConcept("mks-domein", domain)}
	a := tofhir.About{ID: ref.ID, Domains: []string{domain}}
	element.AddExtension(c,
		element.OwnExtension("behoefte-niveau", tofhir.ListCoding("behoefte-niveau", v.At("niveau").To(tofhir.ExtensionValue(on, "behoefte-niveau")).Str())),
		element.OwnExtension("behoefte-item", element.CodeValue(v.At("item").To(tofhir.ExtensionValue(on, "behoefte-item")).Str())))
	if first := v.At("prioriteit"); first.Present() {
		element.AddExtension(c, element.OwnExtension("prioriteit", element.Positive(first.To(tofhir.ExtensionValue(on, "prioriteit")).Whole())))
	}
	if who := v.At("over"); who.Present() {
		element.AddExtension(c, element.OwnExtension("over", w.Ref(who.To(tofhir.ExtensionValue(on, "over"), on+".meta.security"))))
		a.Labels = []*dpb.Coding{tofhir.Seal("about-parent", w.Ref(who))}
	}
	switch {
	case w.Head.Status == "ingetrokken":
		c.VerificationStatus = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-ver-status", "entered-in-error", ""))
	default:
		c.ClinicalStatus = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", ""))
		if record.PlainCode.MatchString(v.At("code").At("sct").Str()) {
			a.Profiles = []string{tofhir.NlCore("Problem")}
		}
	}
	w.Add(c, a)
}

// needCondition is what a Condition says of a need, without its status.
func (w *scanWriter) needCondition(v form.Value, on string) *condpb.Condition {
	name := v.At("item").To(on + ".code.coding").Str()
	c := &condpb.Condition{
		Identifier: []*dpb.Identifier{element.Identifier(w.Head.Base()+"/behoefte", w.Head.RecordID+"#"+v.At("id").To(on+".identifier").Str())},
		Code: element.TextConcept(record.Label("hulpbehoefte-item", name),
			append(w.Codings(v.At("code"), on+".code"), tofhir.ListCoding("hulpbehoefte-item", name))...),
		Subject:      w.PatientRef(),
		RecordedDate: element.DateTime(record.LastOf(w.in.At("afgenomenOp")).To(on + ".recordedDate").Day()),
		Recorder:     w.Ref(w.in.At("afgenomenDoor").To(on + ".recorder")),
		Evidence:     []*condpb.Condition_Evidence{{Detail: []*dpb.Reference{element.Literal(w.response)}}},
	}
	if note := v.At("toelichting"); note.Present() {
		c.Note = []*dpb.Annotation{{Text: element.Markdown(note.To(on + ".note.text").Str())}}
	}
	return c
}
