package calendar

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Days of mks.md 7.6, from the day on which a signature was asked for.
const (
	ruleSignature      = "7.6"
	signatureRemind    = 7
	signatureEscalated = 21
)

// toSign is the code of a Task to sign the plan that it names; its input says which version.
var toSign = coding{"http://hl7.org/fhir/CodeSystem/task-code", "approve"}

// signatures holds the waiting part of mks.md 7.6: a final plan that is not signed enough is a Task for
// each missing signer, with a reminder after 7 days, and one for the zorgcoordinator after 21. Where nobody
// can sign, the zorgcoordinator is asked at once.
func (r *run) signatures() {
	for _, p := range r.Plans {
		if v := waits(p.Resource); v > 0 {
			r.awaitSignatures(p, v)
		}
	}
	r.end(ruleSignature, r.signedOrDropped)
}

func (r *run) awaitSignatures(p Known, version int) {
	plan := p.Resource.Ref().Current()
	plan.Version = p.Version
	signers, signed := r.Signers(), r.SignedBy(plan, version)
	name := plan.ID + "/" + strconv.Itoa(version) + "/"
	if signers.Enough(signed) { // and yet it waits: it is being written, or of a source that cannot bring it into force
		t := r.signTask(p, version, name+"van-kracht", r.coordinator(p.Custodian))
		t.text = saySigned
		r.ask(t)
		r.wake(r.today.AddDate(0, 0, 1))
		return
	}
	missing := signers.missing(signed)
	asked := r.today
	for _, who := range missing {
		occasion := name + who.ID
		if r.signedBefore(p, version, who) {
			occasion += "/" + p.Changed.UTC().Format(time.RFC3339)
		}
		r.ask(r.signTask(p, version, occasion, who))
		if day := r.askedOn(r.id(ruleSignature, occasion)); !day.IsZero() && day.Before(asked) {
			asked = day
		}
	}
	if len(signed) > 0 { // by authority that begins or ends, they may be enough on any day
		r.wake(r.today.AddDate(0, 0, 1))
	}
	remind, escalate := asked.AddDate(0, 0, signatureRemind), asked.AddDate(0, 0, signatureEscalated)
	if len(missing) == 0 { // authority is not known, or hidden
		escalate = asked
	}
	r.wake(remind)
	r.wake(escalate)
	if !r.today.Before(remind) {
		r.remindSigners(p, name, missing)
	}
	if !r.today.Before(escalate) {
		r.ask(r.signTask(p, version, name+"zorgcoordinator", r.coordinator(p.Custodian)))
	}
}

// askedOn is the local day of a Task, zero for one that was not written before.
func (r *run) askedOn(id string) time.Time {
	at := r.Past[id]
	if known, ok := r.stored[id]; ok {
		at, _ = time.Parse(time.RFC3339, known.Resource.Root().Member("authoredOn").Text()) // zero: not told
	}
	if at.IsZero() {
		return at
	}
	year, month, day := at.In(amsterdam()).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// signedBefore reports whether somebody signed a version of a plan as it was before it was changed.
func (r *run) signedBefore(p Known, version int, who fhir.Ref) bool {
	return slices.ContainsFunc(r.on(p.Resource.Ref(), p.Version, version), func(s Known) bool { return signs(s.Resource, who) })
}

// signTask asks somebody to sign, or to see to it.
func (r *run) signTask(p Known, version int, discriminator string, owner fhir.Ref) task {
	return task{
		rule: ruleSignature, discriminator: discriminator, code: toSign, text: saySign,
		focus: p.Resource.Ref(), owner: owner, custodian: p.Custodian,
		inputs: []taskInput{{Type: concept{Coding: []coding{{codes("mks-categorie"), "zorgplan"}}}, Version: version}},
	}
}

func (r *run) remindSigners(p Known, name string, missing []fhir.Ref) {
	for _, who := range missing {
		m := message{
			rule: ruleSignature, discriminator: name + who.ID + "/herinnering",
			category: coding{"http://terminology.hl7.org/CodeSystem/communication-category", "reminder"},
			text:     sayRemind,
			about:    []fhir.Ref{p.Resource.Ref()}, to: []fhir.Ref{who}, custodian: p.Custodian,
		}
		if who.Type == "Patient" && r.youthAlone() {
			m.labels = []coding{notForParents}
		}
		r.send(m)
	}
}

// signedOrDropped is the status of a Task to sign that has no reason: completed when the version came into
// force or this person signed it, cancelled when the plan was replaced or withdrawn unsigned.
func (r *run) signedOrDropped(t fhir.Node) string {
	version := 0
	for in := range t.All("input", "valuePositiveInt") {
		version, _ = strconv.Atoi(in.Text()) // 0 is no version
	}
	focus, _ := fhir.ParseRef(t.At("focus", "reference").Text())
	owner, _ := fhir.ParseRef(t.At("owner", "reference").Text())
	of := ""
	for _, p := range r.Plans {
		if p.Resource.Ref().Current() == focus.Current() {
			of, _ = record(p.Resource.Root())
			focus.Version = p.Version
		}
	}
	inForce := slices.ContainsFunc(r.Plans, func(p Known) bool {
		id, v := record(p.Resource.Root())
		return p.Resource.Root().Member("status").Text() == "active" && id == of && v == strconv.Itoa(version)
	})
	if inForce || slices.Contains(r.SignedBy(focus, version), owner.Current()) {
		return "completed"
	}
	return "cancelled"
}

// Signers says whose signatures bring a plan into force, at an age (mks.md 7.6).
type Signers struct {
	Child   fhir.Ref   // the Patient, where it must sign; else zero
	Alone   bool       // the child signs alone
	Holders []fhir.Ref // who may sign for it, in order; none where the child signs alone
	All     bool       // every one of Holders must, not one
}

// May reports whether a signature of somebody counts.
func (s Signers) May(who fhir.Ref) bool {
	return !who.IsZero() && (who == s.Child || slices.Contains(s.Holders, who))
}

// Enough reports whether a plan is signed enough to come into force.
func (s Signers) Enough(signed []fhir.Ref) bool {
	known := s.Alone || len(s.Holders) > 0
	return known && len(s.missing(signed)) == 0
}

// SignedBy returns who signed a version of a plan.
func (s *Situation) SignedBy(plan fhir.Ref, version int) []fhir.Ref {
	var out []fhir.Ref
	for _, p := range s.SignaturesOn(plan, version) {
		for who := range p.Root().All("signature", "who", "reference") {
			if ref, ok := fhir.ParseRef(who.Text()); ok {
				out = append(out, ref.Current())
			}
		}
	}
	return out
}

// SignaturesOn returns the Provenances with a signature on a version of a plan, in order of their ids. They
// name the version of the record, or in their target that of the resource. One on what was changed since
// counts no longer.
func (s *Situation) SignaturesOn(plan fhir.Ref, version int) []*fhir.Resource {
	var changed time.Time
	for _, p := range s.Plans {
		if p.Resource.Ref().Current() == plan.Current() {
			changed = p.Changed
		}
	}
	var out []*fhir.Resource
	for _, p := range s.on(plan, plan.Version, version) {
		if p.Filed.IsZero() || !p.Filed.Before(changed) {
			out = append(out, p.Resource)
		}
	}
	slices.SortFunc(out, func(a, b *fhir.Resource) int { return cmp.Compare(a.ID(), b.ID()) })
	return out
}

// on returns the signatures on a version of a plan, whether they still count or not.
func (s *Situation) on(plan fhir.Ref, current, version int) []Known {
	var out []Known
	for _, p := range s.Signatures {
		n := p.Resource.Root()
		said := extension(n, "versie").Member("valuePositiveInt")
		if said.Exists() && said.Text() != strconv.Itoa(version) {
			continue
		}
		for t := range n.All("target", "reference") {
			ref, ok := fhir.ParseRef(t.Text())
			if ok && ref.Current() == plan.Current() && (said.Exists() || ref.Version > 0 && ref.Version == current) {
				out = append(out, p)
				break
			}
		}
	}
	return out
}

func signs(provenance *fhir.Resource, who fhir.Ref) bool {
	for n := range provenance.Root().All("signature", "who", "reference") {
		if ref, ok := fhir.ParseRef(n.Text()); ok && ref.Current() == who {
			return true
		}
	}
	return false
}

// Ready returns the final plans that wait though they are signed enough: the child became older, or authority
// changed, since the last signature.
func (s *Situation) Ready() []Known {
	var out []Known
	signers := s.Signers()
	for _, p := range s.Plans {
		plan := p.Resource.Ref().Current()
		plan.Version = p.Version
		if v := waits(p.Resource); v > 0 && signers.Enough(s.SignedBy(plan, v)) {
			out = append(out, p)
		}
	}
	return out
}

// waits returns the record's version of a final plan that is not in force, 0 for any other.
func waits(plan *fhir.Resource) int {
	n := plan.Root()
	if n.Member("status").Text() != "draft" || part(extension(n, "bron-record"), "status", "valueCode").Text() != "definitief" {
		return 0
	}
	return RecordVersion(plan)
}

// RecordVersion returns the version of the source record that a resource carries, 0 for none.
func RecordVersion(r *fhir.Resource) int {
	_, text := record(r.Root())
	version, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return version
}

// Signers returns who signs on the day of the situation. Where the age is not known nobody can.
func (s *Situation) Signers() Signers {
	h := s.Household
	if !h.Known() || s.Patient.Resource == nil {
		return Signers{}
	}
	out := Signers{Holders: h.Holders, All: s.AllSign}
	if h.Oldest >= h.JointFrom {
		out.Child = s.Patient.Resource.Ref().Current()
	}
	if h.Oldest >= h.YouthAloneFrom {
		out.Holders, out.Alone = nil, true
	}
	return out
}

// missing returns who must still sign: of the holders all that have not, unless one is enough and did.
func (s Signers) missing(signed []fhir.Ref) []fhir.Ref {
	has := func(r fhir.Ref) bool { return slices.Contains(signed, r) }
	var out []fhir.Ref
	if s.All || !slices.ContainsFunc(s.Holders, has) {
		out = slices.DeleteFunc(slices.Clone(s.Holders), has)
	}
	if !s.Child.IsZero() && !has(s.Child) {
		out = append(out, s.Child)
	}
	slices.SortFunc(out, func(a, b fhir.Ref) int { return cmp.Compare(a.String(), b.String()) })
	return out
}
