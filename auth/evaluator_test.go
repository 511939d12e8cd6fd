package auth_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
)

// plainConsent is a Consent as encoding/json reads it. The evaluator below goes over such Consents step
// by step, as access.md 4 says it, without anything that the package itself has.
type plainConsent struct {
	Performer, Organization []struct{ Reference string }
	Provision               plainProvision
}

type plainProvision struct {
	Type  string
	Actor []struct {
		Reference struct{ Reference string }
	}
	Code []struct {
		Coding []struct{ Code string }
	}
	Purpose, Class, SecurityLabel []struct{ Code string }
	Period                        *struct{ End string }
	Data                          []struct {
		Reference struct{ Reference string }
	}
	Provision []plainProvision
}

// plainRule is a provision that matches and is not overridden.
type plainRule struct {
	plainProvision
	givers []string
	held   bool
}

// slow evaluates reads by home care, for treatment, of a plan of kim in the Netherlands.
type slow struct {
	consents []plainConsent
	custody  []string // who holds it
	born     time.Time
	inTeam   bool
}

// asked is the plan that is read, in one of its domains.
type slowPlan struct{ ref, owner, level, cell string }

var slowLevels = []string{"U", "L", "M", "N", "R", "V"}

func (s *slow) age(at time.Time) int {
	n := 0
	for !s.born.AddDate(n+1, 0, 0).After(at) {
		n++
	}
	return n
}

// inherit returns p with what it does not say itself taken from its parent.
func (p plainProvision) inherit(from plainProvision) plainProvision {
	if p.Period == nil {
		p.Period = from.Period
	}
	if p.Type == "deny" && p.Actor != nil {
		return p // stands alone
	}
	if p.Actor == nil {
		p.Actor = from.Actor
	}
	if p.Code == nil {
		p.Code = from.Code
	}
	if p.Purpose == nil {
		p.Purpose = from.Purpose
	}
	if p.Class == nil {
		p.Class = from.Class
	}
	if p.SecurityLabel == nil {
		p.SecurityLabel = from.SecurityLabel
	}
	if p.Data == nil {
		p.Data = from.Data
	}
	return p
}

// matches reports whether every element of p matches. What is not known matches for a deny alone, also
// in the provisions above it.
func (s *slow) matches(p plainProvision, r slowPlan, deny bool) bool {
	some := func(n int, f func(int) bool) bool {
		for i := range n {
			if f(i) {
				return true
			}
		}
		return n == 0
	}
	return some(len(p.Actor), func(i int) bool {
		who := p.Actor[i].Reference.Reference
		return who == home || who == "CareTeam/team" && s.inTeam || who == "CareTeam/gone" && deny
	}) && some(len(p.Code), func(i int) bool {
		code := p.Code[i].Coding[0].Code
		return code == r.cell || r.cell == "" && deny
	}) && some(len(p.Purpose), func(i int) bool { return p.Purpose[i].Code == "TREAT" }) &&
		some(len(p.Class), func(i int) bool { return p.Class[i].Code == "CarePlan" }) &&
		some(len(p.SecurityLabel), func(i int) bool {
			named, is := slices.Index(slowLevels, p.SecurityLabel[i].Code), slices.Index(slowLevels, r.level)
			return deny && is >= named || !deny && is <= named
		}) && some(len(p.Data), func(i int) bool { return p.Data[i].Reference.Reference == r.ref }) &&
		(p.Period == nil || p.Period.End >= "2026-11-21")
}

// rules adds what is left over of the last of a chain of nested provisions and of those below it; it
// reports whether the last matches. A permit that does not count (permits is false) is no exception.
func (s *slow) rules(chain []plainProvision, r slowPlan, permits bool, out *[]plainRule) bool {
	p := chain[len(chain)-1]
	match, overridden := true, false
	for i := range chain {
		match = match && s.matches(chain[i], r, p.Type == "deny")
	}
	for _, below := range p.Provision {
		next := append(slices.Clone(chain), below.inherit(p))
		if below.Type == "deny" && below.Actor != nil {
			next = next[len(chain):]
		}
		excepts := s.rules(next, r, permits, out) && below.Type != p.Type
		overridden = overridden || excepts && (permits || below.Type == "deny")
	}
	if match && !overridden {
		*out = append(*out, plainRule{plainProvision: p})
	}
	return match
}

// counted returns the givers of a Consent that count for an effect, and whether it counts by them.
func (s *slow) counted(c plainConsent, effect string) ([]string, bool) {
	given, age := time.Date(2026, 10, 30, 12, 0, 0, 0, noon.Location()), s.age(noon)
	var givers []string
	guardian, child := false, false
	for _, p := range c.Performer {
		switch {
		case slices.Contains(s.custody, p.Reference) && age < 16:
			guardian, givers = true, append(givers, p.Reference)
		case p.Reference == giverChild && age >= 12 && (effect == "deny" || s.age(given) >= 12):
			child, givers = true, append(givers, p.Reference)
		}
	}
	switch {
	case effect == "deny" && c.Performer == nil:
		return []string{"unknown"}, true
	case effect == "deny":
		return givers, len(givers) > 0
	case age < 12:
		return givers, guardian
	case age < 16:
		return givers, guardian && child
	}
	return givers, child && s.age(given) >= 16
}

// special is how specific a rule is.
func (r plainRule) special() [4]int {
	var out [4]int
	if r.held {
		out[0] = 1
	}
	if r.Actor != nil {
		out[1] = 2
	}
	switch {
	case r.Data != nil:
		out[2] = 3
	case r.Code != nil:
		out[2] = 2
	case r.Class != nil || r.SecurityLabel != nil:
		out[2] = 1
	}
	if r.Purpose != nil {
		out[3] = 1
	}
	return out
}

// beats reports whether a permit stands before a deny.
func (r plainRule) beats(deny plainRule) bool {
	for _, g := range deny.givers {
		if !slices.Contains(r.givers, g) {
			return false
		}
	}
	mine, other := r.special(), deny.special()
	for i := range mine {
		if mine[i] < other[i] {
			return false
		}
	}
	return mine != other
}

// verdict judges one cell: permitted, denied, or none; wide: by a permit that opens what is restricted.
func (s *slow) verdict(r slowPlan) (word string, wide bool) {
	var permits, denies []plainRule
	for _, c := range s.consents {
		if c.Organization != nil && c.Organization[0].Reference != r.owner {
			continue
		}
		var all []plainRule
		_, countsAsPermit := s.counted(c, "permit")
		s.rules([]plainProvision{c.Provision}, r, countsAsPermit, &all)
		for _, rule := range all {
			rule.held = c.Organization != nil
			var counts bool
			if rule.givers, counts = s.counted(c, rule.Type); !counts {
				continue
			}
			if rule.Type == "permit" {
				permits = append(permits, rule)
			} else {
				denies = append(denies, rule)
			}
		}
	}
	for _, d := range denies {
		if !slices.ContainsFunc(permits, func(p plainRule) bool { return p.beats(d) }) {
			return "denied", false
		}
	}
	for _, p := range permits {
		wide = wide || p.Data != nil || slices.ContainsFunc(p.SecurityLabel, func(l struct{ Code string }) bool { return l.Code == "R" || l.Code == "V" })
	}
	return map[bool]string{true: "permitted", false: "none"}[len(permits) > 0], wide
}

// read says how a read ends: "own", "unrelated", "denied", "none", "label" or "permitted".
func (s *slow) read(r slowPlan, domains []string) string {
	if r.owner == home {
		return "own"
	}
	if !s.inTeam {
		return "unrelated"
	}
	if len(domains) == 0 {
		domains = []string{""}
	}
	words, wide := []string{}, true
	for _, d := range domains {
		r.cell = d
		word, w := s.verdict(r)
		words, wide = append(words, word), wide && w
	}
	for _, word := range []string{"denied", "none"} {
		if slices.Contains(words, word) {
			return word
		}
	}
	if r.level == "V" || r.level == "R" && !wide {
		return "label"
	}
	return "permitted"
}

// slowWords are the reasons of Decide by the word of the evaluator.
var slowWords = map[string]string{
	"permit-own-record": "own", "relation-none": "unrelated", "consent-denied": "denied", "domain-denied": "denied",
	"consent-none": "none", "domain-not-shared": "none", "label-very-restricted": "label", "label-restricted": "label", "permit-consent": "permitted",
}

// TestDecideAgreesWithASlowReadingOfTheRules draws families, plans and Consents, and reads each plan as
// home care twice: by Decide, and by going over access.md 3.1, 4 and 2.4 in the order of the text.
func TestDecideAgreesWithASlowReadingOfTheRules(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		born := rapid.SampledFrom([]string{"2020-05-04", "2013-05-04", "2009-05-04", "2010-11-21"}).Draw(rt, "exact")
		d.people[3], d.settings = childBorn(born), auth.Settings{Jurisdiction: "nl"}
		d.principal = auth.Principal{Role: auth.System, Organization: refOf(home), Purpose: "TREAT"}
		d.scopes = "system/*.rs"
		for _, id := range []string{"m1", "m2"} { // draws seldom make one that counts
			d.consents = append(d.consents, consentOf(id, drawProvision(rt, "permit", 2), giverMother, giverChild))
		}
		s := slow{custody: []string{giverFather}}
		s.born, _ = time.ParseInLocation(time.DateOnly, born, noon.Location())
		if !strings.Contains(d.people[4], "GezagNietTeBepalen") {
			s.custody = append(s.custody, giverMother)
		}
		s.inTeam = !strings.Contains(d.people[8], `"end":"2026-11-20"`)
		for _, text := range d.consents {
			var c plainConsent
			if err := json.Unmarshal([]byte(text), &c); err != nil {
				rt.Fatal(err)
			}
			s.consents = append(s.consents, c)
		}
		w := d.build(t)
		for ref, f := range w.rows {
			if !strings.HasPrefix(ref.ID, "plan") {
				continue
			}
			r := slowPlan{ref: ref.String(), owner: d.owners[ref.String()], level: "N"}
			for _, l := range f.Labels {
				r.level = l.Code
			}
			want, got := s.read(r, f.Domains), w.read(t, with(t, d.principal, d.scopes), ref.String()).Reason
			if slowWords[got] != want {
				rt.Fatalf("%s (%v, %s): %s, want %s\n%s", ref, f.Domains, r.level, got, want, strings.Join(d.consents, "\n"))
			}
			seen[want]++
		}
	})
	for _, word := range slowWords {
		if seen[word] == 0 {
			t.Errorf("no read was %s", word)
		}
	}
}
