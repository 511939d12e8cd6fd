package samordningsplan_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form/formtest"
	"github.com/drieluik/drieluik/mapping/samordningsplan"
)

// TestPublishedSchemaIsThatOfTheTables holds the published file to the tables of the parser. Write it with
// -update-schema.
func TestPublishedSchemaIsThatOfTheTables(t *testing.T) {
	t.Parallel()
	formtest.Published(t, "../../conformance/artifacts/samordningsplan-1.schema.json", samordningsplan.JSONSchema)
}

// formRules are the rules that the JSON Schema says, but for check digits, conditions between members and who
// is an organisation: those it leaves to the parser.
var formRules = []string{"SP-S01", "SP-S02", "SP-S03", "SP-S06", "SP-S07", "SP-S09"}

// TestSchemaAcceptsAndRefusesWhatTheParserDoes is over every sample record and what is drawn from them. Where
// the parser refuses what the schema accepts, a condition between members says so.
func TestSchemaAcceptsAndRefusesWhatTheParserDoes(t *testing.T) {
	t.Parallel()
	s := formtest.Compiled(t, samordningsplan.SchemaID, samordningsplan.JSONSchema)
	all := seeds(t)
	known := pool(all)
	for _, text := range all {
		agree(t, s, text)
	}
	rapid.Check(t, func(rt *rapid.T) { agree(rt, s, drawn(rt, all, known)) })
}

// agree compares parser and schema on one document. The rules over several members are left out by asking the
// tables alone.
func agree(t rapid.TB, s *jsonschema.Schema, text []byte) {
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return
	}
	_, issues = samordningsplan.Format{}.Read(doc, receipt)
	faults := slices.DeleteFunc(slices.Clone(issues), func(i fhir.Issue) bool {
		return i.Severity != fhir.SeverityError || !slices.Contains(formRules, i.Diagnostics)
	})
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Validate(v)
	if err != nil && len(faults) == 0 {
		t.Errorf("the parser accepts what the schema refuses: %v in\n%s", err, text)
	}
	conditional := slices.ContainsFunc(faults, func(i fhir.Issue) bool {
		return i.Diagnostics != "SP-S02" && i.Diagnostics != "SP-S03" && i.Diagnostics != "SP-S06"
	})
	if err == nil && len(faults) > 0 && !conditional {
		t.Errorf("the schema accepts what the parser refuses: %v in\n%s", faults, text)
	}
}
