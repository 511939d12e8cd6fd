package mapping

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// TakenBack reports whether the Consent that a document writes at ref was withdrawn and is not given again: the
// stored one is inactive, or was called an error, and given, the Consent.dateTime of the document, is not later than
// the stored one. It is inactive then: who withdrew is not undone by a system that does not know of it. Errors are
// those of k.
func TakenBack(k Known, ref fhir.Ref, given string) (bool, error) {
	stored, err := k.Read(ref)
	if err != nil || stored == nil {
		return false, err
	}
	root := stored.Resource.Root()
	status := root.Member("status").Text()
	return (status == "inactive" || status == "entered-in-error") && !later(given, root.Member("dateTime").Text()), nil
}

// later reports whether a date or instant lies behind another; a date counts from its first moment on.
func later(a, b string) bool {
	first, known := moment(a)
	second, also := moment(b)
	return known && (!also || first.After(second))
}

func moment(s string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(form, s); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
