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
	ura, name := senderOf(o.File)
	switch {
	case ura != "" && !isURA.MatchString(ura):
		return refusedFor("MKS-ENV-06", "/bronsysteem/ura", "The URA number of the sender has eight digits; correct it."), nil
	case ura != "":
		o.Organization = organizationIdentifier(ura)
	case o.Organization == "":
		return refusedFor("import-org", "", "The record does not say which organisation sent it; give --org for FHIR Bundles."), nil
	}
	org, err := a.sendingOrganization(ctx, o.Organization, name)
	if err != nil {
		return outcome{}, err
	}
	scopes, err := auth.ParseScopes(backendScope)
	if err != nil {
		return outcome{}, err
	}
	receipt, err := a.exchange.Submit(ctx, exchange.Call{RequestID: newID(), Principal: auth.Principal{
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

// senderOf is who sent a source document, as it says itself.
func senderOf(doc []byte) (ura, name string) {
	var head struct {
		Bronsysteem struct{ URA, Naam string }
	}
	if json.Unmarshal(doc, &head) != nil {
		return "", ""
	}
	return head.Bronsysteem.URA, head.Bronsysteem.Naam
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
