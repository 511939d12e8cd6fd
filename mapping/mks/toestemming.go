package mks

// toestemming is the record type of mks.md 3.
func toestemming() record { return record{name: "toestemming", anchor: "Consent"} }
