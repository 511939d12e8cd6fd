package mks

import (
	"slices"

	"github.com/drieluik/drieluik/mapping/form"
)

import "github.com/drieluik/drieluik/fhir"

// planArrives holds ZP-04, ZP-08 and ZP-13 for a plan that waited for its child record. The plan itself
// says who changed it, its parts who does what.
func planArrives(m *mapper, plan fhir.Node) []string {
	if !slices.Contains([]string{"draft", "active"}, plan.Member("status").Text()) {
		return nil
	}
	if via := part(extensionOn(plan, "wijziging"), "via"); via.Exists() {
		if current, team := m.ownCoordinators(); team && !slices.Contains(current, via.Member("reference").Text()) {
			return []string{"MKS-ZP-13"}
		}
	}
	e := extensionOn(plan, "actie")
	if !e.Exists() {
		return nil
	}
	kind := part(e, "uitvoerderSoort").Text()
	fit := executorFits[kind]
	for performer := range plan.All("activity", "detail", "performer") {
		t, known := m.ownTarget(performer)
		switch {
		case !known:
		case t.kind != fit.kind || fit.roles != nil && !slices.Contains(fit.roles, t.role):
			return []string{"MKS-ZP-04"}
		case kind == "professional" && part(e, "voorbehouden").Text() == "true" && !t.big:
			return []string{"MKS-ZP-08"}
		}
	}
	return nil
}

// ownTarget returns whom of this child record's lists, or which child or organisation, a Reference names.
func (m *mapper) ownTarget(reference fhir.Node) (target, bool) {
	id := reference.Member("identifier")
	switch to := reference.Member("reference").Text(); {
	case to == m.child.ref.String():
		return target{kind: "kind", ref: m.child.ref}, true
	case id.Member("system").Text() == uraSystem:
		return target{kind: "org"}, true
	default:
		t, ok := m.own[id.Member("value").Text()]
		return t, ok && t.ref.String() == to
	}
}

// transferArrives holds OVD-01, OVD-04 and OVD-13 for a transfer that waited for its child record.
func transferArrives(m *mapper, composition fhir.Node) []string {
	if void(composition) {
		return nil
	}
	var broken []string
	birth, variant := m.inhoud().At("geboortedatum").Day(), extension(composition, "leeftijdsvariant").Text()
	for section := range composition.All("section") {
		on := extension(section, "overplaatsingsdatum")
		if on.Exists() && !variantFits(variant, birth, form.Day(on.Text())) {
			broken = append(broken, "MKS-OVD-01")
		}
		for part := range section.All("section") {
			to := part.At("entry", "reference").Text()
			if to == m.sender.String() && part.At("code", "coding", "code").Text() == receivingSection {
				broken = append(broken, "MKS-OVD-04")
			}
		}
	}
	if from := composition.At("custodian", "reference").Text(); from != "" && from != m.sender.String() {
		broken = append(broken, "MKS-OVD-13")
	}
	return broken
}

// receivingSection is the code of the section that names the receiver of a transfer.
const receivingSection = "275645009"
