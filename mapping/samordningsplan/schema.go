package samordningsplan

import "github.com/drieluik/drieluik/mapping/form"

// SchemaID is the $id of the JSON Schema of the format.
const SchemaID = "https://drieluik.example/ig/samordningsplan-1.schema.json"

// JSONSchema returns the JSON Schema (draft 2020-12) of samordningsplan/1, made of the tables that Read
// checks documents with. What it cannot say stands in its $comment.
func JSONSchema() ([]byte, error) {
	return form.JSONSchema(form.Published{
		ID: SchemaID, Version: Schema, Table: table(),
		About: "One version of the coordinated plan of one person, as a source system sends it to POST /fhir/$submit. " +
			"Members that are not named here are kept and not interpreted.",
		Limits: "Not said here: dates and check digits of identifying numbers, ids and references within the document, the conditions " +
			"between members, the rules of content (SP-R, BP-R), duplicate members, and numbers with more digits than a double holds. " +
			"An optional member that is null, [] or {} counts as absent.",
	})
}
