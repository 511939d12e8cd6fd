package ecomap_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/ecomap"
)

// record returns a file of the network records.
func record(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "netwerk", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read reads the network in a Bundle, with every name seen.
func read(t *testing.T, bundle []byte) ecomap.Network {
	t.Helper()
	r, issues := fhir.Parse(bundle, fhir.Limits{})
	if r == nil {
		t.Fatal(issues)
	}
	all := map[fhir.Ref]*fhir.Resource{}
	var team *fhir.Resource
	for n := range r.Root().All("entry", "resource") {
		one, issues := fhir.Parse([]byte(n.Raw()), fhir.Limits{})
		if one == nil {
			t.Fatal(issues)
		}
		all[one.Ref()] = one
		if ecomap.Is(one) {
			team = one
		}
	}
	out, err := ecomap.Read(team, func(ref fhir.Ref) (ecomap.Found, error) { return ecomap.Found{Stored: all[ref], Shown: all[ref]}, nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheChildSeesTheWholeNetwork(t *testing.T) {
	t.Parallel()
	n := read(t, record(t, "expected/01-boris.bundle.json")).For(ecomap.View{Sight: ecomap.Whole})
	if diff := cmp.Diff(string(record(t, "expected/01-boris.ecomap.svg")), string(n.SVG())); diff != "" {
		t.Errorf("the picture: %s", diff)
	}
	if diff := cmp.Diff(string(record(t, "expected/01-boris.ecomap.html")), string(n.HTML())); diff != "" {
		t.Errorf("the table: %s", diff)
	}
}

// crowd is a network of n members of all kinds, circles and strengths, with long names.
func crowd(n int) ecomap.Network {
	pick := func(i int, of ...string) string { return of[i%len(of)] }
	out := ecomap.Network{Child: "Noor van den Berg", Date: "2026-10-01"}
	for i := range n {
		out.Members = append(out.Members, ecomap.Member{
			ID: fmt.Sprintf("m%03d", i), Circle: 1 + i*7%4,
			Name:      pick(i, "Oma Willemijn", "Hendrik-Jan Oosterhuis", "Els", "Buurvrouw van hiernaast", "Thuiszorg Het Mooie Midden") + fmt.Sprint(" ", i),
			Kind:      pick(i*7/n, "familie", "vriend", "buur", "vrijwilliger", "lotgenoot", "professional", "organisatie"),
			Strength:  pick(i, "sterk", "matig", "zwak", "gespannen", "verbroken"),
			Direction: pick(i, "naar-client", "van-client", "wederzijds"),
		})
	}
	for i := 3; i < n; i += 5 {
		out.Ties = append(out.Ties, ecomap.Tie{A: i, B: i - 3, Strength: pick(i, "matig", "gespannen", "verbroken")})
	}
	return out
}

var textTag = regexp.MustCompile(`<text x="(\d+)" y="(\d+)">([^<]*)</text>`)

// TestNoTextRunsIntoAnother: with room for a letter of usual width, in whatever crowd, and none leaves the picture.
func TestNoTextRunsIntoAnother(t *testing.T) {
	t.Parallel()
	type box struct {
		text                     string
		left, top, right, bottom int
	}
	for _, n := range []int{1, 2, 5, 12, 30, 45, 100, ecomap.MaxMembers} {
		var boxes []box
		for _, m := range textTag.FindAllStringSubmatch(string(crowd(n).SVG()), -1) {
			x, _ := strconv.Atoi(m[1])
			y, _ := strconv.Atoi(m[2])
			half := len([]rune(m[3])) * 8 / 2
			boxes = append(boxes, box{m[3], x - half, y - 12, x + half, y + 3})
		}
		for i, a := range boxes {
			if a.left < 0 || a.right > 800 || a.bottom > 800 {
				t.Errorf("of %d, %q leaves the picture", n, a.text)
			}
			for _, b := range boxes[:i] {
				if a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom {
					t.Errorf("of %d, %q and %q run into each other", n, a.text, b.text)
				}
			}
		}
		if n <= 12 && len(boxes) != n+1 {
			t.Errorf("of %d, %d have a text", n, len(boxes)-1)
		}
	}
}

// TestNamesAreTextAndNothingElse: whatever somebody is called, the picture is well-formed and holds no other element.
func TestNamesAreTextAndNothingElse(t *testing.T) {
	t.Parallel()
	n := ecomap.Network{Child: `"><script>alert(1)</script>`, Date: `2026"><a href="x">`, Members: []ecomap.Member{
		{ID: "x", Name: "</text><image href='x'/>&amp;", Kind: "vriend", Circle: 2, Strength: "verbroken", Direction: "wederzijds", Offers: []string{"<b>"}},
		{ID: "y", Kind: "buur", Circle: 1},
	}}
	known := []string{"svg", "title", "desc", "style", "defs", "marker", "path", "circle", "g", "line", "polyline", "text"}
	d := xml.NewDecoder(bytes.NewReader(n.SVG()))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && !slices.Contains(known, e.Name.Local) {
			t.Errorf("the picture holds %s", e.Name.Local)
		}
	}
	if table := string(n.HTML()); strings.Contains(table, "<script") || strings.Contains(table, "<b>") || strings.Contains(table, "<image") {
		t.Errorf("the table holds markup: %s", table)
	}
}

// TestALongNameIsCut: whoever writes a name of a million letters costs the reader no more than others do.
func TestALongNameIsCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("lång ", 200_000)
	doc := strings.Replace(string(record(t, "expected/01-boris.bundle.json")), `"XXX_Tante Sara"`, `"`+long+`"`, 1)
	if len(doc) < len(long) {
		t.Fatal("the record has no such name")
	}
	n := read(t, []byte(doc))
	if svg, table := n.SVG(), n.HTML(); len(svg) > 50_000 || len(table) > 50_000 {
		t.Errorf("%d bytes of picture, %d of table", len(svg), len(table))
	}
}

// TestNothingCanBeReadFromAShift: for whoever looks, everybody stands where they stand for the child; a member
// alone stands alone.
func TestNothingCanBeReadFromAShift(t *testing.T) {
	t.Parallel()
	n := read(t, record(t, "expected/01-boris.bundle.json"))
	places := regexp.MustCompile(`translate\(\d+ \d+\)`)
	whole := places.FindAllString(string(n.SVG()), -1)
	for _, v := range []ecomap.View{{Sight: ecomap.Parent}, {Sight: ecomap.Outside}} {
		seen := n.For(v)
		picture := string(seen.SVG())
		if diff := cmp.Diff(whole, places.FindAllString(picture, -1)); diff != "" {
			t.Errorf("%v: %s", v, diff)
		}
		if len(seen.Ties) > 0 || strings.Contains(picture, "<polyline") || strings.Contains(string(seen.HTML()), "gespannen") {
			t.Errorf("%v sees what is tense", v)
		}
	}
	own := n
	own.ByParent = true
	if diff := cmp.Diff(string(n.SVG()), string(own.For(ecomap.View{Sight: ecomap.Parent}).SVG())); diff != "" {
		t.Errorf("a parent does not see what a parent drew up: %s", diff)
	}
	self := n.For(ecomap.View{Sight: ecomap.Self, Self: n.Members[2].Ref})
	if got := places.FindAllString(string(self.SVG()), -1); !slices.Equal(got, []string{"translate(400 200)"}) {
		t.Errorf("a member alone stands at %v", got)
	}
	if nobody := n.For(ecomap.View{}); len(nobody.Members) > 0 {
		t.Error("who is nobody sees members")
	}
}
