// Package fhir owns the resource tree, the registry of resource types, issues, errors and the
// bridge between google/fhir protocol buffers and the tree. It knows FHIR R4 JSON and nothing of
// HTTP, SQL or policy.
package fhir

import (
	"strconv"
	"strings"
)

// Canonical is the canonical base of the project's own artefacts.
const Canonical = "https://drieluik.example/fhir"

// Type is the name of an R4 resource type, such as "CarePlan".
type Type string

// Ref names one resource, or one version of it when Version is above zero.
type Ref struct {
	Type    Type
	ID      string
	Version int
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r.Type == "" && r.ID == "" }

// String returns "Type/id", with "/_history/n" when r names a version.
func (r Ref) String() string {
	if r.IsZero() {
		return ""
	}
	s := string(r.Type) + "/" + r.ID
	if r.Version > 0 {
		s += "/_history/" + strconv.Itoa(r.Version)
	}
	return s
}

// Current returns r without its version.
func (r Ref) Current() Ref { return Ref{Type: r.Type, ID: r.ID} }

// ParseRef parses a relative literal reference ("Type/id" or "Type/id/_history/n").
// It reports false for every other text, also for a type that R4 does not have.
func ParseRef(s string) (Ref, bool) {
	parts := strings.Split(s, "/")
	if len(parts) != 2 && (len(parts) != 4 || parts[2] != "_history") {
		return Ref{}, false
	}
	t, ok := ParseType(parts[0])
	if !ok || !ValidID(parts[1]) {
		return Ref{}, false
	}
	r := Ref{Type: t, ID: parts[1]}
	if len(parts) == 4 {
		v, err := strconv.Atoi(parts[3])
		if err != nil || v < 1 || strconv.Itoa(v) != parts[3] {
			return Ref{}, false
		}
		r.Version = v
	}
	return r, true
}

// ValidID reports whether s is an R4 id: 1 to 64 of A-Z a-z 0-9 - and dot.
func ValidID(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' {
			continue
		}
		return false
	}
	return true
}
