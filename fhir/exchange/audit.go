package exchange

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// maxObjects is how many objects one AuditEvent names before it only counts (access.md 8).
const maxObjects = 200

// MoreDetail is the detail that counts the objects that an AuditEvent does not name.
const MoreDetail = "more"

// event gathers what one request touched, until it becomes one AuditEvent per patient.
type event struct {
	call        Call
	interaction auth.Interaction
	operation   string // name of the operation, such as "submit"; or "transaction"
	kind        fhir.Type
	query       url.Values
	place       string // path of the search, where it is not the kind
	touches     []touch
	alert       bool          // for the operator: a Security Alert
	leaks       []touch       // what a filter let through and the decision refused
	trouble     []auditCoding // of an alert: what it is about
	protocol    string        // policy by which access is decided, with its release
	reasons     []string      // why a start did not wait for those who were not told
}

// touch is one resource, or one refusal, in an event.
type touch struct {
	patients []fhir.Ref
	ref      fhir.Ref
	labels   []auth.Label
	domains  []string
	decision auth.Decision
	life     string // code of the life cycle, access.md 8; "": the event's own
}

func (s *Service) event(c Call, i auth.Interaction, t fhir.Type) event {
	return event{call: c, interaction: i, kind: t, operation: c.Operation, protocol: s.protocol}
}

// saw adds a resource with the decision on it.
func (e *event) saw(st Stored, d auth.Decision) {
	e.touches = append(e.touches, touch{
		patients: st.Facts.Patients, ref: st.Ref, labels: st.Facts.Labels, domains: st.Facts.Domains, decision: d,
	})
}

// wrote adds a resource that this unit writes.
func (e *event) wrote(w Write, d auth.Decision) {
	e.touches = append(e.touches, touch{
		patients: w.Facts.Patients, ref: w.Ref, labels: w.Facts.Labels, domains: w.Facts.Domains, decision: d, life: lifeOf(w),
	})
}

// lifeOf is what a write does to a resource (access.md 8): 1 create, 3 amend, 14 delete.
func lifeOf(w Write) string {
	switch {
	case len(w.Body) == 0:
		return "14"
	case w.Ref.Version == 1:
		return "1"
	}
	return "3"
}

// denied adds a refusal that came before any resource was looked at; patient is the one of the
// token, zero when it has none.
func (e *event) denied(d auth.Decision, patient fhir.Ref) {
	t := touch{decision: d}
	if !patient.IsZero() {
		t.patients = []fhir.Ref{patient}
	}
	e.touches = append(e.touches, t)
}

// refused replaces what the event would have written: nothing was. It names the stored resource
// that was addressed, when there is one. What is missing touches no patient: a row in the log of the
// caller's own would tell it from what is hidden, whose row is in the log of another.
func (e *event) refused(d auth.Decision, stored *Stored) {
	e.touches = nil
	switch {
	case stored != nil:
		e.saw(*stored, d)
	case d.HTTP == 404:
		e.missed()
	default:
		e.denied(d, e.call.Principal.Patient)
	}
}

// failed replaces the touches by a failure of the server, or of what it was given.
func (e *event) failed(err error) {
	d := auth.Decision{HTTP: 500, Reason: "failed"}
	var known *fhir.Error
	if errors.As(err, &known) {
		d.Reason = cmp.Or(known.Reason, d.Reason)
		if known.Kind != fhir.Internal && known.Kind != fhir.Unavailable {
			d.HTTP = 400
		}
	}
	e.touches = []touch{{decision: d}}
}

// missed adds a look-up that found nothing.
func (e *event) missed() {
	e.touches = append(e.touches, touch{decision: auth.Decision{HTTP: 404, Reason: "not-found"}})
}

// asked adds the query itself, which belongs to no patient.
func (e *event) asked(d auth.Decision) {
	e.touches = append(e.touches, touch{decision: d})
}

// audits turns the event into rows: one per patient touched, and one in the system compartment for
// what touched none.
func (e *event) audits(s *Service) []Audit {
	if e.call.Trial && firstDenied(e.touches) == nil {
		return e.leakAlerts(s)
	}
	groups := map[string][]touch{}
	for _, t := range e.touches {
		if len(t.patients) == 0 {
			groups[SystemCompartment] = append(groups[SystemCompartment], t)
		}
		for _, p := range t.patients {
			groups[p.ID] = append(groups[p.ID], t)
		}
	}
	compartments := make([]string, 0, len(groups))
	for c := range groups {
		compartments = append(compartments, c)
	}
	slices.Sort(compartments)
	rows := make([]Audit, 0, len(groups))
	for _, c := range compartments {
		rows = append(rows, e.audit(s, c, groups[c]))
	}
	return append(rows, e.leakAlerts(s)...)
}

// auditHead is the text before the place where the store puts the recorded instant.
const auditHead = `{"resourceType":"AuditEvent",`

func (e *event) audit(s *Service, compartment string, touches []touch) Audit {
	denied := firstDenied(touches)
	a := auditEvent{
		ID:      s.newID(),
		Type:    e.code(),
		Subtype: append(e.subtypes(), e.trouble...),
		Action:  e.action(),
		Outcome: "0",
		Agent:   e.agents(touches),
		Source:  s.source,
	}
	if denied != nil {
		a.Outcome, a.OutcomeDesc = "4", denied.decision.Reason
		if denied.decision.HTTP >= 500 {
			a.Outcome = "8"
		}
	}
	if p := e.call.Principal.Purpose; p != "" {
		a.Purpose = []auditConcept{concept(actReason, p)}
	}
	a.Entity = e.entities(compartment, touches)
	body, err := sealed(a)
	if err != nil { // every member is a string, a bool or a list of them
		body = []byte(auditHead + "}")
	}
	return Audit{Compartment: compartment, Body: body, RecordedAt: len(auditHead)}
}

func firstDenied(touches []touch) *touch {
	for i := range touches {
		if !touches[i].decision.Permit {
			return &touches[i]
		}
	}
	return nil
}

const (
	actReason = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	// auditSubtype are our own words for what the codes of FHIR do not tell apart.
	auditSubtype = fhir.Canonical + "/CodeSystem/audit-subtype"

	dcm         = "http://dicom.nema.org/resources/ontology/DCM"
	restful     = "http://hl7.org/fhir/restful-interaction"
	auditEntity = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	objectRole  = "http://terminology.hl7.org/CodeSystem/object-role"
	lifecycle   = "http://terminology.hl7.org/CodeSystem/dicom-audit-lifecycle"
)

func (e *event) code() auditCoding {
	if e.alert {
		return auditCoding{System: dcm, Code: "110113", Display: "Security Alert"}
	}
	return auditCoding{System: dcm, Code: "110110", Display: "Patient Record"}
}

func (e *event) subtypes() []auditCoding {
	switch {
	case e.operation == "" && e.kind == auditType:
		return []auditCoding{{System: restful, Code: string(e.interaction)}, {System: auditSubtype, Code: "log-view"}}
	case e.operation == "" && e.interaction == auth.Notify:
		return []auditCoding{{System: auditSubtype, Code: string(e.interaction)}}
	case e.operation == "":
		return []auditCoding{{System: restful, Code: string(e.interaction)}}
	case e.operation == "transaction":
		return []auditCoding{{System: restful, Code: e.operation}}
	}
	kind := "operation"
	if e.interaction == auth.Delete { // of an operation that goes on, such as an export
		kind = string(auth.Delete)
	}
	return []auditCoding{
		{System: restful, Code: kind},
		{System: fhir.Canonical + "/OperationDefinition", Code: e.operation},
	}
}

var auditActions = map[auth.Interaction]string{
	auth.Create: "C", auth.Read: "R", auth.VRead: "R", auth.Update: "U", auth.Patch: "U", auth.Delete: "D",
	auth.Notify: "R", auth.HistoryInstance: "R", auth.HistoryType: "R", historySystem: "R",
}

func (e *event) action() string {
	if a, ok := auditActions[e.interaction]; ok && e.operation == "" {
		return a
	}
	return "E"
}

// agents are who asked, the app through which a user asked, and the organisation that answers for it.
func (e *event) agents(touches []touch) []auditAgent {
	p := e.call.Principal
	client := &auditWho{Identifier: &auditIdentifier{System: fhir.Canonical + "/sid/smart-client", Value: p.Client}}
	requestor := auditAgent{
		Requestor: true,
		Name:      p.ClientName,
		AltID:     p.Subject,
		Role:      []auditConcept{concept(fhir.Canonical+"/CodeSystem/access-role", string(p.Role))},
		Policy:    append([]string{e.protocol}, policies(touches)...),
		Who:       client,
	}
	if p.Role == "" {
		requestor.Role = nil
	}
	if p.Client == "" {
		client = nil
		requestor.Who = &auditWho{Display: "unknown"}
	}
	if e.call.Address != "" {
		requestor.Network = &auditNetwork{Address: e.call.Address, Type: "2"}
	}
	if p.Purpose != "" {
		requestor.Purpose = []auditConcept{concept(actReason, p.Purpose)}
	}
	agents := []auditAgent{requestor}
	if !p.FHIRUser.IsZero() {
		agents[0].Who = &auditWho{Reference: p.FHIRUser.String()}
	}
	if !p.FHIRUser.IsZero() && client != nil {
		source := concept(dcm, "110153")
		agents = append(agents, auditAgent{Type: &source, Who: client})
	}
	if !p.Organization.IsZero() {
		agents = append(agents, auditAgent{
			Role: []auditConcept{concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "RESP")},
			Who:  &auditWho{Reference: p.Organization.String()},
		})
	}
	return agents
}

func concept(system, code string) auditConcept {
	return auditConcept{Coding: []auditCoding{{System: system, Code: code}}}
}

// policies names the grounds of the decisions: first the reasons, then a digest of the consents that
// carried each.
func policies(touches []touch) []string {
	var reasons, carried []string
	for _, t := range touches {
		if t.decision.Reason == "" {
			continue
		}
		reasons = append(reasons, fhir.Canonical+"/policy/"+t.decision.Reason)
		if len(t.decision.Grounds) > 0 {
			h := sha256.New()
			for _, g := range t.decision.Grounds {
				fmt.Fprintln(h, g)
			}
			carried = append(carried, fhir.Canonical+"/policy/consent/"+hex.EncodeToString(h.Sum(nil)))
		}
	}
	slices.Sort(reasons)
	slices.Sort(carried)
	return slices.Concat(slices.Compact(reasons), slices.Compact(carried))
}

// entities are the patient, the query, the resources and the consents that let them out.
func (e *event) entities(compartment string, touches []touch) []auditObject {
	var out []auditObject
	if !strings.HasPrefix(compartment, "_") {
		patient := auditObject{
			What: &auditWho{Reference: "Patient/" + compartment},
			Type: &auditCoding{System: auditEntity, Code: "1"}, Role: &auditCoding{System: objectRole, Code: "1"},
		}
		patient.Detail = append(e.whys(), checks(touches)...)
		out = append(out, patient)
	}
	if e.query != nil {
		out = append(out, auditObject{
			Type: &auditCoding{System: auditEntity, Code: "2"}, Role: &auditCoding{System: objectRole, Code: "24"},
			Query: base64.StdEncoding.EncodeToString([]byte(cmp.Or(e.place, string(e.kind)) + "?" + hideIdentifiers(e.query).Encode())),
		})
	}
	objects := 0
	for _, t := range touches {
		if t.ref.IsZero() {
			continue
		}
		if objects++; objects <= maxObjects {
			out = append(out, e.object(t))
		}
	}
	if objects > maxObjects {
		out = append(out, auditObject{
			Type:   &auditCoding{System: auditEntity, Code: "2"},
			Detail: []auditDetail{{Type: MoreDetail, Value: fmt.Sprint(objects - maxObjects)}},
		})
	}
	return append(out, consents(touches)...)
}

// consents names each consent that carried a decision, once.
func consents(touches []touch) []auditObject {
	var out []auditObject
	seen := map[fhir.Ref]bool{}
	for _, t := range touches {
		for _, g := range t.decision.Grounds {
			if g.Type == "Consent" && !seen[g] {
				seen[g] = true
				out = append(out, auditObject{What: &auditWho{Reference: g.String()}, Type: &auditCoding{System: auditEntity, Code: "2"}})
			}
		}
	}
	return out
}

func (e *event) object(t touch) auditObject {
	o := auditObject{
		What: &auditWho{Reference: t.ref.String()},
		Type: &auditCoding{System: auditEntity, Code: "2"}, Role: &auditCoding{System: objectRole, Code: "4"},
		Lifecycle: &auditCoding{System: lifecycle, Code: lifecycleOf(e, t)},
	}
	for _, l := range t.labels {
		o.Labels = append(o.Labels, auditCoding{System: l.System, Code: l.Code})
	}
	for _, domain := range t.domains {
		o.Detail = append(o.Detail, auditDetail{Type: domainDetail, Value: domain})
	}
	for _, ob := range t.decision.Obligations {
		o.Detail = append(o.Detail, auditDetail{Type: "obligation", Value: ob})
	}
	if !t.decision.Permit {
		o.Detail = append(o.Detail,
			auditDetail{Type: "step", Value: t.decision.Step}, auditDetail{Type: "reason", Value: t.decision.Reason})
	}
	return o
}

// lifecycleOf follows the row "life cycle" of access.md 8: 6 use, unless a write did, or was refused to do, more.
func lifecycleOf(e *event, t touch) string {
	return cmp.Or(t.life, lives[e.interaction], "6")
}

// lives are the life cycles that refused writes would have begun, and that of what leaves as a file.
var lives = map[auth.Interaction]string{
	auth.Update: "3", auth.Patch: "3", auth.Create: "3", auth.Delete: "14", auth.Export: "10",
}
