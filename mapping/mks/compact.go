package mks

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/drieluik/drieluik/fhir"
)

// compact returns the JSON text of a node without white space.
func compact(n fhir.Node) string {
	var out bytes.Buffer
	if json.Compact(&out, []byte(n.Raw())) != nil {
		return n.Raw()
	}
	return out.String()
}

// identifierJSON returns the JSON of an Identifier. System and value hold no characters to escape:
// an id of the source is [A-Za-z0-9._-].
func identifierJSON(id fhir.Identifier) string {
	return fmt.Sprintf(`{"system":%q,"value":%q}`, id.System, id.Value)
}
