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

	"github.com/drieluik/drieluik/conformance/artifacts"
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
	if diff := cmp.Diff(string(record(t, "expected/01-boris.ecomap.svg")), string(n.SVG(ecomap.Style{}))); diff != "" {
		t.Errorf("the picture: %s", diff)
	}
	if diff := cmp.Diff(string(record(t, "expected/01-boris.ecomap.html")), string(n.HTML(ecomap.Style{}))); diff != "" {
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
			Direction: pick(i, "naar-client", "van-client", "wederzijds"), Load: i % 6,
		})
	}
	for i := 3; i < n; i += 5 {
		out.Ties = append(out.Ties, ecomap.Tie{A: i, B: i - 3, Strength: pick(i, "matig", "gespannen", "verbroken")})
	}
	return out
}

var textTag = regexp.MustCompile(`<text(?: class="kop")? x="(\d+)" y="(\d+)">([^<]*)</text>`)

// box is the room of a text, of letters of usual width.
type box struct {
	text                     string
	left, top, right, bottom int
}

// boxesOf are the texts of a picture: those of the members, which stand round their place, and those behind it that
// begin there.
func boxesOf(picture string) (members, key []box) {
	at, behind, _ := strings.Cut(picture, `<g class="uitleg">`)
	for i, part := range []string{at, behind} {
		for _, m := range textTag.FindAllStringSubmatch(part, -1) {
			x, _ := strconv.Atoi(m[1])
			y, _ := strconv.Atoi(m[2])
			long := len([]rune(m[3])) * 8
			if i == 0 {
				members = append(members, box{m[3], x - long/2, y - 12, x + long/2, y + 3})
			} else {
				key = append(key, box{m[3], x, y - 12, x + long, y + 3})
			}
		}
	}
	for _, m := range loadTag.FindAllStringSubmatch(at, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		members = append(members, box{"a load", x, y, x + 38, y + 7})
	}
	return members, key
}

var loadTag = regexp.MustCompile(`<g class="last"><title>[^<]*</title><path[^>]* d="M(\d+) (\d+)h8`)

// TestNoTextRunsIntoAnother: with room for a letter of usual width, in whatever crowd and language, and none leaves
// the picture.
func TestNoTextRunsIntoAnother(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 5, 12, 30, 45, 100, ecomap.MaxMembers} {
		for _, style := range []ecomap.Style{{}, {Language: "nl", Detail: true}, {Language: "sv", Detail: true}, {Language: "en", Detail: true}} {
			members, key := boxesOf(string(crowd(n).SVG(style)))
			boxes := append(slices.Clone(members), key...)
			for i, a := range boxes {
				if a.left < 0 || a.right > 800 || a.bottom > 1170 {
					t.Errorf("of %d, %v, %q leaves the picture", n, style, a.text)
				}
				for _, b := range boxes[:i] {
					if a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom && !(a.text == "a load" && (b.text == a.text || n > 30)) {
						t.Errorf("of %d, %v, %q and %q run into each other", n, style, a.text, b.text)
					}
				}
			}
			if n <= 12 && !style.Detail && len(members) != n+1 {
				t.Errorf("of %d, %d have a text", n, len(members)-1)
			}
		}
	}
}

// TestADetailedPictureSaysWhatItsSignsMean, in each language and all of it, and what each helper carries in other
// signs than colours; who may not know a load is shown none.
func TestADetailedPictureSaysWhatItsSignsMean(t *testing.T) {
	t.Parallel()
	n := read(t, record(t, "expected/01-boris.bundle.json"))
	n.Members[0].Load, n.Members[2].Load = 3, 1
	for language, words := range map[string][]string{
		"nl": {"Netwerk van XXX_Boris Testkind, 2026-10-01", "lotgenoot", "gespannen", "van het kind", "4  uitwisseling", "2 van 4, merkbaar", "0 van 4, geen", "Band tussen leden"},
		"sv": {"Nätverk kring XXX_Boris Testkind, 2026-10-01", "i samma situation", "spänd", "från barnet", "4  utbyte", "2 av 4, märkbar", "0 av 4, ingen", "Band mellan medlemmar"},
		"en": {"Network of XXX_Boris Testkind, 2026-10-01", "peer", "tense", "from the child", "4  exchange", "2 of 4, noticeable", "0 of 4, none", "Tie between members"},
	} {
		style := ecomap.Style{Language: language, Detail: true}
		picture, table := string(n.SVG(style)), string(n.HTML(style))
		for i, word := range words {
			if !strings.Contains(picture, word) || i != 1 && i != 3 && i != 4 && !strings.Contains(table, word) {
				t.Errorf("%s: %q is missing", language, word)
			}
		}
		for _, text := range []string{picture, table} {
			if !strings.Contains(text, `lang="`+language+`"`) {
				t.Errorf("the language of %.80s is not %s", text, language)
			}
		}
		if got := strings.Count(picture[:strings.Index(picture, `"uitleg"`)], `class="vol"`); got != 2 {
			t.Errorf("%d boxes are full", got)
		}
		if outside := n.For(ecomap.View{Sight: ecomap.Outside}); strings.Contains(string(outside.HTML(style)), words[5]) {
			t.Errorf("%s: an organisation sees a load", language)
		}
	}
}

// TestCodesAreCalledAsInThePublishedLists, in the languages into which those are translated.
func TestCodesAreCalledAsInThePublishedLists(t *testing.T) {
	t.Parallel()
	own, err := artifacts.All()
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string]int{"netwerk-soort": 0, "netwerk-sterkte": 2, "netwerk-richting": 3, "netwerk-aanbod": 4}
	cell := regexp.MustCompile(`<td>([^<]*)</td>`)
	checked := 0
	for _, r := range own {
		column, ours := columns[r.ID()]
		if !ours || r.Type() != "CodeSystem" {
			continue
		}
		for c := range r.Root().All("concept") {
			code := c.Member("code").Text()
			m := ecomap.Member{ID: "x", Kind: "buur", Circle: 1, Strength: "sterk", Direction: "wederzijds", Offers: []string{code}}
			switch column {
			case 0:
				m.Kind = code
			case 2:
				m.Strength = code
			case 3:
				m.Direction = code
			}
			for d := range c.All("designation") {
				table := ecomap.Network{Members: []ecomap.Member{m}}.HTML(ecomap.Style{Language: d.Member("language").Text()})
				got := cell.FindAllStringSubmatch(string(table), -1)[column][1]
				if checked++; got == "" || !strings.Contains(strings.ToLower(d.Member("value").Text()), got) {
					t.Errorf("%s is called %q, and published as %q", code, got, d.Member("value").Text())
				}
			}
		}
	}
	if checked != 2*(7+5+3+11) {
		t.Errorf("%d words were looked at", checked)
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
	d := xml.NewDecoder(bytes.NewReader(n.SVG(ecomap.Style{})))
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
	if table := string(n.HTML(ecomap.Style{})); strings.Contains(table, "<script") || strings.Contains(table, "<b>") || strings.Contains(table, "<image") {
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
	if svg, table := n.SVG(ecomap.Style{}), n.HTML(ecomap.Style{}); len(svg) > 50_000 || len(table) > 50_000 {
		t.Errorf("%d bytes of picture, %d of table", len(svg), len(table))
	}
}

// TestNothingCanBeReadFromAShift: for whoever looks, everybody stands where they stand for the child; a member
// alone stands alone.
func TestNothingCanBeReadFromAShift(t *testing.T) {
	t.Parallel()
	n := read(t, record(t, "expected/01-boris.bundle.json"))
	places := regexp.MustCompile(`translate\(\d+ \d+\)`)
	whole := places.FindAllString(string(n.SVG(ecomap.Style{})), -1)
	for _, v := range []ecomap.View{{Sight: ecomap.Parent}, {Sight: ecomap.Outside}} {
		seen := n.For(v)
		picture := string(seen.SVG(ecomap.Style{}))
		if diff := cmp.Diff(whole, places.FindAllString(picture, -1)); diff != "" {
			t.Errorf("%v: %s", v, diff)
		}
		if len(seen.Ties) > 0 || strings.Contains(picture, "<polyline") || strings.Contains(string(seen.HTML(ecomap.Style{})), "gespannen") {
			t.Errorf("%v sees what is tense", v)
		}
	}
	own := n
	own.ByParent = true
	if diff := cmp.Diff(string(n.SVG(ecomap.Style{})), string(own.For(ecomap.View{Sight: ecomap.Parent}).SVG(ecomap.Style{}))); diff != "" {
		t.Errorf("a parent does not see what a parent drew up: %s", diff)
	}
	self := n.For(ecomap.View{Sight: ecomap.Self, Self: n.Members[2].Ref})
	if got := places.FindAllString(string(self.SVG(ecomap.Style{})), -1); !slices.Equal(got, []string{"translate(400 200)"}) {
		t.Errorf("a member alone stands at %v", got)
	}
	if nobody := n.For(ecomap.View{}); len(nobody.Members) > 0 {
		t.Error("who is nobody sees members")
	}
}
