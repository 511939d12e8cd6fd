// Package conformance owns what the product publishes about itself: the CapabilityStatement and
// the artefacts under Canonical. It refuses storage.
package conformance

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// Capabilities is what a server says of itself beyond the tables.
type Capabilities struct {
	Base         string // FHIR base URL
	Release      string
	Date         time.Time
	Interactions []string // type level, as served for every resource type: "read", "vread", …
	System       []string // system level: "transaction"
	Operations   []Operation
	Token        string // URL of the token endpoint
	Revoke       string // "" when not served
	Introspect   string // "" when not served
	Authorize    string // "" when not served
	Manage       string // page where a user withdraws; "" when not served
	Topics       Topics
}

// Topics are what Subscriptions can be about.
type Topics struct {
	URLs      []string // canonical
	Profile   string   // that a Subscription follows
	Extension string   // by which a CapabilityStatement names a topic
}

// Operation is one served operation.
type Operation struct {
	Name, Definition string
	Type             fhir.Type // of the resources it is served on; "" for the whole server, "Resource" for every type
}

// Statement renders the CapabilityStatement from the tables that serve requests. refused tells which
// interactions a type does not take.
func Statement(c Capabilities, refused func(t fhir.Type, interaction string) bool) ([]byte, error) {
	rest := map[string]any{
		"mode":        "server",
		"security":    security(c),
		"resource":    resources(c, refused),
		"interaction": codes(c.System),
		"searchParam": common(),
		"compartment": compartments(),
	}
	if ops := operations(c, ""); len(ops) > 0 {
		rest["operation"] = ops
	}
	return json.Marshal(map[string]any{
		"resourceType": "CapabilityStatement",
		"url":          c.Base + "/metadata",
		"name":         "Drieluik",
		"title":        "drieluik",
		"status":       "active",
		"kind":         "instance",
		"date":         c.Date.UTC().Format(time.RFC3339),
		"publisher":    "drieluik",
		"description":  "Transfers and care plans of children who are nursed at home, between hospital, home care and family.",
		"fhirVersion":  "4.0.1",
		"format":       []string{"application/fhir+json", "json"},
		"software":     map[string]string{"name": "drieluik", "version": c.Release},
		"implementation": map[string]string{
			"description": "drieluik", "url": c.Base,
		},
		"rest": []any{rest},
	})
}

func security(c Capabilities) map[string]any {
	const uris = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
	ext := []map[string]string{{"url": "token", "valueUri": c.Token}}
	for _, e := range [][2]string{
		{"authorize", c.Authorize}, {"introspect", c.Introspect}, {"revoke", c.Revoke}, {"manage", c.Manage},
	} {
		if e[1] != "" {
			ext = append(ext, map[string]string{"url": e[0], "valueUri": e[1]})
		}
	}
	return map[string]any{
		"cors":      true,
		"extension": []any{map[string]any{"url": uris, "extension": ext}},
		"service": []any{map[string]any{"coding": []any{map[string]string{
			"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR",
		}}}},
		"description": "SMART App Launch 2.2. Patient.link is never followed for access.",
	}
}

func resources(c Capabilities, refused func(fhir.Type, string) bool) []any {
	var out []any
	referring := referrers()
	for _, t := range fhir.Types() {
		interactions := make([]string, 0, len(c.Interactions))
		for _, i := range c.Interactions {
			if !refused(t, i) {
				interactions = append(interactions, i)
			}
		}
		takes := func(i string) bool { return slices.Contains(interactions, i) }
		conditionalDelete := "not-supported"
		if takes("delete") {
			conditionalDelete = "single"
		}
		row := map[string]any{
			"type":              string(t),
			"interaction":       codes(interactions),
			"versioning":        "versioned", // If-Match is heard, and not demanded
			"readHistory":       takes("history-instance"),
			"updateCreate":      takes("update"),
			"conditionalCreate": takes("create"),
			"conditionalRead":   "full-support",
			"conditionalUpdate": takes("update"),
			"conditionalDelete": conditionalDelete,
			"referencePolicy":   []string{"literal", "logical"},
			"searchParam":       params(t),
		}
		if ops := operations(c, t); len(ops) > 0 {
			row["operation"] = ops
		}
		if t == "Subscription" && len(c.Topics.URLs) > 0 {
			row["supportedProfile"] = []string{c.Topics.Profile}
			row["extension"] = c.Topics.extensions()
			row["documentation"] = "Criteria is the canonical URL of a topic; the channel is rest-hook. Written by the system of an organisation."
		}
		if to := includes(t); to != nil {
			row["searchInclude"] = to
		}
		if back := referring[string(t)]; back != nil {
			row["searchRevInclude"] = back
		}
		out = append(out, row)
	}
	return out
}

func (t Topics) extensions() []map[string]string {
	out := make([]map[string]string, len(t.URLs))
	for i, url := range t.URLs {
		out[i] = map[string]string{"url": t.Extension, "valueCanonical": url}
	}
	return out
}

// operations lists what is served on a type, or on the whole server.
func operations(c Capabilities, t fhir.Type) (out []map[string]string) {
	for _, o := range c.Operations {
		if o.Type == t || o.Type == "Resource" && t != "" {
			out = append(out, map[string]string{"name": o.Name, "definition": o.Definition})
		}
	}
	return out
}

// includes are the values of _include for a type.
func includes(t fhir.Type) []string {
	if search.Apart(t) {
		return nil
	}
	out := []string{"*", string(t) + ":*"}
	for _, p := range search.Params(t) {
		if p.Kind == search.Reference {
			out = append(out, string(t)+":"+p.Code)
		}
	}
	return out
}

// referrers are, for each type, the values of _revinclude that can lead to it.
func referrers() map[string][]string {
	out := map[string][]string{}
	for _, t := range fhir.Types() {
		for _, p := range search.Params(t) {
			if p.Kind != search.Reference {
				continue
			}
			for _, target := range p.Targets {
				if search.Apart(t) || search.Apart(fhir.Type(target)) {
					continue
				}
				out[target] = append(out[target], string(t)+":"+p.Code)
			}
		}
	}
	return out
}

// common are the parameters that every type has: those of a search over several types.
func common() []any {
	all := slices.DeleteFunc(fhir.Types(), search.Apart)
	shared := search.Params(all[0])
	for _, t := range all[1:] {
		has := map[string]search.Kind{}
		for _, p := range search.Params(t) {
			has[p.Code] = p.Kind
		}
		shared = slices.DeleteFunc(shared, func(p search.Param) bool { return has[p.Code] != p.Kind })
	}
	return rows(shared)
}

// compartments are the definitions of the compartments that can be searched.
func compartments() []string {
	var out []string
	for _, t := range fhir.Types() {
		if len(search.CompartmentTypes(t)) > 0 {
			out = append(out, "http://hl7.org/fhir/CompartmentDefinition/"+strings.ToLower(string(t)))
		}
	}
	return out
}

func params(t fhir.Type) []any { return rows(search.Params(t)) }

func rows(params []search.Param) []any {
	var out []any
	for _, p := range params {
		row := map[string]string{"name": p.Code, "type": paramTypes[p.Kind]}
		if p.Definition != "" {
			row["definition"] = p.Definition
		}
		out = append(out, row)
	}
	return out
}

var paramTypes = map[search.Kind]string{
	search.Token: "token", search.Reference: "reference", search.Date: "date", search.String: "string",
	search.Number: "number", search.Quantity: "quantity", search.URI: "uri", search.Composite: "composite",
	search.Special: "special",
}

func codes(list []string) []map[string]string {
	out := make([]map[string]string, len(list))
	for i, c := range list {
		out[i] = map[string]string{"code": c}
	}
	return out
}
