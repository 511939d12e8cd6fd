package sdc_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/mapping/sdc"
)

// hundreds yields n items.
func hundreds(n int) string {
	return "'x'.replace('x', '" + strings.Repeat("a", n) + "').toChars()"
}

// repeated is a group for each of 200 items.
func repeated(name, below string) string {
	return `{"linkId":"` + name + `","type":"group","repeats":true,"extension":[` +
		asks(ext+"itemPopulationContext", name, "text/fhirpath", hundreds(200)) + `],"item":[` + below + `]}`
}

// TestNoFormCostsMoreThanItsBounds: forms whose parts are small and whose product is not are refused; without a
// bound some take hours.
func TestNoFormCostsMoreThanItsBounds(t *testing.T) {
	t.Parallel()
	big := asks(varExt, "big", "text/fhirpath", "'"+strings.Repeat("x", 30_000)+"'")
	question := func(i int, typ, more string) string {
		return fmt.Sprintf(`{"linkId":"q%d","type":"%s",%s}`, i, typ, more)
	}
	list := func(n int, one func(i int) string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = one(i)
		}
		return strings.Join(all, ",")
	}
	options := list(1000, func(i int) string { return fmt.Sprintf(`{"valueString":"o%d"}`, i) })
	for name, q := range map[string]string{
		"groups within groups": form("", repeated("a", repeated("b", repeated("c", list(200, func(i int) string { return question(i, "string", `"text":"x"`) }))))),
		"compiling":            form("", repeated("a", list(200, func(i int) string { return question(i, "string", initial("{}"+strings.Repeat(" ", 3000))) }))),
		"variables":            form(list(300, func(i int) string { return asks(varExt, fmt.Sprintf("v%d", i), "text/fhirpath", "1") }), question(1, "string", `"text":"x"`)),
		"missing contexts": form(list(300, func(i int) string {
			return fmt.Sprintf(`{"url":"%slaunchContext","extension":[{"url":"name","valueCoding":{"code":"c%d"}}]}`, ext, i)
		}), question(1, "string", `"text":"x"`)),
		"a long query":     form(big+","+asks(varExt, "v", "application/x-fhir-query", "Coverage?x="+strings.Repeat("{{%big}}", 1000)), question(1, "string", `"text":"x"`)),
		"long answers":     form(big, list(300, func(i int) string { return question(i, "string", initial("%big")) })),
		"options":          form("", question(1, "choice", `"answerOption":[`+options+`],`+initial(hundreds(5000)))),
		"texts of a group": form("", repeated("a", question(1, "string", `"text":"`+strings.Repeat("x", 30_000)+`",`+initial("'y'")))),
	} {
		in := input(t, `{"resourceType":"Coverage","status":"active"}`)
		_, err := sdc.Populate(context.Background(), parse(t, q), in)
		if fhir.KindOf(err) != fhir.Unprocessable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAFormAsksTheTerminologySeldom: each code of a set once, and no more than a few hundred.
func TestAFormAsksTheTerminologySeldom(t *testing.T) {
	t.Parallel()
	in := input(t, "")
	listed, asked := 0, 0
	in.Coding = func(string, string) ([]byte, bool) { listed++; return nil, false }
	in.World = path.World{MemberOf: func(path.Item, string) (bool, bool) { asked++; return false, true }}
	same := `{"linkId":"1","type":"choice","repeats":true,"answerValueSet":"v",` + initial(hundreds(1000)) + `}`
	if _, err := sdc.Populate(t.Context(), parse(t, form("", same)), in); err != nil || listed != 1 {
		t.Errorf("one code is looked up %d times, %v", listed, err)
	}
	listed = 0
	other := `{"linkId":"1","type":"choice","repeats":true,"answerValueSet":"v",` + initial(hundreds(1000)+".select($this & $index.toString())") + `}`
	if _, err := sdc.Populate(t.Context(), parse(t, form("", other)), in); fhir.KindOf(err) != fhir.Unprocessable || listed > 300 {
		t.Errorf("%d codes are looked up, %v", listed, err)
	}
	members := `{"linkId":"1","type":"integer",` + initial(hundreds(10_000)+".where(memberOf('v')).count()") + `}`
	if _, err := sdc.Populate(t.Context(), parse(t, form("", members)), in); fhir.KindOf(err) != fhir.Unprocessable || asked > 3000 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}

// TestNobodyWaitsForAFormNoMore: work ends with the request.
func TestNobodyWaitsForAFormNoMore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sdc.Populate(ctx, parse(t, form("", `{"linkId":"1","type":"string"}`)), input(t, "")); err == nil {
		t.Error("it went on")
	}
}

// TestExtractionIsBoundedByWhatItWrites: what each answer repeats of the form is counted, and a form of many
// questions is read once, not for each answer.
func TestExtractionIsBoundedByWhatItWrites(t *testing.T) {
	t.Parallel()
	code := `{"system":"http://loinc.org","code":"` + strings.Repeat("1", 100_000) + `"}`
	answers := strings.TrimSuffix(strings.Repeat(`{"linkId":"1","answer":[{"valueString":"a"}]},`, 1000), ",")
	q := form(extracted, `{"linkId":"1","type":"string","repeats":true,"code":[`+code+`]}`)
	if _, _, err := sdc.Extract(parse(t, q), parse(t, filled("completed", answers))); fhir.KindOf(err) != fhir.Unprocessable {
		t.Errorf("long codes: %v", err)
	}
	var below strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&below, `{"linkId":"b%d","type":"string"},`, i)
	}
	q = form("", `{"linkId":"1","type":"group","repeats":true,"item":[`+strings.TrimSuffix(below.String(), ",")+`]}`)
	groups := strings.TrimSuffix(strings.Repeat(`{"linkId":"1"},`, 20_000), ",")
	start := time.Now()
	if _, _, err := sdc.Extract(parse(t, q), parse(t, filled("completed", groups))); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}
