package exchange

import (
	"cmp"
	"context"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Incident is what happened beside the data: a login, a token, a change of the registry, an attack
// (smart.md 9). Members that it does not have are zero.
type Incident struct {
	Event                       string // a key of incidents; others are no part of the log
	Refused                     bool
	Reason                      string // stable id of the rule that refused
	Client, Subject             string
	Organization, User, Patient fhir.Ref
	Address                     string
	Details                     map[string]string // such as grant, scopes, text version; never a secret
}

// Codes of AuditEvent.type (DCM) of what is no access to a record.
const (
	typeActivity = "110100" // Application Activity
	typeLogin    = "110114" // User Authentication
	typeAlert    = "110113" // Security Alert
	typeExport   = "110106" // Export
)

var typeNames = map[string]string{typeActivity: "Application Activity", typeLogin: "User Authentication", typeAlert: "Security Alert", typeExport: "Export"}

// incidents are the events that the log has, with their type.
var incidents = map[string]string{
	"login_ok": typeLogin, "login_failed": typeLogin, "logout": typeLogin, "client_auth_failed": typeLogin,
	"token_issued": typeLogin, "token_refreshed": typeLogin, "introspected": typeLogin, "launch_created": typeLogin,
	"consent_given": typeLogin, "consent_refused": typeLogin, "access_opened": typeLogin, "grant_revoked": typeLogin,
	"refresh_reuse": typeAlert, "code_replay": typeAlert, "jti_replay": typeAlert, "launch_refused": typeAlert,
	"rate_limited": typeAlert, "chain_break": typeAlert,
	"client_changed": typeActivity, "user_changed": typeActivity, "key_rotated": typeActivity,
	"organization_changed": typeActivity, "emergency_opened": typeAlert,
	"started": typeActivity, "log_purged": typeActivity, "log_exported": typeExport,
	"backup": typeExport, "exported": typeExport, "restored": typeAlert, "move": typeExport,
}

// Note puts one incident into the log, durable when it returns. An event that the log does not have is
// nothing.
func (s *Service) Note(ctx context.Context, i Incident) error {
	kind, ok := incidents[i.Event]
	if !ok {
		return nil
	}
	e := event{protocol: s.protocol, call: Call{Address: i.Address, Principal: auth.Principal{
		Client: i.Client, Subject: i.Subject, Organization: i.Organization, FHIRUser: i.User,
	}}}
	a := auditEvent{
		ID:      s.newID(),
		Type:    auditCoding{System: dcm, Code: kind, Display: typeNames[kind]},
		Subtype: []auditCoding{{System: auditSubtype, Code: i.Event}},
		Action:  "E",
		Outcome: "0",
		Agent:   e.agents(nil),
		Source:  s.source,
		Entity:  i.entities(),
	}
	if i.Refused {
		a.Outcome, a.OutcomeDesc = "4", i.Reason
	}
	body, err := sealed(a)
	if err != nil {
		return fhir.Wrap("exchange.Note", err)
	}
	return s.record(ctx, "exchange.Note", []Audit{{Compartment: SystemCompartment, Body: body, RecordedAt: len(auditHead)}})
}

// entities are the child that it was about, and the details.
func (i *Incident) entities() []auditObject {
	var out []auditObject
	if !i.Patient.IsZero() {
		out = append(out, auditObject{
			What: &auditWho{Reference: i.Patient.String()},
			Type: &auditCoding{System: auditEntity, Code: "1"}, Role: &auditCoding{System: objectRole, Code: "1"},
		})
	}
	o := auditObject{Type: &auditCoding{System: auditEntity, Code: "2"}}
	for name, value := range i.Details {
		if value != "" {
			o.Detail = append(o.Detail, auditDetail{Type: name, Value: value})
		}
	}
	if len(o.Detail) > 0 {
		slices.SortFunc(o.Detail, func(a, b auditDetail) int { return cmp.Compare(a.Type, b.Type) })
		out = append(out, o)
	}
	return out
}
