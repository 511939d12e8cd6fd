package mks

import (
	exact "math/big"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// checkReferral holds the rules of mks.md 3.3 that need the document alone.
func checkReferral(d *document) {
	in := d.inhoud()
	given := in.at("antwoorden")
	d.atMost(given.at("vb.handelingenLijst"), maxInTree)
	d.atMost(in.at("uitkomsten"), maxInTree)
	checkReferralTable(d, in)
	if list := given.at("vb.handelingenLijst"); given.at("vb.handelingen").yes() && !list.present() {
		d.fail("MKS-VB-09", list)
	}
	for _, o := range in.at("uitkomsten").items() {
		d.atMost(o.at("regels"), maxInTree)
		if who := o.at("indicatiesteller"); o.at("wet").str() == "zvw" && !who.present() {
			d.fail("MKS-VB-06", who)
		}
	}
	checkIndication(d, in)
}

// checkReferralTable holds VB-03, VB-04 and what the table itself reports (VB-12, VB-13, VB-14).
func checkReferralTable(d *document, in value) {
	given := in.at("antwoorden")
	if !given.sound() {
		return
	}
	said := answersOf(given)
	for _, rule := range referralTable.told(said) {
		n := referralNotes[rule]
		d.report(n.severity, rule, given.at(n.answer), "")
	}
	list := in.at("uitkomsten")
	if list.absentOrSound() && referralTable.differs(referralOutcomes(list), said) {
		d.deviates("MKS-VB-03", "MKS-VB-04", list)
	}
}

// referralNotes say how, and at which answer, a rule of the table is reported. Read only.
var referralNotes = map[string]struct{ severity, answer string }{
	"MKS-VB-12": {fhir.SeverityInformation, "vb.leeftijd"},
	"MKS-VB-13": {fhir.SeverityWarning, "vb.somatisch"},
	"MKS-VB-14": {fhir.SeverityInformation, "vb.terminaal"},
}

// deviates reports outcomes that a table does not give: a warning when a reason is given.
func (d *document) deviates(wrong, explained string, list value) {
	if d.inhoud().at("afwijkingReden").present() {
		d.warn(explained, list)
		return
	}
	d.fail(wrong, list)
}

// referralOutcomes returns uitkomsten as the table writes them: wet/onderdeel.
func referralOutcomes(list value) []string {
	var out []string
	for _, o := range list.items() {
		out = append(out, outcomeName(o))
	}
	return out
}

func outcomeName(o value) string { return o.at("wet").str() + "/" + o.at("onderdeel").str() }

// Bounds of an indication.
const (
	weekHours     = 168
	longestInDays = 366 // both ends counted
)

// checkIndication holds VB-07, VB-08, VB-10 and VB-11.
func checkIndication(d *document, in value) {
	v := in.at("indicatie")
	checkHours(d, v.at("urenPerWeek"), in.at("uitkomsten"))
	from, to := v.at("vanaf"), v.at("totEnMet")
	if from.sound() && to.sound() && to.day().time().Sub(from.day().time()) >= longestInDays*24*time.Hour {
		d.warn("MKS-VB-10", to)
	}
	why := v.at("onderbouwing")
	if contains([]string{"pgb", "combi"}, v.at("leveringsvorm").str()) && !why.present() {
		d.fail("MKS-VB-11", why)
	}
}

// checkHours holds VB-07 and VB-08.
func checkHours(d *document, hours, outcomes value) {
	sum := new(exact.Rat)
	for n := range hours.n.Children() {
		v := hours.holding(n)
		if !v.present() {
			continue
		}
		if x, ok := new(exact.Rat).SetString(v.decimal()); ok {
			sum.Add(sum, x)
		}
		if outcomes.absentOrSound() && !slices.ContainsFunc(outcomes.items(), func(o value) bool {
			return o.at("onderdeel").str() == n.Name()
		}) {
			d.fail("MKS-VB-07", v)
		}
	}
	if hours.sound() && sum.Cmp(exact.NewRat(weekHours, 1)) > 0 {
		d.fail("MKS-VB-08", hours)
	}
}

// checkStoredReferral holds the rules that need child and staff: VB-05, and VB-06 for who has no BIG
// number.
func checkStoredReferral(m *mapper) error {
	if m.head.status != "ingetrokken" {
		for _, o := range m.inhoud().at("uitkomsten").items() {
			who := o.at("indicatiesteller")
			if t := m.target(who); o.at("wet").str() == "zvw" && who.sound() && t.kind == "med" && !t.big {
				m.fail("MKS-VB-06", who)
			}
		}
	}
	return m.treeAgeRule("MKS-VB-05", "vb.leeftijd")
}
