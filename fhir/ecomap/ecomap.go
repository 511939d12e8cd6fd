// Package ecomap draws the social network of a child from its FHIR resources: as SVG, and as a table
// for who cannot use a picture (network.md 6). It owns the layout, and what of a network each reader sees
// in it (network.md 5). It knows no principals and no store, and gives the same bytes for the same
// network.
package ecomap

import "github.com/drieluik/drieluik/fhir"

// Network is what a picture shows.
type Network struct {
	Child    string // name of the child; "" where the reader may not know it
	Date     string // since when it holds, as written; "" when nobody said
	Members  []Member
	Ties     []Tie
	ByParent bool // a parent drew it up
}

// Member is one person or organisation around the child.
type Member struct {
	Ref       fhir.Ref
	ID        string // of the member in its record; sorts members of one kind
	Name      string // "" where it is hidden: the kind stands in its place
	Kind      string // code of netwerk-soort
	Circle    int    // 1 to 4
	Strength  string // code of netwerk-sterkte; "" draws no tie
	Direction string // code of netwerk-richting; "" draws no arrows
	Offers    []string
	Load      int  // what it carries, 1 above the step of netwerk-meting#belasting: 1 none to 5 overloaded; 0: not told
	untold    bool // the circle is not told in words
}

// Tie is a tie between two members, who stand at these places in Network.Members.
type Tie struct {
	A, B     int
	Strength string
}

// kind is a row of netwerk-soort with the symbol of its members.
type kind struct {
	code, symbol string
	reach        int // half the width of the symbol
}

// kinds are in the order in which the picture goes round.
var kinds = []kind{
	{"familie", "M0-14A14 14 0 1 1 0 14A14 14 0 1 1 0-14Z", 14},
	{"vriend", "M0-16L16 0L0 16L-16 0Z", 16},
	{"buur", "M-13-13H13V13H-13Z", 13},
	{"vrijwilliger", "M0-16L15 12H-15Z", 15},
	{"lotgenoot", "M-8-14H8L16 0L8 14H-8L-16 0Z", 16},
	{"professional", "M-5-15H5V-5H15V5H5V15H-5V5H-15V-5H-5Z", 15},
	{"organisatie", "M-18-10H18V10H-18Z", 18},
}

// kindAt returns the place of a code in kinds, -1 for one that is not there.
func kindAt(code string) int {
	for i, k := range kinds {
		if k.code == code {
			return i
		}
	}
	return -1
}

// circles are the radius of circle 1 to 4.
var circles = [...]int{110, 200, 285, 365}

// arrow is a row of netwerk-richting: the ends with an arrow.
type arrow struct{ toMember, toChild bool }

var arrows = map[string]arrow{
	"naar-client": {toChild: true}, "van-client": {toMember: true}, "wederzijds": {toMember: true, toChild: true},
}

// ordered are the codes of netwerk-sterkte in their order.
var ordered = []string{"sterk", "matig", "zwak", "gespannen", "verbroken"}
