package mks

import (
	"regexp"
	"strings"
	"time"
)

// kindRules holds the rules of mks.md 3.2 that need the record alone.
func kindRules(d *document) {
	ageRules(d)
	custodyRules(d)
	teamRules(d)
	personRules(d)
	for _, a := range d.inhoud().at("adres").items() {
		postcodeRule(d, a)
	}
	for _, v := range d.inhoud().at("verzekering").items() {
		if !v.at("uzovi").present() && !v.at("naam").present() {
			d.fail("MKS-KIND-16", v)
		}
	}
}

// ageRules holds KIND-01 and KIND-02.
func ageRules(d *document) {
	born := d.inhoud().at("geboortedatum")
	if !born.sound() || d.head.recordedDay == "" {
		return
	}
	years := age(born.day(), d.head.recordedDay)
	switch {
	case born.day().after(d.head.recordedDay):
		d.fail("MKS-KIND-01", born)
	case years >= 23:
		d.fail("MKS-KIND-02", born)
	case years >= 18:
		d.warn("MKS-KIND-02", born)
	}
}

// holders says per gezag-type how many holders there are, and how many of them are an ouder.
var holders = map[string]struct{ low, high, parentsLow, parentsHigh int }{
	"TweehoofdigOuderlijkGezag": {2, 2, 2, 2},
	"EenhoofdigOuderlijkGezag":  {1, 1, 1, 1},
	"GezamenlijkGezag":          {2, 2, 1, 1},
	"Voogdij":                   {0, 2, 0, 0},
	"TijdelijkGeenGezag":        {},
	"GezagNietTeBepalen":        {},
}

// custodyRules holds KIND-03, KIND-04, KIND-09, KIND-10 and KIND-11.
func custodyRules(d *document) {
	custody, born := d.inhoud().at("gezag"), d.inhoud().at("geboortedatum")
	if !custody.present() {
		if born.sound() && d.head.recordedDay != "" && age(born.day(), d.head.recordedDay) < 18 {
			d.warn("MKS-KIND-10", custody)
		}
		return
	}
	holderRules(d, custody)
	checked := custody.at("gecontroleerdOp")
	if checked.sound() && !d.head.recordedAt.IsZero() &&
		d.head.recordedDay.time().Sub(checked.day().time()) > 180*24*time.Hour {
		d.warn("MKS-KIND-09", checked)
	}
	people := d.byID("betrokkenen")
	for _, h := range custody.at("houders").items() {
		if people[h.str()].at("afgeschermd").present() {
			d.inform("MKS-KIND-11", h, "A holder of authority is sealed off: the seal wins.")
		}
	}
}

// holderRules holds KIND-03 and KIND-04.
func holderRules(d *document, custody value) {
	list := custody.at("houders")
	want, ok := holders[custody.at("type").str()]
	if !ok || !list.absentOrSound() {
		return
	}
	n := len(list.items())
	if n < want.low || n > want.high {
		d.fail("MKS-KIND-03", list)
		return
	}
	parents := 0
	people, organisations := d.byID("betrokkenen"), d.byID("organisaties")
	for _, h := range list.items() {
		person, isPerson := people[h.str()]
		_, isOrganisation := organisations[h.str()]
		isOrganisation = isOrganisation || strings.HasPrefix(h.str(), "ura:")
		if isPerson && !person.at("soort").sound() || !isPerson && !isOrganisation {
			return // who that is is a fault of its own
		}
		if person.at("soort").str() == "ouder" {
			parents++
		}
	}
	if parents < want.parentsLow || parents > want.parentsHigh {
		d.fail("MKS-KIND-04", list)
	}
}

// byID returns the items of a list of the record by their id.
func (d *document) byID(list string) map[string]value {
	out := map[string]value{}
	for _, v := range d.inhoud().at(list).items() {
		out[v.at("id").str()] = v
	}
	return out
}

// teamRules holds KIND-05 to KIND-08.
func teamRules(d *document) {
	team := d.inhoud().at("kindteam").at("leden")
	if !team.sound() || d.head.recordedDay == "" {
		return
	}
	active := map[string]int{}
	for _, m := range team.items() {
		if within(d.head.recordedDay, m.at("vanaf").day(), m.at("tot").day()) {
			active[m.at("rol").str()]++
		}
	}
	if active["zorgcoordinator"] != 1 {
		d.fail("MKS-KIND-05", team)
	}
	if active["gezinscoordinator"] > 1 {
		d.fail("MKS-KIND-06", team)
	}
	if active["gezinscoordinator"] == 0 && active["kinderverpleegkundige"]+active["verpleegkundige"] > 0 {
		d.warn("MKS-KIND-07", team)
	}
	if active["hoofdbehandelaar"] != 1 {
		d.fail("MKS-KIND-08", team)
	}
}

// within reports whether a day lies from first to last; open ends count.
func within(on, first, last day) bool {
	return !first.after(on) && !on.after(last)
}

// personRules holds KIND-13 and KIND-14.
func personRules(d *document) {
	list := d.inhoud().at("betrokkenen")
	seen := map[string]bool{d.head.bsn: true}
	for _, v := range list.items() {
		number := v.at("bsn").str()
		if number != "" && seen[number] {
			d.fail("MKS-KIND-13", list)
		}
		seen[number] = true
		if v.at("soort").str() == "vrijwilliger" && !v.at("organisatie").present() {
			d.warn("MKS-KIND-14", v)
		}
	}
}

// dutchPostcode is compiled once and read only.
var dutchPostcode = regexp.MustCompile(`^[1-9][0-9]{3} ?[A-Z]{2}$`)

// postcodeRule holds KIND-15.
func postcodeRule(d *document, a value) {
	p := a.at("postcode")
	if a.at("land").str() == "NL" && p.sound() && !dutchPostcode.MatchString(p.str()) {
		d.fail("MKS-KIND-15", p)
	}
}
