package back

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// record is one record version that is read back.
type record struct {
	*set
	by       mapping.Origin // names what has no source of its own
	typ      string         // recordType
	id       string         // recordId
	anchor   fhir.Node
	envelope fhir.Node // bron-record; missing for another origin
	patient  fhir.Node // the child
	// provenance tells of this version; missing when it is not in the Bundle.
	provenance fhir.Node
	mine       []fhir.Node // what the record consists of, in source order
	several    bool        // the anchor carries records of several sources
	system     string      // base
	// named: the Provenance says which elements of the Patient this version set; born: its birth date is one.
	named, born bool
}

// foreign reports whether the record is of another origin: no bron-record says what it was.
func (r *record) foreign() bool { return !r.envelope.Exists() }

// base returns the identifier system that all ids of the source begin with.
func (r *record) base() string { return r.system }

func (r *record) systemOf() string {
	ura, app := part(r.envelope, "ura").Text(), part(r.envelope, "applicatie").Text()
	if r.foreign() {
		ura, app = r.by.Organization.Value, r.by.Application
	}
	return fhir.Canonical + "/bron/" + ura + "/" + app
}

func (r *record) versie() string { return part(r.envelope, "versie").Text() }

// metaSource is meta.source of what the record made, without its version.
func (r *record) metaSource() string { return r.base() + "#" + r.typ + "/" + r.id + "/" }

// newRecord returns the record of an anchor, without its parts.
func newRecord(s *set, by mapping.Origin, typ string, anchor, envelope fhir.Node) *record {
	r := &record{set: s, by: by, typ: typ, id: part(envelope, "recordId").Text(), anchor: anchor, envelope: envelope}
	r.system = r.systemOf()
	r.patient = anchor
	if anchor.Resource().Type() != "Patient" {
		r.patient = s.get(anchor.Member("subject"))
		if !r.patient.Exists() {
			r.patient = s.get(anchor.Member("patient"))
		}
	}
	if r.foreign() {
		r.id = anchor.Resource().ID()
		r.provenance = s.about(anchor.Resource().Ref())
	} else {
		r.provenance = s.told[fhir.Identifier{System: r.base() + "/" + typ, Value: r.id + "/" + r.versie()}]
	}
	r.readChanges()
	return r
}

// takeIn counts what the record consists of as read. It reports whether there may be so much.
func (r *record) takeIn() bool {
	for _, n := range append([]fhir.Node{r.anchor, r.patient, r.provenance}, r.mine...) {
		if !r.spend(n) {
			return false
		}
	}
	return true
}

// about returns the first Provenance that has a resource among its targets.
func (s *set) about(ref fhir.Ref) fhir.Node {
	for _, p := range s.all("Provenance") {
		for target := range p.All("target", "reference") {
			if target.Text() == ref.String() {
				return p
			}
		}
	}
	return fhir.Node{}
}

// everything returns all resources: what belongs to a record of another origin is told by what it is.
func (r *record) everything() []fhir.Node {
	out := make([]fhir.Node, len(r.rs))
	for i, x := range r.rs {
		out[i] = x.Root()
	}
	return out
}

// gather returns the parts: the targets of the Provenance in their order, then what names this version
// as its meta.source. A target that an earlier version made was ended by this one and is none of it.
func (r *record) gather() []fhir.Node {
	var out []fhir.Node
	seen := map[fhir.Ref]bool{}
	add := func(x *fhir.Resource) {
		source := x.Root().At("meta", "source").Text()
		version, own := strings.CutPrefix(source, r.metaSource())
		if seen[x.Ref()] || own && version != r.versie() {
			return
		}
		seen[x.Ref()] = true
		out = append(out, x.Root())
	}
	for target := range r.provenance.All("target", "reference") {
		ref, ok := fhir.ParseRef(target.Text())
		if !ok {
			continue
		}
		if x := r.byRef[ref.Current()]; x != nil {
			add(x)
		} else if !slices.Contains(elsewhere, ref.Type) {
			r.warn("incomplete", ruleIncomplete, target, "A resource of this record is not in the Bundle; what it holds is left out.")
		}
	}
	for _, x := range r.from[r.metaSource()+r.versie()] {
		add(x)
	}
	return out
}

// elsewhere are types of a record that no member is read from.
var elsewhere = []fhir.Type{"Task", "Appointment", "Provenance"}

// parts returns the resources of the record of a type, those whose code, type or category is one of a
// list of ours. With an empty list all of the type.
func (r *record) parts(t fhir.Type, list, want string) []fhir.Node {
	var out []fhir.Node
	for _, n := range r.mine {
		if n.Resource().Type() != t {
			continue
		}
		if list == "" || has(n.Member("code"), list, want) || has(n.Member("category"), list, want) || has(n.Member("type"), list, want) {
			out = append(out, n)
		}
	}
	return out
}

// part returns the first of parts, a missing node without one.
func (r *record) part(t fhir.Type, list, want string) fhir.Node {
	return firstOf(r.parts(t, list, want))
}

// document returns the whole source document around its content.
func (r *record) document(content *node) *node {
	e := r.envelope
	if content == nil {
		content = &node{shape: fhir.Object}
	}
	rows := []member{
		m("schema", str("mks-bron/1")), m("recordType", str(r.typ)), m("recordId", str(r.id)),
		m("versie", number(part(e, "versie"))), m("status", text(part(e, "status"))),
		m("intrekReden", text(part(e, "intrekReden"))),
		m("bronsysteem", object(
			m("ura", text(part(e, "ura"))), m("naam", text(part(e, "systeemNaam"))), m("applicatie", text(part(e, "applicatie"))))),
		m("vastgelegdOp", text(part(e, "vastgelegdOp"))), m("vastgelegdDoor", r.ref(part(e, "vastgelegdDoor"))),
		m("kind", object(m("bsn", r.bsn()), m("lokaalId", text(part(e, "lokaalId"))))),
	}
	if r.foreign() {
		rows = r.foreignRows()
	}
	return object(append(rows, m("inhoud", content))...)
}

// bsn returns the BSN when the source sent it.
func (r *record) bsn() *node {
	number := text(identified(r.patient, bsnSystem))
	if r.foreign() {
		return number
	}
	if part(r.envelope, "bsnGezonden").Text() != "true" {
		return nil
	}
	if number == nil && !r.kept("/kind/bsn") {
		r.fail("required", rulePatient, r.anchor, "The number of the child is on its Patient, which the Bundle lacks; add the Patient.")
	}
	return number
}

// foreignRows is the envelope of a record of another origin: the resource's own id and version, the
// caller's client, and what its Provenance tells.
func (r *record) foreignRows() []member {
	at, p := r.anchor, r.provenance
	recorded := text(p.Member("occurredDateTime"))
	for _, otherwise := range []fhir.Node{p.Member("recorded"), at.At("meta", "lastUpdated")} {
		if recorded == nil {
			recorded = text(otherwise)
		}
	}
	var author *node
	for a := range p.All("agent") {
		if codeNode(a.Member("type"), "http://terminology.hl7.org/CodeSystem/provenance-participant-type").Text() == "author" {
			author = r.ref(a.Member("who"))
		}
	}
	return []member{
		m("schema", str("mks-bron/1")), m("recordType", str(r.typ)), m("recordId", str(r.id)),
		m("versie", wholeText(at.At("meta", "versionId"))), m("status", str(foreignStatus(at))),
		m("bronsysteem", object(
			m("ura", str(r.by.Organization.Value)), m("naam", str(r.by.Name)), m("applicatie", str(r.by.Application)))),
		m("vastgelegdOp", recorded), m("vastgelegdDoor", author),
		m("kind", object(m("bsn", r.bsn()), m("lokaalId", str(r.patientID())))),
	}
}

// patientID is the id of the child's Patient, also when that is not here.
func (r *record) patientID() string {
	if r.patient.Exists() {
		return r.patient.Resource().ID()
	}
	for _, name := range []string{"subject", "patient"} {
		if ref, ok := fhir.ParseRef(r.anchor.At(name, "reference").Text()); ok {
			return ref.ID
		}
	}
	return ""
}

// wholeText reads a whole number that FHIR holds as text.
func wholeText(n fhir.Node) *node {
	s := n.Text()
	if s == "" || len(s) > 9 || s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return nil
	}
	return &node{shape: fhir.Number, text: s}
}

// foreignStatus is the recordstatus that the status of a resource amounts to.
func foreignStatus(n fhir.Node) string {
	switch n.Member("status").Text() {
	case "draft", "preliminary", "planned", "in-progress":
		return "concept"
	case "entered-in-error":
		return "ingetrokken"
	}
	return "definitief"
}
