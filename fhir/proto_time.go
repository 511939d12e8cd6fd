package fhir

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// layouts are the texts of the precisions of Date, DateTime, Instant and Time, without offset.
var layouts = map[protoreflect.Name]string{
	"YEAR":        "2006",
	"MONTH":       "2006-01",
	"DAY":         "2006-01-02",
	"SECOND":      "2006-01-02T15:04:05",
	"MILLISECOND": "2006-01-02T15:04:05.000",
	"MICROSECOND": "2006-01-02T15:04:05.000000",
}

// writeTime writes a Date, DateTime or Instant.
func writeTime(text []byte, v view) ([]byte, error) {
	layout := v.layout()
	if layout == "" {
		return nil, errors.New("the time has no precision")
	}
	us := v.integer(&v.p.us)
	t := time.Unix(us/1e6, us%1e6*1000).UTC()
	seconds, suffix, err := offsetOf(v.text(&v.p.zone), t)
	if err != nil {
		return nil, err
	}
	text = append(text, '"')
	text = t.Add(time.Duration(seconds)*time.Second).AppendFormat(text, layout)
	if len(layout) > len("2006-01-02") {
		text = append(text, suffix...)
	}
	return append(text, '"'), nil
}

// writeClock writes a Time, which counts from midnight.
func writeClock(text []byte, v view) ([]byte, error) {
	layout := v.layout()
	if len(layout) <= len("2006-01-02T") {
		return nil, errors.New("the time has no precision")
	}
	us := v.integer(&v.p.us)
	text = append(text, '"')
	text = time.Unix(us/1e6, us%1e6*1000).UTC().AppendFormat(text, layout[len("2006-01-02T"):])
	return append(text, '"'), nil
}

// layoutsOf returns the layouts of a precision by its numbers, none for nil.
func layoutsOf(precision protoreflect.FieldDescriptor) []string {
	if precision == nil {
		return nil
	}
	values := precision.Enum().Values()
	out := make([]string, values.Len())
	for i := range values.Len() {
		if v := values.Get(i); v.Number() >= 0 && int(v.Number()) < len(out) {
			out[v.Number()] = layouts[v.Name()]
		}
	}
	return out
}

// layout returns the layout of the precision that a time has, "" when it has none.
func (v view) layout() string {
	number := v.enum(&v.p.precision)
	if number < 0 || int(number) >= len(v.p.layouts) {
		return ""
	}
	return v.p.layouts[number]
}

// offsetOf returns the offset at t of a zone given as "Z", as an offset, or as an IANA name, in
// seconds and as text.
func offsetOf(zone string, t time.Time) (int, string, error) {
	switch {
	case zone == "Z":
		return 0, zone, nil
	case zone == "" || zone == "UTC":
		return 0, "+00:00", nil
	case zone[0] == '+' || zone[0] == '-':
		seconds, err := offsetSeconds(zone)
		return seconds, zone, err
	}
	l, err := plans().location(zone)
	if err != nil {
		return 0, "", err
	}
	local := t.In(l)
	_, seconds := local.Zone()
	return seconds, local.Format("-07:00"), nil
}

// location returns an IANA zone, which is slow to load, from those met before.
func (s *planSet) location(name string) (*time.Location, error) {
	if l, ok := s.zones.Load(name); ok {
		return l.(*time.Location), nil
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		return nil, errors.New("the time zone is unknown") // err repeats its name
	}
	s.zones.Store(name, l)
	return l, nil
}

var errOffset = errors.New("the time zone is no offset")

// offsetSeconds reads "+02:00".
func offsetSeconds(zone string) (int, error) {
	if len(zone) != len("+02:00") || zone[3] != ':' {
		return 0, errOffset
	}
	hours, err := strconv.ParseUint(zone[1:3], 10, 8)
	if err != nil {
		return 0, errOffset
	}
	minutes, err := strconv.ParseUint(zone[4:], 10, 8)
	if err != nil {
		return 0, errOffset
	}
	seconds := int(hours)*3600 + int(minutes)*60
	if zone[0] == '-' {
		return -seconds, nil
	}
	return seconds, nil
}

// readTime reads a Date, DateTime or Instant. What has no offset is kept in UTC.
func readTime(n Node, p *plan, m protoreflect.Message) error {
	if n.Shape() != String {
		return errShape
	}
	text := n.Text()
	precision, zone := precisionOfText(text), "UTC"
	layout := layouts[precision]
	if precision != "YEAR" && precision != "MONTH" && precision != "DAY" {
		layout = time.RFC3339 // reads fractions too
		if zone = text[len(text)-1:]; zone != "Z" && len(text) > len("+00:00") {
			zone = text[len(text)-len("+00:00"):]
		}
	}
	t, err := time.Parse(layout, text)
	if err != nil || t.Year() < 1 || strings.Contains(text, ",") || len(text) > 13 && text[13] != ':' {
		return errors.New("a date or time is expected")
	}
	if err := checkOffset(zone); err != nil {
		return err
	}
	return setTime(p, m, precision, t.UnixMicro(), zone)
}

// checkOffset refuses an offset that no time zone has.
func checkOffset(zone string) error {
	if zone == "Z" || zone == "UTC" {
		return nil
	}
	seconds, err := offsetSeconds(zone)
	if err != nil {
		return err
	}
	if max(seconds, -seconds) > 14*3600 {
		return errors.New("the offset is beyond 14 hours")
	}
	return nil
}

// readClock reads a Time.
func readClock(n Node, p *plan, m protoreflect.Message) error {
	if n.Shape() != String {
		return errShape
	}
	text := n.Text()
	t, err := time.Parse("15:04:05", text)
	if err != nil || strings.Contains(text, ",") || text[2] != ':' {
		return errors.New("a time is expected")
	}
	midnight := t.Truncate(24 * time.Hour)
	return setTime(p, m, fractionOf(text), t.Sub(midnight).Microseconds(), "")
}

// setTime sets the fields that make up a time, as far as the message has them.
func setTime(p *plan, m protoreflect.Message, precision protoreflect.Name, us int64, zone string) error {
	fields := p.desc.Fields()
	fd := fields.ByName("precision")
	v := fd.Enum().Values().ByName(precision)
	if v == nil {
		return errors.New("the precision is not one of this type")
	}
	m.Set(fd, protoreflect.ValueOfEnum(v.Number()))
	m.Set(fields.ByName("value_us"), protoreflect.ValueOfInt64(us))
	if fd := fields.ByName("timezone"); fd != nil {
		m.Set(fd, protoreflect.ValueOfString(zone))
	}
	return nil
}

// precisionOfText returns the precision that a date or time is written in.
func precisionOfText(text string) protoreflect.Name {
	switch len(text) {
	case len("2006"):
		return "YEAR"
	case len("2006-01"):
		return "MONTH"
	case len("2006-01-02"):
		return "DAY"
	}
	return fractionOf(text)
}

// fractionOf returns the precision below the minute.
func fractionOf(text string) protoreflect.Name {
	_, fraction, _ := strings.Cut(text, ".")
	digits := len(fraction) - len(strings.TrimLeft(fraction, "0123456789"))
	switch {
	case digits == 0:
		return "SECOND"
	case digits <= 3:
		return "MILLISECOND"
	}
	return "MICROSECOND"
}
