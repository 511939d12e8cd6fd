package record

import (
	"regexp"
	"strings"
	"time"

	"github.com/drieluik/drieluik/mapping/form"
)

// kindRules holds the rules of mks.md 3.2 that need the record alone.
func kindRules(d *Document) {
	ageRules(d)
	custodyRules(d)
	teamRules(d)
	personRules(d)
	for _, a := range d.Content().At("adres").Items() {
		postcodeRule(d, a)
	}
	for _, v := range d.Content().At("verzekering").Items() {
		if !v.At("uzovi").Present() && !v.At("naam").Present() {
			d.Fail("MKS-KIND-16", v)
		}
	}
}

// ageRules holds KIND-01 and KIND-02.
func ageRules(d *Document) {
	born := d.Content().At("geboortedatum")
	if !born.Sound() || d.Head.RecordedDay == "" {
		return
	}
	years := form.Age(born.Day(), d.Head.RecordedDay)
	switch {
	case born.Day().After(d.Head.RecordedDay):
		d.Fail("MKS-KIND-01", born)
	case years >= 23:
		d.Fail("MKS-KIND-02", born)
	case years >= 18:
		d.Warn("MKS-KIND-02", born)
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
func custodyRules(d *Document) {
	custody, born := d.Content().At("gezag"), d.Content().At("geboortedatum")
	if !custody.Present() {
		if born.Sound() && d.Head.RecordedDay != "" && form.Age(born.Day(), d.Head.RecordedDay) < 18 {
			d.Warn("MKS-KIND-10", custody)
		}
		return
	}
	holderRules(d, custody)
	checked := custody.At("gecontroleerdOp")
	if checked.Sound() && !d.Head.RecordedAt.IsZero() &&
		d.Head.RecordedDay.Time().Sub(checked.Day().Time()) > 180*24*time.Hour {
		d.Warn("MKS-KIND-09", checked)
	}
	people := d.byID("betrokkenen")
	for _, h := range custody.At("houders").Items() {
		if people[h.Str()].At("afgeschermd").Present() {
			d.Inform("MKS-KIND-11", h)
		}
	}
}

// holderRules holds KIND-03 and KIND-04.
func holderRules(d *Document, custody form.Value) {
	list := custody.At("houders")
	want, ok := holders[custody.At("type").Str()]
	if !ok || !list.AbsentOrSound() {
		return
	}
	n := len(list.Items())
	if n < want.low || n > want.high {
		d.Fail("MKS-KIND-03", list)
		return
	}
	parents := 0
	people, organisations := d.byID("betrokkenen"), d.byID("organisaties")
	for _, h := range list.Items() {
		person, isPerson := people[h.Str()]
		_, isOrganisation := organisations[h.Str()]
		isOrganisation = isOrganisation || strings.HasPrefix(h.Str(), "ura:")
		if isPerson && !person.At("soort").Sound() || !isPerson && !isOrganisation {
			return // who that is is a fault of its own
		}
		if person.At("soort").Str() == "ouder" {
			parents++
		}
	}
	if parents < want.parentsLow || parents > want.parentsHigh {
		d.Fail("MKS-KIND-04", list)
	}
}

// byID returns the items of a list of the record by their id.
func (d *Document) byID(list string) map[string]form.Value {
	out := map[string]form.Value{}
	for _, v := range d.Content().At(list).Items() {
		out[v.At("id").Str()] = v
	}
	return out
}

// teamRules holds KIND-05 to KIND-08.
func teamRules(d *Document) {
	team := d.Content().At("kindteam").At("leden")
	if !team.Sound() || d.Head.RecordedDay == "" {
		return
	}
	active := map[string]int{}
	for _, m := range team.Items() {
		if Within(d.Head.RecordedDay, m.At("vanaf").Day(), m.At("tot").Day()) {
			active[m.At("rol").Str()]++
		}
	}
	if active["zorgcoordinator"] != 1 {
		d.Fail("MKS-KIND-05", team)
	}
	if active["gezinscoordinator"] > 1 {
		d.Fail("MKS-KIND-06", team)
	}
	if active["gezinscoordinator"] == 0 && active["kinderverpleegkundige"]+active["verpleegkundige"] > 0 {
		d.Warn("MKS-KIND-07", team)
	}
	if active["hoofdbehandelaar"] != 1 {
		d.Fail("MKS-KIND-08", team)
	}
}

// Within reports whether a day lies from first to last; open ends count.
func Within(on, first, last form.Day) bool {
	return !first.After(on) && !on.After(last)
}

// personRules holds KIND-13 and KIND-14.
func personRules(d *Document) {
	list := d.Content().At("betrokkenen")
	seen := map[string]bool{d.Head.BSN: true}
	for _, v := range list.Items() {
		number := v.At("bsn").Str()
		if number != "" && seen[number] {
			d.Fail("MKS-KIND-13", list)
		}
		seen[number] = true
		if v.At("soort").Str() == "vrijwilliger" && !v.At("organisatie").Present() {
			d.Warn("MKS-KIND-14", v)
		}
	}
}

// dutchPostcode is compiled once and read only.
var dutchPostcode = regexp.MustCompile(`^[1-9][0-9]{3} ?[A-Z]{2}$`)

// postcodeRule holds KIND-15.
func postcodeRule(d *Document, a form.Value) {
	p := a.At("postcode")
	if a.At("land").Str() == "NL" && p.Sound() && !dutchPostcode.MatchString(p.Str()) {
		d.Fail("MKS-KIND-15", p)
	}
}
