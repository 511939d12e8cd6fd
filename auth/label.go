package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// labelOrder ranks the refusals of labels: the first that holds is the reason.
var labelOrder = []string{"label-sealed", "label-about-parent", "label-not-for-patient", "label-very-restricted", "label-restricted"}

// labelRules refuse by a code of access-label: what it does to a reader, access.md 2.4.
var labelRules = map[string]func(*view, Label) string{
	"seal-guardians": func(v *view, _ Label) string {
		return refuseIf(v.key.role == Guardian || v.key.role == Helper, "label-sealed")
	},
	"seal-child": func(v *view, _ Label) string { return refuseIf(v.key.role == ChildRole, "label-sealed") },
	"seal-person": func(v *view, l Label) string {
		return refuseIf(roles[v.key.role].person && v.isBarred(l.Barred, true), "label-sealed")
	},
	"about-parent": func(v *view, l Label) string {
		return refuseIf(roles[v.key.role].person && !v.isBarred(l.Barred, false), "label-about-parent")
	},
	"not-for-patient": func(v *view, _ Label) string {
		return refuseIf(roles[v.key.role].person, "label-not-for-patient")
	},
}

func refuseIf(refused bool, reason string) string {
	if refused {
		return reason
	}
	return ""
}

// isBarred reports whether the user is one of the persons that a label names. Loose takes a label
// that names nobody, or a Person that is not known, for naming the user.
func (v *view) isBarred(named []fhir.Ref, loose bool) bool {
	if len(named) == 0 {
		return loose
	}
	return slices.ContainsFunc(named, func(ref fhir.Ref) bool {
		if ref.IsZero() {
			return loose
		}
		if ref == v.standing.person || v.isUser(ref) {
			return true
		}
		if ref.Type != "Person" {
			return false
		}
		links, known := v.key.directory.links(ref)
		return slices.Contains(links, v.key.user) || slices.Contains(links, v.standing.person) && !v.standing.person.IsZero() || !known && loose
	})
}

// refusedByLabel returns why labels hide the resource from the reader, "" when they do not. The
// labels of the Patient hold for its whole compartment. opensR tells that a permit reaches label R.
func (t *target) refusedByLabel(c *Child, opensR bool) string {
	worst := ""
	worsen := func(reason string) {
		if reason != "" && (worst == "" || slices.Index(labelOrder, reason) < slices.Index(labelOrder, worst)) {
			worst = reason
		}
	}
	for _, labels := range [2][]Label{t.Labels, c.labels} {
		for _, l := range labels {
			if l.System != systemAccessLabel {
				continue
			}
			if rule, known := labelRules[l.Code]; known {
				worsen(rule(t.v, l))
			} else {
				worsen("label-sealed") // not understood: hidden
			}
		}
	}
	switch level := t.confidentiality(); {
	case level >= confidentialityV:
		worsen("label-very-restricted")
	case level == confidentialityR && t.v.key.role == Helper:
		worsen("label-restricted")
	case level == confidentialityR && !roles[t.v.key.role].person && !opensR:
		worsen("label-restricted")
	}
	return worst
}

// protectsAddress reports whether the address is shielded by a Swedish label of the resource or of
// the child.
func (t *target) protectsAddress(c *Child) bool {
	shields := func(l Label) bool {
		return l.System == systemSwedishLabel && slices.Contains(swedishAddressLabels, l.Code)
	}
	return slices.ContainsFunc(t.Labels, shields) || slices.ContainsFunc(c.labels, shields)
}
