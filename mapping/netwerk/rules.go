package netwerk

import (
	"slices"

	"github.com/drieluik/drieluik/mapping/form"
)

// Days after which a review is late and a network long.
const (
	reviewDays  = 92
	networkDays = 366
)

// rules holds what the document says of itself (network.md 2).
func (d *document) rules() {
	from, to := d.at("datum"), d.at("geldigTot")
	if from.Sound() && to.Sound() {
		switch {
		case to.Str() <= from.Str():
			d.Fail("NW-R10", to)
		case to.Day().After(from.Day().Add(networkDays)):
			d.Warn("NW-R10b", to)
		}
	}
	for _, a := range d.at("afspraken").Items() {
		d.agreementRules(a)
		d.reviewRules(a)
		if status := a.At("status"); status.Sound() && slices.Contains(live, status.Str()) {
			d.helperRules(a)
			d.reserveRule(a)
			d.tensionRule(a)
		}
	}
}

// agreementRules holds what an agreement must have by its status.
func (d *document) agreementRules(a form.Value) {
	status := a.At("status")
	if !status.Sound() {
		return
	}
	holds := slices.Contains(held, status.Str())
	if at := a.At("voorbereiding"); holds && !at.Present() {
		d.Fail("NW-R01", at)
	}
	if at := a.At("beslisser"); status.Str() != "voorgesteld" && !at.Present() {
		d.Fail("NW-R02", at)
	}
	if at := a.At("evaluatie"); holds && !at.Present() {
		d.Fail("NW-R05", at)
	}
	at := a.At("instructieDoor")
	if !holds || a.At("soort").Str() != "zorg-onder-instructie" || !at.AbsentOrSound() {
		return
	}
	if by := d.members[at.Str()]; at.Present() && !by.At("soort").Sound() || isOrganisation(by) {
		return
	}
	d.Fail("NW-R09", at)
}

// reviewRules holds the day of the review.
func (d *document) reviewRules(a form.Value) {
	start, review, end := a.At("start"), a.At("evaluatie"), d.at("geldigTot")
	if !start.Sound() || !review.Sound() || !end.Sound() {
		return
	}
	switch {
	case review.Str() <= start.Str() || review.Str() > end.Str():
		d.Fail("NW-R05b", review)
	case review.Day().After(start.Day().Add(reviewDays)):
		d.Warn("NW-R05c", review)
	}
}

// helperRules holds what an agreement that is live asks of its helper.
func (d *document) helperRules(a form.Value) {
	at := a.At("wie")
	l, ok := d.members[at.Str()]
	if !at.Sound() || !ok {
		return
	}
	may, known := approachable(l)
	switch {
	case known && !may:
		d.Fail("NW-R03", at)
	case known && withdrawn(l):
		d.Warn("NW-R03b", at)
	}
	if a.At("status").Str() == "voorgesteld" && l.At("belasting").Whole() >= 3 {
		d.Warn("NW-R04", at)
	}
	d.offerRule(a, l)
	d.dayRule(a, l)
}

// offerRule holds that a helper is asked for what they want, and offer.
func (d *document) offerRule(a, l form.Value) {
	what, unwanted, offered := a.At("soort"), l.At("niet"), l.At("aanbod")
	switch {
	case !what.Sound() || !unwanted.AbsentOrSound():
	case slices.Contains(unwanted.Strs(), what.Str()):
		d.Fail("NW-R07", what)
	case offered.AbsentOrSound() && !slices.Contains(offered.Strs(), what.Str()):
		d.Warn("NW-R07b", what)
	}
}

// dayRule holds that a helper is asked for days on which they are there.
func (d *document) dayRule(a, l form.Value) {
	asked, free := a.At("frequentie").At("dagen"), l.At("beschikbaarheid")
	if !asked.Sound() || !free.Sound() {
		return
	}
	var there []string
	for _, x := range free.Items() {
		there = append(there, x.At("dagen").Strs()...)
	}
	if slices.ContainsFunc(asked.Strs(), func(day string) bool { return !slices.Contains(there, day) }) {
		d.Warn("NW-R08", asked)
	}
}

// reserveRule holds that the reserve can take over.
func (d *document) reserveRule(a form.Value) {
	at := a.At("reserve")
	l, ok := d.members[at.Str()]
	if !at.Sound() || !ok {
		return
	}
	may, known := approachable(l)
	same := a.At("wie").Sound() && a.At("wie").Str() == at.Str()
	if same || known && (!may || withdrawn(l)) {
		d.Fail("NW-R06", at)
	}
}

// tensionRule tells client and supporter of a tie that may not carry an agreement.
func (d *document) tensionRule(a form.Value) {
	who, reserve := a.At("wie"), a.At("reserve")
	l, ok := d.members[who.Str()]
	if !who.Sound() || !ok {
		return
	}
	hard := slices.Contains(tense, l.At("sterkte").Str())
	for _, t := range d.at("onderling").Items() {
		ends := []string{t.At("a").Str(), t.At("b").Str()}
		hard = hard || reserve.Sound() && slices.Contains(ends, who.Str()) && slices.Contains(ends, reserve.Str()) &&
			who.Str() != reserve.Str() && slices.Contains(tense, t.At("sterkte").Str())
	}
	if hard {
		d.Warn("NW-R11", who)
	}
}

// decisionRules holds who decides what a member sees, by the age of the child on the day of it. birth is ""
// where nobody knows.
func (d *document) decisionRules(birth form.Day) {
	for _, l := range d.at("leden").Items() {
		c := l.At("toestemming")
		at, on := c.At("gegevenDoor"), c.At("datum")
		open := c.At("benaderen").Yes() && !c.At("ingetrokken").Present() && c.At("ziet").Sound()
		if !open || !at.Sound() || !on.Sound() {
			continue
		}
		roles := map[string]bool{}
		for _, g := range at.Items() {
			roles[g.At("rol").Str()] = true
		}
		guardian, child, age := roles["gezag"], roles["kind"], form.Age(birth, on.Day())
		switch {
		case birth != "" && age >= 12 && age <= 15 && !(guardian && child):
			d.Fail("NW-R13", at)
		case birth == "" || age < 12 && !guardian || age >= 16 && !child:
			d.Warn("NW-R13b", at)
		}
	}
}
