package calendar

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

const (
	ruleInformed = "7.5"
	informedDays = 14 // after the meeting
)

// informed holds mks.md 7.5: a cliëntbespreking without a parent, of which no parent was told in 14 days,
// is a Task for the zorgcoordinator until somebody is told.
func (r *run) informed() {
	for _, m := range r.Meetings {
		n := m.Resource.Root()
		day, ok := dayOf(n.At("period", "start"))
		if !ok || n.Member("status").Text() != "finished" || codeOf(n, "type", "evaluatie-soort") != meetingTeam ||
			r.familyWasThere(n) || r.told(m) {
			continue
		}
		limit := day.AddDate(0, 0, informedDays)
		if r.today.Before(limit) {
			r.wake(limit)
			continue
		}
		r.ask(task{
			rule: ruleInformed, discriminator: m.Resource.ID(), code: category("ouders-geinformeerd"),
			text:  sayInform,
			focus: m.Resource.Ref(), owner: r.coordinator(m.Custodian), custodian: m.Custodian, labels: []coding{notForFamily},
		})
	}
	r.end(ruleInformed, done)
}

// familyWasThere reports whether a parent took part, or the youth who speaks for itself.
func (r *run) familyWasThere(meeting fhir.Node) bool {
	if r.Household.Known() && r.Household.Oldest >= r.Household.YouthAloneFrom &&
		(extension(meeting, "deelnemer-kind").Member("valueBoolean").Text() == "true" || r.childTookPart(meeting)) {
		return true
	}
	for p := range meeting.All("participant", "individual", "reference") {
		if who, ok := fhir.ParseRef(p.Text()); ok && r.isParent(who.Current()) {
			return true
		}
	}
	return false
}

// parentRoles are codes of v3-RoleCode for those who raise a child. Read only.
var parentRoles = map[string]bool{
	"PRN": true, "MTH": true, "FTH": true, "NMTH": true, "NFTH": true, "STPMTH": true, "STPFTH": true, "STPPRN": true,
	"ADOPTM": true, "ADOPTF": true, "ADOPTP": true, "PRNFOST": true, "MTHFOST": true, "FTHFOST": true, "GUARD": true,
}

// isParent reports whether somebody is parent, guardian or foster parent, with or without authority.
func (r *run) isParent(who fhir.Ref) bool {
	if slices.Contains(r.Household.Holders, who) {
		return true
	}
	for _, p := range r.People {
		if p.Resource.Ref().Current() != who {
			continue
		}
		n := p.Resource.Root()
		switch part(extension(n, "betrokkene"), "soort", "valueCode").Text() {
		case "ouder", "voogd", "pleegouder":
			return true
		}
		for c := range n.All("relationship", "coding", "code") {
			if parentRoles[c.Text()] {
				return true
			}
		}
	}
	return false
}

// childTookPart reads the mark on a participant.
func (r *run) childTookPart(meeting fhir.Node) bool {
	for p := range meeting.All("participant") {
		if extension(p, "deelnemer-kind").Member("valueBoolean").Text() == "true" {
			return true
		}
	}
	return false
}

// told reports whether a Communication of those in care says that the parents know of a meeting.
func (r *run) told(meeting Known) bool {
	if r.knowing == nil {
		r.knowing = map[fhir.Ref][]fhir.Ref{}
		for _, m := range r.Messages {
			n := m.Resource.Root()
			if n.Member("status").Text() != "completed" || codeOf(n, "category", "mks-categorie") != "ouders-geinformeerd" {
				continue
			}
			for _, path := range [][]string{{"about"}, {"basedOn"}, {"partOf"}, {"encounter"}} {
				for ref := range n.All(append(path, "reference")...) {
					if about, ok := fhir.ParseRef(ref.Text()); ok && !slices.Contains(r.knowing[about.Current()], m.Custodian) {
						r.knowing[about.Current()] = append(r.knowing[about.Current()], m.Custodian)
					}
				}
			}
		}
	}
	return slices.ContainsFunc(r.knowing[meeting.Resource.Ref().Current()], func(by fhir.Ref) bool {
		return r.heeds(meeting.Custodian, by)
	})
}
