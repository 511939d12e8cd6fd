package auth_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
)

// bands are the outcomes that show an age band: of a mother with custody, and of the child itself.
var bands = map[string]struct{ mother, child string }{
	"<12":   {"permit-custody", "rep-child-too-young"},
	"12-15": {"rep-child-permit-missing", "permit-self"},
	">=16":  {"rep-youth-alone", "permit-self"},
	">=18":  {"rep-youth-alone", "permit-self"},
	"<12 for child-as-user, 12-15 for parent-as-user": {"rep-child-permit-missing", "rep-child-too-young"},
}

func TestAgesDecideWhoReads(t *testing.T) {
	var rows []struct{ Geboortedatum, Vandaag, Band string }
	readVector(t, "leeftijd.json", &rows)
	for _, row := range rows {
		t.Run(row.Geboortedatum+" on "+row.Vandaag+" is "+row.Band, func(t *testing.T) {
			want, ok := bands[row.Band]
			if !ok {
				t.Fatal("unknown band")
			}
			day, err := time.Parse(time.DateOnly, row.Vandaag)
			if err != nil {
				t.Fatal(err)
			}
			w := smallWorld(t, nil, freshlyChecked(row.Vandaag, row.Geboortedatum)...)
			for _, hour := range []time.Duration{0, 22 * time.Hour} { // both ends of the local day
				w.now = day.Add(hour)
				if got := w.read(t, asMother(t), "CarePlan/plan").Reason; got != want.mother {
					t.Errorf("mother: %s, want %s", got, want.mother)
				}
				if got := w.read(t, asChild(t), "CarePlan/plan").Reason; got != want.child {
					t.Errorf("child: %s, want %s", got, want.child)
				}
			}
		})
	}
}

// freshlyChecked is the family with a custody check on the day itself.
func freshlyChecked(day, born string) []string {
	out := family(born)
	out[4] = `{"resourceType":"RelatedPerson","id":"mother","active":true,"patient":{"reference":"Patient/kim"},
		"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[
		{"url":"type","valueCode":"EenhoofdigOuderlijkGezag"},{"url":"gecontroleerdOp","valueDate":"` + day + `"}]}]}`
	return out
}

func TestABirthdayBeginsAtLocalMidnight(t *testing.T) {
	w := smallWorld(t, nil, family("2014-11-21")...)
	for at, want := range map[string]string{
		"2026-11-20T23:59:59+01:00": "rep-child-too-young",
		"2026-11-21T00:00:00+01:00": "permit-self",
		"2026-11-20T23:30:00Z":      "permit-self",
	} {
		w.now, _ = time.Parse(time.RFC3339, at)
		if got := w.read(t, asChild(t), "CarePlan/plan").Reason; got != want {
			t.Errorf("at %s: %s, want %s", at, got, want)
		}
	}
	w.now, _ = time.Parse(time.RFC3339, "2026-11-20T12:00:00+01:00")
	until := w.children(w.patients())[0].Until(w.now, w.settings)
	if want := time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC); !until.Equal(want) {
		t.Errorf("until %s, want %s", until, want)
	}
}

func TestEveryKindOfCustodyGivesOrLeavesUndetermined(t *testing.T) {
	var file struct{ Types map[string]json.RawMessage }
	readVector(t, "brp-gezag-types.json", &file)
	undetermined := map[string]bool{"TijdelijkGeenGezag": true, "GezagNietTeBepalen": true}
	for kind := range file.Types {
		t.Run(kind, func(t *testing.T) {
			resources := family("2024-05-04")
			resources[4] = mother(kind)
			got := smallWorld(t, nil, resources...).read(t, asMother(t), "CarePlan/plan")
			want := "permit-custody"
			if undetermined[kind] {
				want = "rep-custody-undetermined"
			}
			if got.Reason != want {
				t.Errorf("%s, want %s", got.Reason, want)
			}
		})
	}
	t.Run("a kind that is not known gives none", func(t *testing.T) {
		resources := family("2024-05-04")
		resources[4] = mother("Erfrecht")
		if got := smallWorld(t, nil, resources...).read(t, asMother(t), "CarePlan/plan").Reason; got != "rep-custody-none" {
			t.Error(got)
		}
	})
}

func TestTheRoleOfAFamilyUserComesFromCustody(t *testing.T) {
	w := smallWorld(t, nil, family("2024-05-04")...)
	c := w.children(w.patients())[0]
	for user, want := range map[string]auth.Role{"RelatedPerson/mother": auth.Guardian, "RelatedPerson/friend": auth.Helper} {
		if got := auth.RoleOf(refOf(user), c, w.directory, false); got != want {
			t.Errorf("%s: %s, want %s", user, got, want)
		}
	}
	if got := auth.RoleOf(refOf("RelatedPerson/friend"), c, w.directory, true); got != auth.Guardian {
		t.Errorf("after custody was lost: %s", got)
	}
}

func readVector(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../testdata/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
