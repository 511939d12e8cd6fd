// Package auth decides who may see and do what: principals, scopes, facts, custody and age tables,
// the consent compiler, Decide and the Filter it compiles for search. It is pure: no HTTP, no
// storage, no clock. access.md is its contract.
package auth

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Role is the role of a principal, access.md 1 (CodeSystem access-role).
type Role string

// Roles.
const (
	System       Role = "system"
	Professional Role = "professional"
	Guardian     Role = "guardian"
	ChildRole    Role = "child"
	Helper       Role = "helper"
	Admin        Role = "admin"
)

// TokenState is what the token store says of the token.
type TokenState uint8

// Token states. The zero value is an absent token.
const (
	TokenMissing TokenState = iota
	TokenInvalid
	TokenActive
)

// BreakGlass is an emergency access, access.md 3.9.
type BreakGlass struct {
	Reason  string
	At, Exp time.Time
}

// Principal is who asks, as the token says. Nothing of the request adds to it.
type Principal struct {
	State        TokenState
	Role         Role
	Client       string
	ClientName   string
	Organization fhir.Ref // of the client or user; zero for guardian, child and helper
	Subject      string   // opaque, stable per user
	FHIRUser     fhir.Ref
	Patient      fhir.Ref // launch context
	Scopes       Scopes
	Purpose      string // v3-ActReason code
	Launch       string // ehr, standalone, none
	BTG          *BreakGlass
	Grant        string
	Bound        bool // the token is bound to a key of the client, or was sent as if: challenges name DPoP
	Issued       time.Time
	Expires      time.Time
}

// Interaction is what is asked, access.md 11.
type Interaction string

// Interactions.
const (
	Read            Interaction = "read"
	VRead           Interaction = "vread"
	HistoryInstance Interaction = "history-instance"
	HistoryType     Interaction = "history-type"
	SearchType      Interaction = "search-type"
	Create          Interaction = "create"
	Update          Interaction = "update"
	Patch           Interaction = "patch"
	Delete          Interaction = "delete"
	Notify          Interaction = "notify"
	Export          Interaction = "export"
	Include         Interaction = "include"

	// The searches behind conditional writes: they show what phase B shows, with the letter of the write
	// instead of r and s (access.md 5).
	MatchCreate Interaction = "match-create"
	MatchUpdate Interaction = "match-update"
	MatchDelete Interaction = "match-delete"
)

// Action is one interaction with one type, and with one resource when Facts.Resource is set.
type Action struct {
	Interaction Interaction
	Type        fhir.Type
	Body        *ResourceFacts // create, update, patch: the facts of the new content
}

// StepVerdict is one step of a decision, for $explain-access and denials.
type StepVerdict struct {
	Name    string // token, method, scope, context, relation, representation, consent, domain, label, emergency, permit
	Verdict string // pass, fail, skip, override
	Reason  string
}

// Decision is the answer of Decide. Reason is one code of access.md.
type Decision struct {
	Permit      bool
	HTTP        int // status for the client, were this the whole request
	Step        string
	Reason      string
	Needs       string // with scope-missing: a scope that would do, judged on the type alone
	Obligations []string
	Grounds     []fhir.Ref // consents, teams and tasks that carried the permit, with versions
	Check       string     // authority that was found in force and when that was asked, such as "custody 2026-10-30"
	Trace       []StepVerdict
}
