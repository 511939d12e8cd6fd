package mks_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// envelope is a bron-record of a record type, with parts in place of the usual ones.
func envelope(recordType string, parts ...string) string {
	usual := []string{
		`{"url":"recordType","valueCode":"` + recordType + `"}`, `{"url":"recordId","valueString":"r-1"}`, `{"url":"versie","valuePositiveInt":1}`,
		`{"url":"status","valueCode":"definitief"}`, `{"url":"ura","valueString":"90000001"}`, `{"url":"applicatie","valueString":"ecd"}`,
		`{"url":"systeemNaam","valueString":"Test"}`, `{"url":"vastgelegdOp","valueDateTime":"2026-11-02T10:15:00+01:00"}`,
		`{"url":"vastgelegdDoor","valueReference":{"identifier":{"system":"https://drieluik.example/fhir/bron/90000001/ecd/onbekend","value":"m"}}}`,
		`{"url":"lokaalId","valueString":"K-1"}`, `{"url":"bsnGezonden","valueBoolean":false}`,
	}
	return `{"url":"` + structure + `bron-record","extension":[` + strings.Join(append(parts, usual...), ",") + `]}`
}

func keep(pointer, value string) string {
	return fmt.Sprintf(`{"url":%q,"extension":[{"url":"pointer","valueString":%q},{"url":"value","valueString":%q}]}`, structure+"source-member", pointer, value)
}

// hostile are resources that no mapping made, with the rule and place that answer them.
var hostile = []struct{ name, resources, rule, at string }{
	{"nothing", `{"resourceType":"Basic","id":"b"}`, "MKS-BACK-01", ""},
	{"an unknown record type", `{"resourceType":"Patient","id":"p","extension":[` + envelope("dagboek") + `]}`, "MKS-BACK-02", "Patient.extension[0]"},
	{"a record on another resource", `{"resourceType":"Patient","id":"p","extension":[` + envelope("zorgplan") + `]}`, "MKS-BACK-02", "Patient.extension[0]"},
	{"a child without anything", `{"resourceType":"Patient","id":"p","extension":[` + envelope("kind") + `]}`, "MKS-ENV-01", "/inhoud/naam"},
	{"members of another shape", `{"resourceType":"Patient","id":"p","name":"x","address":[1,{"_line":"y"}],"telecom":{"system":[2]},"communication":[{"language":7}],` +
		`"birthDate":{"a":1},"extension":[` + envelope("kind") + `,7,{"url":[3]}]}`, "MKS-ENV-01", "/inhoud/geboortedatum"},
	{"a number of the child that the Bundle lacks", `{"resourceType":"Consent","id":"c","extension":[` +
		envelope("toestemming", `{"url":"bsnGezonden","valueBoolean":true}`) + `]}`, "MKS-BACK-05", "Consent"},
	{"a pointer into nothing", `{"resourceType":"Patient","id":"p","extension":[` + envelope("kind") + `,` + keep("/inhoud/adres/7/x", "1") + `,` + keep("/versie/x", "1") + `]}`,
		"MKS-BACK-06", "Patient.extension[2]"},
	{"a pointer without end", `{"resourceType":"Patient","id":"p","extension":[` + envelope("kind") + `,` + keep(strings.Repeat("/a", 70), "1") + `]}`, "MKS-BACK-06", "Patient.extension[1]"},
	{"a value that is more than one", `{"resourceType":"Patient","id":"p","extension":[` + envelope("kind") + `,` + keep("/x", `1},"y":{"z":2`) + `]}`, "MKS-BACK-06", "Patient.extension[1]"},
	{"a plan that is part of itself", `{"resourceType":"CarePlan","id":"c","partOf":[{"reference":"CarePlan/c"}],"goal":[{"reference":"CarePlan/c"}],` +
		`"addresses":[{"reference":"CarePlan/c"}],"category":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-categorie","code":"actie"}]}],` +
		`"meta":{"source":"https://drieluik.example/fhir/bron/90000001/ecd#zorgplan/r-1/1"},"extension":[` + envelope("zorgplan") + `]}`, "MKS-ENV-01", "/inhoud/acties"},
	{"a day line of a year", `{"resourceType":"CarePlan","id":"c","extension":[` + envelope("zorgplan") + `]},{"resourceType":"CarePlan","id":"d",` +
		`"partOf":[{"reference":"CarePlan/c"}],"category":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-categorie","code":"dagprogramma"}]}],` +
		`"meta":{"source":"https://drieluik.example/fhir/bron/90000001/ecd#zorgplan/r-1/1"},` +
		`"activity":[{"detail":{"scheduledTiming":{"repeat":{"timeOfDay":["23:00:00"],"duration":99999999999}}}}]}`, "MKS-ENV-01", "/inhoud/dagprogramma/0/tot"},
	{"a narrative that is no XML", `{"resourceType":"Composition","id":"c","extension":[` + envelope("overdracht") + `],"section":[{"code":{"coding":[{"system":"http://snomed.info/sct",` +
		`"code":"106076001"}]},"text":{"div":"<div><p>&huh;</div>"},"section":[{"entry":[{"reference":"Composition/c"}]}]}]}`, "MKS-ENV-01", "/inhoud/richting"},
}

// resourcesOf parses the resources of a list.
func resourcesOf(text string) []*fhir.Resource {
	doc, _ := fhir.ParseDocument([]byte(`{"list":[`+text+`]}`), fhir.Limits{})
	if doc == nil {
		return nil
	}
	var out []*fhir.Resource
	for n := range doc.Root().All("list") {
		if r, issues := n.Detach(); !fhir.HasErrors(issues) {
			out = append(out, r)
		}
	}
	return out
}

func TestHostileResourcesAreNamedAndRefused(t *testing.T) {
	t.Parallel()
	for _, c := range hostile {
		rs := resourcesOf(c.resources)
		text, issues, err := mks.Format{}.Back(rs, origin)
		if err != nil || text != nil {
			t.Errorf("%s gives %s, %v", c.name, text, err)
		}
		found := false
		for _, i := range issues {
			found = found || i.Diagnostics == c.rule && i.Expression == c.at && i.Text != ""
		}
		if !found {
			t.Errorf("%s: no %s at %q in %v", c.name, c.rule, c.at, issues)
		}
	}
}

func TestManyRecordsAreBounded(t *testing.T) {
	t.Parallel()
	var own, foreign []string
	for i := range 1100 {
		own = append(own, envelope("kind", fmt.Sprintf(`{"url":"recordId","valueString":"r-%d"}`, i)))
		foreign = append(foreign, fmt.Sprintf(`{"resourceType":"Patient","id":"f%d"}`, i))
	}
	patient := `{"resourceType":"Patient","id":"p","extension":[` + strings.Join(own, ",") + `]}`
	for _, text := range []string{patient, strings.Join(foreign, ",")} {
		_, issues, _ := mks.Format{}.Back(resourcesOf(text), origin)
		if !fhir.HasErrors(issues) || len(issues) > 2500 || issues[0].Diagnostics != "MKS-BACK-07" {
			t.Errorf("%d issues, the first is %+v", len(issues), issues[0])
		}
	}
}

// broken changes values of a resource at random: other shapes, other values, nothing.
func broken(v any, choose *rand.Rand) any {
	all := places(v)
	for range 1 + choose.IntN(3) {
		var x any
		if json.Unmarshal([]byte(odd[choose.IntN(len(odd))]), &x) == nil && len(all) > 0 {
			all[choose.IntN(len(all))](x)
		}
	}
	return v
}

func TestBrokenResourcesNeverPanicAndNeverGiveABrokenDocument(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json", "boris/07-zorgplan-v3.json", borisTransfer, "boris/12-toestemming.json")
	all := k.All()
	for range rounds {
		seed := rand.Uint64()
		choose := rand.New(rand.NewPCG(seed, 0))
		rs := append([]*fhir.Resource(nil), all...)
		for range 1 + choose.IntN(6) {
			i := choose.IntN(len(rs))
			var v any
			if err := json.Unmarshal(rs[i].Bytes(), &v); err != nil {
				t.Fatal(seed, err)
			}
			text, err := json.Marshal(broken(v, choose))
			if err != nil {
				t.Fatal(seed, err)
			}
			if r, issues := fhir.Parse(text, fhir.Limits{}); !fhir.HasErrors(issues) {
				rs[i] = r
			}
		}
		text, issues, err := mks.Format{}.Back(rs, origin)
		if err != nil || fhir.HasErrors(issues) != (text == nil) {
			t.Fatalf("seed %d: %v with %v", seed, err, issues)
		}
		if text != nil {
			documents(t, text)
		}
	}
}

// FuzzBack holds that no resources make the way back panic, and that what it gives are documents.
func FuzzBack(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.resources)
	}
	k := mapping.NewMemory()
	store(f, k, "boris/02-kind-ziekenhuis.json", "boris/12-toestemming.json")
	var all []string
	for _, r := range k.All() {
		all = append(all, string(r.Bytes()))
	}
	f.Add(strings.Join(all, ","))
	f.Fuzz(func(t *testing.T, text string) {
		out, issues, err := mks.Format{}.Back(resourcesOf(text), origin)
		if err != nil || fhir.HasErrors(issues) != (out == nil) {
			t.Fatalf("%v with %v", err, issues)
		}
		if out != nil {
			documents(t, out)
		}
	})
}
