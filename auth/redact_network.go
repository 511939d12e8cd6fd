package auth

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// reduceNetwork takes out of a network what its reader does not see (network.md 5). Of a person the kind alone
// stays, as its name; of what a person carries, nothing.
func reduceNetwork(r *fhir.Resource, all []string) (*fhir.Resource, error) {
	reduce, ok := networkForms[r.Type()]
	if !ok {
		return r, nil
	}
	out, err := reduce(r, slices.Contains(all, RedactBSN))
	if err != nil || out == r {
		return out, err
	}
	return out.Edit(mark("security", "SUBSETTED"))
}

// networkForms are the reduced forms by type; helper is whether a member of the network reads.
var networkForms = map[fhir.Type]func(r *fhir.Resource, helper bool) (*fhir.Resource, error){
	"CareTeam": reduceTeam, "RelatedPerson": reduceKin, "Observation": reduceBurden, "CarePlan": reduceHelp, "Task": reduceHelp,
}

// keptOfHelp are the members of an agreement, or of its task, that tell when somebody helps, and not who or with
// what; keptOfDetail those of what is agreed, beside how often.
var (
	keptOfHelp = []string{"resourceType", "id", "meta", "status", "businessStatus", "intent", "category", "code", "subject", "for",
		"period", "restriction", "activity"}
	keptOfDetail = []string{"extension", "status", "scheduledString", "scheduledTiming", "scheduledPeriod"}
)

func reduceHelp(r *fhir.Resource, _ bool) (*fhir.Resource, error) {
	return prune(r, func(n fhir.Node) bool {
		holder := n.Parent()
		switch {
		case !holder.Parent().Exists():
			return !slices.Contains(keptOfHelp, n.Name())
		case holder.Shape() == fhir.Object && holder.Name() == "detail":
			return !slices.Contains(keptOfDetail, n.Name())
		case holder.Shape() == fhir.Object && holder.Parent().Name() == "activity":
			return n.Name() != "detail"
		case holder.Name() == "restriction":
			return n.Name() != "period"
		}
		name, ours := networkExtension(n)
		return holder.Name() == "extension" && holder.Parent().Name() == "detail" && !(ours && name == "frequentie")
	})
}

// Extensions of a network that its readers see: a member, an organisation, and whom the family turns to at one.
var (
	forMembers       = []string{"besluit"}
	forOrganisations = []string{"aanbod", "beschikbaar", "sterkte", "besluit"}
	forContacts      = append(slices.Clone(forOrganisations), "niet", "grens")
)

func reduceTeam(r *fhir.Resource, helper bool) (*fhir.Resource, error) {
	if !helper {
		return keepOfTeam(r, forOrganisations, nil)
	}
	out, err := keepOfTeam(r, forMembers, nil)
	if err != nil {
		return nil, err
	}
	return prune(out, func(n fhir.Node) bool { // of the decision, a member sees who of the family takes it
		list := n.Parent()
		return list.Name() == "extension" && list.Shape() == fhir.Array && list.Parent().Member("url").Text() == extNetwork+"besluit" &&
			n.Member("url").Text() != "wie"
	})
}

// reduceForContact leaves of a network what whom the family turns to sees.
func reduceForContact(r *fhir.Resource, _ []string) (*fhir.Resource, error) {
	if r.Type() != "CareTeam" {
		return r, nil
	}
	out, err := keepOfTeam(r, forContacts, nil)
	if err != nil {
		return nil, err
	}
	return out.Edit(mark("security", "SUBSETTED"))
}

// RedactTeam is Redact of a network for an organisation that prepares or instructs members of it: of those it also
// sees what they set as their limits.
func RedactTeam(r *fhir.Resource, obligations []string, members []fhir.Ref) (*fhir.Resource, error) {
	const op = "auth.RedactTeam"
	out, err := keepOfTeam(r, forOrganisations, members)
	if err == nil {
		out, err = out.Edit(mark("security", "SUBSETTED"))
	}
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	return Redact(out, slices.DeleteFunc(slices.Clone(obligations), func(o string) bool { return o == NetworkView }))
}

// keepOfTeam takes the other extensions out of a network, but for the limits of some members, and shows what is tense
// as calm.
func keepOfTeam(r *fhir.Resource, kept []string, limitsOf []fhir.Ref) (*fhir.Resource, error) {
	return rewrite(r, func(n fhir.Node) (string, bool) {
		name, ours := networkExtension(n)
		switch {
		case !ours:
			return "", narrates(n)
		case name == "grens" && slices.Contains(limitsOf, refAt(n.Parent().Parent(), "member")):
			return "", false
		case !slices.Contains(kept, name):
			return "", true
		}
		return calmed(n, name)
	})
}

// calmNetwork takes out of a network what is tense.
func calmNetwork(r *fhir.Resource, _ []string) (*fhir.Resource, error) {
	if r.Type() != "CareTeam" {
		return r, nil
	}
	out, err := rewrite(r, func(n fhir.Node) (string, bool) {
		name, ours := networkExtension(n)
		switch {
		case !ours:
			return "", narrates(n)
		case name == "onderling" || name == "":
			return "", true
		}
		return calmed(n, name)
	})
	if err != nil {
		return nil, err
	}
	return out.Edit(mark("security", "SUBSETTED"))
}

// networkExtension reports whether n is an extension of a network, and which: "" for what its record keeps.
func networkExtension(n fhir.Node) (name string, ours bool) {
	if n.Parent().Shape() != fhir.Array {
		return "", false
	}
	url := n.Member("url").Text()
	name, ours = strings.CutPrefix(url, extNetwork)
	if url == extSource {
		return "", true
	}
	return name, ours
}

// narrates reports whether n is the narrative, which may tell everything.
func narrates(n fhir.Node) bool { return n.Name() == "text" && !n.Parent().Parent().Exists() }

// calmed shows a tense tie as a weak one.
func calmed(n fhir.Node, name string) (string, bool) {
	if code := n.Member("valueCode").Text(); name != "sterkte" || code != "gespannen" && code != "verbroken" {
		return "", false
	}
	return `{"url":` + quote(extNetwork+"sterkte") + `,"valueCode":"zwak"}`, true
}

// keptOfKin are the members of a person that everybody who may know of them sees.
var keptOfKin = []string{"resourceType", "id", "meta", "identifier", "active", "patient"}

// kinNames are the kinds that a role code tells (zib RolCodelijst); the others are family.
var kinNames = map[string]string{"19": "buur", "20": "vriend", "09": "vrijwilliger"}

const relationRoles = "urn:oid:2.16.840.1.113883.2.4.3.11.22.472"

func reduceKin(r *fhir.Resource, _ bool) (*fhir.Resource, error) {
	root := r.Root()
	if !slices.ContainsFunc(slices.Collect(root.All("identifier")), func(id fhir.Node) bool {
		return strings.HasPrefix(id.Member("system").Text(), fhir.Canonical+"/sid/netwerk/")
	}) {
		return r, nil
	}
	kind := "familie"
	for _, c := range readCodings(root, "relationship", "coding") {
		if name, ok := kinNames[c.Code]; ok && c.System == relationRoles {
			kind = name
		}
	}
	out, err := prune(r, func(n fhir.Node) bool {
		return !n.Parent().Parent().Exists() && n.Parent().Shape() == fhir.Object && !slices.Contains(keptOfKin, n.Name())
	})
	if err != nil {
		return nil, err
	}
	return out.Edit(fhir.Edit{Path: []string{"name"}, JSON: `[{"text":` + quote(kind) + `}]`})
}

func reduceBurden(r *fhir.Resource, _ bool) (*fhir.Resource, error) {
	return prune(r, func(n fhir.Node) bool {
		return !n.Parent().Parent().Exists() && (strings.HasPrefix(n.Name(), "value") || slices.Contains([]string{"text", "note", "component", "interpretation", "derivedFrom"}, n.Name()))
	})
}
