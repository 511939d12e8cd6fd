package mks

import (
	"strconv"
	"strings"
)

// transferRules are the MKS-OVD rules of the document alone.
func transferRules(d *document) {
	c := d.inhoud()
	if !c.at("medischeDiagnoses").present() || !c.at("behandelaars").present() {
		d.fail("MKS-OVD-03", c)
	}
	partyRules(d, c)
	measurementRules(d, c)
	if v := c.at("leeftijdsvariant"); v.sound() {
		if v.str() == "1-18" && c.at("metingen").at("schedelomtrek").present() {
			d.fail("MKS-OVD-10", c.at("metingen").at("schedelomtrek"))
		}
		if v.str() == "0-1" && c.at("mobiliteit").present() {
			d.fail("MKS-OVD-10", c.at("mobiliteit"))
		}
	}
	talk := c.at("drieluikGesprek")
	if talk.at("gehouden").sound() && talk.at("gehouden").yes() && !talk.at("datum").present() {
		d.fail("MKS-OVD-12", talk.at("datum"))
	}
	if d.discharge() {
		dischargeRules(d, c)
	}
}

// discharge reports whether the record sends a child home from hospital, and still stands.
func (d *document) discharge() bool {
	v := d.inhoud().at("richting")
	return v.sound() && v.str() == "ziekenhuis-naar-huis" && d.head.status != "ingetrokken"
}

// partyRules compare sender and receiver as far as the document alone tells (MKS-OVD-04, 13): the
// sender is the organisation of the source system.
func partyRules(d *document, c value) {
	from, to := c.at("verzender").at("organisatie"), c.at("ontvanger").at("organisatie")
	own := "ura:" + d.head.ura
	if from.sound() && strings.HasPrefix(from.str(), "ura:") && d.head.ura != "" && from.str() != own {
		d.fail("MKS-OVD-13", from)
	}
	if from.sound() && to.sound() && (from.str() == to.str() || to.str() == own) {
		d.fail("MKS-OVD-04", to)
	}
}

// dischargeRules are those of a discharge from hospital to home.
func dischargeRules(d *document, c value) {
	if talk := c.at("drieluikGesprek"); talk.absentOrSound() && !talk.at("gehouden").yes() {
		d.warn("MKS-OVD-11", talk)
	}
	if stay := c.at("opname"); stay.absentOrSound() && !stay.at("tot").present() {
		d.warn("MKS-OVD-14", stay.at("tot"))
	}
}

// measurementRules check when and in which bounds something was measured.
func measurementRules(d *document, c value) {
	recorded := d.root.at("vastgelegdOp")
	for _, m := range measures {
		v := c.at("metingen").at(m.name)
		measuredBefore(d, v.at("op"), recorded)
		x, err := strconv.ParseFloat(v.at("waarde").decimal(), 64)
		if v.at("waarde").sound() && (err != nil || x < m.low || x > m.high) {
			d.fail("MKS-OVD-07", v.at("waarde"))
		}
	}
	pain := c.at("pijn")
	measuredBefore(d, pain.at("op"), recorded)
	if pain.soundAll("schaal", "score") {
		low, high := int64(0), int64(10)
		if pain.at("schaal").str() == "COMFORT" {
			low, high = 6, 30
		}
		if n := pain.at("score").whole(); n < low || n > high {
			d.fail("MKS-OVD-08", pain.at("score"))
		}
	}
}

func measuredBefore(d *document, at, recorded value) {
	if at.sound() && recorded.sound() && at.instant().After(recorded.instant()) {
		d.fail("MKS-OVD-06", at)
	}
}
