package exchange

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// find says what a step is about: a new resource, a stored one, or what its condition matches.
func (b *batch) find(st *step) (error, error) {
	st.effect = effects[st.Interaction]
	if err := st.read(); err != nil {
		return nil, err
	}
	if st.Where != nil {
		settled, refused, err := b.findWhere(st)
		if settled || refused != nil || err != nil {
			return refused, err
		}
	}
	if st.chosen = st.ID != ""; !st.chosen {
		st.ID = b.w.s.newID()
	}
	st.ref = fhir.Ref{Type: st.Type, ID: st.ID}
	if st.chosen { // else nothing stands there
		var err error
		if st.prior, err = b.stored(st.ref); err != nil {
			return nil, err
		}
	}
	if st.Interaction == auth.Update && (st.prior == nil || st.prior.Deleted) {
		st.effect = Created
		if refused, err := b.mayCreate(st); refused != nil || err != nil {
			return refused, err
		}
	}
	return nil, b.identify(st)
}

// read makes the tree of what came as text.
func (st *step) read() error {
	if st.Text == "" || st.Resource != nil {
		return nil
	}
	r, issues := fhir.ParseText(st.Text)
	if r == nil {
		return &fhir.Error{Kind: fhir.Unprocessable, Op: "exchange.Write", Issues: issues}
	}
	st.Resource = r
	return nil
}

var effects = map[auth.Interaction]Effect{auth.Create: Created, auth.Update: Updated, auth.Patch: Updated, auth.Delete: Deleted}

// identify gives the content of a step the id under which it is stored.
func (b *batch) identify(st *step) error {
	if st.Resource == nil || st.Resource.ID() == st.ref.ID {
		return nil
	}
	r, err := st.Resource.Edit(fhir.Edit{Path: []string{"id"}, JSON: fmt.Sprintf("%q", st.ref.ID)})
	st.Resource = r
	return err
}

// mayCreate judges an update that creates. Under an id of its own choice only a client of an
// organisation may, also to bring back what was deleted (access.md 5, create-on-update); to everybody
// else the id is unknown, and so is one that a push would make.
func (b *batch) mayCreate(st *step) (error, error) {
	p := b.event.call.Principal
	d, err := b.w.decide(p, auth.Action{Interaction: auth.Create, Type: st.Type}, nil)
	if err != nil {
		return nil, err
	}
	switch {
	case st.chosen && (!d.Permit || !slices.Contains(auth.Levels(p.Role), "system") || mapping.IsID(st.ID)):
		return b.absent(st)
	case !d.Permit:
		return b.refuse(d, st), nil
	case st.chosen:
		return b.guessed(st), nil
	}
	return nil, nil
}

// absent answers what is not there as what is hidden.
func (b *batch) absent(st *step) (error, error) {
	p, a := b.event.call.Principal, auth.Action{Interaction: st.Interaction, Type: st.Type}
	if err := b.w.pretend(p, a); err != nil {
		return nil, err
	}
	return b.refuse(auth.Decision{HTTP: 404, Reason: "not-found"}, st), nil
}

// patch makes the new content of a patched resource, once the stored one is known to be the caller's
// to see and to change.
func (b *batch) patch(st *step) (error, error) {
	if st.Interaction != auth.Patch {
		return nil, nil
	}
	if st.prior == nil || st.prior.Deleted {
		return b.absent(st)
	}
	d, err := b.w.decide(b.event.call.Principal, auth.Action{Interaction: auth.Patch, Type: st.Type}, &st.prior.Facts)
	if err != nil {
		return nil, err
	}
	if d.Permit && auth.Redacts(d.Obligations) { // what is taken out cannot be asked after
		d = auth.Decision{HTTP: 403, Step: "write", Reason: "write-role"}
	}
	if d.Permit && st.Patch.Reads() {
		d, err = b.w.decide(b.event.call.Principal, auth.Action{Interaction: auth.Read, Type: st.Type}, &st.prior.Facts)
		if err != nil {
			return nil, err
		}
	}
	if !d.Permit {
		return b.refuse(d, st), nil
	}
	old, err := tree(*st.prior)
	if err != nil {
		return nil, err
	}
	r, issues := st.Patch.Apply(old)
	if r != nil && (r.Type() != st.Type || r.ID() != st.ref.ID) {
		issues = append(issues, fhir.Issue{
			Severity: fhir.SeverityError, Code: "business-rule", Diagnostics: "patch-identity",
			Text: "A patch keeps the type and the id of the resource.",
		})
	}
	if r == nil || fhir.HasErrors(issues) {
		b.event.refused(auth.Decision{HTTP: 422, Step: "permit", Reason: "rules"}, st.prior)
		return &fhir.Error{Kind: fhir.Unprocessable, Op: "exchange.Patch", Issues: issues}, nil
	}
	st.Resource = r
	return nil, nil
}

// twice refuses two changes of one resource, and two that depend on one condition: their order would
// decide.
func (b *batch) twice() {
	writes, conditions := map[fhir.Ref]*step{}, map[string]bool{}
	for _, st := range b.steps {
		first := writes[st.ref.Current()]
		clash := first != nil && (first.effect != Kept || st.effect != Kept)
		if st.Where != nil && st.effect == Created {
			condition := string(st.Type) + "?" + st.Where.Query.Encode()
			clash = clash || conditions[condition]
			conditions[condition] = true
		}
		if clash {
			b.issues = append(b.issues, fhir.Issue{
				Severity: fhir.SeverityError, Code: "duplicate", Expression: strings.TrimSuffix(st.Path, ".resource"),
				Diagnostics: "bundle-twice", Text: "Two entries write the same resource; send one of them.",
			})
		}
		if !st.ref.IsZero() {
			writes[st.ref.Current()] = st
		}
	}
}

// put decides on one change against what is stored, and puts it into the unit.
func (b *batch) put(st *step) (error, error) {
	switch {
	case st.effect == Kept:
		return nil, nil
	case st.effect == Deleted:
		return b.remove(st)
	}
	p := b.event.call.Principal
	w, err := b.content(p, st)
	if err != nil {
		return nil, err
	}
	d, err := b.decide(p, st.Change, w, st.prior)
	if err != nil {
		return nil, err
	}
	if !d.Permit && d.Reason == "task-transition" && isTransfer(&st.prior.Facts) {
		if refused, err := b.stepRefused(st, &w); refused != nil || err != nil {
			return refused, err
		}
	}
	if !d.Permit {
		refused, err := b.denied(d, st)
		return ofBlock(&w, refused), err
	}
	if refused := b.matches(st); refused != nil {
		return refused, nil
	}
	if st.Interaction == auth.Patch { // what the caller did not send is shown as a read would
		seen, err := b.w.decide(p, auth.Action{Interaction: auth.Read, Type: st.Type}, &w.Facts)
		if err != nil {
			return nil, err
		}
		st.blind = !seen.Permit || auth.Redacts(seen.Obligations)
	}
	st.blind = st.blind || viewers[st.Type] != nil && ofCoordination(w.Facts) // the rules write along what others keep
	b.add(st, w, d)
	st.Resource = nil // the write has its text
	return nil, nil
}

// content makes the write of new content, with what is wrong with it.
func (b *batch) content(p auth.Principal, st *step) (Write, error) {
	before := len(b.issues)
	if st.Interaction != auth.Create {
		b.issues = append(b.issues, reduced(st.Resource)...)
	}
	if st.effect == Created {
		var err error
		if st.Resource, err = b.given(p, st.Resource); err != nil {
			return Write{}, err
		}
	}
	with, err := tagged(st.Resource)
	if err != nil {
		return Write{}, err
	}
	if with != st.Resource {
		b.issues = append(b.issues, domainAdded(st.Type))
		st.Resource = with
	}
	w, err := b.draft.put(st.Resource, st.prior, p.Organization, writer(p))
	under(b.issues[before:], st.Change)
	st.issues = slices.Clone(b.issues[before:])
	return w, err
}

// domainAdded tells that the server adds the domain which the content does not name (access.md 2.1).
func domainAdded(t fhir.Type) fhir.Issue {
	return fhir.Issue{
		Severity: fhir.SeverityInformation, Code: "informational", Expression: string(t) + ".meta.tag", Diagnostics: "domain-added",
		Text: "The resource names no domain of the child's life; the domain medisch was added. Name it in meta.tag.",
	}
}

// denied refuses a change. Of a hidden resource it tells a client that may choose ids that the id is taken.
func (b *batch) denied(d auth.Decision, st *step) (error, error) {
	if d.HTTP == 404 && st.prior != nil {
		if refused, err := b.takenID(st); refused != nil || err != nil {
			return refused, err
		}
	}
	return b.refuse(d, st), nil
}

// add puts the write of a step into the unit and the log.
func (b *batch) add(st *step, w Write, d auth.Decision) {
	b.event.wrote(w, d)
	st.write = len(b.unit.Writes)
	b.draft.add(w)
}

// matches holds a change to the version that If-Match names.
func (b *batch) matches(st *step) error {
	if st.IfMatch == 0 || st.prior != nil && !st.prior.Deleted && st.prior.Ref.Version == st.IfMatch {
		return nil
	}
	b.event.refused(auth.Decision{HTTP: 412, Step: "permit", Reason: "version-moved"}, st.prior)
	return fhir.Errorf(fhir.Precondition, "exchange.Write", "conflict", "version-moved",
		"Another version is current; read it, apply your change to it and send its ETag in If-Match.")
}

// decide decides on a change: of what is stored and the new content together, and of what the content
// claims. What was deleted is decided on as it was last. An update of what never was creates.
func (d *draft) decide(p auth.Principal, ch Change, w Write, prior *Stored) (auth.Decision, error) {
	if d.attestsOthers(p, ch.Resource) {
		return foreignClaim, nil
	}
	a := auth.Action{Interaction: ch.Interaction, Type: ch.Type, Body: &w.Facts}
	var old *auth.ResourceFacts
	if prior != nil {
		old = &prior.Facts
	} else {
		a.Interaction = auth.Create
	}
	dec, err := d.w.decide(p, a, old)
	if err != nil || !dec.Permit {
		return dec, err
	}
	if posesAsRule(&w.Facts, prior) {
		return foreignClaim, nil
	}
	foreign, err := d.foreign(p, ch.Resource, prior)
	if err != nil || foreign {
		return foreignClaim, err
	}
	return dec, nil
}

// reduced refuses to store a reduced view in place of the whole resource (access.md 3.4).
func reduced(r *fhir.Resource) []fhir.Issue {
	for _, list := range []string{"tag", "security"} {
		for n := range r.Root().All("meta", list) {
			code := n.Member("code").Text()
			if n.Member("system").Text() == observationValue && (code == "SUBSETTED" || code == "REDACTED") {
				return []fhir.Issue{{
					Severity: fhir.SeverityError, Code: "business-rule", Diagnostics: "reduced-body",
					Expression: string(r.Type()) + ".meta." + list,
					Text:       "This is a view with elements left out; send the whole resource.",
				}}
			}
		}
	}
	return nil
}

const observationValue = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"

// under moves the expressions of issues from the resource to its place in the request.
func under(issues []fhir.Issue, ch Change) {
	if ch.Path == "" {
		return
	}
	for i := range issues {
		issues[i].Expression = ch.Path + strings.TrimPrefix(issues[i].Expression, string(ch.Type))
	}
}

// writer is the author of what a principal writes: the person, else the organisation.
func writer(p auth.Principal) fhir.Ref {
	if p.Organization.IsZero() {
		return p.FHIRUser
	}
	return p.Organization
}
