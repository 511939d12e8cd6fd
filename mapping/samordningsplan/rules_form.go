package samordningsplan

import (
	"time"

	"github.com/drieluik/drieluik/mapping/form"
)

// formRules are the rules of form that the tables cannot say: SP-S05, SP-S07 of the person, and the
// conditions of samordningsplan.md 1.
func (p *plan) formRules() {
	p.root.Walk(table(), func(v form.Value, t form.Type) {
		if t.Kinds() != nil && v.Sound() && !p.names(v.Str(), t.Kinds()...) {
			p.Fault("SP-S05", v)
		}
	})
	p.personNumber()
	p.organisations()
	for _, goal := range p.root.At("mal").Items() {
		p.author(goal)
	}
	for _, act := range p.root.At("insatser").Items() {
		if from, until := act.At("start"), act.At("slut"); from.Sound() && until.Sound() && from.Day().After(until.Day()) {
			p.Fault("SP-S09", until)
		}
	}
	for _, meeting := range p.root.At("kallelse").Items() {
		if at, long := meeting.At("motestid"), meeting.At("langdMin"); at.Sound() && at.Instant().Add(time.Duration(long.Whole())*time.Minute).Year() > 9999 {
			p.Fault("SP-S09", long) // FHIR has no such year
		}
		for _, to := range meeting.At("till").Items() {
			p.addressee(to)
		}
	}
	if end := p.root.At("avslut"); end.Present() && p.status() != "" && !p.is(ended, broken, cancelled) {
		p.Fault("SP-S09", end)
	}
}

// personNumber holds SP-S07 and SP-S10 of the person.
func (p *plan) personNumber() {
	person := p.root.At("person")
	kind, number := person.At("idTyp"), person.At("id")
	if !kind.Sound() || !number.Sound() {
		return
	}
	if !personChecks[kind.Str()](number.Str()) {
		p.Fault("SP-S07", number)
		return
	}
	told, born := birthOf(kind.Str(), number.Str()), person.At("fodelsedatum")
	if told != "" && born.Sound() && born.Day() != told {
		p.Warn("SP-S10", born)
	}
}

// organisations holds that each aktör is an organisation of its own (SP-S01, SP-S04).
func (p *plan) organisations() {
	seen := map[string]bool{}
	for _, actor := range p.root.At("aktorer").Items() {
		id, number := actor.At("hsaId"), actor.At("orgnr")
		if !id.Present() && !number.Present() && actor.Present() {
			p.Fault("SP-S01", id)
			continue
		}
		key := organisationKey(actor)
		if key == "" || id.Faulty() {
			continue
		}
		if seen[key] {
			at := number
			if id.Present() {
				at = id
			}
			p.Fail("SP-S04", at)
		}
		seen[key] = true
	}
}

// author holds that a goal names its representative exactly when one put it into words.
func (p *plan) author(goal form.Value) {
	by, who := goal.At("formuleratAv"), goal.At("formuleratAvRef")
	if by.Sound() && who.AbsentOrSound() && who.Present() != (by.Str() == byGuardian) {
		p.Fault("SP-S09", who)
	}
}

// addressee holds that a call names exactly one to whom it goes.
func (p *plan) addressee(to form.Value) {
	n := 0
	for _, name := range []string{"aktor", "foretradare", "person"} {
		if to.At(name).Present() {
			n++
		}
	}
	person := to.At("person")
	switch {
	case person.Sound() && !person.Yes():
		p.Fault("SP-S09", person)
	case n != 1:
		p.Fault("SP-S09", to)
	}
}
