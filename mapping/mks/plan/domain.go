package plan

import (
	"slices"

	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// nearDomains is ConceptMap zorgleefplan-naar-mks (mks.md 6.2): all child-life domains that a
// zorgleefplan domain may touch. Read only.
var nearDomains = map[string][]string{
	"lichamelijk":  {"medisch"},
	"mentaal":      {"ontwikkeling", "sociaal"},
	"participatie": {"sociaal", "ontwikkeling"},
	"wonen-leven":  {"veiligheid", "sociaal"},
}

// childDomainsOf returns the child-life domains of a domain of either division.
func childDomainsOf(domain string) []string {
	if to, ok := nearDomains[domain]; ok {
		return to
	}
	if domain == "" {
		return nil
	}
	return []string{domain}
}

// domainTags decides which domains protect an item of the plan (mks.md 3.5): those of its problem,
// and its own when that is another one or when there is no problem. An item of which no domain is
// known is protected by all four.
func domainTags(own, ofProblem string, problemTags []string) []string {
	tags := slices.Clone(problemTags)
	if own != ofProblem {
		tags = append(tags, childDomainsOf(own)...)
	}
	if len(tags) == 0 {
		return tofhir.ChildDomains
	}
	return tofhir.InDomainOrder(tags)
}
