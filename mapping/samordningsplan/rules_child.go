package samordningsplan

import (
	"github.com/drieluik/drieluik/mapping/form"
)

// mostImportant holds BP-R01: an unknown goal in every status.
func (p *plan) mostImportant() {
	now := p.root.At("viktigastNu")
	if !p.child() || now.Faulty() {
		return
	}
	if now.Present() && !p.names(now.Str(), "mal") || !now.Present() && p.is(active, followUp) {
		p.Fail("BP-R01", now)
	}
}

// inCharge holds BP-R02 and BP-R03.
func (p *plan) inCharge() {
	all := p.root.At("ansvarig")
	if !p.child() || !p.running() || !all.AbsentOrSound() {
		return
	}
	var open []form.Value
	for _, who := range all.Items() {
		if who.At("accepterad").Yes() && !who.At("till").Present() {
			open = append(open, who)
		}
	}
	if len(open) == 0 {
		p.Fail("BP-R02", all)
		return
	}
	for _, second := range open[1:] {
		p.Fail("BP-R02", second.At("till"))
	}
	role, born, today := open[0].At("roll"), p.birth(), p.today()
	if len(open) == 1 && born != "" && today != "" && !fitsAge(role.Str(), born, today) {
		p.Warn("BP-R03", role)
	}
}

// roleAges are the years, first and last, in which a role is in charge after birth. Read only.
var roleAges = map[string][2]int{"bvc-sjukskoterska": {0, 6}, "rektor": {5, 18}, "kaa-handlaggare": {16, 20}}

// fitsAge reports whether a role is in charge of somebody born on a day (BP-R03).
func fitsAge(role string, born, today form.Day) bool {
	ages, later := roleAges[role]
	if born.After(today) {
		return !later
	}
	age := form.Age(born, today)
	return later && age >= ages[0] && age <= ages[1]
}

// voice holds BP-R04.
func (p *plan) voice() {
	if heard := p.root.At("barnetsRost"); p.child() && p.is(active, followUp) && !heard.Present() {
		p.Warn("BP-R04", heard)
	}
}

// waiting holds BP-R05 in every status, and BP-R05b.
func (p *plan) waiting() {
	if !p.child() {
		return
	}
	named := map[string]bool{}
	for _, w := range p.root.At("avvakta").Items() {
		what, until := w.At("insats"), w.At("tillDatum")
		if what.Faulty() || what.Str() == "" {
			continue
		}
		state := p.ids[what.Str()].at
		known := p.names(what.Str(), "insatser")
		if !known || named[what.Str()] || state.At("status").Sound() && state.At("status").Str() != onHold {
			p.Fail("BP-R05", what)
		}
		named[what.Str()] = true
		if p.running() && !p.is(ended) && until.Sound() && p.today() != "" && !until.Day().After(p.today()) {
			p.Warn("BP-R05b", until)
		}
	}
	if p.root.At("avvakta").Faulty() {
		return
	}
	for _, act := range p.root.At("insatser").Items() {
		if state := act.At("status"); state.Str() == onHold && !named[act.At("id").Str()] {
			p.Fail("BP-R05", state)
		}
	}
}

// ofTheType holds BP-R06: what belongs to the other kind of plan.
func (p *plan) ofTheType() {
	if who := p.root.At("samordnare"); p.child() && who.Present() {
		p.Fail("BP-R06", who)
	}
	if !p.other() {
		return
	}
	for _, x := range childTable() {
		if v := p.root.At(x.Name()); v.Present() {
			p.Fail("BP-R06", v)
		}
	}
	for _, act := range p.root.At("insatser").Items() {
		if state := act.At("status"); state.Str() == onHold {
			p.Fail("BP-R06", state)
		}
	}
}
