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

// drawing is a network on its way to paper.
type drawing struct {
	Network
	words
	language string
	detail   bool
}

func (n Network) drawing(s Style) drawing {
	d := drawing{Network: n, words: wordsOf(s.Language), language: s.Language, detail: s.Detail}
	if _, known := languages[s.Language]; !known {
		d.language = Languages[0]
	}
	return d
}

// SVG draws the network.
func (n Network) SVG(s Style) []byte {
	d := n.drawing(s)
	var b bytes.Buffer
	at, high := places(n.Members), size
	if d.detail {
		high += keyHeight
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="t d" xml:lang="%s">`+"\n", size, high, d.language)
	fmt.Fprintf(&b, "<title id=\"t\">%s</title>\n", html.EscapeString(d.title()))
	fmt.Fprintf(&b, "<desc id=\"d\">"+d.members+"%s</desc>\n", len(n.Members), len(circles), html.EscapeString(d.since(d.on)))
	fmt.Fprintf(&b, "%s\n%s\n", style, marker)
	if d.detail {
		b.WriteString(keyStyle + "\n")
	}
	for i := len(circles) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, `<circle class="ring" cx="%d" cy="%d" r="%d"/>`+"\n", centre, centre, circles[i])
	}
	b.WriteString(`<g class="onderling">` + "\n")
	for _, t := range n.Ties {
		fmt.Fprintln(&b, strokes[t.Strength](attribute("class", t.Strength), at[t.A], at[t.B]))
	}
	b.WriteString("</g>\n")
	texts := d.labels(at)
	for i, m := range n.Members {
		fmt.Fprintln(&b, d.member(m, at[i], texts[i]))
	}
	fmt.Fprintf(&b, `<circle cx="%d" cy="%d" r="26" fill="#fff" stroke="#333" stroke-width="3"/><text x="%d" y="%d">%s</text>`+"\n",
		centre, centre, centre, d.nameAt(), html.EscapeString(n.Child))
	if d.detail {
		d.key(&b)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// member draws one member. A label that had to be cut is told in full by a title.
func (d drawing) member(m Member, at point, text string) string {
	full := ""
	if text != d.label(m) {
		full = "<title>" + html.EscapeString(d.label(m)) + "</title>"
	}
	if text != "" {
		text = fmt.Sprintf(`<text x="%d" y="%d">%s</text>`, at.x, baseline(at), html.EscapeString(text))
	}
	return fmt.Sprintf(`<g class="lid" id="lid-%s">%s%s<path d="%s" transform="translate(%d %d)"/>%s%s</g>`,
		m.ID, full, m.tie(at), kinds[kindAt(m.Kind)].symbol, at.x, at.y, d.carries(m, at), text)
}

// tie draws the tie of a member to the child.
func (m Member) tie(at point) string {
	from, to := toChild(at)
	return tie(m.Strength, m.Direction, from, to)
}

// tie draws a tie of a strength and a direction; "" for a strength that is not told.
func tie(strength, direction string, from, to point) string {
	draw, known := strokes[strength]
	if !known {
		return ""
	}
	attributes := attribute("class", strength)
	if arrows[direction].toMember {
		attributes += " " + attribute("marker-start", "url(#p)")
	}
	if arrows[direction].toChild {
		attributes += " " + attribute("marker-end", "url(#p)")
	}
	return draw(attributes, from, to)
}

func attribute(name, value string) string { return name + `="` + value + `"` }

// title of both forms.
func (d drawing) title() string {
	if d.Child == "" {
		return d.unnamed
	}
	return fmt.Sprintf(d.words.title, d.Child)
}

// since is the date with what leads to it, "" where there is none.
func (d drawing) since(lead string) string {
	if d.Date == "" {
		return ""
	}
	return lead + d.Date
}
