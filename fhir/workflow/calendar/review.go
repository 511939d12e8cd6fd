package calendar

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
)

const ruleReview = "netwerk-evaluatie"

// Days before the review of an agreement at which somebody is asked for it, and after it at which the agreement waits.
const (
	reviewAhead = 7
	reviewLate  = 14
)

// reviews holds network.md 4: an agreement of a family's network is reviewed on its day. Who keeps it is asked
// a week before; two weeks after it waits, and the helper is told.
func (r *run) reviews() {
	for _, k := range r.Agreements {
		n := k.Resource.Root()
		status := n.Member("status").Text()
		on, ok := lastDayOf(n.At("period", "end"))
		if !ok || status != "active" && status != "on-hold" {
			continue
		}
		if first := on.AddDate(0, 0, -reviewAhead); r.today.Before(first) {
			r.wake(first)
			continue
		}
		day := on.Format(time.DateOnly)
		r.ask(task{
			rule: ruleReview, discriminator: k.Resource.ID() + "/" + day, code: coding{codes("netwerk-taak"), "evalueren"},
			text: sayAgreed, focus: k.Resource.Ref(), owner: r.coordinator(k.Custodian), custodian: k.Custodian, due: day,
		})
		r.holdUnreviewed(k, status, on)
	}
	r.end(ruleReview, done)
}

// holdUnreviewed puts an agreement on hold that was not reviewed in time.
func (r *run) holdUnreviewed(k Known, status string, on time.Time) {
	late := on.AddDate(0, 0, reviewLate)
	if r.today.Before(late) {
		r.wake(late)
		return
	}
	if status != "active" {
		return
	}
	held, err := k.Resource.Edit(fhir.Edit{Path: []string{"status"}, JSON: `"on-hold"`})
	if err != nil {
		r.err = err
		return
	}
	r.out.Writes = append(r.out.Writes, Write{Resource: held, Custodian: k.Custodian})
	r.attest(held.Ref(), k.Custodian, k.Version+1, meta{Source: source(ruleReview)}) // a plan of a network has no source of its own
	m := message{
		rule: ruleReview, discriminator: k.Resource.ID() + "/" + on.Format(time.DateOnly) + "/wacht", category: coding{codes("netwerk-taak"), "evalueren"},
		text: sayUnreviewed, about: []fhir.Ref{k.Resource.Ref()}, custodian: k.Custodian,
	}
	if helper, ok := fhir.ParseRef(k.Resource.Root().At("activity", "detail", "performer", "reference").Text()); ok {
		m.to = []fhir.Ref{helper.Current()}
	}
	r.send(m)
}
