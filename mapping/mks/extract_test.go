package mks_test

import (
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/mks"
)

// scanned is a scan with needs, each the items of a group.
func scanned(pushed bool, needs ...string) string {
	origin := ""
	if pushed {
		origin = `"extension":[{"url":"` + fhir.Canonical + `/StructureDefinition/bron-record","extension":[{"url":"ura","valueString":"90000001"},
			{"url":"applicatie","valueString":"a"},{"url":"recordType","valueCode":"hulpbehoeftescan"},{"url":"recordId","valueString":"1"}]}],`
	}
	return `{"resourceType":"QuestionnaireResponse","id":"r",` + origin + `"status":"completed","authored":"2026-11-20","subject":{"reference":"Patient/p"},
		"questionnaire":"` + fhir.Canonical + `/Questionnaire/mks-hulpbehoeftescan","item":[{"linkId":"hbs.med","item":[` + strings.Join(needs, ",") + `]}]}`
}

// need is a need of feeding of a level, with more items.
func need(level string, more ...string) string {
	items := append([]string{`{"linkId":"hbs.med.voeding.niveau","answer":[{"valueCoding":{"code":"` + level + `"}}]}`}, more...)
	return `{"linkId":"hbs.med.voeding","item":[` + strings.Join(items, ",") + `]}`
}

func nothing(fhir.Ref) (*fhir.Resource, error) { return nil, nil }

// TestAnExtractionKeepsLabelsAndAddsThoseOfNow: what is said of a parent since the push is kept from the other
// one, and no label of the stored resource goes.
func TestAnExtractionKeepsLabelsAndAddsThoseOfNow(t *testing.T) {
	t.Parallel()
	before := func(ref fhir.Ref) (*fhir.Resource, error) {
		r, issues := fhir.Parse([]byte(`{"resourceType":"`+string(ref.Type)+`","id":"`+ref.ID+`","meta":{"versionId":"1","security":[{"system":"`+
			fhir.Canonical+`/CodeSystem/access-label","code":"seal-child"}]}}`), fhir.Limits{})
		if fhir.HasErrors(issues) {
			t.Error(issues)
		}
		return r, nil
	}
	over := `{"linkId":"hbs.med.voeding.over","answer":[{"valueReference":{"reference":"RelatedPerson/father"}}]}`
	r, _ := fhir.Parse([]byte(scanned(true, need("2", over))), fhir.Limits{})
	out, own, err := mks.Format{}.Extract(r, before)
	if err != nil || !own || len(out) != 3 {
		t.Fatalf("%d, %v, %v", len(out), own, err)
	}
	for _, one := range out {
		body := string(one.Resource.Bytes())
		for _, want := range []string{"seal-child", "about-parent", "RelatedPerson/father", `"versionId":"1"`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %s: %s", one.Resource.Type(), want, body)
			}
		}
	}
}

func TestNoResponseBecomesMoreThanAFormAsks(t *testing.T) {
	t.Parallel()
	looks := 0
	stored := func(fhir.Ref) (*fhir.Resource, error) { looks++; return nil, nil }
	one := scanned(true, strings.TrimSuffix(strings.Repeat(need("2")+",", 1000), ","))
	long := strings.Replace(one, `"reference":"Patient/p"`, `"reference":"Patient/p","display":"`+strings.Repeat("x", 2_000_000)+`"`, 1)
	for response, kind := range map[string]fhir.Kind{one: 0, long: fhir.Unprocessable} {
		r, issues := fhir.Parse([]byte(response), fhir.Limits{})
		if fhir.HasErrors(issues) {
			t.Fatal(issues)
		}
		out, _, err := mks.Format{}.Extract(r, stored)
		if err != nil && fhir.KindOf(err) != kind || err == nil && (kind != 0 || len(out) != 3) || looks > 3 {
			t.Errorf("%d: %v after %d looks", len(out), err, looks)
		}
		looks = 0
	}
}

// TestAResponseThatNobodyValidatedIsExtractedOrRefused: levels that are none make nothing, and what R4 does not
// allow is the sender's fault.
func TestAResponseThatNobodyValidatedIsExtractedOrRefused(t *testing.T) {
	t.Parallel()
	r, _ := fhir.Parse([]byte(scanned(false, need("10"), need("2x"), need("1"))), fhir.Limits{})
	out, _, err := mks.Format{}.Extract(r, nothing)
	if err != nil || len(out) != 1 {
		t.Errorf("%v %v", out, err)
	}
	for _, change := range [][2]string{
		{`"authored":"2026-11-20"`, `"authored":"2026-13-45"`}, {`"authored":"2026-11-20"`, `"authored":"yesterday and more"`},
		{`"reference":"Patient/p"`, `"identifier":{"value":"1"}`},
	} {
		r, _ := fhir.Parse([]byte(strings.Replace(scanned(false, need("2")), change[0], change[1], 1)), fhir.Limits{})
		if out, _, err := (mks.Format{}).Extract(r, nothing); err != nil && fhir.KindOf(err) != fhir.Unprocessable || err == nil && len(out) != 3 {
			t.Errorf("%s: %d, %v", change[1], len(out), err)
		}
	}
}
