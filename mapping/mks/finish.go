package mks

import (
	"fmt"
	"strconv"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/provenance_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// finish makes the Result: bron-record and source members on the anchor, what the version retires,
// Provenance, and every message as a tree.
func (m *mapper) finish() (mapping.Result, error) {
	if m.anchor < 0 {
		return mapping.Result{}, fmt.Errorf("mks.finish: record without an anchor")
	}
	if err := m.findSender(); err != nil {
		return mapping.Result{}, err
	}
	m.traceEnvelope()
	anchor := m.added[m.anchor]
	addExtension(anchor.message, m.bronRecord())
	addExtension(anchor.message, m.sourceMembers()...)
	if err := m.retire(); err != nil {
		return mapping.Result{}, err
	}
	m.addProvenance()
	out := mapping.Result{
		Anchor: anchor.ref, Patient: m.child.ref, Sender: m.sender, Issues: m.issues, Trace: m.traces(),
	}
	for _, a := range m.added {
		tree := a.tree
		if tree == nil {
			var err error
			if tree, err = fhir.FromProto(a.message); err != nil {
				return mapping.Result{}, fmt.Errorf("mks.finish: %s: %w", a.ref.Type, err)
			}
		}
		out.Resources = append(out.Resources, mapping.Mapped{Resource: tree, Custodian: a.custodian, Author: a.author})
	}
	return out, nil
}

// bronRecord returns the envelope as the extension of the anchor (mks.md 6.4).
func (m *mapper) bronRecord() *dpb.Extension {
	h, r := m.head, m.root
	return complexOf("bron-record",
		simple("recordType", vcode(h.recordType)), simple("recordId", vstr(h.recordID)),
		simple("versie", vpositive(int64(h.version))), simple("status", vcode(h.status)),
		simple("ura", vstr(h.ura)), simple("applicatie", vstr(h.app)), simple("systeemNaam", vstr(h.system)),
		simple("vastgelegdOp", vmoment(r.at("vastgelegdOp").str())),
		simple("vastgelegdDoor", vref(m.ref(r.at("vastgelegdDoor")))),
		simple("lokaalId", vstr(h.localID)), simple("bsnGezonden", vtruth(h.bsn != "")),
		simple("intrekReden", vstr(r.at("intrekReden").str())))
}

// traceEnvelope records where the envelope went.
func (m *mapper) traceEnvelope() {
	on := m.added[m.anchor].ref.String()
	ext := on + ".extension('" + extensionURL("bron-record") + "')"
	m.root.at("schema").to()
	for _, name := range []string{"recordType", "recordId", "versie", "status", "intrekReden", "vastgelegdOp", "vastgelegdDoor"} {
		if v := m.root.at(name); v.present() {
			v.to(ext)
		}
	}
	system := m.root.at("bronsysteem")
	system.at("ura").to(ext, on+".meta.source")
	system.at("applicatie").to(ext, on+".meta.source")
	system.at("naam").to(ext)
	m.root.at("kind").at("lokaalId").to(ext, m.child.ref.String()+".identifier")
	if v := m.root.at("kind").at("bsn"); v.present() {
		v.to(m.child.ref.String()+".identifier", ext)
	}
}

// sourceMembers returns the members that found no element: unknown ones, empty ones, and leaves that
// the record did not trace (mks.md 4).
func (m *mapper) sourceMembers() []*dpb.Extension {
	var out []*dpb.Extension
	m.untraced(m.root, false, func(v value) {
		v.to(m.added[m.anchor].ref.String() + ".extension('" + extensionURL("source-member") + "')")
		out = append(out, sourceMember(v))
	})
	return out
}

// sourceMember keeps a member as it came, as compact JSON.
func sourceMember(v value) *dpb.Extension {
	return complexOf("source-member", simple("pointer", vstr(v.ptr)), simple("value", vstr(compact(v.n))))
}

// untraced calls f for every member that is kept, and every leaf that no trace covers.
func (m *mapper) untraced(v value, covered bool, f func(value)) {
	if m.kept[v.ptr] {
		f(v)
		return
	}
	_, traced := m.traced[v.ptr]
	covered = covered || traced
	if v.n.Len() == 0 {
		if !covered {
			f(v)
		}
		return
	}
	for _, item := range v.items() {
		m.untraced(item, covered, f)
	}
	if v.n.Shape() != fhir.Object {
		return
	}
	for n := range v.n.Children() {
		m.untraced(v.at(n.Name()), covered, f)
	}
}

// traces returns the trace in the order in which members were mapped.
func (m *mapper) traces() []mapping.Trace {
	var out []mapping.Trace
	for _, p := range m.pointer {
		out = append(out, mapping.Trace{Pointer: p, Elements: m.traced[p]})
	}
	return out
}

// findSender looks up the sending Organization by its URA and writes one when it is not stored.
func (m *mapper) findSender() error {
	id := fhir.Identifier{System: uraSystem, Value: m.head.ura}
	m.sender = fhir.Ref{Type: "Organization", ID: mapping.ID("Organization/ura/" + m.head.ura)}
	hits, err := m.known.Identified("Organization", id)
	if err != nil {
		return fmt.Errorf("mks.findSender: %w", err)
	}
	if len(hits) > 0 {
		m.sender = hits[0].Resource.Ref()
		return nil
	}
	for _, a := range m.added {
		if a.ref == m.sender {
			return nil
		}
	}
	m.addSender(id)
	return nil
}

// addProvenance adds the Provenance of this record version (mks.md 3.1).
func (m *mapper) addProvenance() {
	version := strconv.Itoa(m.head.version)
	activity := "CREATE"
	if m.head.version > 1 {
		activity = "UPDATE"
	}
	p := &ppb.Provenance{
		Occurred: &ppb.Provenance_OccurredX{Choice: &ppb.Provenance_OccurredX_DateTime{
			DateTime: pmoment(m.root.at("vastgelegdOp").str())}},
		Recorded: pinstant(m.now),
		Activity: concept(coding("http://terminology.hl7.org/CodeSystem/v3-DataOperation", activity, "")),
		Agent: []*ppb.Provenance_Agent{
			agent("author", m.ref(m.root.at("vastgelegdDoor")), literal(m.sender)),
			agent("custodian", literal(m.sender), nil),
			agent("assembler", reference(fhir.Ref{}, fhir.Identifier{System: fhir.Canonical, Value: "drieluik"}), nil),
		},
		Entity: []*ppb.Provenance_Entity{{
			Role: &ppb.Provenance_Entity_RoleCode{Value: cpb.ProvenanceEntityRoleCode_SOURCE},
			What: reference(fhir.Ref{}, fhir.Identifier{System: m.head.base() + "/" + m.head.recordType, Value: m.head.recordID + "/" + version}),
		}},
	}
	for _, v := range m.sourceOnly {
		p.Extension = append(p.Extension, sourceMember(v))
	}
	for _, a := range m.added {
		if a.ref.Type != "Provenance" {
			p.Target = append(p.Target, literal(a.ref))
		}
	}
	m.add(p, about{id: m.part(version), labels: m.labels})
}

func agent(role string, who, behalf *dpb.Reference) *ppb.Provenance_Agent {
	return &ppb.Provenance_Agent{
		Type: concept(coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", role, "")),
		Who:  who, OnBehalfOf: behalf,
	}
}
