package samordningsplan

import (
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
)

// retiredAs are the states of what a later version no longer has, by type: the member and its value. Read only.
var retiredAs = map[fhir.Type][2]string{
	"RelatedPerson": {"active", "false"}, "Goal": {"lifecycleStatus", `"cancelled"`}, "Consent": {"status", `"inactive"`},
	"Appointment": {"status", `"cancelled"`}, "Task": {"status", `"cancelled"`},
	"QuestionnaireResponse": {"status", `"entered-in-error"`}, "PractitionerRole": {"active", "false"}, "HealthcareService": {"active", "false"},
}

// retire ends what an earlier version of the plan made and this one no longer has: a consent that is left
// out must not go on opening the plan. What was ended bears the extension source-ended.
func (m *mapper) retire() error {
	if m.stored == nil {
		return nil
	}
	has := map[fhir.Ref]bool{}
	for _, a := range m.added {
		has[a.ref] = true
	}
	all, err := m.known.Child(m.patient, "RelatedPerson", "Goal", "Consent", "Appointment", "Task", "QuestionnaireResponse", "CareTeam")
	if err != nil {
		return err
	}
	for _, hit := range all {
		if !m.made(hit.Resource.Root()) {
			continue
		}
		if err := m.end(hit, has); err != nil {
			return err
		}
		for _, ref := range staffOf(hit.Resource.Root()) {
			who, err := m.known.Read(ref)
			if err == nil && who != nil && m.made(who.Resource.Root()) {
				err = m.end(who, has)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// end ends one resource of an earlier version, unless this one has it.
func (m *mapper) end(hit *mapping.Found, has map[fhir.Ref]bool) error {
	ref := hit.Resource.Ref()
	state, ends := retiredAs[ref.Type]
	if !ends || has[ref] || retired(hit.Resource.Root()) {
		return nil
	}
	has[ref] = true
	mark := `{"url":"` + element.StructureDefinition("source-ended") + `","valuePositiveInt":` + strconv.FormatInt(m.root.At("version").Whole(), 10) + `}`
	edited, err := hit.Resource.Edit(fhir.Edit{Path: []string{state[0]}, JSON: state[1]},
		fhir.Edit{Path: []string{"extension"}, Append: true, JSON: mark})
	if err != nil {
		return err
	}
	m.added = append(m.added, added{edited: edited, ref: ref})
	return nil
}

// staffOf are those whom a team, a call or a Task of the plan names by what they are in the directory.
func staffOf(n fhir.Node) []fhir.Ref {
	var out []fhir.Ref
	for _, path := range [][]string{{"participant", "member", "reference"}, {"participant", "actor", "reference"}, {"owner", "reference"}} {
		for at := range n.All(path...) {
			if ref, ok := fhir.ParseRef(at.Text()); ok && (ref.Type == "PractitionerRole" || ref.Type == "HealthcareService") {
				out = append(out, ref.Current())
			}
		}
	}
	return out
}

// made reports whether a resource is of this document.
func (m *mapper) made(n fhir.Node) bool {
	for id := range n.All("identifier") {
		if id.Member("system").Text() == m.endpointOf() && strings.HasPrefix(id.Member("value").Text(), m.document()+"#") {
			return true
		}
	}
	return false
}

// retired reports whether a later version of the plan ended a resource.
func retired(n fhir.Node) bool {
	for e := range n.All("extension", "url") {
		if e.Text() == element.StructureDefinition("source-ended") {
			return true
		}
	}
	return false
}
