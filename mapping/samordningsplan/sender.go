package samordningsplan

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// refused reports whether the document calls to a meeting, finishes or closes the plan and its sender is
// no client of the coordinator's aktör, nor of the initiator's while there is no coordinator
// (samordningsplan.md 5). Who coordinates is what was stored before; of a new plan either may send it.
func (m *mapper) refused() (bool, error) {
	if !m.source.Arrives || m.source.Holder.IsZero() || m.source.Faulty || !m.takesStep() {
		return false, nil
	}
	own, err := m.known.Read(m.source.Holder)
	if err != nil || own == nil {
		return own == nil, err
	}
	if m.stored != nil {
		lead, err := m.storedLead()
		if err != nil || lead.Exists() {
			return !sameBody(own.Resource.Root(), lead), err
		}
	}
	initiator := m.actor(m.root.At("initiativ").At("aktor").Str())
	lead := m.actor(m.coordinator().At("aktor").Str())
	ours := actsFor(own.Resource.Root(), initiator) || m.stored == nil && actsFor(own.Resource.Root(), lead)
	return (initiator.Present() || lead.Present()) && !ours, nil
}

// takesStep reports whether the document has a kallelse that is not stored, or ends the plan.
func (m *mapper) takesStep() bool {
	closing := m.is(ended, broken, cancelled)
	if closing && (m.stored == nil || rebuild.Ext(m.stored.Resource.Root(), "plan-state").Text() != m.status()) {
		return true
	}
	for _, v := range m.root.At("kallelse").Items() {
		if found, err := m.known.Read(m.ref("Appointment", v.At("id").Str())); err == nil && found == nil {
			return true
		}
	}
	return false
}

// storedLead is the Organization of the coordinator of the stored version, missing without one.
func (m *mapper) storedLead() (fhir.Node, error) {
	key := m.coordinator().Name()
	if key == "" {
		key = map[bool]string{true: "samverkansansvarig", false: "samordnare"}[m.child()]
	}
	team, err := m.known.Read(m.teamRef())
	if err != nil || team == nil {
		return fhir.Node{}, err
	}
	for p := range team.Resource.Root().All("participant") {
		if !rebuild.Has(p.Member("role"), "se-roll", key) {
			continue
		}
		role, err := m.known.Read(m.ref("PractitionerRole", key))
		if err != nil || role == nil {
			return fhir.Node{}, err
		}
		ref, _ := fhir.ParseRef(role.Resource.Root().At("organization", "reference").Text())
		lead, err := m.known.Read(ref)
		if err != nil || lead == nil {
			return fhir.Node{}, err
		}
		return lead.Resource.Root(), nil
	}
	return fhir.Node{}, nil
}

// sameBody reports whether an organisation is the other, or a part of it by its number.
func sameBody(own, other fhir.Node) bool {
	if own.Resource().Ref() == other.Resource().Ref() {
		return true
	}
	for id := range other.All("identifier") {
		if bears(own, id.Member("system").Text(), id.Member("value").Text()) {
			return true
		}
	}
	return false
}

// actsFor reports whether an organisation is that of an aktör, or a part of it by its number.
func actsFor(own fhir.Node, actor form.Value) bool {
	if id := actor.At("hsaId").Str(); id != "" && bears(own, hsaSystem, id) {
		return true
	}
	number := actor.At("orgnr").Str()
	return number != "" && bears(own, orgSystem, number)
}

// bears reports whether an organisation has an identifier. An HSA-id tells the number of its body.
func bears(own fhir.Node, system, value string) bool {
	for id := range own.All("identifier") {
		s, v := id.Member("system").Text(), id.Member("value").Text()
		if s == system && v == value || system == orgSystem && s == hsaSystem && strings.HasPrefix(v, "SE"+value+"-") {
			return true
		}
	}
	return false
}

// rivals holds SP-R06d: two plans of one person are not stood in for by different plans.
func (m *mapper) rivals() error {
	mine, at := m.standIn()
	if mine.Value == "" || m.person == nil {
		return nil
	}
	all, err := m.known.Child(m.patient, "CarePlan")
	if err != nil {
		return err
	}
	for _, hit := range all {
		n := hit.Resource.Root()
		if hit.Resource.Ref() == m.planRef() || n.Member("status").Text() != "draft" {
			continue
		}
		for old := range n.All("supportingInfo") {
			id := fhir.Identifier{System: old.At("identifier", "system").Text(), Value: old.At("identifier", "value").Text()}
			if rebuild.Part(rebuild.Extension(old, "existing-plan"), "use").Text() == standsIn && id != mine {
				m.Fail("SP-R06d", at)
			}
		}
	}
	return nil
}

// standIn is the plan that stands in for a draft, and where it says so.
func (m *mapper) standIn() (fhir.Identifier, form.Value) {
	for _, old := range m.root.At("befintligaPlaner").Items() {
		if old.At("anvandsSom").Str() != standsIn || !m.is(draft) {
			continue
		}
		id := fhir.Identifier{Value: old.At("id").Str()}
		if source := old.At("kallsystemHsaId").Str(); source != "" {
			id.System = endpoint + source
		}
		return id, old.At("anvandsSom")
	}
	return fhir.Identifier{}, form.Value{}
}
