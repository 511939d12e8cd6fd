package exchange

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
