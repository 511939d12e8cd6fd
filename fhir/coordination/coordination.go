// Package coordination owns the rules of overlap: what of one child's care stands at several
// organisations that do not know of each other (O1 to O8), what is made of it, who sees what of it, and
// the load that all of it is for the family. It is facts in, findings out: it is given the resources of
// one child, the staff that they name, and concept maps, and refuses storage, HTTP and every decision on
// access.
package coordination

import (
	"slices"
	"time"
	_ "time/tzdata" // a day must not depend on the machine

	"github.com/drieluik/drieluik/fhir"
)

// Systems of codes and URLs that the rules read or write.
const (
	RuleSystem   = fhir.Canonical + "/CodeSystem/overlap-rule"
	needSystem   = fhir.Canonical + "/CodeSystem/behov"
	groupSystem  = fhir.Canonical + "/CodeSystem/behov-grupp"
	actSystem    = fhir.Canonical + "/CodeSystem/insats"
	actionSystem = fhir.Canonical + "/CodeSystem/overlap-action"
	taskSystem   = fhir.Canonical + "/CodeSystem/se-task"
	roleSystem   = fhir.Canonical + "/CodeSystem/se-roll"
	teamSystem   = fhir.Canonical + "/CodeSystem/teamrol"
	structures   = fhir.Canonical + "/StructureDefinition/"
	snomed       = "http://snomed.info/sct"
)

// The rules, as codes of RuleSystem.
const (
	SameNeed       = "O1" // same need, two receivers
	Unaware        = "O2" // unaware start
	SameAct        = "O3" // same intervention
	Contradiction  = "O4"
	Load           = "O5"
	Clash          = "O6" // time clash
	FallsBetween   = "O7"
	NoCoordinator  = "O8"
	SecondPriority = "O9" // second most important goal
	BadAck         = "O-ACK"
)

// Severities of a finding.
const (
	High     = "high"
	Moderate = "moderate"
	Low      = "low"
)

// Coding is a code of a system.
type Coding struct {
	System string `json:"system"`
	Code   string `json:"code"`
}

// Finding is what one rule says of some resources of the child.
type Finding struct {
	Rule       string
	Severity   string
	Implicated []string // sorted; "Type/id", of an activity "CarePlan/id#activity"
	Evidence   []Coding // needs or codes in common
	Text       string   // evidence in words: of Load alone
}

// severities are those of findings, the gravest first.
var severities = []string{High, Moderate, Low}

// Gravest returns at most n findings: those of the highest severity, in the order in which they came.
func Gravest(all []Finding, n int) []Finding {
	var out []Finding
	least := len(severities) // of what is kept whole
	left := n
	for i, s := range severities {
		count := 0
		for _, f := range all {
			if f.Severity == s {
				count++
			}
		}
		if count > left {
			least = i
			break
		}
		left -= count
	}
	for _, f := range all {
		at := slices.Index(severities, f.Severity)
		if at == least && left > 0 {
			left--
			out = append(out, f)
		}
		if at < least {
			out = append(out, f)
		}
	}
	return out
}

// Result is what the rules say of one child at one instant. Its order is always the same: pairs by what they
// implicate, then O5 to O8.
type Result struct {
	Findings []Finding
	Known    []Finding // of pairs that know of each other by the mitigation of an issue alone
}

// Settings are the limits of the rules, and what they go by.
type Settings struct {
	Limits
	Zone           *time.Location
	Contradictions [][2]string         // codes of acts of which one undoes the other
	Stricter       map[fhir.Ref]Limits // of organisations, for whom more is found; what is looser changes nothing
	OwnIssues      bool                // an issue counts as known only when its meta.source says that these rules wrote it
}

// zones are the time zones of the jurisdictions.
var zones = map[string]string{"se": "Europe/Stockholm", "nl": "Europe/Amsterdam"}

// Defaults returns the settings of a jurisdiction: se or nl.
func Defaults(jurisdiction string) Settings {
	zone, err := time.LoadLocation(zones[jurisdiction])
	if err != nil { // the data is compiled in: only a broken build comes here
		zone = time.UTC
	}
	return Settings{
		Limits: Limits{O1Days: 90, O2Days: 14, O5Days: 28, O5Starts: 2, O5Minutes: 300, O8GraceDays: 14}, Zone: zone,
		Contradictions: [][2]string{
			{"viktprogram", "naringstillagg"}, {"fysisk-aktivitet", "vila"}, {"exponering", "undvikande"},
			{"oral-matning", "nutritionsstopp"}, {"helskolgang", "hemundervisning"},
		},
	}
}
