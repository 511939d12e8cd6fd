// Package workflow owns the rules of mks.md 7 as tables over resource trees: the state machine of a
// transfer, the discharge gate, what a file still lacks, the consent that an acceptance implies, the
// question back. A rule says what is missing and who must do it, and makes the resources that it
// writes; their ids are those of rule, child and occasion, so that a rule that runs twice writes once.
// It refuses storage, HTTP, and every decision on who may see what: it is given the resources that it
// may look at.
package workflow

import (
	"sync"
	"time"
	_ "time/tzdata" // a day must not depend on the machine

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Known is what the rules may look at: one consistent state. mapping.Memory is one.
type Known interface {
	// Read returns the current version of a resource, or nil when there is none.
	Read(fhir.Ref) (*mapping.Found, error)
	// Child returns the current resources of the types in the compartment of a patient.
	Child(patient fhir.Ref, types ...fhir.Type) ([]*mapping.Found, error)
}

// ID returns the id of what a rule writes about a child on one occasion (mks.md 7).
func ID(rule string, patient fhir.Ref, discriminator string) string {
	return mapping.ID("workflow/" + rule + "/" + patient.ID + "/" + discriminator)
}

// Systems of codes and URLs of extensions that the rules read or write.
const (
	snomed           = "http://snomed.info/sct"
	categorySystem   = fhir.Canonical + "/CodeSystem/mks-categorie"
	domainSystem     = fhir.Canonical + "/CodeSystem/mks-domein"
	directionSystem  = fhir.Canonical + "/CodeSystem/richting"
	structures       = fhir.Canonical + "/StructureDefinition/"
	transferCode     = "308292007"
	readinessCode    = "ontslaggereedheid"
	readinessForm    = fhir.Canonical + "/Questionnaire/mks-ontslaggereedheid"
	evaluationSystem = fhir.Canonical + "/CodeSystem/evaluatie-soort"
)

// zone is that of the Netherlands and Sweden, whose clocks have been the same since 1980.
var zone = sync.OnceValue(func() *time.Location {
	z, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil { // the data is compiled in: only a broken build comes here
		return time.FixedZone("CET", 3600)
	}
	return z
})

// dayForm is a FHIR date.
const dayForm = "2006-01-02"

// dayOf returns the local day of an instant, moved by days.
func dayOf(at time.Time, days int) string { return at.In(zone()).AddDate(0, 0, days).Format(dayForm) }

// dayAfter returns the local day that lies days after a FHIR date or dateTime; false for one that does
// not name a day.
func dayAfter(text string, days int) (string, bool) {
	at, ok := moment(text)
	if !ok {
		return "", false
	}
	return dayOf(at, days), true
}

// moment reads a FHIR date or dateTime that names a day: the first instant that it can mean.
func moment(text string) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	at, err := time.ParseInLocation(dayForm, text, zone())
	return at, err == nil
}

// refAt returns the first literal reference at the names, zero when there is none.
func refAt(n fhir.Node, names ...string) fhir.Ref {
	ref, ok := fhir.ParseRef(n.At(names...).At("reference").Text())
	if !ok {
		return fhir.Ref{}
	}
	return ref.Current()
}

// coded reports whether one of the Codings at the names has the system and code.
func coded(n fhir.Node, system, code string, names ...string) bool {
	for c := range n.All(names...) {
		if c.Member("system").Text() == system && c.Member("code").Text() == code {
			return true
		}
	}
	return false
}

// The JSON of what the rules write.
type (
	coding struct {
		System string `json:"system"`
		Code   string `json:"code"`
	}
	concept struct {
		Coding []coding `json:"coding,omitempty"`
		Text   string   `json:"text,omitempty"`
	}
	reference struct {
		Reference string `json:"reference"`
	}
	period struct {
		Start string `json:"start,omitempty"`
		End   string `json:"end,omitempty"`
	}
)

func codedAs(system, code string) concept { return concept{Coding: []coding{{system, code}}} }

func to(ref fhir.Ref) *reference { return &reference{ref.Current().String()} }

type provenanceAgent struct {
	Type concept       `json:"type"`
	Who  provenanceWho `json:"who"`
}

type provenanceWho struct {
	Reference  string      `json:"reference,omitempty"`
	Identifier *identifier `json:"identifier,omitempty"`
}

type identifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

type provenance struct {
	ResourceType string            `json:"resourceType"`
	ID           string            `json:"id"`
	Target       []*reference      `json:"target"`
	Occurred     string            `json:"occurredDateTime"`
	Recorded     string            `json:"recorded"`
	Policy       []string          `json:"policy"`
	Activity     concept           `json:"activity"`
	Agent        []provenanceAgent `json:"agent"`
}

// Provenance tells that a rule wrote the targets for the organisation that holds them; zero: nobody does.
func Provenance(id, rule string, targets []fhir.Ref, holder fhir.Ref, created bool, now time.Time) (*fhir.Resource, error) {
	const terms = "http://terminology.hl7.org/CodeSystem/"
	activity := "UPDATE"
	if created {
		activity = "CREATE"
	}
	at := now.UTC().Format(time.RFC3339)
	agent := func(kind string, who provenanceWho) provenanceAgent {
		return provenanceAgent{codedAs(terms+"provenance-participant-type", kind), who}
	}
	p := provenance{
		ResourceType: "Provenance", ID: id, Occurred: at, Recorded: at,
		Policy: []string{fhir.Canonical + "/mks/workflow/" + rule}, Activity: codedAs(terms+"v3-DataOperation", activity),
	}
	if !holder.IsZero() {
		p.Agent = append(p.Agent, agent("author", provenanceWho{Reference: holder.Current().String()}),
			agent("custodian", provenanceWho{Reference: holder.Current().String()}))
	}
	p.Agent = append(p.Agent, agent("assembler", provenanceWho{Identifier: &identifier{fhir.Canonical, "drieluik"}}))
	for _, ref := range targets {
		p.Target = append(p.Target, to(ref))
	}
	return fhir.Make("workflow.Provenance", p)
}
