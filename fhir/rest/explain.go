package rest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// explain serves GET and POST /Patient/id/$explain-access.
func (s *Server) explain(w http.ResponseWriter, r *http.Request) error {
	c, ref, err := s.operation(w, r, "Patient", "explain-access")
	if err != nil {
		return err
	}
	ask, err := s.question(r, ref)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Read, ref.Type, err)
	}
	out, err := s.Exchange.Explain(r.Context(), c, ask)
	if err != nil {
		return err
	}
	body, err := exchange.JSON(s.explained(out))
	if err != nil {
		return fhir.Wrap("rest.explain", err)
	}
	return writeJSON(w, http.StatusOK, body)
}

// explainRule is the id of the refusals of a question's form.
const explainRule = "explain-parameter"

// question reads the parameters of $explain-access, of the URL or of the body.
func (s *Server) question(r *http.Request, patient fhir.Ref) (exchange.Question, error) {
	const op = "rest.question"
	ask := exchange.Question{Patient: patient}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return ask, fhir.Errorf(fhir.BadRequest, op, "invalid", "query-form", "The query is not properly percent-encoded.")
	}
	for _, name := range formats {
		query.Del(name)
	}
	if r.Method == http.MethodPost {
		given, err := resource(r, "Parameters")
		if err != nil {
			return ask, err
		}
		if name, ok := addParameters(query, given); !ok {
			return ask, explainFault(name)
		}
	}
	ask.Query = query
	for _, name := range slices.Sorted(maps.Keys(query)) {
		p, known := explainParams[name]
		if !known || !p.many && len(query[name]) > 1 || slices.ContainsFunc(query[name], func(v string) bool { return !p.read(s, &ask, v) }) {
			return ask, explainFault(name)
		}
	}
	if ask.Recipient.IsZero() {
		return ask, explainFault("recipient")
	}
	if len(ask.Classes) == 0 {
		ask.Classes = []fhir.Type{"CarePlan"}
	}
	if ask.Language == "" {
		ask.Language = preferredLanguage(r)
	}
	return ask, nil
}

// explainFault tells what a parameter takes; of an unknown one, which there are.
func explainFault(name string) error {
	text := "$explain-access takes recipient, purpose, class, domain, at and language."
	if p, known := explainParams[name]; known {
		text = p.text
	}
	e := fhir.Errorf(fhir.BadRequest, "rest.question", "value", explainRule, "%s", text)
	if _, known := explainParams[name]; known {
		e.Issues[0].Expression = "Parameters.parameter.where(name = '" + name + "')"
	}
	return e
}

// explainParam reads one value of a parameter, false when it cannot.
type explainParam struct {
	many bool
	text string
	read func(s *Server, ask *exchange.Question, v string) bool
}

var explainParams = map[string]explainParam{
	"recipient": {text: "Give one recipient: a reference such as Organization/x.", read: func(s *Server, ask *exchange.Question, v string) bool {
		var ok bool
		ask.Recipient, ok = fhir.ParseRef(strings.TrimPrefix(v, s.Base+"/"))
		return ok && ask.Recipient.Version == 0
	}},
	"purpose": {text: "Give one purpose of v3-ActReason, such as TREAT.", read: func(_ *Server, ask *exchange.Question, v string) bool {
		system, code, found := strings.Cut(v, "|")
		if !found {
			system, code = "", v
		}
		ask.Purpose = code
		return code != "" && len(code) <= 32 && (system == "" || system == "http://terminology.hl7.org/CodeSystem/v3-ActReason")
	}},
	"class": {many: true, text: "Give resource types in class, at most 20.", read: func(_ *Server, ask *exchange.Question, v string) bool {
		t, ok := fhir.ParseType(v)
		if ok && !slices.Contains(ask.Classes, t) {
			ask.Classes = append(ask.Classes, t)
		}
		return ok && len(ask.Classes) <= exchange.MaxClasses
	}},
	"domain": {many: true, text: "Give domains: medisch, veiligheid, sociaal or ontwikkeling.", read: func(_ *Server, ask *exchange.Question, v string) bool {
		if !slices.Contains(ask.Domains, v) {
			ask.Domains = append(ask.Domains, v)
		}
		return slices.Contains([]string{"medisch", "veiligheid", "sociaal", "ontwikkeling"}, v)
	}},
	"at": {text: "Give one dateTime in at.", read: func(_ *Server, ask *exchange.Question, v string) bool {
		ask.At = v
		_, ok := instants(v)
		return ok
	}},
	"language": {text: "Give language as nl, sv or en.", read: func(_ *Server, ask *exchange.Question, v string) bool {
		ask.Language = v
		return slices.Contains(languages, v)
	}},
}

// languages are those of the sentences.
var languages = []string{"nl", "sv", "en"}

// preferredLanguage is the first language of Accept-Language in which there are sentences, or "".
func preferredLanguage(r *http.Request) string {
	for one := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(one, ";")
		tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if slices.Contains(languages, tag) {
			return tag
		}
	}
	return ""
}

// addParameters takes the values of a Parameters resource into query; the name of one that it cannot take.
func addParameters(query url.Values, given *fhir.Resource) (string, bool) {
	for p := range given.Root().All("parameter") {
		name := p.Member("name").Text()
		text := ""
		for m := range p.Children() {
			switch m.Name() {
			case "valueReference":
				text = m.Member("reference").Text()
			case "valueCoding":
				text = m.Member("system").Text() + "|" + m.Member("code").Text()
			case "valueCode", "valueDateTime", "valueString":
				text = m.Text()
			}
		}
		if text == "" || len(query[name]) > exchange.MaxClasses {
			return name, false
		}
		query.Add(name, text)
	}
	return "", true
}

// parameters is a Parameters resource as it is written.
type parameters struct {
	ResourceType string      `json:"resourceType"`
	Parameter    []parameter `json:"parameter,omitempty"`
}

type parameter struct {
	Name       string                `json:"name"`
	Code       string                `json:"valueCode,omitempty"`
	String     string                `json:"valueString,omitempty"`
	Translated *exchange.InLanguages `json:"_valueString,omitempty"`
	DateTime   string                `json:"valueDateTime,omitempty"`
	Bool       *bool                 `json:"valueBoolean,omitempty"`
	Int        *int                  `json:"valueInteger,omitempty"`
	Date       string                `json:"valueDate,omitempty"`
	Decimal    float64               `json:"valueDecimal,omitempty"`
	Reference  *paramReference       `json:"valueReference,omitempty"`
	Resource   json.RawMessage       `json:"resource,omitempty"`
	Part       []parameter           `json:"part,omitempty"`
}

type paramReference struct {
	Reference string `json:"reference"`
}

// explained renders the answers.
func (s *Server) explained(all []exchange.Answer) parameters {
	out := parameters{ResourceType: "Parameters", Parameter: []parameter{}}
	for _, a := range all {
		parts := []parameter{{Name: "class", Code: string(a.Class)}}
		parts = append(parts, filled(parameter{Name: "domain", Code: a.Domain})...)
		decision := "deny"
		if a.Permit {
			decision = "permit"
		}
		parts = append(parts, parameter{Name: "decision", Code: decision}, parameter{Name: "reason", Code: a.Reason})
		parts = append(parts, filled(parameter{Name: "text", String: a.Text})...)
		if !a.Until.IsZero() {
			parts = append(parts, parameter{Name: "until", DateTime: a.Until.UTC().Format(time.RFC3339)})
		}
		for _, ref := range a.Consents {
			parts = append(parts, parameter{Name: "consent", Reference: &paramReference{ref.String()}})
		}
		for _, step := range a.Steps {
			parts = append(parts, explainedStep(step))
		}
		out.Parameter = append(out.Parameter, parameter{Name: "result", Part: parts})
	}
	return out
}

func explainedStep(step exchange.AnsweredStep) parameter {
	parts := []parameter{{Name: "name", Code: step.Name}, {Name: "verdict", Code: step.Verdict}}
	parts = append(parts, filled(parameter{Name: "reason", Code: step.Reason}, parameter{Name: "text", String: step.Text})...)
	for _, near := range step.Near {
		parts = append(parts, parameter{Name: "near", Part: []parameter{
			{Name: "consent", Reference: &paramReference{near.Consent.String()}}, {Name: "element", Code: near.Element},
		}})
	}
	return parameter{Name: "step", Part: parts}
}

// filled leaves the parameters that have a value.
func filled(all ...parameter) []parameter {
	return slices.DeleteFunc(all, func(p parameter) bool { return p.Code == "" && p.String == "" })
}
