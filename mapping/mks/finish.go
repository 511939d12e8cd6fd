package mks

import (
	"fmt"
	"strconv"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/provenance_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// finish makes the Result: bron-record and source members on the anchor, what the version retires,
// Provenance, and every message as a tree.
func (m *mapper) finish() (mapping.Result, error) {
	if m.anchor < 0 {
		return mapping.Result{}, fmt.Errorf("mks.finish: record without an anchor")
	}
	m.addSender()
	if err := m.addStub(); err != nil {
		return mapping.Result{}, err
	}
	if m.strayNumber() {
		m.Keep(m.Root().At("kind").At("bsn"))
		m.labels = append(m.labels, element.Coding(confidential, "V", ""))
	}
	m.traceEnvelope()
	anchor := &m.added[m.anchor]
	element.AddExtension(anchor.message, m.bronRecord())
	members := m.sourceMembers()
	if !m.guest() {
		element.AddExtension(anchor.message, members...)
		members = nil
	}
	if err := m.retire(); err != nil {
		return mapping.Result{}, err
	}
	return m.result(members)
}

// result turns every message into a tree, the Provenance last.
func (m *mapper) result(members []*dpb.Extension) (mapping.Result, error) {
	out := mapping.Result{Anchor: m.added[m.anchor].ref, Patient: m.child.ref, Sender: m.sender}
	trees := map[fhir.Ref]*fhir.Resource{}
	add := func(a *added) error {
		tree, err := a.tree()
		if err != nil {
			return err
		}
		trees[a.ref] = tree
		out.Resources = append(out.Resources, mapping.Mapped{Resource: tree, Custodian: a.custodian, Author: a.author, Stub: a.stub})
		return nil
	}
	for i := range m.added {
		if err := add(&m.added[i]); err != nil {
			return mapping.Result{}, err
		}
	}
	changed, err := m.changedElements(trees[m.child.ref])
	if err != nil {
		return mapping.Result{}, err
	}
	m.addProvenance(members, changed)
	if err := add(&m.added[len(m.added)-1]); err != nil {
		return mapping.Result{}, err
	}
	out.Issues, out.Trace = m.Issues(), m.traces()
	return out, nil
}

// changedElements returns the members of the Patient that this record set, when it is not the only
// source (mks.md 2.6).
func (m *mapper) changedElements(patient *fhir.Resource) ([]string, error) {
	if patient == nil || m.rec.name == "kind" && !m.child.others {
		return nil, nil
	}
	out := []string{"Patient.identifier"} // all of a stub
	if m.rec.name != "kind" {
		return out, nil
	}
	fresh, err := fhir.FromProto(m.added[m.anchor].message)
	if err != nil {
		return nil, fmt.Errorf("mks.changedElements: %w", err)
	}
	barred := m.added[m.anchor].union.barred
	for n := range fresh.Root().Children() {
		switch n.Name() {
		case "resourceType", "id", "meta", "identifier", "extension":
			continue
		}
		if barred[n.Name()] {
			continue // equal or not, this record did not set it
		}
		if n.Name()[0] != '_' && fhir.Equal(n, patient.Root().Member(n.Name())) {
			out = append(out, "Patient."+n.Name())
		}
	}
	if storedCustody(fresh.Root()).Exists() {
		out = append(out, "Patient.extension")
	}
	return out, nil
}

// bronRecord returns the envelope as the extension of the anchor (mks.md 6.4).
func (m *mapper) bronRecord() *dpb.Extension {
	h, r := m.head, m.Root()
	return element.OwnComplex("bron-record",
		element.Extension("recordType", element.CodeValue(h.recordType)), element.Extension("recordId", element.String(h.recordID)),
		element.Extension("versie", element.Positive(int64(h.version))), element.Extension("status", element.CodeValue(h.status)),
		element.Extension("ura", element.String(h.ura)), element.Extension("applicatie", element.String(h.app)), element.Extension("systeemNaam", element.String(h.system)),
		element.Extension("vastgelegdOp", element.Moment(r.At("vastgelegdOp").Str())),
		element.Extension("vastgelegdDoor", m.ref(r.At("vastgelegdDoor"))),
		element.Extension("lokaalId", element.String(h.localID)), element.Extension("bsnGezonden", element.Bool(h.bsn != "")),
		element.Extension("intrekReden", element.String(r.At("intrekReden").Str())))
}

// traceEnvelope records where the envelope went.
func (m *mapper) traceEnvelope() {
	on := m.added[m.anchor].ref.String()
	ext := on + ".extension('" + element.StructureDefinition("bron-record") + "')"
	m.Root().At("schema").To()
	for _, name := range []string{"recordType", "recordId", "versie", "status", "intrekReden", "vastgelegdOp", "vastgelegdDoor"} {
		if v := m.Root().At(name); v.Present() {
			v.To(ext)
		}
	}
	system := m.Root().At("bronsysteem")
	system.At("ura").To(ext, on+".meta.source")
	system.At("applicatie").To(ext, on+".meta.source")
	system.At("naam").To(ext)
	m.Root().At("kind").At("lokaalId").To(ext, m.child.ref.String()+".identifier")
	if v := m.Root().At("kind").At("bsn"); v.Present() && !m.conflict[v.Pointer()] {
		v.To(m.child.ref.String()+".identifier", ext)
	}
}

// guest reports whether the anchor is a Patient that other sources fill too, or the record brings a
// BSN that the Patient has not. What such a record keeps as it came stands on its Provenance.
func (m *mapper) guest() bool {
	return m.rec.name == "kind" && (m.child.others || !m.rights) || m.strayNumber()
}

// strayNumber reports whether a record that is no kind record has a BSN that does not reach the
// Patient: only its sender reads it back.
func (m *mapper) strayNumber() bool { return m.rec.name != "kind" && m.child.newNumber }

// sourceMembers returns the members that found no element: unknown ones, empty ones, and leaves that
// the record did not trace (mks.md 4).
func (m *mapper) sourceMembers() []*dpb.Extension {
	keeper := m.added[m.anchor].ref.String()
	if m.guest() {
		keeper = "Provenance/" + m.part(strconv.Itoa(m.head.version))
	}
	var out []*dpb.Extension
	m.Untraced(func(v form.Value) {
		v.To(keeper + ".extension('" + element.StructureDefinition("source-member") + "')")
		out = append(out, sourceMember(v))
	})
	m.Reworded(m.rec.whole, func(v form.Value) { out = append(out, sourceMember(v)) })
	return out
}

// sourceMember keeps a member as it came, as compact JSON.
func sourceMember(v form.Value) *dpb.Extension {
	return element.SourceMember(v.Pointer(), v.Compact())
}

// traces returns the trace in the order in which members were mapped.
func (m *mapper) traces() []mapping.Trace {
	var out []mapping.Trace
	for pointer, elements := range m.Traced() {
		out = append(out, mapping.Trace{Pointer: pointer, Elements: elements})
	}
	return out
}

// addProvenance adds the Provenance of this record version (mks.md 3.1).
func (m *mapper) addProvenance(members []*dpb.Extension, changed []string) {
	version := strconv.Itoa(m.head.version)
	activity := "CREATE"
	if m.head.version > 1 {
		activity = "UPDATE"
	}
	p := &ppb.Provenance{
		Occurred: &ppb.Provenance_OccurredX{Choice: &ppb.Provenance_OccurredX_DateTime{
			DateTime: element.Moment(m.Root().At("vastgelegdOp").Str())}},
		Recorded: element.Instant(m.now),
		Activity: element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/v3-DataOperation", activity, "")),
		Agent: []*ppb.Provenance_Agent{
			agent("author", m.ref(m.Root().At("vastgelegdDoor")), element.Literal(m.sender)),
			agent("custodian", element.Literal(m.sender), nil),
			agent("assembler", element.Reference(fhir.Ref{}, fhir.Identifier{System: fhir.Canonical, Value: "drieluik"}), nil),
		},
		Entity: []*ppb.Provenance_Entity{{
			Role: &ppb.Provenance_Entity_RoleCode{Value: cpb.ProvenanceEntityRoleCode_SOURCE},
			What: element.Reference(fhir.Ref{}, fhir.Identifier{System: m.head.base() + "/" + m.head.recordType, Value: m.head.recordID + "/" + version}),
		}},
	}
	p.Extension = members
	for _, a := range m.added {
		if a.ref.Type == "Provenance" || !a.custodian.IsZero() && a.custodian != m.sender {
			continue // of another organisation: the sender must not learn of it
		}
		target := element.Literal(a.ref)
		for _, place := range changed {
			if a.ref == m.child.ref {
				target.Extension = append(target.Extension, element.OwnExtension("gewijzigd-element", element.String(place)))
			}
		}
		p.Target = append(p.Target, target)
	}
	m.add(p, about{id: m.part(version), labels: m.labels})
}

func agent(role string, who, behalf *dpb.Reference) *ppb.Provenance_Agent {
	return &ppb.Provenance_Agent{
		Type: element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", role, "")),
		Who:  who, OnBehalfOf: behalf,
	}
}
