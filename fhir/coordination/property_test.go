package coordination_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

var (
	child = fhir.Ref{Type: "Patient", ID: "olle"}
	today = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
)

const (
	insats = fhir.Canonical + "/CodeSystem/insats"
	behov  = fhir.Canonical + "/CodeSystem/behov"
)

// one draws one of some texts.
func one(t *rapid.T, name string, texts ...string) string {
	return rapid.SampledFrom(texts).Draw(t, name)
}

func coded(member, system, code string) string {
	return fmt.Sprintf(`,%q:[{"coding":[{"system":%q,"code":%q}]}]`, member, system, code)
}

// drawOrg draws a performer: an organisation, staff, a parent.
func drawOrg(t *rapid.T) string {
	return one(t, "org", "Organization/bup", "Organization/klinik", "PractitionerRole/r", "RelatedPerson/mor")
}

func drawDay(t *rapid.T) string {
	return today.AddDate(0, 0, rapid.IntRange(-40, 40).Draw(t, "day")).Format(time.DateOnly)
}

// drawEnd draws the end of a period that began, or none.
func drawEnd(t *rapid.T) string {
	if rapid.Bool().Draw(t, "ends") {
		return fmt.Sprintf(`,"end":%q`, drawDay(t))
	}
	return ""
}

// drawPeriod draws a period, or none.
func drawPeriod(t *rapid.T) string {
	return one(t, "period", "", fmt.Sprintf(`,"period":{"start":%q%s}`, drawDay(t), drawEnd(t)), fmt.Sprintf(`,"period":{"end":%q}`, drawDay(t)))
}

// written is when a resource was last written.
func written(t *rapid.T) string {
	return fmt.Sprintf(`"meta":{"lastUpdated":"2026-10-%02dT08:00:00Z"}`, rapid.IntRange(1, 20).Draw(t, "written"))
}

func drawRequest(t *rapid.T) string {
	text := fmt.Sprintf(`{"resourceType":"ServiceRequest","id":%q,%s,"status":%q,"intent":"order","subject":{"reference":"Patient/olle"},
		"authoredOn":%q,"performer":[{"reference":%q}]%s`, one(t, "request", "q0", "q1", "q2"), written(t),
		one(t, "status", "active", "active", "revoked", "completed"), drawDay(t), drawOrg(t),
		coded("reasonCode", behov, one(t, "need", "fetma", "oro", "overvikt")))
	return text + one(t, "more", ``, `,"requisition":{"system":"urn:x","value":"1"}`, `,"basedOn":[{"reference":"CarePlan/p0"}]`,
		`,"replaces":[{"reference":"ServiceRequest/q0"}]`, `,"identifier":[{"system":"urn:y","value":"1"}]`, `,"priority":"stat"`) + "}"
}

func drawPlan(t *rapid.T) string {
	var acts []string
	for i := range rapid.IntRange(0, 3).Draw(t, "activities") {
		act := fmt.Sprintf(`{"id":"a%d","detail":{"status":%q,"code":{"coding":[{"system":%q,"code":%q}]},"performer":[{"reference":%q}],
			"doNotPerform":%s,"scheduledPeriod":{"start":%q%s},"extension":[{"url":"%s/StructureDefinition/weekly-burden-minutes","valueInteger":%d}]`,
			i, one(t, "status", "scheduled", "in-progress", "on-hold", "completed"), insats, one(t, "code", "vila", "fysisk-aktivitet", "kbt"), drawOrg(t),
			one(t, "stop", "false", "false", "true"), drawDay(t), drawEnd(t), fhir.Canonical, rapid.IntRange(0, 200).Draw(t, "minutes"))
		if rapid.Bool().Draw(t, "reason") {
			act += coded("reasonCode", behov, one(t, "need", "fetma", "oro"))
		}
		acts = append(acts, act+"}}")
	}
	if rapid.Bool().Draw(t, "order") {
		acts = append(acts, `{"reference":{"reference":"ServiceRequest/q1"}}`)
	}
	text := fmt.Sprintf(`{"resourceType":"CarePlan","id":%q,%s,"status":%q,"intent":"plan","subject":{"reference":"Patient/olle"},"author":{"reference":%q}`,
		one(t, "plan", "p0", "p1", "p2"), written(t), one(t, "status", "active", "active", "completed"), drawOrg(t))
	if len(acts) > 0 {
		text += `,"activity":[` + strings.Join(acts, ",") + `]`
	}
	return text + one(t, "more", ``, ``, `,"careTeam":[{"reference":"CareTeam/t"}]`, `,"partOf":[{"reference":"CarePlan/p0"}]`,
		`,"partOf":[{"reference":"CarePlan/p1"}]`, `,"addresses":[{"reference":"Condition/c0"}]`) + "}"
}

func drawOther(t *rapid.T) string {
	return rapid.SampledFrom([]func(*rapid.T) string{
		func(t *rapid.T) string {
			return fmt.Sprintf(`{"resourceType":"CareTeam","id":"t","status":%q,"subject":{"reference":"Patient/olle"},"participant":[{"role":[{"text":%q}],
				"period":{"end":%q}}]}`, one(t, "status", "active", "inactive"), one(t, "role", "samordnare", "mor"), drawDay(t))
		},
		func(t *rapid.T) string {
			return fmt.Sprintf(`{"resourceType":"Condition","id":%q,"subject":{"reference":"Patient/olle"},"code":{"coding":[{"system":%q,"code":%q}]},
				"evidence":[{"detail":[{"reference":"Condition/c1"}]}],"clinicalStatus":{"coding":[{"system":
				"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}}`, one(t, "condition", "c0", "c1"), behov, one(t, "need", "fetma", "somn"))
		},
		func(t *rapid.T) string {
			return fmt.Sprintf(`{"resourceType":"Appointment","id":%q,"status":"booked","start":"2026-11-09T22:%02d:00Z","end":"2026-11-%s:00:00Z",
				"participant":[{"actor":{"reference":"Patient/olle"},"status":%q},{"actor":{"reference":"HealthcareService/%s"},"status":"accepted"}]}`,
				one(t, "visit", "x0", "x1", "x2"), rapid.IntRange(0, 59).Draw(t, "minute"), one(t, "until", "09T23", "10T10"), one(t, "takes", "accepted", "declined"), one(t, "service", "a", "b"))
		},
		func(t *rapid.T) string {
			return fmt.Sprintf(`{"resourceType":"Consent","id":"c","status":%q,"patient":{"reference":"Patient/olle"},"category":[{"coding":[{"system":
				"%s/CodeSystem/se-samtycke","code":"sparr"}]}],"provision":{"type":"deny"%s,"data":[{"meaning":"instance","reference":{"reference":%q}}]}}`,
				one(t, "status", "active", "inactive"), fhir.Canonical, drawPeriod(t), one(t, "blocked", "CarePlan/p0", "ServiceRequest/q1", "CareTeam/t", "Condition/c0"))
		},
		func(t *rapid.T) string {
			return fmt.Sprintf(`{"resourceType":"DetectedIssue","id":"i","status":"final","patient":{"reference":"Patient/olle"},"implicated":[
				{"reference":"CarePlan/p0","extension":[{"url":"%s/StructureDefinition/activity-id","valueString":"a0"}]},{"reference":"ServiceRequest/q1"}],
				"mitigation":[{"action":{"text":"talked"},"date":"2026-10-%02d"}]}`, fhir.Canonical, rapid.IntRange(1, 20).Draw(t, "talked"))
		},
		func(t *rapid.T) string {
			return fmt.Sprintf(`{"resourceType":"PractitionerRole","id":"r","organization":{"reference":"Organization/%s"}}`, one(t, "of", "hab", "bup"))
		},
	}).Draw(t, "other")(t)
}

func draw(t *rapid.T) *fhir.Resource {
	text := rapid.SampledFrom([]func(*rapid.T) string{drawPlan, drawPlan, drawRequest, drawOther}).Draw(t, "kind")(t)
	r, issues := fhir.Parse([]byte(text), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues, text)
	}
	return r
}

func newTable(t testing.TB) *coordination.Table {
	return coordination.NewTable(child, coordination.Defaults("se"), groups(t))
}

// TestATableThatFollowedWritesSaysWhatAFreshOneSays, whatever the writes, deletions and days, and in whatever
// order the fresh one takes the resources. A table says what it said, whatever its clones follow.
func TestATableThatFollowedWritesSaysWhatAFreshOneSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		table, stored := newTable(t), map[fhir.Ref]*fhir.Resource{}
		now := today
		for range rapid.IntRange(1, 12).Draw(rt, "writes") {
			r, before, then := draw(rt), table, now
			said := before.Findings(then)
			table = before.Clone()
			switch rapid.IntRange(0, 9).Draw(rt, "how") {
			case 0:
				delete(stored, r.Ref())
				table.Remove(r.Ref())
			case 1:
				now = now.AddDate(0, 0, rapid.IntRange(0, 20).Draw(rt, "days"))
				fallthrough
			default:
				stored[r.Ref()] = r
				table.Put(r)
			}
			fresh := newTable(t)
			order := slices.SortedFunc(maps.Values(stored), func(a, b *fhir.Resource) int { return strings.Compare(a.Ref().String(), b.Ref().String()) })
			fresh.Put(rapid.Permutation(order).Draw(rt, "order")...)
			if diff := cmp.Diff(fresh.Findings(now), table.Findings(now)); diff != "" {
				rt.Fatal(diff)
			}
			if diff := cmp.Diff(said, before.Findings(then)); diff != "" {
				rt.Fatal("a clone changed what it was made of: ", diff)
			}
		}
	})
}

// fresh is a table made of resources alone.
func fresh(t testing.TB, s coordination.Settings, stored map[fhir.Ref]*fhir.Resource) *coordination.Table {
	out := coordination.NewTable(child, s, groups(t))
	for _, r := range stored {
		out.Put(r)
	}
	return out
}

// drawScene draws what day after day may change: two plans of two organisations, two visits, and what hides one of them.
func drawScene(t *rapid.T) map[fhir.Ref]*fhir.Resource {
	out := map[fhir.Ref]*fhir.Resource{}
	put := func(text string, a ...any) {
		r, issues := fhir.Parse(fmt.Appendf(nil, text, a...), fhir.Limits{})
		if fhir.HasErrors(issues) {
			t.Fatal(issues, text)
		}
		out[r.Ref()] = r
	}
	for i, org := range []string{"bup", "klinik"} {
		put(`{"resourceType":"CarePlan","id":"p%d","status":"active","intent":"plan","subject":{"reference":"Patient/olle"},"author":{"reference":"Organization/%[2]s"},"activity":[{"id":"a0",
			"detail":{"status":%[3]q,"code":{"coding":[{"system":%[4]q,"code":%[5]q}]},"scheduledPeriod":{"start":%[6]q%[7]s},
			"extension":[{"url":"%[8]s/StructureDefinition/weekly-burden-minutes","valueInteger":160},{"url":"%[8]s/StructureDefinition/on-hold","extension":[{"url":"until","valueDate":%[9]q}]}]}}]}`,
			i, org, one(t, "status", "scheduled", "on-hold"), insats, one(t, "code", "vila", "fysisk-aktivitet"), drawDay(t), drawEnd(t), fhir.Canonical, drawDay(t))
		put(`{"resourceType":"Appointment","id":"x%d","status":"booked","start":"2026-11-09T22:00:00Z","end":"2026-11-%sZ","participant":[{"actor":{"reference":"Patient/olle"},"status":"accepted"},
			{"actor":{"reference":"HealthcareService/%s"},"status":"accepted"}]}`, i, one(t, "until", "09T22:59:59", "09T23:00:00", "10T10:00:00"), org)
	}
	if rapid.Bool().Draw(t, "blocked") {
		put(`{"resourceType":"Consent","id":"c","status":"active","patient":{"reference":"Patient/olle"},"category":[{"coding":[{"system":"%s/CodeSystem/se-samtycke","code":"sparr"}]}],
			"provision":{"type":"deny"%s,"data":[{"meaning":"instance","reference":{"reference":%q}}]}}`, fhir.Canonical, drawPeriod(t), one(t, "blocked", "CarePlan/p0", "CareTeam/t", "Appointment/x1"))
	}
	if rapid.Bool().Draw(t, "led") {
		put(`{"resourceType":"CareTeam","id":"t","status":"active","subject":{"reference":"Patient/olle"},"participant":[{"role":[{"text":"samordnare"}],"member":{"reference":"Organization/bup"},
			"period":{"end":%q}}]}`, drawDay(t))
	}
	return out
}

// TestADayChangesNothingButInTheNightThatIsSaid: a table that is asked again only in the nights that it names says on
// every day what a fresh one says.
func TestADayChangesNothingButInTheNightThatIsSaid(t *testing.T) {
	t.Parallel()
	strict := coordination.Defaults("se")
	strict.Stricter = map[fhir.Ref]coordination.Limits{{Type: "Organization", ID: "bup"}: {O2Days: 20, O5Days: 30, O5Starts: 1, O5Minutes: 200, O8GraceDays: 3}}
	said := func(t *coordination.Table, at time.Time) []any {
		return []any{t.Findings(at), t.Leads(), t.Coordinators(), fmt.Sprint(t.Resumes())}
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.SampledFrom([]coordination.Settings{coordination.Defaults("se"), strict}).Draw(rt, "settings")
		table, stored, now := coordination.NewTable(child, s, groups(t)), drawScene(rt), today
		table.Put(slices.Collect(maps.Values(stored))...)
		for range rapid.IntRange(1, 4).Draw(rt, "times") {
			for range rapid.IntRange(0, 3).Draw(rt, "writes") {
				r := draw(rt)
				stored[r.Ref()] = r
				table.Put(r)
			}
			last, next := said(table, now), table.Next()
			for range rapid.IntRange(0, 15).Draw(rt, "days") {
				now = now.AddDate(0, 0, 1)
				if !next.IsZero() && !now.Before(next) {
					last, next = said(table, next), table.Next()
				}
				if diff := cmp.Diff(said(fresh(t, s, stored), now), last); diff != "" {
					rt.Fatalf("%s, the next night %s: %s", now, next, diff)
				}
			}
		}
	})
}

// TestALinkNeverAddsAFinding: those who come to know of each other are told of nothing new.
func TestALinkNeverAddsAFinding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var rs []*fhir.Resource
		for range rapid.IntRange(1, 10).Draw(rt, "resources") {
			if r := draw(rt); r.Type() != "CareTeam" {
				rs = append(rs, r)
			}
		}
		table := newTable(t)
		table.Put(rs...)
		before := table.Findings(today)
		table.Put(parse(t, `{"resourceType":"CareTeam","id":"t","status":"active","subject":{"reference":"Patient/olle"}}`))
		names := map[string]bool{}
		for _, f := range before.Findings {
			names[name(f)] = true
		}
		for _, f := range table.Findings(today).Findings {
			if !names[name(f)] {
				rt.Fatalf("new: %+v", f)
			}
		}
	})
}

// name tells findings apart as issues do: of O5 and O8 a child has one.
func name(f coordination.Finding) string {
	if f.Rule == coordination.Load || f.Rule == coordination.NoCoordinator {
		return f.Rule
	}
	return f.Rule + " " + strings.Join(f.Implicated, " ")
}

// BenchmarkWrite is one write for a child with 60 activities of three organisations: W11.
func BenchmarkWrite(b *testing.B) {
	table := newTable(b)
	var plans [2]*fhir.Resource
	for i := range 20 {
		text := func(day int) string {
			var acts []string
			for j := range 3 {
				acts = append(acts, fmt.Sprintf(`{"id":"a%d","detail":{"status":"scheduled","code":{"coding":[{"system":%q,"code":"kod-%d"}]}%s,
					"performer":[{"reference":"Organization/o%d"}],"scheduledPeriod":{"start":"2026-%02d-%02d","end":"2026-12-%02d"}}}`,
					j, insats, i*3+j, coded("reasonCode", behov, fmt.Sprint("behov-", (i*3+j)%10)), i%3, 9+i%10/4, day+j, 2+j))
			}
			return fmt.Sprintf(`{"resourceType":"CarePlan","id":"p%d","status":"active","intent":"plan","subject":{"reference":"Patient/olle"},
				"careTeam":[{"reference":"CareTeam/t%d"}],"activity":[%s]}`, i, i/10, strings.Join(acts, ","))
		}
		plans[0] = parse(b, text(4))
		table.Put(plans[0])
		plans[1] = parse(b, text(5))
	}
	for i := range 2 {
		table.Put(parse(b, fmt.Sprintf(`{"resourceType":"CareTeam","id":"t%d","status":"active","subject":{"reference":"Patient/olle"}}`, i)))
	}
	if n := len(table.Findings(today).Findings); n == 0 {
		b.Fatal("nothing is found")
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		table.Put(plans[i%2])
		table.Findings(today)
	}
}
