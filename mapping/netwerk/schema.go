package netwerk

import (
	"github.com/drieluik/drieluik/mapping/form"
)

// JSONSchema returns the JSON Schema (draft 2020-12) of netwerk/1, made of the tables that Read checks
// documents with. What it cannot say stands in its $comment. The text is the same for the same tables.
func JSONSchema() ([]byte, error) {
	return form.JSONSchema(form.Published{
		ID: "https://drieluik.example/ig/netwerk-1.schema.json", Version: Schema, Table: table,
		About: "The social network of a family, as a source system sends it to POST /fhir/$submit. " +
			"Members that are not named here are kept and not interpreted.",
		Limits: "Not said here: the 11-proef of a BSN, references to leden, which members persons and organisations have, and the rules " +
			"NW-S04 and NW-R01 on. An optional member that is null, [] or {} counts as absent.",
	})
}
