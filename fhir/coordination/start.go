package coordination

import (
	"cmp"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// going is an intervention that has begun.
type going struct {
	name      string
	id        string // of the activity; "" for a request, and for an activity that has only a place
	codes     []Coding
	performer fhir.Ref
	start     day
}

// is reports whether it went on already as b: an id or a place that passes to another intervention, or to another
// performer, is another start.
func (a going) is(b going) bool {
	codes := len(a.codes) == 0 || len(b.codes) == 0 || len(meet(a.codes, b.codes)) > 0
	return a.id == b.id && codes && (a.performer == b.performer || a.performer.IsZero() || b.performer.IsZero()) && (a.id != "" || a.start == b.start)
}

// Started are the interventions that a write begins, sorted: activities in progress of an active plan, and an active
// request whose day has come, that did not go on before. before is nil where there was nothing.
func Started(before, after *fhir.Resource, now time.Time, s Settings) []string {
	starter, ok := starters[after.Type()]
	if !ok {
		return nil
	}
	var then []going
	if before != nil {
		then = starter(before, dayOf(now, s.Zone), s.Zone)
	}
	var out []string
	for _, g := range starter(after, dayOf(now, s.Zone), s.Zone) {
		if at := slices.IndexFunc(then, g.is); at >= 0 {
			then = slices.Delete(then, at, at+1)
			continue
		}
		out = append(out, g.name)
	}
	slices.Sort(out)
	return out
}

var starters = map[fhir.Type]func(r *fhir.Resource, today day, zone *time.Location) []going{
	"CarePlan": func(r *fhir.Resource, _ day, zone *time.Location) []going {
		if statusOf(r) != "active" {
			return nil
		}
		var out []going
		i := -1
		for a := range r.Root().All("activity") {
			i++
			d := a.Member("detail")
			if d.Member("status").Text() != "in-progress" {
				continue
			}
			read := readActivity(a, d, zone)
			out = append(out, going{activityRef(r.Ref(), a, i), a.Member("id").Text(), read.codes, read.performer, read.days.start})
		}
		return out
	},
	"ServiceRequest": func(r *fhir.Resource, today day, zone *time.Location) []going {
		n := r.Root()
		start := first(cmp.Or(n.At("occurrencePeriod", "start").Text(), n.Member("occurrenceDateTime").Text()), zone)
		if statusOf(r) != "active" || start == noDay || start > today {
			return nil
		}
		return []going{{r.Ref().String(), "", codingsAt(n, "code"), refAt(n, "performer"), noDay}}
	},
}
