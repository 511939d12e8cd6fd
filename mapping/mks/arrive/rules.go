package arrive

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/plan"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
	"github.com/drieluik/drieluik/mapping/mks/transfer"
)

// planArrives holds ZP-04, ZP-08 and ZP-13 for a plan that waited for its child record. The plan itself
// says who changed it, its parts who does what.
func planArrives(m *tofhir.Mapper, n fhir.Node) []string {
	if !slices.Contains([]string{"draft", "active"}, n.Member("status").Text()) {
		return nil
	}
	if via := tofhir.Part(tofhir.ExtensionOn(n, "wijziging"), "via"); via.Exists() {
		if current, team := plan.OwnCoordinators(m); team && !slices.Contains(current, via.Member("reference").Text()) {
			return []string{"MKS-ZP-13"}
		}
	}
	e := tofhir.ExtensionOn(n, "actie")
	if !e.Exists() {
		return nil
	}
	kind := tofhir.Part(e, "uitvoerderSoort").Text()
	fit := plan.ExecutorFits[kind]
	for performer := range n.All("activity", "detail", "performer") {
		t, known := ownTarget(m, performer)
		switch {
		case !known:
		case t.Kind != fit.Kind || fit.Roles != nil && !slices.Contains(fit.Roles, t.Role):
			return []string{"MKS-ZP-04"}
		case kind == "professional" && tofhir.Part(e, "voorbehouden").Text() == "true" && !t.Big:
			return []string{"MKS-ZP-08"}
		}
	}
	return nil
}

// ownTarget returns whom of this child record's lists, or which child or organisation, a Reference names.
func ownTarget(m *tofhir.Mapper, reference fhir.Node) (tofhir.Target, bool) {
	id := reference.Member("identifier")
	switch to := reference.Member("reference").Text(); {
	case to == m.Child.Ref.String():
		return tofhir.Target{Kind: "kind", Ref: m.Child.Ref}, true
	case id.Member("system").Text() == record.URASystem:
		return tofhir.Target{Kind: "org"}, true
	default:
		t, ok := m.Own[id.Member("value").Text()]
		return t, ok && t.Ref.String() == to
	}
}

// transferArrives holds OVD-01, OVD-04 and OVD-13 for a transfer that waited for its child record.
func transferArrives(m *tofhir.Mapper, composition fhir.Node) []string {
	if tofhir.Void(composition) {
		return nil
	}
	var broken []string
	birth, variant := m.Content().At("geboortedatum").Day(), tofhir.Extension(composition, "leeftijdsvariant").Text()
	for section := range composition.All("section") {
		on := tofhir.Extension(section, "overplaatsingsdatum")
		if on.Exists() && !transfer.VariantFits(variant, birth, form.Day(on.Text())) {
			broken = append(broken, "MKS-OVD-01")
		}
		for part := range section.All("section") {
			to := part.At("entry", "reference").Text()
			if to == m.Sender.String() && part.At("code", "coding", "code").Text() == receivingSection {
				broken = append(broken, "MKS-OVD-04")
			}
		}
	}
	if from := composition.At("custodian", "reference").Text(); from != "" && from != m.Sender.String() {
		broken = append(broken, "MKS-OVD-13")
	}
	return broken
}

// receivingSection is the code of the section that names the receiver of a transfer.
const receivingSection = "275645009"
