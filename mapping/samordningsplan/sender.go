package samordningsplan

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// Admits reports whether an organisation may send this version of a plan. One that is stored is changed by
// its custodian, its author or its coordinator alone. A kallelse, a finish and a close come from the
// coordinator's organisation, or from the initiator's while nobody coordinates (samordningsplan.md 5); who
// coordinates is what was stored before, and of a new plan what it says.
func (Format) Admits(s mapping.Source, k mapping.Known) (bool, error) {
	read, ok := s.Value.(*plan)
	if !ok || s.Record == "" || s.Holder.IsZero() {
		return true, nil
	}
	m := &mapper{plan: read.clone(), known: k, source: s}
	own, err := k.Read(s.Holder)
	if err != nil || own == nil {
		return false, err
	}
	if m.stored, err = k.Read(m.planRef()); err != nil {
		return false, err
	}
	if m.stored == nil {
		return m.begins(own.Resource.Root())
	}
	lead, err := m.storedLead()
	if err != nil {
		return false, err
	}
	coordinates := lead.Exists() && sameBody(own.Resource.Root(), lead)
	holds := m.stored.Custodian.Current() == s.Holder || m.stored.Author.Current() == s.Holder
	steps, err := m.takesStep()
	switch {
	case err != nil || !steps || !holds && !coordinates:
		return holds || coordinates, err
	case lead.Exists():
		return coordinates, nil
	}
	return actsFor(own.Resource.Root(), m.initiator()), nil
}

// begins reports whether an organisation may send a plan that is not stored, with a step in it.
func (m *mapper) begins(own fhir.Node) (bool, error) {
	steps, err := m.takesStep()
	if err != nil || !steps {
		return true, err
	}
	lead := m.actor(m.coordinator().At("aktor").Str())
	if !lead.Present() && !m.initiator().Present() {
		return true, nil
	}
	return actsFor(own, lead) || actsFor(own, m.initiator()), nil
}

func (m *mapper) initiator() form.Value { return m.actor(m.root.At("initiativ").At("aktor").Str()) }

// takesStep reports whether a pushed document has a kallelse that is not stored, or ends the plan.
func (m *mapper) takesStep() (bool, error) {
	if !m.source.Arrives || m.source.Faulty {
		return false, nil
	}
	if m.is(ended, broken, cancelled) && (m.stored == nil || rebuild.Ext(m.stored.Resource.Root(), "plan-state").Text() != m.status()) {
		return true, nil
	}
	for _, v := range m.root.At("kallelse").Items() {
		if found, err := m.known.Read(m.ref("Appointment", v.At("id").Str())); err != nil || found == nil {
			return err == nil, err
		}
	}
	return false, nil
}

// storedLead is the Organization of the coordinator of the stored version, missing without one.
func (m *mapper) storedLead() (fhir.Node, error) {
	key := "samordnare"
	if planTypeOf(m.stored.Resource.Root()).Text() == childPlan {
		key = "samverkansansvarig"
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
		if its := canonical(id); bears(own, its.System, its.Value) {
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
		its := canonical(id)
		if its.System == system && its.Value == value || system == orgSystem && its.System == hsaSystem && strings.HasPrefix(its.Value, "SE"+value+"-") {
			return true
		}
	}
	return false
}

// rivals holds SP-R06d: two plans of one person are not stood in for by different plans. Of a plan in which the sender
// takes no part it learns nothing (access.md 5).
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
		if hit.Resource.Ref() == m.planRef() || n.Member("status").Text() != "draft" || !m.takesPart(hit) {
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

// takesPart reports whether the sender keeps a stored plan, or is one of its organisations.
func (m *mapper) takesPart(plan *mapping.Found) bool {
	if plan.Custodian.Current() == m.sender.Current() {
		return true
	}
	for _, name := range []string{"author", "contributor"} {
		for ref := range plan.Resource.Root().All(name, "reference") {
			if ref.Text() == m.sender.Current().String() {
				return true
			}
		}
	}
	return false
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
