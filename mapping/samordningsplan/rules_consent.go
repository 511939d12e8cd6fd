package samordningsplan

import (
	"slices"

	"github.com/drieluik/drieluik/mapping/form"
)

// rules are the rules of content, in the order of samordningsplan.md 3.
func rules() []func(*plan) {
	return []func(*plan){
		(*plan).coordinatorRules, (*plan).consentRules, (*plan).meetingRule, (*plan).validity, (*plan).measures,
		(*plan).existingPlans, (*plan).representation, (*plan).principal, (*plan).guardianRule, (*plan).ending,
		(*plan).mostImportant, (*plan).inCharge, (*plan).voice, (*plan).waiting, (*plan).ofTheType,
	}
}

// consentRules hold SP-R02 and SP-R02b.
func (p *plan) consentRules() {
	wanted := map[string]string{called: mayMeet, active: mayPlan, followUp: mayPlan}[p.status()]
	consents := p.root.At("samtycke")
	if wanted == "" || !consents.AbsentOrSound() {
		return
	}
	if len(p.consentsTo(wanted)) == 0 {
		p.Fail("SP-R02", consents)
	}
	if p.today() == "" {
		return
	}
	for _, c := range consents.Items() {
		withdrawn, until := c.At("aterkallat"), c.At("giltigTill")
		switch {
		case withdrawn.Present() && !withdrawn.Day().After(p.today()):
			p.Warn("SP-R02b", withdrawn)
		case p.today().After(until.Day()):
			p.Warn("SP-R02b", until)
		}
	}
}

// consentsTo returns the consents to something.
func (p *plan) consentsTo(what string) []form.Value {
	var out []form.Value
	for _, c := range p.root.At("samtycke").Items() {
		if slices.Contains(c.At("omfattning").Strs(), what) {
			out = append(out, c)
		}
	}
	return out
}

// meetingRule holds SP-R02c.
func (p *plan) meetingRule() {
	consents := p.root.At("samtycke")
	if !p.running() || !consents.Sound() {
		return
	}
	var first form.Day
	for _, c := range p.consentsTo(mayMeet) {
		if given := c.At("datum").Day(); first == "" || first.After(given) {
			first = given
		}
	}
	for _, m := range p.root.At("kallelse").Items() {
		if sent := m.At("skickad"); sent.Sound() && first.After(sent.Day()) {
			p.Warn("SP-R02c", sent)
		}
	}
}

// guardianRule holds SP-R11: of a child, each guardian consents or it is told why not.
func (p *plan) guardianRule() {
	all, consents := p.root.At("foretradare"), p.root.At("samtycke")
	born, today := p.birth(), p.today()
	if !p.running() || p.is(draft) || born == "" || today == "" || form.Age(born, today) >= 18 || !all.Sound() || !consents.AbsentOrSound() {
		return
	}
	if person := p.root.At("person"); person.At("id").Faulty() || person.At("fodelsedatum").Faulty() {
		return
	}
	given := map[string]bool{}
	for _, c := range consents.Items() {
		given[c.At("lamnatAv").Str()] = true
	}
	var guardians, silent []form.Value
	for _, g := range all.Items() {
		if g.At("typ").Str() != guardian {
			continue
		}
		guardians = append(guardians, g)
		if !given[g.At("id").Str()] && !g.At("samtyckeSaknas").Present() {
			silent = append(silent, g)
		}
	}
	for _, g := range silent {
		if len(guardians) >= 2 {
			p.Warn("SP-R11", g)
		}
	}
}
