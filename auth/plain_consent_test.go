package auth_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The evaluator reads access.md in the order of its text, over dates as strings. It is slow and knows
// nothing of the package.

// plainReader is who asks.
type plainReader struct {
	role, org, user, purpose string
	disclose                 bool // a notification: consent action disclose
}

func (r plainReader) person() bool {
	return r.role == "guardian" || r.role == "child" || r.role == "helper"
}

// covered reports whether a date lies in a period; "" is open.
func covered(date, start, end string) bool {
	return (start == "" || start <= date) && (end == "" || date <= end)
}

// age is the completed years of somebody born on a date.
func age(born, on string) int {
	n := number(on[:4]) - number(born[:4])
	if on[5:] < born[5:] {
		n--
	}
	return n
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// births are the first and the last possible day of birth.
func (w *plainWorld) births() (first, last string) {
	switch len(w.born) {
	case 4:
		return w.born + "-01-01", w.born + "-12-31"
	case 7:
		return w.born + "-01", fmt.Sprintf("%s-%d", w.born, map[string]int{"11": 30}[w.born[5:]])
	}
	return w.born, w.born
}

func (w *plainWorld) oldest(on string) int {
	first, _ := w.births()
	return age(first, on)
}

func (w *plainWorld) youngest(on string) int {
	_, last := w.births()
	return age(last, on)
}

// limit takes one of two ages of access.md 2.2.
func (w *plainWorld) limit(nl, se int) int {
	if w.se {
		return se
	}
	return nl
}

// childMay reports whether the child has rights of its own at an age.
func (w *plainWorld) childMay(years int) bool {
	return years >= w.limit(12, 16) || w.se && w.mature && years >= 13
}

var givesCustody = []string{"Voogdij", "TweehoofdigOuderlijkGezag", "EenhoofdigOuderlijkGezag", "GezamenlijkGezag"}

// custody reports whether a RelatedPerson holds custody on a date, as a permit or as a deny asks it.
func (w *plainWorld) custody(ref, on string, deny bool) bool {
	for _, p := range w.persons {
		if "RelatedPerson/"+p.id != ref {
			continue
		}
		if w.se {
			return p.swedish && p.active && covered(on, "", p.end)
		}
		if !deny && !(p.active && covered(today, "", p.end)) {
			return false
		}
		return slices.ContainsFunc(p.custody, func(k plainCustody) bool {
			return slices.Contains(givesCustody, k.kind) && covered(on, k.start, k.end)
		})
	}
	return false
}

func (c plainConsent) ref() string { return "Consent/" + c.ID }

func (c plainConsent) is(code string) bool {
	for _, category := range c.Category {
		for _, coding := range category.Coding {
			if coding.Code == code {
				return true
			}
		}
	}
	return false
}

func (c plainConsent) by(ref string) bool {
	return slices.ContainsFunc(c.Performer, func(p struct{ Reference string }) bool { return p.Reference == ref })
}

func (c plainConsent) holds(org string) bool {
	return slices.ContainsFunc(c.Organization, func(p struct{ Reference string }) bool { return p.Reference == org })
}

// permits reports whether a provision, or one inside it, permits something.
func (p plainProvision) permits() bool {
	return p.Type == "permit" || slices.ContainsFunc(p.Provision, plainProvision.permits)
}

// counts is access.md 4.1: the counted givers of a Consent for an effect, and whether it counts.
func (w *plainWorld) counts(c plainConsent, effect string, r plainReader) ([]string, bool) {
	given := ""
	if c.DateTime != "" {
		given = c.DateTime[:10]
	}
	if given > today || effect == "permit" && (given == "" || w.born == "") {
		return nil, false
	}
	if effect == "deny" {
		return w.denies(c)
	}
	switch {
	case c.is("verondersteld"):
		return nil, c.Provision.impliedForm()
	case c.is("utokad-vardnadshavare"):
		old := w.oldest(today)
		serves := w.se && r.role == "guardian" && old >= 13 && old < 16 && c.by(giverChild) && len(c.Organization) > 0
		return []string{giverChild}, serves
	}
	return w.permits(c, given, r)
}

func (w *plainWorld) permits(c plainConsent, given string, r plainReader) (givers []string, counts bool) {
	guardian, child := false, false
	old := w.oldest(today)
	for _, p := range c.Performer {
		switch {
		case p.Reference == giverChild:
			if w.childMay(w.youngest(today)) && w.childMay(w.youngest(given)) {
				child, givers = true, append(givers, giverChild)
			}
		case old < 16 && w.custody(p.Reference, given, false) && w.custody(p.Reference, today, false):
			guardian, givers = true, append(givers, p.Reference)
		}
	}
	switch {
	case old >= 16:
		return givers, child && w.youngest(given) >= 16
	case r.role == "guardian": // its own reading
		return givers, child
	case old < w.limit(12, 13), w.se && !w.mature:
		return givers, guardian
	}
	return givers, guardian && child
}

func (w *plainWorld) denies(c plainConsent) (givers []string, counts bool) {
	if len(c.Performer) == 0 {
		return []string{"unknown"}, true
	}
	for _, p := range c.Performer {
		if p.Reference == giverChild && (w.born == "" || w.childMay(w.oldest(today))) ||
			p.Reference != giverChild && (w.born == "" || w.youngest(today) < 16) && w.custody(p.Reference, today, true) {
			givers = append(givers, p.Reference)
		}
	}
	return givers, len(givers) > 0
}

// impliedForm is the only form in which an implied Consent counts.
func (p plainProvision) impliedForm() bool {
	return p.Type == "permit" && len(p.Provision) == 0 && len(p.Actor) == 1 && strings.HasPrefix(p.Actor[0].Reference.Reference, "Organization/") &&
		p.Period != nil && p.Period.End != "" && len(p.Data) > 0 && strings.HasPrefix(p.Data[0].Reference.Reference, "Composition/")
}

// inherit returns p with what it does not say itself taken from its parent.
func (p plainProvision) inherit(from plainProvision) plainProvision {
	if p.Period == nil {
		p.Period = from.Period
	}
	if p.Type == "deny" && p.Actor != nil {
		return p // stands alone
	}
	take := func(own, above any, set func()) {
		if fmt.Sprint(own) == "[]" || fmt.Sprint(own) == "<nil>" {
			set()
		}
	}
	take(p.Actor, from.Actor, func() { p.Actor = from.Actor })
	take(p.Code, from.Code, func() { p.Code = from.Code })
	take(p.Action, from.Action, func() { p.Action = from.Action })
	take(p.Purpose, from.Purpose, func() { p.Purpose = from.Purpose })
	take(p.Class, from.Class, func() { p.Class = from.Class })
	take(p.SecurityLabel, from.SecurityLabel, func() { p.SecurityLabel = from.SecurityLabel })
	take(p.DataPeriod, from.DataPeriod, func() { p.DataPeriod = from.DataPeriod })
	take(p.Data, from.Data, func() { p.Data = from.Data })
	return p
}

// wider are the purposes under which one lies.
var wider = map[string][]string{
	"TREAT": {"TREAT"}, "COC": {"COC", "TREAT"}, "ETREAT": {"ETREAT", "TREAT"}, "BTG": {"BTG", "ETREAT", "TREAT"},
	"FAMRQT": {"FAMRQT", "PATRQT"}, "PATRQT": {"PATRQT"}, "SUPNWK": {"SUPNWK", "PATRQT"},
}

// some reports whether one of n alternatives matches; none given is any.
func some(n int, f func(int) bool) bool {
	for i := range n {
		if f(i) {
			return true
		}
	}
	return n == 0
}

// about reports whether a provision is for the reader now, whatever is read.
func (w *plainWorld) about(p plainProvision, r plainReader, deny bool) bool {
	action := "access"
	if r.disclose {
		action = "disclose"
	}
	return some(len(p.Actor), func(i int) bool {
		switch who := p.Actor[i].Reference.Reference; who {
		case "CareTeam/team":
			return w.inTeam(r) || deny && r.person() && w.currentMember(r.user)
		case "CareTeam/gone":
			return deny
		default:
			return who == r.org || who == r.user
		}
	}) && some(len(p.Purpose), func(i int) bool { return slices.Contains(wider[r.purpose], p.Purpose[i].Code) }) &&
		some(len(p.Action), func(i int) bool { return p.Action[i].Coding[0].Code == action }) &&
		(p.Period == nil || covered(today, p.Period.Start, p.Period.End))
}

var plainLevels = []string{"U", "L", "M", "N", "R", "V"}

func (x plainThing) confidentiality() int {
	if x.level == "" {
		return 3
	}
	return slices.Index(plainLevels, x.level)
}

// matches reports whether a provision matches a thing in a cell; anyDomain leaves its domain codes out.
func (w *plainWorld) matches(p plainProvision, r plainReader, x plainThing, cell string, deny, anyDomain bool) bool {
	return w.about(p, r, deny) && some(len(p.Code), func(i int) bool {
		return anyDomain || p.Code[i].Coding[0].Code == cell || cell == "unclassified" && deny
	}) && some(len(p.Class), func(i int) bool { return p.Class[i].Code == x.kind() }) &&
		some(len(p.SecurityLabel), func(i int) bool {
			named := slices.Index(plainLevels, p.SecurityLabel[i].Code)
			return deny && x.confidentiality() >= named || !deny && x.confidentiality() <= named
		}) &&
		(p.DataPeriod == nil || x.when == "" && deny || x.when != "" && covered(x.when, p.DataPeriod.Start, p.DataPeriod.End)) &&
		some(len(p.Data), func(i int) bool {
			d := p.Data[i]
			switch d.Meaning {
			case "instance":
				return d.Reference.Reference == x.ref
			case "authoredby":
				return d.Reference.Reference == x.owner
			}
			return x.ref == "CarePlan/plan0" && d.Reference.Reference == plainPaper || deny && d.Reference.Reference != plainPaper // not there
		})
}

// plainRule is a provision that stands in a cell.
type plainRule struct {
	plainProvision
	givers        []string
	held, implied bool
}

// rules adds what is left over of a tree of provisions: chain ends with the provision looked at. It
// reports whether that one matches. A permit of a Consent that does not count as one is no exception.
func (w *plainWorld) rules(chain []plainProvision, r plainReader, x plainThing, cell string, permits bool, out *[]plainRule) bool {
	p := chain[len(chain)-1]
	match := true
	for i := range chain {
		match = match && w.matches(chain[i], r, x, cell, p.Type == "deny", false)
	}
	overridden := false
	for _, below := range p.Provision {
		next := append(slices.Clone(chain), below.inherit(p))
		if below.Type == "deny" && below.Actor != nil {
			next = next[len(chain):]
		}
		if w.rules(next, r, x, cell, permits, out) && below.Type != p.Type && (permits || below.Type == "deny") {
			overridden = true
		}
	}
	if match && !overridden {
		*out = append(*out, plainRule{plainProvision: p})
	}
	return match
}

// each calls f for every chain of provisions.
func each(chain []plainProvision, f func([]plainProvision)) {
	f(chain)
	p := chain[len(chain)-1]
	for _, below := range p.Provision {
		next := append(slices.Clone(chain), below.inherit(p))
		if below.Type == "deny" && below.Actor != nil {
			next = next[len(chain):]
		}
		each(next, f)
	}
}

// special is how specific a rule is, access.md 4.4.
func (r plainRule) special() [4]int {
	var out [4]int
	if r.held {
		out[0] = 1
	}
	if r.Actor != nil {
		kind, _, _ := strings.Cut(r.Actor[0].Reference.Reference, "/")
		out[1] = map[string]int{"Organization": 2, "CareTeam": 2}[kind]
		if out[1] == 0 {
			out[1] = 3
		}
	}
	switch {
	case r.Data != nil:
		out[2] = 3
	case r.Code != nil:
		out[2] = 2
	case r.Class != nil || r.SecurityLabel != nil || r.DataPeriod != nil:
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
	return mine != other && !r.implied
}

// cells of a thing, access.md 4.4.
func (x plainThing) cells() []string {
	switch {
	case len(x.domains) > 0:
		return x.domains
	case x.kind() == "CarePlan" || x.kind() == "Goal":
		return []string{"unclassified"}
	}
	return []string{"admin"}
}
