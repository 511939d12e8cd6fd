package exchange

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// foreignClaim refuses content that claims what only another may say (access.md 5).
var foreignClaim = auth.Decision{HTTP: 403, Step: "write", Reason: "write-role"}

// attestsOthers reports whether an organisation writes a Provenance of what the same write does not
// write. That is refused by the client's own content, before its targets are looked at.
func (d *draft) attestsOthers(p auth.Principal, r *fhir.Resource) bool {
	if r.Type() != "Provenance" || p.Organization.IsZero() {
		return false
	}
	for n := range r.Root().All("target") {
		ref, ok := fhir.ParseRef(n.Member("reference").Text())
		if _, announced := d.patients[ref.Current()]; !ok || !announced {
			return true
		}
	}
	return false
}

// posesAsRule reports whether content says that a rule of the server wrote it, and is not what a rule wrote:
// the rules of time would act on it.
func posesAsRule(f *auth.ResourceFacts, prior *Stored) bool {
	return (ofRules(*f) || ofCoordination(*f)) && (prior == nil || prior.Facts.Source != f.Source)
}

// ofItsRule keeps what a rule wrote the rule's: who moves a Task on need not say from where it came, and a
// rule that did not find it would write it anew.
func ofItsRule(r *fhir.Resource, prior *Stored) (*fhir.Resource, error) {
	if prior == nil || prior.Deleted || !ofRules(prior.Facts) && !ofCoordination(prior.Facts) || r.Root().At("meta", "source").Text() == prior.Facts.Source {
		return r, nil
	}
	return r.Edit(fhir.Edit{Path: []string{"meta", "source"}, JSON: strconv.Quote(prior.Facts.Source)})
}

// sourceBases begin the identifier systems of all source systems; a URA follows (mks.md 3.1, network.md 3).
var sourceBases = []string{fhir.Canonical + "/bron/", fhir.Canonical + "/sid/client/", fhir.Canonical + "/sid/netwerk/"}

// sourceOf returns the URA of the source system that an identifier system is of, and whether it is of one.
func sourceOf(system string) (ura string, sourced bool) {
	for _, base := range sourceBases {
		if rest, ok := strings.CutPrefix(system, base); ok {
			ura, _, _ = strings.Cut(rest, "/")
			return ura, true
		}
	}
	return "", false
}

// foreign reports whether r bears an identifier of another organisation's source system that the
// stored version does not bear: the next push of that one would find this resource.
func (d *draft) foreign(p auth.Principal, r *fhir.Resource, prior *Stored) (bool, error) {
	var kept *fhir.Resource
	var own []string
	for n := range r.Root().All("identifier") {
		id := fhir.Identifier{System: n.Member("system").Text(), Value: n.Member("value").Text()}
		ura, sourced := sourceOf(id.System)
		if !sourced {
			continue
		}
		if own == nil {
			var err error
			if own, kept, err = d.bearings(p.Organization, prior); err != nil {
				return false, err
			}
		}
		if !slices.Contains(own, ura) && (kept == nil || !bears(kept, id)) {
			return true, nil
		}
	}
	return false, nil
}

// bearings returns the URA numbers of an organisation, and the stored version of a resource as a tree.
func (d *draft) bearings(org fhir.Ref, prior *Stored) ([]string, *fhir.Resource, error) {
	own := []string{}
	if !org.IsZero() {
		st, err := d.stored(org)
		if err != nil || st == nil {
			return own, nil, err
		}
		r, err := tree(*st)
		if err != nil {
			return nil, nil, err
		}
		for n := range r.Root().All("identifier") {
			if n.Member("system").Text() == uraSystem {
				own = append(own, n.Member("value").Text())
			}
		}
	}
	if prior == nil || prior.Deleted {
		return own, nil, nil
	}
	kept, err := tree(*prior)
	return own, kept, err
}
