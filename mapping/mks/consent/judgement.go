package consent

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// Judgement is what decides whether a consent counts: its kind, its givers and the child's age
// (mks.md 3.9, TOE-01, TOE-02, TOE-04, TOE-09).
type Judgement struct {
	Soort     string // toestemming-soort
	Permits   bool
	Birth, On form.Day // birth of the child, day of recording
	child     bool     // the child gives
	holder    bool     // a holder of authority gives
	stranger  bool     // somebody without authority gives
}

// Add takes one giver in. It reports whether the giver has no authority.
func (j *Judgement) Add(child, authority bool) bool {
	j.child = j.child || child
	j.holder = j.holder || !child && authority
	j.stranger = j.stranger || !child && !authority
	return !child && !authority
}

// Verdict returns the rules that the consent breaks, and whether it waits for another giver.
// A partial birth date counts as the youngest age where age gives the child a right, else as the
// oldest (access.md 2.2).
func (j *Judgement) Verdict() (broken []string, waits bool) {
	if j.stranger {
		broken = append(broken, "MKS-TOE-02")
	}
	if j.Birth == "" || j.On == "" {
		return broken, false
	}
	oldest, youngest := form.Age(j.Birth, j.On), form.Age(j.Birth.Last(), j.On)
	switch {
	case youngest < 12 && j.child,
		oldest < 12 && !j.holder && !j.stranger && j.Soort != "bezwaar",
		oldest >= 16 && !j.child:
		broken = append(broken, "MKS-TOE-01")
	case oldest >= 12 && oldest < 16 && j.Permits && !(j.child && j.holder):
		waits = true
	}
	return broken, waits
}

// end returns the last day before the child is 12 or 16, "" when neither lies ahead.
func (j *Judgement) end() form.Day {
	if j.Birth == "" || j.On == "" {
		return ""
	}
	years := form.Age(j.Birth, j.On)
	for _, limit := range []int{12, 16} {
		if years < limit {
			return form.DayOf(form.Birthday(j.Birth, limit).Time().AddDate(0, 0, -1))
		}
	}
	return ""
}

// Never reports whether a consent from a day on would end before it begins, at the birthday before
// that day: it is never in force.
func (j *Judgement) Never(from form.Day) bool {
	last := j.end()
	return last != "" && from.After(last)
}

// CapEdits returns the edits that cap a stored Consent (TOE-04).
func (j *Judgement) CapEdits(c fhir.Node) []fhir.Edit {
	from, last, sent := form.Day(c.At("provision", "period", "start").Text()), j.end(), form.Day(c.At("provision", "period", "end").Text())
	if last == "" || sent != "" && !sent.After(last) {
		return nil
	}
	if j.Never(from) {
		last = from
	}
	kept := string(sent)
	if kept == "" {
		kept = "geen"
	}
	return []fhir.Edit{
		{Path: []string{"provision", "period", "end"}, JSON: `"` + string(last) + `"`},
		{Path: []string{"extension"}, Append: true,
			JSON: `{"url":"` + element.StructureDefinition("geldig-tot-bron") + `","valueString":"` + kept + `"}`},
	}
}
