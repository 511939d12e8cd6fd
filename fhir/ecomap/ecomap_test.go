package ecomap_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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
