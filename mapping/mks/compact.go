package mks

import (
	"bytes"
	"encoding/json"

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
