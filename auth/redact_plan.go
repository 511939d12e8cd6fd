package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// Members of a shared plan and its team that a party sees to whom the plan is closed, and those of a measure of its
// own. The domains of both are those of all who take part.
var (
	planHolds = map[fhir.Type][]string{
		"CarePlan": {"resourceType", "id", "meta", "identifier", "status", "intent", "category", "subject", "activity"},
		"CareTeam": {"resourceType", "id", "meta", "identifier", "status", "category", "subject", "period", "participant"},
	}
	metaHolds    = []string{"versionId", "lastUpdated", "source", "profile", "security"}
	measureHolds = []string{"extension", "kind", "code", "reasonCode", "status", "statusReason", "doNotPerform", "scheduledTiming",
		"scheduledPeriod", "scheduledString", "performer", "description"}
	measureNotes = []string{"weekly-burden-minutes", "other-than-principal", "on-hold"}
)

func reducePlan(r *fhir.Resource, _ []string) (*fhir.Resource, error) {
	return PlanFor(r, func(fhir.Ref) bool { return false })
}

// PlanFor returns a shared plan, or its team, as a party reads it to whom the plan is closed: its own measures, or its
// own part, the child, and what kind of plan it is; is tells who of those named the reader is. What a measure tells of
// goals and of others leaves too.
func PlanFor(r *fhir.Resource, is func(fhir.Ref) bool) (*fhir.Resource, error) {
	holds, known := planHolds[r.Type()]
	if !known {
		return r, nil
	}
	own := func(who fhir.Node) bool { ref := readRef(who); return !ref.IsZero() && is(ref) }
	return pruneAndMark(r, mark("security", "SUBSETTED"), func(n fhir.Node) bool {
		holder := n.Parent()
		switch {
		case !holder.Parent().Exists():
			return !slices.Contains(holds, n.Name())
		case n.Shape() == fhir.Object && n.Name() == "activity":
			return !slices.ContainsFunc(slices.Collect(n.Member("detail").All("performer")), own)
		case n.Shape() == fhir.Object && n.Name() == "participant":
			return !own(n.Member("member"))
		case n.Shape() == fhir.Object && n.Name() == "performer":
			return !own(n)
		}
		return isForeign(holder, n)
	})
}

// isForeign reports whether a member of an object of a plan tells of more than its reader's part.
func isForeign(holder, n fhir.Node) bool {
	if holder.Shape() == fhir.Array {
		notes := holder.Name() == "extension" && holder.Parent().Name() == "detail"
		return notes && !slices.ContainsFunc(measureNotes, func(name string) bool {
			return n.Member("url").Text() == fhir.Canonical+"/StructureDefinition/"+name
		})
	}
	switch holder.Name() {
	case "meta":
		return !slices.Contains(metaHolds, n.Name())
	case "activity":
		return n.Name() != "id" && n.Name() != "detail"
	case "detail":
		return !slices.Contains(measureHolds, n.Name())
	case "participant":
		return n.Name() == "extension" || n.Name() == "onBehalfOf"
	}
	return false
}
