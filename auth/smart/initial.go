package smart

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Bounds of an initial access token.
const (
	maxInitialUses = 1000
	maxInitialLife = 30 * day
)

const initialPrefix = "initial/"

// InitialAccess is what an initial access token permits: registrations of apps by whoever holds it
// (SMART-721).
type InitialAccess struct {
	Scope string        // the most that a client may be registered with
	Uses  int           // registrations, 1 to 1000
	TTL   time.Duration // at most 30 days
	// Organization, as system|value, is the organisation of every client; with none, only clients with
	// users can be registered. OrganizationName is kept when it is empty.
	Organization, OrganizationName string
}

// initialRecord is what is kept of an initial access token, under the hash of its text. How often it
// was used is counted in the state.
type initialRecord struct {
	Scope              string    `json:"scope"`
	Uses               int       `json:"uses"`
	Issued             time.Time `json:"issued"`
	Expires            time.Time `json:"expires"`
	Organization       string    `json:"organization,omitempty"` // system|value
	OrganizationRef    string    `json:"organization_ref,omitempty"`
	OrganizationStored string    `json:"organization_stored,omitempty"`
}

// IssueInitial makes an initial access token, which is returned once, and its organisation.
// Unprocessable with every fault.
func (r *Registry) IssueInitial(ctx context.Context, a InitialAccess) (Secret, error) {
	const op = "smart.Registry.IssueInitial"
	if issues := a.faults(); len(issues) > 0 {
		return "", &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: issues}
	}
	now := r.c.Clock().UTC()
	record := initialRecord{Scope: a.Scope, Uses: a.Uses, Issued: now, Expires: now.Add(a.TTL), Organization: a.Organization}
	if a.Organization != "" {
		identifier, _ := parseIdentifier(a.Organization)
		org, err := r.c.RegisterOrganization(ctx, Organization{Identifier: identifier, Name: a.OrganizationName, NameIfNew: identifier.Value})
		if err != nil {
			return "", fhir.Wrap(op, err)
		}
		record.OrganizationRef, record.OrganizationStored = org.Ref.Current().String(), org.Name
	}
	token, err := newSecret(r.c.Random, prefixInitial, secretBytes)
	if err != nil {
		return "", fhir.Wrap(op, err)
	}
	value, err := json.Marshal(record)
	if err != nil {
		return "", fhir.Wrap(op, err)
	}
	if err := r.c.Store.SaveSetting(ctx, initialKey(token), value); err != nil {
		return "", fhir.Wrap(op, err)
	}
	r.c.Log.LogAttrs(ctx, slog.LevelInfo, "initial_access_issued", slog.String("outcome", "ok"),
		slog.String("token", token.trace()), slog.Int("uses", a.Uses), slog.String("organization", record.OrganizationRef))
	return token, nil
}

// faults judges what is asked by the rules of a registration.
func (a InitialAccess) faults() []fhir.Issue {
	sample := Client{Scope: a.Scope, Organization: a.Organization, OrganizationName: a.OrganizationName, Dynamic: true}
	var issues []fhir.Issue
	for _, rules := range [][]clientRule{scopeRules(), organizationRules()} {
		for _, r := range rules {
			issues = append(issues, r.check("", sample)...)
		}
	}
	if a.Uses < 1 || a.Uses > maxInitialUses {
		issues = append(issues, clientIssue("/uses", "client.uses", "must lie between 1 and 1000"))
	}
	if a.TTL < time.Second || a.TTL > maxInitialLife {
		issues = append(issues, clientIssue("/ttl", "client.ttl", "must lie between 1s and 720h"))
	}
	return issues
}

func initialKey(token Secret) string {
	h := token.hash()
	return initialPrefix + hex.EncodeToString(h[:])
}

// initial returns what a token permits, nil when it is unknown or over; Unavailable when that cannot be
// read.
func (r *Registry) initial(ctx context.Context, token Secret) (*initialRecord, error) {
	const op = "smart.Registry.initial"
	if !token.is(prefixInitial) {
		return nil, nil
	}
	value, found, err := r.c.Store.Setting(ctx, initialKey(token))
	if err != nil {
		return nil, &fhir.Error{Kind: fhir.Unavailable, Op: op, Err: err}
	}
	if !found {
		return nil, nil
	}
	record := &initialRecord{}
	if err := json.Unmarshal(value, record); err != nil {
		return nil, fhir.Wrap(op, err)
	}
	if !r.c.Clock().Before(record.Expires) {
		return nil, nil
	}
	return record, nil
}
