package mks_test

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// trees leaves out the plans: they are records of their own.
func trees(rs []*fhir.Resource) []*fhir.Resource {
	return slices.DeleteFunc(rs, func(r *fhir.Resource) bool { return r.Type() == "CarePlan" })
}

// treeComesBack stores a document and expects it to come back.
func treeComesBack(t *testing.T, name string, k *mapping.Memory, text []byte) {
	t.Helper()
	s, r, issues := submit(t, k, text)
	if fhir.HasErrors(issues) {
		t.Fatalf("%s: %v", name, rules(issues, fhir.SeverityError))
	}
	k.Apply(s, r, receipt)
	t.Run(name, func(t *testing.T) { sameDocument(t, s.Doc.Root(), backOf(t, trees(k.All()), s.Doc.Root())) })
}

func TestTreesComeBackAsTheyWereSent(t *testing.T) {
	t.Parallel()
	for name, text := range map[string][]byte{
		"as it is": sample(t, referral), "a draft": tree(t, referral, edition(2, "concept")),
		"withdrawn": tree(t, referral, edition(3, "ingetrokken")), "no outcome": tree(t, referral, yes(1), outcomes()),
		"acts without the need":  tree(t, referral, yes(1, "verzorgingGeneeskundig"), outcomes("zvw/verzorging")),
		"the same outcome twice": tree(t, referral, yes(1, "handelingen"), outcomes("zvw/verpleging", "zvw/verpleging")),
		"two of one part": tree(t, referral, put("afwijkingReden", "x"), outcomes("zvw/verpleging", "wmo/verpleging", "zvw/verzorging"),
			outcomeAt(1, "regels", list("V9", "V9")), outcomeAt(0, "uitvoerder", "ura:90000002")),
		"rules that are no codes": tree(t, referral, outcomeAt(0, "regels", list("V4", "zie  bijlage")), outcomeAt(1, "regels", list())),
	} {
		treeComesBack(t, name+" alone", mapping.NewMemory(), text)
		treeComesBack(t, name+" after its child", planBoris(t).stored, text)
	}
	for name, text := range map[string][]byte{
		"as it is": sample(t, closing), "a draft": tree(t, closing, edition(1, "concept")),
		"withdrawn":                 tree(t, closing, edition(2, "ingetrokken")),
		"continued without a need":  tree(t, closing, answer("bb.verpleging", false), put("uitkomsten", list("disciplines"))),
		"more than the table gives": tree(t, closing, put("afwijkingReden", " x ", "uitkomsten", list("wlz", "wlz", "jeugdwet"), "informeren", list("jgz", "jgz"))),
	} {
		treeComesBack(t, "closing "+name, closingCase(t), text)
	}
}

// A new version comes back, not what it ended; and the child record that came later resolves names only.
func TestTreesComeBackAfterWhatFollowedThem(t *testing.T) {
	t.Parallel()
	c := planOf(t)
	c.store(sample(t, referral))
	second := tree(t, referral, edition(3, "definitief"), answer("vb.vkdv", false), outcomes("zvw/verzorging", "zvw/verpleging", "wmo/hulpmiddel"))
	s, _, _ := c.try(second)
	c.store(second)
	c.store(sample(t, "boris/01-kind.json"))
	sameDocument(t, s.Doc.Root(), backOf(t, c.stored.All(), s.Doc.Root()))
	k := closingCase(t)
	closeWith(t, k, sample(t, closing))
	plan := document(t, sample(t, "daan/02-verwijsboom.json")).Root()
	sameDocument(t, plan, backOf(t, trees(k.All()), plan))
}

func TestWhateverTreeIsAcceptedComesBack(t *testing.T) {
	t.Parallel()
	known := closingCase(t)
	store(t, known, "boris/01-kind.json")
	rapid.Check(t, func(rt *rapid.T) {
		var doc any
		file := rapid.SampledFrom([]string{referral, "sanne/02-verwijsboom.json", closing}).Draw(rt, "file")
		if err := json.Unmarshal(sample(t, file), &doc); err != nil {
			rt.Fatal(err)
		}
		all := places(doc.(map[string]any)["inhoud"])
		var value any
		if err := json.Unmarshal([]byte(rapid.SampledFrom(odd).Draw(rt, "value")), &value); err != nil {
			rt.Fatal(err)
		}
		all[rapid.IntRange(0, len(all)-1).Draw(rt, "place")](value)
		text, err := json.Marshal(doc)
		if err != nil {
			rt.Fatal(err)
		}
		s, issues := mks.Format{}.Read(document(t, text), receipt)
		r, err := mks.Format{}.Map(s, known, receipt)
		if err != nil || fhir.HasErrors(issues) || fhir.HasErrors(r.Issues) {
			return
		}
		rs := trees(known.All())
		for _, m := range r.Resources {
			if m.Resource.Type() != "CarePlan" {
				rs = append(rs, m.Resource)
			}
		}
		got, found, err := mks.Format{}.Back(rs, origin)
		if err != nil || fhir.HasErrors(found) {
			rt.Fatalf("%s: %v %v", text, err, found)
		}
		for _, n := range documents(t, got) {
			if n.Member("recordId").Text() == s.Doc.Root().Member("recordId").Text() && !fhir.Equal(s.Doc.Root(), n) {
				rt.Errorf("sent %s\nback %s", text, n.Raw())
			}
		}
	})
}
