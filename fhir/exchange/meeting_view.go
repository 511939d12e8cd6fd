package exchange

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// serveOwn renders what of a resource is a reader's own: of a call to a meeting for one of those invited
// (samordningsplan.md 8), of a plan for one who keeps its own measures alone (samordningsplan.md 7).
func (w *world) serveOwn(p auth.Principal, st Stored, d auth.Decision) (Served, error) {
	const op = "exchange.serveOwn"
	out := Served{Ref: st.Ref, Updated: st.Updated, Body: fhir.Serve(st.Body, st.MetaAt, st.Ref.Version, st.Updated)}
	r, err := out.tree()
	if err != nil {
		return Served{}, err
	}
	if r, err = w.shown(p, r, d.Obligations); err == nil {
		r, err = r.Edit(fhir.Edit{Path: []string{"meta", "versionId"}, JSON: fmt.Sprintf(`"%d-r"`, st.Ref.Version)})
	}
	if err != nil {
		return Served{}, fhir.Wrap(op, err)
	}
	out.Body, out.Reduced = r.Bytes(), true
	return out, w.broken
}

// shown is a resource as the obligations leave it for a reader.
func (w *world) shown(p auth.Principal, r *fhir.Resource, obligations []string) (*fhir.Resource, error) {
	if slices.Contains(obligations, auth.MeetingView) {
		var err error
		if r, err = auth.MeetingFor(r, func(ref fhir.Ref) bool { return w.isParty(p, ref) }); err != nil {
			return nil, err
		}
		obligations = slices.DeleteFunc(slices.Clone(obligations), func(o string) bool { return o == auth.MeetingView })
	}
	if slices.Contains(obligations, auth.PlanView) {
		var err error
		if r, err = auth.PlanFor(r, func(ref fhir.Ref) bool { return w.isParty(p, ref) }); err != nil {
			return nil, err
		}
		obligations = slices.DeleteFunc(slices.Clone(obligations), func(o string) bool { return o == auth.PlanView })
	}
	return auth.Redact(r, obligations)
}

// isParty reports whether a participant is the principal: the user, a person that the user is, or what the user or
// the organisation takes part as.
func (w *world) isParty(p auth.Principal, ref fhir.Ref) bool {
	ref = ref.Current()
	if ref == p.FHIRUser.Current() || ref == p.Organization.Current() {
		return true
	}
	if ref.Type == "RelatedPerson" && p.FHIRUser.Type == "Person" {
		person, ok := w.lookup(p.FHIRUser)
		return ok && slices.Contains(person.Refs, ref)
	}
	if ref.Type != "HealthcareService" && ref.Type != "PractitionerRole" {
		return false
	}
	f, ok := w.lookup(ref)
	return ok && slices.ContainsFunc(f.Refs, func(x fhir.Ref) bool {
		return x == p.Organization.Current() && !p.Organization.IsZero() || x == p.FHIRUser.Current() && !p.FHIRUser.IsZero()
	})
}
