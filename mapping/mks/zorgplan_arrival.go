package mks

import (
	"fmt"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
)

// plansArrive brings into force what waited for this child record alone: final plans that were signed
// enough on the day of their own record, so that plan and child give one state in either order (mks.md
// 7.6). A plan about which its sender is asked waits on.
func (m *mapper) plansArrive(hits []*mapping.Found, questions map[string]*question) error {
	var drafts []*fhir.Resource
	for _, hit := range hits {
		r := hit.Resource
		final := part(bronRecordOf(r.Root()), "status").Text() == "definitief"
		if r.Type() == "CarePlan" && final && questions[r.Root().At("meta", "source").Text()] == nil {
			drafts = append(drafts, r)
		}
	}
	if len(drafts) == 0 {
		return nil
	}
	after, err := m.afterwards()
	if err != nil {
		return err
	}
	for _, plan := range drafts {
		if err := m.planArrivesInForce(plan, after.signatures(hits, plan.Ref()), after); err != nil {
			return err
		}
	}
	return nil
}

func (m *mapper) planArrivesInForce(plan *fhir.Resource, signatures []*fhir.Resource, after *afterwards) error {
	a, err := newActivation(after.current(plan), after, m.now)
	if a == nil || err != nil {
		return err
	}
	enough, err := a.signedEnough(signatures, m.allSign)
	if err != nil || !enough {
		return err
	}
	if err := a.run(signatures); err != nil {
		return err
	}
	at := map[fhir.Ref]int{}
	for i := range m.added {
		at[m.added[i].ref] = i
	}
	for _, made := range a.added {
		if i, ok := at[made.ref]; ok {
			m.added[i] = made
			continue
		}
		m.added = append(m.added, made)
	}
	return nil
}

// signedEnough judges the signatures on a draft as its record would have been judged behind its child.
func (a *activation) signedEnough(signatures []*fhir.Resource, all bool) (bool, error) {
	child, err := a.known.Read(a.child.ref)
	if err != nil {
		return false, fmt.Errorf("mks.signedEnough: %w", err)
	}
	a.child.found, a.child.birth = child, form.Day(found(child).Member("birthDate").Text())
	var by []target
	for _, s := range signatures {
		for who := range s.Root().All("signature", "who", "reference") {
			t, err := a.signer(refOf(who.Text()))
			if err != nil {
				return false, err
			}
			by = append(by, t)
		}
	}
	s, err := a.countSigners(by)
	return s.enough(form.Age(a.child.birth, a.head.recordedDay), all), err
}

// signer returns who a signature is of.
func (a *activation) signer(who fhir.Ref) (target, error) {
	t := target{kind: "bet", ref: who}
	switch {
	case who == a.child.ref:
		t.kind = "kind"
	case who.Type == "PractitionerRole":
		hit, err := a.known.Read(who)
		if err != nil {
			return t, fmt.Errorf("mks.signer: %w", err)
		}
		t.kind, t.node = "med", found(hit)
		t.role = codeIn(t.node, "code", "teamrol")
	}
	return t, nil
}

// afterwards is what is stored as it will be when this record is.
type afterwards struct {
	mapping.Known
	fresh map[fhir.Ref]*mapping.Found
}

func (m *mapper) afterwards() (*afterwards, error) {
	k := &afterwards{m.known, map[fhir.Ref]*mapping.Found{}}
	for i := range m.added {
		tree, err := m.added[i].tree()
		if err != nil {
			return nil, err
		}
		k.fresh[m.added[i].ref] = &mapping.Found{Resource: tree, Custodian: m.sender}
	}
	return k, nil
}

// Read implements mapping.Known.
func (k *afterwards) Read(ref fhir.Ref) (*mapping.Found, error) {
	if f := k.fresh[ref.Current()]; f != nil {
		return f, nil
	}
	return k.Known.Read(ref)
}

// current returns a stored resource as it will be.
func (k *afterwards) current(r *fhir.Resource) *fhir.Resource {
	if f := k.fresh[r.Ref().Current()]; f != nil {
		return f.Resource
	}
	return r
}

// signatures are those on a plan.
func (k *afterwards) signatures(hits []*mapping.Found, plan fhir.Ref) []*fhir.Resource {
	var out []*fhir.Resource
	for _, hit := range hits {
		n := found(hit)
		for t := range n.All("target", "reference") {
			if hit.Resource.Type() == "Provenance" && n.Member("signature").Exists() && refOf(t.Text()) == plan.Current() {
				out = append(out, k.current(hit.Resource))
			}
		}
	}
	return out
}
