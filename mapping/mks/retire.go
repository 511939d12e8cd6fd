package mks

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

// shared are types that other records and children use too: they stay.
var shared = map[fhir.Type]bool{"Organization": true, "Practitioner": true, "Patient": true, "Provenance": true}

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

// void reports whether a resource is withdrawn already: nothing ends it once more.
func void(n fhir.Node) bool {
	return n.Member("status").Text() == "entered-in-error" || n.Member("lifecycleStatus").Text() == "entered-in-error" ||
		n.At("verificationStatus", "coding", "code").Text() == "entered-in-error"
}

// retire ends what earlier versions of the record yielded and this one does not (mks.md 2.7). A
// draft ends earlier drafts only; a version in force ends both.
func (m *mapper) retire() error {
	versions, err := m.known.Stored(m.head.recordKey())
	if err != nil {
		return fmt.Errorf("mks.retire: %w", err)
	}
	now := map[fhir.Ref]bool{}
	for _, a := range m.added {
		now[a.ref] = !a.unlisted
	}
	for _, v := range versions {
		for _, draft := range []bool{true, false} {
			if m.draft && !draft {
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
func (m *mapper) retireVersion(version int, draft bool, now map[fhir.Ref]bool) error {
	path := string(m.rec.anchor) + "/" + m.head.anchorKey()
	if draft {
		path += "/concept"
	}
	p, err := m.known.Read(fhir.Ref{Type: "Provenance", ID: mapping.ID(path + "/" + strconv.Itoa(version))})
	if err != nil {
		return fmt.Errorf("mks.retireVersion: %w", err)
	}
	for n := range found(p).All("target", "reference") {
		ref := refOf(n.Text())
		if ref.IsZero() || shared[ref.Type] || now[ref] {
			continue
		}
		now[ref] = true
		if err := m.retireOne(ref, endingOf(ref.Type, m.head.status == "ingetrokken")); err != nil {
			return err
		}
	}
	return nil
}

func (m *mapper) retireOne(ref fhir.Ref, e ending) error {
	old, err := m.known.Read(ref)
	if err != nil {
		return fmt.Errorf("mks.retireOne: %w", err)
	}
	if old == nil || void(found(old)) || compact(found(old).Member(e.member)) == e.json || !m.mayRetire(found(old)) {
		return nil
	}
	edits := []fhir.Edit{{Path: []string{e.member}, JSON: e.json}}
	if e.member == "verificationStatus" { // con-5, ait-2: no clinicalStatus beside entered-in-error
		edits = append(edits, fhir.Edit{Path: []string{"clinicalStatus"}})
	}
	return m.addEdited(old.Resource, edits...)
}

// mayRetire reports whether this record wrote the resource last: what belongs to another one, and was
// only edited by an earlier version of this, is not its to end. Kind records of a source share staff.
func (m *mapper) mayRetire(n fhir.Node) bool {
	own := m.head.base() + "#" + m.head.recordType + "/"
	if m.rec.name != "kind" {
		own += m.head.recordID + "/"
	}
	return strings.HasPrefix(n.At("meta", "source").Text(), own)
}
