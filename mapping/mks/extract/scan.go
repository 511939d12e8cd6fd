package extract

import (
	"cmp"
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	planpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_plan_go_proto"
	condpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"
	goalpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/goal_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// formNeed is one need of a scan in its form.
type formNeed struct {
	item   fhir.Node // the group
	name   string    // linkId, such as hbs.med.voeding
	domain string
	level  string // 1 to 4
}

// scan makes a Condition of each need of level 1 to 4, and of those from level 2 a Goal and an activity
// of one draft plan.
func (x *extraction) scan() {
	plan := &planpb.CarePlan{
		Status: element.Enum(&planpb.CarePlan_StatusCode{}, "draft"), Intent: element.Enum(&planpb.CarePlan_IntentCode{}, "proposal"),
		Category: []*dpb.CodeableConcept{tofhir.ListConcept("mks-categorie", "zorgplan")},
		Title:    element.String("Zorgplan kind en gezin"), Subject: x.subject(), Author: x.author(), SupportingInfo: x.response(),
	}
	var domains []string
	var labels []*dpb.Coding
	seen := map[string]int{}
	for _, n := range x.needs() {
		if x.err != nil {
			return
		}
		about, place := n.about(), tofhir.Numbered(seen, n.place())
		condition := x.add(x.condition(n), place, about)
		if n.level == "1" {
			continue
		}
		domains, labels = append(domains, n.domain), append(labels, about.Labels...)
		goal := x.add(&goalpb.Goal{
			LifecycleStatus: element.Enum(&goalpb.Goal_LifecycleStatusCode{}, "proposed"),
			Description:     element.TextConcept("Doel bij: " + record.Label("hulpbehoefte-item", n.name)),
			Category:        []*dpb.CodeableConcept{tofhir.ListConcept("mks-domein", n.domain)},
			Subject:         x.subject(), Addresses: []*dpb.Reference{to(condition)},
		}, "doel/"+place, about)
		plan.Addresses, plan.Goal = append(plan.Addresses, to(condition)), append(plan.Goal, to(goal))
		plan.Activity = append(plan.Activity, n.activity(goal))
	}
	if len(plan.Activity) > 0 {
		x.add(plan, "zorgplan", tofhir.About{Domains: tofhir.InDomainOrder(domains), Labels: labels})
	}
}

// needs are those of level 1 to 4, in the order of the form. An item is asked once (HBS-03): the first counts.
func (x *extraction) needs() []formNeed {
	var out []formNeed
	seen := map[string]bool{}
	for _, g := range record.ScanGroups {
		for domain := range x.root.All("item") {
			if domain.Member("linkId").Text() != g.Link {
				continue
			}
			for item := range domain.All("item") {
				n := formNeed{item: item, name: item.Member("linkId").Text(), domain: g.Domain}
				n.level = tofhir.AnswerAt(item, n.name+".niveau")
				if g.Place(n.name) >= 0 && !seen[n.name] && record.InList("behoefte-niveau", n.level) && n.level != "0" && n.level != "9" {
					seen[n.name] = true
					out = append(out, n)
				}
			}
		}
	}
	return out
}

// place names a need in its response: its id, else its item.
func (n formNeed) place() string { return cmp.Or(tofhir.AnswerAt(n.item, n.name+".id"), n.name) }

// about protects a need of another person from everybody else in the family, as a push does.
func (n formNeed) about() tofhir.About {
	a := tofhir.About{Domains: []string{n.domain}}
	for _, who := range tofhir.AnswersAt(n.item, n.name+".over") {
		a.Labels = append(a.Labels, tofhir.Seal("about-parent", referenceIn(who)))
	}
	return a
}

// condition is the Condition of a need (mks.md 3.4).
func (x *extraction) condition(n formNeed) *condpb.Condition {
	c := &condpb.Condition{
		ClinicalStatus: element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "")),
		Category:       []*dpb.CodeableConcept{tofhir.ListConcept("mks-categorie", "hulpbehoefte"), tofhir.ListConcept("mks-domein", n.domain)},
		Code:           element.TextConcept(record.Label("hulpbehoefte-item", n.name)),
		Subject:        x.subject(), RecordedDate: element.DateTime(x.day()), Recorder: x.author(),
	}
	for _, v := range tofhir.AnswersAt(n.item, n.name+".code") {
		if system := v.Member("system").Text(); system != "" {
			c.Code.Coding = append(c.Code.Coding, element.Coding(system, v.Member("code").Text(), v.Member("display").Text()))
		}
	}
	c.Code.Coding = append(c.Code.Coding, tofhir.ListCoding("hulpbehoefte-item", n.name))
	if r := x.response(); r != nil {
		c.Evidence = []*condpb.Condition_Evidence{{Detail: r}}
	}
	if note := tofhir.AnswerAt(n.item, n.name+".toelichting"); note != "" {
		c.Note = []*dpb.Annotation{{Text: element.Markdown(note)}}
	}
	element.AddExtension(c, element.OwnExtension("behoefte-niveau", tofhir.ListCoding("behoefte-niveau", n.level)), element.OwnExtension("behoefte-item", element.CodeValue(n.name)))
	if first, err := strconv.ParseInt(tofhir.AnswerAt(n.item, n.name+".prioriteit"), 10, 32); err == nil && first > 0 {
		element.AddExtension(c, element.OwnExtension("prioriteit", element.Positive(first)))
	}
	for _, who := range tofhir.AnswersAt(n.item, n.name+".over") {
		element.AddExtension(c, element.OwnExtension("over", referenceIn(who)))
	}
	return c
}

// activity is the line of a need in a draft plan; who does it is still open.
func (n formNeed) activity(goal string) *planpb.CarePlan_Activity {
	return &planpb.CarePlan_Activity{Detail: &planpb.CarePlan_Activity_Detail{
		Status:      element.Enum(&planpb.CarePlan_Activity_Detail_StatusCode{}, "not-started"),
		Description: element.String(cmp.Or(tofhir.AnswerAt(n.item, n.name+".toelichting"), record.Label("hulpbehoefte-item", n.name))),
		Goal:        []*dpb.Reference{to(goal)},
	}}
}

// to refers to another resource of the same transaction, by its URN or as it is stored.
func to(urn string) *dpb.Reference {
	return &dpb.Reference{Reference: &dpb.Reference_Uri{Uri: element.String(urn)}}
}
