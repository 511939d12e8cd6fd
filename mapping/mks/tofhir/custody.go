package tofhir

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
)

// Facts are what decides who may give consent: the child's birth and who holds authority.
type Facts struct {
	Birth    form.Day
	Holders  []string // references, sorted
	From, To form.Day
}

// Authority reports whether somebody holds authority over the child on a day: a holder of the gezag,
// or a jeugdbeschermer whose organisation is one.
func (f Facts) Authority(t Target, on form.Day) bool {
	if !record.Within(on, f.From, f.To) {
		return false
	}
	who := t.Ref.String()
	if t.Kind == "med" {
		if t.Role != "jeugdbeschermer" {
			return false
		}
		who = t.Node.At("organization", "reference").Text()
	}
	return who != "" && slices.Contains(f.Holders, who)
}

// CustodianFacts returns what stands on the Patient.
func (m *Mapper) CustodianFacts() Facts {
	custody := StoredCustody(m.Child.Patient())
	period := Part(custody, "period")
	return Facts{
		Birth: m.Child.Birth, Holders: StoredHolders(custody),
		From: form.Day(period.Member("start").Text()), To: form.Day(period.Member("end").Text()),
	}
}

// ToldFacts returns the facts by which the sender's report is made: those of the custodian, or for a
// sender without a relation its own, and whether they are its own.
func (m *Mapper) ToldFacts(custodian Facts) (Facts, bool, error) {
	if m.IsCustodian() {
		return custodian, false, nil
	}
	if err := m.FindRelation(); err != nil || m.Related {
		return custodian, false, err
	}
	own, err := m.ownFacts(custodian)
	return own, true, err
}

// ownFacts returns what the source's own child record said, which its Provenance keeps (mks.md 2.6).
func (m *Mapper) ownFacts(custodian Facts) (Facts, error) {
	own, err := m.OwnProvenance()
	if err != nil {
		return custodian, err
	}
	out := Facts{Birth: custodian.Birth}
	for e := range own.All("extension") {
		kept, issues := fhir.ParseDocument([]byte(`{"value":`+Part(e, "value").Text()+`}`), fhir.Limits{})
		if fhir.HasErrors(issues) {
			continue
		}
		v := kept.Root().Member("value")
		switch Part(e, "pointer").Text() {
		case "/inhoud/geboortedatum":
			out.Birth = form.Day(v.Text())
		case "/inhoud/gezag":
			if err := m.ownHolders(v, &out); err != nil {
				return custodian, err
			}
		}
	}
	return out, nil
}

// OwnProvenance returns the Provenance of the source's own child record, a missing node without one.
func (m *Mapper) OwnProvenance() (fhir.Node, error) {
	version := ""
	for e := range m.Child.Patient().All("extension") {
		if Part(e, "recordType").Text() == "kind" && Part(e, "ura").Text() == m.Head.URA && Part(e, "applicatie").Text() == m.Head.App {
			version = Part(e, "versie").Text()
		}
	}
	key := "Patient/" + m.Head.Source() + "/" + m.Head.LocalID + "/" + version
	hit, err := m.Known.Read(fhir.Ref{Type: "Provenance", ID: mapping.ID(key)})
	if err != nil {
		return fhir.Node{}, fmt.Errorf("mks.ownProvenance: %w", err)
	}
	return Found(hit), nil
}

// MayBeTold reports whether the report may say what others keep of the child: to its custodian and to a
// sender with a relation. To anybody else it is that of a child not known before (mks.md 2.6).
func (m *Mapper) MayBeTold() (bool, error) {
	if m.IsCustodian() {
		return true, nil
	}
	err := m.FindRelation()
	return m.Related, err
}

// ownHolders reads a gezag as the source sent it.
func (m *Mapper) ownHolders(custody fhir.Node, out *Facts) error {
	out.From, out.To = form.Day(custody.Member("vanaf").Text()), form.Day(custody.Member("tot").Text())
	for h := range custody.All("houders") {
		t, err := m.resolve(h.Text())
		if err != nil {
			return err
		}
		out.Holders = append(out.Holders, t.Ref.String())
	}
	slices.Sort(out.Holders)
	return nil
}

// StoredCustody returns the extension gezag of a Patient, a missing node without one.
func StoredCustody(patient fhir.Node) fhir.Node {
	for e := range patient.All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("gezag") {
			return e
		}
	}
	return fhir.Node{}
}

// StoredHolders returns whom a stored gezag names, sorted.
func StoredHolders(custody fhir.Node) []string {
	var out []string
	for e := range custody.All("extension") {
		if e.Member("url").Text() == "houder" {
			out = append(out, e.At("valueReference", "reference").Text())
		}
	}
	slices.Sort(out)
	return out
}

// BirthTold returns the birth date by which the sender is judged: none before its kind record, and of
// a sender without a relation the one it sent itself.
func (m *Mapper) BirthTold() (form.Day, error) {
	if !m.Child.Stored || m.Child.Stub {
		return "", nil
	}
	told, _, err := m.ToldFacts(m.CustodianFacts())
	return told.Birth, err
}
