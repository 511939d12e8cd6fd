package bundle

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// result maps the entries and adds the Provenance of the push.
func (m *mapper) result() (mapping.Result, error) {
	const op = "bundle.Map"
	if err := m.locate(); err != nil {
		return mapping.Result{}, fhir.Wrap(op, err)
	}
	out := mapping.Result{Patient: m.patient, Sender: m.holder}
	var targets []fhir.Ref
	var left []entry
	for i, e := range m.content.entries {
		p := m.places[i]
		if i == 0 {
			out.Anchor = p.ref
		}
		r, err := m.rename(e, p.ref)
		if err != nil {
			return mapping.Result{}, fhir.Wrap(op, err)
		}
		if p.kept != nil {
			left = append(left, e)
			out.Resources = append(out.Resources, mapping.Mapped{Resource: p.kept, Sent: r, Path: e.path})
			continue
		}
		if isSeveral(r) {
			m.issues = append(m.issues, fault(e.path, "business-rule", "bundle-organization",
				"An organisation has one number of a system; send each organisation by itself."))
		}
		if !m.aboutChild(r) {
			m.issues = append(m.issues, fault(e.path, "business-rule", "bundle-subject",
				"A push is about one child; let subject or patient refer to the Patient of this Bundle."))
		}
		if tellsKind(r) { // of one that is registered it is the stored kind that counts
			m.issues = append(m.issues, fault(e.path+".type", "business-rule", "bundle-organization",
				"What kind an organisation is comes with its registration; leave this coding out."))
		}
		out.Resources = append(out.Resources, mapping.Mapped{Resource: r, Path: e.path})
		targets = append(targets, p.ref)
	}
	out.Issues = m.issues
	if fhir.HasErrors(m.issues) {
		return out, nil
	}
	provenance, err := m.provenance(targets, left)
	if err != nil {
		return mapping.Result{}, fhir.Wrap(op, err)
	}
	out.Resources = append(out.Resources, mapping.Mapped{Resource: provenance})
	return out, nil
}

// The Provenance as it is written.
type (
	provenance struct {
		ResourceType string      `json:"resourceType"`
		ID           string      `json:"id"`
		Meta         meta        `json:"meta"`
		Extension    []extension `json:"extension,omitempty"`
		Target       []reference `json:"target"`
		Recorded     string      `json:"recorded"`
		Activity     concept     `json:"activity"`
		Agent        []agent     `json:"agent"`
		Entity       []entity    `json:"entity"`
	}
	meta struct {
		Source   string   `json:"source"`
		Security []coding `json:"security,omitempty"`
	}
	extension struct {
		URL         string      `json:"url"`
		ValueString string      `json:"valueString,omitempty"`
		Extension   []extension `json:"extension,omitempty"`
	}
	reference struct {
		Reference  string      `json:"reference,omitempty"`
		Identifier *identifier `json:"identifier,omitempty"`
	}
	identifier struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	concept struct {
		Coding []coding `json:"coding"`
	}
	coding struct {
		System string `json:"system"`
		Code   string `json:"code"`
	}
	agent struct {
		Type concept   `json:"type"`
		Who  reference `json:"who"`
	}
	entity struct {
		Role string    `json:"role"`
		What reference `json:"what"`
	}
)

// provenance says who pushed what, from which record. What another organisation holds stays as it
// is; as the sender wrote it, it is kept here (extension source-member).
func (m *mapper) provenance(targets []fhir.Ref, left []entry) (*fhir.Resource, error) {
	p := provenance{
		ResourceType: "Provenance", ID: mapping.ID("fhir/" + m.holder.ID + "/" + m.content.key.String() + "/provenance"),
		Meta: meta{Source: "urn:uuid:" + m.recordID()}, Recorded: m.now.UTC().Format(time.RFC3339),
		Activity: conceptOf("http://terminology.hl7.org/CodeSystem/v3-DataOperation", "CREATE"),
		Entity:   []entity{{Role: "source", What: reference{Identifier: (*identifier)(&m.content.key)}}},
	}
	for _, t := range targets {
		p.Target = append(p.Target, reference{Reference: t.String()})
	}
	if len(targets) == 0 {
		p.Target = []reference{{Reference: m.patient.String()}}
	}
	holder := reference{Reference: m.holder.Current().String()}
	for _, role := range []string{"author", "custodian"} {
		p.Agent = append(p.Agent, agent{participant(role), holder})
	}
	p.Agent = append(p.Agent, agent{participant("assembler"), reference{Identifier: &identifier{fhir.Canonical, "drieluik"}}})
	if len(left) > 0 { // for the eyes of the sender (mks.md 2.6)
		p.Meta.Security = []coding{{"http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "V"}}
	}
	for _, e := range left {
		p.Extension = append(p.Extension, extension{
			URL: fhir.Canonical + "/StructureDefinition/source-member", Extension: []extension{
				{URL: "pointer", ValueString: e.pointer}, {URL: "value", ValueString: e.resource.Root().Raw()},
			},
		})
	}
	b, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	r, issues := fhir.Parse(b, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return nil, fmt.Errorf("bundle.provenance: %s", issues[0].Text)
	}
	return r, nil
}

func conceptOf(system, code string) concept { return concept{Coding: []coding{{system, code}}} }

func participant(role string) concept {
	return conceptOf("http://terminology.hl7.org/CodeSystem/provenance-participant-type", role)
}
