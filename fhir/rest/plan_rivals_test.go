package rest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestPlansStoodInForByDifferentPlansAreAConflict: of two documents of one person that say which other plan stands in
// for them, the later one that names another is refused with 409 (SP-R06d), in whatever order they are read; the same
// plan may stand in for both, and what is refused leaves nothing.
func TestPlansStoodInForByDifferentPlansAreAConflict(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.care("hab", "SE4000000010-HAB1")
	standIn := func(document, by string, version int) string {
		return coordinated(t, "valid/02-ylva.json", map[string]any{"dokumentId": document, "version": version, "status": "utkast", "kallelse": []any{},
			"befintligaPlaner": []any{map[string]any{"typ": "CM", "id": by, "aktor": "A1", "anvandsSom": "ersatter", "samordnareNamngiven": true}}})
	}
	g.submit("hab", standIn("SIP-1", "CM-1", 1)).want(t, 201)
	g.submit("hab", standIn("SIP-2", "CM-1", 1)).want(t, 201)
	before := len(g.search("hab", "/fhir/CarePlan?_count=100").ids())
	a := g.submit("hab", standIn("SIP-3", "CM-2", 1)).want(t, 409).valid(t)
	a.wantIssue(t, "SP-R06d", "/befintligaPlaner/0/anvandsSom")
	if !strings.Contains(a.body, "En annan pågående plan ersätter redan") {
		t.Errorf("not in the language of the sender: %s", a.body)
	}
	if after := len(g.search("hab", "/fhir/CarePlan?_count=100").ids()); after != before {
		t.Errorf("%d plans, then %d", before, after)
	}
	g.submit("hab", standIn("SIP-1", "CM-2", 2)).want(t, 409).wantIssue(t, "SP-R06d", "")
	g.submit("hab", standIn("SIP-1", "CM-1", 1)).want(t, 200)
	g.care("bup", "SE4000000010-BUP1") // takes part in the first two
	g.care("stranger", "SE4000000010-XXX1")
	for who, unit := range map[string]string{"bup": "SE4000000010-BUP1", "stranger": "SE4000000010-XXX1"} {
		doc := decode[map[string]any](t, standIn("SIP-9", "CM-9", 1))
		doc["kallsystemHsaId"], doc["ansvar"] = "SE4000000010-"+who, map[string]any{"vardgivareHsaId": "SE4000000010-VG9", "vardenhetHsaId": unit}
		other, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if a := g.submit(who, string(other)); a.status != map[string]int{"bup": 409, "stranger": 201}[who] || who == "stranger" && strings.Contains(a.body, "R06d") {
			t.Errorf("%s: %d %s", who, a.status, a.body)
		}
	}
}

// TestOfTwoRivalsAtTheSameTimeOneIsRefused: neither sees the other when it begins.
func TestOfTwoRivalsAtTheSameTimeOneIsRefused(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.care("hab", "SE4000000010-HAB1")
	var all sync.WaitGroup
	status := make([]int, 2)
	for i, by := range []string{"CM-1", "CM-2"} {
		doc := coordinated(t, "valid/02-ylva.json", map[string]any{"dokumentId": "SIP-" + by, "status": "utkast", "kallelse": []any{},
			"befintligaPlaner": []any{map[string]any{"typ": "CM", "id": by, "aktor": "A1", "anvandsSom": "ersatter", "samordnareNamngiven": true}}})
		all.Go(func() { status[i] = g.submit("hab", doc).status })
	}
	all.Wait()
	slices.Sort(status)
	if status[0] != 201 || status[1] != 409 {
		t.Errorf("the answers are %v", status)
	}
}
