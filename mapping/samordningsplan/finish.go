package samordningsplan

import (
	"strconv"

	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/provenance_go_proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// finish makes the Result: source members, the Provenance, what the version no longer has, and every
// message as a tree.
func (m *mapper) finish() (mapping.Result, error) {
	prov := m.provenance()
	m.sourceMembers(prov)
	if err := m.retire(); err != nil {
		return mapping.Result{}, err
	}
	m.put(prov, m.ref("Provenance", strconv.FormatInt(m.root.At("version").Whole(), 10)), element.Meta{})
	out := mapping.Result{Anchor: m.planRef(), Patient: m.patient, Sender: m.sender, Issues: m.Issues()}
	for _, a := range m.added {
		tree := a.edited
		if tree == nil {
			var err error
			if tree, err = fhir.FromProto(a.message); err != nil {
				return mapping.Result{}, fhir.Wrap("samordningsplan.finish", err)
			}
		}
		out.Resources = append(out.Resources, mapping.Mapped{Resource: tree})
	}
	for pointer, elements := range m.Traced() {
		out.Trace = append(out.Trace, mapping.Trace{Pointer: pointer, Elements: elements})
	}
	return out, nil
}

// sourceMembers keeps what found no element on the CarePlan; the person of another's Patient on the
// Provenance, which the sender reads.
func (m *mapper) sourceMembers(prov *ppb.Provenance) {
	var careplan *added
	for i := range m.added {
		if m.added[i].ref == m.planRef() {
			careplan = &m.added[i]
		}
	}
	keeper, alone := m.planRef().String(), m.ref("Provenance", strconv.FormatInt(m.root.At("version").Whole(), 10)).String()
	keep := func(v form.Value) {
		kept := element.SourceMember(v.Pointer(), v.Compact())
		if m.guest && v.Pointer() == "/person" {
			v.To(alone + ".extension")
			prov.Extension = append(prov.Extension, kept)
			return
		}
		v.To(keeper + ".extension")
		element.AddExtension(careplan.message, kept)
	}
	m.Untraced(keep)
	m.Reworded(table(), keep)
}

// provenance tells of this version: outer and inner block as two agents, and who signed.
func (m *mapper) provenance() *ppb.Provenance {
	by, on := m.root.At("ansvar"), m.ref("Provenance", strconv.FormatInt(m.root.At("version").Whole(), 10)).String()
	activity := "CREATE"
	if m.root.At("version").Whole() > 1 {
		activity = "UPDATE"
	}
	unit := func(name string) *dpb.Reference {
		return element.Logical(fhir.Identifier{System: hsaSystem, Value: by.At(name).To(on + ".agent.who.identifier").Str()})
	}
	p := &ppb.Provenance{
		Target: element.Literals(m.planRef()), Recorded: element.InstantOf(m.root.At("andrad").To(on + ".recorded").Str()),
		Activity: element.Concept(element.Coding(dataOperation, activity, "")),
		Agent:    []*ppb.Provenance_Agent{agent("custodian", unit("vardgivareHsaId")), agent("author", unit("vardenhetHsaId"))},
		Entity: []*ppb.Provenance_Entity{{
			Role: element.Enum(&ppb.Provenance_Entity_RoleCode{}, "source"),
			What: &dpb.Reference{Identifier: element.Identifier(m.endpointOf(), m.document()), Display: element.String(Schema)},
		}},
	}
	if signed := by.At("undertecknadAv"); signed.Present() {
		p.Agent = append(p.Agent, agent("legal", element.Display(signed.To(on+".agent.who.display").Str())))
	}
	return p
}

func agent(kind string, who *dpb.Reference) *ppb.Provenance_Agent {
	return &ppb.Provenance_Agent{Type: element.Concept(element.Coding(agentTypes, kind, "")), Who: who}
}
