package plan

import (
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	carepb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_plan_go_proto"
	condpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// Steps are the record type zorgplan on its way to FHIR.
func Steps() tofhir.Steps { return tofhir.Steps{Stored: checkStoredPlan, Write: writePlan} }

// status are the statuses that the resources of a plan share (mks.md 2.7).
type status struct{ plan, activity, goal, Flag string }

// Statuses has a row for a plan in force, a draft and a withdrawn plan. Read only.
var Statuses = map[string]status{
	"active":    {"active", "scheduled", "active", "active"},
	"draft":     {"draft", "not-started", "proposed", "inactive"},
	"withdrawn": {"entered-in-error", "entered-in-error", "entered-in-error", "entered-in-error"},
}

// planWriter maps one zorgplan. Its methods add the resources in the order of the source.
type planWriter struct {
	*tofhir.Mapper
	in       form.Value
	status   status
	active   bool
	closed   bool // a tree that came before closes it
	master   fhir.Ref
	basis    planBasis
	outcomes []outcome
	problems map[string]planItem // by id
	goals    map[string]planItem
	// evaluations are those of this plan that were stored before.
	evaluations []heldEvaluation
}

// planItem is a problem or a goal that was written.
type planItem struct {
	ref    fhir.Ref
	domain string   // its own, of the source
	tags   []string // mks-domein
}

// writePlan maps a zorgplan (mks.md 3.5).
func writePlan(m *tofhir.Mapper) error {
	basis, err := findPlanBasis(m)
	if err != nil {
		return err
	}
	outcomes, err := storedOutcomes(m)
	if err != nil {
		return err
	}
	w := &planWriter{
		Mapper: m, in: m.Content(), basis: basis, outcomes: outcomes,
		master:   fhir.Ref{Type: "CarePlan", ID: m.Key()},
		problems: map[string]planItem{}, goals: map[string]planItem{},
	}
	if err := w.setStatus(); err != nil {
		return err
	}
	if err := w.writeMaster(); err != nil {
		return err
	}
	w.writeProblems()
	if err := w.writeGoals(); err != nil {
		return err
	}
	for _, a := range w.in.At("acties").Items() {
		w.writeAction(a)
	}
	w.writeDayProgramme()
	w.writeFeeding()
	w.writeEmergencyPlan()
	if err := w.writeAppointments(); err != nil {
		return err
	}
	w.writeSignatures()
	return nil
}

func (w *planWriter) setStatus() error {
	state := "active"
	switch {
	case w.Head.Status == "ingetrokken":
		state = "withdrawn"
	case w.Draft:
		state = "draft"
	}
	w.status, w.active = Statuses[state], state == "active"
	if !w.active {
		return nil
	}
	closed, err := ClosedAt(w.Mapper, w.Head.RecordID, "")
	if w.closed = !closed.IsZero() && !closed.Before(w.Head.RecordedAt); w.closed {
		w.status.plan, w.status.Flag = "completed", Statuses["draft"].Flag
	}
	return err
}

// partRef returns the reference that a part of the plan has.
func (w *planWriter) partRef(t fhir.Type, name string) fhir.Ref {
	return fhir.Ref{Type: t, ID: w.Part(name)}
}

// carePlan returns a CarePlan of the child with the status of this version.
func (w *planWriter) carePlan(categories ...*dpb.CodeableConcept) *carepb.CarePlan {
	return &carepb.CarePlan{
		Status:  element.Enum(&carepb.CarePlan_StatusCode{}, w.status.plan),
		Intent:  element.Enum(&carepb.CarePlan_IntentCode{}, "plan"),
		Subject: w.PatientRef(), Category: categories,
	}
}

// partOf makes p a part of the master plan.
func (w *planWriter) partOf(p *carepb.CarePlan) *carepb.CarePlan {
	p.PartOf = []*dpb.Reference{element.Literal(w.master)}
	return p
}

func (w *planWriter) activityStatus() *carepb.CarePlan_Activity_Detail_StatusCode {
	return element.Enum(&carepb.CarePlan_Activity_Detail_StatusCode{}, w.status.activity)
}

// writeMaster adds the plan itself, with the evaluations that it plans.
func (w *planWriter) writeMaster() error {
	on, in := w.master.String(), w.in
	p := w.carePlan(element.Concept(element.Coding(tofhir.SNOMED, "135411000146103", "")), tofhir.ListConcept("mks-categorie", "zorgplan"))
	p.Title = element.String("Zorgplan kind en gezin")
	p.Period = element.Period(in.At("ingangsdatum").To(on+".period.start").Day(), tofhir.Traced(in.At("einddatum"), on+".period.end").Day())
	p.Author = w.Ref(in.At("opgesteldDoor").To(on + ".author"))
	team, err := w.teamRef()
	if err != nil {
		return err
	}
	p.CareTeam = team
	p.SupportingInfo = w.supportingInfo(on)
	for _, item := range in.At("problemen").Items() {
		p.Addresses = append(p.Addresses, element.Literal(w.partRef("Condition", item.At("id").Str())))
	}
	for _, item := range in.At("doelen").Items() {
		p.Goal = append(p.Goal, element.Literal(w.partRef("Goal", item.At("id").Str())))
	}
	for i, r := range in.At("evaluatieplan").Items() {
		p.Activity = append(p.Activity, w.evaluation(r, on+".activity["+strconv.Itoa(i)+"].detail"))
	}
	element.AddExtension(p, w.planExtensions(on)...)
	w.AddAnchor(p, tofhir.About{ID: w.master.ID, Profiles: []string{element.StructureDefinition("mks-zorgplan")}, Domains: []string{"medisch"}})
	return nil
}

// teamRef refers to the kindteam: literal when it is stored, logical while the kind record is not.
func (w *planWriter) teamRef() ([]*dpb.Reference, error) {
	id := fhir.Identifier{System: w.Head.Base() + "/kindteam", Value: w.Head.LocalID}
	if !w.Child.Stored {
		return []*dpb.Reference{element.Reference(fhir.Ref{}, id)}, nil
	}
	team, err := Kindteam(w.Mapper)
	if err != nil || team == nil {
		return nil, err
	}
	return []*dpb.Reference{element.Reference(team.Resource.Ref(), id)}, nil
}

// supportingInfo refers to what the plan rests on, then to the feeding scheme.
func (w *planWriter) supportingInfo(on string) []*dpb.Reference {
	var out []*dpb.Reference
	for i, v := range w.in.At("opBasisVan").Items() {
		r := w.RecordRef(v.To(on + ".supportingInfo[" + strconv.Itoa(i) + "]"))
		if ref := w.basis.refs[i]; !ref.IsZero() {
			r.Reference = element.Literal(ref).Reference
		}
		out = append(out, r)
	}
	if w.in.At("voedingsschema").Present() {
		out = append(out, element.Literal(w.partRef("NutritionOrder", "voeding")))
	}
	return out
}

func (w *planWriter) planExtensions(on string) []*dpb.Extension {
	at := func(name string) string { return on + ".extension('" + element.StructureDefinition(name) + "')" }
	out := []*dpb.Extension{
		element.OwnExtension("domeinindeling", element.CodeValue(w.in.At("domeinindeling").To(at("domeinindeling")).Str())),
	}
	if v := w.in.At("vervangtVersie"); v.Present() {
		out = append(out, element.OwnExtension("vervangt-versie", element.Positive(v.To(at("vervangt-versie")).Whole())))
	}
	change := w.in.At("wijziging")
	if !change.Present() {
		return out
	}
	var parts []*dpb.Extension
	for _, kind := range change.At("soort").Items() {
		parts = append(parts, element.Extension("soort", element.CodeValue(kind.To(at("wijziging")).Str())))
	}
	parts = append(parts,
		element.Extension("via", w.Ref(change.At("via").To(at("wijziging")))),
		element.Extension("reden", element.String(change.At("reden").To(at("wijziging")).Str())))
	return append(out, element.OwnComplex("wijziging", parts...))
}

// domainConcept is the category of a domain: the source's own code and, for a zorgleefplan domain,
// the child-life domains that it may touch (mks.md 3.5).
func (w *planWriter) domainConcept(v form.Value) *dpb.CodeableConcept {
	division := w.in.At("domeinindeling").Str()
	own := tofhir.ListCoding(division+"-domein", v.Str())
	if division == "mks" {
		return element.Concept(own)
	}
	own.UserSelected = element.Bool(true)
	out := element.Concept(own)
	for _, d := range childDomainsOf(v.Str()) {
		c := tofhir.ListCoding("mks-domein", d)
		c.UserSelected = element.Bool(false)
		out.Coding = append(out.Coding, c)
	}
	return out
}

// writeProblems adds a Condition for each of problemen.
func (w *planWriter) writeProblems() {
	for _, v := range w.in.At("problemen").Items() {
		id := v.At("id").Str()
		ref := w.partRef("Condition", id)
		on := ref.String()
		c := &condpb.Condition{
			Identifier:     []*dpb.Identifier{w.partID("probleem", v.At("id").To(on+".identifier").Str())},
			ClinicalStatus: element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "")),
			Category:       []*dpb.CodeableConcept{tofhir.ListConcept("mks-categorie", "zorgplanprobleem"), w.domainConcept(v.At("domein").To(on + ".category[1]"))},
			Code:           element.TextConcept(v.At("tekst").To(on+".code.text").Str(), w.Codings(v.At("code"), on+".code")...),
			Subject:        w.PatientRef(),
		}
		var profiles []string
		if v.At("code").At("sct").Present() {
			profiles = []string{tofhir.NlCore("Problem")}
		}
		if w.Head.Status == "ingetrokken" {
			c.ClinicalStatus, profiles = nil, nil
			c.VerificationStatus = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-ver-status", "entered-in-error", ""))
		}
		item := planItem{ref: ref, domain: v.At("domein").Str()}
		c.Evidence, item.tags = w.needsOf(v, on)
		w.problems[id] = item
		w.Add(c, tofhir.About{ID: ref.ID, Profiles: profiles, Domains: item.tags})
	}
}

// partID returns the identifier of a part: the id of the record and that of the part in it.
func (w *planWriter) partID(list, id string) *dpb.Identifier {
	return element.Identifier(w.Head.Base()+"/"+list, w.Head.RecordID+"#"+id)
}

// needsOf refers to the needs behind a problem and returns its tags: its own domain, but under the
// zorgleefplan division the domains of its needs. A need that is not known, like no need at all,
// counts as all that the problem's own domain may touch.
func (w *planWriter) needsOf(v form.Value, on string) ([]*condpb.Condition_Evidence, []string) {
	own := childDomainsOf(v.At("domein").Str())
	var out []*condpb.Condition_Evidence
	var domains []string
	for i, item := range v.At("behoeften").Items() {
		id := item.To(on + ".evidence[" + strconv.Itoa(i) + "].detail").Str()
		n, known := w.basis.needs[id]
		if !known { // of a scan that is not stored
			if strings.Contains(id, "#") { // the way back would take it for an id behind its record
				w.Keep(item)
			}
			n.id = fhir.Identifier{System: w.Head.Base() + "/behoefte", Value: id}
			domains = append(domains, own...)
		}
		domains = append(domains, childDomainsOf(n.domain)...)
		out = append(out, &condpb.Condition_Evidence{Detail: []*dpb.Reference{element.Reference(n.ref, n.id)}})
	}
	if len(domains) == 0 || w.in.At("domeinindeling").Str() == "mks" {
		domains = own
	}
	return out, tofhir.InDomainOrder(domains)
}
