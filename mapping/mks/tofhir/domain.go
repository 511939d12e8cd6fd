package tofhir

import (
	"slices"
)

// ChildDomains are the four child-life domains of MKS, in the order of mks.md 1.
var ChildDomains = []string{"medisch", "veiligheid", "sociaal", "ontwikkeling"}

// InDomainOrder returns the domains without repeats, in the order of childDomains.
func InDomainOrder(domains []string) []string {
	var out []string
	for _, d := range ChildDomains {
		if slices.Contains(domains, d) {
			out = append(out, d)
		}
	}
	return out
}
