package mks

import "github.com/drieluik/drieluik/mapping/form"

import "github.com/drieluik/drieluik/mapping/element"

import "github.com/drieluik/drieluik/fhir"

// judgement is what decides whether a consent counts: its kind, its givers and the child's age
// (mks.md 3.9, TOE-01, TOE-02, TOE-04, TOE-09).
type judgement struct {
	soort     string // toestemming-soort
	permits   bool
	birth, on form.Day // birth of the child, day of recording
	child     bool     // the child gives
	holder    bool     // a holder of authority gives
	stranger  bool     // somebody without authority gives
}

// add takes one giver in. It reports whether the giver has no authority.
func (j *judgement) add(child, authority bool) bool {
	j.child = j.child || child
	j.holder = j.holder || !child && authority
	j.stranger = j.stranger || !child && !authority
	return !child && !authority
}

// verdict returns the rules that the consent breaks, and whether it waits for another giver.
// A partial birth date counts as the youngest age where age gives the child a right, else as the
// oldest (access.md 2.2).
func (j *judgement) verdict() (broken []string, waits bool) {
	if j.stranger {
		broken = append(broken, "MKS-TOE-02")
	}
	if j.birth == "" || j.on == "" {
		return broken, false
	}
	oldest, youngest := form.Age(j.birth, j.on), form.Age(j.birth.Last(), j.on)
	switch {
	case youngest < 12 && j.child,
		oldest < 12 && !j.holder && !j.stranger && j.soort != "bezwaar",
		oldest >= 16 && !j.child:
		broken = append(broken, "MKS-TOE-01")
	case oldest >= 12 && oldest < 16 && j.permits && !(j.child && j.holder):
		waits = true
	}
	return broken, waits
}

// end returns the last day before the child is 12 or 16, "" when neither lies ahead.
func (j *judgement) end() form.Day {
	if j.birth == "" || j.on == "" {
		return ""
	}
	years := form.Age(j.birth, j.on)
	for _, limit := range []int{12, 16} {
		if years < limit {
			return form.DayOf(form.Birthday(j.birth, limit).Time().AddDate(0, 0, -1))
		}
	}
	return ""
}

// never reports whether a consent from a day on would end before it begins, at the birthday before
// that day: it is never in force.
func (j *judgement) never(from form.Day) bool {
	last := j.end()
	return last != "" && from.After(last)
}

// capEdits returns the edits that cap a stored Consent (TOE-04).
func (j *judgement) capEdits(c fhir.Node) []fhir.Edit {
	from, last, sent := form.Day(c.At("provision", "period", "start").Text()), j.end(), form.Day(c.At("provision", "period", "end").Text())
	if last == "" || sent != "" && !sent.After(last) {
		return nil
	}
	if j.never(from) {
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
