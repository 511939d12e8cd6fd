package tofhir

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

// Finish makes the Result: bron-record and source members on the anchor, what the version retires,
// Provenance, and every message as a tree.
func (m *Mapper) Finish() (mapping.Result, error) {
	if m.Anchor < 0 {
		return mapping.Result{}, fmt.Errorf("mks.finish: record without an anchor")
	}
	m.addSender()
	if err := m.addStub(); err != nil {
		return mapping.Result{}, err
	}
	if m.strayNumber() {
		m.Keep(m.Root().At("kind").At("bsn"))
		m.Labels = append(m.Labels, element.Coding(Confidential, "V", ""))
	}
	m.traceEnvelope()
	anchor := &m.Added[m.Anchor]
	element.AddExtension(anchor.message, m.bronRecord())
	members := m.sourceMembers()
	if !m.guest() {
		element.AddExtension(anchor.message, members...)
		members = nil
	}
	if err := m.Retire(); err != nil {
		return mapping.Result{}, err
	}
	return m.result(members)
}

// result turns every message into a tree, the Provenance last.
func (m *Mapper) result(members []*dpb.Extension) (mapping.Result, error) {
	out := mapping.Result{Anchor: m.Added[m.Anchor].Ref, Patient: m.Child.Ref, Sender: m.Sender}
	out.Resources = make([]mapping.Mapped, 0, len(m.Added)+1)
	var child *fhir.Resource
	add := func(a *Added) error {
		tree, err := a.Tree()
		if err != nil {
			return err
		}
		if a.Ref == m.Child.Ref {
			child = tree
		}
		out.Resources = append(out.Resources, mapping.Mapped{Resource: tree, Custodian: a.custodian, Author: a.author, Stub: a.stub})
		return nil
	}
	for i := range m.Added {
		if err := add(&m.Added[i]); err != nil {
			return mapping.Result{}, err
		}
	}
	changed, err := m.changedElements(child)
	if err != nil {
		return mapping.Result{}, err
	}
	m.addProvenance(members, changed)
	if err := add(&m.Added[len(m.Added)-1]); err != nil {
		return mapping.Result{}, err
	}
	out.Issues, out.Trace = m.Issues(), m.traces()
	return out, nil
}

// changedElements returns the members of the Patient that this record set, when it is not the only
// source (mks.md 2.6).
func (m *Mapper) changedElements(patient *fhir.Resource) ([]string, error) {
	if patient == nil || m.Type.Name == "kind" && !m.Child.Others {
		return nil, nil
	}
	out := []string{"Patient.identifier"} // all of a stub
	if m.Type.Name != "kind" {
		return out, nil
	}
	fresh, err := fhir.FromProto(m.Added[m.Anchor].message)
	if err != nil {
		return nil, fmt.Errorf("mks.changedElements: %w", err)
	}
	var barred map[string]bool
	if u := m.Added[m.Anchor].union; u != nil {
		barred = u.Barred
	}
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
	if StoredCustody(fresh.Root()).Exists() {
		out = append(out, "Patient.extension")
	}
	return out, nil
}

// bronRecord returns the envelope as the extension of the anchor (mks.md 6.4).
func (m *Mapper) bronRecord() *dpb.Extension {
	h, r := m.Head, m.Root()
	return element.OwnComplex("bron-record",
		element.Extension("recordType", element.CodeValue(h.RecordType)), element.Extension("recordId", element.String(h.RecordID)),
		element.Extension("versie", element.Positive(int64(h.Version))), element.Extension("status", element.CodeValue(h.Status)),
		element.Extension("ura", element.String(h.URA)), element.Extension("applicatie", element.String(h.App)), element.Extension("systeemNaam", element.String(h.System)),
		element.Extension("vastgelegdOp", element.Moment(r.At("vastgelegdOp").Str())),
		element.Extension("vastgelegdDoor", m.Ref(r.At("vastgelegdDoor"))),
		element.Extension("lokaalId", element.String(h.LocalID)), element.Extension("bsnGezonden", element.Bool(h.BSN != "")),
		element.Extension("intrekReden", element.String(r.At("intrekReden").Str())))
}

// traceEnvelope records where the envelope went.
func (m *Mapper) traceEnvelope() {
	on := m.Added[m.Anchor].Ref.String()
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
	m.Root().At("kind").At("lokaalId").To(ext, m.Child.Ref.String()+".identifier")
	if v := m.Root().At("kind").At("bsn"); v.Present() && !m.Conflict[v.Pointer()] {
		v.To(m.Child.Ref.String()+".identifier", ext)
	}
}

// guest reports whether the anchor is a Patient that other sources fill too, or the record brings a
// BSN that the Patient has not. What such a record keeps as it came stands on its Provenance.
func (m *Mapper) guest() bool {
	return m.Type.Name == "kind" && (m.Child.Others || !m.Rights) || m.strayNumber()
}

// strayNumber reports whether a record that is no kind record has a BSN that does not reach the
// Patient: only its sender reads it back.
func (m *Mapper) strayNumber() bool { return m.Type.Name != "kind" && m.Child.NewNumber }

// sourceMembers returns the members that found no element: unknown ones, empty ones, and leaves that
// the record did not trace (mks.md 4).
func (m *Mapper) sourceMembers() []*dpb.Extension {
	keeper := m.Added[m.Anchor].Ref.String()
	if m.guest() {
		keeper = "Provenance/" + m.Part(strconv.Itoa(m.Head.Version))
	}
	var out []*dpb.Extension
	m.Untraced(func(v form.Value) {
		v.To(keeper + ".extension('" + element.StructureDefinition("source-member") + "')")
		out = append(out, sourceMember(v))
	})
	m.Reworded(func(v form.Value) { out = append(out, sourceMember(v)) })
	return out
}

// sourceMember keeps a member as it came, as compact JSON.
func sourceMember(v form.Value) *dpb.Extension {
	return element.SourceMember(v.Pointer(), v.Compact())
}

// traces returns the trace in the order in which members were mapped.
func (m *Mapper) traces() []mapping.Trace {
	out := make([]mapping.Trace, 0, m.Places())
	for pointer, elements := range m.Traced() {
		out = append(out, mapping.Trace{Pointer: pointer, Elements: elements})
	}
	return out
}

// addProvenance adds the Provenance of this record version (mks.md 3.1).
func (m *Mapper) addProvenance(members []*dpb.Extension, changed []string) {
	version := strconv.Itoa(m.Head.Version)
	activity := "CREATE"
	if m.Head.Version > 1 {
		activity = "UPDATE"
	}
	p := &ppb.Provenance{
		Occurred: &ppb.Provenance_OccurredX{Choice: &ppb.Provenance_OccurredX_DateTime{
			DateTime: element.Moment(m.Root().At("vastgelegdOp").Str())}},
		Recorded: element.Instant(m.Now),
		Activity: element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/v3-DataOperation", activity, "")),
		Agent: []*ppb.Provenance_Agent{
			Agent("author", m.Ref(m.Root().At("vastgelegdDoor")), element.Literal(m.Sender)),
			Agent("custodian", element.Literal(m.Sender), nil),
			Agent("assembler", element.Reference(fhir.Ref{}, fhir.Identifier{System: fhir.Canonical, Value: "drieluik"}), nil),
		},
		Entity: []*ppb.Provenance_Entity{{
			Role: &ppb.Provenance_Entity_RoleCode{Value: cpb.ProvenanceEntityRoleCode_SOURCE},
			What: element.Reference(fhir.Ref{}, fhir.Identifier{System: m.Head.Base() + "/" + m.Head.RecordType, Value: m.Head.RecordID + "/" + version}),
		}},
	}
	p.Extension = members
	for _, a := range m.Added {
		if a.Ref.Type == "Provenance" || !a.custodian.IsZero() && a.custodian != m.Sender {
			continue // of another organisation: the sender must not learn of it
		}
		target := a.literal
		if target == nil || a.Ref == m.Child.Ref {
			target = element.Literal(a.Ref)
		}
		for _, place := range changed {
			if a.Ref == m.Child.Ref {
				target.Extension = append(target.Extension, element.OwnExtension("gewijzigd-element", element.String(place)))
			}
		}
		p.Target = append(p.Target, target)
	}
	m.Add(p, About{ID: m.Part(version), Labels: m.Labels})
}

// Agent is a participant of a Provenance: role of provenance-participant-type, behalf may be nil.
func Agent(role string, who, behalf *dpb.Reference) *ppb.Provenance_Agent {
	return &ppb.Provenance_Agent{
		Type: element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", role, "")),
		Who:  who, OnBehalfOf: behalf,
	}
}
