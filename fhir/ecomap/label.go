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
func labels(n Network, at []point) []string {
	out := make([]string, len(n.Members))
	for i, m := range n.Members {
		out[i] = cut(m.label(), room(n, at, i))
	}
	return out
}

// room is how wide the label of member i may be: of two that meet, each has half of what is between
// them, and all that the other leaves.
func room(n Network, at []point, i int) float64 {
	x, y := at[i].x, baseline(at[i])
	wide := 2 * math.Min(float64(x), float64(size-x))
	apart := func(x2 int) float64 { return math.Abs(float64(x - x2)) }
	if meets(y, centre-26, centre+26) {
		wide = math.Min(wide, 2*(apart(centre)-math.Max(26, width(n.Child)/2)-gap))
	}
	for j, m := range n.Members {
		if j == i {
			continue
		}
		if d := apart(at[j].x) - gap; meets(y, baseline(at[j])-ascent, baseline(at[j])+descent) {
			wide = math.Min(wide, math.Max(d, 2*d-width(m.label())))
		}
		if meets(y, at[j].y-reachY, at[j].y+reachY) {
			wide = math.Min(wide, 2*(apart(at[j].x)-float64(kinds[kindAt(m.Kind)].reach)-gap))
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
