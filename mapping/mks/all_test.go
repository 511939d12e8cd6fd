package mks_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// mapped is one sample record with what came of it.
type mapped struct {
	file   string
	source mapping.Source
	result mapping.Result
	issues []fhir.Issue
}

// dossier maps the records of one child in order, each with those before it stored.
func dossier(t *testing.T, name string) ([]mapped, *mapping.Memory) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(records, name, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no records of %s: %v", name, err)
	}
	k := mapping.NewMemory()
	var out []mapped
	for _, f := range files {
		file := name + "/" + filepath.Base(f)
		s, r, issues := submit(t, k, sample(t, file))
		if fhir.HasErrors(issues) {
			t.Fatalf("%s: %v", file, rules(issues, fhir.SeverityError))
		}
		k.Apply(s, r, receipt)
		out = append(out, mapped{file, s, r, issues})
	}
	return out, k
}

// eachRecord runs f for every sample record.
func eachRecord(t *testing.T, f func(*testing.T, mapped, *mapping.Memory)) {
	t.Helper()
	for _, name := range []string{"boris", "sanne", "daan"} {
		all, k := dossier(t, name)
		for _, m := range all {
			t.Run(m.file, func(t *testing.T) { f(t, m, k) })
		}
	}
}

func TestEveryEmittedResourceIsValid(t *testing.T) {
	t.Parallel()
	eachRecord(t, func(t *testing.T, m mapped, _ *mapping.Memory) {
		for _, r := range m.result.Resources {
			for _, i := range faultsOf(r.Resource) {
				t.Errorf("%s: %s %s %s", r.Resource.Ref(), i.Severity, i.Expression, i.Text)
			}
		}
	})
}

func TestEveryReferenceOfARecordLeadsSomewhere(t *testing.T) {
	t.Parallel()
	eachRecord(t, func(t *testing.T, m mapped, k *mapping.Memory) {
		for _, r := range m.result.Resources {
			for _, ref := range literals(r.Resource.Root()) {
				parsed, ok := fhir.ParseRef(ref)
				if !ok {
					t.Errorf("%s has the reference %q", r.Resource.Ref(), ref)
					continue
				}
				if f, err := k.Read(parsed); err != nil || f == nil {
					t.Errorf("%s refers to %s, which is not stored: %v", r.Resource.Ref(), ref, err)
				}
			}
		}
	})
}

// literals returns every literal reference at or below n.
func literals(n fhir.Node) []string {
	var out []string
	if n.Shape() == fhir.String && n.Name() == "reference" {
		out = append(out, n.Text())
	}
	for c := range n.Children() {
		out = append(out, literals(c)...)
	}
	return out
}

func TestEveryMemberOfTheSourceHasATrace(t *testing.T) {
	t.Parallel()
	eachRecord(t, func(t *testing.T, m mapped, _ *mapping.Memory) {
		traced := map[string]bool{}
		for _, x := range m.result.Trace {
			traced[x.Pointer] = true
		}
		for _, p := range leaves(m.source.Doc.Root()) {
			if !covered(traced, p) {
				t.Errorf("%s has no trace", p)
			}
		}
	})
}

// leaves returns the pointers of all values that hold no others.
func leaves(n fhir.Node) []string {
	if n.Len() == 0 {
		return []string{n.Pointer()}
	}
	var out []string
	for c := range n.Children() {
		out = append(out, leaves(c)...)
	}
	return out
}

// covered reports whether the pointer or one above it is traced.
func covered(traced map[string]bool, pointer string) bool {
	for p := pointer; p != ""; p = p[:strings.LastIndexByte(p, '/')] {
		if traced[p] {
			return true
		}
	}
	return false
}

func TestNoSampleNeedsASourceMemberForAKnownMember(t *testing.T) {
	t.Parallel()
	eachRecord(t, func(t *testing.T, m mapped, _ *mapping.Memory) {
		for _, r := range m.result.Resources {
			if r.Resource.Type() == "Provenance" {
				continue // keeps the rights-bearing facts of another source (mks.md 2.6)
			}
			for e := range r.Resource.Root().All("extension") {
				empty := strings.Contains(e.Raw(), `"valueString":"[]"`) // it means absent, and is kept as it came
				if strings.HasSuffix(e.Member("url").Text(), "/source-member") && r.Resource.Ref() == m.result.Anchor && !empty {
					t.Errorf("kept as it came: %s", e.Raw())
				}
			}
		}
	})
}

func TestTheSameRecordTwiceGivesTheSameResources(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"boris", "sanne", "daan"} {
		all, k := dossier(t, name)
		last := all[len(all)-1]
		again, r, issues := submit(t, k, last.source.Doc.Bytes())
		if fhir.HasErrors(issues) {
			t.Fatalf("%s again: %v", last.file, issues)
		}
		if again.Record != last.source.Record || again.Version != last.source.Version {
			t.Errorf("%s again has another key", last.file)
		}
		if d := cmp.Diff(bodies(last.result), bodies(r)); d != "" {
			t.Errorf("%s again (-first +second):\n%s", last.file, d)
		}
	}
}

func TestMappingIsPure(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	_, first, _ := submit(t, k, sample(t, "boris/01-kind.json"))
	_, second, _ := submit(t, k, sample(t, "boris/01-kind.json"))
	if d := cmp.Diff(bodies(first), bodies(second)); d != "" {
		t.Errorf("two runs differ:\n%s", d)
	}
}

// bodies returns the resources as text.
func bodies(r mapping.Result) []string {
	var out []string
	for _, m := range r.Resources {
		out = append(out, fmt.Sprintf("%s %s", m.Custodian, m.Resource.Bytes()))
	}
	return out
}

func TestRecordsOfBorisBecomeTheResourcesOfTheWorkedExample(t *testing.T) {
	t.Parallel()
	want := map[string]map[string]int{
		"boris/01-kind.json": {"Patient": 1, "Organization": 9, "Practitioner": 7, "PractitionerRole": 7,
			"RelatedPerson": 4, "Observation": 2, "Coverage": 1, "CareTeam": 1, "Provenance": 1},
		"boris/02-kind-ziekenhuis.json": {"Organization": 2, "Practitioner": 2, "PractitionerRole": 2,
			"RelatedPerson": 2, "Patient": 1, "Coverage": 1, "Provenance": 1},
		"boris/04-hulpbehoeftescan-eerste.json":     {"QuestionnaireResponse": 1, "Condition": 2, "Provenance": 1},
		"boris/05-hulpbehoeftescan-herhaling.json":  {"QuestionnaireResponse": 1, "Condition": 5, "Provenance": 1},
		"boris/09-evaluatie-ouders.json":            {"Encounter": 1, "Observation": 2, "Goal": 1, "Provenance": 1}, // and the goal of the plan
		"boris/10-evaluatie-client-bespreking.json": {"Encounter": 1, "Communication": 1, "Provenance": 1},
		"boris/03-verwijsboom.json":                 {"QuestionnaireResponse": 1, "ServiceRequest": 4, "Provenance": 1},
		"boris/06-zorgplan-v2.json": {"Condition": 3, "Goal": 2, "CarePlan": 11, "NutritionOrder": 1,
			"Appointment": 2, "Flag": 1, "Provenance": 2},
		"boris/07-zorgplan-v3.json": {"Condition": 3, "Goal": 2, "CarePlan": 11, "NutritionOrder": 1,
			"Appointment": 2, "Flag": 1, "Provenance": 2},
		"boris/08-zorgplan-v4-concept.json": {"Condition": 3, "Goal": 2, "CarePlan": 11, "NutritionOrder": 1, "Flag": 1, "Provenance": 1},
		"boris/11-overdracht-ziekenhuis-naar-huis.json": {"Observation": 11, "Condition": 4, "AllergyIntolerance": 1,
			"Flag": 1, "CarePlan": 3, "Encounter": 3, "Device": 2, "DeviceUseStatement": 2, "NutritionOrder": 1,
			"DocumentReference": 1, "QuestionnaireResponse": 1, "Composition": 1, "Task": 1, "Provenance": 1},
		"boris/12-toestemming.json":               {"Consent": 1, "Provenance": 1},
		"boris/13-toestemming-verondersteld.json": {"Consent": 1, "Provenance": 1},
	}
	anchors := map[string]string{
		"boris/01-kind.json":                            "Patient/857f7414-61fd-5f7b-8cc1-57f7dccedb87",
		"boris/02-kind-ziekenhuis.json":                 "Patient/857f7414-61fd-5f7b-8cc1-57f7dccedb87",
		"boris/07-zorgplan-v3.json":                     "CarePlan/8c0b0cd2-d110-52f4-95df-b7854d1e51bf",
		"boris/05-hulpbehoeftescan-herhaling.json":      "QuestionnaireResponse/2424546c-b0f4-5b0c-9179-c75aa3d0e996",
		"boris/08-zorgplan-v4-concept.json":             "CarePlan/0d119d1f-a323-5ab3-927c-f715c79f2867",
		"boris/11-overdracht-ziekenhuis-naar-huis.json": "Composition/e2a25bed-6435-5c5a-9e4d-46086152a070",
	}
	all, _ := dossier(t, "boris")
	for _, m := range all {
		if d := cmp.Diff(want[m.file], counts(m.result)); d != "" {
			t.Errorf("%s (-want +got):\n%s", m.file, d)
		}
		if a := anchors[m.file]; a != "" && m.result.Anchor.String() != a {
			t.Errorf("%s has the anchor %s", m.file, m.result.Anchor)
		}
	}
	implied := anchorOf(t, all[len(all)-1].result)
	transfer := implied.At("provision", "data", "reference", "reference").Text()
	if transfer != anchors["boris/11-overdracht-ziekenhuis-naar-huis.json"] {
		t.Errorf("the implied consent is about %s", transfer)
	}
}

// faultsOf validates a resource. That it has no narrative (dom-6) is no fault: its data are shown by
// our own pages.
func faultsOf(r *fhir.Resource) []fhir.Issue {
	return slices.DeleteFunc(validate.Resource(r), func(i fhir.Issue) bool { return i.Diagnostics == "dom-6" })
}
