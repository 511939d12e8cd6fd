package workflow

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Doer is who carries out actions of the plans in force, and what a week asks of them (mks.md 7.12).
type Doer struct {
	Who      fhir.Ref
	Kind     string  // of uitvoerder-soort; "" when the actions do not say
	PerWeek  float64 // times a week, two decimals
	AsNeeded int     // actions without a number of times, counted apart
	Actions  []Action
}

// Action is one action of a Doer.
type Action struct {
	Plan     fhir.Ref
	What     string
	PerWeek  float64 // times a week, two decimals
	AsNeeded bool    // it says no number of times
}

// Actions lists who carries out what of the plans in force on a day, as far as k shows it, in order of who.
func Actions(k Known, patient fhir.Ref, now time.Time) ([]Doer, error) {
	hits, err := k.Child(patient, "CarePlan")
	if err != nil {
		return nil, fhir.Wrap("workflow.Actions", err)
	}
	today := dayOf(now, 0)
	by := map[fhir.Ref]*Doer{}
	var all []*Doer
	for _, hit := range hits {
		n := hit.Resource.Root()
		if !isActive(n) || !coded(n, categorySystem, "actie", "category", "coding") || !onDay(n.Member("period"), today) {
			continue
		}
		detail := n.At("activity", "detail")
		who := refAt(detail, "performer")
		if who.IsZero() {
			continue
		}
		if by[who] == nil {
			by[who] = &Doer{Who: who}
			all = append(all, by[who])
		}
		by[who].add(actionOf(hit.Resource.Ref().Current(), detail), executorKind(n))
	}
	slices.SortFunc(all, func(a, b *Doer) int { return cmp.Compare(a.Who.String(), b.Who.String()) })
	out := make([]Doer, len(all))
	for i, d := range all {
		slices.SortFunc(d.Actions, func(a, b Action) int { return cmp.Compare(a.Plan.ID, b.Plan.ID) })
		out[i] = *d
	}
	return out, nil
}

func (d *Doer) add(a Action, kind string) {
	d.Actions, d.Kind = append(d.Actions, a), cmp.Or(d.Kind, kind)
	d.PerWeek = hundredths(d.PerWeek + a.PerWeek)
	if a.AsNeeded {
		d.AsNeeded++
	}
}

func actionOf(plan fhir.Ref, detail fhir.Node) Action {
	a := Action{Plan: plan, What: cmp.Or(detail.Member("description").Text(), detail.At("code", "text").Text())}
	a.PerWeek = hundredths(perWeek(detail.At("scheduledTiming", "repeat")))
	a.AsNeeded = a.PerWeek == 0
	return a
}

// executorKind is the uitvoerder-soort of an action.
func executorKind(plan fhir.Node) string {
	for e := range plan.All("extension") {
		if e.Member("url").Text() != structures+"actie" {
			continue
		}
		for part := range e.All("extension") {
			if part.Member("url").Text() == "uitvoerderSoort" {
				return part.Member("valueCode").Text()
			}
		}
	}
	return ""
}

// unitDays are the days of a unit of time. Read only.
var unitDays = map[string]float64{"h": 1.0 / 24, "d": 1, "wk": 7, "mo": 365.25 / 12, "a": 365.25}

// maxPerWeek is more often than anything is done: once a minute.
const maxPerWeek = 7 * 24 * 60

// perWeek returns how many times a week a Timing.repeat asks for, 0 for one that gives no number.
func perWeek(repeat fhir.Node) float64 {
	times, days := 0.0, 1.0
	for range repeat.All("timeOfDay") {
		times++
	}
	if times == 0 {
		if times = number(repeat.Member("frequency")); times == 0 && repeat.Member("period").Exists() {
			times = 1
		}
	}
	if period := repeat.Member("period"); period.Exists() {
		days = number(period) * unitDays[repeat.Member("periodUnit").Text()]
	}
	if times == 0 || days == 0 {
		return 0
	}
	return min(7*times/days, maxPerWeek)
}

// number returns a number above zero, 0 for anything else.
func number(n fhir.Node) float64 {
	x, err := strconv.ParseFloat(n.Text(), 64)
	if err != nil || !(x > 0) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

func hundredths(x float64) float64 { return math.Round(x*100) / 100 }

// onDay reports whether a Period of days covers a day. An end covers all that it can mean.
func onDay(period fhir.Node, today string) bool {
	start, end := period.Member("start").Text(), period.Member("end").Text()
	return leading(start) <= today && (end == "" || today[:min(len(today), len(end))] <= leading(end))
}

// leading is the day, month or year with which a FHIR dateTime begins.
func leading(text string) string { return text[:min(len(text), len(dayForm))] }
