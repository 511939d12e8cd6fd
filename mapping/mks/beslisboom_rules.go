package mks

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
)

// checkClosing holds the rules of mks.md 3.7 that need the document alone.
func checkClosing(d *document) {
	in := d.inhoud()
	if !in.At("evaluatieAfsluitend").Present() {
		d.Fail("MKS-BB-01", in)
	}
	for _, list := range []form.Value{in.At("uitkomsten"), in.At("informeren"), in.At("antwoorden").At("bb.andereBehoeften")} {
		d.AtMost(list, maxInTree)
	}
	checkClosingTable(d, in)
	told := in.At("informeren")
	outcomes := in.At("uitkomsten").Strs()
	if slices.Contains(outcomes, "geen") && told.AbsentOrSound() && !slices.Contains(told.Strs(), "kinderarts") && !slices.Contains(told.Strs(), "huisarts") {
		d.Fail("MKS-BB-05", told)
	}
	moves := slices.Contains(outcomes, "andere-aanbieder") || slices.Contains(outcomes, "volwassenenzorg")
	if to := in.At("overdracht"); moves && !to.Present() {
		d.Warn("MKS-BB-07", to)
	}
	checkClosingAges(d, in)
}

// checkClosingTable holds BB-08, BB-03 and BB-04. Without bb.voortzetting the table cannot tell.
func checkClosingTable(d *document, in form.Value) {
	given, list := in.At("antwoorden"), in.At("uitkomsten")
	nursed := given.At("bb.verpleging").Yes() && given.At("bb.wlz").Sound() && !given.At("bb.wlz").Yes()
	if by := given.At("bb.voortzetting"); nursed && !by.Present() {
		d.Fail("MKS-BB-08", by)
		if !given.At("bb.overleden").Yes() {
			return
		}
	}
	if given.Sound() && list.Sound() && closingTable.differs(list.Strs(), answersOf(given)) {
		d.deviates("MKS-BB-03", "MKS-BB-04", list)
	}
}

// checkClosingAges holds BB-06 and BB-09.
func checkClosingAges(d *document, in form.Value) {
	years := in.At("antwoorden").At("bb.leeftijd")
	if !years.Sound() {
		return
	}
	for _, o := range in.At("uitkomsten").Items() {
		switch {
		case o.Str() == "wlz" && years.Whole() < 5:
			d.Warn("MKS-BB-06", o)
		case o.Str() == "volwassenenzorg" && years.Whole() < 16:
			d.Warn("MKS-BB-09", o)
		}
	}
}

// checkStoredClosing holds BB-02, BB-10, and REF-04 for the plan. A withdrawal is not refused for what
// is stored by now.
func checkStoredClosing(m *mapper) error {
	in := m.inhoud()
	if m.head.status != "ingetrokken" {
		if err := m.checkClosingEvaluation(in.At("evaluatieAfsluitend")); err != nil {
			return err
		}
	}
	if name := in.At("afgeslotenZorgplan"); name.Sound() {
		plan, err := m.planInForce(name.Str())
		if err != nil {
			return err
		}
		if plan == nil {
			m.Warn("MKS-REF-04", name)
		}
	}
	return m.treeAgeRule("MKS-BB-10", "bb.leeftijd")
}

// checkClosingEvaluation holds BB-02: the evaluation was held, of this child, and is a closing one.
func (m *mapper) checkClosingEvaluation(name form.Value) error {
	if !name.Sound() {
		return nil
	}
	hits, err := m.known.Identified("Encounter", fhir.Identifier{System: m.head.base() + "/evaluatie", Value: name.Str()})
	if err != nil {
		return fmt.Errorf("mks.checkClosingEvaluation: %w", err)
	}
	if !slices.ContainsFunc(hits, func(f *mapping.Found) bool {
		n := found(f)
		return m.ofChild(n) && n.Member("status").Text() == "finished" && codeIn(n, "type", "evaluatie-soort") == "afsluitend"
	}) {
		m.Fail("MKS-BB-02", name)
	}
	return nil
}

// ofChild reports whether the subject of a resource is the child of this record.
func (m *mapper) ofChild(n fhir.Node) bool {
	return n.At("subject", "reference").Text() == m.child.ref.String()
}

// planInForce returns the master CarePlan of a zorgplan of this source and child, or nil. A draft is
// none.
func (m *mapper) planInForce(record string) (*mapping.Found, error) {
	key := "CarePlan/" + m.head.source() + "/zorgplan/" + record
	hit, err := m.known.Read(fhir.Ref{Type: "CarePlan", ID: mapping.ID(key)})
	if err != nil {
		return nil, fmt.Errorf("mks.planInForce: %w", err)
	}
	if hit == nil || !m.ofChild(found(hit)) {
		return nil, nil
	}
	return hit, nil
}
