package sdc_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/sdc"
)

const (
	extracted = `{"url":"` + ext + `observationExtract","valueBoolean":true}`
	not       = `{"url":"` + ext + `observationExtract","valueBoolean":false}`
	category  = `{"url":"` + ext + `observation-extract-category","valueCodeableConcept":{"coding":[{"system":"c","code":"vital-signs"}]}}`
	coded     = `"code":[{"system":"http://loinc.org","code":"29463-7"}]`
)

func filled(status, items string) string {
	return `{"resourceType":"QuestionnaireResponse","id":"r","status":"` + status + `","subject":{"reference":"Patient/p"},
		"authored":"2026-11-21","author":{"reference":"PractitionerRole/n"},"item":[` + items + `]}`
}

// extract returns what was extracted, each valid, and the rules of the issues.
func extract(t *testing.T, questionnaire, answers string) ([]mapping.Extracted, []string) {
	t.Helper()
	out, issues, err := sdc.Extract(parse(t, questionnaire), parse(t, answers))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range out {
		if found := validate.Resource(one.Resource); fhir.HasErrors(found) {
			t.Errorf("%+v in %s", found, one.Resource.Bytes())
		}
	}
	var rules []string
	for _, i := range issues {
		rules = append(rules, i.Diagnostics+" "+i.Expression)
	}
	return out, rules
}

func TestAnswersBecomeObservations(t *testing.T) {
	t.Parallel()
	kg := `{"url":"http://hl7.org/fhir/StructureDefinition/questionnaire-unit","valueCoding":{"system":"http://unitsofmeasure.org","code":"kg","display":"kg"}}`
	for name, c := range map[string]struct{ typ, answer, want string }{
		"number":   {"decimal", `"valueDecimal":9.40`, `"valueQuantity":{"value":9.40,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}`},
		"integer":  {"integer", `"valueInteger":3`, `"valueInteger":3`},
		"yes":      {"boolean", `"valueBoolean":true`, `"valueBoolean":true`},
		"day":      {"date", `"valueDate":"2026-11-20"`, `"valueDateTime":"2026-11-20"`},
		"choice":   {"choice", `"valueCoding":{"system":"s","code":"a"}`, `"valueCodeableConcept":{"coding":[{"system":"s","code":"a"}]}`},
		"quantity": {"quantity", `"valueQuantity":{"value":1}`, `"valueQuantity":{"value":1}`},
		"text":     {"text", `"valueString":"x"`, `"valueString":"x"`},
	} {
		q := form(extracted+","+category, `{"linkId":"g","type":"group","item":[{"linkId":"1","text":"Gewicht","type":"`+c.typ+`",`+coded+`,"extension":[`+kg+`]}]}`)
		entries, rules := extract(t, q, filled("completed", `{"linkId":"g","item":[{"linkId":"1","answer":[{`+c.answer+`}]}]}`))
		if len(entries) != 1 || len(rules) > 0 {
			t.Errorf("%s: %d entries, %v", name, len(entries), rules)
			continue
		}
		want := `{"resourceType":"Observation","identifier":[{"system":"` + fhir.Canonical + `/sid/extract","value":"r/g.0/1.0/0"}],"status":"final",` +
			`"category":[{"coding":[{"system":"c","code":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}],"text":"Gewicht"},` +
			`"subject":{"reference":"Patient/p"},"effectiveDateTime":"2026-11-21","performer":[{"reference":"PractitionerRole/n"}],` +
			`"derivedFrom":[{"reference":"QuestionnaireResponse/r"}],` + c.want + `}`
		if got := string(entries[0].Resource.Bytes()); got != want {
			t.Errorf("%s: %s", name, cmp.Diff(want, got))
		}
		if one := entries[0]; !strings.HasPrefix(one.URN, "urn:uuid:") || one.Identifier != (fhir.Identifier{System: mapping.ExtractSystem, Value: "r/g.0/1.0/0"}) {
			t.Errorf("%s: %+v", name, one)
		}
	}
}

func TestOnlyWhatTheFormMarksIsExtracted(t *testing.T) {
	t.Parallel()
	q := form("", `{"linkId":"1","type":"string",`+coded+`},
		{"linkId":"2","type":"group","extension":[`+extracted+`],"item":[{"linkId":"2.1","type":"string",`+coded+`},
			{"linkId":"2.2","type":"string",`+coded+`,"extension":[`+not+`]},{"linkId":"2.3","type":"string"},
			{"linkId":"2.4","type":"reference",`+coded+`,"item":[{"linkId":"2.4.1","type":"string","repeats":true,`+coded+`}]}]}`)
	entries, rules := extract(t, q, filled("amended", `{"linkId":"1","answer":[{"valueString":"a"}]},{"linkId":"2","item":[
		{"linkId":"2.1","answer":[{"valueString":"b"}]},{"linkId":"2.2","answer":[{"valueString":"c"}]},{"linkId":"2.3","answer":[{"valueString":"d"}]},
		{"linkId":"2.4","answer":[{"valueReference":{"reference":"Patient/p"},"item":[{"linkId":"2.4.1","answer":[{"valueString":"e"},{"valueString":"f"}]}]}]},
		{"linkId":"unknown","answer":[{"valueString":"g"}]}]}`))
	var got []string
	for _, e := range entries {
		got = append(got, e.Resource.Root().Member("valueString").Text())
	}
	if strings.Join(got, "") != "bef" || !cmp.Equal(rules, []string{"SDC-EXTRACT QuestionnaireResponse.item[1].item[3].answer[0]"}) {
		t.Errorf("%v, %v", got, rules)
	}
}

func TestAnUnfinishedResponseIsNotExtracted(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"in-progress", "stopped", "entered-in-error"} {
		_, _, err := sdc.Extract(parse(t, form(extracted, `{"linkId":"1","type":"string",`+coded+`}`)), parse(t, filled(status, `{"linkId":"1"}`)))
		if fhir.KindOf(err) != fhir.Unprocessable {
			t.Errorf("%s: %v", status, err)
		}
	}
}

func TestWhatIsExtractedIsAsGuardedAsItsResponse(t *testing.T) {
	t.Parallel()
	label := `{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}`
	domain := `{"system":"` + fhir.Canonical + `/CodeSystem/mks-domein","code":"sociaal"}`
	answers := strings.Replace(filled("completed", `{"linkId":"1","answer":[{"valueString":"a"}]}`), `"id":"r"`,
		`"id":"r","meta":{"security":[`+label+`],"tag":[`+domain+`,{"system":"urn:x","code":"of the form alone"}]}`, 1)
	entries, _ := extract(t, form(extracted, `{"linkId":"1","type":"string",`+coded+`}`), answers)
	if want := `{"security":[` + label + `],"tag":[` + domain + `]}`; len(entries) != 1 || entries[0].Resource.Root().Member("meta").Raw() != want {
		t.Errorf("%d entries, meta %s", len(entries), entries[0].Resource.Root().Member("meta").Raw())
	}
}
