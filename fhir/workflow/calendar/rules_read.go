package calendar

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// structure is the canonical of an extension of ours, codes that of a code system.
func structure(name string) string { return fhir.Canonical + "/StructureDefinition/" + name }
func codes(name string) string     { return fhir.Canonical + "/CodeSystem/" + name }

// codeOf returns the code of one of our systems in the CodeableConcepts at a member, "" without one.
func codeOf(n fhir.Node, member, system string) string {
	for c := range n.All(member, "coding") {
		if c.Member("system").Text() == codes(system) {
			return c.Member("code").Text()
		}
	}
	return ""
}

// dayOf reads the day of a FHIR date, dateTime or instant as it is written. A year or a month begins on
// its first day.
func dayOf(n fhir.Node) (time.Time, bool) {
	text := n.Text()
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if len(text) < len(layout) {
			continue
		}
		day, err := time.Parse(layout, text[:len(layout)])
		return day, err == nil
	}
	return time.Time{}, false
}

// covers reports whether a Period contains a day. An open end covers; one that cannot be read does not.
func covers(period fhir.Node, day time.Time) bool {
	if start := period.Member("start"); start.Exists() {
		if from, ok := dayOf(start); !ok || from.After(day) {
			return false
		}
	}
	if end := period.Member("end"); end.Exists() {
		to, ok := lastDayOf(end)
		return ok && !day.After(to)
	}
	return true
}

// lastDayOf is dayOf for an end: a year or a month ends on its last day.
func lastDayOf(n fhir.Node) (time.Time, bool) {
	day, ok := dayOf(n)
	switch len(n.Text()) {
	case 4:
		return day.AddDate(1, 0, -1), ok
	case 7:
		return day.AddDate(0, 1, -1), ok
	}
	return day, ok
}

// extension returns an extension of ours, a missing node without one.
func extension(n fhir.Node, name string) fhir.Node {
	for e := range n.All("extension") {
		if e.Member("url").Text() == structure(name) {
			return e
		}
	}
	return fhir.Node{}
}

// part returns the value of a part of a complex extension.
func part(ext fhir.Node, name, value string) fhir.Node {
	for e := range ext.All("extension") {
		if e.Member("url").Text() == name {
			return e.Member(value)
		}
	}
	return fhir.Node{}
}

// record returns of which source record a resource is, without its version, and that version; "" for none.
func record(n fhir.Node) (id, version string) {
	b := extension(n, "bron-record")
	return part(b, "recordId", "valueString").Text(), part(b, "versie", "valuePositiveInt").Text()
}
