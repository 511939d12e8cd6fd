package auth

import "slices"

// unclassified is the cell of a resource without domain that is not of an admin type.
const unclassified = "unclassified"

// Cells of resources without domain tags.
var (
	adminCells        = []string{"admin"}
	unclassifiedCells = []string{unclassified}
)

// cells returns the cells in which a resource is judged, access.md 4.4.
func (f *ResourceFacts) cells() []string {
	switch {
	case len(f.Domains) > 0:
		return f.Domains
	case IsAdmin(f.Ref.Type):
		return adminCells
	}
	return unclassifiedCells
}

// terms say which rules a reader is judged by, access.md 3.3.
type terms struct {
	needsPermit bool
	named       bool // a permit must name the person
	anyPermit   bool // a permit that names the person serves whatever it is about, but beats no deny
	denies      denies
	standard    bool // the default of the jurisdiction is open to the reader
}

// verdict is the outcome of steps consent and domain.
type verdict struct {
	reason string // "" when the resource passes
	byRule bool   // a permit rule was used
	opensR bool   // in every cell a permit reaches label R
	permit *ruling
}

// reasonOrder ranks the refusals over cells: the first is the reason, access.md 4.4.
var reasonOrder = []string{"consent-denied", "domain-denied", "consent-none", "domain-not-shared"}

// claim is one provision that rules in a cell.
type claim struct {
	r *ruling
	i int
}

// judge judges a resource in all its cells; it passes when every cell passes.
func (t *target) judge(k terms) verdict {
	out := verdict{opensR: true}
	for _, cell := range t.cells() {
		v := t.judgeCell(cell, k)
		out.opensR = out.opensR && v.opensR
		out.byRule = out.byRule || v.byRule
		if out.permit == nil {
			out.permit = v.permit
		}
		if v.reason != "" && (out.reason == "" || slices.Index(reasonOrder, v.reason) < slices.Index(reasonOrder, out.reason)) {
			out.reason = v.reason
		}
	}
	return out
}

// judgeCell gives the verdict of access.md 4.4 in one cell.
func (t *target) judgeCell(cell string, k terms) verdict {
	var permitted, denied [8]claim // room for the usual case without allocation
	permits, refusals := t.claims(cell, k, permitted[:0], denied[:0])
	out := verdict{}
	for _, p := range permits {
		out.opensR = out.opensR || p.r.stances[p.i].opensR
		if out.permit == nil || out.permit.consent.kind == impliedConsent {
			out.permit = p.r
		}
	}
	standing := unbeaten(refusals, permits, false)
	out.reason = refusal(standing)
	out.byRule = len(permits) > 0
	if out.reason == "" && len(permits) == 0 && k.anyPermit {
		out.permit = t.v.opener()
		out.byRule = out.permit != nil
	}
	if out.reason == "" && (out.byRule || !k.needsPermit) {
		return out
	}
	if k.standard && (len(permits) == 0 || out.reason != "") {
		if reason := refusal(unbeaten(refusals, permits, !t.v.policy.guardianMayBlock)); reason == "" {
			return verdict{}
		}
	}
	if out.reason == "" {
		out.reason = t.missing(cell, k)
	}
	return out
}

// claims gathers the rules of a cell.
func (t *target) claims(cell string, k terms, permits, refusals []claim) ([]claim, []claim) {
	for i := range t.v.rulings {
		r := &t.v.rulings[i]
		for j := range r.stances {
			switch r.consent.provisions[j].effect {
			case permit:
				if t.permitsIn(r, j, cell, k) {
					permits = append(permits, claim{r, j})
				}
			case deny:
				counts := k.denies == deniesAll || k.denies == deniesChild && r.byChild
				if r.denies && counts && t.within(r, true) && t.rules(r, j, cell) {
					refusals = append(refusals, claim{r, j})
				}
			}
		}
	}
	return permits, refusals
}

func (t *target) permitsIn(r *ruling, j int, cell string, k terms) bool {
	if !r.permits || k.named && !r.stances[j].named {
		return false
	}
	return t.within(r, false) && t.rules(r, j, cell)
}

// opener returns a Consent that permits something to the person by name, nil when there is none.
func (v *view) opener() *ruling {
	for i := range v.rulings {
		r := &v.rulings[i]
		for j := range r.stances {
			if r.permits && r.only.IsZero() && r.bound == nil && r.stances[j].named && r.consent.provisions[j].effect == permit {
				return r
			}
		}
	}
	return nil
}

// unbeaten returns the denies that no permit beats; of the child alone when childOnly.
func unbeaten(refusals, permits []claim, childOnly bool) []claim {
	left := refusals[:0:0]
	for _, d := range refusals {
		if childOnly && !d.r.byChild {
			continue
		}
		beats := func(p claim) bool { return p.beats(d) }
		if !slices.ContainsFunc(permits, beats) {
			left = append(left, d)
		}
	}
	return left
}

// beats reports whether permit p beats deny d: it is not implied, every counted giver of the deny
// gave it too, and it is more specific.
func (p claim) beats(d claim) bool {
	return p.r.consent.kind != impliedConsent && !d.r.unknown && d.r.no&^p.r.yes == 0 &&
		p.r.stances[p.i].tight.beats(d.r.stances[d.i].wide)
}

// refusal names the denies that stand: by domain only when all of them name one.
func refusal(left []claim) string {
	if len(left) == 0 {
		return ""
	}
	byDomain := func(d claim) bool { return len(d.r.consent.provisions[d.i].domains) > 0 }
	for _, d := range left {
		if !byDomain(d) {
			return "consent-denied"
		}
	}
	return "domain-denied"
}

// missing says why no permit serves: some would without its domains, or none is there at all.
func (t *target) missing(cell string, k terms) string {
	for i := range t.v.rulings {
		r := &t.v.rulings[i]
		if !r.permits || !t.within(r, false) {
			continue
		}
		for j := range r.stances {
			p := &r.consent.provisions[j]
			if p.effect == permit && (!k.named || r.stances[j].named) && t.fits(r, j, cell, false, true) {
				return "domain-not-shared"
			}
		}
	}
	return "consent-none"
}
