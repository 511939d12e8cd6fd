package calendar

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// RuleEmergency names the rule in the meta.source of what it wrote.
const RuleEmergency = "btg-review"

const (
	emergencyReview = 7              // days in which it is due
	emergencyTold   = 24 * time.Hour // until the family is told
)

// Emergency is one emergency of one professional: what its accesses to a child have in common.
type Emergency struct {
	Patient, Custodian fhir.Ref
	Token              string // what tells it from others: client, user and instant of the page
	Now                time.Time
	Today              time.Time // midnight UTC of the local date
}

// ID is the id of the Task by which an emergency is reviewed.
func (e Emergency) ID() string { return e.run().id(RuleEmergency, e.Token) }

func (e Emergency) run() *run {
	return &run{Situation: &Situation{Now: e.Now}, patient: e.Patient.Current(), stored: map[string]Known{}, wanted: map[string]bool{}}
}

// Review returns the Task to the custodian's privacy officer, due in 7 days, with its Provenance
// (access.md 3.9). Nobody but the custodian sees it.
func (e Emergency) Review() ([]Write, error) {
	r := e.run()
	r.ask(task{
		rule: RuleEmergency, discriminator: e.Token, code: coding{codes("access-task"), "btg-review"},
		text:  sayReview,
		focus: e.Patient, owner: e.Custodian, custodian: e.Custodian,
		due:        e.Today.AddDate(0, 0, emergencyReview).Format(time.DateOnly),
		performers: []concept{{Coding: []coding{{codes("access-role"), "admin"}}, Text: "Privacy officer"}},
		labels:     []coding{custodianOnly},
	})
	return r.out.Writes, fhir.Wrap("calendar.Review", r.err)
}

// emergencies holds the second half of access.md 3.9: 24 hours after an emergency the family is told, the
// youth alone from the age at which it decides alone. The custodian holds the letter back by putting the
// Task on-hold; it goes out when the Task goes on.
func (r *run) emergencies() {
	for _, t := range r.Tasks {
		n := t.Resource.Root()
		if n.At("meta", "source").Text() != source(RuleEmergency) || n.Member("status").Text() == "on-hold" {
			continue
		}
		at, err := time.Parse(time.RFC3339, n.Member("authoredOn").Text())
		if err != nil {
			continue
		}
		tell := at.Add(emergencyTold)
		r.wakeAt(tell)
		if r.Now.Before(tell) {
			continue
		}
		m := message{
			rule: RuleEmergency, discriminator: t.Resource.ID() + "/familie",
			category: notification,
			text:     sayOpened,
			about:    []fhir.Ref{r.patient}, custodian: t.Custodian,
		}
		m.to, m.labels = r.family()
		r.send(m)
	}
}
