package back

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/rebuild"
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
	ura, app := rebuild.Part(r.envelope, "ura").Text(), rebuild.Part(r.envelope, "applicatie").Text()
	if r.foreign() {
		ura, app = r.by.Organization.Value, r.by.Application
	}
	return fhir.Canonical + "/bron/" + ura + "/" + app
}

func (r *record) versie() string { return rebuild.Part(r.envelope, "versie").Text() }

// metaSource is meta.source of what the record made, without its version.
func (r *record) metaSource() string { return r.base() + "#" + r.typ + "/" + r.id + "/" }

// newRecord returns the record of an anchor, without its parts.
func newRecord(s *set, by mapping.Origin, typ string, anchor, envelope fhir.Node) *record {
	r := &record{set: s, by: by, typ: typ, id: rebuild.Part(envelope, "recordId").Text(), anchor: anchor, envelope: envelope}
	r.system = r.systemOf()
	r.patient = anchor
	if anchor.Resource().Type() != "Patient" {
		r.patient = s.Get(anchor.Member("subject"))
		if !r.patient.Exists() {
			r.patient = s.Get(anchor.Member("patient"))
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
		if !r.Spend(n) {
			return false
		}
	}
	return true
}

// about returns the first Provenance that has a resource among its targets.
func (s *set) about(ref fhir.Ref) fhir.Node {
	for _, p := range s.All("Provenance") {
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
	out := make([]fhir.Node, len(r.Resources()))
	for i, x := range r.Resources() {
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
		if n := r.Read(ref.Current()); n.Exists() {
			add(n.Resource())
		} else if !slices.Contains(elsewhere, ref.Type) {
			r.Warn("incomplete", ruleIncomplete, target, "A resource of this record is not in the Bundle; what it holds is left out.")
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
		if list == "" || rebuild.Has(n.Member("code"), list, want) || rebuild.Has(n.Member("category"), list, want) || rebuild.Has(n.Member("type"), list, want) {
			out = append(out, n)
		}
	}
	return out
}

// part returns the first of parts, a missing node without one.
func (r *record) part(t fhir.Type, list, want string) fhir.Node {
	return rebuild.FirstOf(r.parts(t, list, want))
}

// document returns the whole source document around its content.
func (r *record) document(content *rebuild.Value) *rebuild.Value {
	e := r.envelope
	if content == nil {
		content = rebuild.Empty()
	}
	rows := []rebuild.Member{
		rebuild.M("schema", rebuild.String("mks-bron/1")), rebuild.M("recordType", rebuild.String(r.typ)), rebuild.M("recordId", rebuild.String(r.id)),
		rebuild.M("versie", rebuild.Number(rebuild.Part(e, "versie"))), rebuild.M("status", rebuild.Text(rebuild.Part(e, "status"))),
		rebuild.M("intrekReden", rebuild.Text(rebuild.Part(e, "intrekReden"))),
		rebuild.M("bronsysteem", rebuild.Object(
			rebuild.M("ura", rebuild.Text(rebuild.Part(e, "ura"))), rebuild.M("naam", rebuild.Text(rebuild.Part(e, "systeemNaam"))), rebuild.M("applicatie", rebuild.Text(rebuild.Part(e, "applicatie"))))),
		rebuild.M("vastgelegdOp", rebuild.Text(rebuild.Part(e, "vastgelegdOp"))), rebuild.M("vastgelegdDoor", r.ref(rebuild.Part(e, "vastgelegdDoor"))),
		rebuild.M("kind", rebuild.Object(rebuild.M("bsn", r.bsn()), rebuild.M("lokaalId", rebuild.Text(rebuild.Part(e, "lokaalId"))))),
	}
	if r.foreign() {
		rows = r.foreignRows()
	}
	return rebuild.Object(append(rows, rebuild.M("inhoud", content))...)
}

// bsn returns the BSN when the source sent it.
func (r *record) bsn() *rebuild.Value {
	number := rebuild.Text(rebuild.Identified(r.patient, bsnSystem))
	if r.foreign() {
		return number
	}
	if rebuild.Part(r.envelope, "bsnGezonden").Text() != "true" {
		return nil
	}
	if number == nil && !r.kept("/kind/bsn") {
		r.Fail("required", rulePatient, r.anchor, "The number of the child is on its Patient, which the Bundle lacks; add the Patient.")
	}
	return number
}

// foreignRows is the envelope of a record of another origin: the resource's own id and version, the
// caller's client, and what its Provenance tells.
func (r *record) foreignRows() []rebuild.Member {
	at, p := r.anchor, r.provenance
	recorded := rebuild.Text(p.Member("occurredDateTime"))
	for _, otherwise := range []fhir.Node{p.Member("recorded"), at.At("meta", "lastUpdated")} {
		if recorded == nil {
			recorded = rebuild.Text(otherwise)
		}
	}
	var author *rebuild.Value
	for a := range p.All("agent") {
		if rebuild.CodeIn(a.Member("type"), "http://terminology.hl7.org/CodeSystem/provenance-participant-type").Text() == "author" {
			author = r.ref(a.Member("who"))
		}
	}
	return []rebuild.Member{
		rebuild.M("schema", rebuild.String("mks-bron/1")), rebuild.M("recordType", rebuild.String(r.typ)), rebuild.M("recordId", rebuild.String(r.id)),
		rebuild.M("versie", rebuild.Whole(at.At("meta", "versionId").Text())), rebuild.M("status", rebuild.String(foreignStatus(at))),
		rebuild.M("bronsysteem", rebuild.Object(
			rebuild.M("ura", rebuild.String(r.by.Organization.Value)), rebuild.M("naam", rebuild.String(r.by.Name)), rebuild.M("applicatie", rebuild.String(r.by.Application)))),
		rebuild.M("vastgelegdOp", recorded), rebuild.M("vastgelegdDoor", author),
		rebuild.M("kind", rebuild.Object(rebuild.M("bsn", r.bsn()), rebuild.M("lokaalId", rebuild.String(r.patientID())))),
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
