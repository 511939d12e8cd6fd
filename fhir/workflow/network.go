package workflow

import (
	"slices"
	"strconv"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// RuleNetwork is the rule by which the tasks of a family's network are followed (network.md 4).
const RuleNetwork = "netwerk-taak"

// Systems of a network.
const (
	helpSystem    = fhir.Canonical + "/CodeSystem/netwerk-taak"
	stateSystem   = fhir.Canonical + "/CodeSystem/netwerk-afspraak"
	teamSystem    = fhir.Canonical + "/CodeSystem/careteam-soort"
	consentSystem = fhir.Canonical + "/CodeSystem/netwerk-toestemming"
	measureSystem = fhir.Canonical + "/CodeSystem/netwerk-meting"
)

// heavy is from which burden on a helper carries much already.
const heavy = 3

// IsHelp reports whether a Task asks somebody of a family's network for help.
func IsHelp(task *fhir.Resource) bool {
	return task != nil && task.Type() == "Task" && coded(task.Root(), helpSystem, "hulp", "code", "coding")
}

// Help is a task of help with what the network says of it.
type Help struct {
	Task      *fhir.Resource
	Patient   fhir.Ref
	Keepers   []fhir.Ref // organisations that keep a network in which the helper is
	helper    *fhir.Resource
	reserve   fhir.Ref
	stands    *fhir.Resource // the reserve, nil when it is not there
	what      string         // code of netwerk-aanbod
	refuses   []string       // what the helper does not want to do
	burden    int
	plan      fhir.Ref
	agreement *fhir.Resource // the plan, nil when it is not there
}

// ReadHelp reads what is known of a task of help. It passes on the errors of k.
func ReadHelp(k Known, task *fhir.Resource) (Help, error) {
	h, err := readAgreed(k, task)
	if err != nil {
		return h, err
	}
	return h, h.readNetwork(k)
}

// readAgreed reads who is asked for what, and who stands in.
func readAgreed(k Known, task *fhir.Resource) (Help, error) {
	n := task.Root()
	h := Help{Task: task, Patient: refAt(n, "for"), plan: refAt(n, "basedOn")}
	var err error
	if h.helper, err = h.person(k, refAt(n, "owner")); err != nil {
		return h, err
	}
	h.agreed(n)
	if !h.plan.IsZero() {
		plan, err := k.Read(h.plan)
		if err != nil {
			return h, err
		}
		if plan != nil && refAt(plan.Resource.Root(), "subject") == h.Patient {
			h.agreement = plan.Resource
			h.agreed(plan.Resource.Root().At("activity", "detail"))
		}
	}
	h.stands, err = h.person(k, h.reserve)
	return h, err
}

// agreed takes what is agreed from the extensions of a task, or of what its plan says.
func (h *Help) agreed(n fhir.Node) {
	for ext := range n.All("extension") {
		switch ext.Member("url").Text() {
		case structures + "netwerk-aanbod":
			h.what = ext.Member("valueCode").Text()
		case structures + "netwerk-reserve":
			h.reserve = refAt(ext, "valueReference")
		}
	}
}

// person reads somebody of the network; nil for who is not of this child.
func (h *Help) person(k Known, ref fhir.Ref) (*fhir.Resource, error) {
	if ref.IsZero() {
		return nil, nil
	}
	found, err := k.Read(ref)
	if err != nil || found == nil {
		return nil, err
	}
	if ref.Type == "RelatedPerson" && refAt(found.Resource.Root(), "patient") != h.Patient {
		return nil, nil
	}
	return found.Resource, nil
}

// readNetwork reads what the networks of the child say of the helper.
func (h *Help) readNetwork(k Known) error {
	all, err := k.Child(h.Patient, "CareTeam", "Observation")
	if err != nil {
		return err
	}
	measured := ""
	owner := refAt(h.Task.Root(), "owner")
	for _, f := range all {
		n := f.Resource.Root()
		switch {
		case coded(n, teamSystem, "netwerk", "category", "coding"):
			h.readMember(f, owner)
		case coded(n, measureSystem, "belasting", "code", "coding") && refAt(n, "focus") == owner && n.Member("effectiveDateTime").Text() >= measured:
			measured = n.Member("effectiveDateTime").Text()
			if h.burden, err = strconv.Atoi(n.Member("valueInteger").Text()); err != nil {
				h.burden = 0 // one without a value weighs nothing
			}
		}
	}
	return nil
}

func (h *Help) readMember(team *mapping.Found, owner fhir.Ref) {
	for p := range team.Resource.Root().All("participant") {
		if refAt(p, "member") != owner {
			continue
		}
		h.Keepers = append(h.Keepers, team.Custodian.Current())
		for ext := range p.All("extension") {
			if ext.Member("url").Text() == structures+"netwerk-niet" {
				h.refuses = append(h.refuses, ext.Member("valueCode").Text())
			}
		}
	}
}

// approachable reports whether somebody may be asked: an organisation, or a person who is active.
func approachable(r *fhir.Resource) bool {
	return r != nil && (r.Type() != "RelatedPerson" || r.Root().Member("active").Text() == "true")
}

// MayAsk reports whether the helper may be approached (NW-R03).
func (h Help) MayAsk() bool { return approachable(h.helper) }

// Asked judges a new task of help: how it begins, and who is asked for what.
func (h Help) Asked() []fhir.Issue {
	var out []fhir.Issue
	if !slices.Contains(beginnings, status(h.Task)) {
		out = []fhir.Issue{helpFault(ruleStep, "Task.status")}
	}
	if !h.reserve.IsZero() && (h.reserve == refAt(h.Task.Root(), "owner") || !approachable(h.stands)) {
		out = append(out, helpFault("NW-R06", "Task.basedOn"))
	}
	if slices.Contains(h.refuses, h.what) && h.what != "" {
		out = append(out, helpFault("NW-R07", "Task.basedOn"))
	}
	return out
}

// Reserve is who stands in for the helper; zero for nobody.
func (h Help) Reserve() fhir.Ref { return h.reserve }

// Burdened warns that the helper carries much already; nil when not. It proposes the reserve to who may know of them.
func (h Help) Burdened(known bool) []fhir.Issue {
	if h.burden < heavy {
		return nil
	}
	out := helpFault("NW-R04", "Task.owner")
	out.Severity = fhir.SeverityWarning
	if known && !h.reserve.IsZero() {
		who := h.reserve.String()
		out.Text += " Propose " + who + "."
		out.In.NL += " Stel " + who + " voor."
		out.In.SV += " Föreslå " + who + "."
	}
	return []fhir.Issue{out}
}

// Prepared judges the acceptance of a task of help: who was prepared how, and who decided.
func Prepared(before, after *fhir.Resource) []fhir.Issue {
	if status(after) != accepted || status(before) == accepted {
		return nil
	}
	var out []fhir.Issue
	for _, need := range []struct{ name, rule string }{{"voorbereiding", "NW-R01"}, {"beslisser", "NW-R02"}} {
		there := slices.ContainsFunc(slices.Collect(after.Root().All("extension")), func(ext fhir.Node) bool {
			return ext.Member("url").Text() == structures+need.name && ext.Member("extension").Len() > 0
		})
		if !there {
			out = append(out, helpFault(need.rule, "Task.extension"))
		}
	}
	return out
}

// helpTask is the task for a reserve.
type helpTask struct {
	ResourceType   string           `json:"resourceType"`
	ID             string           `json:"id"`
	Meta           *taskMeta        `json:"meta,omitempty"`
	BasedOn        []*reference     `json:"basedOn"`
	Status         string           `json:"status"`
	BusinessStatus concept          `json:"businessStatus"`
	Intent         string           `json:"intent"`
	Code           concept          `json:"code"`
	Description    string           `json:"description,omitempty"`
	For            *reference       `json:"for"`
	Requester      *reference       `json:"requester,omitempty"`
	Owner          *reference       `json:"owner"`
	Restriction    *taskRestriction `json:"restriction,omitempty"`
}

// Pass returns the task by which the reserve is asked when the helper has refused, or does not answer; nil when
// there is nobody to ask, or the reserve was asked already.
func (h Help) Pass(k Known) (*fhir.Resource, error) {
	if h.plan.IsZero() || h.reserve.IsZero() || h.reserve == refAt(h.Task.Root(), "owner") || !approachable(h.stands) {
		return nil, nil
	}
	ref := Passed(h.Patient, h.plan)
	if asked, err := k.Read(ref); err != nil || asked != nil {
		return nil, err
	}
	n := h.Task.Root()
	out := helpTask{
		ResourceType: "Task", ID: ref.ID, Meta: metaOf(h.Task),
		BasedOn: []*reference{to(h.plan)}, Status: requested, BusinessStatus: codedAs(stateSystem, "voorgesteld"), Intent: "proposal",
		Code: codedAs(helpSystem, "hulp"), Description: n.Member("description").Text(), For: to(h.Patient), Owner: to(h.reserve),
	}
	if by := refAt(n, "requester"); !by.IsZero() {
		out.Requester = to(by)
	}
	p := n.At("restriction", "period")
	if p.Exists() {
		out.Restriction = &taskRestriction{Period: period{Start: p.Member("start").Text(), End: p.Member("end").Text()}}
	}
	return fhir.Make("workflow.Pass", out)
}
