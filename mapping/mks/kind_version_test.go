package mks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// apply submits a document, expects no error, and stores what it becomes.
func apply(t testing.TB, k *mapping.Memory, text []byte) mapping.Result {
	t.Helper()
	s, r, issues := submit(t, k, text)
	if fhir.HasErrors(issues) {
		t.Fatal(rules(issues, fhir.SeverityError))
	}
	k.Apply(s, r, receipt)
	return r
}

// next returns a sample record as its version 2.
func next(t *testing.T, file string) []byte { return edit(t, sample(t, file), "2", "versie") }

// named returns the resource of a type that bears an identifier value.
func named(t *testing.T, k *mapping.Memory, of fhir.Type, system, value string) fhir.Node {
	t.Helper()
	hits, err := k.Identified(of, fhir.Identifier{System: system, Value: value})
	if err != nil || len(hits) != 1 {
		t.Fatalf("%d resources %s have %s: %v", len(hits), of, value, err)
	}
	return hits[0].Resource.Root()
}

const (
	homeCare = fhir.Canonical + "/bron/90000001/ecd"
	hospital = fhir.Canonical + "/bron/90000002/epd"
	bsn      = "http://fhir.nl/fhir/NamingSystem/bsn"
)

func TestAHolderWhoIsNoLongerListedLosesAuthority(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json")
	text := edit(t, next(t, "boris/01-kind.json"), `{"type":"EenhoofdigOuderlijkGezag","houders":["bet-01"],"bron":"BRP","gecontroleerdOp":"2026-11-01"}`, "inhoud", "gezag")
	for _, path := range [][]any{{"inhoud", "kindteam"}, {"inhoud", "opvang"}} {
		text = edit(t, text, "", path...)
	}
	text = edit(t, text, `[`+string(person(t, 0))+`]`, "inhoud", "betrokkenen")
	r := apply(t, k, text)
	father := named(t, k, "RelatedPerson", homeCare+"/betrokkene", "bet-02")
	if father.Member("active").Text() != "false" || len(custodies(father)) != 0 {
		t.Errorf("the father is %s", father.Raw())
	}
	for i, m := range r.Resources {
		for _, n := range r.Resources[:i] {
			if m.Resource.Ref() == n.Resource.Ref() {
				t.Errorf("%s is written twice", m.Resource.Ref())
			}
		}
	}
}

// person returns a betrokkene of the sample as JSON.
func person(t *testing.T, i int) []byte {
	t.Helper()
	n := document(t, sample(t, "boris/01-kind.json")).Root().At("inhoud", "betrokkenen")
	var all []string
	for c := range n.Children() {
		all = append(all, c.Raw())
	}
	return []byte(all[i])
}

func TestACorrectedBSNReplacesTheOldOne(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json")
	apply(t, k, edit(t, next(t, "boris/01-kind.json"), `"999930023"`, "inhoud", "betrokkenen", 0, "bsn"))
	mother := named(t, k, "RelatedPerson", bsn, "999930023")
	if got := texts(mother, "identifier", "value"); slices.Contains(got, "999912185") {
		t.Errorf("both numbers stand: %v", got)
	}
}

func TestAnotherOrganisationDoesNotChangeTheBSNOfASharedPerson(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json", "boris/02-kind-ziekenhuis.json")
	text := edit(t, next(t, "boris/02-kind-ziekenhuis.json"), `"999930023"`, "inhoud", "betrokkenen", 0, "bsn")
	r := apply(t, k, text)
	mother := named(t, k, "RelatedPerson", homeCare+"/betrokkene", "bet-01")
	if got := texts(mother, "identifier", "value"); !slices.Contains(got, "999912185") || slices.Contains(got, "999930023") {
		t.Errorf("identifiers of the mother: %v", got)
	}
	if len(of(r, "Task")) != 1 {
		t.Error("the custodian is not asked")
	}
}

func TestAnotherOrganisationCannotPutAParentAside(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json", "boris/02-kind-ziekenhuis.json")
	text := edit(t, next(t, "boris/02-kind-ziekenhuis.json"), `"999912999"`, "inhoud", "betrokkenen", 0, "bsn")
	text = edit(t, text, `"999912185"`, "inhoud", "betrokkenen", 1, "bsn")
	apply(t, k, text)
	for _, id := range []string{"bet-01", "bet-02"} {
		p := named(t, k, "RelatedPerson", homeCare+"/betrokkene", id)
		if p.Member("active").Text() != "true" || len(custodies(p)) != 1 {
			t.Errorf("%s is %s", id, p.Raw())
		}
	}
}

func TestACorrectedURAMovesTheLocalID(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json")
	text := edit(t, next(t, "boris/01-kind.json"), `"90000008"`, "inhoud", "organisaties", 1, "ura")
	apply(t, k, edit(t, text, `"06999908"`, "inhoud", "organisaties", 1, "agb"))
	o := named(t, k, "Organization", homeCare+"/organisatie", "org-02")
	if got := texts(o, "identifier", "value"); !slices.Contains(got, "90000008") {
		t.Errorf("identifiers: %v", got)
	}
}

func TestAWithdrawnChildRecordDeactivatesTheChildOfItsCustodianOnly(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json", "boris/02-kind-ziekenhuis.json")
	withdraw := func(file string) fhir.Node {
		text := edit(t, edit(t, next(t, file), `"ingetrokken"`, "status"), `"verkeerd kind"`, "intrekReden")
		return read(t, k, apply(t, k, text).Patient)
	}
	if got := withdraw("boris/02-kind-ziekenhuis.json").Member("active").Text(); got != "true" {
		t.Errorf("the hospital made the child active=%s", got)
	}
	if got := withdraw("boris/01-kind.json").Member("active").Text(); got != "false" {
		t.Errorf("after the custodian's withdrawal the child is active=%s", got)
	}
	if got := named(t, k, "CareTeam", homeCare+"/kindteam", "K-1001").Member("status").Text(); got != "inactive" {
		t.Errorf("the team is %s", got)
	}
}

func TestChildrenWithoutBSNAreTheSameByTheirLocalIDOnly(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	home := apply(t, k, edit(t, sample(t, "boris/01-kind.json"), "", "kind", "bsn"))
	again := apply(t, k, edit(t, next(t, "boris/01-kind.json"), "", "kind", "bsn"))
	other := apply(t, k, sample(t, "boris/02-kind-ziekenhuis.json"))
	if home.Patient != again.Patient || home.Patient == other.Patient {
		t.Errorf("children: %s %s %s", home.Patient, again.Patient, other.Patient)
	}
}

func TestAStubHasNoCustodianUntilItsChildRecord(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	r := store(t, k, "boris/12-toestemming.json")
	for _, m := range r.Resources {
		if m.Stub != (m.Resource.Type() == "Patient") {
			t.Errorf("%s: stub is %v", m.Resource.Ref(), m.Stub)
		}
	}
	apply(t, k, sample(t, "boris/02-kind-ziekenhuis.json"))
	f, err := k.Read(r.Patient)
	if err != nil {
		t.Fatal(err)
	}
	own := named(t, k, "Organization", hospital+"/organisatie", "o-zkh").Resource().Ref()
	if f.Custodian != own {
		t.Errorf("custodian is %s, the first child record came of %s", f.Custodian, own)
	}
	if d := cmp.Diff([]string{"999912148", "K-1001", "P-77001"}, texts(f.Resource.Root(), "identifier", "value"), sorted); d != "" {
		t.Errorf("identifiers (-want +got):\n%s", d)
	}
}

func TestARecordOfAnotherSourceOfAKnownChildAddsItsLocalID(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	home := store(t, k, "boris/01-kind.json")
	r := apply(t, k, sample(t, "boris/13-toestemming-verondersteld.json"))
	if r.Patient != home.Patient {
		t.Fatalf("child is %s", r.Patient)
	}
	child := read(t, k, r.Patient)
	if !slices.Contains(texts(child, "identifier", "value"), "P-77001") || !child.Member("name").Exists() {
		t.Errorf("child is %s", child.Raw())
	}
	c := anchorOf(t, r)
	if got := c.Member("status").Text(); got != "proposed" {
		t.Errorf("a consent whose givers are unknown is %s", got)
	}
	if got := c.At("provision", "actor", "reference", "reference").Text(); !strings.HasPrefix(got, "Organization/") {
		t.Errorf("a known URA gives %q", got)
	}
}

func TestTheLatestRecordOfTheCustodiansApplicationsDecides(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json")
	second := edit(t, sample(t, "boris/01-kind.json"), `"crm"`, "bronsysteem", "applicatie")
	second = edit(t, second, `"2025-05-06"`, "inhoud", "geboortedatum")
	older := apply(t, k, edit(t, second, `"2026-11-01T10:00:00+01:00"`, "vastgelegdOp"))
	if got := read(t, k, older.Patient).Member("birthDate").Text(); got != "2025-05-04" {
		t.Errorf("an older record made birthDate %s", got)
	}
	if len(of(older, "Task")) != 0 {
		t.Error("the custodian asks itself")
	}
	newer := apply(t, k, edit(t, edit(t, second, "2", "versie"), `"2026-11-03T10:00:00+01:00"`, "vastgelegdOp"))
	if got := read(t, k, newer.Patient).Member("birthDate").Text(); got != "2025-05-06" {
		t.Errorf("a newer record left birthDate %s", got)
	}
}

func TestAReferenceIntoAFaultyListIsNotAFaultOfItsOwn(t *testing.T) {
	t.Parallel()
	text := edit(t, sample(t, "boris/01-kind.json"), `"bet 01"`, "inhoud", "betrokkenen", 0, "id")
	_, _, issues := submit(t, mapping.NewMemory(), text)
	if d := cmp.Diff([]string{"MKS-ENV-02 /inhoud/betrokkenen/0/id"}, rules(issues, fhir.SeverityError)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestKeptMembersFollowTheirSource(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	with := func(file, value string) []byte { return edit(t, sample(t, file), value, "inhoud", "wijk") }
	apply(t, k, with("boris/01-kind.json", `"een"`))
	apply(t, k, with("boris/02-kind-ziekenhuis.json", `"twee"`))
	if got := kept(read(t, k, apply(t, k, next(t, "boris/02-kind-ziekenhuis.json")).Patient)); !slices.Equal(got, []string{`"een"`}) {
		t.Errorf("the Patient keeps %v of home care", got)
	}
	third := apply(t, k, edit(t, with("boris/01-kind.json", `"drie"`), "2", "versie"))
	if got := kept(read(t, k, third.Patient)); len(got) != 0 {
		t.Errorf("the Patient still keeps %v", got)
	}
	if got := kept(of(third, "Provenance")[0].Resource.Root()); !slices.Equal(got, []string{`"drie"`}) {
		t.Errorf("the Provenance keeps %v", got)
	}
}

// kept returns the values of the source members of a resource.
func kept(n fhir.Node) []string {
	var out []string
	for e := range n.All("extension") {
		if strings.HasSuffix(e.Member("url").Text(), "/source-member") {
			out = append(out, texts(e, "extension", "valueString")[1])
		}
	}
	return out
}
