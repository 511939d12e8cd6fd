package sdc_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/sdc"
)

const (
	ext    = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
	varExt = "http://hl7.org/fhir/StructureDefinition/variable"
)

var now = time.Date(2026, 11, 21, 20, 0, 0, 0, time.FixedZone("CET", 3600))

func parse(t testing.TB, text string) *fhir.Resource {
	t.Helper()
	r, issues := fhir.Parse([]byte(text), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatalf("%v in %s", issues, text)
	}
	return r
}

// form is a Questionnaire with one item.
func form(extensions, item string) string {
	if extensions != "" {
		extensions = `"extension":[` + extensions + `],`
	}
	return `{"resourceType":"Questionnaire","url":"https://example.org/q","version":"2",` + extensions + `"status":"active","item":[` + item + `]}`
}

// asks is an expression as an extension.
func asks(url, name, language, expression string) string {
	b, _ := json.Marshal(expression)
	if name != "" {
		name = `"name":"` + name + `",`
	}
	return `{"url":"` + url + `","valueExpression":{` + name + `"language":"` + language + `","expression":` + string(b) + `}}`
}

func initial(expression string) string {
	return `"extension":[` + asks(ext+"initialExpression", "", "text/fhirpath", expression) + `]`
}

const child = `{"resourceType":"Patient","id":"p","birthDate":"2015-03-02","gender":"female","multipleBirthInteger":2,
	"name":[{"given":["Anna","B"]},{"given":["C"]}],"maritalStatus":{"coding":[{"system":"s","code":"one"}]},
	"generalPractitioner":[{"reference":"Organization/o"}]}`

// input answers every query with a Bundle of the resource, and knows one code.
func input(t testing.TB, found string) sdc.Input {
	return sdc.Input{
		Subject: fhir.Ref{Type: "Patient", ID: "p"}, Now: now,
		Context: map[string][]*fhir.Resource{"patient": {parse(t, child)}},
		Search: func(context.Context, string) (*fhir.Resource, error) {
			if found == "" {
				return nil, nil
			}
			return parse(t, `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":`+found+`}]}`), nil
		},
		Coding: func(set, code string) ([]byte, bool) {
			return []byte(`{"system":"` + set + `","code":"` + code + `"}`), code == "female"
		},
	}
}

// items are the items of a prefilled form, and the rules of its issues.
func items(t testing.TB, questionnaire string, in sdc.Input) (string, []string) {
	t.Helper()
	out, err := sdc.Populate(context.Background(), parse(t, questionnaire), in)
	if err != nil {
		t.Fatal(err)
	}
	root := parse(t, string(out.Response)).Root()
	if got := root.Member("questionnaire").Text(); got != "https://example.org/q|2" || root.Member("status").Text() != "in-progress" {
		t.Errorf("questionnaire %q, status %q", got, root.Member("status").Text())
	}
	var rules []string
	for _, i := range out.Issues {
		rules = append(rules, i.Diagnostics)
	}
	return root.Member("item").Raw(), rules
}

func TestEachTypeOfQuestionIsAnsweredFromWhatAnExpressionFinds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ item, want string }{
		"boolean":   {`"type":"boolean",` + initial("%patient.birthDate.exists()"), `{"valueBoolean":true}`},
		"integer":   {`"type":"integer",` + initial("%patient.multipleBirth"), `{"valueInteger":2}`},
		"decimal":   {`"type":"decimal",` + initial("1.50"), `{"valueDecimal":1.50}`},
		"date":      {`"type":"date",` + initial("%patient.birthDate"), `{"valueDate":"2015-03-02"}`},
		"day of it": {`"type":"date",` + initial("@2026-01-02T03:04:05Z"), `{"valueDate":"2026-01-02"}`},
		"dateTime":  {`"type":"dateTime",` + initial("%patient.birthDate"), `{"valueDateTime":"2015-03-02"}`},
		"text":      {`"type":"text",` + initial("%patient.name.first().given.first()"), `{"valueString":"Anna"}`},
		"several":   {`"type":"string","repeats":true,` + initial("%patient.name.given"), `{"valueString":"Anna"},{"valueString":"B"},{"valueString":"C"}`},
		"coding":    {`"type":"choice",` + initial("%patient.maritalStatus"), `{"valueCoding":{"system":"s","code":"one"}}`},
		"of a set":  {`"type":"choice","answerValueSet":"v",` + initial("%patient.gender"), `{"valueCoding":{"system":"v","code":"female"}}`},
		"option": {`"type":"choice","answerOption":[{"valueCoding":{"system":"o","code":"female"}}],` + initial("%patient.gender"),
			`{"valueCoding":{"system":"o","code":"female"}}`},
		"open":      {`"type":"open-choice",` + initial("'else'"), `{"valueString":"else"}`},
		"reference": {`"type":"reference",` + initial("%patient.generalPractitioner"), `{"valueReference":{"reference":"Organization/o"}}`},
		"resource":  {`"type":"reference",` + initial("%patient"), `{"valueReference":{"reference":"Patient/p"}}`},
		"quantity": {`"type":"quantity","extension":[` + asks(ext+"initialExpression", "", "text/fhirpath", "3") +
			`,{"url":"http://hl7.org/fhir/StructureDefinition/questionnaire-unit","valueCoding":{"system":"http://unitsofmeasure.org","code":"kg","display":"kg"}}]`,
			`{"valueQuantity":{"value":3,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}`},
		"given":    {`"type":"integer","initial":[{"valueInteger":7}]`, `{"valueInteger":7}`},
		"selected": {`"type":"choice","answerOption":[{"valueString":"a"},{"valueString":"b","initialSelected":true}]`, `{"valueString":"b"}`},
	} {
		got, rules := items(t, form("", `{"linkId":"1",`+c.item+`}`), input(t, ""))
		if want := `[{"linkId":"1","answer":[` + c.want + `]}]`; got != want || len(rules) > 0 {
			t.Errorf("%s: %v, %s, want %s", name, rules, got, want)
		}
	}
}

func TestWhatDoesNotFitIsLeftOpenAndTold(t *testing.T) {
	t.Parallel()
	query := func(q string) string { return asks(varExt, "found", "application/x-fhir-query", q) }
	for name, c := range map[string]struct {
		extensions, item string
		want             []string
	}{
		"no number":         {"", `"type":"integer",` + initial("'x'"), []string{"SDC-VALUE"}},
		"not in the set":    {"", `"type":"choice","answerValueSet":"v",` + initial("'male'"), []string{"SDC-VALUE"}},
		"no FHIRPath":       {"", `"type":"string",` + initial("%patient..name"), []string{"SDC-EXPRESSION"}},
		"CQL":               {"", `"type":"string","extension":[` + asks(ext+"initialExpression", "", "text/cql", "x") + `]`, []string{"SDC-LANGUAGE"}},
		"fails on the data": {"", `"type":"string",` + initial("%patient.name.single()"), []string{"SDC-EXPRESSION"}},
		"may not be asked":  {query("Coverage?beneficiary=Patient/{{%patient.id}}"), `"type":"boolean",` + initial("%found.exists()"), []string{"SDC-ABSENT"}},
		"not given": {`{"url":"` + ext + `launchContext","extension":[{"url":"name","valueCoding":{"code":"user"}}]}`,
			`"type":"boolean",` + initial("%user.exists()"), []string{"SDC-ABSENT"}},
		"broken query": {query("Coverage?beneficiary={{%patient.id"), `"type":"boolean",` + initial("%found.exists()"), []string{"SDC-QUERY", "SDC-ABSENT"}},
	} {
		got, rules := items(t, form(c.extensions, `{"linkId":"1",`+c.item+`}`), input(t, ""))
		if got != "" || !cmp.Equal(rules, c.want) {
			t.Errorf("%s: %v, want %v; answered %s", name, rules, c.want, got)
		}
	}
}

func TestAQueryIsAskedWithItsValuesAndCannotBeWidenedByThem(t *testing.T) {
	t.Parallel()
	in := input(t, `{"resourceType":"Coverage","id":"c","status":"active"}`)
	in.Context["patient"] = []*fhir.Resource{parse(t, `{"resourceType":"Patient","id":"p","language":"a&_id=b,c"}`)}
	var asked []string
	found := in.Search
	in.Search = func(ctx context.Context, q string) (*fhir.Resource, error) {
		asked = append(asked, q)
		return found(ctx, q)
	}
	got, _ := items(t, form(asks(varExt, "c", "application/x-fhir-query", "Coverage?x={{%patient.language}}&y={{%patient.id}}")+","+
		asks(varExt, "none", "application/x-fhir-query", "Coverage?x={{%patient.gender}}"),
		`{"linkId":"1","type":"string",`+initial("%c.entry.resource.id")+`},{"linkId":"2","type":"boolean",`+initial("%none.exists()")+`}`), in)
	if want := []string{"Coverage?x=a%26_id%3Db%2Cc&y=p"}; !cmp.Equal(asked, want) {
		t.Error(cmp.Diff(want, asked))
	}
	if want := `[{"linkId":"1","answer":[{"valueString":"c"}]},{"linkId":"2","answer":[{"valueBoolean":false}]}]`; got != want {
		t.Error(got)
	}
}

func TestAGroupStandsOnceForEachItemOfItsContext(t *testing.T) {
	t.Parallel()
	context := `"extension":[` + asks(ext+"itemPopulationContext", "one", "text/fhirpath", "%patient.name") + `]`
	inner := `"item":[{"linkId":"g.1","type":"string","repeats":true,` + initial("%one.given") + `},{"linkId":"g.2","type":"display","text":"x"}]`
	for repeats, want := range map[string]string{
		`"repeats":true,`: `[{"linkId":"g","text":"Naam","item":[{"linkId":"g.1","answer":[{"valueString":"Anna"},{"valueString":"B"}]}]},` +
			`{"linkId":"g","text":"Naam","item":[{"linkId":"g.1","answer":[{"valueString":"C"}]}]}]`,
		"": `[{"linkId":"g","text":"Naam","item":[{"linkId":"g.1","answer":[{"valueString":"Anna"},{"valueString":"B"}]}]}]`,
	} {
		if got, _ := items(t, form("", `{"linkId":"g","text":"Naam","type":"group",`+repeats+context+","+inner+`}`), input(t, "")); got != want {
			t.Errorf("%s: %s", repeats, got)
		}
	}
}

func TestTheNewestObservationOfThePeriodAnswers(t *testing.T) {
	t.Parallel()
	item := func(typ string) string {
		return `{"linkId":"1","type":"` + typ + `","code":[{"system":"http://loinc.org","code":"29463-7"}],"extension":[{"url":"` + ext +
			`observationLinkPeriod","valueDuration":{"value":2,"code":"wk","system":"http://unitsofmeasure.org"}}]}`
	}
	in := input(t, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":9.40,"unit":"kg"}}`)
	asked := ""
	found := in.Search
	in.Search = func(ctx context.Context, q string) (*fhir.Resource, error) {
		asked = q
		return found(ctx, q)
	}
	for typ, want := range map[string]string{
		"quantity": `{"valueQuantity":{"value":9.40,"unit":"kg"}}`, "decimal": `{"valueDecimal":9.40}`,
	} {
		if got, rules := items(t, form("", item(typ)), in); got != `[{"linkId":"1","answer":[`+want+`]}]` {
			t.Errorf("%s: %v %s", typ, rules, got)
		}
	}
	if want := "Observation?subject=Patient/p&code=http%3A%2F%2Floinc.org%7C29463-7&status=final,amended,corrected&date=ge2026-11-07"; !strings.HasPrefix(asked, want) {
		t.Errorf("asked %s", asked)
	}
}

func TestAFormThatAsksForTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(asks(varExt, "v", "application/x-fhir-query", "Coverage?x=1")+",", 60)
	for name, q := range map[string]string{
		"queries": form(strings.TrimSuffix(many, ","), `{"linkId":"1","type":"string"}`),
		"groups": form("", `{"linkId":"g","type":"group","repeats":true,"extension":[`+
			asks(ext+"itemPopulationContext", "one", "text/fhirpath", "'x'.replace('x', '"+strings.Repeat("a", 300)+"').toChars()")+
			`],"item":[{"linkId":"1","type":"string",`+initial("%one")+`}]}`),
	} {
		_, err := sdc.Populate(context.Background(), parse(t, q), input(t, `{"resourceType":"Coverage","status":"active"}`))
		if fhir.KindOf(err) != fhir.Unprocessable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAllExpressionsOfAFormShareOneBudget(t *testing.T) {
	t.Parallel()
	in := input(t, "")
	in.Context["patient"] = []*fhir.Resource{parse(t, `{"resourceType":"Patient","language":"`+strings.Repeat("a", 20_000)+`"}`)}
	item := `{"linkId":"h","type":"integer",` + initial("%patient.language.toChars().select($this & 'b').count()") + `},`
	out, err := sdc.Populate(context.Background(), parse(t, form("", strings.TrimSuffix(strings.Repeat(item, 400), ","))), in)
	if err != nil {
		t.Fatal(err)
	}
	answered := strings.Count(string(out.Response), "valueInteger")
	if answered == 0 || answered > 200 || len(out.Issues) != 400-answered {
		t.Errorf("%d answered, %d issues", answered, len(out.Issues))
	}
}

func TestAFailedLookUpIsAnError(t *testing.T) {
	t.Parallel()
	in, down := input(t, ""), errors.New("down")
	in.Search = func(context.Context, string) (*fhir.Resource, error) { return nil, down }
	q := form(asks(varExt, "c", "application/x-fhir-query", "Coverage?x=1"), `{"linkId":"1","type":"string"}`)
	if _, err := sdc.Populate(context.Background(), parse(t, q), in); !errors.Is(err, down) {
		t.Errorf("%v", err)
	}
}
