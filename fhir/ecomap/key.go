package ecomap

import (
	"bytes"
	"fmt"
	"html"
	"strings"
)

// What the signs mean stands below the picture, in columns.
const (
	keyHeight = 370
	keyTop    = size + 64
	rowHigh   = 26
	steps     = 4 // a helper carries 0 to 4
)

// keyStyle comes behind style: a white edge keeps text apart from the lines under it.
const keyStyle = `<style>text{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}.uitleg text{text-anchor:start}` +
	`.uitleg .kop{font-weight:bold}.uitleg path{fill:#fff;stroke:#333;stroke-width:2}.lid .last path,.uitleg .last path{stroke-width:1}` +
	`.lid .last .vol,.uitleg .last .vol{fill:#333}</style>`

// carries draws what a member carries: four boxes, as many filled as its load. It stands across the symbol from
// the label.
func (d drawing) carries(m Member, at point) string {
	text := d.loadOn(m)
	if !d.detail || text == "" {
		return ""
	}
	y := at.y + below - 12
	if at.y >= centre {
		y = at.y - above - 5
	}
	return boxes(m.Load-1, point{at.x - 19, y}, d.load+": "+text)
}

// boxes are a load with what it is called.
func boxes(load int, at point, text string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<g class="last"><title>%s</title>`, html.EscapeString(text))
	for i := range steps {
		full := ""
		if i < load {
			full = ` class="vol"`
		}
		fmt.Fprintf(&b, `<path%s d="M%d %dh8v7h-8z"/>`, full, at.x+10*i, at.y)
	}
	return b.String() + "</g>"
}

// key says what the signs mean. It is the same for every reader, so that nothing can be read from it.
func (d drawing) key(b *bytes.Buffer) {
	k := key{b}
	b.WriteString(`<g class="uitleg">` + "\n")
	k.heading(point{20, keyTop - 36}, cut(d.title()+d.since(", "), size-40))
	d.keyKinds(k, 20)
	d.keyTies(k, 200)
	d.keyDirections(k, 450)
	d.keyLoads(k, 650)
	b.WriteString("</g>\n")
}

// key writes what signs mean, with a sign before its word.
type key struct{ *bytes.Buffer }

func (k key) heading(at point, text string) {
	fmt.Fprintf(k, `<text class="kop" x="%d" y="%d">%s</text>`+"\n", at.x, at.y, html.EscapeString(text))
}

func (k key) word(sign string, at point, off int, text string) {
	fmt.Fprintf(k, `%s<text x="%d" y="%d">%s</text>`+"\n", sign, at.x+off, at.y, html.EscapeString(text))
}

// row is the place of a row of a column; the heading is above row 0.
func row(x, i int) point { return point{x, keyTop + rowHigh*(i+1)} }

// sample is a tie as it would be drawn, on a row.
func sample(strength, direction string, at point, long int) string {
	return tie(strength, direction, point{at.x, at.y - 5}, point{at.x + long, at.y - 5})
}

func (d drawing) keyKinds(k key, x int) {
	k.heading(row(x, -1), d.who)
	for i, kind := range kinds {
		at := row(x, i)
		sign := fmt.Sprintf(`<path d="%s" transform="translate(%d %d) scale(.7)"/>`, kind.symbol, at.x+13, at.y-5)
		k.word(sign, at, 34, in(d.kinds, kind.code))
	}
}

func (d drawing) keyTies(k key, x int) {
	k.heading(row(x, -1), d.columns[3])
	for i, code := range ordered {
		k.word(sample(code, "", row(x, i), 60), row(x, i), 72, in(d.strengths, code))
	}
	at := row(x, len(ordered))
	k.word(`<g class="onderling">`+sample("matig", "", at, 60)+"</g>", at, 72, d.between)
}

func (d drawing) keyDirections(k key, x int) {
	k.heading(row(x, -1), d.columns[4])
	for i, code := range []string{"naar-client", "van-client", "wederzijds"} {
		at := row(x, i)
		child := fmt.Sprintf(`<circle cx="%d" cy="%d" r="8" fill="#fff" stroke="#333" stroke-width="3"/>`, at.x+56, at.y-5)
		k.word(sample("matig", code, at, 44)+child, at, 74, d.directions[code])
	}
	k.heading(row(x, 5), d.inward)
	for i, circle := range d.circles {
		k.word("", row(x, i+6), 0, fmt.Sprint(i+1, "  ", circle))
	}
}

func (d drawing) keyLoads(k key, x int) {
	k.heading(row(x, -1), d.load)
	for i, word := range d.loads {
		at := row(x, i)
		k.word(boxes(i, point{at.x, at.y - 10}, word), at, 52, word)
	}
}
