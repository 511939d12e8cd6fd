package mks

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// checkClosing holds the rules of mks.md 3.7 that need the document alone.
func checkClosing(d *document) {
	in := d.inhoud()
	if !in.at("evaluatieAfsluitend").present() {
		d.fail("MKS-BB-01", in)
	}
	for _, list := range []value{in.at("uitkomsten"), in.at("informeren"), in.at("antwoorden").at("bb.andereBehoeften")} {
		d.atMost(list, maxInTree)
	}
	checkClosingTable(d, in)
	told := in.at("informeren")
	outcomes := in.at("uitkomsten").strs()
	if contains(outcomes, "geen") && told.absentOrSound() && !contains(told.strs(), "kinderarts") && !contains(told.strs(), "huisarts") {
		d.fail("MKS-BB-05", told)
	}
	moves := contains(outcomes, "andere-aanbieder") || contains(outcomes, "volwassenenzorg")
	if to := in.at("overdracht"); moves && !to.present() {
		d.warn("MKS-BB-07", to)
	}
	checkClosingAges(d, in)
}

// checkClosingTable holds BB-08, BB-03 and BB-04. Without bb.voortzetting the table cannot tell.
func checkClosingTable(d *document, in value) {
	given, list := in.at("antwoorden"), in.at("uitkomsten")
	nursed := given.at("bb.verpleging").yes() && given.at("bb.wlz").sound() && !given.at("bb.wlz").yes()
	if by := given.at("bb.voortzetting"); nursed && !by.present() {
		d.fail("MKS-BB-08", by)
		if !given.at("bb.overleden").yes() {
			return
		}
	}
	if given.sound() && list.sound() && closingTable.differs(list.strs(), answersOf(given)) {
		d.deviates("MKS-BB-03", "MKS-BB-04", list)
	}
}

// checkClosingAges holds BB-06 and BB-09.
func checkClosingAges(d *document, in value) {
	years := in.at("antwoorden").at("bb.leeftijd")
	if !years.sound() {
		return
	}
	for _, o := range in.at("uitkomsten").items() {
		switch {
		case o.str() == "wlz" && years.whole() < 5:
			d.warn("MKS-BB-06", o)
		case o.str() == "volwassenenzorg" && years.whole() < 16:
			d.warn("MKS-BB-09", o)
		}
	}
}

// checkStoredClosing holds BB-02, BB-10, and REF-04 for the plan. A withdrawal is not refused for what
// is stored by now.
func checkStoredClosing(m *mapper) error {
	in := m.inhoud()
	if m.head.status != "ingetrokken" {
		if err := m.checkClosingEvaluation(in.at("evaluatieAfsluitend")); err != nil {
			return err
		}
	}
	if name := in.at("afgeslotenZorgplan"); name.sound() {
		plan, err := m.planInForce(name.str())
		if err != nil {
			return err
		}
		if plan == nil {
			m.warn("MKS-REF-04", name)
		}
	}
	return m.treeAgeRule("MKS-BB-10", "bb.leeftijd")
}

// checkClosingEvaluation holds BB-02: the evaluation was held, of this child, and is a closing one.
func (m *mapper) checkClosingEvaluation(name value) error {
	if !name.sound() {
		return nil
	}
	hits, err := m.known.Identified("Encounter", fhir.Identifier{System: m.head.base() + "/evaluatie", Value: name.str()})
	if err != nil {
		return fmt.Errorf("mks.checkClosingEvaluation: %w", err)
	}
	if !slices.ContainsFunc(hits, func(f *mapping.Found) bool {
		n := found(f)
		return m.ofChild(n) && n.Member("status").Text() == "finished" && codeIn(n, "type", "evaluatie-soort") == "afsluitend"
	}) {
		m.fail("MKS-BB-02", name)
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
