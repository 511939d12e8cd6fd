package calendar

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// maxLapsing bounds how many Consents are named.
const maxLapsing = 100

// lapsing returns the Consents that lapse when the child becomes so old (access.md 4.1), by date: at the age at
// which it decides alone all, before that those that it did not give too. What an organisation is not to know
// of is left out.
func (r *run) lapsing(age int) []fhir.Node {
	h := r.Household
	if r.Consents == nil || age != h.YouthAloneFrom && age != h.JointFrom {
		return nil
	}
	all, err := r.Consents()
	if err != nil {
		r.err = err
		return nil
	}
	var out []fhir.Node
	for _, k := range all {
		n := k.Resource.Root()
		if r.permits(n) && (age == h.YouthAloneFrom || !r.givenByChild(n)) && r.heeds(r.Patient.Custodian, k.Custodian) {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b fhir.Node) int {
		return strings.Compare(a.Member("dateTime").Text()+a.Resource().ID(), b.Member("dateTime").Text()+b.Resource().ID())
	})
	return out[:min(len(out), maxLapsing)]
}

// permits reports whether a Consent that somebody gave shares something today. That of a grant to an app is the
// authorisation server's own, and one with a label is not for everybody who is told.
func (r *run) permits(n fhir.Node) bool {
	if n.Member("status").Text() != "active" || n.At("provision", "type").Text() != "permit" || !covers(n.At("provision", "period"), r.today) ||
		codeOf(n, "category", "toestemming-soort") == "verondersteld" || n.At("meta", "security").Exists() {
		return false
	}
	for system := range n.All("provision", "actor", "reference", "identifier", "system") {
		if system.Text() == fhir.Canonical+"/sid/smart-client" {
			return false
		}
	}
	return true
}

func (r *run) givenByChild(n fhir.Node) bool {
	for who := range n.All("performer", "reference") {
		if ref, ok := fhir.ParseRef(who.Text()); ok && ref.Current() == r.patient {
			return true
		}
	}
	return false
}

// named lists Consents in words that need no translation: the day, and to whom by the name of an organisation or
// team.
func (r *run) named(consents []fhir.Node) words {
	var lines []string
	for _, n := range consents {
		var to []string
		for ref := range n.All("provision", "actor", "reference") {
			if name := r.nameOf(ref); name != "" && !slices.Contains(to, name) {
				to = append(to, name)
			}
		}
		line := ""
		if given, ok := dayOf(n.Member("dateTime")); ok {
			line = given.Format("2006-01-02")
		}
		if len(to) > 0 {
			line += " (" + strings.Join(to, ", ") + ")"
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return words{}
	}
	return sayLapse.with(same(strings.Join(lines, "; ") + "."))
}

// nameOf returns the name of an organisation or team, or the code of a kind of organisations.
func (r *run) nameOf(reference fhir.Node) string {
	id := reference.Member("identifier")
	if id.Member("system").Text() == codes("organisatie-soort") {
		return id.Member("value").Text()
	}
	ref, ok := fhir.ParseRef(reference.Member("reference").Text())
	if found := r.find(ref.Current()).Resource; ok && found != nil && (ref.Type == "Organization" || ref.Type == "CareTeam") {
		return found.Root().Member("name").Text()
	}
	return ""
}
