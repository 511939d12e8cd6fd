package auth

// Objected reports whether a Consent that counts denies f.Resource to the organisation of p altogether
// (consent-denied, access.md 4.4), whatever relation it has to the child. A deny of some domains alone
// is none.
func Objected(p Principal, f Facts) bool {
	q := inquiry{p: &p, a: &Action{Interaction: Read, Type: f.Resource.Ref.Type}, f: &f, act: interactions[Read], role: roles[p.Role]}
	for _, ref := range f.Resource.Patients {
		c := q.child(ref)
		if c == nil { // nothing is known of the child: nothing is shared
			return true
		}
		t := target{ResourceFacts: f.Resource, lookup: f.Lookup, v: c.viewOf(q.p, q.f, false)}
		if v := t.judge(terms{needsPermit: true, denies: deniesAll, standard: q.standard(&t)}); v.reason == "consent-denied" {
			return true
		}
	}
	return false
}
