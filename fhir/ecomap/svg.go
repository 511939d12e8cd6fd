package ecomap

import (
	"bytes"
	"fmt"
	"html"
)

// The first lines of a picture that are the same for all: its style, and the arrow at the end of a tie.
const (
	style = `<style>.ring{fill:none;stroke:#ccc}.sterk{stroke-width:5}.matig{stroke-width:2}.zwak{stroke-width:2;stroke-dasharray:6 6}` +
		`.gespannen,.verbroken{stroke-width:2}line,polyline,path.verbroken{stroke:#333;fill:none}.lid path{fill:#fff;stroke:#333;stroke-width:2}` +
		`.onderling{opacity:.4}text{font:14px sans-serif;text-anchor:middle}</style>`
	marker = `<defs><marker id="p" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" ` +
		`orient="auto-start-reverse"><path d="M0 0L10 5L0 10Z"/></marker></defs>`
)

// SVG draws the network.
func (n Network) SVG() []byte {
	var b bytes.Buffer
	at := places(n.Members)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="t d" xml:lang="nl">`+"\n", size, size)
	fmt.Fprintf(&b, "<title id=\"t\">%s</title>\n", html.EscapeString(n.title()))
	fmt.Fprintf(&b, "<desc id=\"d\">%d leden in %d kringen%s</desc>\n", len(n.Members), len(circles), n.since(" op "))
	fmt.Fprintf(&b, "%s\n%s\n", style, marker)
	for i := len(circles) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, `<circle class="ring" cx="%d" cy="%d" r="%d"/>`+"\n", centre, centre, circles[i].radius)
	}
	b.WriteString(`<g class="onderling">` + "\n")
	for _, t := range n.Ties {
		fmt.Fprintln(&b, strokes[t.Strength](attribute("class", t.Strength), at[t.A], at[t.B]))
	}
	b.WriteString("</g>\n")
	texts := labels(n, at)
	for i, m := range n.Members {
		fmt.Fprintln(&b, m.svg(at[i], texts[i]))
	}
	fmt.Fprintf(&b, `<circle cx="%d" cy="%d" r="26" fill="#fff" stroke="#333" stroke-width="3"/><text x="%d" y="%d">%s</text>`+"\n",
		centre, centre, centre, centre+5, html.EscapeString(n.Child))
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// svg draws one member. A label that had to be cut is told in full by a title.
func (m Member) svg(at point, text string) string {
	full := ""
	if text != m.label() {
		full = "<title>" + html.EscapeString(m.label()) + "</title>"
	}
	if text != "" {
		text = fmt.Sprintf(`<text x="%d" y="%d">%s</text>`, at.x, baseline(at), html.EscapeString(text))
	}
	return fmt.Sprintf(`<g class="lid" id="lid-%s">%s%s<path d="%s" transform="translate(%d %d)"/>%s</g>`,
		m.ID, full, m.tie(at), kinds[kindAt(m.Kind)].symbol, at.x, at.y, text)
}

// tie draws the tie of a member to the child.
func (m Member) tie(at point) string {
	draw, known := strokes[m.Strength]
	if !known {
		return ""
	}
	attributes := attribute("class", m.Strength)
	if arrows[m.Direction].toMember {
		attributes += " " + attribute("marker-start", "url(#p)")
	}
	if arrows[m.Direction].toChild {
		attributes += " " + attribute("marker-end", "url(#p)")
	}
	from, to := toChild(at)
	return draw(attributes, from, to)
}

func attribute(name, value string) string { return name + `="` + value + `"` }

// since is the date with what leads to it, "" where there is none.
func (n Network) since(lead string) string {
	if n.Date == "" {
		return ""
	}
	return lead + html.EscapeString(n.Date)
}
