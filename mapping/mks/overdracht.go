package mks

// overdracht is the record type of mks.md 3.
func overdracht() record { return record{name: "overdracht", anchor: "Composition"} }
