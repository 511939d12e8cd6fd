package coordination

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// Limits of the rules, in days, minutes or counts.
type Limits struct {
	O1Days          int // referrals this close in time
	O2Days          int // a start this soon
	O5Days          int // length of the window of starts, and how far it is looked around today
	O5Starts        int // starts in a window that are not too many
	O5Minutes       int // minutes a week that are not too many
	O6TravelMinutes int // between two appointments
	O8GraceDays     int // for which a coordinator who left still counts
}

// Stricter returns the limits by which all is found that l or o finds.
func (l Limits) Stricter(o Limits) Limits {
	return Limits{
		O1Days: max(l.O1Days, o.O1Days), O2Days: max(l.O2Days, o.O2Days), O5Days: max(l.O5Days, o.O5Days),
		O5Starts: min(l.O5Starts, o.O5Starts), O5Minutes: min(l.O5Minutes, o.O5Minutes),
		O6TravelMinutes: max(l.O6TravelMinutes, o.O6TravelMinutes), O8GraceDays: min(l.O8GraceDays, o.O8GraceDays),
	}
}

// of returns the limits for what organisations do: the strictest of those of the deployment and their own.
func (s *Settings) of(orgs ...fhir.Ref) Limits {
	out := s.Limits
	if len(s.Stricter) == 0 {
		return out
	}
	for _, org := range orgs {
		if own, ok := s.Stricter[org]; ok {
			out = out.Stricter(own)
		}
	}
	return out
}

// Limits are those for the child as a whole: the strictest of all organisations that do something for it.
func (t *Table) Limits() Limits { return t.s.of(t.doers()...) }

// doers are the organisations with an intervention and limits of their own.
func (t *Table) doers() []fhir.Ref {
	if len(t.s.Stricter) == 0 {
		return nil
	}
	var out []fhir.Ref
	for _, x := range t.all {
		if _, own := t.s.Stricter[x.org]; own && !slices.Contains(out, x.org) {
			out = append(out, x.org)
		}
	}
	return out
}
