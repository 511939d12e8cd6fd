package mks

import (
	"fmt"
	"github.com/drieluik/drieluik/mapping"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// facts are what decides who may give consent: the child's birth and who holds authority.
type facts struct {
	birth    form.Day
	holders  []string // references, sorted
	from, to form.Day
}

// authority reports whether somebody holds authority over the child on a day: a holder of the gezag,
// or a jeugdbeschermer whose organisation is one.
func (f facts) authority(t target, on form.Day) bool {
	if !within(on, f.from, f.to) {
		return false
	}
	who := t.ref.String()
	if t.kind == "med" {
		if t.role != "jeugdbeschermer" {
			return false
		}
		who = t.node.At("organization", "reference").Text()
	}
	return who != "" && slices.Contains(f.holders, who)
}

// custodianFacts returns what stands on the Patient.
func (m *mapper) custodianFacts() facts {
	custody := storedCustody(m.child.patient())
	period := part(custody, "period")
	return facts{
		birth: m.child.birth, holders: storedHolders(custody),
		from: form.Day(period.Member("start").Text()), to: form.Day(period.Member("end").Text()),
	}
}

// toldFacts returns the facts by which the sender's report is made: those of the custodian, or for a
// sender without a relation its own, and whether they are its own.
func (m *mapper) toldFacts(custodian facts) (facts, bool, error) {
	if m.isCustodian() {
		return custodian, false, nil
	}
	if err := m.findRelation(); err != nil || m.related {
		return custodian, false, err
	}
	own, err := m.ownFacts(custodian)
	return own, true, err
}

// ownFacts returns what the source's own child record said, which its Provenance keeps (mks.md 2.6).
func (m *mapper) ownFacts(custodian facts) (facts, error) {
	own, err := m.ownProvenance()
	if err != nil {
		return custodian, err
	}
	out := facts{birth: custodian.birth}
	for e := range own.All("extension") {
		kept, issues := fhir.ParseDocument([]byte(`{"value":`+part(e, "value").Text()+`}`), fhir.Limits{})
		if fhir.HasErrors(issues) {
			continue
		}
		v := kept.Root().Member("value")
		switch part(e, "pointer").Text() {
		case "/inhoud/geboortedatum":
			out.birth = form.Day(v.Text())
		case "/inhoud/gezag":
			if err := m.ownHolders(v, &out); err != nil {
				return custodian, err
			}
		}
	}
	return out, nil
}

// ownProvenance returns the Provenance of the source's own child record, a missing node without one.
func (m *mapper) ownProvenance() (fhir.Node, error) {
	version := ""
	for e := range m.child.patient().All("extension") {
		if part(e, "recordType").Text() == "kind" && part(e, "ura").Text() == m.head.ura && part(e, "applicatie").Text() == m.head.app {
			version = part(e, "versie").Text()
		}
	}
	key := "Patient/" + m.head.source() + "/" + m.head.localID + "/" + version
	hit, err := m.known.Read(fhir.Ref{Type: "Provenance", ID: mapping.ID(key)})
	if err != nil {
		return fhir.Node{}, fmt.Errorf("mks.ownProvenance: %w", err)
	}
	return found(hit), nil
}

// mayBeTold reports whether the report may say what others keep of the child: to its custodian and to a
// sender with a relation. To anybody else it is that of a child not known before (mks.md 2.6).
func (m *mapper) mayBeTold() (bool, error) {
	if m.isCustodian() {
		return true, nil
	}
	err := m.findRelation()
	return m.related, err
}

// ownHolders reads a gezag as the source sent it.
func (m *mapper) ownHolders(custody fhir.Node, out *facts) error {
	out.from, out.to = form.Day(custody.Member("vanaf").Text()), form.Day(custody.Member("tot").Text())
	for h := range custody.All("houders") {
		t, err := m.resolve(h.Text())
		if err != nil {
			return err
		}
		out.holders = append(out.holders, t.ref.String())
	}
	slices.Sort(out.holders)
	return nil
}

// storedCustody returns the extension gezag of a Patient, a missing node without one.
func storedCustody(patient fhir.Node) fhir.Node {
	for e := range patient.All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("gezag") {
			return e
		}
	}
	return fhir.Node{}
}

func storedHolders(custody fhir.Node) []string {
	var out []string
	for e := range custody.All("extension") {
		if e.Member("url").Text() == "houder" {
			out = append(out, e.At("valueReference", "reference").Text())
		}
	}
	slices.Sort(out)
	return out
}
