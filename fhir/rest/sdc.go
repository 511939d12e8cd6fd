package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// populate serves POST /Questionnaire/$populate and /Questionnaire/id/$populate.
func (s *Server) populate(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caller(r, auth.Read, "Questionnaire")
	if err != nil {
		return err
	}
	c.Operation = "populate"
	ask, err := s.prefilling(r)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Read, "Questionnaire", err)
	}
	out, err := s.Exchange.Populate(r.Context(), c, ask)
	if err != nil {
		return err
	}
	body, err := withIssues("response", out.Response, out.Issues)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, body)
}

// withIssues is the Parameters around a resource and what is to be told of it.
func withIssues(name string, resource []byte, issues []fhir.Issue) ([]byte, error) {
	all := parameters{ResourceType: "Parameters", Parameter: []parameter{{Name: name, Resource: resource}}}
	if len(issues) > 0 {
		outcome, err := exchange.JSON(exchange.NewOutcome(issues))
		if err != nil {
			return nil, fhir.Wrap("rest.withIssues", err)
		}
		all.Parameter = append(all.Parameter, parameter{Name: "issues", Resource: outcome})
	}
	body, err := exchange.JSON(all)
	return body, fhir.Wrap("rest.withIssues", err)
}

// prefilling reads the Parameters of $populate.
func (s *Server) prefilling(r *http.Request) (exchange.Prefilling, error) {
	ask := exchange.Prefilling{Query: url.Values{}}
	if chi.URLParam(r, "id") != "" {
		ref, err := refOf(r)
		if err != nil {
			return ask, err
		}
		ask.Form.Ref = ref
	}
	given, err := resource(r, "Parameters")
	if err != nil {
		return ask, err
	}
	for p := range given.Root().All("parameter") {
		read, known := populateParams[p.Member("name").Text()]
		if !known || !read(s, &ask, p) {
			return ask, populateFault(p, known)
		}
	}
	if ask.Form == (exchange.Form{}) {
		return ask, fhir.Errorf(fhir.BadRequest, "rest.prefilling", "required", "populate-form",
			"Name the form: POST to Questionnaire/id/$populate, or give one of questionnaire, questionnaireRef and canonical.")
	}
	if ask.Subject.IsZero() {
		return ask, fhir.Errorf(fhir.BadRequest, "rest.prefilling", "required", "populate-subject", "Give the parameter subject: a reference to the child.")
	}
	ask.Query.Set("subject", ask.Subject.String())
	return ask, nil
}

// populateFault tells what $populate takes.
func populateFault(p fhir.Node, known bool) error {
	text := "$populate takes questionnaire, questionnaireRef, canonical, subject, context and local."
	if known {
		text = "This parameter of $populate is given twice or has not the form that it takes: references name a resource of this server, resources are whole."
	}
	e := fhir.Errorf(fhir.BadRequest, "rest.prefilling", "invalid", "populate-parameter", "%s", text)
	e.Issues[0].Expression = p.Path()
	return e
}

// populateParams read one parameter each, false when they cannot.
var populateParams = map[string]func(s *Server, ask *exchange.Prefilling, p fhir.Node) bool{
	"questionnaire": func(_ *Server, ask *exchange.Prefilling, p fhir.Node) bool {
		form, ok := inside(p.Member("resource"), "Questionnaire")
		return ok && named(ask, exchange.Form{Given: form})
	},
	"questionnaireRef": func(s *Server, ask *exchange.Prefilling, p fhir.Node) bool {
		ref, ok := s.local(p.Member("valueReference").Member("reference").Text())
		return ok && ref.Type == "Questionnaire" && named(ask, exchange.Form{Ref: ref})
	},
	"canonical": func(_ *Server, ask *exchange.Prefilling, p fhir.Node) bool {
		text := p.Member("valueCanonical").Text() + p.Member("valueUri").Text()
		return text != "" && named(ask, exchange.Form{Canonical: text})
	},
	"subject": func(s *Server, ask *exchange.Prefilling, p fhir.Node) bool {
		fresh := ask.Subject.IsZero()
		ref, ok := s.local(p.Member("valueReference").Member("reference").Text())
		ask.Subject = ref
		return ok && fresh
	},
	"context": func(s *Server, ask *exchange.Prefilling, p fhir.Node) bool { return s.context(ask, p) },
	"local":   func(_ *Server, _ *exchange.Prefilling, p fhir.Node) bool { return p.Member("valueBoolean").Exists() },
}

// named sets the form, once.
func named(ask *exchange.Prefilling, f exchange.Form) bool {
	fresh := ask.Form == (exchange.Form{})
	ask.Form = f
	return fresh
}

// maxContexts bounds the launch context of one request.
const maxContexts = 20

// context reads one parameter context: a name, and contents that are references or resources.
func (s *Server) context(ask *exchange.Prefilling, p fhir.Node) bool {
	name := ""
	var contents []exchange.ContextItem
	for part := range p.All("part") {
		item, ok := exchange.ContextItem{}, true
		switch part.Member("name").Text() {
		case "name":
			name = part.Member("valueString").Text() + part.Member("valueCode").Text()
			continue
		case "content":
		default:
			return false
		}
		if inner := part.Member("resource"); inner.Exists() {
			item.Given, ok = inside(inner, "")
		} else {
			item.Ref, ok = s.local(part.Member("valueReference").Member("reference").Text())
		}
		if !ok {
			return false
		}
		contents = append(contents, item)
	}
	for i := range contents {
		contents[i].Name = name
	}
	ask.Context = slices.Concat(ask.Context, contents)
	return name != "" && len(contents) > 0 && len(ask.Context) <= maxContexts
}

// local reads a reference to a resource of this server.
func (s *Server) local(text string) (fhir.Ref, bool) {
	ref, ok := fhir.ParseRef(strings.TrimPrefix(text, s.Base+"/"))
	return ref, ok && ref.Version == 0
}

// inside returns a resource in a resource, of that type or any.
func inside(n fhir.Node, t fhir.Type) (*fhir.Resource, bool) {
	r, issues := fhir.Parse([]byte(n.Raw()), fhir.Limits{Bytes: len(n.Raw())})
	return r, !fhir.HasErrors(issues) && (t == "" || r.Type() == t)
}

// extract serves POST /QuestionnaireResponse/$extract and /QuestionnaireResponse/id/$extract. It answers
// the transaction Bundle, with what could not be extracted in Parameters around it.
func (s *Server) extract(w http.ResponseWriter, r *http.Request) error {
	const t = "QuestionnaireResponse"
	c, err := s.caller(r, auth.Read, t)
	if err != nil {
		return err
	}
	c.Operation = "extract"
	ask, err := extraction(r)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Read, t, err)
	}
	out, err := s.Exchange.Extract(r.Context(), c, ask)
	if err != nil {
		return err
	}
	body := out.Bundle
	if len(out.Issues) > 0 {
		if body, err = withIssues("return", out.Bundle, out.Issues); err != nil {
			return err
		}
	}
	return writeJSON(w, http.StatusOK, body)
}

// extraction reads what is to be extracted: a response, or Parameters around it; of a stored one nothing.
func extraction(r *http.Request) (exchange.Extraction, error) {
	const op = "rest.extraction"
	ask := exchange.Extraction{}
	if chi.URLParam(r, "id") != "" {
		ref, err := refOf(r)
		if ask.Ref = ref; err != nil || r.ContentLength == 0 {
			return ask, err
		}
	}
	b, err := body(r, "application/fhir+json", "application/json")
	if err != nil {
		return ask, err
	}
	given, issues := fhir.Parse(b, fhir.Limits{Bytes: len(b)})
	if fhir.HasErrors(issues) {
		return ask, &fhir.Error{Kind: fhir.Malformed, Op: op, Issues: issues}
	}
	if given.Type() == "QuestionnaireResponse" && ask.Ref.IsZero() {
		ask.Response = given
		return ask, nil
	}
	ok := given.Type() == "Parameters"
	for p := range given.Root().All("parameter") {
		switch p.Member("name").Text() {
		case "questionnaire-response":
			fresh := ask.Response == nil && ask.Ref.IsZero()
			ask.Response, ok = inside(p.Member("resource"), "QuestionnaireResponse")
			ok = ok && fresh
		case "questionnaire":
			fresh := ask.Form == nil
			ask.Form, ok = inside(p.Member("resource"), "Questionnaire")
			ok = ok && fresh
		default:
			ok = false
		}
		if !ok {
			break
		}
	}
	if !ok || ask.Response == nil && ask.Ref.IsZero() {
		return ask, fhir.Errorf(fhir.BadRequest, op, "invalid", "extract-parameter",
			"$extract takes a QuestionnaireResponse, alone or as the parameter questionnaire-response, and a questionnaire; each once, none twice.")
	}
	return ask, nil
}
