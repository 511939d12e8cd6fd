package element

import (
	"strings"
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// String returns a string, nil for "".
func String(s string) *dpb.String {
	if s == "" {
		return nil
	}
	return &dpb.String{Value: s}
}

// Strings returns a list of strings.
func Strings(all []string) []*dpb.String {
	var out []*dpb.String
	for _, s := range all {
		out = append(out, String(s))
	}
	return Some(out...)
}

// Markdown returns a markdown, nil for "".
func Markdown(s string) *dpb.Markdown {
	if s == "" {
		return nil
	}
	return &dpb.Markdown{Value: s}
}

// CodeValue returns a code without a system, nil for "".
func CodeValue(s string) *dpb.Code {
	if s == "" {
		return nil
	}
	return &dpb.Code{Value: s}
}

// URI returns a uri, nil for "".
func URI(s string) *dpb.Uri {
	if s == "" {
		return nil
	}
	return &dpb.Uri{Value: s}
}

// Canonical returns a canonical, nil for "".
func Canonical(s string) *dpb.Canonical {
	if s == "" {
		return nil
	}
	return &dpb.Canonical{Value: s}
}

// Bool returns a boolean.
func Bool(b bool) *dpb.Boolean { return &dpb.Boolean{Value: b} }

// Decimal returns a decimal with the digits of the source.
func Decimal(s string) *dpb.Decimal { return &dpb.Decimal{Value: s} }

// Integer returns an integer.
func Integer(n int64) *dpb.Integer { return &dpb.Integer{Value: int32(n)} }

// Positive returns a positiveInt.
func Positive(n int64) *dpb.PositiveInt { return &dpb.PositiveInt{Value: uint32(n)} }

// Unsigned returns an unsignedInt.
func Unsigned(n int64) *dpb.UnsignedInt { return &dpb.UnsignedInt{Value: uint32(n)} }

// Date returns a date with the precision of day (YYYY, YYYY-MM or YYYY-MM-DD), nil for "".
func Date[D ~string](day D) *dpb.Date {
	if day == "" {
		return nil
	}
	precision := map[int]dpb.Date_Precision{4: dpb.Date_YEAR, 7: dpb.Date_MONTH, 10: dpb.Date_DAY}[len(day)]
	return &dpb.Date{ValueUs: startOf(string(day)).UnixMicro(), Timezone: "Z", Precision: precision}
}

// DateTime returns a dateTime with the precision of day, nil for "".
func DateTime[D ~string](day D) *dpb.DateTime {
	if day == "" {
		return nil
	}
	precision := map[int]dpb.DateTime_Precision{4: dpb.DateTime_YEAR, 7: dpb.DateTime_MONTH, 10: dpb.DateTime_DAY}[len(day)]
	return &dpb.DateTime{ValueUs: startOf(string(day)).UnixMicro(), Timezone: "Z", Precision: precision}
}

// startOf returns the first instant that a day, month or year can mean, in UTC.
func startOf(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day+"-01-01"[min(6, max(0, len(day)-4)):])
	if err != nil {
		return time.Time{}
	}
	return t
}

// Moment returns a dateTime of an RFC 3339 text of the source, with its offset; nil for what is none.
func Moment(s string) *dpb.DateTime {
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

// Instant returns an instant of a time in UTC, milliseconds.
func Instant(t time.Time) *dpb.Instant {
	return &dpb.Instant{ValueUs: t.UnixMilli() * 1000, Timezone: "Z", Precision: dpb.Instant_MILLISECOND}
}

// InstantOf returns an instant of an RFC 3339 text of the source, with its offset; nil for what is none.
func InstantOf(s string) *dpb.Instant {
	d := Moment(s)
	if d == nil {
		return nil
	}
	p := dpb.Instant_Precision(d.GetPrecision() - dpb.DateTime_SECOND + dpb.DateTime_Precision(dpb.Instant_SECOND))
	return &dpb.Instant{ValueUs: d.GetValueUs(), Timezone: d.GetTimezone(), Precision: p}
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

// Time returns a time of HH:MM, as FHIR writes it with seconds; nil for what is none.
func Time(s string) *dpb.Time {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return nil
	}
	at := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	return &dpb.Time{ValueUs: at.Microseconds(), Precision: dpb.Time_SECOND}
}

// Period returns a Period of calendar days, nil without either.
func Period[D ~string](from, to D) *dpb.Period {
	if from == "" && to == "" {
		return nil
	}
	return &dpb.Period{Start: DateTime(from), End: DateTime(to)}
}

// Enum sets a google/fhir code message, such as &pb.Patient_GenderCode{}, to a FHIR code. An unknown
// code leaves it empty, which the validator refuses.
func Enum[T proto.Message](m T, code string) T {
	r := m.ProtoReflect()
	field := r.Descriptor().Fields().ByName("value")
	if field.Kind() == protoreflect.StringKind {
		r.Set(field, protoreflect.ValueOfString(code))
		return m
	}
	if number := enumNumber(field.Enum(), code); number > 0 {
		r.Set(field, protoreflect.ValueOfEnum(number))
	}
	return m
}

// enumNumber returns the number of a FHIR code, 0 for an unknown one.
func enumNumber(of protoreflect.EnumDescriptor, code string) protoreflect.EnumNumber {
	var buf [64]byte
	name := buf[:0]
	for i := range len(code) {
		c := code[i]
		switch {
		case c == '-' || c == '.':
			c = '_'
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		name = append(name, c)
	}
	if v := of.Values().ByName(protoreflect.Name(name)); v != nil {
		return v.Number()
	}
	return 0
}

// Some leaves out the nil ones.
func Some[T any](all ...*T) []*T {
	return appendSome(nil, all)
}

// appendSome appends those of all that are not nil.
func appendSome[T any](out, all []*T) []*T {
	for _, x := range all {
		if x != nil {
			out = append(out, x)
		}
	}
	return out
}

// Choice sets the member of a choice message, such as &pb.Goal_StartX{}, whose type is that of value;
// nil for a nil value or one that it cannot hold.
func Choice[T proto.Message](x T, value proto.Message) T {
	var none T
	if value == nil || !value.ProtoReflect().IsValid() {
		return none
	}
	fields := x.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); f.Message() != nil && f.Message().FullName() == value.ProtoReflect().Descriptor().FullName() {
			x.ProtoReflect().Set(f, protoreflect.ValueOfMessage(value.ProtoReflect()))
			return x
		}
	}
	return none
}
