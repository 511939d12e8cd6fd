package ecomap

import (
	"math"
	"strings"
	"unicode"
)

// Where the label of a member stands, above the middle of the picture and below, and how high a line is.
const (
	above   = 22
	below   = 32
	ascent  = 13
	descent = 4
	gap     = 4 // between two labels
	reachY  = 16

	loadReach = 20 // half the width of what tells of a load
)

// baseline is where the label of a member at p stands.
func baseline(p point) int {
	if p.y < centre {
		return p.y - above
	}
	return p.y + below
}

// labels returns the texts beside the members. Where two would run into each other, into a symbol or out
// of the picture, they are cut, and end in an ellipsis; "" where not even that fits. The place of a label is fixed.
func (d drawing) labels(at []point) []string {
	out := make([]string, len(d.Members))
	for i, m := range d.Members {
		out[i] = cut(d.label(m), d.room(at, i))
	}
	return out
}

// nameAt is where the name of the child stands: in the middle, or below it.
func (d drawing) nameAt() int {
	if d.detail {
		return centre + below + 16
	}
	return centre + 5
}

// room is how wide the label of member i may be: of two that meet, each has half of what is between
// them, and all that the other leaves.
func (d drawing) room(at []point, i int) float64 {
	x, y := at[i].x, baseline(at[i])
	wide := 2 * math.Min(float64(x), float64(size-x))
	apart := func(x2 int) float64 { return math.Abs(float64(x - x2)) }
	if meets(y, centre-26, max(centre+26, d.nameAt()+descent)) {
		wide = math.Min(wide, 2*(apart(centre)-math.Max(26, width(d.Child)/2)-gap))
	}
	for j, m := range d.Members {
		if j == i {
			continue
		}
		if off := apart(at[j].x) - gap; meets(y, baseline(at[j])-ascent, baseline(at[j])+descent) {
			wide = math.Min(wide, math.Max(off, 2*off-width(d.label(m))))
		}
		high, half := reachY, kinds[kindAt(m.Kind)].reach
		if d.detail {
			high, half = below, max(half, loadReach)
		}
		if meets(y, at[j].y-high, at[j].y+high) {
			wide = math.Min(wide, 2*(apart(at[j].x)-float64(half)-gap))
		}
	}
	return wide
}

// meets reports whether a label on the baseline y touches the band from top to bottom.
func meets(y, top, bottom int) bool { return y-ascent < bottom && y+descent > top }

// cut returns as much of a text as fits.
func cut(text string, room float64) string {
	if width(text) <= room {
		return text
	}
	runes := []rune(text)
	for n := len(runes) - 1; n > 0; n-- {
		if short := strings.TrimRight(string(runes[:n]), " _-,.") + "…"; width(short) <= room {
			return short
		}
	}
	return ""
}

// The widths of letters in units of the picture: those of a wide sans-serif at 14, for it is not known
// which one draws.
const (
	narrow = 6.0
	middle = 9.0
	tall   = 11.0
	broad  = 14.0
)

// width is how wide a text is at most.
func width(text string) float64 {
	sum := 0.0
	for _, r := range text {
		switch {
		case strings.ContainsRune("ijlIfrt.,:;'|!()[] -", r):
			sum += narrow
		case unicode.Is(unicode.Mn, r):
		case r > 0x2E80 || strings.ContainsRune("mwMWQO@%…", r):
			sum += broad
		case unicode.IsUpper(r):
			sum += tall
		default:
			sum += middle
		}
	}
	return sum
}
