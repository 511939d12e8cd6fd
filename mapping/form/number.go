package form

import "strings"

// BSN is a Dutch citizen service number: nine digits that pass the 11-proef.
func BSN(rule string) Type { return Checked(ElevenTest, rule, bsnSchema) }

// ElevenTest reports whether a text is nine digits, not all 0, that pass the 11-proef.
func ElevenTest(s string) bool {
	if len(s) != 9 || s == "000000000" {
		return false
	}
	sum := 0
	for i := range 9 {
		digit := int(s[i]) - '0'
		if digit < 0 || digit > 9 {
			return false
		}
		weight := 9 - i
		if i == 8 {
			weight = -1
		}
		sum += weight * digit
	}
	return sum%11 == 0
}

// Luhn reports whether a text is digits alone whose last one is the check digit of Luhn.
func Luhn(s string) bool {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return false
	}
	sum := 0
	for i := range len(s) {
		digit := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			digit *= 2
		}
		sum += digit/10 + digit%10
	}
	return sum%10 == 0
}
