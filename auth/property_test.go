package auth_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// noneOpens fails when something hidden before is visible after.
func noneOpens(t *rapid.T, before, after map[string]auth.Decision) {
	t.Helper()
	for ref, d := range after {
		if was, ok := before[ref]; ok && d.Permit && !was.Permit {
			t.Fatalf("%s opens: %s, then %s", ref, was.Reason, d.Reason)
		}
	}
}

func TestAddingADenyNeverOpens(t *testing.T) { // access.md 10.1
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		before := d.outcomes(t, d.build(t))
		switch rapid.IntRange(0, 3).Draw(rt, "what") {
		case 0:
			givers := rapid.SliceOfNDistinct(rapid.SampledFrom(drawnGivers), 0, 2, rapid.ID[string]).Draw(rt, "deniers")
			d.consents = append(d.consents, consentOf("extra", drawProvision(rt, "deny", 0), givers...))
		case 1:
			label := rapid.SampledFrom([]string{"R", "V"}).Draw(rt, "extraLabel")
			d.records[0] = addSecurity(d.records[0], confidential, label)
		case 2:
			label := rapid.SampledFrom([]string{"seal-guardians", "seal-child", "seal-person", "about-parent", "not-for-patient", "unheard-of"}).Draw(rt, "seal")
			d.records[0] = addSecurity(d.records[0], accessSystem, label)
		case 3:
			d.people = append(d.people, strings.Replace(flagged("osl-12-3"), `"id":"flag"`, `"id":"harm"`, 1))
		}
		noneOpens(rt, before, d.outcomes(t, d.build(t)))
	})
}

func TestAddingANestedDenyNeverOpens(t *testing.T) { // access.md 10.1
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		base := drawProvision(rt, "permit", 0)
		d.consents = append(d.consents, consentOf("extra", base, giverMother, giverChild))
		before := d.outcomes(t, d.build(t))
		nested := strings.TrimSuffix(base, "}") + `,"provision":[` + drawProvision(rt, "deny", 0) + `]}`
		d.consents[len(d.consents)-1] = consentOf("extra", nested, giverMother, giverChild)
		noneOpens(rt, before, d.outcomes(t, d.build(t)))
	})
}

func TestTakingAwayNeverOpens(t *testing.T) { // access.md 10.2
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		d.consents = append(d.consents, consentOf("extra", drawProvision(rt, "permit", 0), giverMother, giverChild))
		before := d.outcomes(t, d.build(t))
		switch rapid.IntRange(0, 2).Draw(rt, "what") {
		case 0:
			d.consents = d.consents[:len(d.consents)-1]
		case 1:
			list := strings.Fields(d.scopes)
			d.scopes = strings.Join(append([]string{"openid"}, list[1:]...), " ")
		case 2:
			d.scopes = strings.ReplaceAll(d.scopes, ".rs", ".s")
		}
		noneOpens(rt, before, d.outcomes(t, d.build(t)))
	})
}

func TestOrderAndIdsMeanNothing(t *testing.T) { // access.md 10.3
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		before := d.outcomes(t, d.build(t))
		for i := range d.consents {
			d.consents[i] = strings.Replace(d.consents[i], fmt.Sprintf(`"id":"c%d"`, i), fmt.Sprintf(`"id":"z%d"`, len(d.consents)-i), 1)
		}
		slices.Reverse(d.consents)
		slices.Reverse(d.people)
		list := strings.Fields(d.scopes)
		slices.Reverse(list)
		d.scopes = strings.Join(list, " ")
		after := d.outcomes(t, d.build(t))
		for ref, was := range before {
			if now := after[ref]; now.Permit != was.Permit || now.Reason != was.Reason || !slices.Equal(now.Obligations, was.Obligations) {
				rt.Fatalf("%s: %s %v, then %s %v", ref, was.Reason, was.Obligations, now.Reason, now.Obligations)
			}
		}
	})
}

func TestASearchFindsWhatReadsPermit(t *testing.T) { // access.md 10.4
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		w := d.build(t)
		p := with(t, d.principal, d.scopes)
		for _, kind := range []fhir.Type{"CarePlan", "Appointment", "Patient", "Consent", "Task", "Organization", "RelatedPerson"} {
			a := auth.Action{Interaction: auth.SearchType, Type: kind}
			f := w.facts(p, nil)
			f.Children = w.children(w.patients())
			filter, phaseA, err := auth.Compile(p, a, f, func(c *auth.Child) ([]auth.ResourceFacts, error) {
				return w.heads(c, kind, auth.NeedsAll(p, a)), nil
			})
			if err != nil {
				rt.Fatal(err)
			}
			if !phaseA.Permit && !filter.None {
				rt.Fatalf("%s: refused by %s, and yet a filter", kind, phaseA.Reason)
			}
			for ref, r := range w.rows {
				if ref.Type != kind {
					continue
				}
				read := w.read(t, p, ref.String())
				if found := admits(filter, r); found != read.Permit {
					rt.Fatalf("%s with %s: search %v, read %s", ref, p.Scopes, found, read.Reason)
				}
			}
		}
	})
}

func TestDecideIsAFunction(t *testing.T) { // access.md 10.7: kept views change no answer
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		w := d.build(t)
		first := d.outcomes(t, w)
		for _, hours := range []int{-400, 24, 24 * 400, 0} {
			w.now = noon.Add(time.Duration(hours) * time.Hour)
			kept := d.outcomes(t, w)
			clear(w.compiled)
			if diff := gocmp.Diff(kept, d.outcomes(t, w)); diff != "" {
				rt.Fatalf("kept and fresh differ after %d h: %s", hours, diff)
			}
		}
		if diff := gocmp.Diff(first, d.outcomes(t, w)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestNothingChangesBeforeUntil(t *testing.T) { // access.md 10.8
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		d.principal.BTG = nil // its own end is no edge of the child
		w := d.build(t)
		w.now = noon.AddDate(0, 0, rapid.IntRange(-900, 900).Draw(rt, "day"))
		until := w.now.AddDate(10, 0, 0)
		for _, c := range w.children(w.patients()) {
			if at := c.Until(w.now, w.settings); !at.IsZero() && at.Before(until) {
				until = at
			}
		}
		first := d.outcomes(t, w)
		left := until.Sub(w.now)
		w.now = w.now.Add(time.Duration(rapid.Int64Range(0, int64(left)-1).Draw(rt, "later")))
		clear(w.compiled)
		if diff := gocmp.Diff(first, d.outcomes(t, w)); diff != "" {
			rt.Fatalf("at %s, until %s: %s", w.now, until, diff)
		}
	})
}

// inert are permits with one element that is not known.
var inert = []string{
	provisionFor("permit", home, plainCoding("purpose", "urn:unknown", "TREAT")),
	provisionFor("permit", home, plainCoding("purpose", reasonSystem, "UNHEARD")),
	provisionFor("permit", home, coding("action", "urn:unknown", "access")),
	provisionFor("permit", home, plainCoding("securityLabel", confidential, "Z")),
	provisionFor("permit", home, `"data":[{"meaning":"unheard","reference":{"reference":"CarePlan/plan0"}}]`),
	provisionFor("permit", home, `"code":[{"text":"alles"}]`),
	provisionFor("permit", home, `"modifierExtension":[{"url":"urn:x","valueBoolean":true}]`),
	`{"type":"permit","actor":[{` + recipientRole + `,"reference":{"identifier":{"system":"urn:unknown","value":"home"}}}]}`,
	`{"type":"permit","actor":[{` + recipientRole + `,"reference":{"reference":"Group/all"}}]}`,
	`{"actor":[` + actorRef(home) + `]}`,
}

func TestUnknownCodesPermitNothing(t *testing.T) { // access.md 10.11
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		before := d.outcomes(t, d.build(t))
		d.consents = append(d.consents, consentOf("extra", rapid.SampledFrom(inert).Draw(rt, "inert"), giverMother, giverChild))
		noneOpens(rt, before, d.outcomes(t, d.build(t)))
	})
}

func TestAYearPermitsNoMoreThanEachOfItsDays(t *testing.T) { // access.md 10.15
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		year := rapid.SampledFrom([]string{"2008", "2010", "2012", "2013", "2014", "2020"}).Draw(rt, "year")
		full := fmt.Sprintf("%s-%02d-%02d", year, rapid.IntRange(1, 12).Draw(rt, "month"), rapid.IntRange(1, 28).Draw(rt, "dayOfMonth"))
		d.people[3] = childBorn(full)
		exact := d.outcomes(t, d.build(t))
		d.people[3] = childBorn(year)
		noneOpens(rt, exact, d.outcomes(t, d.build(t)))
	})
}

// reasons are the codes of access.md that Decide gives.
var reasons = strings.Fields(`token-missing token-invalid immutable delete-refused purpose-not-allowed
	emergency-invalid scope-missing scope-granular context-required context-other-patient relation-none
	admin-no-clinical audit-role rep-birthdate-unknown rep-maturity-missing rep-child-too-young rep-age-closed
	rep-youth-alone rep-custody-none rep-custody-undetermined rep-flag-osl rep-custody-stale
	rep-child-permit-missing rep-extension-missing rep-read-only custody-not-retroactive consent-denied
	consent-none domain-denied domain-not-shared label-sealed label-about-parent label-not-for-patient
	label-very-restricted label-restricted emergency-scope permit-own-record permit-consent-party
	permit-task-party permit-issue-party permit-team-member permit-task-offer permit-custody permit-self
	permit-child-permit permit-extension permit-youth-consent permit-consent permit-default-se
	permit-relation permit-audit permit-directory permit-emergency permit-write permit-withdraw
	write-patient-change write-not-custodian write-role write-label consent-self-grant
	consent-actor-required consent-withdrawn task-transition not-found`)

func TestEveryDecisionHasOneReason(t *testing.T) { // access.md 10.16
	rapid.Check(t, func(rt *rapid.T) {
		d := drawWorld(rt)
		w := d.build(t)
		for _, ref := range slices.Sorted(maps.Keys(d.outcomes(t, w))) {
			for _, do := range []auth.Interaction{auth.Read, auth.Notify, auth.Export, auth.Include, auth.Update, auth.Delete, "unheard"} {
				p := with(t, d.principal, d.scopes+" user/*.cud patient/*.cud system/*.cud")
				act := actionCase{Interaction: do, Ref: ref}
				if do == auth.Update {
					act.Body = w.trees[refOf(ref)].Bytes()
				}
				got := w.decide(t, p, accessCase{Action: act})
				if !slices.Contains(reasons, got.Reason) {
					rt.Fatalf("%s %s: %q is not a reason", do, ref, got.Reason)
				}
				if got.Permit != strings.HasPrefix(got.Reason, "permit-") || got.Permit != (got.HTTP < 300) {
					rt.Fatalf("%s %s: permit %v, %d %s", do, ref, got.Permit, got.HTTP, got.Reason)
				}
			}
		}
	})
}
