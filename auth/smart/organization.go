package smart

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Organization is the organisation of a client, to be created or updated as the operator's act.
type Organization struct {
	Identifier fhir.Identifier
	Name       string            // absent: kept
	NameIfNew  string            // name of an Organization that does not exist yet
	Types      []fhir.Identifier // system and code; none: kept
}

// OrganizationRecord is the Organization as it is stored.
type OrganizationRecord struct {
	Ref  fhir.Ref
	Name string // "": it has none
}

// organizationTypes are the code systems whose codes may be given bare. No code is in two.
func organizationTypes() map[string]string {
	lists := map[string]string{
		"se-verksamhet":     "hsl sol lss skola tandvard annan",
		"se-huvudman":       "region kommun stat privat ideell",
		"organisatie-soort": "thuiszorg ziekenhuis huisartspraktijk jgz gemeente school kinderdagverblijf vervoerder vrijwilligersorganisatie leverancier voogdij-instelling revalidatie zorgverzekeraar zorgkantoor samenwerkingsverband overig",
	}
	systems := map[string]string{}
	for name, codes := range lists {
		for code := range strings.FieldsSeq(codes) {
			systems[code] = fhir.Canonical + "/CodeSystem/" + name
		}
	}
	return systems
}

// ParseOrganizationType reads CODE or SYSTEM|CODE (smart.md 1, --org-type).
func ParseOrganizationType(s string) (fhir.Identifier, bool) {
	if system, code, found := strings.Cut(s, "|"); found {
		return fhir.Identifier{System: system, Value: code}, system != "" && code != "" && !strings.ContainsAny(s, " \t\r\n")
	}
	system, known := organizationTypes()[s]
	return fhir.Identifier{System: system, Value: s}, known
}

func knownOrganizationTypes() string {
	var codes []string
	for code := range organizationTypes() {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return strings.Join(codes, ", ")
}

func parseIdentifier(s string) (fhir.Identifier, bool) {
	system, value, found := strings.Cut(s, "|")
	ok := found && system != "" && value != "" && len(s) <= 512 && !strings.ContainsAny(s, " \t\r\n") && !strings.Contains(value, "|")
	return fhir.Identifier{System: system, Value: value}, ok
}

func organizationRules() []clientRule {
	return []clientRule{
		{"organization", nil, func(c Client, _ string) bool {
			_, ok := parseIdentifier(c.Organization)
			return ok || c.Dynamic && c.Organization == "" && c.Type != TypeBackend
		}, "is required: the identifier of the organisation as system|value"},
		{"organization_name", whenSet(func(c Client) string { return c.OrganizationName }), func(_ Client, v string) bool { return isDisplayName(v) }, "at most 80 characters without control or direction characters"},
		{"organization_type", func(c Client) []string { return c.OrganizationTypes }, func(_ Client, v string) bool {
			_, ok := ParseOrganizationType(v)
			return ok
		}, "must be system|code, or one of " + knownOrganizationTypes()},
	}
}

// organizationOf returns what is to be registered for a checked client.
func organizationOf(c Client) Organization {
	identifier, _ := parseIdentifier(c.Organization)
	o := Organization{Identifier: identifier, Name: c.OrganizationName, NameIfNew: c.Name}
	for _, t := range c.OrganizationTypes {
		code, _ := ParseOrganizationType(t)
		o.Types = append(o.Types, code)
	}
	return o
}
