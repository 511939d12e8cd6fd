package ecomap

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

const (
	taskSystem  = fhir.Canonical + "/CodeSystem/netwerk-taak"
	stateSystem = fhir.Canonical + "/CodeSystem/netwerk-afspraak"
	roleSystem  = fhir.Canonical + "/CodeSystem/netwerk-rol"
)

// live are the states of an agreement that holds, or may come to hold (network.md 2).
var live = []string{"voorgesteld", "geaccepteerd", "loopt"}

// Live reports whether a Task is one of help in a network, and is proposed, accepted or going on.
func Live(task *fhir.Resource) bool {
	root := task.Root()
	return coded(root.Member("code"), taskSystem) == "hulp" && slices.Contains(live, coded(root.Member("businessStatus"), stateSystem))
}

// DrawnUpBy reports whether a Provenance says that somebody of this role of netwerk-rol is the author.
func DrawnUpBy(provenance *fhir.Resource, role string) bool {
	for agent := range provenance.Root().All("agent") {
		if coded(agent.Member("role"), roleSystem) == role {
			return true
		}
	}
	return false
}
