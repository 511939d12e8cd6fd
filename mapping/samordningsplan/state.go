package samordningsplan

import (
	"slices"

	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// steps are the statuses that a plan may come into from the one that it has (samordningsplan.md 5). Read
// only.
var steps = map[string][]string{
	draft:     {called, active, broken, cancelled, ended},
	called:    {draft, active, broken, cancelled},
	active:    {followUp, ended, broken, cancelled},
	followUp:  {active, ended, broken, cancelled},
	ended:     {followUp, cancelled},
	broken:    {draft, cancelled},
	cancelled: {},
}

// reopenDays is how long a finished plan can be taken up again.
const reopenDays = 30

// step holds SP-T01 against the stored version. A plan that is not stored may begin as a draft, called or
// active; a conversion and an import take what there is.
func (m *mapper) step() {
	status := m.root.At("status")
	if !status.Sound() {
		return
	}
	if m.stored == nil {
		if m.source.Arrives && !m.source.Faulty && !slices.Contains([]string{draft, called, active}, status.Str()) {
			m.Fail("SP-T01", status)
		}
		return
	}
	root := m.stored.Resource.Root()
	was := rebuild.Ext(root, "plan-state").Text()
	if was == "" || was == status.Str() {
		return
	}
	if !slices.Contains(steps[was], status.Str()) || !m.mayStep(was) {
		m.Fail("SP-T01", status)
	}
}

// mayStep holds the conditions of single steps.
func (m *mapper) mayStep(was string) bool {
	switch {
	case was == draft && m.is(ended):
		return m.root.At("avslut").At("orsak").Str() == "ersatt-av-annan-plan"
	case was == ended && m.is(followUp):
		closed := m.storedEnd()
		return closed != "" && !m.today().After(closed.Add(reopenDays))
	case was == broken && m.is(draft):
		return m.consentedAgain()
	}
	return true
}

// storedEnd is the day on which the stored version ended: its CareTeam bears no other.
func (m *mapper) storedEnd() form.Day {
	found, err := m.known.Read(m.ref("QuestionnaireResponse", "form"))
	if err != nil || found == nil {
		return ""
	}
	for _, group := range rebuild.Items(found.Resource.Root(), "avslut") {
		return form.Day(rebuild.Answer(group, "avslut.datum").Text())
	}
	return ""
}

// consentedAgain reports whether somebody consented after the last withdrawal; without one, whether
// anybody consents.
func (m *mapper) consentedAgain() bool {
	var withdrawn, given form.Day
	for _, c := range m.root.At("samtycke").Items() {
		if day := c.At("aterkallat").Day(); day != "" {
			withdrawn = max(withdrawn, day)
			continue
		}
		given = max(given, c.At("datum").Day())
	}
	return given != "" && given > withdrawn
}
