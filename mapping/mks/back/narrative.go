package back

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// plain returns the text of a narrative, without its mark-up; "" when it is no XHTML.
func plain(div io.Reader) string {
	var out strings.Builder
	for d := xml.NewDecoder(div); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		if err != nil {
			return ""
		}
		if s, ok := token.(xml.CharData); ok {
			out.Write(s)
		}
	}
}
