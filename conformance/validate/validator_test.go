package validate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/packages"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

const base = "https://voorbeeld.example/fhir/StructureDefinition/"

func parsed(t testing.TB, src string) *fhir.Resource {
	t.Helper()
	r, issues := fhir.Parse([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatal(issues)
	}
	return r
}

// told returns "severity path rule" of every issue.
func told(v *validate.Validator, r *fhir.Resource, profiles ...string) []string {
	var out []string
	for _, i := range v.Resource(r, profiles...) {
		out = append(out, i.Severity+" "+i.Expression+" "+i.Diagnostics)
	}
	return out
}

// defined is a Validator of definitions in JSON, one or a Bundle of them.
func defined(t testing.TB, src string, o validate.Options) *validate.Validator {
	t.Helper()
	r, issues := fhir.ParseDocument([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatal(issues)
	}
	var set packages.Set
	set.Add(r)
	o.Definition = set.Definition
	return validate.New(o)
}

// profileOf writes a profile of Patient with the given elements.
func profileOf(name, baseURL, elements string) string {
	return fmt.Sprintf(`{"resourceType":"StructureDefinition","url":%q,"type":"Patient","derivation":"constraint","baseDefinition":%q,"differential":{"element":[{"id":"Patient","path":"Patient"}%s]}}`,
		base+name, baseURL, elements)
}

const r4Patient = "http://hl7.org/fhir/StructureDefinition/Patient"

func TestAMissingNarrativeIsAWarning(t *testing.T) {
	t.Parallel()
	want := []fhir.Issue{{
		Severity: "warning", Code: "invariant", Expression: "Patient", Diagnostics: "dom-6",
		Text: "A resource should have a narrative for people to read; add text with status and div.",
	}}
	if diff := cmp.Diff(want, validate.Resource(parsed(t, patient(`"active":true`)))); diff != "" {
		t.Error(diff)
	}
}

func TestManyWarningsHideNoError(t *testing.T) {
	t.Parallel()
	entry := `{"resource":` + patient(`"active":true`) + `},`
	src := `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Repeat(entry, 150) + `{"resource":` + patient(`"gender":"x"`) + `}]}`
	found := told(validate.New(validate.Options{}), parsed(t, src))
	if len(found) != 102 || found[100] != "error Bundle.entry[150].resource.gender FHIR-CODE-REQUIRED" || found[101] != "information Bundle FHIR-MORE" {
		t.Errorf("%d issues, the last ones are %v", len(found), found[len(found)-2:])
	}
}

func TestIssuesOfBaseAndProfileStandInTheOrderOfTheDocument(t *testing.T) {
	t.Parallel()
	v := defined(t, profileOf("a", r4Patient, `,{"id":"Patient.name.use","path":"Patient.name.use","min":1},{"id":"Patient.photo","path":"Patient.photo","max":"0"},{"id":"Patient.active","path":"Patient.active","min":1}`), validate.Options{})
	src := patient(`"meta":{"profile":["` + base + `a","` + base + `b"]},"name":[{"family":"A"},{"family":1}],"photo":[{"url":"a"}],"gender":"x"`)
	want := []string{
		"information Patient.meta.profile[1] FHIR-PROFILE-UNKNOWN",
		"error Patient.name[0].use FHIR-PROFILE-MIN",
		"error Patient.name[1].family FHIR-TYPE",
		"error Patient.name[1].use FHIR-PROFILE-MIN",
		"error Patient.photo[0] FHIR-PROFILE-MAX",
		"error Patient.gender FHIR-CODE-REQUIRED",
		"warning Patient dom-6",
		"error Patient.active FHIR-PROFILE-MIN",
	}
	if diff := cmp.Diff(want, told(v, parsed(t, src))); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNotKnownIsInformation(t *testing.T) {
	t.Parallel()
	bound := `,{"id":"Patient.maritalStatus","path":"Patient.maritalStatus","binding":{"strength":"required","valueSet":"http://e.org/v"}}`
	sliced := `,{"id":"Patient.identifier","path":"Patient.identifier","slicing":{"rules":"closed","discriminator":[{"type":"value","path":"x.nope("}]}},{"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a","min":1}`
	distant := `,{"id":"Patient.generalPractitioner","path":"Patient.generalPractitioner","slicing":{"rules":"closed","discriminator":[{"type":"value","path":"resolve().active"}]}},{"id":"Patient.generalPractitioner:a","path":"Patient.generalPractitioner","sliceName":"a","min":1}`
	untold := `,{"id":"Patient.name","path":"Patient.name","slicing":{"rules":"closed","description":"as it comes"}},{"id":"Patient.name:a","path":"Patient.name","sliceName":"a","min":1}`
	typed := `,{"id":"Patient.address","path":"Patient.address","type":[{"code":"Address","profile":["http://e.org/address"]}]}`
	src := patient(`"maritalStatus":{"coding":[{"system":"http://e.org","code":"a"}]},"name":[{"family":"A"}],"generalPractitioner":[{"reference":"Practitioner/1"}],"identifier":[{"value":"1"}],"address":[{"city":"A"},{"city":"B"}],"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">A</div>"}`)
	for _, c := range []struct {
		name, elements string
		want           []string
	}{
		{"a value set", bound, []string{"information Patient.maritalStatus FHIR-CODE-UNKNOWN"}},
		{"how slices are told apart", sliced, nil},
		{"slicing without a discriminator", untold, nil},
		{"slices by what is not here", distant, nil},
		{"a profile on a type, told once", typed, []string{"information Patient.address[0] FHIR-PROFILE-UNKNOWN"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := defined(t, profileOf("a", r4Patient, c.elements), validate.Options{})
			if diff := cmp.Diff(c.want, told(v, parsed(t, src), base+"a")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMustSupportIsToldWhenAskedFor(t *testing.T) {
	t.Parallel()
	src, def := patient(`"active":true`), profileOf("a", r4Patient, `,{"id":"Patient.birthDate","path":"Patient.birthDate","mustSupport":true}`)
	for asked, want := range map[bool]int{true: 2, false: 1} {
		v := defined(t, def, validate.Options{MustSupport: asked})
		if found := told(v, parsed(t, src), base+"a"); len(found) != want {
			t.Errorf("asked %v: %v", asked, found)
		}
	}
}

func TestSnapshotsServeWhereThereIsNoDifferential(t *testing.T) {
	t.Parallel()
	def := strings.Replace(profileOf("a", r4Patient, `,{"path":"Patient.contact","constraint":[{"key":"pat-1","severity":"error","human":"x","expression":"name.exists() or telecom.exists() or address.exists() or organization.exists()"}]},{"path":"Patient.identifier","slicing":{"rules":"open","discriminator":[{"type":"value","path":"system"}]}},{"path":"Patient.identifier","sliceName":"a"},{"path":"Patient.identifier.system","fixedUri":"http://e.org/a"},{"path":"Patient.identifier.value","min":1},{"path":"Patient.name","min":1}`),
		"differential", "snapshot", 1)
	found := told(defined(t, strings.ReplaceAll(def, `{"id":"Patient",`, "{"), validate.Options{}), parsed(t, patient(`"identifier":[{"system":"http://e.org/b"},{"system":"http://e.org/a"}],"contact":[{"gender":"male"}]`)), base+"a")
	want := []string{"error Patient.identifier[1].value FHIR-PROFILE-MIN", "error Patient.contact[0] pat-1", "warning Patient dom-6", "error Patient.name FHIR-PROFILE-MIN"}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

func TestASnapshotStandsInForABaseThatIsNotLoaded(t *testing.T) {
	t.Parallel()
	def := strings.Replace(profileOf("a", "http://e.org/base", ""), `"differential"`, `"snapshot":{"element":[{"id":"Patient","path":"Patient"},{"id":"Patient.name","path":"Patient.name","min":1}]},"differential"`, 1)
	want := []string{"warning Patient dom-6", "error Patient.name FHIR-PROFILE-MIN"}
	if diff := cmp.Diff(want, told(defined(t, def, validate.Options{}), parsed(t, patient(`"active":true`)), base+"a")); diff != "" {
		t.Error(diff)
	}
}

// The slices of an element may be told apart by what a profile on the type of its parent says.
func TestSlicingOfAProfileOnTheTypeServesTheProfileThatUsesIt(t *testing.T) {
	t.Parallel()
	address := strings.ReplaceAll(profileOf("adres", "http://hl7.org/fhir/StructureDefinition/Address",
		`,{"id":"Address.line","path":"Address.line","slicing":{"rules":"open","discriminator":[{"type":"value","path":"$this"}]}},{"id":"Address.line:a","path":"Address.line","sliceName":"a","patternString":"A"}`), `"Patient"`, `"Address"`)
	user := profileOf("a", r4Patient, `,{"id":"Patient.address","path":"Patient.address","type":[{"code":"Address","profile":["`+base+`adres"]}]},{"id":"Patient.address.line:a","path":"Patient.address.line","sliceName":"a","min":1}`)
	v := defined(t, `{"resourceType":"Bundle","entry":[{"resource":`+address+`},{"resource":`+user+`}]}`, validate.Options{})
	for line, want := range map[string][]string{
		"A": {"warning Patient dom-6"}, "B": {"error Patient.address[0].line FHIR-PROFILE-MIN", "warning Patient dom-6"},
	} {
		if diff := cmp.Diff(want, told(v, parsed(t, patient(`"address":[{"line":["`+line+`"]}]`)), base+"a")); diff != "" {
			t.Error(diff)
		}
	}
}

func TestHostileDefinitionsEndTheValidation(t *testing.T) {
	t.Parallel()
	loop := profileOf("a", base+"b", "") + `},{"resource":` + profileOf("b", base+"a", "")
	deep := profileOf("a", r4Patient, `,{"id":"Patient`+strings.Repeat(".name:x", 5000)+`","path":"Patient.name","min":1}`)
	self := strings.ReplaceAll(profileOf("a", "http://hl7.org/fhir/StructureDefinition/Extension",
		`,{"id":"Extension.extension","path":"Extension.extension","type":[{"code":"Extension","profile":["`+base+`a"]}]},{"id":"Extension.extension:y","path":"Extension.extension","sliceName":"y","min":1,"type":[{"code":"Extension","profile":["`+base+`a"]}]}`), `"Patient"`, `"Extension"`)
	nested := strings.Repeat(`{"url":"`+base+`a","extension":[`, 20) + `{"url":"` + base + `a","valueString":"x"}` + strings.Repeat("]}", 20)
	for name, def := range map[string]string{
		"a chain that returns to itself": loop, "a way without end": deep, "a profile on its own type": self,
		"no type":             strings.ReplaceAll(profileOf("a", r4Patient, ""), `"type":"Patient"`, `"type":"Nope"`),
		"a differential of 1": `{"resourceType":"StructureDefinition","url":"` + base + `a","differential":1}`,
		"elements of nothing": profileOf("a", r4Patient, `,{},{"id":"."},{"id":":","min":-1,"max":"x","slicing":1,"type":7,"constraint":[{"key":"k","expression":"(("}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := defined(t, `{"resourceType":"Bundle","entry":[{"resource":`+def+`}]}`, validate.Options{})
			r := parsed(t, patient(`"extension":[`+nested+`],"name":[{"family":"A"}]`))
			if diff := cmp.Diff(told(v, r, base+"a"), told(v, r, base+"a")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What stands in a hundred profiles that a resource does not claim costs it nothing.
func TestProfilesThatAreNotUsedCostNothing(t *testing.T) {
	element := `,{"id":"Patient.name","path":"Patient.name","min":1},{"id":"Patient.name.use","path":"Patient.name.use","min":1}`
	r := parsed(t, patient(`"meta":{"profile":["`+base+`p0"]},"name":[{"use":"official"}],"extension":[{"url":"http://e.org/x","valueString":"a"}]`))
	cost := map[int]float64{}
	for _, loaded := range []int{1, 100} {
		var all []string
		for i := range loaded {
			all = append(all, `{"resource":`+profileOf(fmt.Sprintf("p%d", i), r4Patient, element)+`}`)
		}
		v := defined(t, `{"resourceType":"Bundle","entry":[`+strings.Join(all, ",")+`]}`, validate.Options{})
		v.Resource(r)
		cost[loaded] = testing.AllocsPerRun(100, func() { v.Resource(r) })
	}
	if cost[1] != cost[100] {
		t.Errorf("allocations by number of loaded profiles: %v", cost)
	}
}

func TestNoIssueOfAProfileOrQuestionnaireRepeatsAValue(t *testing.T) {
	t.Parallel()
	v, err := fictional()
	if err != nil {
		t.Fatal(err)
	}
	const secret = "geheim"
	for _, file := range []string{"profile.json", "response.json", "questionnaire.json", "bundle.json"} {
		for _, c := range brokenCases(t, file) {
			r := parsed(t, strings.NewReplacer(`"family":"Proef"`, `"family":"`+secret+`"`, `"valueString":"`, `"valueString":"`+secret, `"nickname"`, `"`+secret+`"`).Replace(string(c.Resource)))
			for _, i := range v.Resource(r, append(c.Profile, "http://"+secret)...) {
				if strings.Contains(i.Text+i.Expression, secret) {
					t.Errorf("%s: a value leaks: %+v", c.Name, i)
				}
			}
		}
	}
}

func TestReferencesAreResolvedWithinABundle(t *testing.T) {
	t.Parallel()
	team := func(reference string) string {
		return `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"https://e.org/fhir/CareTeam/1","resource":{"resourceType":"CareTeam","participant":[{"onBehalfOf":{"reference":"Organization/1"},"member":{"reference":"` + reference + `"}}]}},` +
			`{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Patient"}},{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239521","resource":{"resourceType":"Practitioner"}}]}`
	}
	run(t, []example{
		{"a patient acts for nobody", team("urn:uuid:c757873d-ec9a-4326-a141-556f43239520"), []string{"Bundle.entry[0].resource.participant[0] ctm-1"}},
		{"a practitioner does", team("urn:uuid:c757873d-ec9a-4326-a141-556f43239521"), nil},
		{"a patient elsewhere", team("Patient/1"), []string{"Bundle.entry[0].resource.participant[0] ctm-1"}},
	})
}

// What a Dutch example claims is held against the whole chain of its profile.
func TestAChangedNationalExampleIsRefused(t *testing.T) {
	t.Parallel()
	folder := shared(t, "fhir", "nl-core", "examples")
	v, err := national()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, old, new, want string }{
		{"nl-core-Patient-01.json", "humanname-own-name", "humanname-own-prefix", "error Patient.name[0] zib-NameInformation-1"},
		{"nl-core-Patient-01.json", `StructureDefinition/patient-proficiency`, `StructureDefinition/humanname-own-name`, "error Patient.communication[0].extension[0] FHIR-EXT-CONTEXT"},
		{"nl-core-BodyWeight-01.json", `"code": "29463-7"`, `"code": "8302-2"`, "error Observation.code FHIR-PROFILE-PATTERN"},
		{"nl-core-FLACCpainScale-01.json", `"code": "108291000146105"`, `"code": "1"`, "error Observation.code FHIR-PROFILE-PATTERN"},
	} {
		src, err := os.ReadFile(filepath.Join(folder, c.file))
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(src), c.old, c.new, 1)
		if changed == string(src) {
			t.Fatal(c.file, "is not changed")
		}
		if found := told(v, parsed(t, changed)); !slices.Contains(found, c.want) {
			t.Errorf("%s: %v", c.file, found)
		}
	}
}
