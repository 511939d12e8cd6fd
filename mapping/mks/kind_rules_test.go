package mks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

func TestKindRules(t *testing.T) {
	t.Parallel()
	const e, w, i = fhir.SeverityError, fhir.SeverityWarning, fhir.SeverityInformation
	in := func(path ...any) []any { return append([]any{"inhoud"}, path...) }
	custody := func(kind, holders string) string {
		return `{"type":"` + kind + `","houders":` + holders + `,"bron":"BRP","gecontroleerdOp":"2026-10-30"}`
	}
	for _, c := range []struct {
		name, severity string
		path           []any
		value          string
		want           []string
	}{
		{"the sample is fine", e, in("meerling"), "true", []string{}},
		{"a child is born before it is recorded", e, in("geboortedatum"), `"2026-11-03"`, []string{"MKS-KIND-01 /inhoud/geboortedatum"}},
		{"eighteen is a warning", w, in("geboortedatum"), `"2008-11-02"`, []string{"MKS-KIND-02 /inhoud/geboortedatum"}},
		{"seventeen is none", w, in("geboortedatum"), `"2008-11-03"`, []string{}},
		{"twenty-three is an error", e, in("geboortedatum"), `"2003-11-02"`, []string{"MKS-KIND-02 /inhoud/geboortedatum"}},
		{"two-parent authority has two holders", e, in("gezag", "houders"), `["bet-01"]`, []string{"MKS-KIND-03 /inhoud/gezag/houders"}},
		{"no authority has no holders", e, in("gezag"), custody("TijdelijkGeenGezag", `["bet-01"]`), []string{"MKS-KIND-03 /inhoud/gezag/houders"}},
		{"one-parent authority is a parent's", e, in("gezag"), custody("EenhoofdigOuderlijkGezag", `["bet-04"]`), []string{"MKS-KIND-04 /inhoud/gezag/houders"}},
		{"joint authority has one parent", e, in("gezag"), custody("GezamenlijkGezag", `["bet-01","bet-02"]`), []string{"MKS-KIND-04 /inhoud/gezag/houders"}},
		{"a guardian is not a parent", e, in("gezag"), custody("Voogdij", `["bet-01"]`), []string{"MKS-KIND-04 /inhoud/gezag/houders"}},
		{"an institution may be guardian", e, in("gezag"), custody("Voogdij", `["org-03"]`), []string{}},
		{"a nurse holds no authority", e, in("gezag"), custody("Voogdij", `["med-01"]`), []string{"MKS-REF-03 /inhoud/gezag/houders/0"}},
		{"three holders are too many", e, in("gezag", "houders"), `["bet-01","bet-02","bet-04"]`, []string{"MKS-ENV-02 /inhoud/gezag/houders"}},
		{"a team has a care coordinator", e, in("kindteam", "leden", 0, "tot"), `"2026-11-01"`, []string{"MKS-KIND-05 /inhoud/kindteam/leden"}},
		{"the last day counts", e, in("kindteam", "leden", 0, "tot"), `"2026-11-02"`, []string{}},
		{"a team has one family coordinator", e, in("kindteam", "leden", 3, "rol"), `"gezinscoordinator"`, []string{"MKS-KIND-06 /inhoud/kindteam/leden"}},
		{"nurses need a family coordinator", w, in("kindteam", "leden", 1, "vanaf"), `"2026-11-03"`, []string{"MKS-KIND-07 /inhoud/kindteam/leden"}},
		{"a team has one treating doctor", e, in("kindteam", "leden", 6, "rol"), `"hoofdbehandelaar"`, []string{"MKS-KIND-08 /inhoud/kindteam/leden"}},
		{"authority checked half a year ago is old", w, in("gezag", "gecontroleerdOp"), `"2026-05-05"`, []string{"MKS-KIND-09 /inhoud/gezag/gecontroleerdOp"}},
		{"authority checked 180 days ago is not", w, in("gezag", "gecontroleerdOp"), `"2026-05-06"`, []string{}},
		{"without authority no parent has rights", w, in("gezag"), "", []string{"MKS-KIND-10 /inhoud/gezag"}},
		{"a seal wins over authority", i, in("betrokkenen", 1, "afgeschermd"), `{"vanaf":"2026-01-01","reden":"contactverbod"}`, []string{"MKS-KIND-11 /inhoud/gezag/houders/1"}},
		{"nobody has the child's BSN", e, in("betrokkenen", 0, "bsn"), `"999912148"`, []string{"MKS-KIND-13 /inhoud/betrokkenen"}},
		{"a volunteer comes from an organisation", w, in("betrokkenen", 2, "organisatie"), "", []string{"MKS-KIND-14 /inhoud/betrokkenen/2"}},
		{"a Dutch postcode has four digits and two letters", e, in("adres", 0, "postcode"), `"0999 XX"`, []string{"MKS-KIND-15 /inhoud/adres/0/postcode"}},
		{"a foreign postcode is free", e, in("adres", 0), `{"soort":"post","straat":"S","huisnummer":1,"postcode":"1","plaats":"P","land":"BE"}`, []string{}},
		{"an insurance names its payer", e, in("verzekering", 0), `{"wet":"zvw","vanaf":"2025-05-04"}`, []string{"MKS-KIND-16 /inhoud/verzekering/0"}},
		{"nobody is insured under po", e, in("verzekering", 0, "wet"), `"po"`, []string{"MKS-ENV-03 /inhoud/verzekering/0/wet"}},
		{"a reference leads somewhere", e, in("adres", 0, "bij"), `"bet-99"`, []string{"MKS-REF-02 /inhoud/adres/0/bij"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, issues := submit(t, mapping.NewMemory(), edit(t, sample(t, "boris/01-kind.json"), c.value, c.path...))
			if d := cmp.Diff(c.want, rules(issues, c.severity)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestFormRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		path  []any
		value string
		want  []string
	}{
		{"a required member is there", []any{"status"}, "", []string{"MKS-ENV-01 /status"}},
		{"null is absent", []any{"bronsysteem", "naam"}, "null", []string{"MKS-ENV-01 /bronsysteem/naam"}},
		{"an empty list is absent", []any{"inhoud", "naam", "voornamen"}, "[]", []string{"MKS-ENV-01 /inhoud/naam/voornamen"}},
		{"a text is a text", []any{"inhoud", "naam", "achternaam"}, "7", []string{"MKS-ENV-02 /inhoud/naam/achternaam"}},
		{"a list is a list", []any{"inhoud", "taal"}, `"nl"`, []string{"MKS-ENV-02 /inhoud/taal"}},
		{"white space is no text", []any{"inhoud", "naam", "achternaam"}, `"  "`, []string{"MKS-ENV-02 /inhoud/naam/achternaam"}},
		{"a date exists", []any{"inhoud", "geboortedatum"}, `"2025-02-30"`, []string{"MKS-ENV-02 /inhoud/geboortedatum"}},
		{"a version begins at one", []any{"versie"}, "0", []string{"MKS-ENV-02 /versie"}},
		{"a version is whole", []any{"versie"}, "1.5", []string{"MKS-ENV-02 /versie"}},
		{"a code is in its list", []any{"inhoud", "geslacht"}, `"X"`, []string{"MKS-ENV-03 /inhoud/geslacht"}},
		{"a record type is known", []any{"recordType"}, `"dossier"`, []string{"MKS-ENV-03 /recordType"}},
		{"a BSN of the network passes the eleven test", []any{"inhoud", "betrokkenen", 0, "bsn"}, `"999912186"`, []string{"MKS-ENV-05 /inhoud/betrokkenen/0/bsn"}},
		{"a URA has eight digits", []any{"bronsysteem", "ura"}, `"9000001"`, []string{"MKS-ENV-06 /bronsysteem/ura"}},
		{"a BIG number has eleven digits", []any{"inhoud", "medewerkers", 0, "big"}, `"3999999999"`, []string{"MKS-ENV-06 /inhoud/medewerkers/0/big"}},
		{"nothing is recorded in the future", []any{"vastgelegdOp"}, `"2026-12-01T10:05:01+01:00"`, []string{"MKS-ENV-07 /vastgelegdOp"}},
		{"a local id is no BSN of anybody", []any{"kind", "lokaalId"}, `"999912185"`, []string{"MKS-ENV-08 /kind/lokaalId"}},
		{"a withdrawal has a reason", []any{"status"}, `"ingetrokken"`, []string{"MKS-ENV-09 /intrekReden"}},
		{"ids are unique", []any{"inhoud", "organisaties", 6, "id"}, `"org-06"`, []string{"MKS-ENV-14 /inhoud/organisaties", "MKS-REF-02 /inhoud/medewerkers/6/organisatie"}},
		{"an end does not lie before its start", []any{"inhoud", "opvang", 0, "tot"}, `"2025-08-31"`, []string{"MKS-ENV-15 /inhoud/opvang/0/tot"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, r, issues := submit(t, mapping.NewMemory(), edit(t, sample(t, "boris/01-kind.json"), c.value, c.path...))
			if d := cmp.Diff(c.want, rules(issues, fhir.SeverityError)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if len(r.Resources) != 0 {
				t.Error("a faulty record became resources")
			}
		})
	}
}

func TestUnknownAndEmptyMembersAreKept(t *testing.T) {
	t.Parallel()
	text := edit(t, sample(t, "boris/01-kind.json"), `{"b":[1, 2]}`, "inhoud", "adres", 0, "wijk")
	text = edit(t, text, "null", "inhoud", "overleden")
	text = edit(t, text, "[]", "inhoud", "telefoon")
	_, r, issues := submit(t, mapping.NewMemory(), text)
	want := []string{"MKS-ENV-04 /inhoud/adres/0/wijk", "MKS-ENV-16 /inhoud/overleden", "MKS-ENV-16 /inhoud/telefoon"}
	got := rules(issues, fhir.SeverityInformation)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("information (-want +got):\n%s", d)
	}
	kept := map[string]string{}
	for e := range anchorOf(t, r).All("extension") {
		if strings.HasSuffix(e.Member("url").Text(), "/source-member") {
			parts := texts(e, "extension", "valueString")
			kept[parts[0]] = parts[1]
		}
	}
	members := map[string]string{"/inhoud/adres/0/wijk": `{"b":[1,2]}`, "/inhoud/overleden": "null", "/inhoud/telefoon": "[]"}
	if d := cmp.Diff(members, kept); d != "" {
		t.Errorf("source members (-want +got):\n%s", d)
	}
}
