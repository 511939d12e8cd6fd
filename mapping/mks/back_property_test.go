package mks_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// seeds are documents with as many members as their rules allow at once.
func seeds(t *testing.T) [][]byte {
	out := [][]byte{full(t)}
	for _, f := range []string{
		"boris/01-kind.json", "boris/07-zorgplan-v3.json", "boris/08-zorgplan-v4-concept.json", "sanne/01-kind.json", "sanne/04-zorgplan.json",
		"boris/12-toestemming.json", "boris/13-toestemming-verondersteld.json", "sanne/07-toestemming-kind-en-moeder.json", "daan/01-kind.json",
		"daan/07-overdracht-naar-volwassenenzorg.json", "boris/03-verwijsboom.json", "daan/02-verwijsboom.json",
		"boris/05-hulpbehoeftescan-herhaling.json", "boris/09-evaluatie-ouders.json", "boris/10-evaluatie-client-bespreking.json", "daan/08-beslisboom.json",
	} {
		out = append(out, sample(t, f))
	}
	return out
}

func TestWhateverIsAcceptedComesBack(t *testing.T) {
	t.Parallel()
	all := seeds(t)
	rapid.Check(t, func(rt *rapid.T) {
		var doc map[string]any
		d := json.NewDecoder(bytes.NewReader(all[rapid.IntRange(0, len(all)-1).Draw(rt, "seed")]))
		d.UseNumber()
		if err := d.Decode(&doc); err != nil {
			rt.Fatal(err)
		}
		choices := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "choices"), 0))
		draw := choices.IntN
		mks.Change(doc, 1+draw(10), draw)
		text, err := json.Marshal(doc)
		if err != nil {
			rt.Fatal(err)
		}
		k := mapping.NewMemory()
		if doc["recordType"] != "kind" && draw(2) == 0 {
			store(t, k, "boris/01-kind.json")
		}
		returned(rt, k, text)
	})
}

// returned holds that a document which is accepted comes back as it was sent.
func returned(rt *rapid.T, k *mapping.Memory, text []byte) {
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return
	}
	s, found := mks.Format{}.Read(doc, receipt)
	r, err := mks.Format{}.Map(s, k, receipt)
	if err != nil {
		rt.Fatal(err)
	}
	if fhir.HasErrors(found) || fhir.HasErrors(r.Issues) {
		return
	}
	k.Apply(s, r, receipt)
	out, issues, err := mks.Format{}.Back(k.All(), origin)
	if err != nil || fhir.HasErrors(issues) {
		rt.Fatalf("%v %v\n%s", err, issues, text)
	}
	for _, n := range documents(rt, out) {
		if fhir.Equal(doc.Root(), n) {
			return
		}
	}
	rt.Fatalf("sent\n%s\nback\n%s", text, out)
}
