package ecomap

import (
	"bytes"
	"fmt"
	"html"
	"strings"
)

// cells are what stands in the columns of the table, in their order. The first names the row.
var cells = []func(words, Member) string{
	words.label,
	func(w words, m Member) string { return in(w.kinds, m.Kind) },
	words.circle,
	func(w words, m Member) string { return in(w.strengths, m.Strength) },
	func(w words, m Member) string { return w.directions[m.Direction] },
	words.offersOf,
}

// tableStyle is that of a table with all that there is.
const tableStyle = `<style>body{font:16px sans-serif}table{border-collapse:collapse;margin:0 0 2em}caption{font-weight:bold;text-align:left;padding:.4em 0}` +
	`th,td{border:1px solid #767676;padding:.3em .6em;text-align:left;vertical-align:top}</style>`

// HTML is the network as a table, its rows in the order of the picture.
func (n Network) HTML(s Style) []byte {
	d := n.drawing(s)
	var b bytes.Buffer
	title, style := html.EscapeString(d.title()), ""
	if s.Detail {
		style = tableStyle
	}
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><title>%s</title>%s</head><body>\n", d.language, title, style)
	head, of := append([]string{}, d.columns[:]...), cells
	if s.Detail {
		head, of = append(head, d.load), append(cells[:len(cells):len(cells)], words.loadOn)
	}
	var rows [][]string
	for _, m := range n.Members {
		var row []string
		for _, cell := range of {
			row = append(row, cell(d.words, m))
		}
		rows = append(rows, row)
	}
	writeTable(&b, d.title()+d.since(", "), head, rows)
	if s.Detail && len(n.Ties) > 0 {
		rows = nil
		for _, t := range n.Ties {
			rows = append(rows, []string{d.label(n.Members[t.A]), d.label(n.Members[t.B]), in(d.strengths, t.Strength)})
		}
		writeTable(&b, d.between, d.ties[:], rows)
	}
	b.WriteString("</body></html>\n")
	return b.Bytes()
}

// writeTable writes one table; the first cell of a row names it.
func writeTable(b *bytes.Buffer, caption string, head []string, rows [][]string) {
	fmt.Fprintf(b, "<table><caption>%s</caption>\n<thead><tr>", html.EscapeString(caption))
	for _, name := range head {
		fmt.Fprintf(b, `<th scope="col">%s</th>`, html.EscapeString(name))
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for _, row := range rows {
		fmt.Fprintf(b, `<tr><th scope="row">%s</th>`, html.EscapeString(row[0]))
		for _, text := range row[1:] {
			fmt.Fprintf(b, "<td>%s</td>", html.EscapeString(text))
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody></table>\n")
}

// label is what stands beside a member: its kind where the name is hidden.
func (w words) label(m Member) string {
	if m.Name == "" {
		return in(w.kinds, m.Kind)
	}
	return m.Name
}

// circle is the word of a member's circle, "" where it is not told.
func (w words) circle(m Member) string {
	if m.untold {
		return ""
	}
	return w.circles[m.Circle-1]
}

func (w words) offersOf(m Member) string {
	var out []string
	for _, code := range m.Offers {
		out = append(out, in(w.offers, code))
	}
	return strings.Join(out, ", ")
}

// loadOn is what a member carries, "" where that is not told.
func (w words) loadOn(m Member) string {
	if m.Load < 1 || m.Load > len(w.loads) {
		return ""
	}
	return fmt.Sprintf(w.loadOf, m.Load-1, w.loads[m.Load-1])
}
