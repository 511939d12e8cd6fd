package ecomap

import "github.com/drieluik/drieluik/fhir"

const roleSystem = fhir.Canonical + "/CodeSystem/netwerk-rol"

// DrawnUpBy reports whether a Provenance says that somebody of this role of netwerk-rol is the author.
func DrawnUpBy(provenance *fhir.Resource, role string) bool {
	for agent := range provenance.Root().All("agent") {
		if coded(agent.Member("role"), roleSystem) == role {
			return true
		}
	}
	return false
}
