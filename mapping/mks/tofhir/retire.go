package tofhir

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// ending is the member, and its JSON, that ends a resource.
type ending struct{ member, json string }

// endings says what becomes of a resource that a new version no longer yields (mks.md 2.7).
var endings = map[fhir.Type]ending{
	"CarePlan": {"status", `"revoked"`}, "ServiceRequest": {"status", `"revoked"`}, "NutritionOrder": {"status", `"revoked"`},
	"Goal": {"lifecycleStatus", `"cancelled"`}, "Appointment": {"status", `"cancelled"`}, "Flag": {"status", `"inactive"`},
	"Condition":          {"clinicalStatus", concluded("condition-clinical", "inactive")},
	"AllergyIntolerance": {"verificationStatus", concluded("allergyintolerance-verification", "entered-in-error")},
	"RelatedPerson":      {"active", "false"}, "PractitionerRole": {"active", "false"},
}

// Shared are types that other records and children use too: they stay.
var Shared = map[fhir.Type]bool{"Organization": true, "Practitioner": true, "Patient": true, "Provenance": true}

func concluded(system, code string) string {
	return `{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/` + system + `","code":"` + code + `"}]}`
}

// voidings says what becomes of it when the record is withdrawn: it was never so. Other types as in
// endingOf.
var voidings = map[fhir.Type]ending{
	"Goal":               {"lifecycleStatus", `"entered-in-error"`},
	"Condition":          {"verificationStatus", concluded("condition-ver-status", "entered-in-error")},
	"AllergyIntolerance": endings["AllergyIntolerance"],
	"RelatedPerson":      endings["RelatedPerson"], "PractitionerRole": endings["PractitionerRole"],
	"Task":        {"status", `"cancelled"`},
	"Appointment": endings["Appointment"], // app-3: one without a time cannot be entered-in-error
}

// endingOf returns what ends a resource; types without a row become entered-in-error.
func endingOf(t fhir.Type, withdrawn bool) ending {
	rows := endings
	if withdrawn {
		rows = voidings
	}
	if e, ok := rows[t]; ok {
		return e
	}
	return ending{"status", `"entered-in-error"`}
}

// Void reports whether a resource is withdrawn already: nothing ends it once more.
func Void(n fhir.Node) bool {
	return n.Member("status").Text() == "entered-in-error" || n.Member("lifecycleStatus").Text() == "entered-in-error" ||
		n.At("verificationStatus", "coding", "code").Text() == "entered-in-error"
}

// Retire ends what earlier versions of the record yielded and this one does not (mks.md 2.7). A
// draft ends earlier drafts only; a version in force ends both.
func (m *Mapper) Retire() error {
	versions, err := m.Known.Stored(m.Head.RecordKey())
	if err != nil {
		return fmt.Errorf("mks.retire: %w", err)
	}
	if len(versions) == 0 {
		return nil
	}
	now := map[fhir.Ref]bool{}
	for _, a := range m.Added {
		now[a.Ref] = !a.Unlisted
	}
	for _, v := range versions {
		for _, draft := range []bool{true, false} {
			if m.Draft && !draft {
				continue
			}
			if err := m.retireVersion(v, draft, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// retireVersion ends the targets of one earlier Provenance that are not written now.
func (m *Mapper) retireVersion(version int, draft bool, now map[fhir.Ref]bool) error {
	path := string(m.Type.Anchor) + "/" + m.Head.AnchorKey()
	if draft {
		path += "/concept"
	}
	p, err := m.Known.Read(fhir.Ref{Type: "Provenance", ID: mapping.ID(path + "/" + strconv.Itoa(version))})
	if err != nil {
		return fmt.Errorf("mks.retireVersion: %w", err)
	}
	for n := range Found(p).All("target", "reference") {
		ref := RefOf(n.Text())
		if ref.IsZero() || Shared[ref.Type] || now[ref] {
			continue
		}
		now[ref] = true
		if err := m.retireOne(ref, endingOf(ref.Type, m.Head.Status == "ingetrokken")); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mapper) retireOne(ref fhir.Ref, e ending) error {
	old, err := m.Known.Read(ref)
	if err != nil {
		return fmt.Errorf("mks.retireOne: %w", err)
	}
	if old == nil || Void(Found(old)) || Compact(Found(old).Member(e.member)) == e.json || !m.mayRetire(Found(old)) {
		return nil
	}
	edits := []fhir.Edit{{Path: []string{e.member}, JSON: e.json}}
	if e.member == "verificationStatus" { // con-5, ait-2: no clinicalStatus beside entered-in-error
		edits = append(edits, fhir.Edit{Path: []string{"clinicalStatus"}})
	}
	return m.AddEdited(old.Resource, edits...)
}

// mayRetire reports whether this record wrote the resource last: what belongs to another one, and was
// only edited by an earlier version of this, is not its to end. Kind records of a source share staff.
func (m *Mapper) mayRetire(n fhir.Node) bool {
	own := m.Head.Base() + "#" + m.Head.RecordType + "/"
	if m.Type.Name != "kind" {
		own += m.Head.RecordID + "/"
	}
	return strings.HasPrefix(n.At("meta", "source").Text(), own)
}
