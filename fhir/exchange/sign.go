package exchange

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow/calendar"
	"github.com/drieluik/drieluik/mapping"
)

// activator is a source format whose plans come into force by a signature that is written here.
type activator interface {
	// Activate returns what brings a draft into force with the signatures on it; nothing for a plan of
	// another format.
	Activate(plan *fhir.Resource, signatures []*fhir.Resource, k mapping.Known, now time.Time) (mapping.Result, error)
}

// sign judges a signature of the family on a care plan, and brings the plan into force when it is signed
// enough (mks.md 7.6).
func (b *batch) sign(st *step) (error, error) {
	if st.write < 0 || st.effect != Created || st.Type != "Provenance" {
		return nil, nil
	}
	w := b.unit.Writes[st.write]
	if p := b.event.call.Principal; !w.Facts.Signed || p.Role != auth.Guardian && p.Role != auth.ChildRole {
		return nil, nil
	}
	signature, err := tree(Stored{Ref: w.Ref, Updated: b.w.now, Body: w.Body, MetaAt: w.MetaAt})
	if err != nil {
		return nil, err
	}
	if refused, err := b.ownSignature(st, signature, w.Facts.Patients); refused != nil || err != nil {
		return refused, err
	}
	for n := range signature.Root().All("target", "reference") {
		ref, _ := fhir.ParseRef(n.Text())
		plan, err := b.stored(ref.Current())
		if err != nil {
			return nil, err
		}
		if plan == nil && ref.Type == "CarePlan" { // a plan that may come one day is not signed before
			return b.absent(st)
		}
		if plan == nil || !carePlan(plan.Facts) || ref.Type != "CarePlan" || len(plan.Facts.Patients) != 1 {
			continue
		}
		if refused, err := b.signPlan(st, signature, ref, *plan); refused != nil || err != nil {
			return refused, err
		}
	}
	return nil, nil
}

// ownSignature refuses a signature in the name of another, whatever it is on: what it names may become a plan.
func (b *batch) ownSignature(st *step, signature *fhir.Resource, patients []fhir.Ref) (error, error) {
	for _, patient := range patients {
		who, err := b.signer(signature, patient)
		if err != nil {
			return nil, err
		}
		if who.IsZero() {
			return b.refuse(auth.Decision{HTTP: 403, Step: "write", Reason: "sign-authority"}, st), nil
		}
	}
	return nil, nil
}

// signPlan judges the signature on one plan.
func (b *batch) signPlan(st *step, signature *fhir.Resource, target fhir.Ref, plan Stored) (error, error) {
	d, err := b.w.decide(b.event.call.Principal, auth.Action{Interaction: auth.Read, Type: "CarePlan"}, &plan.Facts)
	if err != nil {
		return nil, err
	}
	if !d.Permit { // what one may not read one cannot sign
		return b.refuse(d, st), nil
	}
	r, err := tree(plan)
	if err != nil {
		return nil, err
	}
	version := calendar.RecordVersion(r)
	if !signsVersion(signature, target, plan, version) {
		b.event.refused(auth.Decision{HTTP: 422, Step: "permit", Reason: "MKS-ZP-16"}, &plan)
		return fhir.Errorf(fhir.Unprocessable, "exchange.Write", "business-rule", "MKS-ZP-16",
			"The signature must name the version of the plan that is there: in the extension versie, or in the version of its target. Read the plan again."), nil
	}
	s, err := b.situation(plan.Facts.Patients[0].ID)
	if err != nil {
		return nil, err
	}
	who, err := b.signer(signature, plan.Facts.Patients[0])
	if err != nil {
		return nil, err
	}
	if !s.Signers().May(who) {
		return b.refuse(auth.Decision{HTTP: 403, Step: "write", Reason: "sign-authority"}, st), nil
	}
	if plan.Facts.Status != "draft" || b.writes(plan.Ref.Current()) || !s.Signers().Enough(s.SignedBy(plan.Ref, version)) {
		return nil, nil
	}
	return nil, b.activate(b.event, r, s.SignaturesOn(plan.Ref, version))
}

// writes reports whether the unit writes a resource already, as a plan that comes into force by another
// signature of the same request.
func (d *draft) writes(ref fhir.Ref) bool {
	return slices.ContainsFunc(d.unit.Writes, func(w Write) bool { return w.Ref.Current() == ref })
}

// signsVersion reports whether a signature is on the version of the plan that is there, and says so.
func signsVersion(signature *fhir.Resource, target fhir.Ref, plan Stored, version int) bool {
	if plan.Deleted || !slices.Contains([]string{"draft", "active", "on-hold"}, plan.Facts.Status) {
		return false
	}
	said := false
	for e := range signature.Root().All("extension") {
		if e.Member("url").Text() != fhir.Canonical+"/StructureDefinition/versie" {
			continue
		}
		if e.Member("valuePositiveInt").Text() != strconv.Itoa(version) {
			return false
		}
		said = true
	}
	return target.Version == plan.Ref.Version || target.Version == 0 && said
}

// signer returns who signs, when that is the user: the Patient itself, or the user's RelatedPerson of the
// child. Zero for anybody else, or more than one.
func (b *batch) signer(signature *fhir.Resource, patient fhir.Ref) (fhir.Ref, error) {
	ties, err := b.w.ties(b.event.call.Principal.FHIRUser)
	if err != nil {
		return fhir.Ref{}, err
	}
	var who fhir.Ref
	for n := range signature.Root().All("signature") {
		ref, ok := fhir.ParseRef(n.At("who", "reference").Text())
		own := ok && slices.Contains(ties, kin{patient: patient.Current(), performer: ref.Current()})
		if !own || n.Member("onBehalfOf").Exists() || !who.IsZero() && who != ref.Current() {
			return fhir.Ref{}, nil
		}
		who = ref.Current()
	}
	return who, nil
}

// activate puts what brings a draft into force into the unit, in the name of those who keep it.
func (d *draft) activate(e *event, plan *fhir.Resource, signatures []*fhir.Resource) error {
	const op = "exchange.activate"
	for _, f := range d.w.s.formats {
		format, ok := f.(activator)
		if !ok {
			continue
		}
		k := &known{v: d.w.v}
		out, err := format.Activate(plan, signatures, k, d.w.now)
		if err != nil {
			return fhir.Wrap(op, err)
		}
		if len(out.Resources) == 0 {
			continue
		}
		d.unit.Relied = append(d.unit.Relied, k.relied...)
		waiting, err := d.stored(plan.Ref())
		if err != nil {
			return err
		}
		if waiting == nil {
			return fhir.Wrap(op, fmt.Errorf("the draft is gone"))
		}
		var writes []calendar.Write
		for _, m := range out.Resources {
			writes = append(writes, calendar.Write{Resource: m.Resource, Custodian: waiting.Facts.Custodian})
		}
		return d.write(e, writes)
	}
	return nil
}

// calendars runs the rules of time on the children of whom a plan was signed.
func (b *batch) calendars() error {
	done := map[string]bool{}
	for _, st := range b.steps {
		if st.write < 0 || st.Type != "Provenance" || !b.unit.Writes[st.write].Facts.Signed {
			continue
		}
		for _, p := range b.unit.Writes[st.write].Facts.Patients {
			if done[p.ID] {
				continue
			}
			done[p.ID] = true
			if err := b.calendar(b.event, p.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
