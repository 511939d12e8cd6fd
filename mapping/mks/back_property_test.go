package mks_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"

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

// rounds is how many documents a run makes: enough over many runs, cheap in one.
const rounds = 30

func TestWhateverIsAcceptedComesBack(t *testing.T) {
	t.Parallel()
	all := seeds(t)
	for range rounds {
		seed := rand.Uint64()
		choose := rand.New(rand.NewPCG(seed, 0))
		var doc map[string]any
		d := json.NewDecoder(bytes.NewReader(all[choose.IntN(len(all))]))
		d.UseNumber()
		if err := d.Decode(&doc); err != nil {
			t.Fatal(err)
		}
		Change(doc, 1+choose.IntN(10), choose.IntN)
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		k := mapping.NewMemory()
		if doc["recordType"] != "kind" && choose.IntN(2) == 0 {
			store(t, k, "boris/01-kind.json")
		}
		returned(t, seed, k, text)
	}
}

// returned holds that a document which is accepted comes back as it was sent.
func returned(t *testing.T, seed uint64, k *mapping.Memory, text []byte) {
	t.Helper()
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return
	}
	s, found := mks.Format{}.Read(doc, receipt)
	r, err := mks.Format{}.Map(s, k, receipt)
	if err != nil {
		t.Fatal(seed, err)
	}
	if fhir.HasErrors(found) || fhir.HasErrors(r.Issues) {
		return
	}
	k.Apply(s, r, receipt)
	out, issues, err := mks.Format{}.Back(k.All(), origin)
	if err != nil || fhir.HasErrors(issues) {
		t.Fatalf("seed %d: %v %v\n%s", seed, err, issues, text)
	}
	for _, n := range documents(t, out) {
		if fhir.Equal(doc.Root(), n) {
			return
		}
	}
	t.Fatalf("seed %d: sent\n%s\nback\n%s", seed, text, out)
}
