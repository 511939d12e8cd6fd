package fhir

// Equal reports whether a and b are the same JSON value: member order free, array order kept,
// numbers by value.
func Equal(a, b Node) bool { return false }
