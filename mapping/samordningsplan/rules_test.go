package samordningsplan_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// firing are the rules of all issues but of information, with their places.
func firing(issues []fhir.Issue) []string {
	out := []string{}
	for _, i := range issues {
		if i.Severity != fhir.SeverityInformation {
			out = append(out, i.Diagnostics+" "+i.Expression)
		}
	}
	slices.Sort(out)
	return out
}

func existing(use, kind string, named any) map[string]any {
	p := map[string]any{"typ": kind, "id": "P-" + kind, "aktor": "A1", "anvandsSom": use}
	if named != nil {
		p["samordnareNamngiven"] = named
	}
	return p
}

// TestRulesOfContentAtTheirEdges: what the samples do not show of the rules, each at the place that is wrong.
func TestRulesOfContentAtTheirEdges(t *testing.T) {
	t.Parallel()
	draft := []change{set("utkast", "status")}
	dates := func(start, review, end any) change {
		return set(map[string]any{"start": start, "utvardering": review, "slut": end}, "giltighet")
	}
	for name, c := range map[string]struct {
		changes []change
		want    []string
	}{
		"two plans that stand in":                      {append(draft, set([]any{existing("ersatter", "CM", true), existing("ersatter", "LSS-IP", true)}, "befintligaPlaner")), []string{"SP-R06c /befintligaPlaner/1/anvandsSom"}},
		"a plan of another type that stands in":        {append(draft, set([]any{existing("ersatter", "VP", nil)}, "befintligaPlaner")), []string{"SP-R06 /befintligaPlaner/0/typ"}},
		"one without a named coordinator":              {append(draft, set([]any{existing("ersatter", "CM", nil)}, "befintligaPlaner")), []string{"SP-R06 /befintligaPlaner/0/samordnareNamngiven"}},
		"one that was found not to stand in":           {[]change{set([]any{existing("ersatter-ej", "CM", nil), existing("underlag", "VP", nil)}, "befintligaPlaner")}, nil},
		"no aktör of the principal":                    {[]change{set("kommun", "huvudansvarigHuvudman"), set("privat", "aktorer", 2, "huvudman"), set("privat", "aktorer", 3, "huvudman")}, []string{"SP-R10b /huvudansvarigHuvudman"}},
		"an evaluation on the first day":               {[]change{dates("2026-09-08", "2026-09-08", "2027-03-08")}, []string{"SP-R03b /giltighet/utvardering"}},
		"an evaluation on the last day":                {[]change{dates("2026-09-08", "2027-03-08", "2027-03-08")}, nil},
		"an end before the start":                      {append(draft, dates("2026-09-08", nil, "2026-09-08")), []string{"SP-R03b /giltighet/slut"}},
		"a consent withdrawn today":                    {[]change{set("2026-09-09", "samtycke", 1, "aterkallat")}, []string{"SP-R02b /samtycke/1/aterkallat"}},
		"a consent on its last day":                    {[]change{set("2026-09-09", "samtycke", 1, "giltigTill")}, nil},
		"the day after":                                {[]change{set("2026-09-08", "samtycke", 1, "giltigTill")}, []string{"SP-R02b /samtycke/1/giltigTill"}},
		"a meeting with the person before the meeting": {[]change{set("2026-09-08", "foretradare", 0, "formote", "datum")}, nil},
		"a meeting with the person after it":           {[]change{set("2026-09-09", "foretradare", 0, "formote", "datum")}, []string{"SP-R07 /foretradare/0/formote/datum"}},
		"nobody represents the person":                 {[]change{set(false, "foretradare", 0, "deltar")}, []string{"SP-R07 /person/deltar"}},
		"a coordinator other than the initiator":       {[]change{set("A2", "samordnare", "aktor")}, nil},
		"a plan that is made void, with nothing right": {[]change{set("makulerad", "status"), set(nil, "samordnare"), set(nil, "huvudansvarigHuvudman"), set([]any{}, "samtycke"), set(nil, "giltighet")}, nil},
		"one that is broken off, without who answers":  {[]change{set("avbruten", "status"), set(nil, "samordnare"), set(nil, "insatser", 0, "ansvarigAktor")}, []string{"SP-R04 /insatser/0/ansvarigAktor"}},
		"an end of a plan that runs":                   {[]change{set(map[string]any{"datum": "2026-09-09", "orsak": "annat"}, "avslut")}, []string{"SP-S09 /avslut"}},
	} {
		_, issues := submit(t, mapping.NewMemory(), edited(t, ylva, c.changes...))
		if d := cmp.Diff(append([]string{}, c.want...), firing(issues)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestAgesGoByTheNumberWhereNoBirthDateIsGiven: of a number that tells none they are not asked, and the child's
// resource invents none.
func TestAgesGoByTheNumberWhereNoBirthDateIsGiven(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, number string
		want         []string
	}{
		{"personnummer", "202203142381", []string{"BP-R03 /ansvarig/1/roll"}},
		{"samordningsnummer", "202203742388", []string{"BP-R03 /ansvarig/1/roll"}},
		{"nationelltReservnummer", "2022031X2381", nil},
		{"LMA", "1234567890", nil},
	} {
		var doc any = value(t, sample(t, olle))
		at := len(below(doc, "ansvarig").([]any)) - 1
		k := mapping.NewMemory()
		_, issues := submit(t, k, edited(t, olle, set(c.kind, "person", "idTyp"), set(c.number, "person", "id"), set(nil, "person", "fodelsedatum"), set("kaa-handlaggare", "ansvarig", at, "roll")))
		got := slices.DeleteFunc(firing(issues), func(s string) bool { return s[:6] != "BP-R03" })
		if (len(got) > 0) != (len(c.want) > 0) {
			t.Errorf("%s: %v", c.kind, firing(issues))
		}
		for _, r := range k.All() {
			if r.Type() == "Patient" && r.Root().Member("birthDate").Exists() {
				t.Errorf("%s: born %s", c.kind, r.Root().Member("birthDate").Text())
			}
		}
	}
}

// TestAMeasureWaitsUntilItsDay is BP-R05b on the day and before it.
func TestAMeasureWaitsUntilItsDay(t *testing.T) {
	t.Parallel()
	for until, want := range map[string]bool{"2026-11-30": false, "2026-01-01": true} {
		_, issues := submit(t, mapping.NewMemory(), edited(t, olle, set(until, "avvakta", 0, "tillDatum")))
		if got := slices.Contains(firing(issues), "BP-R05b /avvakta/0/tillDatum"); got != want {
			t.Errorf("%s: %v, %v", until, got, firing(issues))
		}
	}
}
