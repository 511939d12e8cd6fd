package arrive

import (
	"fmt"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/plan"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// plansArrive brings into force what waited for this child record alone: final plans that were signed
// enough on the day of their own record, so that plan and child give one state in either order (mks.md
// 7.6). A plan about which its sender is asked waits on.
func plansArrive(m *tofhir.Mapper, hits []*mapping.Found, questions map[string]*question) error {
	var drafts []*fhir.Resource
	for _, hit := range hits {
		r := hit.Resource
		final := tofhir.Part(plan.BronRecordOf(r.Root()), "status").Text() == "definitief"
		if r.Type() == "CarePlan" && final && questions[r.Root().At("meta", "source").Text()] == nil {
			drafts = append(drafts, r)
		}
	}
	if len(drafts) == 0 {
		return nil
	}
	after, err := whatFollows(m)
	if err != nil {
		return err
	}
	for _, plan := range drafts {
		if err := planArrivesInForce(m, plan, after.signatures(hits, plan.Ref()), after); err != nil {
			return err
		}
	}
	return nil
}

func planArrivesInForce(m *tofhir.Mapper, draft *fhir.Resource, signatures []*fhir.Resource, after *afterwards) error {
	a, err := plan.NewActivation(after.current(draft), after, m.Now)
	if a == nil || err != nil {
		return err
	}
	enough, err := signedEnough(a, signatures, m.AllSign)
	if err != nil || !enough {
		return err
	}
	if err := a.Run(signatures); err != nil {
		return err
	}
	at := map[fhir.Ref]int{}
	for i := range m.Added {
		at[m.Added[i].Ref] = i
	}
	for _, made := range a.Added {
		if i, ok := at[made.Ref]; ok {
			m.Added[i] = made
			continue
		}
		m.Added = append(m.Added, made)
	}
	return nil
}

// signedEnough judges the signatures on a draft as its record would have been judged behind its child.
func signedEnough(a *plan.Activation, signatures []*fhir.Resource, all bool) (bool, error) {
	child, err := a.Known.Read(a.Child.Ref)
	if err != nil {
		return false, fmt.Errorf("mks.signedEnough: %w", err)
	}
	a.Child.Found, a.Child.Birth = child, form.Day(tofhir.Found(child).Member("birthDate").Text())
	var by []tofhir.Target
	for _, s := range signatures {
		for who := range s.Root().All("signature", "who", "reference") {
			t, err := signer(a, tofhir.RefOf(who.Text()))
			if err != nil {
				return false, err
			}
			by = append(by, t)
		}
	}
	s, err := plan.CountSigners(a.Mapper, by)
	return s.Enough(form.Age(a.Child.Birth, a.Head.RecordedDay), all), err
}

// signer returns who a signature is of.
func signer(a *plan.Activation, who fhir.Ref) (tofhir.Target, error) {
	t := tofhir.Target{Kind: "bet", Ref: who}
	switch {
	case who == a.Child.Ref:
		t.Kind = "kind"
	case who.Type == "PractitionerRole":
		hit, err := a.Known.Read(who)
		if err != nil {
			return t, fmt.Errorf("mks.signer: %w", err)
		}
		t.Kind, t.Node = "med", tofhir.Found(hit)
		t.Role = tofhir.CodeIn(t.Node, "code", "teamrol")
	}
	return t, nil
}

// afterwards is what is stored as it will be when this record is.
type afterwards struct {
	mapping.Known
	fresh map[fhir.Ref]*mapping.Found
}

func whatFollows(m *tofhir.Mapper) (*afterwards, error) {
	k := &afterwards{m.Known, map[fhir.Ref]*mapping.Found{}}
	for i := range m.Added {
		tree, err := m.Added[i].Tree()
		if err != nil {
			return nil, err
		}
		k.fresh[m.Added[i].Ref] = &mapping.Found{Resource: tree, Custodian: m.Sender}
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
		n := tofhir.Found(hit)
		for t := range n.All("target", "reference") {
			if hit.Resource.Type() == "Provenance" && n.Member("signature").Exists() && tofhir.RefOf(t.Text()) == plan.Current() {
				out = append(out, k.current(hit.Resource))
			}
		}
	}
	return out
}
