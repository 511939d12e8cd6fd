package record

import (
	"slices"

	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/decide"
)

// checkClosing holds the rules of mks.md 3.7 that need the document alone.
func checkClosing(d *Document) {
	in := d.Content()
	if !in.At("evaluatieAfsluitend").Present() {
		d.Fail("MKS-BB-01", in)
	}
	for _, list := range []form.Value{in.At("uitkomsten"), in.At("informeren"), in.At("antwoorden").At("bb.andereBehoeften")} {
		d.AtMost(list, MaxInTree)
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
func checkClosingTable(d *Document, in form.Value) {
	given, list := in.At("antwoorden"), in.At("uitkomsten")
	nursed := given.At("bb.verpleging").Yes() && given.At("bb.wlz").Sound() && !given.At("bb.wlz").Yes()
	if by := given.At("bb.voortzetting"); nursed && !by.Present() {
		d.Fail("MKS-BB-08", by)
		if !given.At("bb.overleden").Yes() {
			return
		}
	}
	if given.Sound() && list.Sound() && decide.Closing.Differs(list.Strs(), decide.AnswersOf(given)) {
		d.deviates("MKS-BB-03", "MKS-BB-04", list)
	}
}

// checkClosingAges holds BB-06 and BB-09.
func checkClosingAges(d *Document, in form.Value) {
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
