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
		n := p.Resource.Root()
		v := RecordVersion(p.Resource)
		final := part(extension(n, "bron-record"), "status", "valueCode").Text() == "definitief"
		if n.Member("status").Text() != "draft" || !final || v == 0 {
			continue
		}
		r.awaitSignatures(p, v)
	}
	r.end(ruleSignature, r.signedOrDropped)
}

func (r *run) awaitSignatures(p Known, version int) {
	plan := p.Resource.Ref().Current()
	plan.Version = p.Version
	signers, signed := r.Signers(), r.SignedBy(plan, version)
	name := plan.ID + "/" + strconv.Itoa(version) + "/"
	if signers.Enough(signed) { // who was missing need not sign any longer: no signature is left to bring it into force
		t := r.signTask(p, version, name+"van-kracht", r.coordinator(p.Custodian))
		t.text = saySigned
		r.ask(t)
		return
	}
	missing := signers.missing(signed)
	asked := r.today
	for _, who := range missing {
		r.ask(r.signTask(p, version, name+who.ID, who))
		id := r.id(ruleSignature, name+who.ID)
		day := r.Past[id]
		if known, ok := r.stored[id]; ok {
			day, _ = dayOf(known.Resource.Root().Member("authoredOn"))
		}
		if !day.IsZero() && day.Before(asked) {
			asked = day.Truncate(24 * time.Hour)
		}
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
// name the version of the record, or in their target that of the resource.
func (s *Situation) SignaturesOn(plan fhir.Ref, version int) []*fhir.Resource {
	var out []*fhir.Resource
	for _, p := range s.Signatures {
		n := p.Resource.Root()
		said := extension(n, "versie").Member("valuePositiveInt")
		if said.Exists() && said.Text() != strconv.Itoa(version) {
			continue
		}
		for t := range n.All("target", "reference") {
			ref, ok := fhir.ParseRef(t.Text())
			if ok && ref.Current() == plan.Current() && (said.Exists() || ref.Version > 0 && ref.Version == plan.Version) {
				out = append(out, p.Resource)
				break
			}
		}
	}
	slices.SortFunc(out, func(a, b *fhir.Resource) int { return cmp.Compare(a.ID(), b.ID()) })
	return out
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
