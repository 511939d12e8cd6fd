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
	circle    string // word of the circle, "" where it is not told
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

// circles are radius and word of circle 1 to 4.
var circles = [...]struct {
	radius int
	word   string
}{{110, "intiem"}, {200, "vriendschap"}, {285, "participatie"}, {365, "uitwisseling"}}

// arrow is a row of netwerk-richting: the ends with an arrow, and the word of the table.
type arrow struct {
	toMember, toChild bool
	word              string
}

var arrows = map[string]arrow{
	"naar-client": {toChild: true, word: "naar het kind"},
	"van-client":  {toMember: true, word: "van het kind"},
	"wederzijds":  {toMember: true, toChild: true, word: "wederzijds"},
}

// title of both forms.
func (n Network) title() string {
	if n.Child == "" {
		return "Netwerk van het kind"
	}
	return "Netwerk van " + n.Child
}

// label is what stands beside a member.
func (m Member) label() string {
	if m.Name == "" {
		return m.Kind
	}
	return m.Name
}
