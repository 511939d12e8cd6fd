package record

import (
	exact "math/big"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/decide"
)

// checkReferral holds the rules of mks.md 3.3 that need the document alone.
func checkReferral(d *Document) {
	in := d.Content()
	given := in.At("antwoorden")
	d.AtMost(given.At("vb.handelingenLijst"), MaxInTree)
	d.AtMost(in.At("uitkomsten"), MaxInTree)
	checkReferralTable(d, in)
	if list := given.At("vb.handelingenLijst"); given.At("vb.handelingen").Yes() && !list.Present() {
		d.Fail("MKS-VB-09", list)
	}
	for _, o := range in.At("uitkomsten").Items() {
		d.AtMost(o.At("regels"), MaxInTree)
		if who := o.At("indicatiesteller"); o.At("wet").Str() == "zvw" && !who.Present() {
			d.Fail("MKS-VB-06", who)
		}
	}
	checkIndication(d, in)
}

// checkReferralTable holds VB-03, VB-04 and what the table itself reports (VB-12, VB-13, VB-14).
func checkReferralTable(d *Document, in form.Value) {
	given := in.At("antwoorden")
	if !given.Sound() {
		return
	}
	said := decide.AnswersOf(given)
	for _, rule := range decide.Referral.Told(said) {
		n := referralNotes[rule]
		d.Report(n.severity, rule, given.At(n.answer))
	}
	list := in.At("uitkomsten")
	if list.AbsentOrSound() && decide.Referral.Differs(referralOutcomes(list), said) {
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
func (d *Document) deviates(wrong, explained string, list form.Value) {
	if d.Content().At("afwijkingReden").Present() {
		d.Warn(explained, list)
		return
	}
	d.Fail(wrong, list)
}

// referralOutcomes returns uitkomsten as the table writes them: wet/onderdeel.
func referralOutcomes(list form.Value) []string {
	var out []string
	for _, o := range list.Items() {
		out = append(out, OutcomeName(o))
	}
	return out
}

// OutcomeName is "wet/onderdeel", as the decision table names an outcome.
func OutcomeName(o form.Value) string { return o.At("wet").Str() + "/" + o.At("onderdeel").Str() }

// Bounds of an indication.
const (
	weekHours     = 168
	longestInDays = 366 // both ends counted
)

// checkIndication holds VB-07, VB-08, VB-10 and VB-11.
func checkIndication(d *Document, in form.Value) {
	v := in.At("indicatie")
	checkHours(d, v.At("urenPerWeek"), in.At("uitkomsten"))
	from, to := v.At("vanaf"), v.At("totEnMet")
	if from.Sound() && to.Sound() && to.Day().Time().Sub(from.Day().Time()) >= longestInDays*24*time.Hour {
		d.Warn("MKS-VB-10", to)
	}
	why := v.At("onderbouwing")
	if slices.Contains([]string{"pgb", "combi"}, v.At("leveringsvorm").Str()) && !why.Present() {
		d.Fail("MKS-VB-11", why)
	}
}

// checkHours holds VB-07 and VB-08.
func checkHours(d *Document, hours, outcomes form.Value) {
	sum := new(exact.Rat)
	for _, v := range hours.Members() {
		if !v.Present() {
			continue
		}
		if x, ok := new(exact.Rat).SetString(v.Decimal()); ok {
			sum.Add(sum, x)
		}
		if outcomes.AbsentOrSound() && !slices.ContainsFunc(outcomes.Items(), func(o form.Value) bool {
			return o.At("onderdeel").Str() == v.Name()
		}) {
			d.Fail("MKS-VB-07", v)
		}
	}
	if hours.Sound() && sum.Cmp(exact.NewRat(weekHours, 1)) > 0 {
		d.Fail("MKS-VB-08", hours)
	}
}
