package exchange

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
	"github.com/drieluik/drieluik/fhir/workflow/calendar"
)

// identityTypes bear business identifiers that are looked up without knowing the child: persons,
// organisations, and the resources that carry a source record (mks.md 3.1).
var identityTypes = map[fhir.Type]bool{
	"Patient": true, "RelatedPerson": true, "Person": true, "Practitioner": true,
	"PractitionerRole": true, "Organization": true, "Location": true, "Device": true,
	"QuestionnaireResponse": true, "CarePlan": true, "Encounter": true, "Composition": true, "Consent": true,
}

// draft gathers the writes of one unit. It remembers what its own new resources say of each other:
// which patients they are about, so that a Provenance or an Appointment in the same unit finds
// them, and for whom staff acts.
type draft struct {
	w        *world
	unit     Unit
	patients map[fhir.Ref][]fhir.Ref
	staff    map[fhir.Ref][]fhir.Ref // PractitionerRole → organisation and practitioner
	issues   []fhir.Issue
	told     []calendar.Told // by the rules of time, for the report of a push
	passed   []fhir.Ref      // tasks of help that a rule of time asks for, whoever writes the unit
	trees    map[fhir.Ref]drafted
	room     int // bytes of text of which trees may still be remembered
}

// drafted is the tree of a write, and the text that was made of it.
type drafted struct {
	tree *fhir.Resource
	body []byte
}

// maxTrees bounds the text of which a draft remembers trees: those of a large transaction are many times its size.
const maxTrees = 64 << 10

func (w *world) draft() *draft {
	return &draft{w: w, patients: map[fhir.Ref][]fhir.Ref{}, staff: map[fhir.Ref][]fhir.Ref{}, trees: map[fhir.Ref]drafted{}, room: maxTrees}
}

// announce tells what the resources of the unit are about, before any is put.
func (d *draft) announce(rs []*fhir.Resource) {
	var later []*fhir.Resource
	for _, r := range rs {
		f, own := auth.FactsOf(r, nil, d.patientsOf), apart(r.Ref())
		d.patients[own] = apartAll(f.Patients)
		if r.Type() == "PractitionerRole" {
			d.staff[own] = apartAll(f.Refs)
		}
		if len(f.Patients) == 0 && !auth.IsDirectory(r.Type()) {
			later = append(later, r) // a Provenance may stand before the RelatedPerson that it is about
		}
	}
	for _, r := range later {
		d.patients[apart(r.Ref())] = apartAll(auth.FactsOf(r, nil, d.patientsOf).Patients)
	}
}

// apart returns a reference that does not keep the text alive in which it stands.
func apart(ref fhir.Ref) fhir.Ref {
	ref.ID = strings.Clone(ref.ID)
	return ref
}

func apartAll(refs []fhir.Ref) []fhir.Ref {
	out := make([]fhir.Ref, len(refs))
	for i, ref := range refs {
		out[i] = apart(ref)
	}
	return out
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
	if d.w.doubt(err); err != nil {
		return nil
	}
	return st.Facts.Patients
}

// put makes the write of one resource that replaces prior, nil when it is new: validated, indexed,
// with facts and its next version.
func (d *draft) put(r *fhir.Resource, prior *Stored, custodian, author fhir.Ref) (Write, error) {
	const op = "exchange.put"
	r, err := tagged(r)
	if err == nil {
		r, err = ofItsRule(r, prior)
	}
	if err != nil {
		return Write{}, fhir.Wrap(op, err)
	}
	from := d.w.on.clock()
	issues := d.w.s.checks.Resource(r)
	d.w.on.add(onValidate, from, judgedStep(r.Type(), issues))
	d.issues = append(d.issues, issues...)
	rows, err := search.Index(r, d.w.s.base)
	if err != nil {
		return Write{}, fhir.Wrap(op, err)
	}
	facts := auth.FactsOf(r, rows, d.patientsOf)
	if d.w.broken != nil {
		return Write{}, d.w.broken
	}
	facts.Custodian, facts.Author = heldBy(prior, custodian, author)
	if facts.Parties, err = d.parties(r.Type(), facts); err != nil {
		return Write{}, fhir.Wrap(op, err)
	}
	version := 1
	if prior != nil {
		version = prior.Ref.Version + 1
	}
	facts.Ref = fhir.Ref{Type: r.Type(), ID: r.ID(), Version: version}
	body, at, err := r.Body()
	if err != nil {
		return Write{}, fhir.Wrap(op, err)
	}
	if d.room -= len(body); d.room >= 0 {
		d.trees[facts.Ref] = drafted{r, body}
	}
	return Write{
		Ref: facts.Ref, Body: body, MetaAt: at, Facts: facts, Rows: rows,
		Identifiers: identifiersOf(r), Compartments: compartmentsOf(facts),
	}, nil
}

// treeOf returns the tree of a write that is no deletion, but for what its meta tells of the version.
func (d *draft) treeOf(w *Write) (*fhir.Resource, error) {
	if known, ok := d.trees[w.Ref]; ok && len(known.body) == len(w.Body) && &known.body[0] == &w.Body[0] {
		return known.tree, nil
	}
	return treeOf(written(w))
}

// unchanged reports whether a resource is what prior stores. An organisation or a person of the
// staff that only came with another record is unchanged too: were it written at each push, all
// pushes of a sender would wait for each other.
func unchanged(r *fhir.Resource, prior *Stored) (bool, error) {
	const op = "exchange.unchanged"
	if prior == nil || prior.Deleted {
		return false, nil
	}
	r, err := tagged(r)
	if err != nil {
		return false, fhir.Wrap(op, err)
	}
	body, _, err := r.Body()
	if err != nil || string(body) == string(prior.Body) || !auth.IsDirectory(r.Type()) {
		return string(body) == string(prior.Body), fhir.Wrap(op, err)
	}
	old, err := tree(*prior)
	if err != nil {
		return false, err
	}
	now, then := r.Root(), old.Root()
	for n := range now.Children() {
		if n.Name() != "meta" && !fhir.Equal(n, then.Member(n.Name())) {
			return false, nil
		}
	}
	meta := func(name string) bool { return fhir.Equal(now.At("meta", name), then.At("meta", name)) }
	return members(now) == members(then) && meta("profile") && meta("security"), nil
}

// members counts the members of a resource but for meta, which every stored resource has.
func members(root fhir.Node) int {
	if root.Member("meta").Exists() {
		return root.Len() - 1
	}
	return root.Len()
}

// parties completes the parties of a resource by what other resources say: a team or task that
// names staff relates their organisation and the person, and an issue is read by those who hold
// what it implicates (auth.ResourceFacts.Parties).
func (d *draft) parties(t fhir.Type, f auth.ResourceFacts) ([]fhir.Ref, error) {
	named := f.Parties
	if t == "DetectedIssue" { // who keeps the child alone is no party
		named = slices.DeleteFunc(slices.Clone(f.Refs), func(ref fhir.Ref) bool { return ref.Type == "Patient" })
	}
	out := slices.Clone(f.Parties)
	for _, ref := range named {
		var more []fhir.Ref
		var err error
		switch {
		case t == "DetectedIssue":
			more, err = d.holders(ref)
		case ref.Type == "PractitionerRole" && (t == "CareTeam" || t == "Task"):
			more, err = d.employers(ref)
		}
		if err != nil {
			return nil, err
		}
		for _, m := range more {
			if !m.IsZero() && !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
	}
	return out, nil
}

// employers returns for whom a PractitionerRole acts: in this unit, then in the store.
func (d *draft) employers(role fhir.Ref) ([]fhir.Ref, error) {
	refs, ok := d.staff[role]
	if !ok {
		st, err := d.stored(role)
		if err != nil || st == nil {
			return nil, err
		}
		refs = st.Facts.Refs
	}
	return slices.DeleteFunc(slices.Clone(refs), func(ref fhir.Ref) bool {
		return ref.Type != "Organization" && ref.Type != "Practitioner"
	}), nil
}

// holders returns custodian and author of a resource: of this unit, then of the store.
func (d *draft) holders(ref fhir.Ref) ([]fhir.Ref, error) {
	for _, w := range d.unit.Writes {
		if w.Ref.Current() == ref {
			return []fhir.Ref{w.Facts.Custodian, w.Facts.Author}, nil
		}
	}
	st, err := d.stored(ref)
	if err != nil || st == nil {
		return nil, err
	}
	return []fhir.Ref{st.Facts.Custodian, st.Facts.Author}, nil
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
	switch {
	case len(w.Body) == 0:
		kind = "delete"
	case w.Ref.Version == 1:
		kind = "create"
	}
	d.unit.Notices = append(d.unit.Notices, Notice{Compartment: w.Compartments[0], Ref: w.Ref, Kind: kind})
	if !feedsRules(w) {
		return
	}
	for _, p := range w.Facts.Patients {
		if at := (Due{Compartment: p.ID}); !slices.Contains(d.unit.Due, at) {
			d.unit.Due = append(d.unit.Due, at)
		}
	}
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

const domainSystem = fhir.Canonical + "/CodeSystem/mks-domein"

// tagged adds the domain medisch to a clinical resource that names none (access.md 2.1).
func tagged(r *fhir.Resource) (*fhir.Resource, error) {
	var named auth.ResourceFacts
	for tag := range r.Root().All("meta", "tag") {
		if tag.Member("system").Text() == domainSystem {
			named.Domains = append(named.Domains, tag.Member("code").Text())
		}
	}
	if !auth.MissingDomain(r.Type(), named) {
		return r, nil
	}
	return r.Edit(fhir.Edit{
		Path: []string{"meta", "tag"}, Append: true, JSON: fmt.Sprintf(`{"system":%q,"code":"medisch"}`, domainSystem),
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
