package element_test

import (
	"testing"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	gpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/goal_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
)

func text(t *testing.T, m proto.Message) string {
	t.Helper()
	r, err := fhir.FromProto(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(r.Bytes())
}

// TestWhatIsAbsentIsLeftOut: "" and the zero Ref give nothing, wherever they are put.
func TestWhatIsAbsentIsLeftOut(t *testing.T) {
	t.Parallel()
	p := &ppb.Patient{
		Identifier: element.Some(element.Identifier("s", ""), element.Identifier("s", "v")),
		BirthDate:  element.Date(""), GeneralPractitioner: element.Literals(fhir.Ref{}, fhir.Ref{Type: "Organization", ID: "o"}),
		MaritalStatus: element.Concept(element.Coding("s", "", "x")), Telecom: element.Some(element.Contact("phone", "")),
		Extension: element.Some(element.OwnExtension("a", element.String("")), element.OwnExtension("b", (*dpb.Reference)(nil)),
			element.OwnComplex("c", nil), element.OwnExtension("d", element.Positive(3))),
	}
	element.SetID(p, "p")
	element.SetMeta(p, element.Meta{}.Proto())
	element.AddExtension(p, nil, element.SourceMember("/x", `[]`))
	element.AddIdentifier(p, nil)
	const want = `{"resourceType":"Patient","id":"p","extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/d","valuePositiveInt":3},` +
		`{"url":"https://drieluik.example/fhir/StructureDefinition/source-member","extension":[{"url":"pointer","valueString":"/x"},{"url":"value","valueString":"[]"}]}],` +
		`"identifier":[{"system":"s","value":"v"}],"generalPractitioner":[{"reference":"Organization/o"}]}`
	a, _ := fhir.ParseDocument([]byte(text(t, p)), fhir.Limits{})
	b, _ := fhir.ParseDocument([]byte(want), fhir.Limits{})
	if !fhir.Equal(a.Root(), b.Root()) {
		t.Errorf("got  %s\nwant %s", a.Bytes(), want)
	}
}

// TestTimesKeepTheirPrecisionAndOffset holds what a source wrote.
func TestTimesKeepTheirPrecisionAndOffset(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]proto.Message{
		"2026":                             element.Date("2026"),
		"2026-02":                          element.DateTime("2026-02"),
		"2026-02-28":                       element.DateTime("2026-02-28"),
		"2026-02-28T10:00:00+01:00":        element.Moment("2026-02-28T10:00:00+01:00"),
		"2026-02-28T10:00:00.500Z":         element.Moment("2026-02-28T10:00:00.5Z"),
		"2026-02-28T10:00:00.000001-03:30": element.Moment("2026-02-28T10:00:00.000001-03:30"),
		"2026-02-28T23:59:59+14:00":        element.InstantOf("2026-02-28T23:59:59+14:00"),
		"07:30:00":                         element.Time("07:30"),
	} {
		p := &ppb.Patient{Extension: element.Some(element.Extension("x", v))}
		r, err := fhir.FromProto(p)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for e := range r.Root().All("extension") {
			for c := range e.Children() {
				if c.Name() != "url" {
					got = c.Text()
				}
			}
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if element.Moment("x") != nil || element.InstantOf("") != nil || element.Time("7") != nil {
		t.Error("what is no time gives one")
	}
}

func TestAChoiceTakesTheMemberOfItsType(t *testing.T) {
	t.Parallel()
	if x := element.Choice(&gpb.Goal_StartX{}, element.Date("2026-01-02")); x.GetDate() == nil {
		t.Error("the date is not set")
	}
	if x := element.Choice(&gpb.Goal_StartX{}, element.String("x")); x != nil {
		t.Error("a Goal starts with a string")
	}
	if x := element.Choice(&gpb.Goal_StartX{}, element.Date("")); x != nil {
		t.Error("no date starts a Goal")
	}
}
