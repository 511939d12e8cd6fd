package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// maxVisible bounds the ids of a Filter, access.md 9.
const maxVisible = 100_000

// directoryCompartment is the key of Filter.Visible for directory resources.
const directoryCompartment = "_directory"

// Filter is a decision compiled for the search of one type: the rows that pass. A row passes when
// Scopes hold and it is either of a directory type, an own record, or listed in Visible.
type Filter struct {
	None         bool                // nothing passes
	Directory    bool                // every row of the type passes
	Organization fhir.Ref            // rows with this custodian or author pass (own record)
	Patient      fhir.Ref            // rows whose patients are exactly this one; zero: any
	Visible      map[string][]string // compartment → ids that pass; "_directory" for directory types
	Scopes       [][]search.Clause   // granular scopes: any of, each all of; nil: no condition

	// Reduced are those of Visible that leave with elements taken out. A search must not go by what is
	// taken out of them.
	Reduced []Reduction
	// Unsorted are, by search parameter, the ids of rows whose values of it are withheld: they have no
	// place in an order by it. Compile leaves it to the caller.
	Unsorted map[string][]string
	// Via are the Filters of the other types that a search passes through in chains, or finds beside
	// this one. A type that is not there shows nothing. Compile leaves it to the caller.
	Via map[fhir.Type]Filter
}

// Reduction is a resource with the obligations under which it leaves.
type Reduction struct {
	Ref         fhir.Ref
	Obligations []string
}

// Compile returns the Filter of p for a search of a.Type. f.Children are the children that p can
// reach other than by own record: those of its teams, Tasks and Consents, of the user, and with a
// break-glass token those that the query names. heads yields the facts of the stored resources of
// that type in a compartment; Compile decides on each. NeedsAll tells when heads must yield the
// resources of every type. Visible lists a resource of several patients under the first.
// The Decision is that of phase A: when it denies, the Filter passes nothing. More than 100,000
// ids are an error (policy-unavailable).
func Compile(p Principal, a Action, f Facts, heads func(c *Child) ([]ResourceFacts, error)) (Filter, Decision, error) {
	f.Resource = nil
	d := Decide(p, a, f)
	if !d.Permit {
		return Filter{None: true}, d, nil
	}
	q := inquiry{p: &p, a: &a, f: &f, act: interactions[a.Interaction], role: roles[p.Role]}
	out := q.frame()
	if out.Directory {
		return out, d, nil
	}
	seen := map[fhir.Ref]bool{}
	for _, c := range f.Children {
		if c == nil || !out.Organization.IsZero() && q.shut(c) { // own records pass by their custodian
			continue
		}
		rows, err := heads(c)
		if err != nil {
			return Filter{None: true}, d, fhir.Wrap("auth.Compile", err)
		}
		for i := range rows {
			q.admit(&out, &rows[i], seen)
		}
		if len(seen) > maxVisible {
			return Filter{None: true}, d, &fhir.Error{Kind: fhir.Unavailable, Op: "auth.Compile", Reason: "policy-unavailable"}
		}
	}
	return out, d, nil
}

// partyTypes are the types that an organisation may read by being named in them.
var partyTypes = types("Consent", "Task", "DetectedIssue", "CareTeam")

// shut reports whether an organisation can read nothing of a child but its own records.
func (q *inquiry) shut(c *Child) bool {
	if q.role.person || q.p.Role == Admin || q.emergency() || IsDirectory(q.a.Type) || partyTypes[q.a.Type] {
		return false
	}
	v := c.viewOf(q.p, q.f, q.act.disclose)
	g := &v.ground
	if q.a.Type == "CarePlan" && v.before != nil {
		return false
	}
	return !g.related() && (q.a.Type != "Patient" || len(g.offer) == 0)
}

// NeedsAll reports whether heads of Compile must yield the resources of every type of a child: under
// patient/ scopes the care directory is open as far as a readable resource refers to it.
func NeedsAll(p Principal, a Action) bool {
	q := inquiry{p: &p, a: &a, act: interactions[a.Interaction], role: roles[p.Role]}
	_, onlyPatient := q.scoped()
	return CareDirectory(a.Type) && onlyPatient
}

// OnlyOwnPatient reports whether p reaches a.Type by patient/ scopes alone: then a search reaches no
// child but the token's.
func OnlyOwnPatient(p Principal, a Action) bool {
	q := inquiry{p: &p, a: &a, act: interactions[a.Interaction], role: roles[p.Role]}
	_, onlyPatient := q.scoped()
	return onlyPatient
}

// frame returns the part of the Filter that needs no look at the resources.
func (q *inquiry) frame() Filter {
	out := Filter{Visible: map[string][]string{}}
	found, onlyPatient := q.scoped()
	if !found {
		return Filter{None: true}
	}
	mixed := false
	for i := range q.p.Scopes.entries {
		e := &q.p.Scopes.entries[i]
		above := !onlyPatient && (CareDirectory(q.a.Type) || q.openAbove())
		if !q.counts(e) || e.level == "patient" && above {
			continue
		}
		mixed = mixed || (e.level == "patient") != onlyPatient
		out.Scopes = append(out.Scopes, e.clauses())
	}
	if slices.ContainsFunc(out.Scopes, func(c []search.Clause) bool { return len(c) == 0 }) {
		out.Scopes = nil
	}
	switch {
	case IsDirectory(q.a.Type):
		out.Directory = !CareDirectory(q.a.Type) || !onlyPatient
		return out
	case mixed: // each row of the children is judged by itself; other own records stay out
		out.Scopes = nil
		return out
	case onlyPatient:
		out.Patient = q.p.Patient
	}
	if !q.role.person {
		out.Organization = q.p.Organization
	}
	return out
}

// openAbove reports whether a scope of a wider level than patient/ has no condition.
func (q *inquiry) openAbove() bool {
	return slices.ContainsFunc(q.p.Scopes.entries, func(e scope) bool {
		return q.counts(&e) && e.level != "patient" && len(e.query) == 0
	})
}

// admit adds to the Filter what a stored resource opens.
func (q *inquiry) admit(out *Filter, r *ResourceFacts, seen map[fhir.Ref]bool) {
	f := *q.f
	f.Resource = r
	if IsDirectory(q.a.Type) {
		if IsDirectory(r.Ref.Type) || q.p.Patient.IsZero() { // a read goes by the compartment of the token's patient
			return
		}
		d := Decide(*q.p, Action{Interaction: Read, Type: r.Ref.Type}, f)
		for _, ref := range r.Refs {
			if ref.Type == q.a.Type && d.leadsTo(ref) {
				out.add(directoryCompartment, ref, seen)
			}
		}
		return
	}
	if r.Ref.Type != q.a.Type || len(r.Patients) == 0 {
		return
	}
	d := Decide(*q.p, *q.a, f)
	if !d.Permit {
		return
	}
	if Redacts(d.Obligations) && !seen[r.Ref.Current()] {
		out.Reduced = append(out.Reduced, Reduction{r.Ref, d.Obligations})
	}
	out.add(r.Patients[0].ID, r.Ref.Current(), seen)
}

func (f *Filter) add(compartment string, ref fhir.Ref, seen map[fhir.Ref]bool) {
	if !seen[ref] {
		seen[ref] = true
		f.Visible[compartment] = append(f.Visible[compartment], ref.ID)
	}
}
