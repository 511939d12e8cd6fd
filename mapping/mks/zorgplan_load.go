package mks

import "strconv"

// maxParentWeek is how many actions a week of one parent are told of (mks.md 7.12).
const maxParentWeek = 21

// checkLoad holds mks.md 7.12: of a plan in force with more actions a week for one parent than that, the
// first of that parent is told. What is done when needed does not count.
func (m *mapper) checkLoad(in value) {
	if m.draft || m.head.status != "definitief" {
		return
	}
	on := m.head.recordedDay
	if start := in.at("ingangsdatum").day(); start.after(on) {
		on = start
	}
	week, told := map[string]float64{}, map[string]bool{}
	for _, a := range in.at("acties").items() {
		if from, to := a.at("vanaf"), a.at("totEnMet"); !within(on, from.day(), to.day()) {
			continue
		}
		for _, e := range a.at("uitvoerders").items() {
			who := e.at("ref").str()
			if e.at("soort").str() != "ouder" {
				continue
			}
			week[who] += timesAWeek(a, e)
			if week[who] > maxParentWeek && !told[who] {
				told[who] = true
				m.tell("MKS-WF-12", e)
			}
		}
	}
}

// weeks are how many of a frequentie-eenheid make a week. Read only.
var weeks = map[string]float64{"h": 7 * 24, "d": 7, "wk": 1, "mo": 7 * 12 / 365.25, "a": 7 / 365.25}

// timesAWeek is how many times a week an executor does an action.
func timesAWeek(action, executor value) float64 {
	moments := executor.at("momenten")
	if !moments.present() {
		moments = action.at("tijden")
	}
	if moments.present() {
		return float64(7 * moments.n.Len())
	}
	f := action.at("frequentie")
	per, err := strconv.ParseFloat(f.at("per").decimal(), 64)
	if err != nil || per == 0 {
		return 0
	}
	return float64(f.at("aantal").whole()) * weeks[f.at("eenheid").str()] / per
}
