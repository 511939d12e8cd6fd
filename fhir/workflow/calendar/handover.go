package calendar

import (
	"slices"
	"strconv"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

const (
	handover      = "overlamning"
	handoverAhead = 60 // days before a border
	schoolAge     = 6  // in the year of which school begins, on 1 August
)

// border is an age from which somebody of another role answers for a child's best (coordination.md 1).
type border struct {
	name  string // of the occasion
	on    func(born time.Time) time.Time
	roles []string // who answers from then on, as codes of se-ansvarig; one in the last of them stays
	who   words    // the same
}

// borders are in the order of age. From 16 on, who answers hangs on whether the youth goes to school: both are
// asked. Read only.
var borders = []border{
	{"skolstart", func(born time.Time) time.Time {
		return time.Date(born.Year()+schoolAge, time.August, 1, 0, 0, 0, 0, time.UTC)
	}, []string{"rektor"}, sayHead},
	{"16", func(born time.Time) time.Time { return birthday(born, 16) }, []string{"rektor", "kaa-handlaggare"}, sayHeadOrOfficer},
	{"18", func(born time.Time) time.Time { return birthday(born, adultAge) }, []string{"kaa-handlaggare"}, sayOfficer},
}

// handover asks for the next who answers for the child's best, from 60 days before a border and once for each. Behind
// it, it still asks where who answers has a role of younger children. It asks nobody by name: whoever keeps the plan
// knows who it is, and who answers stays until somebody else does.
func (p *sharedPlan) handover() {
	now, ok := p.inCharge()
	born := p.born()
	if !ok || born.IsZero() || codeOf(p.n, "category", "se-plantyp") != "BARNPLAN" || p.asksForNext() {
		return
	}
	var last *border
	for i := range borders {
		from := borders[i].on(born).AddDate(0, 0, -handoverAhead)
		if p.wake(from); p.today.Before(from) {
			break
		}
		last = &borders[i]
	}
	if last == nil || !p.handsOver(last, born, now) {
		return
	}
	on := last.on(born).Format(time.DateOnly)
	t := task{
		rule: ruleShared, discriminator: p.occasion(last), code: coding{codes("se-task"), handover},
		text:  sayHandover.with(last.who).with(same(" " + on + ". ")).with(sayStays),
		focus: p.plan.Resource.Ref(), custodian: p.plan.Custodian, due: on, labels: p.labels, status: "begard",
		inputs: []taskInput{{Type: concept{Coding: []coding{answering}}, Reference: &reference{Reference: now.String()}}},
	}
	for _, role := range last.roles {
		t.performers = append(t.performers, concept{Coding: []coding{{codes("se-ansvarig"), role}}})
	}
	p.ask(t)
}

// answering is the role of who answers for a child's best. Read only.
var answering = coding{codes("se-roll"), "barnetsbasta-ansvarig"}

// inCharge is who answers for the child's best today.
func (p *sharedPlan) inCharge() (fhir.Ref, bool) {
	for m := range p.team.All("participant") {
		if codeOf(m, "role", "se-roll") == answering.Code && covers(m.Member("period"), p.today) {
			return refOf(m.Member("member"))
		}
	}
	return fhir.Ref{}, false
}

func (p *sharedPlan) occasion(at *border) string {
	return p.plan.Resource.ID() + "/" + handover + "/" + at.name
}

// handsOver reports whether who is in charge is to be followed by another at a border. One who was in charge when it
// was asked, still is to be; one who came since is not.
func (p *sharedPlan) handsOver(at *border, born time.Time, now fhir.Ref) bool {
	if k, asked := p.stored[p.id(ruleShared, p.occasion(at))]; asked {
		was, _ := refOf(k.Resource.Root().At("input", "valueReference"))
		return was == now
	}
	role := ""
	if found := p.find(now).Resource; found != nil {
		role = codeOf(found.Root(), "code", "se-ansvarig")
	}
	if p.today.Before(at.on(born)) {
		return role != at.roles[len(at.roles)-1]
	}
	return role != "" && !slices.Contains(at.roles, role)
}

// asksForNext reports whether the plan itself asks somebody to take charge.
func (p *sharedPlan) asksForNext() bool {
	return slices.ContainsFunc(p.Tasks, func(k Known) bool {
		n := k.Resource.Root()
		focus, _ := refOf(n.Member("focus"))
		return codeOf(n, "code", "se-task") == handover && n.At("meta", "source").Text() != source(ruleShared) && isOpen(n) &&
			k.Custodian == p.plan.Custodian && focus == p.plan.Resource.Ref().Current()
	})
}

// numbers are the systems of Swedish numbers that begin with a birth date, with what is added to its day. Read only.
var numbers = map[string]int{
	"http://electronichealth.se/identifier/personnummer": 0, "http://electronichealth.se/identifier/samordningsnummer": 60,
}

// born is the birth date, without one that of the child's number (samordningsplan.md 2); zero: not known.
func (r *run) born() time.Time {
	if born := r.Household.Born[0]; !born.IsZero() {
		return born
	}
	for id := range r.Patient.Resource.Root().All("identifier") {
		more, known := numbers[id.Member("system").Text()]
		value := id.Member("value").Text()
		if !known || len(value) != 12 {
			continue
		}
		day, err := strconv.Atoi(value[6:8])
		if err != nil {
			continue
		}
		if born, err := time.Parse("20060102", value[:6]+strconv.Itoa(100 + day - more)[1:]); err == nil {
			return born
		}
	}
	return time.Time{}
}
