package samordningsplan

import (
	"slices"

	"github.com/drieluik/drieluik/mapping/form"
)

// coordinatorRules hold SP-R01, SP-R01b and SP-R08.
func (p *plan) coordinatorRules() {
	who := p.coordinator()
	if !p.running() || p.root.At("planTyp").Faulty() {
		return
	}
	if !who.Present() {
		if p.is(active, followUp, ended) {
			p.Fail("SP-R01b", who)
		}
		return
	}
	if of := who.At("aktor"); of.Sound() {
		actor := p.actor(of.Str())
		if authority := actor.At("myndighet"); authority.AbsentOrSound() && !authority.Yes() {
			p.Fail("SP-R01", of)
		}
	}
	if wish := who.At("onskemalTillgodosett"); !p.child() && wish.Sound() && !wish.Yes() && !who.At("skal").Present() {
		p.Fail("SP-R08", who.At("skal"))
	}
}

// validity holds SP-R03 and SP-R03b.
func (p *plan) validity() {
	v := p.root.At("giltighet")
	if !p.running() || !v.AbsentOrSound() {
		return
	}
	if p.is(active, followUp, ended) {
		for _, name := range []string{"start", "utvardering", "slut"} {
			if !v.At(name).Present() {
				p.Fail("SP-R03", v.At(name))
			}
		}
	}
	start, review, end := v.At("start"), v.At("utvardering"), v.At("slut")
	switch {
	case start.Present() && review.Present() && !review.Day().After(start.Day()):
		p.Fail("SP-R03b", review)
	case review.Present() && end.Present() && review.Day().After(end.Day()):
		p.Fail("SP-R03b", review)
	case start.Present() && end.Present() && !end.Day().After(start.Day()):
		p.Fail("SP-R03b", end)
	}
}

// measures hold SP-R04 in every status, SP-R05 and SP-R12.
func (p *plan) measures() {
	all := p.root.At("insatser")
	carriers := map[string]bool{}
	for _, act := range all.Items() {
		by := act.At("ansvarigAktor")
		if !by.Faulty() && !p.names(by.Str(), "aktorer", "foretradare", thePerson) {
			p.Fail("SP-R04", by)
		}
		if open := act.At("status").Str(); p.names(by.Str(), "aktorer") && slices.Contains([]string{"planerad", "pagaende", onHold}, open) {
			carriers[by.Str()] = true
		}
		if serves := act.At("mal"); p.running() && act.Present() && !serves.Present() {
			p.Warn("SP-R12", serves)
		}
	}
	if p.is(active, followUp) && all.AbsentOrSound() && len(carriers) < 2 {
		p.Inform("SP-R05", all)
	}
}

// existingPlans hold SP-R06, SP-R06b and SP-R06c.
func (p *plan) existingPlans() {
	if !p.running() {
		return
	}
	n := 0
	for _, old := range p.root.At("befintligaPlaner").Items() {
		use, kind, named := old.At("anvandsSom"), old.At("typ"), old.At("samordnareNamngiven")
		if use.Str() != standsIn {
			continue
		}
		if n++; n > 1 {
			p.Fail("SP-R06c", use)
		}
		switch {
		case kind.Sound() && kind.Str() != "CM" && kind.Str() != "LSS-IP":
			p.Fail("SP-R06", kind)
		case kind.Sound() && !named.Faulty() && !named.Yes():
			p.Fail("SP-R06", named)
		}
	}
	if n > 0 && p.is(called, active, followUp) {
		p.Fail("SP-R06b", p.root.At("status"))
	}
}

// representation holds SP-R07: who does not take part is represented by somebody who was met before.
func (p *plan) representation() {
	attends := p.root.At("person").At("deltar")
	all := p.root.At("foretradare")
	if !p.is(active, followUp, ended) || !attends.Sound() || attends.Yes() || !all.AbsentOrSound() {
		return
	}
	first, represented := p.firstMeeting(), false
	for _, g := range all.Items() {
		if !g.At("deltar").Yes() {
			continue
		}
		represented = true
		met := g.At("formote")
		switch {
		case !met.Present():
			p.Fail("SP-R07", met)
		case met.At("datum").Day().After(first):
			p.Fail("SP-R07", met.At("datum"))
		}
	}
	if !represented {
		p.Fail("SP-R07", attends)
	}
}

// firstMeeting is the day of the first meeting, "" without one or with a faulty one.
func (p *plan) firstMeeting() form.Day {
	var first form.Day
	for _, m := range p.root.At("kallelse").Items() {
		at := m.At("motestid")
		if !at.Sound() {
			return ""
		}
		if first == "" || first.After(at.Date()) {
			first = at.Date()
		}
	}
	return first
}

// principal holds SP-R10 and SP-R10b.
func (p *plan) principal() {
	main, actors := p.root.At("huvudansvarigHuvudman"), p.root.At("aktorer")
	if !p.is(active, followUp, ended) || !p.other() || main.Faulty() {
		return
	}
	if !main.Present() {
		p.Fail("SP-R10", main)
		return
	}
	has := slices.ContainsFunc(actors.Items(), func(a form.Value) bool { return a.At("huvudman").Str() == main.Str() })
	if !has && actors.Sound() {
		p.Fail("SP-R10b", main)
	}
}

// ending holds SP-R13.
func (p *plan) ending() {
	end := p.root.At("avslut")
	if !p.is(ended) || end.Faulty() {
		return
	}
	if !end.Present() {
		p.Fail("SP-R13", end)
		return
	}
	if why := end.At("orsak").Str(); why == "avliden" || why == "samtycke-aterkallat" || !p.root.At("uppfoljningar").AbsentOrSound() {
		return
	}
	judged := p.judged(end.At("datum").Day())
	for _, goal := range p.root.At("mal").Items() {
		came := goal.At("uppfyllelse")
		if goal.At("id").Sound() && !came.Present() && !judged[goal.At("id").Str()] {
			p.Fail("SP-R13", came)
		}
	}
}

// judged are the goals of which an outcome was told by a day.
func (p *plan) judged(by form.Day) map[string]bool {
	out := map[string]bool{}
	for _, u := range p.root.At("uppfoljningar").Items() {
		if u.At("datum").Day().After(by) {
			continue
		}
		for _, o := range u.At("utfall").Items() {
			out[o.At("mal").Str()] = true
		}
	}
	return out
}
