package exchange

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// given turns a Consent that a person writes into what that person can say: it alone gives it, now.
// It is proposed while the child has to give it too (access.md 5).
func (d *draft) given(p auth.Principal, r *fhir.Resource) (*fhir.Resource, error) {
	const op = "exchange.given"
	if r.Type() != "Consent" || !p.Organization.IsZero() || p.FHIRUser.IsZero() {
		return r, nil
	}
	selves, err := d.selves(p.FHIRUser)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	edits := []fhir.Edit{{Path: []string{"dateTime"}, JSON: fmt.Sprintf("%q", d.w.now.UTC().Format(time.RFC3339))}}
	if own := performers(r, selves); len(own) > 0 { // without any the write is refused as it stands
		edits = append(edits, fhir.Edit{Path: []string{"performer"}, JSON: "[" + strings.Join(own, ",") + "]"})
	}
	waits, err := d.waits(p, r)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	if waits {
		edits = append(edits, fhir.Edit{Path: []string{"status"}, JSON: `"proposed"`})
	}
	r, err = r.Edit(edits...)
	return r, fhir.Wrap(op, err)
}

// selves returns the user and the persons that a Person links to.
func (d *draft) selves(user fhir.Ref) ([]fhir.Ref, error) {
	out := []fhir.Ref{user.Current()}
	if user.Type != "Person" {
		return out, nil
	}
	st, err := d.stored(user)
	if err != nil || st == nil {
		return out, err
	}
	return append(out, st.Facts.Refs...), nil
}

// performers returns the JSON of the performers of r that are among selves.
func performers(r *fhir.Resource, selves []fhir.Ref) []string {
	var out []string
	for n := range r.Root().All("performer") {
		if ref, ok := fhir.ParseRef(n.Member("reference").Text()); ok && slices.Contains(selves, ref.Current()) {
			out = append(out, n.Raw())
		}
	}
	return out
}

// waits reports whether an active permit that a guardian gives lacks the child's.
func (d *draft) waits(p auth.Principal, r *fhir.Resource) (bool, error) {
	f := auth.FactsOf(r, nil, nil)
	if f.Status != "active" || !f.Consent.Permits || len(f.Patients) != 1 {
		return false, nil
	}
	policy, err := d.w.policy(p, []string{f.Patients[0].ID}, nil)
	if err != nil {
		return false, err
	}
	return auth.WaitsForChild(p, policy), nil
}
