package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// maxChain bounds the chain of data meaning dependents, access.md 4.2.
const maxChain = 5

// target is the resource that Consents are matched against, for one child.
type target struct {
	*ResourceFacts
	lookup func(fhir.Ref) (ResourceFacts, bool)
	v      *view
}

// fits reports whether provision i of a ruling matches the resource in a cell, as a deny when loose.
// anyDomain leaves the domain codes out.
func (t *target) fits(r *ruling, i int, cell string, loose, anyDomain bool) bool {
	s, p := &r.stances[i], &r.consent.provisions[i]
	if loose && !s.loose || !loose && !s.strict {
		return false
	}
	if !p.opaque && !t.matches(p, cell, loose, anyDomain) {
		return false
	}
	return p.up < 0 || p.alone || t.fits(r, p.up, cell, loose, anyDomain)
}

// rules reports whether provision i stands in a cell: it matches and no exception of the opposite
// type directly in it does.
func (t *target) rules(r *ruling, i int, cell string) bool {
	p := &r.consent.provisions[i]
	if !t.fits(r, i, cell, p.effect == deny, false) {
		return false
	}
	for j := i + 1; j < len(r.stances); j++ {
		x := &r.consent.provisions[j]
		if x.up != i || x.effect == neutral || x.effect == p.effect {
			continue
		}
		if (x.effect == deny || r.permits) && t.fits(r, j, cell, x.effect == deny, false) {
			return false
		}
	}
	return true
}

// within reports whether the Consent speaks of the resource at all: its holder keeps it, a member's own
// Consent is about that member, and what hangs on what a sender says is about what that one keeps.
func (t *target) within(r *ruling, loose bool) bool {
	if !r.only.IsZero() && t.Ref.Current() != r.only || !loose && r.bound != nil && !slices.Contains(r.bound, t.Custodian) {
		return false
	}
	cn := r.consent
	return !cn.hasHolder || slices.Contains(cn.holders, t.Custodian) && !t.Custodian.IsZero() || loose && cn.foreign
}

// matches matches the elements of a provision that are about the resource, access.md 4.2.
func (t *target) matches(p *provision, cell string, loose, anyDomain bool) bool {
	return t.matchClass(p, loose) && t.matchCode(p, cell, loose, anyDomain) && t.matchLabel(p, loose) &&
		t.matchTime(p, loose) && t.matchData(p, loose)
}

func (t *target) matchClass(p *provision, loose bool) bool {
	if len(p.classes) > 0 && !slices.ContainsFunc(p.classes, t.isClass) {
		return false
	}
	return len(p.categories) == 0 || slices.ContainsFunc(p.categories, func(c string) bool { return t.isCategory(c, loose) })
}

func (t *target) isClass(c Coding) bool {
	if c.System == systemTypes {
		return c.Code == string(t.Ref.Type)
	}
	return t.Ref.Type == "Composition" && slices.Contains(t.Codings, c)
}

// categoryRecords are the categories that mean records of one kind (mks.md 3.9).
var categoryRecords = map[string]string{
	"kind": "kind", "verwijsboom": "verwijsboom", "zorgplan": "zorgplan", "evaluatie": "evaluatie",
	"overdracht": "overdracht", "scan": "hulpbehoeftescan",
}

// isCategory matches extension gegevenscategorie. A resource without a record tag is judged by
// class alone, except for noodplan.
func (t *target) isCategory(category string, loose bool) bool {
	record, known := categoryRecords[category]
	tagged := slices.ContainsFunc(t.Codings, func(c Coding) bool { return c.System == systemRecord })
	switch {
	case category == "alles":
		return true
	case category == "noodplan":
		return t.emergencyPlan() || t.Ref.Type == "Flag" && t.has(systemRecord, "zorgplan")
	case category == "metingen":
		return !tagged || t.Ref.Type == "Observation" && t.has(systemObsCategory, "vital-signs")
	case known:
		return !tagged || t.has(systemRecord, record)
	}
	return loose
}

func (t *target) has(system, code string) bool {
	return slices.Contains(t.Codings, Coding{System: system, Code: code})
}

func (t *target) emergencyPlan() bool {
	return t.Ref.Type == "CarePlan" && t.has(systemPlanKind, "noodplan")
}

// matchCode matches domain codes against the cell and other codes against the resource.
func (t *target) matchCode(p *provision, cell string, loose, anyDomain bool) bool {
	if len(p.domains)+len(p.codes) == 0 || anyDomain && len(p.codes) == 0 {
		return true
	}
	if slices.Contains(p.domains, cell) || loose && cell == unclassified && len(p.domains) > 0 {
		return true
	}
	return slices.ContainsFunc(p.codes, func(c Coding) bool {
		if c.System == systemNetworkView {
			view, known := networkViews[c.Code]
			return known && view(t) || loose && !known
		}
		return slices.ContainsFunc(t.Codings, func(x Coding) bool {
			return x == c || loose && c.System == "" && x.Code == c.Code
		})
	})
}

// networkViews are the derived codes of netwerk-inzage, access.md 4.2.
var networkViews = map[string]func(*target) bool{
	"agenda": func(t *target) bool {
		return t.Ref.Type == "Appointment" || t.Ref.Type == "CarePlan" && t.helpOfOthers() && !t.helpIsOver()
	},
	"doelen": func(t *target) bool { return t.Ref.Type == "Goal" },
	"medisch-kort": func(t *target) bool {
		return t.Ref.Type == "Flag" || t.Ref.Type == "AllergyIntolerance" || t.emergencyPlan()
	},
	"eigen-taken": func(t *target) bool {
		return t.Ref.Type == "Task" && t.v.isUser(t.Owner) || t.Ref.Type == "CarePlan" && slices.ContainsFunc(t.Doers, t.v.isUser)
	},
}

// confidentiality returns the highest v3-Confidentiality of the resource; none is N, and a code that
// is not known is V.
func (f *ResourceFacts) confidentiality() int {
	highest := -1
	for _, l := range f.Labels {
		if l.System != systemConfidentiality {
			continue
		}
		level, known := confidentialities[l.Code]
		if !known {
			level = confidentialityV
		}
		highest = max(highest, level)
	}
	if highest < 0 {
		return confidentialityN
	}
	return highest
}

func (t *target) matchLabel(p *provision, loose bool) bool {
	return len(p.labels) == 0 || slices.ContainsFunc(p.labels, func(c Coding) bool {
		if c.System != systemConfidentiality {
			return loose && slices.ContainsFunc(t.Labels, func(l Label) bool { return l.Coding == c })
		}
		level, known := confidentialities[c.Code]
		if loose {
			return !known || t.confidentiality() >= level
		}
		return known && t.confidentiality() <= level
	})
}

// matchTime matches dataPeriod; a resource without a time matches in a deny only.
func (t *target) matchTime(p *provision, loose bool) bool {
	if !p.hasTime {
		return true
	}
	at := t.When
	if at.IsZero() {
		at = t.Updated
	}
	if at.IsZero() {
		return loose
	}
	return p.time.covers(unixNano(at), t.v.zone, loose)
}

func (t *target) matchData(p *provision, loose bool) bool {
	return len(p.data) == 0 || slices.ContainsFunc(p.data, func(d dataRef) bool {
		match, known := dataMeanings[d.meaning]
		if !known || d.ref.IsZero() {
			return loose
		}
		return match(t, d.ref, loose)
	})
}

// dataMeanings match Provision.data by its meaning.
var dataMeanings = map[string]func(*target, fhir.Ref, bool) bool{
	"instance":   func(t *target, ref fhir.Ref, _ bool) bool { return t.Ref.Current() == ref },
	"related":    (*target).related,
	"dependents": (*target).dependent,
	"authoredby": func(t *target, ref fhir.Ref, _ bool) bool { return t.Author == ref },
}

// other returns the facts of another resource, and whether the store knows it.
func (t *target) other(ref fhir.Ref) (ResourceFacts, bool) {
	if t.lookup == nil {
		return ResourceFacts{}, false
	}
	return t.lookup(ref)
}

func (t *target) related(ref fhir.Ref, loose bool) bool {
	self := t.Ref.Current()
	if self == ref || slices.Contains(t.Refs, ref) {
		return true
	}
	o, ok := t.other(ref)
	return ok && slices.Contains(o.Refs, self) || !ok && loose
}

// dependent reports whether the resource is ref, hangs under it, or is part of what ref gathers.
func (t *target) dependent(ref fhir.Ref, loose bool) bool {
	self := t.Ref.Current()
	if self == ref || t.chained(t.Up, ref, maxChain) {
		return true
	}
	o, ok := t.other(ref)
	if !ok {
		return loose
	}
	if slices.Contains(o.Down, self) {
		return true
	}
	return ref.Type == "Composition" && o.Source != "" && o.Source == t.Source && o.Custodian == t.Custodian && !o.Custodian.IsZero()
}

// chained follows partOf, basedOn and focus up to ref.
func (t *target) chained(up []fhir.Ref, ref fhir.Ref, left int) bool {
	if left == 0 || len(up) == 0 {
		return false
	}
	if slices.Contains(up, ref) {
		return true
	}
	return slices.ContainsFunc(up, func(next fhir.Ref) bool {
		o, ok := t.other(next)
		return ok && t.chained(o.Up, ref, left-1)
	})
}
