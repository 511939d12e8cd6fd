package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// The members of an AuditEvent that the log writes, in the order of R4. resourceType and recorded
// stand before them (auditHead, Audit.RecordedAt).

type auditEvent struct {
	ID          string         `json:"id"`
	Type        auditCoding    `json:"type"`
	Subtype     []auditCoding  `json:"subtype"`
	Action      string         `json:"action"`
	Outcome     string         `json:"outcome"`
	OutcomeDesc string         `json:"outcomeDesc,omitempty"`
	Purpose     []auditConcept `json:"purposeOfEvent,omitempty"`
	Agent       []auditAgent   `json:"agent"`
	Source      auditSource    `json:"source"`
	Entity      []auditObject  `json:"entity,omitempty"`
}

type auditCoding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

type auditConcept struct {
	Coding []auditCoding `json:"coding"`
}

type auditIdentifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

type auditWho struct {
	Reference  string           `json:"reference,omitempty"`
	Type       string           `json:"type,omitempty"`
	Identifier *auditIdentifier `json:"identifier,omitempty"`
	Display    string           `json:"display,omitempty"`
}

type auditNetwork struct {
	Address string `json:"address"`
	Type    string `json:"type"`
}

type auditAgent struct {
	Type      *auditConcept  `json:"type,omitempty"`
	Role      []auditConcept `json:"role,omitempty"`
	Who       *auditWho      `json:"who,omitempty"`
	AltID     string         `json:"altId,omitempty"`
	Name      string         `json:"name,omitempty"`
	Requestor bool           `json:"requestor"`
	Policy    []string       `json:"policy,omitempty"`
	Network   *auditNetwork  `json:"network,omitempty"`
	Purpose   []auditConcept `json:"purposeOfUse,omitempty"`
}

type auditSource struct {
	Site     string        `json:"site,omitempty"`
	Observer auditWho      `json:"observer"`
	Type     []auditCoding `json:"type"`
}

type auditDetail struct {
	Type  string `json:"type"`
	Value string `json:"valueString"`
}

type auditObject struct {
	What      *auditWho     `json:"what,omitempty"`
	Type      *auditCoding  `json:"type,omitempty"`
	Role      *auditCoding  `json:"role,omitempty"`
	Lifecycle *auditCoding  `json:"lifecycle,omitempty"`
	Labels    []auditCoding `json:"securityLabel,omitempty"`
	Query     string        `json:"query,omitempty"`
	Detail    []auditDetail `json:"detail,omitempty"`
}

// sealed renders an AuditEvent without its instant, which belongs behind auditHead.
func sealed(a auditEvent) ([]byte, error) {
	rest, err := JSON(a)
	if err != nil {
		return nil, err
	}
	return append([]byte(auditHead), rest[1:]...), nil
}

// ourSource is this server as the one who logs: the instance is the process among several.
func ourSource(instance string) auditSource {
	out := auditSource{
		Observer: auditWho{Type: "Device", Display: "drieluik"},
		Type:     []auditCoding{{System: "http://terminology.hl7.org/CodeSystem/security-source-type", Code: "4"}},
	}
	if instance != "" {
		out.Observer.Identifier = &auditIdentifier{System: fhir.Canonical + "/sid/instance", Value: instance}
	}
	return out
}

// Details of an entity (access.md 8) beside the reason of an emergency.
const (
	domainDetail = "domain"   // of the data
	checkDetail  = "controle" // what authority was found in force, and when that was asked
)

// emergencyReason is the detail that holds the text of break-glass (access.md 8), and of an acknowledgement.
const emergencyReason = "reden"

// whys are the reasons that somebody typed: of an emergency, and of a start that did not wait.
func (e *event) whys() []auditDetail {
	var out []auditDetail
	if b := e.call.Principal.BTG; b != nil {
		out = append(out, auditDetail{Type: emergencyReason, Value: b.Reason})
	}
	for _, reason := range e.reasons {
		out = append(out, auditDetail{Type: emergencyReason, Value: reason})
	}
	return out
}

// checks are the authority that permitted, and step and reason of a refusal that names no resource.
func checks(touches []touch) []auditDetail {
	var out []auditDetail
	for _, t := range touches {
		if c := t.decision.Check; c != "" {
			out = append(out, auditDetail{Type: checkDetail, Value: c})
			break
		}
	}
	if d := firstDenied(touches); d != nil && d.ref.IsZero() && d.decision.Step != "" {
		out = append(out, auditDetail{Type: "step", Value: d.decision.Step}, auditDetail{Type: "reason", Value: d.decision.Reason})
	}
	return out
}

// hideIdentifiers replaces the values of identifier parameters by their SHA-256: they may be the
// national identifiers of other persons.
func hideIdentifiers(q url.Values) url.Values {
	out := url.Values{}
	for name, values := range q {
		for _, v := range values {
			if strings.Contains(name, "identifier") {
				h := sha256.Sum256([]byte(v))
				v = hex.EncodeToString(h[:])
			}
			out.Add(name, v)
		}
	}
	return out
}
