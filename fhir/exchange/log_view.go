package exchange

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// loggedEvent is an AuditEvent as it stands in a chain.
type loggedEvent struct {
	ResourceType string `json:"resourceType"`
	Recorded     string `json:"recorded"`
	auditEvent
}

// responsible returns the organisation that answers for the access, zero for none.
func (ev *loggedEvent) responsible() fhir.Ref {
	for _, a := range ev.Agent {
		if !a.Requestor && a.Type == nil && a.Who != nil {
			return a.Who.ref()
		}
	}
	return fhir.Ref{}
}

// tellsOfHidden reports whether somebody of the family asked for one resource.
func (ev *loggedEvent) tellsOfHidden() bool {
	family := slices.ContainsFunc(ev.Agent, func(a auditAgent) bool {
		who := a.Who.ref()
		return a.Requestor && (who.Type == "RelatedPerson" || who.Type == "Patient" || who.Type == "Person")
	})
	return family && slices.ContainsFunc(ev.Entity, func(o auditObject) bool { return o.What != nil && o.Lifecycle != nil })
}

// kinship is what the family view knows of persons and organisations, looked up once per request.
type kinship struct {
	selves map[fhir.Ref]bool  // references that mean the reader
	known  map[fhir.Ref]named // who was looked up
}

// familyView returns what child and guardian see of a row: who, when, what kind of data and on what
// ground, by names alone. It copies what may be shown, so that a new member of the log stays hidden.
// False when the row is about nothing but what is sealed from the reader, and for a look of the family
// itself that was refused: what is hidden from it must look like what is not there.
func (l *logReader) familyView(ev *loggedEvent) (*loggedEvent, bool, error) {
	if ev.Outcome == "4" && ev.tellsOfHidden() {
		return nil, false, nil
	}
	if err := l.meet(); err != nil {
		return nil, false, err
	}
	entities, any, err := l.shown(ev.Entity)
	if err != nil || !any {
		return nil, false, err
	}
	return &loggedEvent{ResourceType: ev.ResourceType, Recorded: ev.Recorded, auditEvent: auditEvent{
		ID: ev.ID, Type: ev.Type, Subtype: ev.Subtype, Action: ev.Action, Outcome: ev.Outcome, Purpose: ev.Purpose,
		Agent: l.agents(ev.Agent), Source: ourSource(""), Entity: entities,
	}}, true, nil
}

// meet finds out, once, who the reader is.
func (l *logReader) meet() error {
	if l.kin.selves != nil {
		return nil
	}
	l.kin = kinship{selves: map[fhir.Ref]bool{l.p.FHIRUser.Current(): true}}
	if l.p.FHIRUser.Type != "Person" {
		return nil
	}
	st, err := l.w.v.Read(l.p.FHIRUser)
	if err != nil && !missing(err) {
		return unavailable("exchange.log", "policy-unavailable", err)
	}
	for _, ref := range st.Facts.Refs {
		l.kin.selves[ref] = true
	}
	return nil
}

// agents names who asked and the organisation that answers for it. Of another member of the family
// it gives the role alone.
func (l *logReader) agents(all []auditAgent) []auditAgent {
	var out []auditAgent
	for _, a := range all {
		who := a.Who.ref()
		switch {
		case a.Requestor:
			shown, whole := l.requestor(a, who)
			out = append(out, shown)
			if !whole {
				return out
			}
		case a.Type == nil && !who.IsZero():
			out = append(out, auditAgent{Role: a.Role, Who: &auditWho{Reference: a.Who.Reference, Display: l.name(who)}})
		}
	}
	return out
}

// requestor shows who asked: the app or system by the name it had then, staff by name, the reader
// as such. False for somebody else of the family.
func (l *logReader) requestor(a auditAgent, who fhir.Ref) (auditAgent, bool) {
	out := auditAgent{Requestor: true, Role: a.Role, Purpose: a.Purpose, Policy: slices.DeleteFunc(a.Policy, tellsRefusal)}
	switch {
	case who.IsZero():
		out.Name = a.Name
	case l.kin.selves[who.Current()]:
		out.Name, out.Who = a.Name, a.Who
	case who.Type == "RelatedPerson" || who.Type == "Patient" || who.Type == "Person":
		return out, false
	default:
		out.Name = l.name(who)
	}
	return out, true
}

// accessPolicy begins the policy that every AuditEvent names: the access rules of a release.
const accessPolicy = fhir.Canonical + "/policy/access|"

// tellsRefusal reports whether a policy is the reason of a refusal, which may tell of hidden data.
func tellsRefusal(policy string) bool {
	ground := strings.TrimPrefix(policy, fhir.Canonical+"/policy/")
	return !strings.HasPrefix(policy, accessPolicy) && !strings.HasPrefix(ground, "permit-") && !strings.HasPrefix(ground, "consent/")
}

// name returns what an organisation or a person of the staff is called now, "" when nobody knows. When
// it cannot be read, no row is shown.
func (l *logReader) name(ref fhir.Ref) string {
	n, err := l.identify(ref)
	l.w.doubt(err)
	return n.name
}

// nameIn reads the name of an organisation or the first name of a person.
func nameIn(n fhir.Node) string {
	if n.Shape() == fhir.String {
		return n.Text()
	}
	for name := range n.Children() {
		if text := name.Member("text").Text(); text != "" {
			return text
		}
		var parts []string
		for given := range name.All("given") {
			parts = append(parts, given.Text())
		}
		return strings.TrimSpace(strings.Join(append(parts, name.Member("family").Text()), " "))
	}
	return ""
}

// shown returns the child, the kinds of data, and the consents that opened them. False when all data
// of the row is sealed from the reader.
func (l *logReader) shown(all []auditObject) ([]auditObject, bool, error) {
	var out []auditObject
	objects, hidden := 0, 0
	told := map[string]int{} // each kind once, with its domains: how many there were tells nothing of who looked
	for i := range all {
		o := &all[i]
		if o.Query != "" {
			continue
		}
		if o.What == nil {
			out = append(out, auditObject{Type: o.Type, Detail: o.Detail}) // how many more there were
			continue
		}
		ref := o.What.ref()
		if o.Lifecycle == nil { // the child, or a consent
			out = append(out, auditObject{What: o.What, Type: o.Type, Role: o.Role, Detail: reasons(o.Detail)})
			continue
		}
		objects++
		sealed, err := l.sealed(o, ref)
		if err != nil {
			return nil, false, err
		}
		if sealed {
			hidden++
			continue
		}
		key := string(ref.Type) + " " + o.Lifecycle.Code
		if _, ok := told[key]; !ok {
			told[key] = len(out)
			out = append(out, auditObject{What: &auditWho{Type: string(ref.Type)}, Type: o.Type, Role: o.Role, Lifecycle: o.Lifecycle})
		}
		addDomains(&out[told[key]], o.Detail)
	}
	return out, objects == 0 || hidden < objects, nil
}

// addDomains adds the domains among details to a kind of data, in order, each once.
func addDomains(kind *auditObject, details []auditDetail) {
	for _, d := range details {
		if at, known := slices.BinarySearchFunc(kind.Detail, d, func(a, b auditDetail) int { return strings.Compare(a.Value, b.Value) }); !known && d.Type == domainDetail {
			kind.Detail = slices.Insert(kind.Detail, at, d)
		}
	}
}

// reasons leaves the text of an emergency.
func reasons(all []auditDetail) []auditDetail {
	return slices.DeleteFunc(all, func(d auditDetail) bool { return d.Type != emergencyReason })
}

// seals are the labels that keep data from some members of a family, and with it its log.
var seals = map[string]bool{"seal-person": true, "about-parent": true}

// sealed reports whether a seal keeps the reader from a resource. The log has the code of a label;
// whom it bars stands in the resource. Of one that is gone the code alone decides.
func (l *logReader) sealed(o *auditObject, ref fhir.Ref) (bool, error) {
	isSeal := func(system, code string) bool {
		return system == fhir.Canonical+"/CodeSystem/access-label" && seals[code]
	}
	var labels []auth.Label
	for _, c := range o.Labels {
		if isSeal(c.System, c.Code) {
			labels = append(labels, auth.Label{Coding: auth.Coding{System: c.System, Code: c.Code}})
		}
	}
	if len(labels) == 0 {
		return false, nil
	}
	if now, ok := l.w.lookup(ref); ok {
		labels = slices.DeleteFunc(slices.Clone(now.Labels), func(l auth.Label) bool { return !isSeal(l.System, l.Code) })
	}
	d, err := l.w.decide(l.p, l.a, &auth.ResourceFacts{
		Ref: fhir.Ref{Type: auditType, ID: ref.ID}, Patients: []fhir.Ref{patientOf(l.child)}, Labels: labels,
	})
	return !d.Permit, err
}
