package fhir_test

import (
	"cmp"
	"errors"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	basic "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/basic_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	carepb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_plan_go_proto"
	patientpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

func packed(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestFromProtoWritesInTheOrderOfTheDefinition(t *testing.T) {
	t.Parallel()
	plan := &carepb.CarePlan{
		Id: &dpb.Id{Value: "cp"},
		Contained: []*anypb.Any{
			packed(t, &basic.Basic{Id: &dpb.Id{Value: "bare"}}),
			packed(t, &rpb.ContainedResource{OneofResource: &rpb.ContainedResource_Basic{Basic: &basic.Basic{Id: &dpb.Id{Value: "wrapped"}}}}),
		},
		Status: &carepb.CarePlan_StatusCode{Value: cpb.RequestStatusCode_ENTERED_IN_ERROR},
		Subject: &dpb.Reference{
			Display:   &dpb.String{Value: "kind"},
			Reference: &dpb.Reference_PatientId{PatientId: &dpb.ReferenceId{Value: "p", History: &dpb.Id{Value: "3"}}},
		},
		BasedOn: []*dpb.Reference{{Reference: &dpb.Reference_Fragment{Fragment: &dpb.String{Value: "bare"}}}},
	}
	r, err := fhir.FromProto(plan)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"resourceType":"CarePlan","id":"cp",` +
		`"contained":[{"resourceType":"Basic","id":"bare"},{"resourceType":"Basic","id":"wrapped"}],` +
		`"basedOn":[{"reference":"#bare"}],"status":"entered-in-error",` +
		`"subject":{"reference":"Patient/p/_history/3","display":"kind"}}`
	if diff := gocmp.Diff(want, string(r.Bytes())); diff != "" {
		t.Error(diff)
	}
}

func TestFromProtoRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		m    proto.Message
		at   string
	}{
		{"no message", nil, ""},
		{"a nil message", (*patientpb.Patient)(nil), ""},
		{"a datatype", &dpb.Meta{}, ""},
		{"an empty ContainedResource", &rpb.ContainedResource{}, ""},
		{"an empty object", &patientpb.Patient{Meta: &dpb.Meta{}}, "Patient.meta"},
		{"an empty string", &patientpb.Patient{Name: []*dpb.HumanName{{Family: &dpb.String{}}}}, "Patient.name[0].family"},
		{"an empty choice", &patientpb.Patient{Deceased: &patientpb.Patient_DeceasedX{}}, ""},
		{"a date without precision", &patientpb.Patient{BirthDate: &dpb.Date{}}, ""},
		{"a decimal that is none", &patientpb.Patient{Extension: []*dpb.Extension{{Value: &dpb.Extension_ValueX{
			Choice: &dpb.Extension_ValueX_Decimal{Decimal: &dpb.Decimal{Value: "1,5"}}}}}}, ""},
		{"a decimal beyond all", &patientpb.Patient{Extension: []*dpb.Extension{{Url: &dpb.Uri{Value: "a"}, Value: &dpb.Extension_ValueX{
			Choice: &dpb.Extension_ValueX_Decimal{Decimal: &dpb.Decimal{Value: "1e9999"}}}}}}, "Patient.extension[0].valueDecimal"},
		{"a string of white space", &patientpb.Patient{Name: []*dpb.HumanName{{Family: &dpb.String{Value: "\n\t"}}}}, "Patient.name[0].family"},
		{"a string that is not UTF-8", &patientpb.Patient{Id: &dpb.Id{Value: "\xff"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := fhir.FromProto(tt.m)
			var e *fhir.Error
			if r != nil || !errors.As(err, &e) {
				t.Fatalf("%v, %v", r, err)
			}
			if at := append(e.Issues, fhir.Issue{})[0].Expression; at != tt.at {
				t.Errorf("at %q, want %q", at, tt.at)
			}
		})
	}
}

// TestBridgeKeepsEverything holds what google's own bridge loses or refuses.
func TestBridgeKeepsEverything(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		want      string // when arrays come out equally long
	}{
		{"false with an extension", `{"resourceType":"Patient","active":false,"_active":{"id":"x"}}`, ""},
		{"zero with an extension", `{"resourceType":"Patient","multipleBirthInteger":0,"_multipleBirthInteger":{"id":"x"}}`, ""},
		{"an id without a value", `{"resourceType":"Patient","_language":{"id":"x"},"active":true}`, ""},
		{"a resource as a parameter", `{"resourceType":"Parameters","parameter":[{"name":"p","resource":{"resourceType":"Patient","active":true}}]}`, ""},
		{"an extension on a reference", `{"resourceType":"Patient","managingOrganization":{"reference":"Organization/o","_reference":{"id":"x"}}}`, ""},
		{"references of all forms", `{"resourceType":"Patient","generalPractitioner":[{"reference":"Organization/o/_history/2"},` +
			`{"reference":"#o"},{"reference":"http://x/Organization/o"},{"reference":"BodySite/1"},{"reference":"Patient/"},{"reference":"a/b/c/d"}]}`, ""},
		{"primitives of which some have only extensions", `{"resourceType":"Patient","name":[{"given":["a",null,"c"],"_given":[null,{"id":"x"}]},` +
			`{"_given":[{"id":"y"}]},{"_family":{"extension":[{"url":"http://x","valueCode":"c"}]}}]}`,
			`{"resourceType":"Patient","name":[{"given":["a",null,"c"],"_given":[null,{"id":"x"},null]},` +
				`{"_given":[{"id":"y"}]},{"_family":{"extension":[{"url":"http://x","valueCode":"c"}]}}]}`},
		{"more ids than values", `{"resourceType":"Patient","name":[{"given":["a"],"_given":[null,{"id":"x"}]}]}`,
			`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]}`},
		{"dates of all precisions", `{"resourceType":"Basic","extension":[{"url":"a","valueDateTime":"0001"},{"url":"a","valueDateTime":"1969-12"},` +
			`{"url":"a","valueDate":"9999-12-31"},{"url":"a","valueDateTime":"1969-12-31T23:59:59.999999-00:00"},{"url":"a","valueTime":"23:59:59.001"},` +
			`{"url":"a","valueInstant":"2024-02-29T00:00:00.100+14:00"},{"url":"a","valueTime":"00:00:00"}]}`, ""},
		{"base64 in pieces", `{"resourceType":"Binary","contentType":"x/y","data":"QUFB  QUFB  QUFB  QQ=="}`, ""},
		{"decimals as written", `{"resourceType":"Basic","extension":[{"url":"a","valueDecimal":1.500e-3}]}`, ""},
		{"codes with other names", `{"resourceType":"SearchParameter","comparator":["eq","sa"],"type":"number"}`, ""},
		{"a choice without a value", `{"resourceType":"Patient","_deceasedDateTime":{"extension":[{"url":"a","valueCode":"unknown"}]}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := must(t, tt.src)
			m := &rpb.ContainedResource{}
			if err := fhir.ToProto(r, m); err != nil {
				t.Fatal(err)
			}
			back, err := fhir.FromProto(m)
			if err != nil {
				t.Fatal(err)
			}
			want := must(t, cmp.Or(tt.want, tt.src))
			if !fhir.Equal(want.Root(), back.Root()) {
				t.Errorf("\n%s\n%s", tt.src, back.Bytes())
			}
		})
	}
}

func TestToProtoRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, at string }{
		{"an unknown element", `{"resourceType":"Patient","contact":[{"nme":{"text":"x"}}]}`, "Patient.contact[0].nme"},
		{"a member of the message itself", `{"resourceType":"Patient","_birthDate":{"value_us":1}}`, "Patient.birthDate.children()"},
		{"two values of a choice", `{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2024"}`, "Patient.deceasedDateTime"},
		{"an object for an array", `{"resourceType":"Patient","name":{"text":"x"}}`, "Patient.name"},
		{"an array for an object", `{"resourceType":"Patient","maritalStatus":[{"text":"x"}]}`, "Patient.maritalStatus"},
		{"a string for a boolean", `{"resourceType":"Patient","active":"true"}`, "Patient.active"},
		{"a number for a string", `{"resourceType":"Patient","name":[{"given":["a",1]}]}`, "Patient.name[0].given[1]"},
		{"an unknown code", `{"resourceType":"Patient","gender":"MALE"}`, "Patient.gender"},
		{"a day that is none", `{"resourceType":"Patient","birthDate":"2023-02-29"}`, "Patient.birthDate"},
		{"a time in a date", `{"resourceType":"Patient","birthDate":"2023-02-28T00:00:00Z"}`, "Patient.birthDate"},
		{"an hour of one digit", `{"resourceType":"Patient","deceasedDateTime":"2023-02-28T1:00:00Z"}`, "Patient.deceasedDateTime"},
		{"a time without an offset", `{"resourceType":"Patient","deceasedDateTime":"2023-02-28T01:00:00"}`, "Patient.deceasedDateTime"},
		{"an offset beyond all", `{"resourceType":"Patient","deceasedDateTime":"2023-02-28T01:00:00+15:00"}`, "Patient.deceasedDateTime"},
		{"zero as a positive integer", `{"resourceType":"Patient","telecom":[{"rank":0}]}`, "Patient.telecom[0].rank"},
		{"an integer of 33 bits", `{"resourceType":"Patient","multipleBirthInteger":4294967296}`, "Patient.multipleBirthInteger"},
		{"irregular base64", `{"resourceType":"Binary","contentType":"x/y","data":"QUFB QU FB"}`, "Binary.data"},
		{"a fault in a contained resource", `{"resourceType":"Patient","contained":[{"resourceType":"Basic","x":1}]}`, "Patient.contained[0].x"},
		{"an unknown contained type", `{"resourceType":"Patient","contained":[{"resourceType":"Cat"}]}`, "Patient.contained[0]"},
		{"null in an array of objects", `{"resourceType":"Patient","name":[{"text":"a"},null],"_name":[null,{"id":"x"}]}`, "Patient.name[1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := fhir.ToProto(must(t, tt.src), &rpb.ContainedResource{})
			var e *fhir.Error
			if !errors.As(err, &e) || len(e.Issues) == 0 || e.Kind != fhir.Unprocessable {
				t.Fatalf("error %v", err)
			}
			if diff := gocmp.Diff(tt.at, e.Issues[0].Expression); diff != "" {
				t.Error(diff)
			}
		})
	}
	if err := fhir.ToProto(must(t, `{"resourceType":"Patient","active":true}`), &basic.Basic{}); err == nil {
		t.Error("a Patient went into a Basic")
	}
}
