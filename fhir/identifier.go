package fhir

// Identifier is a business identifier: a system and a value.
type Identifier struct{ System, Value string }

// String returns "system|value".
func (i Identifier) String() string { return i.System + "|" + i.Value }
