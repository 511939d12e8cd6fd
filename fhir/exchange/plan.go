package exchange

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// identityTypes bear business identifiers that are looked up without knowing the child: persons,
// organisations, and the resources that carry a source record (mks.md 3.1).
var identityTypes = map[fhir.Type]bool{
	"Patient": true, "RelatedPerson": true, "Person": true, "Practitioner": true,
	"PractitionerRole": true, "Organization": true, "Location": true, "Device": true,
	"QuestionnaireResponse": true, "CarePlan": true, "Encounter": true, "Composition": true, "Consent": true,
}

// draft gathers the writes of one unit. It remembers which patients its own new resources are
// about, so that a Provenance or an Appointment in the same unit finds them.
type draft struct {
	w        *world
	unit     Unit
	patients map[fhir.Ref][]fhir.Ref
	issues   []fhir.Issue
}

func (w *world) draft() *draft { return &draft{w: w, patients: map[fhir.Ref][]fhir.Ref{}} }

// announce tells which patients the resources of the unit are about, before any is put.
func (d *draft) announce(rs []*fhir.Resource) {
	for range 2 { // a Provenance may stand before the RelatedPerson that it is about
		for _, r := range rs {
			f := auth.FactsOf(r, nil, d.patientsOf)
			d.patients[r.Ref()] = f.Patients
		}
	}
}

// patientsOf resolves a reference that stands for patients: in this unit, then in the store.
func (d *draft) patientsOf(ref fhir.Ref) []fhir.Ref {
	ref = ref.Current()
	if ps, ok := d.patients[ref]; ok {
		return ps
	}
	if ref.Type == "Patient" {
		return []fhir.Ref{ref}
	}
	st, err := d.w.v.Read(ref)
	if err != nil {
		return nil
	}
	return st.Facts.Patients
}

// put makes the write of one resource: validated, indexed, with facts and its next version. The
// second result is the stored version that it replaces, nil for a new resource. A resource that
// is the same as its stored version gives a Write without body, which add leaves out.
func (d *draft) put(r *fhir.Resource, custodian, author fhir.Ref) (Write, *Stored, error) {
	const op = "exchange.put"
	prior, err := d.stored(r.Ref())
	if err != nil {
		return Write{}, nil, err
	}
	d.issues = append(d.issues, validate.Resource(r)...)
	rows, err := search.Index(r, d.w.s.base)
	if err != nil {
		return Write{}, nil, fhir.Wrap(op, err)
	}
	facts := auth.FactsOf(r, rows, d.patientsOf)
	if auth.MissingDomain(r.Type(), facts) {
		if r, err = tagged(r); err != nil {
			return Write{}, nil, fhir.Wrap(op, err)
		}
		if rows, err = search.Index(r, d.w.s.base); err != nil {
			return Write{}, nil, fhir.Wrap(op, err)
		}
		facts = auth.FactsOf(r, rows, d.patientsOf)
	}
	facts.Custodian, facts.Author = heldBy(prior, custodian, author)
	version := 1
	if prior != nil {
		version = prior.Ref.Version + 1
	}
	facts.Ref = fhir.Ref{Type: r.Type(), ID: r.ID(), Version: version}
	body, at, err := r.Body()
	if err != nil {
		return Write{}, nil, fhir.Wrap(op, err)
	}
	return Write{
		Ref: facts.Ref, Body: body, MetaAt: at, Facts: facts, Rows: rows,
		Identifiers: identifiersOf(r), Compartments: compartmentsOf(facts),
	}, prior, nil
}

// stored returns the current version, or nil when there is none.
func (d *draft) stored(ref fhir.Ref) (*Stored, error) {
	st, err := d.w.v.Read(ref)
	if missing(err) {
		if fhir.KindOf(err) == fhir.Gone {
			return &st, nil
		}
		return nil, nil
	}
	if err != nil {
		return nil, unavailable("exchange.stored", "policy-unavailable", err)
	}
	return &st, nil
}

// add puts a write into the unit with its notice.
func (d *draft) add(w Write) {
	d.unit.Writes = append(d.unit.Writes, w)
	kind := "update"
	if w.Ref.Version == 1 {
		kind = "create"
	}
	d.unit.Notices = append(d.unit.Notices, Notice{Compartment: w.Compartments[0], Ref: w.Ref, Kind: kind})
}

// heldBy says who holds a resource: the named organisations, else those of the stored version.
func heldBy(prior *Stored, custodian, author fhir.Ref) (fhir.Ref, fhir.Ref) {
	if prior != nil {
		if !prior.Facts.Custodian.IsZero() {
			custodian = prior.Facts.Custodian
		}
		if !prior.Facts.Author.IsZero() {
			author = prior.Facts.Author
		}
	}
	if author.IsZero() {
		author = custodian
	}
	return custodian, author
}

// tagged adds the domain medisch to a clinical resource that names none (access.md 2.1).
func tagged(r *fhir.Resource) (*fhir.Resource, error) {
	return r.Edit(fhir.Edit{
		Path: []string{"meta", "tag"}, Append: true,
		JSON: fmt.Sprintf(`{"system":%q,"code":"medisch"}`, fhir.Canonical+"/CodeSystem/mks-domein"),
	})
}

func identifiersOf(r *fhir.Resource) []fhir.Identifier {
	if !identityTypes[r.Type()] {
		return nil
	}
	var ids []fhir.Identifier
	for n := range r.Root().All("identifier") {
		id := fhir.Identifier{System: n.Member("system").Text(), Value: n.Member("value").Text()}
		if id.System != "" && id.Value != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// compartmentsOf returns where a resource is kept, first, and where it is indexed.
func compartmentsOf(f auth.ResourceFacts) []string {
	if len(f.Patients) == 0 {
		if auth.IsDirectory(f.Ref.Type) {
			return []string{DirectoryCompartment}
		}
		return []string{SystemCompartment}
	}
	cs := make([]string, len(f.Patients))
	for i, p := range f.Patients {
		cs[i] = p.ID
	}
	return cs
}

// faults returns the errors of validation as one refusal, or nil.
func (d *draft) faults(op string) error {
	if !fhir.HasErrors(d.issues) {
		return nil
	}
	return &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: d.issues}
}
