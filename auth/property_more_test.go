package auth_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
)

// permitsOnly replaces the Consents of a world by permits, so that whoever loses a right loses no deny.
func (d *drawn) permitsOnly(t *rapid.T) {
	d.consents = nil
	for i := range rapid.IntRange(0, 3).Draw(t, "permits") {
		d.consents = append(d.consents, consentOf("p"+string(rune('0'+i)), drawProvision(t, "permit", 0), giverMother, giverFather, giverChild))
	}
}

func TestLosingCustodyOrARelationNeverOpens(t *testing.T) { // access.md 10.2
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		d.permitsOnly(rt)
		before := d.outcomes(t, d.build(t))
		switch rapid.SampledFrom([]string{"custody", "person", "team", "task"}).Draw(rt, "loses") {
		case "custody":
			d.people[4] = mother(rapid.SampledFrom([]string{"TijdelijkGeenGezag", "GezagNietTeBepalen", "unheard-of"}).Draw(rt, "to"))
		case "person":
			d.people[4] = strings.Replace(d.people[4], `"active":true`, `"active":false`, 1)
		case "team":
			d.people[8] = strings.Replace(d.people[8], `"status":"active"`, `"status":"inactive"`, 1)
		case "task":
			d.people = slices.DeleteFunc(d.people, func(p string) bool { return strings.Contains(p, `"resourceType":"Task"`) })
		}
		noneOpens(rt, before, d.outcomes(t, d.build(t)))
	})
}

func TestAnUnknownPurposeOpensNothing(t *testing.T) { // access.md 10.11
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		before := d.outcomes(t, d.build(t))
		d.principal.Purpose = rapid.SampledFrom([]string{"", "UNHEARD", "HSYSADMIN", "treat", "TREAT "}).Draw(rt, "purpose")
		noneOpens(rt, before, d.outcomes(t, d.build(t)))
	})
}

// ordinary are the reasons that stand whether a glass is broken or not.
var ordinary = []string{"permit-own-record", "permit-directory", "permit-team-member", "permit-task-party", "permit-consent-party"}

func TestABrokenGlassAddsAndNeverTakes(t *testing.T) { // access.md 10.12
	shown := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		org := rapid.SampledFrom([]string{home, stranger, hospital}).Draw(rt, "org")
		d.principal = auth.Principal{Role: auth.Professional, Organization: refOf(org), FHIRUser: refOf("Practitioner/doc"), Purpose: "TREAT"}
		d.scopes = "user/*.rs"
		w := d.build(t)
		calm := d.outcomes(t, w)
		d.principal.Purpose = rapid.SampledFrom([]string{"BTG", "ETREAT"}).Draw(rt, "purpose")
		d.principal.BTG = &auth.BreakGlass{Reason: "kind is benauwd", At: noon.Add(-time.Minute), Exp: noon.Add(time.Hour)}
		broken := d.outcomes(t, w)
		for _, ref := range slices.Sorted(maps.Keys(broken)) {
			was, now, f := calm[ref], broken[ref], w.rows[refOf(ref)]
			closed := slices.Contains(f.Domains, "sociaal") || slices.Contains(f.Domains, "ontwikkeling")
			switch {
			case was.Permit && !now.Permit && !closed:
				rt.Fatalf("%s closes: %s, then %s", ref, was.Reason, now.Reason)
			case slices.Contains(ordinary, was.Reason) && now.Reason != was.Reason:
				rt.Fatalf("%s: %s, then %s", ref, was.Reason, now.Reason)
			case now.Reason == "permit-emergency" && (closed || slices.ContainsFunc(f.Labels, func(l auth.Label) bool { return l.Code == "V" })):
				rt.Fatalf("%s of %v %v opens in an emergency", ref, f.Domains, f.Labels)
			case len(f.Patients) == 1 && now.Reason == "permit-emergency" != slices.Contains(now.Obligations, "btg-review"):
				rt.Fatalf("%s: %s with %v", ref, now.Reason, now.Obligations)
			case now.Reason == "permit-emergency":
				shown++
			}
		}
	})
	if shown < 20 {
		t.Errorf("%d emergencies show too little", shown)
	}
}
