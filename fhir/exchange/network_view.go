package exchange

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// guides returns the members of a network whose limits an organisation sees beside what others see, since it
// shares a task with them (network.md 5); none for other resources and readers.
func (w *world) guides(p auth.Principal, st Stored, d auth.Decision) ([]fhir.Ref, error) {
	if st.Deleted || st.Ref.Type != "CareTeam" || p.Organization.IsZero() || !slices.Contains(d.Obligations, auth.NetworkView) {
		return nil, nil
	}
	var out []fhir.Ref
	for _, patient := range st.Facts.Patients {
		f, err := w.policy(p, []string{patient.ID}, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, auth.Guided(p, f, patient)...)
	}
	return out, nil
}

// serveTeam is serve of a network with the limits of some of its members.
func serveTeam(st Stored, d auth.Decision, members []fhir.Ref) (Served, error) {
	const op = "exchange.serve"
	out := Served{Ref: st.Ref, Updated: st.Updated, Body: fhir.Serve(st.Body, st.MetaAt, st.Ref.Version, st.Updated), Reduced: true}
	r, err := out.tree()
	if err == nil {
		r, err = auth.RedactTeam(r, d.Obligations, members)
	}
	if err == nil {
		r, err = r.Edit(fhir.Edit{Path: []string{"meta", "versionId"}, JSON: fmt.Sprintf(`"%d-r"`, st.Ref.Version)})
	}
	if err != nil {
		return Served{}, fhir.Wrap(op, err)
	}
	out.Body = r.Bytes()
	return out, nil
}
