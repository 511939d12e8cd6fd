package record

import (
	"cmp"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
)

// checkPlan holds the rules of mks.md 3.5 that need the document alone.
func checkPlan(d *Document) {
	in := d.Content()
	checkPlanSize(d, in)
	checkPlanVersion(d, in)
	checkPlanDomains(d, in)
	checkPlanIDs(d, in)
	nursed := false
	for _, a := range in.At("acties").Items() {
		checkTiming(d, a)
		checkMoments(d, a)
		checkReserved(d, a)
		nursed = nursed || a.At("wet").Str() == "zvw" && a.At("onderdeel").Str() == "verpleging"
	}
	if nursed && !in.At("noodplan").Present() {
		d.Tell("MKS-ZP-14", in.At("noodplan"))
	}
	for _, g := range in.At("doelen").Items() {
		if !g.At("opgesteldMet").Present() {
			d.Tell("MKS-ZP-15", g.At("opgesteldMet"))
		}
	}
	if d.Head.Status == "definitief" && in.At("evaluatieplan").AbsentOrSound() && !plansEvaluation(in) {
		d.Tell("MKS-ZP-10", in.At("evaluatieplan"))
	}
}

// Bounds of one plan. Every executor of an action gets a CarePlan with its text and times, so without
// them a small document could become a huge answer.
const (
	maxExecutors = 1000 // of all actions together
	maxTimes     = 288  // of one action or executor: every five minutes
)

// checkPlanSize refuses a plan past the bounds (MKS-ENV-02).
func checkPlanSize(d *Document, in form.Value) {
	executors := 0
	for _, a := range in.At("acties").Items() {
		list := a.At("uitvoerders")
		executors += list.Node().Len()
		d.AtMost(a.At("tijden"), maxTimes)
		if list.Node().Len() > maxExecutors {
			continue
		}
		for _, e := range list.Items() {
			d.AtMost(e.At("momenten"), maxTimes)
		}
	}
	if executors > maxExecutors {
		d.TooMany(in.At("acties"))
	}
}

// checkPlanVersion holds ZP-01, ZP-16 and the half of ZP-13 that needs no team. A withdrawal changes
// nothing and signs nothing: it is never refused for what the withdrawn version said.
func checkPlanVersion(d *Document, in form.Value) {
	version := d.Root().At("versie")
	if !version.Sound() {
		return
	}
	if old := in.At("vervangtVersie"); old.Sound() && old.Whole() >= version.Whole() {
		d.Tell("MKS-ZP-01", old)
	}
	if d.Head.Status == "ingetrokken" {
		return
	}
	if change := in.At("wijziging"); version.Whole() > 1 && !change.Present() {
		d.Tell("MKS-ZP-13", change)
	}
	for _, s := range in.At("handtekeningen").Items() {
		if signed := s.At("versie"); signed.Sound() && signed.Whole() != version.Whole() {
			d.Tell("MKS-ZP-16", signed)
		}
	}
}

// checkPlanDomains holds ZP-02.
func checkPlanDomains(d *Document, in form.Value) {
	division := in.At("domeinindeling")
	if !division.Sound() {
		return
	}
	for _, list := range []string{"problemen", "doelen", "acties"} {
		for _, item := range in.At(list).Items() {
			if domain := item.At("domein"); domain.Sound() && !InList(division.Str()+"-domein", domain.Str()) {
				d.Tell("MKS-ZP-02", domain)
			}
		}
	}
}

// checkPlanIDs holds REF-05 inside the plan: a goal names a problem, an action a goal and a problem.
func checkPlanIDs(d *Document, in form.Value) {
	for _, link := range []struct{ from, member, to string }{
		{"doelen", "probleem", "problemen"}, {"acties", "doel", "doelen"}, {"acties", "probleem", "problemen"},
	} {
		ids, sound := idsOf(in.At(link.to))
		if !sound {
			continue
		}
		for _, item := range in.At(link.from).Items() {
			if id := item.At(link.member); id.Sound() && !ids[id.Str()] {
				d.Fail("MKS-REF-05", id)
			}
		}
	}
}

// idsOf returns the ids of a list, and false when one of them is faulty.
func idsOf(list form.Value) (map[string]bool, bool) {
	ids := map[string]bool{}
	for _, item := range list.Items() {
		if !item.At("id").Sound() {
			return nil, false
		}
		ids[item.At("id").Str()] = true
	}
	return ids, true
}

// checkTiming holds ZP-05.
func checkTiming(d *Document, a form.Value) {
	given := 0
	for _, way := range []string{"tijden", "frequentie", "conditie"} {
		if a.At(way).Present() {
			given++
		}
	}
	if given != 1 {
		d.Tell("MKS-ZP-05", a)
	}
}

// checkMoments holds ZP-06 and ZP-07.
func checkMoments(d *Document, a form.Value) {
	times := a.At("tijden")
	if !times.AbsentOrSound() {
		return
	}
	var taken []string
	everybodyChose := true
	for _, e := range a.At("uitvoerders").Items() {
		moments := e.At("momenten")
		if !moments.AbsentOrSound() {
			return
		}
		everybodyChose = everybodyChose && moments.Present()
		taken = append(taken, moments.Strs()...)
		if !allIn(moments.Strs(), times.Strs()) {
			d.Tell("MKS-ZP-07", moments)
		}
	}
	if len(taken) > 0 && everybodyChose && !allIn(times.Strs(), taken) {
		d.Tell("MKS-ZP-06", times)
	}
}

func allIn(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(s string) bool { return !slices.Contains(whole, s) })
}

// checkReserved holds ZP-09 and the half of ZP-08 that needs no staff list.
func checkReserved(d *Document, a form.Value) {
	if !a.At("voorbehouden").Yes() {
		return
	}
	for _, e := range a.At("uitvoerders").Items() {
		switch e.At("soort").Str() {
		case "vrijwilliger":
			d.Tell("MKS-ZP-08", e)
		case "ouder", "mantelzorger", "kind":
			if !e.At("bekwaam").Present() {
				d.Tell("MKS-ZP-09", e)
			}
		}
	}
}

// plansEvaluation reports whether ZP-10 holds: the parents are heard twice a year.
func plansEvaluation(in form.Value) bool {
	return slices.ContainsFunc(in.At("evaluatieplan").Items(), func(r form.Value) bool {
		who := r.At("deelnemers").Strs()
		return r.At("soort").Str() == "evaluatie-ouders" && r.At("perJaar").Whole() >= 2 &&
			slices.Contains(who, "zorgcoordinator") && (slices.Contains(who, "ouder") || slices.Contains(who, "kind"))
	})
}

// planMilder are the rules ZP-01 to ZP-17 and of 7.12 that refuse no plan; ZP-03 is a rule of the form. Read only.
var planMilder = map[string]string{
	"MKS-ZP-06": fhir.SeverityWarning,
	"MKS-ZP-09": fhir.SeverityWarning,
	"MKS-ZP-11": fhir.SeverityWarning,
	"MKS-ZP-12": fhir.SeverityWarning,
	"MKS-ZP-14": fhir.SeverityWarning,
	"MKS-ZP-15": fhir.SeverityWarning,
	"MKS-ZP-17": fhir.SeverityWarning,
	"MKS-WF-12": fhir.SeverityInformation,
}

// Tell reports a broken rule of the zorgplan.
func (d *Document) Tell(rule string, v form.Value) {
	d.Report(cmp.Or(planMilder[rule], fhir.SeverityError), rule, v)
}
