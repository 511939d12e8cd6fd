package calendar

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Days of mks.md 7.4.
const (
	cadenceGrace  = 30 // behind the interval, until an evaluation is overdue
	cadenceUrgent = 90 // overdue, until its Task is urgent
	yearDays      = 365
)

// cadence holds mks.md 7.4: an evaluation of an active plan that is overdue is a Task for the
// zorgcoordinator. It ends with the evaluation, and with the plan.
func (r *run) cadence() {
	for _, p := range r.Plans {
		n := p.Resource.Root()
		if n.Member("status").Text() != "active" || !r.lasts(n) {
			continue
		}
		for d := range n.All("activity", "detail") {
			kind := codeOf(d, "code", "evaluatie-soort")
			times, err := strconv.Atoi(d.At("scheduledTiming", "repeat", "frequency").Text())
			if kind != "" && err == nil && times > 0 {
				r.overdue(p, kind, times)
			}
		}
	}
	r.end(ruleCadence, done)
}

const ruleCadence = "7.4"

// lasts reports whether a plan has not ended; of one that will, the rules are asked again when it has.
func (r *run) lasts(plan fhir.Node) bool {
	end, ok := lastDayOf(plan.At("period", "end"))
	if !ok {
		return true
	}
	r.wake(end.AddDate(0, 0, 1))
	return !r.today.After(end)
}

// overdue asks for one kind of evaluation of a plan, so many times a year.
func (r *run) overdue(p Known, kind string, times int) {
	last, ok := r.lastMeeting(p, kind)
	if !ok {
		if last, ok = dayOf(p.Resource.Root().At("period", "start")); !ok {
			return
		}
	}
	limit := last.AddDate(0, 0, int(math.Ceil(yearDays/float64(times)))+cadenceGrace)
	if !r.today.After(limit) {
		r.wake(limit.AddDate(0, 0, 1))
		return
	}
	t := task{
		rule: ruleCadence, discriminator: p.Resource.ID() + "/" + kind + "/" + last.Format(time.DateOnly),
		code: category("evaluatie-verlopen"), text: sayOverdue.with(sayMeeting[kind]),
		focus: p.Resource.Ref(), owner: r.coordinator(p.Custodian), custodian: p.Custodian,
	}
	if kind == meetingTeam { // the family's own evaluations are theirs to see (mks.md 7.4)
		t.labels = []coding{notForFamily}
	}
	urgent := limit.AddDate(0, 0, cadenceUrgent)
	if r.today.After(urgent) {
		t.priority = "urgent"
	}
	r.wake(urgent.AddDate(0, 0, 1))
	r.ask(t)
}

// meetingTeam is the evaluation of the team; the others are with the family.
const meetingTeam = "client-bespreking"

// lastMeeting returns the day of the latest finished evaluation of a kind that is about the plan.
func (r *run) lastMeeting(plan Known, kind string) (time.Time, bool) {
	var last time.Time
	own, _ := record(plan.Resource.Root())
	for _, m := range r.evaluations() {
		if m.kind == kind && m.day.After(last) && (m.plan == "" || own == "" || m.plan == own) && r.heeds(plan.Custodian, m.custodian) {
			last = m.day
		}
	}
	return last, !last.IsZero()
}

// evaluation is what the cadence asks of a meeting.
type evaluation struct {
	day       time.Time
	kind      string
	plan      string // the record that it is about; "" when it names none
	custodian fhir.Ref
}

// evaluations reads the meetings that were held, once for all plans.
func (r *run) evaluations() []evaluation {
	if r.held != nil {
		return r.held
	}
	r.held = []evaluation{}
	for _, m := range r.Meetings {
		n := m.Resource.Root()
		day, ok := dayOf(n.At("period", "start"))
		if !ok || day.After(r.today) || n.Member("status").Text() != "finished" {
			continue
		}
		name, _, _ := strings.Cut(extension(n, "betreft-plan").Member("valueString").Text(), "/")
		r.held = append(r.held, evaluation{day, codeOf(n, "type", "evaluatie-soort"), name, m.Custodian})
	}
	return r.held
}
