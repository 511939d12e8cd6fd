package ecomap

import (
	"bytes"
	"fmt"
	"html"
	"strings"
)

// columns of the table, with what stands in them. The first names the row.
var columns = []struct {
	name string
	of   func(Member) string
}{
	{"Naam", Member.label},
	{"Soort", func(m Member) string { return m.Kind }},
	{"Kring", func(m Member) string { return m.circle }},
	{"Band", func(m Member) string { return m.Strength }},
	{"Richting", func(m Member) string { return arrows[m.Direction].word }},
	{"Aanbod", func(m Member) string { return strings.Join(m.Offers, ", ") }},
}

// HTML is the network as a table, its rows in the order of the picture.
func (n Network) HTML() []byte {
	var b bytes.Buffer
	title := html.EscapeString(n.title())
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"nl\"><head><meta charset=\"utf-8\"><title>%s</title></head><body>\n", title)
	fmt.Fprintf(&b, "<table><caption>%s%s</caption>\n<thead><tr>", title, n.since(", "))
	for _, c := range columns {
		fmt.Fprintf(&b, `<th scope="col">%s</th>`, c.name)
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for _, m := range n.Members {
		fmt.Fprintf(&b, `<tr><th scope="row">%s</th>`, html.EscapeString(m.label()))
		for _, c := range columns[1:] {
			fmt.Fprintf(&b, "<td>%s</td>", html.EscapeString(c.of(m)))
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody></table>\n</body></html>\n")
	return b.Bytes()
}
