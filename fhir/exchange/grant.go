package exchange

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// smartClient is the identifier system of apps as actors of a Consent.
const smartClient = fhir.Canonical + "/sid/smart-client"

// Grant is what a person has just permitted to an app (smart.md 3.1).
type Grant struct {
	User        fhir.Ref // who logged in
	Patient     fhir.Ref
	Performer   fhir.Ref // RelatedPerson of the user for this child, or the Patient itself
	Client      string
	ClientName  string
	Purpose     string // v3-ActReason
	Scopes      []string
	Types       []fhir.Type
	Write       bool // some scope lets the app change something
	From, Until time.Time
	Text        string // what the user read
	Language    string
	TextVersion int
}

// GrantConsent writes the Consent of a grant and returns after it is durable. It is the one Consent
// whose actor is an app (access.md 5). Forbidden when the person may not act for the child now.
func (s *Service) GrantConsent(ctx context.Context, g Grant) (fhir.Ref, error) {
	const op = "exchange.GrantConsent"
	r, err := s.consentOf(g)
	if err != nil {
		return fhir.Ref{}, fhir.Wrap(op, err)
	}
	return again(s, func() (fhir.Ref, error) { return s.writeGrant(ctx, op, g, r) })
}

func (s *Service) writeGrant(ctx context.Context, op string, g Grant, r *fhir.Resource) (fhir.Ref, error) {
	e := s.event(Call{Principal: auth.Principal{Client: g.Client, FHIRUser: g.User, Patient: g.Patient, Purpose: g.Purpose}}, auth.Create, "Consent")
	var dr *draft
	var may auth.Decision
	err := s.store.View(ctx, func(v Snapshot) error {
		w := s.world(v)
		dr = w.draft()
		var err error
		if e.call.Principal.Role, may, err = w.mayGrant(g); err != nil || !may.Permit {
			return err
		}
		c, err := w.child(g.Patient.ID)
		if err != nil {
			return err
		}
		write, err := dr.put(r, nil, c.Custodian(), g.Performer)
		if err != nil {
			return err
		}
		dr.unit.Relied = w.relied()
		dr.add(write)
		e.wrote(write, auth.Decision{Permit: true, Reason: "permit-write"})
		return dr.faults(op)
	})
	if err != nil {
		return fhir.Ref{}, fhir.Wrap(op, err)
	}
	if !may.Permit {
		e.denied(may, g.Patient)
		return fhir.Ref{}, s.settle(ctx, op, e, refusal(op, may))
	}
	written, err := s.commit(ctx, op, e, dr.unit)
	if err != nil {
		return fhir.Ref{}, fhir.Wrap(op, err)
	}
	return written[0].Ref.Current(), nil
}

// mayGrant judges whether the user may act for the child now, as the person named.
func (w *world) mayGrant(g Grant) (auth.Role, auth.Decision, error) {
	role, d, err := w.standing(g.User, g.Patient)
	if err != nil {
		return role, d, err
	}
	if waitsForChild[d.Reason] {
		d = auth.Decision{Permit: true}
	}
	ties, err := w.ties(g.User)
	if d.Permit && !slices.Contains(ties, kin{patient: g.Patient.Current(), performer: g.Performer.Current()}) {
		d = auth.Decision{HTTP: 403, Step: "relation", Reason: "relation-none"}
	}
	return role, d, err
}

// settle writes the rows of an access that changes nothing, then gives its answer. Without its rows
// there is no answer.
func (s *Service) settle(ctx context.Context, op string, e event, answer error) error {
	if err := s.record(ctx, op, e.audits(s)); err != nil {
		return err
	}
	return answer
}

// WithdrawConsent sets a Consent inactive as the act of a user who gave it. NotFound when it is not
// the user's; done already is no error.
func (s *Service) WithdrawConsent(ctx context.Context, consent, user fhir.Ref) error {
	_, err := again(s, func() (struct{}, error) { return struct{}{}, s.withdrawOnce(ctx, consent, user) })
	return err
}

func (s *Service) withdrawOnce(ctx context.Context, consent, user fhir.Ref) error {
	const op = "exchange.WithdrawConsent"
	e := s.event(Call{Principal: auth.Principal{FHIRUser: user}}, auth.Update, "Consent")
	var dr *draft
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		w := s.world(v)
		dr = w.draft()
		st, err := v.Read(consent.Current())
		if missing(err) {
			e.missed()
			refused = notFound(op, "not-found")
			return nil
		}
		if err != nil {
			return err
		}
		mine, err := w.performs(user, st)
		if err != nil {
			return err
		}
		if !mine {
			e.saw(st, auth.Decision{HTTP: 404, Step: "relation", Reason: "relation-none"})
			refused = notFound(op, "relation-none")
			return nil
		}
		if err := dr.withdraw(&e, st); err != nil || len(dr.unit.Writes) == 0 {
			return err
		}
		_, err = dr.follow(v, e.call.Principal, false, &e)
		return err
	})
	if err != nil {
		return fhir.Wrap(op, err)
	}
	if len(dr.unit.Writes) == 0 {
		return s.settle(ctx, op, e, refused)
	}
	_, err = s.commit(ctx, op, e, dr.unit)
	return fhir.Wrap(op, err)
}

// withdraw puts the inactive Consent into the unit; one that is inactive stays as it is.
func (d *draft) withdraw(e *event, st Stored) error {
	permit := auth.Decision{Permit: true, Reason: "permit-withdraw"}
	r, err := tree(st)
	if err != nil {
		return err
	}
	if r.Root().Member("status").Text() == "inactive" {
		e.saw(st, permit)
		return nil
	}
	if r, err = r.Edit(fhir.Edit{Path: []string{"status"}, JSON: `"inactive"`}); err != nil {
		return err
	}
	w, err := d.put(r, &st, fhir.Ref{}, fhir.Ref{})
	if err != nil {
		return err
	}
	d.add(w)
	e.wrote(w, permit)
	return nil
}

// performs reports whether a user gave a Consent, as one of its own persons.
func (w *world) performs(user fhir.Ref, st Stored) (bool, error) {
	ties, err := w.ties(user)
	return slices.ContainsFunc(ties, func(t kin) bool {
		return slices.Contains(st.Facts.Patients, t.patient) && slices.Contains(st.Facts.By, t.performer)
	}), err
}

// Given is a live Consent for an app.
type Given struct {
	Consent      fhir.Ref
	Patient      fhir.Ref
	GivenName    string
	Client       string
	Scopes       []string
	Since, Until time.Time
}

// Consents returns the live Consents that a user gave to apps, child by child. What is shown is in
// the log before it returns.
func (s *Service) Consents(ctx context.Context, user fhir.Ref) ([]Given, error) {
	const op = "exchange.Consents"
	e := s.event(Call{Principal: auth.Principal{FHIRUser: user}, Operation: "consents"}, auth.Read, "Consent")
	var out []Given
	err := s.store.View(ctx, func(v Snapshot) error {
		w := s.world(v)
		ties, err := w.ties(user)
		if err != nil {
			return err
		}
		for _, tie := range ties {
			all, err := w.consents(&e, tie)
			if err != nil {
				return err
			}
			out = append(out, all...)
		}
		return nil
	})
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	if err := s.record(ctx, op, e.audits(s)); err != nil {
		return nil, err
	}
	return out, nil
}

// consents returns what a person gave for one child.
func (w *world) consents(e *event, tie kin) ([]Given, error) {
	stored, _, err := w.v.Compartment(tie.patient.ID, "Consent")
	if err != nil {
		return nil, err
	}
	var out []Given
	for _, st := range stored {
		if !slices.Contains(st.Facts.By, tie.performer) {
			continue
		}
		r, err := tree(st)
		if err != nil {
			return nil, err
		}
		g, ok := given(r.Root(), w.now)
		if !ok {
			continue
		}
		view, patient, err := w.childView(tie)
		if err != nil {
			return nil, err
		}
		e.saw(patient, shown)
		e.saw(st, shown)
		g.Consent, g.Patient, g.GivenName = st.Ref.Current(), tie.patient, view.GivenName
		out = append(out, g)
	}
	return out, nil
}

// given reads a grant's Consent; false when it is none, or not in force.
func given(n fhir.Node, now time.Time) (Given, bool) {
	who := n.At("provision", "actor", "reference", "identifier")
	if who.Member("system").Text() != smartClient || !termOf(n).covers(now) {
		return Given{}, false
	}
	g := Given{Client: who.Member("value").Text()}
	for e := range n.All("provision", "extension") {
		if e.Member("url").Text() == fhir.Canonical+"/StructureDefinition/smart-scope" {
			g.Scopes = append(g.Scopes, e.Member("valueString").Text())
		}
	}
	var err error
	if g.Since, err = time.Parse(time.RFC3339, n.At("provision", "period", "start").Text()); err != nil {
		return g, false
	}
	g.Until, err = time.Parse(time.RFC3339, n.At("provision", "period", "end").Text())
	return g, err == nil
}

// consentOf makes the Consent of smart.md 3.1.
func (s *Service) consentOf(g Grant) (*fhir.Resource, error) {
	concept := func(system, code string) any {
		return map[string]any{"coding": []any{map[string]string{"system": system, "code": code}}}
	}
	var classes, scopes []any
	for _, t := range g.Types {
		classes = append(classes, map[string]string{"system": "http://hl7.org/fhir/resource-types", "code": string(t)})
	}
	for _, sc := range g.Scopes {
		scopes = append(scopes, map[string]string{"url": fhir.Canonical + "/StructureDefinition/smart-scope", "valueString": sc})
	}
	const action = "http://terminology.hl7.org/CodeSystem/consentaction"
	actions := []any{concept(action, "access")}
	if g.Write {
		actions = append(actions, concept(action, "correct"))
	}
	b, err := json.Marshal(map[string]any{
		"resourceType": "Consent", "id": s.newID(), "status": "active",
		"scope":      concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
		"category":   []any{concept("http://loinc.org", "59284-0"), concept(fhir.Canonical+"/CodeSystem/toestemming-soort", "uitdrukkelijk")},
		"patient":    map[string]string{"reference": g.Patient.String()},
		"dateTime":   s.now().UTC().Format(time.RFC3339),
		"performer":  []any{map[string]string{"reference": g.Performer.String()}},
		"policyRule": concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN"),
		"sourceAttachment": map[string]string{
			"contentType": "text/plain", "language": g.Language, "title": fmt.Sprintf("consent-text/%d", g.TextVersion),
			"data": base64.StdEncoding.EncodeToString([]byte(g.Text)),
		},
		"provision": map[string]any{
			"extension": scopes, "type": "permit", "class": classes, "action": actions,
			"period": map[string]string{"start": g.From.UTC().Format(time.RFC3339), "end": g.Until.UTC().Format(time.RFC3339)},
			"actor": []any{map[string]any{
				"role": concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"),
				"reference": map[string]any{
					"identifier": map[string]string{"system": smartClient, "value": g.Client}, "display": g.ClientName,
				},
			}},
			"purpose": []any{map[string]string{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": g.Purpose}},
		},
	})
	if err != nil {
		return nil, err
	}
	r, issues := fhir.Parse(b, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return nil, &fhir.Error{Kind: fhir.Unprocessable, Op: "exchange.consentOf", Issues: issues}
	}
	return r, nil
}
