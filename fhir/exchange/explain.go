package exchange

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Question asks why somebody may, or may not, see a kind of data of a child (access.md 7).
type Question struct {
	Patient   fhir.Ref
	Recipient fhir.Ref // Organization, Practitioner, RelatedPerson, Patient or Person
	Purpose   string   // v3-ActReason; "": the first of the recipient's role
	Classes   []fhir.Type
	Domains   []string // codes of mks-domein; none: all
	At        string   // FHIR dateTime of now or later; "": now
	Language  string   // nl, sv, en; "": as the country of the child
	Query     url.Values
}

// Answer is what came of one class in one domain.
type Answer struct {
	Class    fhir.Type
	Domain   string // "" for a class that has none
	Permit   bool
	Reason   string
	Text     string
	Until    time.Time  // when the answer changes by itself; zero: not foreseen
	Consents []fhir.Ref // that carried it or deny it, with versions, as far as the caller may know of them
	Steps    []AnsweredStep
}

// AnsweredStep is one step of a decision.
type AnsweredStep struct {
	auth.StepVerdict
	Text string
	Near []auth.NearMiss
}

// Bounds and defaults of a question.
const (
	maxEdges = 64 // changes looked for ahead
	// MaxClasses is how many classes one question may name.
	MaxClasses = 20
	hourOfBTG  = time.Hour
)

var allDomains = []string{"medisch", "veiligheid", "sociaal", "ontwikkeling"}

// Explain answers for a recipient who is not there what Decide would say, step by step. It changes
// nothing. NotFound for who may not ask about the child, as for a child that is not there.
func (s *Service) Explain(ctx context.Context, c Call, ask Question) ([]Answer, error) {
	const op = "exchange.Explain"
	c.Operation = "explain-access"
	e := s.event(c, auth.Read, ask.Patient.Type)
	e.query = ask.Query
	var out []Answer
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		x := explaining{w: s.world(v), v: v, ask: ask, caller: c.Principal}
		var err error
		if refused, err = x.admit(&e); refused != nil || err != nil {
			return err
		}
		if refused, err = x.meet(); refused != nil || err != nil {
			return err
		}
		out, err = x.answers()
		return err
	})
	if err != nil {
		return nil, s.broke(ctx, op, e, err)
	}
	if err := s.record(ctx, op, e.audits(s)); err != nil {
		return nil, err
	}
	return out, refused
}

// explaining is one question on its way.
type explaining struct {
	w       *world
	v       Snapshot
	ask     Question
	caller  auth.Principal
	patient Stored
	child   *auth.Child
	dir     *auth.Directory
	at      time.Time
	asAt    []auth.Principal // the recipient, once for each organisation it works for
	words   speaker
}

// admit judges who asks.
func (x *explaining) admit(e *event) (refused, err error) {
	const op = "exchange.Explain"
	f, err := x.w.facts(x.caller, auth.Action{Interaction: auth.Read, Type: "Consent"}, nil)
	if err != nil {
		return nil, unavailable(op, "policy-unavailable", err)
	}
	if d := auth.MayExplain(x.caller, f); !d.Permit {
		e.denied(d, x.caller.Patient)
		return refusal(op, d), nil
	}
	x.patient, err = x.v.Read(x.ask.Patient)
	if missing(err) {
		e.missed()
		return notFound(op, "not-found"), x.w.pretend(x.caller, auth.Action{Interaction: auth.Read, Type: "Patient"})
	}
	if err == nil {
		f, err = x.w.facts(x.caller, auth.Action{Interaction: auth.Read, Type: "Patient"}, &x.patient.Facts)
	}
	if err != nil {
		return nil, unavailable(op, "policy-unavailable", err)
	}
	d := auth.MayExplain(x.caller, f)
	e.saw(x.patient, d)
	if !d.Permit {
		return refusal(op, d), nil
	}
	return nil, nil
}

// meet reads the child, the instant, and who is asked about.
func (x *explaining) meet() (refused, err error) {
	const op = "exchange.Explain"
	if x.child, err = x.w.child(x.ask.Patient.ID); err != nil {
		return nil, err
	}
	if x.dir, err = x.w.directory(x.child.DirectoryNeeds()); err != nil {
		return nil, err
	}
	x.at = x.w.now
	if x.ask.At != "" {
		var ok bool
		if x.at, ok = x.child.Instant(x.ask.At, x.w.now, x.w.s.settings, x.dir); !ok {
			return fhir.Errorf(fhir.BadRequest, op, "value", "explain-at", "Give at as a dateTime of now or later: what was before is in the log."), nil
		}
	}
	if x.asAt, err = x.recipients(); err != nil {
		return nil, err
	}
	if len(x.asAt) == 0 {
		e := fhir.Errorf(fhir.Unprocessable, op, "not-found", "explain-recipient",
			"Nobody is known under this reference. Give an Organization, a Practitioner, or a Patient, RelatedPerson or Person of this child.")
		e.Issues[0].Expression = "Parameters.parameter.where(name = 'recipient')"
		return e, nil
	}
	x.words, err = x.speaker()
	return nil, err
}

// inquest is one class in one domain with what it came to.
type inquest struct {
	class  fhir.Type
	domain string
	facts  []auth.Facts // for each recipient
	found  auth.Explanation
	until  time.Time
	open   bool // its next change is still sought
}

// answers judges every class in every domain.
func (x *explaining) answers() ([]Answer, error) {
	var all []inquest
	for _, class := range x.ask.Classes {
		for _, domain := range x.domainsOf(class) {
			q, err := x.inquest(class, domain)
			if err != nil {
				return nil, err
			}
			all = append(all, q)
		}
	}
	x.foresee(all)
	out := make([]Answer, len(all))
	for i := range all {
		var err error
		if out[i], err = x.answer(&all[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// domainsOf are the domains that are asked of a class. What is administrative has none unless one is
// named.
func (x *explaining) domainsOf(class fhir.Type) []string {
	switch {
	case len(x.ask.Domains) > 0:
		return x.ask.Domains
	case auth.IsAdmin(class), auth.IsDirectory(class):
		return []string{""}
	}
	return allDomains
}

// hypothetical is the resource that is judged: of the child, kept by its custodian, without labels.
func (x *explaining) hypothetical(class fhir.Type, domain string) auth.ResourceFacts {
	f := auth.ResourceFacts{
		Ref: fhir.Ref{Type: class, ID: "explain-access", Version: 1}, Custodian: x.patient.Facts.Custodian,
		Author: x.patient.Facts.Custodian, FiledAt: x.at, Updated: x.at, When: x.at,
	}
	if class == "Patient" {
		f.Ref.ID = x.ask.Patient.ID
	}
	if !auth.IsDirectory(class) {
		f.Patients = []fhir.Ref{x.ask.Patient}
	}
	if domain != "" {
		f.Domains = []string{domain}
	}
	return f
}

func (x *explaining) inquest(class fhir.Type, domain string) (inquest, error) {
	q := inquest{class: class, domain: domain, open: true}
	rf := x.hypothetical(class, domain)
	for _, p := range x.asAt {
		f, err := x.w.facts(p, auth.Action{Interaction: auth.Read, Type: class}, &rf)
		if err != nil {
			return q, unavailable("exchange.inquest", "policy-unavailable", err)
		}
		q.facts = append(q.facts, f)
	}
	q.found = x.judge(&q, x.at)
	return q, nil
}

// judge explains the first of the recipients that is permitted, else the first.
func (x *explaining) judge(q *inquest, at time.Time) auth.Explanation {
	var out auth.Explanation
	for i, p := range x.asAt {
		f := q.facts[i]
		f.Now = at
		p.BTG = &auth.BreakGlass{Reason: "explain-access", At: at, Exp: at.Add(hourOfBTG)}
		found := auth.Explain(p, auth.Action{Interaction: auth.Read, Type: q.class}, f, !x.ofFamily())
		if i == 0 || found.Permit && !out.Permit {
			out = found
		}
	}
	return out
}

// foresee finds when each answer changes by itself.
func (x *explaining) foresee(all []inquest) {
	at := x.at
	for range maxEdges {
		if at = x.child.Until(at, x.w.s.settings); at.IsZero() {
			return
		}
		for i := range all {
			q := &all[i]
			if !q.open {
				continue
			}
			if then := x.judge(q, at); then.Permit != q.found.Permit || then.Reason != q.found.Reason {
				q.until, q.open = at, false
			}
		}
	}
}

// ofFamily reports whether child or guardian asks: they are not told of seals.
func (x *explaining) ofFamily() bool { return auth.OfFamily(x.caller.Role) }

// answer puts into words what came of one inquest.
func (x *explaining) answer(q *inquest) (Answer, error) {
	d := q.found
	out := Answer{
		Class: q.class, Domain: q.domain, Permit: d.Permit, Reason: d.Reason, Text: x.words.say(d.Reason, x.at), Until: q.until,
	}
	for _, ref := range slices.Concat(d.Grounds, d.Objections) {
		told, err := x.tells(ref)
		if err != nil {
			return out, err
		}
		if told && !slices.Contains(out.Consents, ref) {
			out.Consents = append(out.Consents, ref)
		}
	}
	for _, v := range d.Trace {
		step := AnsweredStep{StepVerdict: v}
		if v.Reason != "" {
			step.Text = x.words.say(v.Reason, x.at)
		}
		if v.Name == "label" && v.Verdict == auth.Pass && x.keeps() {
			step.Text = x.words.seals()
		}
		if v.Name == "consent" {
			var err error
			if step.Near, err = x.near(d.Near); err != nil {
				return out, err
			}
		}
		out.Steps = append(out.Steps, step)
	}
	return out, nil
}

// near are the near misses that the caller may know of.
func (x *explaining) near(all []auth.NearMiss) ([]auth.NearMiss, error) {
	var out []auth.NearMiss
	for _, m := range all {
		told, err := x.tells(m.Consent)
		if err != nil {
			return nil, err
		}
		if told {
			out = append(out, m)
		}
	}
	return out, nil
}

// keeps reports whether the custodian asks, other than through its privacy officer.
func (x *explaining) keeps() bool { return !x.ofFamily() && x.caller.Role != auth.Admin }

// tells reports whether the caller may be told of a Consent: it may read it, and who objects is known
// to the objector and the custodian alone.
func (x *explaining) tells(ref fhir.Ref) (bool, error) {
	if ref.Type != "Consent" || x.caller.Role == auth.Admin {
		return false, nil
	}
	st, err := x.v.Read(ref)
	if missing(err) {
		return false, nil
	}
	if err != nil {
		return false, unavailable("exchange.tells", "policy-unavailable", err)
	}
	d, err := x.w.decide(x.caller, auth.Action{Interaction: auth.Read, Type: "Consent"}, &st.Facts)
	if err != nil || !d.Permit || x.keeps() {
		return d.Permit, err
	}
	if !x.child.Objects(ref) {
		return true, nil
	}
	ties, err := x.w.ties(x.caller.FHIRUser)
	return slices.ContainsFunc(ties, func(t kin) bool { return slices.Contains(st.Facts.By, t.performer) }), err
}
