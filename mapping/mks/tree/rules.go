package tree

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/plan"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// checkStoredClosing holds BB-02, BB-10, and REF-04 for the plan. A withdrawal is not refused for what
// is stored by now.
func checkStoredClosing(m *tofhir.Mapper) error {
	in := m.Content()
	if m.Head.Status != "ingetrokken" {
		if err := checkClosingEvaluation(m, in.At("evaluatieAfsluitend")); err != nil {
			return err
		}
	}
	if name := in.At("afgeslotenZorgplan"); name.Sound() {
		held, err := plan.InForce(m, name.Str())
		if err != nil {
			return err
		}
		if held == nil {
			m.Warn("MKS-REF-04", name)
		}
	}
	return treeAgeRule(m, "MKS-BB-10", "bb.leeftijd")
}

// checkClosingEvaluation holds BB-02: the evaluation was held, of this child, and is a closing one.
func checkClosingEvaluation(m *tofhir.Mapper, name form.Value) error {
	if !name.Sound() {
		return nil
	}
	hits, err := m.Known.Identified("Encounter", fhir.Identifier{System: m.Head.Base() + "/evaluatie", Value: name.Str()})
	if err != nil {
		return fmt.Errorf("mks.checkClosingEvaluation: %w", err)
	}
	if !slices.ContainsFunc(hits, func(f *mapping.Found) bool {
		n := tofhir.Found(f)
		return plan.OfChild(m, n) && n.Member("status").Text() == "finished" && tofhir.CodeIn(n, "type", "evaluatie-soort") == "afsluitend"
	}) {
		m.Fail("MKS-BB-02", name)
	}
	return nil
}

// checkStoredReferral holds the rules that need child and staff: VB-05, and VB-06 for who has no BIG
// number.
func checkStoredReferral(m *tofhir.Mapper) error {
	if m.Head.Status != "ingetrokken" {
		for _, o := range m.Content().At("uitkomsten").Items() {
			who := o.At("indicatiesteller")
			if t := m.Target(who); o.At("wet").Str() == "zvw" && who.Sound() && t.Kind == "med" && !t.Big {
				m.Fail("MKS-VB-06", who)
			}
		}
	}
	return treeAgeRule(m, "MKS-VB-05", "vb.leeftijd")
}
