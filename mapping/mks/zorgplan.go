package mks

// zorgplan is the record type of mks.md 3.
func zorgplan() record { return record{name: "zorgplan", anchor: "CarePlan"} }
