package mks

import (
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/mapping/form"
)

// transferRules are the MKS-OVD rules of the document alone.
func transferRules(d *document) {
	c := d.inhoud()
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
	if d.discharge() {
		dischargeRules(d, c)
	}
}

// discharge reports whether the record sends a child home from hospital, and still stands.
func (d *document) discharge() bool {
	v := d.inhoud().At("richting")
	return v.Sound() && v.Str() == "ziekenhuis-naar-huis" && d.head.status != "ingetrokken"
}

// partyRules compare sender and receiver as far as the document alone tells (MKS-OVD-04, 13): the
// sender is the organisation of the source system.
func partyRules(d *document, c form.Value) {
	from, to := c.At("verzender").At("organisatie"), c.At("ontvanger").At("organisatie")
	own := "ura:" + d.head.ura
	if from.Sound() && strings.HasPrefix(from.Str(), "ura:") && d.head.ura != "" && from.Str() != own {
		d.Fail("MKS-OVD-13", from)
	}
	if from.Sound() && to.Sound() && (from.Str() == to.Str() || to.Str() == own) {
		d.Fail("MKS-OVD-04", to)
	}
}

// dischargeRules are those of a discharge from hospital to home.
func dischargeRules(d *document, c form.Value) {
	if talk := c.At("drieluikGesprek"); talk.AbsentOrSound() && !talk.At("gehouden").Yes() {
		d.Warn("MKS-OVD-11", talk)
	}
	if stay := c.At("opname"); stay.AbsentOrSound() && !stay.At("tot").Present() {
		d.Warn("MKS-OVD-14", stay.At("tot"))
	}
}

// measurementRules check when and in which bounds something was measured.
func measurementRules(d *document, c form.Value) {
	recorded := d.Root().At("vastgelegdOp")
	for _, m := range measures {
		v := c.At("metingen").At(m.name)
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

func measuredBefore(d *document, at, recorded form.Value) {
	if at.Sound() && recorded.Sound() && at.Instant().After(recorded.Instant()) {
		d.Fail("MKS-OVD-06", at)
	}
}
