package record

import (
	"github.com/drieluik/drieluik/mapping/form"
)

// SchemaID is the $id of the JSON Schema of the format.
const SchemaID = "https://drieluik.example/ig/mks-bron-1.schema.json"

// JSONSchema returns the JSON Schema (draft 2020-12) of mks-bron/1, made of the tables that Read checks
// documents with: it accepts and refuses what the rules of form do (MKS-ENV-01, 02, 03, 05, 06 and
// those that stand in their place). What it cannot say stands in its $comment. The text is the same
// for the same tables.
func JSONSchema() ([]byte, error) {
	var contents []form.Variant
	for _, r := range All() {
		contents = append(contents, form.Variant{Name: r.Name, Table: r.Fields})
	}
	return form.JSONSchema(form.Published{
		ID: SchemaID, Version: Version, Table: envelope(form.Type{}), Variants: contents, Kind: "recordType", Body: "inhoud",
		About: "One record of a child who is nursed at home, as a source system sends it to POST /fhir/$submit. " +
			"Members that are not named here are kept and not interpreted.",
		Limits: "Not said here: the 11-proef of a BSN, the rules beyond the form (MKS-ENV-07 and on, and those of " +
			"each record), duplicate members, lists that are longer than in any real record (MKS-ENV-02), and numbers with more digits than a double holds. An optional member that is null, [] or {} counts as absent.",
	})
}
