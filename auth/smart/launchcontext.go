package smart

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Bounds of what a launch hands over. All of it travels in the interaction, whose record is bounded.
const (
	maxFHIRContext = 10   // items
	maxContext     = 1024 // bytes of all items together
	maxIntent      = 128  // bytes
)

// launchContext is what a launch hands to the app beside the patient (SMART-401, 402). It stays the
// same for the life of a grant.
type launchContext struct {
	Encounter string          `json:"encounter,omitempty"` // id
	Banner    bool            `json:"need_patient_banner"`
	Style     string          `json:"style,omitempty"` // name of the style document
	Intent    string          `json:"intent,omitempty"`
	FHIR      json.RawMessage `json:"fhir_context,omitempty"` // array
}

// context lists the members that a token answer and an introspection say of a grant's context.
func (s *Server) context(g *grantRecord) map[string]any {
	m := map[string]any{}
	if g.Patient != "" {
		m["patient"] = refOf(g.Patient).ID
	}
	c := g.Context
	if c == nil {
		return m
	}
	m["need_patient_banner"] = c.Banner
	if c.Style != "" {
		m["smart_style_url"] = s.base + stylePath + c.Style
	}
	if len(c.FHIR) > 0 {
		m["fhirContext"] = c.FHIR
	}
	for name, value := range map[string]string{"encounter": c.Encounter, "intent": c.Intent} {
		if value != "" {
			m[name] = value
		}
	}
	return m
}

// readFHIRContext returns the items of fhirContext as they go to the app. false: they break a rule.
func readFHIRContext(n fhir.Node) (json.RawMessage, bool) {
	if n.Shape() != fhir.Array || n.Len() == 0 || n.Len() > maxFHIRContext {
		return nil, false
	}
	for item := range n.Children() {
		if item.Shape() != fhir.Object || !isContextItem(item) {
			return nil, false
		}
	}
	var b bytes.Buffer
	if json.Compact(&b, []byte(n.Raw())) != nil || b.Len() > maxContext {
		return nil, false
	}
	return b.Bytes(), true
}

// contextMembers are the members of an item of fhirContext with the rule of each.
func contextMembers() map[string]func(fhir.Node) bool {
	return map[string]func(fhir.Node) bool{
		"reference":  func(n fhir.Node) bool { return isText(n) && isRelative(n.Text()) },
		"canonical":  func(n fhir.Node) bool { return isText(n) && isAbsolute(n.Text()) },
		"identifier": isContextIdentifier,
		"type": func(n fhir.Node) bool {
			_, known := fhir.ParseType(n.Text())
			return isText(n) && known
		},
		"role": func(n fhir.Node) bool { return isText(n) && (n.Text() == roleLaunch || isAbsolute(n.Text())) },
	}
}

// roleLaunch is the role of an item that names none.
const roleLaunch = "launch"

// isContextItem holds SMART-402. Patient and encounter of the launch have members of their own, so
// that an item may name one only in another role.
func isContextItem(item fhir.Node) bool {
	rules, seen := contextMembers(), map[string]bool{}
	for n := range item.Children() {
		holds, known := rules[n.Name()]
		if !known || !holds(n) {
			return false
		}
		seen[n.Name()] = true
	}
	typed := seen["canonical"] || seen["identifier"]
	if !seen["reference"] && !typed || typed && !seen["type"] {
		return false
	}
	if role := item.Member("role").Text(); role != "" && role != roleLaunch {
		return true
	}
	named := []string{item.Member("type").Text(), string(refOf(item.Member("reference").Text()).Type)}
	return !slices.Contains(named, "Patient") && !slices.Contains(named, "Encounter")
}

// isContextIdentifier takes a business identifier. A national number of a person has no place in a
// launch: what is kept of it holds none.
func isContextIdentifier(n fhir.Node) bool {
	if n.Shape() != fhir.Object {
		return false
	}
	for part := range n.Children() {
		if name := part.Name(); name != "system" && name != "value" || !isText(part) {
			return false
		}
	}
	system := n.Member("system").Text()
	return isAbsolute(system) && n.Member("value").Text() != "" && !auth.IsNational(system)
}

func isText(n fhir.Node) bool {
	return n.Shape() == fhir.String && n.Text() != "" && !strings.ContainsFunc(n.Text(), unicode.IsControl)
}

func isRelative(s string) bool {
	ref, ok := fhir.ParseRef(s)
	return ok && ref.String() == s
}

func isAbsolute(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "") && !strings.ContainsAny(s, " <>\"")
}
