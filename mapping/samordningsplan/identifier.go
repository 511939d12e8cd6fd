package samordningsplan

import (
	"regexp"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
)

// Identifier systems of Sweden (samordningsplan.md 2).
const (
	hsaSystem   = "urn:oid:1.2.752.29.4.19"
	orgSystem   = "urn:oid:2.5.4.97"
	personScope = "http://electronichealth.se/identifier/"
)

// personSystems are the systems of idTyp. Read only.
var personSystems = map[string]string{
	"personnummer": personScope + "personnummer", "samordningsnummer": personScope + "samordningsnummer",
	"nationelltReservnummer": personScope + "nationelltReservnummer", "LMA": personScope + "LMA-nummer",
}

// canonical is an identifier under the system that is written.
func canonical(n fhir.Node) fhir.Identifier {
	return mapping.Aliases(fhir.Identifier{System: n.Member("system").Text(), Value: n.Member("value").Text()})[0]
}

var (
	reserve = regexp.MustCompile(`^[0-9A-Z]{12}$`)
	lma     = regexp.MustCompile(`^[0-9]{10,13}$`)
	twelve  = regexp.MustCompile(`^[0-9]{12}$`)
)

// personChecks are the checks of idTyp. Read only.
var personChecks = map[string]func(string) bool{
	"personnummer":      func(s string) bool { return birthOf("personnummer", s) != "" && form.Luhn(s[2:]) },
	"samordningsnummer": func(s string) bool { return birthOf("samordningsnummer", s) != "" && form.Luhn(s[2:]) },
	"nationelltReservnummer": func(s string) bool {
		return reserve.MatchString(s) && strings.ContainsAny(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	},
	"LMA": lma.MatchString,
}

// birthOf returns the birth date that a number tells: a personnummer its first eight digits, a
// samordningsnummer the same with 60 added to the day; "" when it tells none.
func birthOf(idType, number string) form.Day {
	if !twelve.MatchString(number) {
		return ""
	}
	digits := []byte(number[:8])
	switch idType {
	case "personnummer":
	case "samordningsnummer":
		if digits[6] < '6' {
			return ""
		}
		digits[6] -= 6
	default:
		return ""
	}
	t, err := time.Parse("20060102", string(digits))
	if err != nil {
		return ""
	}
	return form.DayOf(t)
}

// validOrganisation holds the check digit of an organisationsnummer.
func validOrganisation(s string) bool { return len(s) == 10 && form.Luhn(s) }
