package record

import (
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/mapping/form"
)

// transferRules are the MKS-OVD rules of the document alone.
func transferRules(d *Document) {
	c := d.Content()
	if !c.At("medischeDiagnoses").Present() || !c.At("behandelaars").Present() {
		d.Fail("MKS-OVD-03", c)
	}
	partyRules(d, c)
	measurementRules(d, c)
	if v := c.At("leeftijdsvariant"); v.Sound() {
		if v.Str() == "1-18" && c.At("metingen").At("schedelomtrek").Present() {
			d.Fail("MKS-OVD-10", c.At("metingen").At("schedelomtrek"))
		}
		if v.Str() == "0-1" && c.At("mobiliteit").Present() {
			d.Fail("MKS-OVD-10", c.At("mobiliteit"))
		}
	}
	talk := c.At("drieluikGesprek")
	if talk.At("gehouden").Sound() && talk.At("gehouden").Yes() && !talk.At("datum").Present() {
		d.Fail("MKS-OVD-12", talk.At("datum"))
	}
	if d.Discharge() {
		dischargeRules(d, c)
	}
}

// Discharge reports whether the record sends a child home from hospital, and still stands.
func (d *Document) Discharge() bool {
	v := d.Content().At("richting")
	return v.Sound() && v.Str() == "ziekenhuis-naar-huis" && d.Head.Status != "ingetrokken"
}

// partyRules compare sender and receiver as far as the document alone tells (MKS-OVD-04, 13): the
// sender is the organisation of the source system.
func partyRules(d *Document, c form.Value) {
	from, to := c.At("verzender").At("organisatie"), c.At("ontvanger").At("organisatie")
	own := "ura:" + d.Head.URA
	if from.Sound() && strings.HasPrefix(from.Str(), "ura:") && d.Head.URA != "" && from.Str() != own {
		d.Fail("MKS-OVD-13", from)
	}
	if from.Sound() && to.Sound() && (from.Str() == to.Str() || to.Str() == own) {
		d.Fail("MKS-OVD-04", to)
	}
}

// dischargeRules are those of a discharge from hospital to home.
func dischargeRules(d *Document, c form.Value) {
	if talk := c.At("drieluikGesprek"); talk.AbsentOrSound() && !talk.At("gehouden").Yes() {
		d.Warn("MKS-OVD-11", talk)
	}
	if stay := c.At("opname"); stay.AbsentOrSound() && !stay.At("tot").Present() {
		d.Warn("MKS-OVD-14", stay.At("tot"))
	}
}

// measurementRules check when and in which bounds something was measured.
func measurementRules(d *Document, c form.Value) {
	recorded := d.Root().At("vastgelegdOp")
	for _, m := range Measures {
		v := c.At("metingen").At(m.Name)
		measuredBefore(d, v.At("op"), recorded)
		x, err := strconv.ParseFloat(v.At("waarde").Decimal(), 64)
		if v.At("waarde").Sound() && (err != nil || x < m.low || x > m.high) {
			d.Fail("MKS-OVD-07", v.At("waarde"))
		}
	}
	pain := c.At("pijn")
	measuredBefore(d, pain.At("op"), recorded)
	if pain.SoundAll("schaal", "score") {
		low, high := int64(0), int64(10)
		if pain.At("schaal").Str() == "COMFORT" {
			low, high = 6, 30
		}
		if n := pain.At("score").Whole(); n < low || n > high {
			d.Fail("MKS-OVD-08", pain.At("score"))
		}
	}
}

func measuredBefore(d *Document, at, recorded form.Value) {
	if at.Sound() && recorded.Sound() && at.Instant().After(recorded.Instant()) {
		d.Fail("MKS-OVD-06", at)
	}
}
