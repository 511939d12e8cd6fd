package tofhir

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/drieluik/drieluik/fhir"
)

// Compact returns the JSON text of a node without white space.
func Compact(n fhir.Node) string {
	var out bytes.Buffer
	if json.Compact(&out, []byte(n.Raw())) != nil {
		return n.Raw()
	}
	return out.String()
}

// IdentifierJSON returns the JSON of an Identifier. System and value hold no characters to escape:
// an id of the source is [A-Za-z0-9._-].
func IdentifierJSON(id fhir.Identifier) string {
	return fmt.Sprintf(`{"system":%q,"value":%q}`, id.System, id.Value)
}
