package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// decisionJob is W10: may the hospital read the active plan of a child whose parents permit it? The
// child's policy is compiled before the clock runs.
func decisionJob() (job, error) {
	now := time.Now()
	memory, format := mapping.NewMemory(), mks.Format{}
	for _, d := range story {
		doc, err := about(d.file, 0)
		if err != nil {
			return nil, err
		}
		source, result, err := mapped(format, doc, memory, now)
		if err != nil {
			return nil, err
		}
		memory.Apply(source, result, now)
	}
	m, plan, err := material(memory)
	if err != nil {
		return nil, err
	}
	scopes, err := auth.ParseScopes("system/*.rs")
	if err != nil {
		return nil, err
	}
	all := memory.All()
	who := auth.Principal{State: auth.TokenActive, Role: auth.System, Organization: organisation(all, organisations[hospital]), Purpose: "TREAT", Scopes: scopes}
	facts := auth.Facts{
		Now: now, Settings: auth.Settings{Jurisdiction: "nl"}, Resource: &plan, Children: []*auth.Child{auth.NewChild(m)}, Directory: auth.NewDirectory(all),
	}
	action := auth.Action{Interaction: auth.Read, Type: plan.Ref.Type}
	if d := auth.Decide(who, action, facts); !d.Permit {
		return nil, errors.New("the hospital may not read the plan: " + d.Reason)
	}
	return func(context.Context, *worker) (int, error) {
		for range decisions {
			if !auth.Decide(who, action, facts).Permit {
				return 0, errors.New("a decision changed")
			}
		}
		return decisions, nil
	}, nil
}

// decisions are taken between two looks at the clock, which costs as much as one.
const decisions = 100

// material gathers the policy of the child and the facts of its active plan.
func material(memory *mapping.Memory) (auth.Material, auth.ResourceFacts, error) {
	var m auth.Material
	var plan auth.ResourceFacts
	trees := map[fhir.Ref]*fhir.Resource{}
	for _, r := range memory.All() {
		trees[r.Ref()] = r
	}
	patientsOf := func(ref fhir.Ref) []fhir.Ref {
		if r := trees[ref.Current()]; r != nil && ref.Type != "Patient" {
			return auth.FactsOf(r, nil, nil).Patients
		}
		return []fhir.Ref{ref.Current()}
	}
	for ref, r := range trees {
		rows, err := search.Index(r, "https://drieluik.example/fhir")
		if err != nil {
			return m, plan, err
		}
		found, err := memory.Read(ref)
		if err != nil {
			return m, plan, err
		}
		f := auth.FactsOf(r, rows, patientsOf)
		f.Ref, f.Custodian, f.Author, f.Updated, f.FiledAt = ref, found.Custodian, found.Author, found.Updated, found.Updated
		if ref.Type == "Patient" {
			m.Compartment, m.Epoch = ref.ID, 1
		}
		if ref.Type == "CarePlan" && f.Status == "active" && len(f.Domains) > 0 {
			plan = f
		}
		if slices.Contains(auth.FactTypes[:], ref.Type) {
			m.Resources = append(m.Resources, auth.Stored{Resource: r, Facts: f})
		}
	}
	if plan.Ref.IsZero() || m.Compartment == "" {
		return m, plan, errors.New("the story has no child with an active plan")
	}
	return m, plan, nil
}

// organisation finds the organisation of a URA.
func organisation(all []*fhir.Resource, ura string) fhir.Ref {
	for _, r := range all {
		if r.Type() != "Organization" {
			continue
		}
		for n := range r.Root().All("identifier") {
			if n.Member("value").Text() == ura {
				return r.Ref()
			}
		}
	}
	return fhir.Ref{}
}
