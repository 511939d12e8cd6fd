package main

import (
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/conformance"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/rest"
	"github.com/drieluik/drieluik/fhir/subscription"
)

// metadata renders the CapabilityStatement, which is that of a start of the server.
func (a *app) metadata(started time.Time) ([]byte, error) {
	return conformance.Statement(conformance.Capabilities{
		Base: a.base + "/fhir", Release: release, Date: started,
		Interactions: rest.Interactions[:], System: rest.SystemInteractions[:],
		Operations: operations(), Topics: topics(),
		Token: a.base + "/auth/token", Introspect: a.base + "/auth/introspect", Revoke: a.base + "/auth/revoke",
		Authorize: a.base + "/auth/authorize", Manage: a.base + "/auth/apps",
	}, immutable)
}

// operations are those of this release, from the tables that serve them.
func operations() []conformance.Operation {
	const r4 = "http://hl7.org/fhir/OperationDefinition/"
	const bulk = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
	const sdc = "http://hl7.org/fhir/uv/sdc/OperationDefinition/"
	out := []conformance.Operation{
		{Name: "submit", Definition: fhir.Canonical + "/OperationDefinition/submit"},
		{Name: "convert", Definition: fhir.Canonical + "/OperationDefinition/convert"},
		{Name: "import", Definition: fhir.Canonical + "/OperationDefinition/import"},
		{Name: "everything", Definition: r4 + "Patient-everything", Type: "Patient"},
		{Name: "document", Definition: r4 + "Composition-document", Type: "Composition"},
		{Name: "export", Definition: bulk + "patient-export", Type: "Patient"},
		{Name: "export", Definition: bulk + "group-export", Type: "Group"},
		{Name: "explain-access", Definition: fhir.Canonical + "/OperationDefinition/Patient-explain-access", Type: "Patient"},
		{Name: "completeness", Definition: fhir.Canonical + "/OperationDefinition/Patient-completeness", Type: "Patient"},
		{Name: "actions", Definition: fhir.Canonical + "/OperationDefinition/Patient-actions", Type: "Patient"},
		{Name: "load", Definition: fhir.Canonical + "/OperationDefinition/Patient-load", Type: "Patient"},
		{Name: "discharge-check", Definition: fhir.Canonical + "/OperationDefinition/Task-discharge-check", Type: "Task"},
		{Name: "ecomap", Definition: fhir.Canonical + "/OperationDefinition/CareTeam-ecomap", Type: "CareTeam"},
		{Name: "validate", Definition: r4 + "Resource-validate", Type: "Resource"},
		{Name: "populate", Definition: sdc + "Questionnaire-populate", Type: "Questionnaire"},
		{Name: "extract", Definition: sdc + "QuestionnaireResponse-extract", Type: "QuestionnaireResponse"},
		{Name: "status", Definition: subscription.StatusOperation, Type: "Subscription"},
		{Name: "events", Definition: subscription.EventsOperation, Type: "Subscription"},
	}
	for _, o := range terminology.Operations() {
		out = append(out, conformance.Operation{Name: o.Name, Definition: o.Definition, Type: o.Type})
	}
	return out
}

// topics are what a Subscription can be about.
func topics() conformance.Topics {
	out := conformance.Topics{Profile: subscription.Profile, Extension: subscription.TopicExtension}
	for _, t := range subscription.Topics() {
		out.URLs = append(out.URLs, t.URL)
	}
	return out
}

// immutable tells what access.md 3 refuses with 405, and what a type does not have.
func immutable(t fhir.Type, interaction string) bool {
	return auth.Refused(t, auth.Interaction(interaction)) || !rest.Serves(t, interaction)
}

// served are the types and scope letters of this release, from the tables that serve them.
func served() []smart.TypeLetters {
	out := make([]smart.TypeLetters, 0, len(fhir.Types()))
	for _, t := range fhir.Types() {
		letters := ""
		for _, l := range []struct{ letter, interaction string }{{"c", "create"}, {"r", "read"}, {"u", "update"}, {"d", "delete"}, {"s", "search-type"}} {
			if !immutable(t, l.interaction) {
				letters += l.letter
			}
		}
		out = append(out, smart.TypeLetters{Type: t, Letters: letters})
	}
	return out
}
