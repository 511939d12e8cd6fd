package plan

import (
	"strconv"

	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// maxParentWeek is how many actions a week of one parent are told of (mks.md 7.12).
const maxParentWeek = 21

// checkLoad holds mks.md 7.12: of a plan in force with more actions a week for one parent than that, the
// first of that parent is told. What is done when needed does not count.
func checkLoad(m *tofhir.Mapper, in form.Value) {
	if m.Draft || m.Head.Status != "definitief" {
		return
	}
	on := m.Head.RecordedDay
	if start := in.At("ingangsdatum").Day(); start.After(on) {
		on = start
	}
	week, told := map[string]float64{}, map[string]bool{}
	for _, a := range in.At("acties").Items() {
		if from, to := a.At("vanaf"), a.At("totEnMet"); !record.Within(on, from.Day(), to.Day()) {
			continue
		}
		for _, e := range a.At("uitvoerders").Items() {
			who := e.At("ref").Str()
			if e.At("soort").Str() != "ouder" {
				continue
			}
			week[who] += timesAWeek(a, e)
			if week[who] > maxParentWeek && !told[who] {
				told[who] = true
				m.Tell("MKS-WF-12", e)
			}
		}
	}
}

// weeks are how many of a frequentie-eenheid make a week. Read only.
var weeks = map[string]float64{"h": 7 * 24, "d": 7, "wk": 1, "mo": 7 * 12 / 365.25, "a": 7 / 365.25}

// timesAWeek is how many times a week an executor does an action.
func timesAWeek(action, executor form.Value) float64 {
	moments := executor.At("momenten")
	if !moments.Present() {
		moments = action.At("tijden")
	}
	if moments.Present() {
		return float64(7 * moments.Node().Len())
	}
	f := action.At("frequentie")
	per, err := strconv.ParseFloat(f.At("per").Decimal(), 64)
	if err != nil || per == 0 {
		return 0
	}
	return float64(f.At("aantal").Whole()) * weeks[f.At("eenheid").Str()] / per
}
