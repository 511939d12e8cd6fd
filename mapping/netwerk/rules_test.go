package netwerk_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/mapping"
)

// TestEachRuleFiresWhereItsTableSays (network.md 1, 2): a record without faults, changed at one place.
func TestEachRuleFiresWhereItsTableSays(t *testing.T) {
	t.Parallel()
	text := file(t, "valid/01-boris.json")
	before := told(t, text)
	for name, c := range map[string]struct {
		edits []string
		want  []string
	}{
		"no recordId":                  {[]string{"/recordId", "null"}, []string{"NW-S01 /recordId"}},
		"a number for a text":          {[]string{"/client/naam", "1"}, []string{"NW-S02 /client/naam"}},
		"an unknown circle":            {[]string{"/leden/0/kring", "5"}, []string{"NW-S09 /leden/0/kring"}},
		"an unknown tie":               {[]string{"/leden/1/sterkte", `"dik"`}, []string{"NW-S03 /leden/1/sterkte"}},
		"one id twice, over both":      {[]string{"/afspraken/2/id", `"n3"`}, []string{"NW-S04 /afspraken/2/id"}},
		"a pair twice, turned":         {[]string{"/onderling/1/a", `"n2"`, "/onderling/1/b", `"n1"`, "/onderling/1/sterkte", `"matig"`}, []string{"NW-S04 /onderling/1"}},
		"a tie with oneself":           {[]string{"/onderling/0/b", `"n1"`}, []string{"NW-S09 /onderling/0/b"}},
		"a reference to nobody":        {[]string{"/leden/0/zichtbaarVoor", `["n2","n9"]`}, []string{"NW-S05 /leden/0/zichtbaarVoor/1"}},
		"no such day":                  {[]string{"/datum", `"2026-02-30"`}, []string{"NW-S06 /datum"}},
		"a BSN that fails":             {[]string{"/client/bsn", `"999912149"`}, []string{"NW-S07 /client/bsn"}},
		"an unknown member":            {[]string{"/leden/0/hobby", `"vissen"`}, []string{"NW-S08 /leden/0/hobby"}},
		"a person without consent":     {[]string{"/leden/1/toestemming", "null"}, []string{"NW-S01 /leden/1/toestemming"}},
		"a person with a URA":          {[]string{"/leden/1/ura", `"90000002"`}, []string{"NW-S09 /leden/1/ura"}},
		"an organisation with a load":  {[]string{"/leden/3/belasting", "1", "/leden/3/relatieCode", `"AUNT"`, "/leden/3/zichtbaarVoor", `["n1"]`}, []string{"NW-S09 /leden/3/belasting", "NW-S09 /leden/3/relatieCode", "NW-S09 /leden/3/zichtbaarVoor"}},
		"the number of the child":      {[]string{"/leden/0/toestemming/gegevenDoor/0/bsn", `"999912148"`}, []string{"NW-S09 /leden/0/toestemming/gegevenDoor/0/bsn"}},
		"withdrawn":                    {[]string{"/leden/0/toestemming/ingetrokken", `"2026-10-20"`}, []string{"NW-R03b /afspraken/0/wie", "NW-R03b /afspraken/1/wie"}},
		"a helper who carries much":    {[]string{"/leden/2/belasting", "3"}, []string{"NW-R04 /afspraken/2/wie"}},
		"who holds may carry much":     {[]string{"/leden/0/belasting", "4"}, nil},
		"a review on the start":        {[]string{"/afspraken/0/evaluatie", `"2026-10-06"`}, []string{"NW-R05b /afspraken/0/evaluatie"}},
		"a review behind the network":  {[]string{"/afspraken/0/evaluatie", `"2027-04-02"`}, []string{"NW-R05b /afspraken/0/evaluatie"}},
		"a review after 93 days":       {[]string{"/afspraken/0/evaluatie", `"2027-01-07"`}, []string{"NW-R05c /afspraken/0/evaluatie"}},
		"a review after 92 days":       {[]string{"/afspraken/0/evaluatie", `"2027-01-06"`}, nil},
		"a reserve not to be asked":    {[]string{"/afspraken/0/reserve", `"n5"`}, []string{"NW-R06 /afspraken/0/reserve", "NW-R11 /afspraken/0/wie"}},
		"a reserve who has withdrawn":  {[]string{"/leden/1/toestemming/ingetrokken", `"2026-10-20"`}, []string{"NW-R06 /afspraken/0/reserve"}},
		"what nobody offered":          {[]string{"/afspraken/0/soort", `"koken"`}, []string{"NW-R07b /afspraken/0/soort"}},
		"care that nobody instructs":   {[]string{"/afspraken/1/instructieDoor", "null"}, []string{"NW-R09 /afspraken/1/instructieDoor"}},
		"a neighbour who instructs":    {[]string{"/afspraken/1/instructieDoor", `"n2"`}, []string{"NW-R09 /afspraken/1/instructieDoor"}},
		"a network of no day":          {[]string{"/geldigTot", `"2026-10-01"`}, []string{"NW-R05b /afspraken/0/evaluatie", "NW-R05b /afspraken/1/evaluatie", "NW-R10 /geldigTot"}},
		"a network of 367 days":        {[]string{"/geldigTot", `"2027-10-03"`}, []string{"NW-R10b /geldigTot"}},
		"a network of 366 days":        {[]string{"/geldigTot", `"2027-10-02"`}, nil},
		"a helper in a broken tie":     {[]string{"/leden/2/sterkte", `"verbroken"`}, []string{"NW-R11 /afspraken/2/wie"}},
		"helper and reserve are tense": {[]string{"/onderling/0/sterkte", `"gespannen"`}, []string{"NW-R11 /afspraken/0/wie"}},
		"stopped is not live":          {[]string{"/leden/0/sterkte", `"verbroken"`, "/afspraken/0/status", `"gestopt"`, "/afspraken/1/status", `"geweigerd"`}, nil},
		"a faulty member is not read":  {[]string{"/leden/0/toestemming/benaderen", `"nee"`, "/afspraken/0/status", `"x"`}, []string{"NW-S02 /leden/0/toestemming/benaderen", "NW-S03 /afspraken/0/status"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := slices.DeleteFunc(told(t, changed(t, text, c.edits...)), func(s string) bool { return slices.Contains(before, s) })
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// told is what is said of a record: rule and pointer, in order; nil for nothing.
func told(t *testing.T, text []byte) []string {
	t.Helper()
	_, issues := taken(t, text, mapping.NewMemory())
	var out []string
	for _, i := range issues {
		out = append(out, i.Diagnostics+" "+i.Expression)
		if errors := strings.HasSuffix(i.Diagnostics, "b") || strings.HasSuffix(i.Diagnostics, "c"); errors && i.Severity == "error" && i.Diagnostics != "NW-R05b" {
			t.Errorf("%s is an error", i.Diagnostics)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
