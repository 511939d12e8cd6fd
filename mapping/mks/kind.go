package mks

// kind is the record type of mks.md 3.
func kind() record { return record{name: "kind", anchor: "Patient"} }
