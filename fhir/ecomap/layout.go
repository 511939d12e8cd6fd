package ecomap

import (
	"fmt"
	"math"
	"strings"
)

// The centre of the picture, and how far ties stay away from the child and the member.
const (
	centre   = 400
	size     = 2 * centre
	offChild = 30
	offKin   = 20
)

// point is a place in the picture, in its own units.
type point struct{ x, y int }

func (p point) String() string { return fmt.Sprintf("%d,%d", p.x, p.y) }

// rnd is the nearest integer, half away from zero. What sine and cosine leave in the last places does
// not turn a half.
func rnd(v float64) int { return int(math.Round(math.Round(v*1e6) / 1e6)) }

// places puts the members round the child, one angle apart, each on its circle.
func places(members []Member) []point {
	out := make([]point, len(members))
	for i, m := range members {
		angle := 2*math.Pi*float64(i)/float64(len(members)) - math.Pi/2
		r := float64(circles[m.Circle-1])
		out[i] = point{rnd(centre + r*math.Cos(angle)), rnd(centre + r*math.Sin(angle))}
	}
	return out
}

// toChild is the way of the tie from a member to the child.
func toChild(p point) (from, to point) {
	dx, dy := float64(centre-p.x), float64(centre-p.y)
	length := math.Hypot(dx, dy)
	dx, dy = dx/length, dy/length
	return point{rnd(float64(p.x) + offKin*dx), rnd(float64(p.y) + offKin*dy)},
		point{rnd(centre - offChild*dx), rnd(centre - offChild*dy)}
}

// stroke draws a tie: element and geometry, with the attributes between them.
type stroke func(attributes string, from, to point) string

// strokes are the rows of netwerk-sterkte.
var strokes = map[string]stroke{
	"sterk": line, "matig": line, "zwak": line, "gespannen": zigzag, "verbroken": broken,
}

func line(attributes string, from, to point) string {
	return fmt.Sprintf(`<line %s x1="%d" y1="%d" x2="%d" y2="%d"/>`, attributes, from.x, from.y, to.x, to.y)
}

// The zigzag of a tense tie: its pieces, and how far its points stand off.
const (
	pieces = 12
	offset = 6
)

func zigzag(attributes string, from, to point) string {
	var points []string
	for k := range pieces + 1 {
		off := 0.0
		switch {
		case k == 0 || k == pieces:
		case k%2 == 1:
			off = offset
		default:
			off = -offset
		}
		points = append(points, along(from, to, float64(k)/pieces, off).String())
	}
	return fmt.Sprintf(`<polyline %s points="%s"/>`, attributes, strings.Join(points, " "))
}

// broken leaves a gap in the middle.
func broken(attributes string, from, to point) string {
	var d strings.Builder
	for i, part := range []float64{0, 0.45, 0.55, 1} {
		p := along(from, to, part, 0)
		fmt.Fprintf(&d, "%c%d %d", "ML"[i%2], p.x, p.y)
	}
	return fmt.Sprintf(`<path %s d="%s"/>`, attributes, d.String())
}

// along is the point at a part of the way, off to its side.
func along(from, to point, part, off float64) point {
	dx, dy := float64(to.x-from.x), float64(to.y-from.y)
	length := math.Hypot(dx, dy)
	if length == 0 {
		return from
	}
	return point{
		rnd(float64(from.x) + part*dx - off*dy/length),
		rnd(float64(from.y) + part*dy + off*dx/length),
	}
}
