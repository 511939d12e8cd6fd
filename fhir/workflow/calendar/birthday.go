package calendar

import (
	"fmt"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

const (
	ruleBirthday  = "7.8"
	birthdayAhead = 60 // days
	adultAge      = 18
	wlzAge        = 5
)

// birthdays holds mks.md 7.8: from 60 days before a birthday that changes rights, until that day, the
// zorgcoordinator has a Task and the family, or the youth who decides alone, a Communication.
func (r *run) birthdays() {
	h := r.Household
	if !h.Known() || h.Jurisdiction != "nl" {
		return
	}
	ages := append(h.Changes(), adultAge)
	if r.wlzAgain() {
		ages = append(ages, wlzAge)
	}
	slices.Sort(ages)
	for _, age := range slices.Compact(ages) {
		day := birthday(h.Born[0], age)
		from := day.AddDate(0, 0, -birthdayAhead)
		r.wake(from)
		if !r.today.Before(from) && r.today.Before(day) {
			r.announceAge(age)
		}
	}
}

// birthday returns the day on which somebody becomes so old. Born on 29 February: 1 March in other years.
func birthday(born time.Time, age int) time.Time {
	return time.Date(born.Year()+age, born.Month(), born.Day(), 0, 0, 0, 0, time.UTC)
}

func (r *run) announceAge(age int) {
	custodian, text := r.Patient.Custodian, r.ageText(age)
	about := []fhir.Ref{r.patient}
	var inputs []taskInput
	if id := r.id(ruleBirthday, fmt.Sprint(age)); !r.written(id) { // else it was told before
		consents := r.lapsing(age)
		text = text.with(r.named(consents))
		for _, n := range consents {
			about = append(about, n.Resource().Ref().Current())
			inputs = append(inputs, taskInput{Type: concept{Text: "toestemming"}, Reference: &reference{Reference: n.Resource().Ref().Current().String()}})
		}
	}
	r.ask(task{
		rule: ruleBirthday, discriminator: fmt.Sprint(age), code: category("leeftijdsmelding"),
		text:  sayAge.filled("AGE", fmt.Sprint(age)).with(text),
		focus: r.patient, owner: r.coordinator(custodian), custodian: custodian,
		due: birthday(r.Household.Born[0], age).Format(time.DateOnly), inputs: inputs,
	})
	m := message{
		rule: ruleBirthday, discriminator: fmt.Sprintf("%d/familie", age), category: category("leeftijdsmelding"),
		text: text, about: about, custodian: custodian,
	}
	m.to, m.labels = r.family()
	r.send(m)
}

// family returns to whom a letter to the family goes: to the youth alone from the age at which it decides
// alone, else to those who hold authority, and to the child that may read. The labels keep it there.
func (r *run) family() ([]fhir.Ref, []coding) {
	if r.youthAlone() {
		return []fhir.Ref{r.patient}, []coding{notForParents}
	}
	out := slices.Clone(r.Household.Holders)
	if r.Household.Known() && r.Household.Youngest >= r.Household.ChildFrom {
		out = append(out, r.patient)
	}
	return out, nil
}

// youthAlone reports whether the youth decides alone.
func (r *run) youthAlone() bool {
	return r.Household.Known() && r.Household.Oldest >= r.Household.YouthAloneFrom
}

// ageText says what a birthday changes: whose rights, which consents, who signs.
func (r *run) ageText(age int) words {
	h := r.Household
	switch {
	case age == wlzAge:
		return sayWlz
	case age == adultAge:
		return sayAdult
	case age == h.YouthAloneFrom:
		return sayAlone
	case age == h.JointFrom || age == h.ChildFrom:
		return sayJoint
	}
	return words{}
}

// wlzAgain reports whether an answered verwijsboom found rule V2b: lasting supervision is needed, and the
// child was too young for the Wlz (mks.md 5.1).
func (r *run) wlzAgain() bool {
	for _, t := range r.Trees {
		n := t.Resource.Root()
		if s := n.Member("status").Text(); s != "completed" && s != "amended" || !r.heeds(r.Patient.Custodian, t.Custodian) {
			continue
		}
		answers := map[string]string{}
		for item := range n.All("item") {
			for a := range item.All("answer") {
				answers[item.Member("linkId").Text()] = a.At("valueCoding", "code").Text()
			}
		}
		if v := answers["vb.verstandelijk"]; answers["vb.blijvend24u"] == "ja" && (v == "ja" || v == "onbekend") {
			return true
		}
	}
	return false
}
