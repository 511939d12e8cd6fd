package calendar

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

const ruleReview = "netwerk-evaluatie"

// Days before the review of an agreement at which somebody is asked for it, and after it at which the agreement waits.
const (
	reviewAhead = 7
	reviewLate  = 14
)

// reviews holds network.md 4: an agreement of a family's network is reviewed on its day. The side that decided on it
// is asked a week before; two weeks after it waits, and the helper is told.
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
			text: sayAgreed, focus: k.Resource.Ref(), owner: r.decider(k), custodian: k.Custodian, due: day,
		})
		r.holdUnreviewed(k, status, on)
	}
	r.end(ruleReview, done)
}

// decider is who is asked to review an agreement: of the side that decided on it the child, or the holder of
// authority who is called so, else the first; where that is not told, or an organisation decided, who keeps it.
func (r *run) decider(k Known) fhir.Ref {
	keeper := r.coordinator(k.Custodian)
	task, ok := taskOf(k.Resource)
	if !ok {
		return keeper
	}
	found := r.find(task)
	if found.Resource == nil || found.Custodian != k.Custodian {
		return keeper
	}
	by := extension(found.Resource.Root(), "beslisser")
	switch role := part(by, "rol", "valueCode").Text(); {
	case role == "client", role == "ouder" && r.youthAlone():
		return r.patient
	case role == "ouder":
		return cmp.Or(r.holderCalled(part(by, "naam", "valueString").Text()), keeper)
	}
	return keeper
}

// taskOf is the task of an agreement that came with a record, by what the record calls it (network.md 3).
func taskOf(plan *fhir.Resource) (fhir.Ref, bool) {
	for id := range plan.Root().All("identifier") {
		keeper, ours := strings.CutPrefix(id.Member("system").Text(), fhir.Canonical+"/sid/netwerk/")
		record, key, part := strings.Cut(id.Member("value").Text(), "#")
		if ours && part {
			return fhir.Ref{Type: "Task", ID: mapping.UUID("netwerk/" + keeper + "/" + record + "/Task/" + key)}, true
		}
	}
	return fhir.Ref{}, false
}

// holderCalled is the parent with authority of that name, else the first; zero for none.
func (r *run) holderCalled(name string) fhir.Ref {
	var first fhir.Ref
	for _, holder := range r.Household.Holders {
		if holder.Type != "RelatedPerson" {
			continue
		}
		first = cmp.Or(first, holder)
		for _, p := range r.People {
			if p.Resource.Ref().Current() == holder && slices.Contains(namesOf(p.Resource), plainWords(name)) {
				return holder
			}
		}
	}
	return first
}

// namesOf are the names of a person, in words.
func namesOf(r *fhir.Resource) []string {
	var out []string
	for name := range r.Root().All("name") {
		var parts []string
		for given := range name.All("given") {
			parts = append(parts, given.Text())
		}
		out = append(out, plainWords(name.Member("text").Text()), plainWords(strings.Join(append(parts, name.Member("family").Text()), " ")))
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

func plainWords(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

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
