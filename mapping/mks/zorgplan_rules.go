package mks

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// checkPlan holds the rules of mks.md 3.5 that need the document alone.
func checkPlan(d *document) {
	in := d.inhoud()
	checkPlanSize(d, in)
	checkPlanVersion(d, in)
	checkPlanDomains(d, in)
	checkPlanIDs(d, in)
	nursed := false
	for _, a := range in.at("acties").items() {
		checkTiming(d, a)
		checkMoments(d, a)
		checkReserved(d, a)
		nursed = nursed || a.at("wet").str() == "zvw" && a.at("onderdeel").str() == "verpleging"
	}
	if nursed && !in.at("noodplan").present() {
		d.tell("MKS-ZP-14", in.at("noodplan"))
	}
	for _, g := range in.at("doelen").items() {
		if !g.at("opgesteldMet").present() {
			d.tell("MKS-ZP-15", g.at("opgesteldMet"))
		}
	}
	if d.head.status == "definitief" && in.at("evaluatieplan").absentOrSound() && !plansEvaluation(in) {
		d.tell("MKS-ZP-10", in.at("evaluatieplan"))
	}
}

// Bounds of one plan. Every executor of an action gets a CarePlan with its text and times, so without
// them a small document could become a huge answer.
const (
	maxExecutors = 1000 // of all actions together
	maxTimes     = 288  // of one action or executor: every five minutes
)

// checkPlanSize refuses a plan past the bounds (MKS-ENV-02).
func checkPlanSize(d *document, in value) {
	executors := 0
	for _, a := range in.at("acties").items() {
		list := a.at("uitvoerders")
		executors += list.n.Len()
		d.atMost(a.at("tijden"), maxTimes)
		if list.n.Len() > maxExecutors {
			continue
		}
		for _, e := range list.items() {
			d.atMost(e.at("momenten"), maxTimes)
		}
	}
	if executors > maxExecutors {
		d.tooMany(in.at("acties"))
	}
}

func (d *document) atMost(list value, most int) {
	if list.n.Len() > most {
		d.tooMany(list)
	}
}

const tooLong = "The list is longer than in any real record. Split it."

func (d *document) tooMany(list value) {
	d.report(fhir.SeverityError, "MKS-ENV-02", list, tooLong)
	d.mark(list.ptr)
}

// checkPlanVersion holds ZP-01, ZP-16 and the half of ZP-13 that needs no team. A withdrawal changes
// nothing and signs nothing: it is never refused for what the withdrawn version said.
func checkPlanVersion(d *document, in value) {
	version := d.root.at("versie")
	if !version.sound() {
		return
	}
	if old := in.at("vervangtVersie"); old.sound() && old.whole() >= version.whole() {
		d.tell("MKS-ZP-01", old)
	}
	if d.head.status == "ingetrokken" {
		return
	}
	if change := in.at("wijziging"); version.whole() > 1 && !change.present() {
		d.tell("MKS-ZP-13", change)
	}
	for _, s := range in.at("handtekeningen").items() {
		if signed := s.at("versie"); signed.sound() && signed.whole() != version.whole() {
			d.tell("MKS-ZP-16", signed)
		}
	}
}

// checkPlanDomains holds ZP-02.
func checkPlanDomains(d *document, in value) {
	division := in.at("domeinindeling")
	if !division.sound() {
		return
	}
	for _, list := range []string{"problemen", "doelen", "acties"} {
		for _, item := range in.at(list).items() {
			if domain := item.at("domein"); domain.sound() && !inList(division.str()+"-domein", domain.str()) {
				d.tell("MKS-ZP-02", domain)
			}
		}
	}
}

// checkPlanIDs holds REF-05 inside the plan: a goal names a problem, an action a goal and a problem.
func checkPlanIDs(d *document, in value) {
	for _, link := range []struct{ from, member, to string }{
		{"doelen", "probleem", "problemen"}, {"acties", "doel", "doelen"}, {"acties", "probleem", "problemen"},
	} {
		ids, sound := idsOf(in.at(link.to))
		if !sound {
			continue
		}
		for _, item := range in.at(link.from).items() {
			if id := item.at(link.member); id.sound() && !ids[id.str()] {
				d.fail("MKS-REF-05", id)
			}
		}
	}
}

// idsOf returns the ids of a list, and false when one of them is faulty.
func idsOf(list value) (map[string]bool, bool) {
	ids := map[string]bool{}
	for _, item := range list.items() {
		if !item.at("id").sound() {
			return nil, false
		}
		ids[item.at("id").str()] = true
	}
	return ids, true
}

// checkTiming holds ZP-05.
func checkTiming(d *document, a value) {
	given := 0
	for _, way := range []string{"tijden", "frequentie", "conditie"} {
		if a.at(way).present() {
			given++
		}
	}
	if given != 1 {
		d.tell("MKS-ZP-05", a)
	}
}

// checkMoments holds ZP-06 and ZP-07.
func checkMoments(d *document, a value) {
	times := a.at("tijden")
	if !times.absentOrSound() {
		return
	}
	var taken []string
	everybodyChose := true
	for _, e := range a.at("uitvoerders").items() {
		moments := e.at("momenten")
		if !moments.absentOrSound() {
			return
		}
		everybodyChose = everybodyChose && moments.present()
		taken = append(taken, moments.strs()...)
		if !allIn(moments.strs(), times.strs()) {
			d.tell("MKS-ZP-07", moments)
		}
	}
	if len(taken) > 0 && everybodyChose && !allIn(times.strs(), taken) {
		d.tell("MKS-ZP-06", times)
	}
}

func allIn(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(s string) bool { return !slices.Contains(whole, s) })
}

// checkReserved holds ZP-09 and the half of ZP-08 that needs no staff list.
func checkReserved(d *document, a value) {
	if !a.at("voorbehouden").yes() {
		return
	}
	for _, e := range a.at("uitvoerders").items() {
		switch e.at("soort").str() {
		case "vrijwilliger":
			d.tell("MKS-ZP-08", e)
		case "ouder", "mantelzorger", "kind":
			if !e.at("bekwaam").present() {
				d.tell("MKS-ZP-09", e)
			}
		}
	}
}

// plansEvaluation reports whether ZP-10 holds: the parents are heard twice a year.
func plansEvaluation(in value) bool {
	return slices.ContainsFunc(in.at("evaluatieplan").items(), func(r value) bool {
		who := r.at("deelnemers").strs()
		return r.at("soort").str() == "evaluatie-ouders" && r.at("perJaar").whole() >= 2 &&
			slices.Contains(who, "zorgcoordinator") && (slices.Contains(who, "ouder") || slices.Contains(who, "kind"))
	})
}

// planRules are severity and text of the rules ZP-01 to ZP-17 and of 7.12; ZP-03 is a rule of the form. Read only.
var planRules = map[string]struct{ severity, text string }{
	"MKS-ZP-01": {fhir.SeverityError, "The replaced version is not lower than this version."},
	"MKS-ZP-02": {fhir.SeverityError, "The domain is not one of the division that the plan uses."},
	"MKS-ZP-04": {fhir.SeverityError, "The kind of executor does not fit whom the reference names."},
	"MKS-ZP-05": {fhir.SeverityError, "An action needs exactly one of tijden, frequentie and conditie."},
	"MKS-ZP-06": {fhir.SeverityWarning, "Nobody does the action at one of its times. Give each time an executor."},
	"MKS-ZP-07": {fhir.SeverityError, "A moment of the executor is not one of the times of the action."},
	"MKS-ZP-08": {fhir.SeverityError, "A reserved act may not be done by a volunteer or by a professional without BIG."},
	"MKS-ZP-09": {fhir.SeverityWarning, "A reserved act is done by family without a recorded competence. Record bekwaam."},
	"MKS-ZP-10": {fhir.SeverityError, "A definitive plan needs an evaluatie-ouders twice a year with the zorgcoordinator and a parent or the child."},
	"MKS-ZP-11": {fhir.SeverityWarning, "The plan was not drawn up by the current zorgcoordinator."},
	"MKS-ZP-12": {fhir.SeverityWarning, "The plan is not signed by those who must sign: it is held as a draft, and the version in force stays."},
	"MKS-ZP-13": {fhir.SeverityError, "A changed plan needs wijziging, made through the current zorgcoordinator."},
	"MKS-ZP-14": {fhir.SeverityWarning, "The plan has nursing care but no noodplan."},
	"MKS-ZP-15": {fhir.SeverityWarning, "The goal does not say with whom it was set."},
	"MKS-ZP-16": {fhir.SeverityError, "The signature is for another version of the plan."},
	"MKS-ZP-17": {fhir.SeverityWarning, "The law and part of care are no stored outcome of a verwijsboom."},
	"MKS-WF-12": {fhir.SeverityInformation, "One parent does more than 21 actions a week. Ask whether that can be borne, and who can take over."},
}

// tell reports a broken rule of the zorgplan.
func (d *document) tell(rule string, v value) {
	r := planRules[rule]
	d.report(r.severity, rule, v, r.text)
}
