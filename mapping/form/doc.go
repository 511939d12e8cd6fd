// Package form is the kit of the form of a source document: tables of members, their types and closed
// lists, one strict reading that finds all faults at once, and the JSON Schema made of the same tables.
// It refuses the rules and the names of any one format: those come in as a Dialect, and with the types.
//
// A format declares its tables:
//
//	var line = form.Text(500, "XX-S09").Named("line")
//	var table = form.Fields{
//		form.F("id", "1", form.Pattern(`[A-Z][0-9]*`, "XX-S09")), // name, cardinality, type
//		form.F("goals", "1..*", form.Object(form.F("text", "1", line))),
//	}
//
// and reads a document with them:
//
//	d := form.Read(resource, dialect, table)
//	if at := d.Root().At("goals"); at.Sound() { … }     // a rule: skipped where its input is faulty
//	d.Fail("XX-R01", at)                                // reported once per place
//	d.Root().At("id").To("CarePlan/x.identifier").Str() // mapped, and traced
//
// What a mapping does not trace is what Untraced gives: the format keeps it as source-member, so that
// nothing of a document is ever dropped. No issue bears a value of the source.
package form
