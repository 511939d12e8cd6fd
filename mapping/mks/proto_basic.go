package mks

import (
	"strings"
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drieluik/drieluik/fhir"
)

// pstr returns a string, nil for "".
func pstr(s string) *dpb.String {
	if s == "" {
		return nil
	}
	return &dpb.String{Value: s}
}

func pbool(b bool) *dpb.Boolean { return &dpb.Boolean{Value: b} }

// pdecimal returns a decimal with the digits of the source.
func pdecimal(s string) *dpb.Decimal { return &dpb.Decimal{Value: s} }

func ppositive(n int64) *dpb.PositiveInt { return &dpb.PositiveInt{Value: uint32(n)} }

func pmarkdown(s string) *dpb.Markdown { return &dpb.Markdown{Value: s} }

// pday returns a date with the precision of d, nil for "".
func pday(d day) *dpb.Date {
	if d == "" {
		return nil
	}
	precision := map[int]dpb.Date_Precision{4: dpb.Date_YEAR, 7: dpb.Date_MONTH, 10: dpb.Date_DAY}[len(d)]
	return &dpb.Date{ValueUs: d.time().UnixMicro(), Timezone: "Z", Precision: precision}
}

// pdateTime returns a dateTime with the precision of d, nil for "".
func pdateTime(d day) *dpb.DateTime {
	if d == "" {
		return nil
	}
	precision := map[int]dpb.DateTime_Precision{4: dpb.DateTime_YEAR, 7: dpb.DateTime_MONTH, 10: dpb.DateTime_DAY}[len(d)]
	return &dpb.DateTime{ValueUs: d.time().UnixMicro(), Timezone: "Z", Precision: precision}
}

// pmoment returns a dateTime of an RFC 3339 text of the source, with its offset; nil for "".
func pmoment(s string) *dpb.DateTime {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil
	}
	precision := map[int]dpb.DateTime_Precision{0: dpb.DateTime_SECOND, 1: dpb.DateTime_MILLISECOND}
	p, ok := precision[(fraction(s)+2)/3]
	if !ok {
		p = dpb.DateTime_MICROSECOND
	}
	return &dpb.DateTime{ValueUs: t.UnixMicro(), Timezone: offset(s), Precision: p}
}

// pinstant returns an instant of a time in UTC, milliseconds.
func pinstant(t time.Time) *dpb.Instant {
	return &dpb.Instant{ValueUs: t.UnixMilli() * 1000, Timezone: "Z", Precision: dpb.Instant_MILLISECOND}
}

// pinstantOf returns an instant of an RFC 3339 text of the source, with its offset.
func pinstantOf(s string) *dpb.Instant {
	d := pmoment(s)
	return &dpb.Instant{ValueUs: d.GetValueUs(), Timezone: d.GetTimezone(), Precision: dpb.Instant_Precision(d.GetPrecision() - dpb.DateTime_SECOND + dpb.DateTime_Precision(dpb.Instant_SECOND))}
}

// fraction returns the number of digits of the fraction of a second.
func fraction(s string) int {
	_, after, ok := strings.Cut(s, ".")
	if !ok {
		return 0
	}
	return len(after) - len(strings.TrimLeft(after, "0123456789"))
}

// offset returns the offset of an RFC 3339 text as it is written, "Z" for UTC.
func offset(s string) string {
	if strings.HasSuffix(s, "Z") || strings.HasSuffix(s, "z") {
		return "Z"
	}
	return s[len(s)-6:]
}

// ptime returns a time of HH:MM, as FHIR writes it with seconds.
func ptime(s string) *dpb.Time {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return nil
	}
	at := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	return &dpb.Time{ValueUs: at.Microseconds(), Precision: dpb.Time_SECOND}
}

// period returns a Period of calendar days, nil without either.
func period(from, to day) *dpb.Period {
	if from == "" && to == "" {
		return nil
	}
	return &dpb.Period{Start: pdateTime(from), End: pdateTime(to)}
}

// identifier returns an Identifier, nil without a value.
func identifier(system, value string) *dpb.Identifier {
	if value == "" {
		return nil
	}
	return &dpb.Identifier{System: &dpb.Uri{Value: system}, Value: pstr(value)}
}

// reference returns a Reference: literal unless ref is zero, logical unless id has no value.
func reference(ref fhir.Ref, id fhir.Identifier) *dpb.Reference {
	out := &dpb.Reference{Identifier: identifier(id.System, id.Value)}
	if !ref.IsZero() {
		out.Reference = &dpb.Reference_Uri{Uri: pstr(ref.String())}
	}
	return out
}

// literal returns a literal reference.
func literal(ref fhir.Ref) *dpb.Reference { return reference(ref, fhir.Identifier{}) }

// quantity returns a UCUM quantity.
func quantity(value, unit string) *dpb.Quantity {
	return &dpb.Quantity{
		Value: pdecimal(value), Unit: pstr(unit),
		System: &dpb.Uri{Value: "http://unitsofmeasure.org"}, Code: &dpb.Code{Value: unit},
	}
}

// enumName turns a FHIR code into the name of a protocol buffer value.
var enumName = strings.NewReplacer("-", "_", ".", "_")

// enum sets a google/fhir code message, such as &pb.Patient_GenderCode{}, to a FHIR code. An unknown
// code leaves it empty, which the validator refuses.
func enum[T proto.Message](m T, code string) T {
	r := m.ProtoReflect()
	field := r.Descriptor().Fields().ByName("value")
	if field.Kind() == protoreflect.StringKind {
		r.Set(field, protoreflect.ValueOfString(code))
		return m
	}
	name := strings.ToUpper(enumName.Replace(code))
	if v := field.Enum().Values().ByName(protoreflect.Name(name)); v != nil {
		r.Set(field, protoreflect.ValueOfEnum(v.Number()))
	}
	return m
}
