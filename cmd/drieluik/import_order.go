package main

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// importOne takes one record as $submit does, on behalf of the organisation that sent it. What is wrong
// with the record is in the outcome; an error means that the store does not take records now.
func (a *app) importOne(ctx context.Context, o order) (outcome, error) {
	var from sender
	if !o.Gathered {
		from = senderOf(o.File)
	}
	switch {
	case from.bad != nil:
		return outcome{Issues: []fhir.Issue{*from.bad}}, nil
	case from.identifier != "":
		o.Organization = from.identifier
	case o.Organization == "":
		return refusedFor("import-org", "", "The record does not say which organisation sent it; give --org for FHIR Bundles."), nil
	}
	org, err := a.sendingOrganization(ctx, o.Organization, from.name)
	if err != nil {
		return outcome{}, err
	}
	scopes, err := auth.ParseScopes(backendScope)
	if err != nil {
		return outcome{}, err
	}
	receipt, err := a.exchange.Submit(ctx, exchange.Call{RequestID: newID(), Import: true, Principal: auth.Principal{
		State: auth.TokenActive, Role: auth.System, Client: "operator", ClientName: "drieluik import",
		Organization: org, Scopes: scopes, Purpose: "TREAT", Launch: "none",
	}}, o.File, fhir.Limits{Bytes: importLimit})
	if err == nil {
		return outcome{Repeat: receipt.Repeat}, nil
	}
	var refused *fhir.Error
	if errors.As(err, &refused) && refused.Kind != fhir.Internal && refused.Kind != fhir.Unavailable && len(refused.Issues) > 0 {
		return outcome{Issues: refused.Issues}, nil
	}
	return outcome{}, err
}

// isURA is the form of a URA number.
var isURA = regexp.MustCompile(`^[0-9]{8}$`)

func refusedFor(rule, at, text string) outcome {
	return outcome{Issues: []fhir.Issue{{Severity: fhir.SeverityError, Code: "value", Diagnostics: rule, Expression: at, Text: text}}}
}

// sender is who sent a source document, as it says itself: SYSTEM|VALUE, "" when it says nothing.
type sender struct {
	identifier, name string
	bad              *fhir.Issue // the number that it gives is none
}

// isHSA is the form of an HSA-id.
var isHSA = regexp.MustCompile(`^SE[0-9]{10}-[0-9A-Za-z]{1,18}$`)

const hsaSystem = "urn:oid:1.2.752.29.4.19"

// senderOf reads the sender of a document of any format: bronsysteem of the Dutch ones, the unit that
// answers for a Swedish plan.
func senderOf(doc []byte) sender {
	var head struct {
		Bronsysteem struct{ URA, Naam string }
		Ansvar      struct{ VardenhetHsaID string }
	}
	if json.Unmarshal(doc, &head) != nil {
		return sender{}
	}
	ura, unit := head.Bronsysteem.URA, head.Ansvar.VardenhetHsaID
	switch {
	case ura != "" && !isURA.MatchString(ura):
		return sender{bad: &refusedFor("MKS-ENV-06", "/bronsysteem/ura", "The URA number of the sender has eight digits; correct it.").Issues[0]}
	case ura != "":
		return sender{identifier: organizationIdentifier(ura), name: head.Bronsysteem.Naam}
	case unit != "" && !isHSA.MatchString(unit):
		return sender{bad: &refusedFor("SP-S07", "/ansvar/vardenhetHsaId", "The HSA-id of the unit that answers for the plan is malformed; correct it.").Issues[0]}
	case unit != "":
		return sender{identifier: hsaSystem + "|" + unit}
	}
	return sender{}
}

// sendingOrganization finds the organisation of an identifier, or registers it as the operator's act.
func (a *app) sendingOrganization(ctx context.Context, identifier, name string) (fhir.Ref, error) {
	ref, err := a.exchange.OrganizationOf(ctx, identifier)
	if err == nil || fhir.KindOf(err) != fhir.NotFound {
		return ref, err
	}
	system, value, _ := strings.Cut(identifier, "|")
	return a.exchange.RegisterOrganization(ctx, exchange.Registration{
		Identifier: fhir.Identifier{System: system, Value: value}, NameIfNew: name,
	})
}
